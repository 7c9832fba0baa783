/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses an attachment gets: ranges, rotation, reservations, exhaustion. Pure. */
#ifndef NETD_IPAM_H
#define NETD_IPAM_H

#include "model.h"

struct ipam_state {
	/* 1: leased (err untouched; owner text written to owner), 0: free, negative errno: failure. */
	int (*leased)(void *user, const struct ip *ip, char *owner, size_t owner_size,
		      struct netd_error *err);
	/* The address handed out last from this range set; 0 or -ENOENT. */
	int (*last)(void *user, uint8_t set, struct ip *ret);
	void *user;
};

/*
 * Fills defaults of one range and checks it: start, end (first and last usable address; for IPv4 the
 * network and broadcast address are not usable, for IPv6 the subnet-router anycast address is not;
 * /31 and /127 use both), gateway (the subnet's first usable
 * address). A /31 or /127 whose gateway takes one of its two leaves the other. Fields with family
 * AF_UNSPEC are defaulted; start, end and gateway must lie inside the subnet, start <= end.
 */
int ipam_range_complete(struct range *range, struct netd_error *err);

/*
 * Chooses one address from each range set of the network, in order of set number: the requested one
 * if a requested address (its length 0 or equal to the subnet's) lies in a range of the set, else
 * the next free after the last one handed out, wrapping, alternatives of a set in order. Never the
 * gateway of any range of the set, never network or broadcast address.
 * Errors: requested address outside every range or two for one set (NETD_E_INVALID, "failed to
 * allocate all requested IPs: x"), equal to a gateway (NETD_E_INVALID, "requested ip x is subnet's
 * gateway"), leased (NETD_E_CONFLICT, naming the owner), none left (NETD_E_EXHAUSTED,
 * "no IP addresses available in range set: a-b").
 * ret has room for MAX_ADDRESSES.
 */
int ipam_allocate(const struct network *network, const struct prefix *requested, size_t n_requested,
		  const struct ipam_state *state, struct lease *ret, uint32_t *ret_n,
		  struct netd_error *err);

#endif
