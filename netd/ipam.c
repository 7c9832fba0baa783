// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rotation: the ranges of a set form a ring, walked from the address after the one handed out last,
 * so that a freed address rests as long as possible before somebody else gets it. Each address of the
 * ring is looked up at most once. Which address is leased is the caller's knowledge.
 *
 * Texts that tools match are those of the CNI reference plugin host-local.
 */
#include "ipam.h"

#include <stdio.h>

#include "error.h"
#include "util.h"

#define OWNER_MAX 384	 /* bytes of an owner's name: network, id and interface fit */
#define SET_TEXT_MAX 256 /* bytes of "a-b,c-d" in a message; more is cut */

/* Point-to-point subnets (RFC 3021, RFC 6164): no network, broadcast or anycast address. */
static bool is_pair(const struct prefix *subnet)
{
	return subnet->len == ip_bits(subnet->ip.family) - 1;
}

static struct ip first_usable(const struct prefix *subnet)
{
	struct ip ip = prefix_first(subnet);

	if (!is_pair(subnet))
		ip_add(&ip, 1, &ip);
	return ip;
}

static struct ip last_usable(const struct prefix *subnet)
{
	struct ip ip = prefix_last(subnet);

	if (!is_pair(subnet) && ip.family == AF_INET)
		ip_sub(&ip, 1, &ip);
	return ip;
}

static bool is_usable(const struct prefix *subnet, const struct ip *ip)
{
	struct ip first = first_usable(subnet), last = last_usable(subnet);

	return ip_cmp(ip, &first) >= 0 && ip_cmp(ip, &last) <= 0;
}

static int check_subnet(const struct prefix *subnet, const char *text, struct netd_error *err)
{
	char first[IP_STRLEN];
	struct ip ip;

	if (subnet->len >= ip_bits(subnet->ip.family))
		return error_set(err, NETD_E_INVALID, EINVAL, text,
				 "Network %s too small to allocate from: it has one address; "
				 "use a subnet of at least two (/31 or /127)",
				 text);
	if (!prefix_has_host_bits(subnet))
		return 0;
	ip = prefix_first(subnet);
	return error_set(err, NETD_E_INVALID, EINVAL, text,
			 "Network has host bits set. For a subnet mask of length %u the network "
			 "address is %s; write %s/%u instead of %s",
			 subnet->len, ip_format(&ip, first), first, subnet->len, text);
}

/* An address that the caller gave as start, end or gateway. */
static int check_inside(const struct prefix *subnet, const char *text, const struct ip *ip,
			const char *what, struct netd_error *err)
{
	char addr[IP_STRLEN];

	if (prefix_contains(subnet, ip))
		return 0;
	ip_format(ip, addr);
	return error_set(err, NETD_E_INVALID, EINVAL, addr,
			 "%s %s not in network %s: give an address of that subnet", what, addr,
			 text);
}

static int check_gateway(const struct range *range, const char *text, struct netd_error *err)
{
	char addr[IP_STRLEN];
	int rc = check_inside(&range->subnet, text, &range->gateway, "Gateway", err);

	if (rc < 0 || is_usable(&range->subnet, &range->gateway))
		return rc;
	ip_format(&range->gateway, addr);
	return error_set(err, NETD_E_INVALID, EINVAL, addr,
			 "Gateway %s is the network or broadcast address of %s: give another "
			 "address of that subnet",
			 addr, text);
}

static int check_order(const struct range *range, struct netd_error *err)
{
	char start[IP_STRLEN], end[IP_STRLEN];

	if (ip_cmp(&range->start, &range->end) <= 0)
		return 0;
	ip_format(&range->start, start);
	ip_format(&range->end, end);
	return error_set(err, NETD_E_INVALID, EINVAL, end,
			 "RangeEnd %s is below RangeStart %s: exchange them", end, start);
}

int ipam_range_complete(struct range *range, struct netd_error *err)
{
	struct range r = *range;
	char text[PREFIX_STRLEN];
	int rc;

	rc = check_subnet(&r.subnet, prefix_format(&r.subnet, text), err);
	if (rc < 0)
		return rc;
	if (r.start.family == AF_UNSPEC)
		r.start = first_usable(&r.subnet);
	if (r.end.family == AF_UNSPEC)
		r.end = last_usable(&r.subnet);
	rc = check_inside(&r.subnet, text, &r.start, "RangeStart", err);
	if (rc == 0)
		rc = check_inside(&r.subnet, text, &r.end, "RangeEnd", err);
	if (rc == 0)
		rc = check_order(&r, err);
	if (rc < 0)
		return rc;
	if (r.gateway.family == AF_UNSPEC)
		r.gateway = first_usable(&r.subnet);
	rc = check_gateway(&r, text, err);
	if (rc == 0)
		*range = r;
	return rc;
}

