/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removal of stale connection tracking entries over ctnetlink. System module. */
#ifndef NETD_CONNTRACK_H
#define NETD_CONNTRACK_H

#include <netd.h>

#include "addr.h"

/*
 * What to forget: entries of this protocol whose original destination port lies in
 * [port, port + count - 1] and whose original destination is host (all-zero: any address of its
 * family) and, unless container has family AF_UNSPEC, whose reply source is container.
 */
struct conntrack_filter {
	struct ip host;
	struct ip container;
	uint8_t protocol;
	uint16_t port;
	uint16_t count;
};

/*
 * Deletes matching entries in the calling thread's namespace; none matching is success. Entries
 * that do not match exactly are never touched, whatever the kernel's age. Returns 0; also on a
 * kernel without ctnetlink. Cheap for up to 16 TCP or UDP ports in all; beyond that, and for SCTP,
 * the whole table is read.
 */
int conntrack_flush(const struct conntrack_filter *filters, size_t n, struct netd_error *err);

#endif
