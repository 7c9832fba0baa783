// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "ipam.h"
#include "parse.h"
#include "publish.h"
#include "util.h"

/*
 * Built-in pools, away from what Docker (172.17-31, 192.168), podman (10.88, 10.89) and cluster
 * defaults (10.42, 10.96, 10.244) use; the IPv6 one is a unique local prefix spelling "netd".
 */
static const struct netd_pool default_pools[] = {
	{ "10.144.0.0/12", 24 },
	{ "fd6e:6574:6400::/48", 64 },
};

/* The smallest MTU that IPv4 guarantees (RFC 791) and the largest that veth accepts. */
#define MTU_MIN 68
#define MTU_MIN_IPV6 1280 /* RFC 8200 section 5 */
#define MTU_MAX 65535

static int pool_parse(const struct netd_pool *in, struct pool *ret, struct netd_error *err)
{
	struct pool pool;
	unsigned int max;

	if (!in->base || prefix_parse(in->base, &pool.base) < 0 || prefix_has_host_bits(&pool.base))
		return error_set(err, NETD_E_INVALID, EINVAL, in->base,
				 "pool base \"%s\" is not a subnet in CIDR notation, as in "
				 "10.144.0.0/12",
				 in->base ? in->base : "");
	max = pool.base.ip.family == AF_INET ? 30 : 127;
	if (in->length < pool.base.len || in->length > max)
		return error_set(
			err, NETD_E_INVALID, EINVAL, in->base,
			"pool %s cannot be cut into subnets of length %u: use a length from %u "
			"to %u",
			in->base, in->length, pool.base.len, max);
	pool.length = (uint8_t)in->length;
	*ret = pool;
	return 0;
}

int spec_pools(const struct netd_pool *pools, size_t n_pools, struct pool ret[static MAX_POOLS],
	       size_t *ret_n, struct netd_error *err)
{
	int r;

	if (!pools) {
		pools = default_pools;
		n_pools = ARRAY_SIZE(default_pools);
	}
	if (n_pools > MAX_POOLS)
		return error_set(err, NETD_E_INVALID, E2BIG, NULL,
				 "%zu pools given; at most %d are supported", n_pools, MAX_POOLS);
	for (size_t i = 0; i < n_pools; i++) {
		r = pool_parse(&pools[i], &ret[i], err);
		if (r < 0)
			return r;
	}
	*ret_n = n_pools;
	return 0;
}

int spec_check_size(const char *name, size_t size, size_t expected, struct netd_error *err)
{
	if (size == expected)
		return 0;
	return error_set(
		err, NETD_E_INVALID, EINVAL, name,
		"struct %s.size is %zu, expected %zu: set it to sizeof, and compile against "
		"the installed header",
		name, size, expected);
}

/* ---- names -------------------------------------------------------------------------------- */

int spec_check_id(const char *id, struct netd_error *err)
{
	if (!id || !name_valid(id, NETD_ID_MAX))
		return error_set(
			err, NETD_E_INVALID, EINVAL, NULL,
			"invalid container id: use 1 to %d letters, digits, '_', '.' and '-', "
			"the first a letter or digit",
			NETD_ID_MAX);
	return 0;
}

int spec_check_network_name(const char *name, struct netd_error *err)
{
	if (!name || !name_valid(name, NETD_NAME_MAX))
		return error_set(
			err, NETD_E_INVALID, EINVAL, NULL,
			"invalid network name: use 1 to %d letters, digits, '_', '.' and '-', "
			"the first a letter or digit",
			NETD_NAME_MAX);
	return 0;
}

int spec_check_ifname(const char *ifname, struct netd_error *err)
{
	if (ifname && !ifname_valid(ifname))
		return error_set(
			err, NETD_E_INVALID, EINVAL, NULL,
			"invalid interface name: use 1 to %d letters, digits, '_', '.', '@', '+', "
			"'=' and '-', not '-' first, and none of \".\", \"..\", \"all\", "
			"\"default\", \"lo\"",
			NETD_IFNAME_MAX);
	return 0;
}