/* "a-b,c-d": the ranges of a set as tools know them from host-local. */
static const char *set_format(const struct network *network, uint8_t set,
			      char buf[static SET_TEXT_MAX])
{
	size_t len = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < network->n_ranges && len < SET_TEXT_MAX; i++) {
		const struct range *r = &network->ranges[i];
		char start[IP_STRLEN], end[IP_STRLEN];

		if (r->set != set)
			continue;
		len += (size_t)snprintf(buf + len, SET_TEXT_MAX - len, "%s%s-%s", len ? "," : "",
					ip_format(&r->start, start), ip_format(&r->end, end));
	}
	return buf;
}

static bool is_gateway(const struct network *network, const struct ip *ip)
{
	for (uint32_t i = 0; i < network->n_ranges; i++)
		if (ip_equal(&network->ranges[i].gateway, ip))
			return true;
	return false;
}

static bool in_range(const struct range *range, const struct ip *ip)
{
	return ip_cmp(ip, &range->start) >= 0 && ip_cmp(ip, &range->end) <= 0;
}

/* The range that can serve a requested address, or NULL. */
static const struct range *range_of(const struct network *network, const struct prefix *requested)
{
	for (uint32_t i = 0; i < network->n_ranges; i++) {
		const struct range *r = &network->ranges[i];

		if (in_range(r, &requested->ip) && is_usable(&r->subnet, &requested->ip) &&
		    (!requested->len || requested->len == r->subnet.len))
			return r;
	}
	return NULL;
}

static int refuse_requested(const struct prefix *requested, const char *why, struct netd_error *err)
{
	char ip[IP_STRLEN];

	ip_format(&requested->ip, ip);
	return error_set(err, NETD_E_INVALID, EINVAL, ip,
			 "failed to allocate all requested IPs: %s: %s", ip, why);
}

/*
 * Every requested address must be one that a set can serve, one per set at most. Quadratic only in the
 * number of sets: with more requests than sets two of the first ones share a set.
 */
static int check_requested(const struct network *network, const struct prefix *requested, size_t n,
			   struct netd_error *err)
{
	char ip[IP_STRLEN];

	for (size_t i = 0; i < n; i++) {
		const struct range *r = range_of(network, &requested[i]);

		ip_format(&requested[i].ip, ip);
		if (is_gateway(network, &requested[i].ip))
			return error_set(err, NETD_E_INVALID, EINVAL, ip,
					 "requested ip %s is subnet's gateway: request another "
					 "address",
					 ip);
		if (!r)
			return refuse_requested(&requested[i],
						"no range of the network holds it with that prefix "
						"length; request an address of its ranges",
						err);
		for (size_t j = 0; j < i; j++)
			if (range_of(network, &requested[j])->set == r->set)
				return refuse_requested(&requested[i],
							"another requested address is of the same "
							"range set; request one address per set",
							err);
	}
	return 0;
}

/* What the walk over one set carries. */
struct walk {
	const struct network *network;
	uint8_t set;
	const struct ipam_state *state;
	const struct lease *taken; /* chosen for earlier sets of this request */
	uint32_t n_taken;
};

static bool is_taken(const struct walk *walk, const struct ip *ip)
{
	for (uint32_t i = 0; i < walk->n_taken; i++)
		if (ip_equal(&walk->taken[i].address.ip, ip))
			return true;
	return false;
}

static void lease_fill(const struct range *range, const struct ip *ip, struct lease *ret)
{
	*ret = (struct lease){
		.address = { .ip = *ip, .len = range->subnet.len },
		.gateway = range->gateway,
	};
}

/* Looks for a free address in [from, to]: 1 and *ret, 0 if there is none. */
static int walk_span(const struct walk *walk, const struct range *range, struct ip from,
		     const struct ip *to, struct lease *ret, struct netd_error *err)
{
	char owner[OWNER_MAX];

	if (ip_cmp(&from, to) > 0)
		return 0;
	for (;;) {
		if (is_usable(&range->subnet, &from) && !is_gateway(walk->network, &from) &&
		    !is_taken(walk, &from)) {
			int rc = walk->state->leased(walk->state->user, &from, owner, sizeof(owner),
						     err);

			if (rc < 0)
				return rc;
			if (rc == 0) {
				lease_fill(range, &from, ret);
				return 1;
			}
		}
		if (ip_equal(&from, to) || !ip_add(&from, 1, &from))
			return 0;
	}
}

/* Collects the ranges of the set, in order; returns how many. */
static uint32_t set_ranges(const struct walk *walk, const struct range *ret[static MAX_RANGES])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < walk->network->n_ranges; i++)
		if (walk->network->ranges[i].set == walk->set)
			ret[n++] = &walk->network->ranges[i];
	return n;
}

/*
 * Where the ring starts: the index of the range that holds the address handed out last, and that
 * address. Without one, or when the network's ranges have changed since: 0 and family AF_UNSPEC.
 */
