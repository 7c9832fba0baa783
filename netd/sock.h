/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a socket of the host stand in the way of a published port? System module. */
#ifndef NETD_SOCK_H
#define NETD_SOCK_H

#include <netd.h>

#include "addr.h"

/*
 * Binds and closes a socket, accepting nothing: 0 when the port is free, -EADDRINUSE with
 * "failed to bind host port 0.0.0.0:8080/tcp: address already in use" and the owning process where
 * /proc tells it. An all-zero address is the wildcard. Protocols that the kernel lacks are free.
 */
int sock_probe(const struct ip *host, uint8_t protocol, uint16_t port, struct netd_error *err);

/* net.ipv4.ip_local_port_range and ip_local_reserved_ports (bitmap of 65536 bits, 8192 bytes). */
struct sysctl_net;
int sock_port_range(const struct sysctl_net *net, uint16_t *ret_first, uint16_t *ret_last,
		    uint8_t reserved[static 8192], struct netd_error *err);

#endif