int spec_key(const char *network, const char *id, const char *ifname, struct attachment_key *ret,
	     struct netd_error *err)
{
	int r;

	network = network ? network : NETD_DEFAULT_NETWORK;
	ifname = ifname ? ifname : "eth0";
	r = spec_check_network_name(network, err);
	if (r >= 0)
		r = spec_check_id(id, err);
	if (r >= 0)
		r = spec_check_ifname(ifname, err);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	str_copy(ret->network, sizeof(ret->network), network);
	str_copy(ret->id, sizeof(ret->id), id);
	str_copy(ret->ifname, sizeof(ret->ifname), ifname);
	return 0;
}

void spec_host_ifname(const struct attachment_key *key, char ret[static IFNAMSIZ])
{
	uint64_t hash = HASH_INIT;

	hash = hash_bytes(hash, key->network, strlen(key->network) + 1);
	hash = hash_bytes(hash, key->id, strlen(key->id) + 1);
	hash = hash_bytes(hash, key->ifname, strlen(key->ifname) + 1);
	snprintf(ret, IFNAMSIZ, "veth%011" PRIx64, hash >> 20);
}

/* "nd-NAME" where that is an interface name, else "nd-" and 12 hex digits. */
static void derive_bridge(const char *name, char ret[static IFNAMSIZ])
{
	uint64_t hash = hash_bytes(HASH_INIT, name, strlen(name));

	if ((size_t)snprintf(ret, IFNAMSIZ, "nd-%s", name) >= IFNAMSIZ)
		snprintf(ret, IFNAMSIZ, "nd-%012" PRIx64, hash >> 16);
}

/* ---- networks ----------------------------------------------------------------------------- */

bool network_has_family(const struct network *network, uint8_t family)
{
	for (uint32_t i = 0; i < network->n_ranges; i++)
		if (network->ranges[i].set != RANGE_RETIRED &&
		    network->ranges[i].subnet.ip.family == family)
			return true;
	return false;
}

static int parse_optional_ip(const char *text, const char *what, struct ip *ret,
			     struct netd_error *err)
{
	if (text && ip_parse(text, ret) < 0)
		return error_set(err, NETD_E_INVALID, EINVAL, text,
				 "invalid %s: \"%s\" is no IP address", what, text);
	return 0;
}

/* "This network" (RFC 791), limited broadcast, and the unspecified and loopback addresses of IPv6. */
static bool is_reserved(const struct prefix *subnet)
{
	static const char *const reserved[] = { "0.0.0.0/8", "255.255.255.255/32", "::/127" };
	struct prefix prefix;

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (prefix_parse(reserved[i], &prefix) == 0 && prefix_overlaps(subnet, &prefix))
			return true;
	return false;
}

static int parse_range(const struct netd_range *in, struct range *ret, struct netd_error *err)
{
	struct range range = { 0 };
	int r;

	if (!in->subnet || prefix_parse(in->subnet, &range.subnet) < 0)
		return error_set(
			err, NETD_E_INVALID, EINVAL, in->subnet,
			"invalid subnet \"%s\": give it in CIDR notation, as in 10.1.0.0/24",
			in->subnet ? in->subnet : "");
	if (ip_is_multicast(&range.subnet.ip) || ip_is_loopback(&range.subnet.ip) ||
	    ip_is_link_local(&range.subnet.ip))
		return error_set(
			err, NETD_E_INVALID, EINVAL, in->subnet,
			"subnet %s is a multicast, loopback or link-local one; choose another",
			in->subnet);
	if (is_reserved(&range.subnet))
		return error_set(
			err, NETD_E_INVALID, EINVAL, in->subnet,
			"subnet %s overlaps with addresses that no interface can have; choose "
			"another",
			in->subnet);
	if (in->set >= MAX_ADDRESSES)
		return error_set(err, NETD_E_INVALID, EINVAL, in->subnet,
				 "range set %u is beyond the supported %d", in->set, MAX_ADDRESSES);
	range.set = (uint8_t)in->set;
	r = parse_optional_ip(in->start, "range start", &range.start, err);
	if (r >= 0)
		r = parse_optional_ip(in->end, "range end", &range.end, err);
	if (r >= 0)
		r = parse_optional_ip(in->gateway, "gateway", &range.gateway, err);
	if (r >= 0)
		r = ipam_range_complete(&range, err);
	if (r < 0)
		return r;
	*ret = range;
	return 0;
}