static int walk_start(const struct walk *walk, const struct range *const *ranges, uint32_t n,
		      uint32_t *ret_index, struct ip *ret_last, struct netd_error *err)
{
	struct ip last = { .family = AF_UNSPEC };
	int rc = walk->state->last(walk->state->user, walk->set, &last);

	if (rc < 0 && rc != -ENOENT)
		return error_sys(err, -rc, walk->network->name,
				 "cannot look up the address handed out last");
	*ret_index = 0;
	*ret_last = (struct ip){ .family = AF_UNSPEC };
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		if (in_range(ranges[i], &last)) {
			*ret_index = i;
			*ret_last = last;
			break;
		}
	}
	return 0;
}

/* The next free address of the set: 1 and *ret, 0 if there is none. */
static int walk_ring(const struct walk *walk, struct lease *ret, struct netd_error *err)
{
	const struct range *ranges[MAX_RANGES];
	uint32_t n = set_ranges(walk, ranges), first = 0;
	struct ip last = { .family = AF_UNSPEC }, from;
	int rc;

	if (!n)
		return 0;
	rc = walk_start(walk, ranges, n, &first, &last, err);
	if (rc < 0)
		return rc;
	if (last.family == AF_UNSPEC)
		rc = walk_span(walk, ranges[first], ranges[first]->start, &ranges[first]->end, ret,
			       err);
	else if (ip_add(&last, 1, &from))
		rc = walk_span(walk, ranges[first], from, &ranges[first]->end, ret, err);
	for (uint32_t i = 1; rc == 0 && i < n; i++) {
		const struct range *r = ranges[(first + i) % n];

		rc = walk_span(walk, r, r->start, &r->end, ret, err);
	}
	if (rc == 0 && last.family != AF_UNSPEC)
		rc = walk_span(walk, ranges[first], ranges[first]->start, &last, ret, err);
	return rc;
}

static int allocate_requested(const struct walk *walk, const struct prefix *requested,
			      struct lease *ret, struct netd_error *err)
{
	char owner[OWNER_MAX] = "", ip[IP_STRLEN], set[SET_TEXT_MAX];
	int rc = walk->state->leased(walk->state->user, &requested->ip, owner, sizeof(owner), err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		lease_fill(range_of(walk->network, requested), &requested->ip, ret);
		return 0;
	}
	ip_format(&requested->ip, ip);
	return error_set(err, NETD_E_CONFLICT, EEXIST, ip,
			 "requested IP address %s is not available in range set %s: it is leased "
			 "to %s; detach that first or request another address",
			 ip, set_format(walk->network, walk->set, set), owner);
}

static int allocate_next(const struct walk *walk, struct lease *ret, struct netd_error *err)
{
	char set[SET_TEXT_MAX];
	int rc = walk_ring(walk, ret, err);

	if (rc)
		return rc < 0 ? rc : 0;
	return error_set(err, NETD_E_EXHAUSTED, ENOSPC, walk->network->name,
			 "no IP addresses available in range set: %s: every address is leased; "
			 "detach something or add a range",
			 set_format(walk->network, walk->set, set));
}

/* The requested address that the set serves, or NULL. */
static const struct prefix *requested_of(const struct walk *walk, const struct prefix *requested,
					 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (range_of(walk->network, &requested[i])->set == walk->set)
			return &requested[i];
	return NULL;
}

/* The lowest set number that is at least from, or -1. */
static int next_set(const struct network *network, int from)
{
	int set = -1;

	for (uint32_t i = 0; i < network->n_ranges; i++)
		if (network->ranges[i].set >= from && (set < 0 || network->ranges[i].set < set))
			set = network->ranges[i].set;
	return set;
}

int ipam_allocate(const struct network *network, const struct prefix *requested, size_t n_requested,
		  const struct ipam_state *state, struct lease *ret, uint32_t *ret_n,
		  struct netd_error *err)
{
	struct lease leases[MAX_ADDRESSES];
	struct walk walk = { .network = network, .state = state, .taken = leases };
	int rc;

	rc = check_requested(network, requested, n_requested, err);
	if (rc < 0)
		return rc;
	for (int set = next_set(network, 0); set >= 0; set = next_set(network, set + 1)) {
		const struct prefix *want;

		if (walk.n_taken == MAX_ADDRESSES)
			return error_set(err, NETD_E_INVALID, E2BIG, network->name,
					 "network %s has more than %d range sets: remove some",
					 network->name, MAX_ADDRESSES);
		walk.set = (uint8_t)set;
		want = requested_of(&walk, requested, n_requested);
		rc = want ? allocate_requested(&walk, want, &leases[walk.n_taken], err)
			  : allocate_next(&walk, &leases[walk.n_taken], err);
		if (rc < 0) {
			error_wrap(err, "failed to allocate for range %d", set);
			return rc;
		}
		walk.n_taken++;
	}
	memcpy(ret, leases, walk.n_taken * sizeof(*ret));
	*ret_n = walk.n_taken;
	return 0;
}
