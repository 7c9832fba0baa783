/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports: the "-p" grammar (netd_port_parse, publish.c) and the choice of host ports
 * (publish_resolve.c). Pure.
 */
#ifndef NETD_PUBLISH_H
#define NETD_PUBLISH_H

#include "model.h"

/* What the host can tell; the callbacks keep this module free of state and system calls. */
struct publish_host {
	/*
	 * Is (host address, protocol, port) free? 0: free. -EADDRINUSE: taken, err tells by whom.
	 * Any other negative errno: failure, err set. A wildcard address conflicts with every
	 * address of its family; that is the callback's to know.
	 */
	int (*probe)(void *user, const struct ip *host, uint8_t protocol, uint16_t port,
		     struct netd_error *err);
	void *user;
	uint16_t first, last; /* net.ipv4.ip_local_port_range: host ports that may be chosen */
	/*
	 * Bitmap of 65536 bits (port p is bit p % 8 of byte p / 8) of ports never chosen between
	 * first and last, or NULL. A range that the user gave is not restricted by it.
	 */
	const uint8_t *reserved;
	uint16_t cursor; /* in: last port chosen earlier, 0 none; out: last port chosen */
};

/*
 * Checks a struct netd_port that a C caller filled by hand as strictly as the parser would.
 * host_port_end may be 0 where host_port and count say it all.
 */
int publish_check(const struct netd_port *port, struct netd_error *err);

/*
 * Turns requested ports into concrete mappings. has4/has6: families that the container has. A port
 * without host address is mapped in each of them with one number; one whose address is of a family
 * that the container lacks is NETD_E_INVALID. Two requested ports that would claim the same host
 * port are NETD_E_CONFLICT ("Bind for 0.0.0.0:8080 failed: port is already allocated", naming the
 * request itself). Chosen ports rotate from the cursor, are taken once each and avoid the request's
 * own fixed ones; none left: NETD_E_EXHAUSTED "all ports are allocated". A port chosen from a range
 * that the user gave is the lowest free one and leaves the cursor alone. Mappings come in the order
 * of the ports, IPv4 before IPv6.
 * More than MAX_PORTS mapped ports per family: NETD_E_INVALID. Result is the caller's: free(3).
 */
int publish_resolve(const struct netd_port *ports, size_t n_ports, bool has4, bool has6,
		    struct publish_host *host, struct mapping **ret_mappings, uint32_t *ret_n,
		    struct netd_error *err);

/*
 * The reverse, for reports: mappings to ports, an IPv4 and an IPv6 wildcard mapping of the same
 * numbers staying two entries ("0.0.0.0" and "::"). *ret is the caller's: free(3).
 */
int publish_report(const struct mapping *mappings, uint32_t n, struct netd_port **ret,
		   size_t *ret_n, struct netd_error *err);

#endif