/* Two ranges of one set may share a subnet if they do not overlap; sets must not overlap. */
static int check_ranges(const struct network *net, struct netd_error *err)
{
	for (uint32_t i = 0; i < net->n_ranges; i++) {
		const struct range *a = &net->ranges[i];

		for (uint32_t j = i + 1; j < net->n_ranges; j++) {
			const struct range *b = &net->ranges[j];

			if (a->set == b->set && a->subnet.ip.family != b->subnet.ip.family)
				return error_set(err, NETD_E_INVALID, EINVAL, net->name,
						 "mixed address families in range set %u", a->set);
			if (a->subnet.ip.family != b->subnet.ip.family)
				continue;
			if (ip_cmp(&a->start, &b->end) <= 0 && ip_cmp(&b->start, &a->end) <= 0)
				return error_set(err, NETD_E_INVALID, EINVAL, net->name,
						 "range set %u overlaps with %u", a->set, b->set);
			if (prefix_overlaps(&a->subnet, &b->subnet) &&
			    memcmp(&a->subnet, &b->subnet, sizeof(a->subnet)) != 0)
				return error_set(
					err, NETD_E_INVALID, EINVAL, net->name,
					"the subnets of range set %u and %u overlap without "
					"being equal",
					a->set, b->set);
		}
	}
	return 0;
}

static int parse_ranges(const struct netd_network *in, struct network *net, struct netd_error *err)
{
	int r;

	if (in->n_ranges > MAX_RANGES)
		return error_set(err, NETD_E_INVALID, E2BIG, net->name,
				 "network has %zu ranges; at most %d are supported", in->n_ranges,
				 MAX_RANGES);
	for (size_t i = 0; i < in->n_ranges; i++) {
		r = parse_range(&in->ranges[i], &net->ranges[i], err);
		if (r < 0)
			return r;
		net->n_ranges++;
	}
	return check_ranges(net, err);
}

static int parse_route(const struct netd_route *in, struct route *ret, struct netd_error *err)
{
	struct route route = { 0 };

	if (!in->dst || prefix_parse(in->dst, &route.dst) < 0)
		return error_set(err, NETD_E_INVALID, EINVAL, in->dst,
				 "invalid route destination \"%s\": give it in CIDR notation",
				 in->dst ? in->dst : "");
	route.dst.ip = prefix_first(&route.dst);
	if (in->gw && *in->gw && ip_parse(in->gw, &route.gw) < 0)
		return error_set(err, NETD_E_INVALID, EINVAL, in->gw,
				 "invalid gateway \"%s\" of route %s", in->gw, in->dst);
	if (route.gw.family != AF_UNSPEC && route.gw.family != route.dst.ip.family)
		return error_set(err, NETD_E_INVALID, EINVAL, in->gw,
				 "route %s and its gateway %s are of different families", in->dst,
				 in->gw);
	*ret = route;
	return 0;
}

/* A gateway that is on no subnet of the network cannot be reached; of automatic ones nothing is known yet. */
static int check_reachable(const struct network *net, const struct route *route,
			   struct netd_error *err)
{
	char gw[IP_STRLEN], dst[PREFIX_STRLEN];

	if (route->gw.family == AF_UNSPEC || net->n_ranges == 0 || ip_is_link_local(&route->gw))
		return 0;
	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (prefix_contains(&net->ranges[i].subnet, &route->gw))
			return 0;
	return error_set(err, NETD_E_INVALID, EINVAL, net->name,
			 "gateway %s of route %s is on no subnet of network %s",
			 ip_format(&route->gw, gw), prefix_format(&route->dst, dst), net->name);
}

