/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and network definitions -> validated values with all defaults filled. Pure. */
#ifndef NETD_SPEC_H
#define NETD_SPEC_H

#include "model.h"

#define MAX_POOLS 16

struct pool {
	struct prefix base;
	uint8_t length;
};

/* The size field of a public structure. */
int spec_check_size(const char *name, size_t size, size_t expected, struct netd_error *err);

/* The pools of the options, or the built-in ones when there are none. */
int spec_pools(const struct netd_pool *pools, size_t n_pools, struct pool ret[static MAX_POOLS],
	       size_t *ret_n, struct netd_error *err);

/*
 * A definition as validated network. Without ranges (and without NETD_NETWORK_NO_ADDRESS) the result
 * has NETWORK_AUTO set and needs spec_choose_subnets().
 */
int spec_network(const struct netd_network *in, struct network *ret, struct netd_error *err);

/* Definition of the network that exists without being created. */
void spec_default_network(bool ipv6, struct network *ret);

/* Is a subnet of that family wanted (automatic, or NETD_NETWORK_IPV6) and not there yet? */
bool spec_lacks_subnet(const struct network *net, uint8_t family);

/*
 * Gives the network the first free subnet of the pools for each family that it lacks. busy: addresses and routes of the host, and the subnets of all other networks.
 */
int spec_choose_subnets(struct network *net, const struct pool *pools, size_t n_pools,
			const struct prefix *busy, size_t n_busy, struct netd_error *err);

/* Same definition? What netd made of it (bridge index, state bits) is not compared. */
bool spec_same_network(const struct network *a, const struct network *b);

bool network_has_family(const struct network *network, uint8_t family);

struct attach_spec {
	struct attachment_key key;
	char netns[NETNS_PATH_MAX];
	struct prefix ips[MAX_ADDRESSES]; /* length 0: not given */
	uint32_t n_ips;
	bool has_mac;
	struct mac mac;
	uint32_t mtu;
	const struct netd_port *ports; /* borrowed from the request, checked */
	size_t n_ports;
	bool has_definition;
	struct network definition;
};

int spec_attach(const struct netd_attach_request *req, struct attach_spec *ret,
		struct netd_error *err);

/* Names of a key as given by a caller: network NULL means "default", ifname NULL "eth0". */
int spec_key(const char *network, const char *id, const char *ifname, struct attachment_key *ret,
	     struct netd_error *err);

/* Checks of the parts of a key; ifname may be NULL. */
int spec_check_id(const char *id, struct netd_error *err);
int spec_check_network_name(const char *name, struct netd_error *err);
int spec_check_ifname(const char *ifname, struct netd_error *err);

/* Host end of the veth pair: "veth" and 11 hex digits of a hash of the key. */
void spec_host_ifname(const struct attachment_key *key, char ret[static IFNAMSIZ]);

/* Default routes (unless the network says none) and the network's routes, gateways filled in. */
int spec_routes(const struct network *net, const struct lease *leases, uint32_t n_leases,
		struct route *ret, uint32_t *ret_n, struct netd_error *err);

#endif