static int parse_routes(const struct netd_network *in, struct network *net, struct netd_error *err)
{
	int r;

	if (in->n_routes > MAX_ROUTES - 2) /* two are kept for the default routes */
		return error_set(err, NETD_E_INVALID, E2BIG, net->name,
				 "network has %zu routes; at most %d are supported", in->n_routes,
				 MAX_ROUTES - 2);
	for (size_t i = 0; i < in->n_routes; i++) {
		r = parse_route(&in->routes[i], &net->routes[i], err);
		if (r >= 0)
			r = check_reachable(net, &net->routes[i], err);
		if (r < 0)
			return r;
		net->n_routes++;
	}
	return 0;
}

static int check_mtu(uint32_t mtu, bool ipv6, const char *subject, struct netd_error *err)
{
	uint32_t min = ipv6 ? MTU_MIN_IPV6 : MTU_MIN;

	if (mtu && (mtu < min || mtu > MTU_MAX))
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid MTU %u: use %u to %u, or 0 for the default", mtu, min,
				 MTU_MAX);
	return 0;
}

static int check_flags(const struct netd_network *in, struct netd_error *err)
{
	const unsigned int known = (NETD_NETWORK_PROMISC << 1) - 1;

	if (in->flags & ~known)
		return error_set(err, NETD_E_INVALID, EINVAL, in->name,
				 "unknown network flags 0x%x", in->flags & ~known);
	if ((in->flags & NETD_NETWORK_INTERNAL) && (in->flags & NETD_NETWORK_ROUTED))
		return error_set(err, NETD_E_INVALID, EINVAL, in->name,
				 "a network cannot be internal and routed at the same time");
	if ((in->flags & NETD_NETWORK_HAIRPIN) && (in->flags & NETD_NETWORK_PROMISC))
		return error_set(err, NETD_E_INVALID, EINVAL, in->name,
				 "cannot set hairpin mode and promiscuous mode at the same time");
	if ((in->flags & NETD_NETWORK_NO_ADDRESS) && in->n_ranges)
		return error_set(err, NETD_E_INVALID, EINVAL, in->name,
				 "a network without address management cannot have ranges");
	return 0;
}

int spec_network(const struct netd_network *in, struct network *ret, struct netd_error *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = spec_check_size("netd_network", in->size, sizeof(*in), err);
	if (r >= 0)
		r = spec_check_network_name(in->name, err);
	if (r >= 0)
		r = check_flags(in, err);
	if (r >= 0 && in->bridge)
		r = spec_check_ifname(in->bridge, err);
	if (r < 0)
		return r;
	str_copy(ret->name, sizeof(ret->name), in->name);
	if (in->bridge)
		str_copy(ret->bridge, sizeof(ret->bridge), in->bridge);
	else
		derive_bridge(in->name, ret->bridge);
	ret->mtu = in->mtu;
	ret->flags = in->flags;
	if (!in->n_ranges && !(in->flags & NETD_NETWORK_NO_ADDRESS))
		ret->flags |= NETWORK_AUTO;
	r = parse_ranges(in, ret, err);
	if (r >= 0)
		r = parse_routes(in, ret, err);
	if (r >= 0)
		r = check_mtu(ret->mtu,
			      (ret->flags & NETD_NETWORK_IPV6) || network_has_family(ret, AF_INET6),
			      ret->name, err);
	return r;
}

void spec_default_network(bool ipv6, struct network *ret)
{
	memset(ret, 0, sizeof(*ret));
	str_copy(ret->name, sizeof(ret->name), NETD_DEFAULT_NETWORK);
	derive_bridge(ret->name, ret->bridge);
	ret->flags = NETWORK_AUTO | (ipv6 ? NETD_NETWORK_IPV6 : 0);
}

/* ---- automatic subnets -------------------------------------------------------------------- */

/* The busy prefix that overlaps the candidate, or NULL. */
static const struct prefix *overlap(const struct prefix *candidate, const struct prefix *busy,
				    size_t n_busy)
{
	for (size_t i = 0; i < n_busy; i++)
		if (prefix_overlaps(candidate, &busy[i]))
			return &busy[i];
	return NULL;
}

/* A free subnet of the pool: steps over whatever is in the way, in one stride per obstacle. */
static bool pool_take(const struct pool *pool, const struct prefix *busy, size_t n_busy,
		      struct prefix *ret)
{
	struct prefix candidate = { pool->base.ip, pool->length };

	for (;;) {
		const struct prefix *obstacle = overlap(&candidate, busy, n_busy);
		struct prefix wider = candidate;
		struct ip last;

		if (!obstacle) {
			*ret = candidate;
			return true;
		}
		if (obstacle->len < wider.len)
			wider.len = obstacle->len;
		last = prefix_last(&wider);
		if (!ip_add(&last, 1, &candidate.ip) ||
		    !prefix_contains(&pool->base, &candidate.ip))
			return false;
	}
}

bool spec_lacks_subnet(const struct network *net, uint8_t family)
{
	if (network_has_family(net, family))
		return false;
	return net->flags & (family == AF_INET ? NETWORK_AUTO : (uint32_t)NETD_NETWORK_IPV6);
}

static uint8_t next_set(const struct network *net)
{
	uint8_t next = 0;

	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (net->ranges[i].set != RANGE_RETIRED && net->ranges[i].set >= next)
			next = (uint8_t)(net->ranges[i].set + 1);
	return next;
}

int spec_choose_subnets(struct network *net, const struct pool *pools, size_t n_pools,
			const struct prefix *busy, size_t n_busy, struct netd_error *err)
{
	const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		struct range range = { 0 };
		bool found = false;
		int r;

		if (!spec_lacks_subnet(net, families[f]))
			continue;
		range.set = next_set(net);
		for (size_t i = 0; i < n_pools && !found; i++)
			found = pools[i].base.ip.family == families[f] &&
				pool_take(&pools[i], busy, n_busy, &range.subnet);
		if (!found)
			return error_set(
				err, NETD_E_EXHAUSTED, ENOSPC, net->name,
				"no free %s subnet is left in the pools for network %s: remove a "
				"network, give a subnet, or configure another pool",
				families[f] == AF_INET ? "IPv4" : "IPv6", net->name);
		r = ipam_range_complete(&range, err);
		if (r < 0)
			return r;
		if (net->n_ranges == MAX_RANGES || range.set >= MAX_ADDRESSES)
			return error_set(err, NETD_E_INVALID, E2BIG, net->name,
					 "network %s has no room for another subnet", net->name);
		net->ranges[net->n_ranges++] = range;
	}
	return 0;
}

bool spec_same_network(const struct network *a, const struct network *b)
{
	const uint32_t defined = ~(uint32_t)NETWORK_READY;

	return strcmp(a->name, b->name) == 0 && strcmp(a->bridge, b->bridge) == 0 &&
	       a->mtu == b->mtu && (a->flags & defined) == (b->flags & defined) &&
	       a->n_ranges == b->n_ranges && a->n_routes == b->n_routes &&
	       memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(a->ranges[0])) == 0 &&
	       memcmp(a->routes, b->routes, a->n_routes * sizeof(a->routes[0])) == 0;
}

/* ---- attach requests ---------------------------------------------------------------------- */

static int parse_ips(const struct netd_attach_request *req, struct attach_spec *ret,
		     struct netd_error *err)
{
	if (req->n_ips > MAX_ADDRESSES)
		return error_set(err, NETD_E_INVALID, E2BIG, NULL,
				 "%zu addresses requested; at most %d are supported", req->n_ips,
				 MAX_ADDRESSES);
	for (size_t i = 0; i < req->n_ips; i++) {
		const char *text = req->ips[i];
		struct prefix *ip = &ret->ips[i];

		*ip = (struct prefix){ 0 };
		if (ip_parse(text, &ip->ip) < 0 && prefix_parse(text, ip) < 0)
			return error_set(err, NETD_E_INVALID, EINVAL, text,
					 "invalid requested IP address: \"%s\"", text);
		ret->n_ips++;
	}
	return 0;
}

static int parse_ports(const struct netd_attach_request *req, struct netd_error *err)
{
	int r;

	for (size_t i = 0; i < req->n_ports; i++) {
		r = publish_check(&req->ports[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_definition(const struct netd_attach_request *req, struct attach_spec *ret,
			    struct netd_error *err)
{
	int r = spec_network(req->definition, &ret->definition, err);

	if (r < 0)
		return r;
	if (strcmp(ret->definition.name, ret->key.network) != 0)
		return error_set(err, NETD_E_INVALID, EINVAL, ret->definition.name,
				 "the definition is of network %s, the request of network %s",
				 ret->definition.name, ret->key.network);
	ret->has_definition = true;
	return 0;
}

int spec_attach(const struct netd_attach_request *req, struct attach_spec *ret,
		struct netd_error *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = spec_check_size("netd_attach_request", req->size, sizeof(*req), err);
	if (r < 0)
		return r;
	r = spec_key(req->network, req->id, req->ifname, &ret->key, err);
	if (r < 0)
		return r;
	if (!req->netns || !*req->netns || str_copy(ret->netns, sizeof(ret->netns), req->netns) < 0)
		return error_set(err, NETD_E_INVALID, EINVAL, ret->key.id,
				 "no usable network namespace path given for %s", ret->key.id);
	if (req->mac && mac_parse(req->mac, &ret->mac) < 0)
		return error_set(
			err, NETD_E_INVALID, EINVAL, req->mac,
			"invalid MAC address \"%s\": use six hex pairs of a unicast address, as "
			"in 02:42:0a:90:00:02",
			req->mac);
	ret->has_mac = req->mac != NULL;
	ret->mtu = req->mtu;
	ret->ports = req->ports;
	ret->n_ports = req->n_ports;
	r = check_mtu(req->mtu, false, ret->key.id, err);
	if (r >= 0)
		r = parse_ips(req, ret, err);
	if (r >= 0)
		r = parse_ports(req, err);
	if (r >= 0 && req->definition)
		r = parse_definition(req, ret, err);
	return r;
}

/* ---- routes ------------------------------------------------------------------------------- */

static const struct ip *gateway_of(const struct lease *leases, uint32_t n_leases, uint8_t family)
{
	for (uint32_t i = 0; i < n_leases; i++)
		if (leases[i].gateway.family == family)
			return &leases[i].gateway;
	return NULL;
}

static bool has_default(const struct network *net, uint8_t family)
{
	for (uint32_t i = 0; i < net->n_routes; i++)
		if (net->routes[i].dst.len == 0 && net->routes[i].dst.ip.family == family)
			return true;
	return false;
}

int spec_routes(const struct network *net, const struct lease *leases, uint32_t n_leases,
		struct route *ret, uint32_t *ret_n, struct netd_error *err)
{
	const uint8_t families[] = { AF_INET, AF_INET6 };
	bool defaults = !(net->flags & (NETD_NETWORK_NO_DEFAULT_ROUTE | NETD_NETWORK_INTERNAL |
					NETD_NETWORK_NO_GATEWAY));
	uint32_t n = 0;

	for (uint32_t i = 0; i < net->n_routes; i++) {
		struct route route = net->routes[i];
		const struct ip *gw = gateway_of(leases, n_leases, route.dst.ip.family);

		/* a route of a family that this container has no address of cannot be used */
		if (!lease_of_family(leases, n_leases, route.dst.ip.family))
			continue;
		if (route.gw.family == AF_UNSPEC && gw)
			route.gw = *gw;
		ret[n++] = route;
	}
	for (size_t f = 0; f < ARRAY_SIZE(families) && defaults; f++) {
		const struct ip *gw = gateway_of(leases, n_leases, families[f]);

		if (!gw || has_default(net, families[f]))
			continue;
		if (n == MAX_ROUTES)
			return error_set(err, NETD_E_INVALID, E2BIG, net->name, "too many routes");
		ret[n++] = (struct route){ .dst = { .ip.family = families[f] }, .gw = *gw };
	}
	*ret_n = n;
	return 0;
}
