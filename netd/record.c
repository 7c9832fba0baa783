// SPDX-License-Identifier: GPL-2.0-or-later
#include "record.h"

#include <errno.h>
#include <stdlib.h>

#include "parse.h"
#include "util.h"

/* Families as bytes of the format: the AF_ numbers are the C library's business. */
enum { FAMILY_NONE = 0, FAMILY_4 = 4, FAMILY_6 = 6 };

/* Bytes of the shortest mapping: host of IPv4 (1 + 4), protocol, two ports and the count. */
#define MAPPING_MIN (5 + 1 + 3 * 2)
/* Ports of one attachment, each counted once per family. */
#define PORTS_LIMIT (2 * MAX_PORTS)

/* ---- what is valid ------------------------------------------------------------------------ */

static bool ip_valid(const struct ip *ip)
{
	return ip->family == AF_INET || ip->family == AF_INET6;
}

/* An address of the family, or none. */
static bool ip_optional(const struct ip *ip, uint8_t family)
{
	return ip->family == AF_UNSPEC || ip->family == family;
}

static bool prefix_valid(const struct prefix *prefix)
{
	return ip_valid(&prefix->ip) && prefix->len <= ip_bits(prefix->ip.family);
}

static bool range_valid(const struct range *range)
{
	uint8_t family = range->subnet.ip.family;

	return prefix_valid(&range->subnet) && range->start.family == family &&
	       range->end.family == family && ip_optional(&range->gateway, family);
}

static bool routes_valid(const struct route *routes, uint32_t n)
{
	if (n > MAX_ROUTES)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!prefix_valid(&routes[i].dst) ||
		    !ip_optional(&routes[i].gw, routes[i].dst.ip.family))
			return false;
	}
	return true;
}

static bool leases_valid(const struct lease *leases, uint32_t n)
{
	if (n > MAX_ADDRESSES)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!prefix_valid(&leases[i].address) ||
		    !ip_optional(&leases[i].gateway, leases[i].address.ip.family))
			return false;
	}
	return true;
}

static bool ports_fit(uint16_t first, uint16_t count)
{
	return first && count && (uint32_t)first + count - 1 <= UINT16_MAX;
}

static bool mappings_valid(const struct mapping *mappings, uint32_t n)
{
	uint32_t ports = 0;

	if (n > PORTS_LIMIT)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct mapping *m = &mappings[i];

		if (!ip_valid(&m->host) || !protocol_valid(m->protocol) ||
		    !ports_fit(m->host_port, m->count) || !ports_fit(m->container_port, m->count))
			return false;
		ports += m->count;
		if (ports > PORTS_LIMIT)
			return false;
	}
	return true;
}

static bool ifname_optional(const char *name)
{
	return !name[0] || ifname_valid(name);
}

bool record_network_valid(const struct network *network)
{
	if (!name_valid(network->name, NETD_NAME_MAX) || !ifname_optional(network->bridge) ||
	    network->n_ranges > MAX_RANGES)
		return false;
	for (uint32_t i = 0; i < network->n_ranges; i++) {
		if (!range_valid(&network->ranges[i]))
			return false;
	}
	return routes_valid(network->routes, network->n_routes);
}

bool record_attachment_valid(const struct attachment *att)
{
	return name_valid(att->network, NETD_NAME_MAX) && name_valid(att->id, NETD_ID_MAX) &&
	       ifname_valid(att->ifname) && ifname_optional(att->host_ifname) &&
	       (att->phase == PHASE_PENDING || att->phase == PHASE_READY) &&
	       leases_valid(att->leases, att->n_leases) &&
	       routes_valid(att->routes, att->n_routes) &&
	       mappings_valid(att->mappings, att->n_mappings);
}

/* ---- parts -------------------------------------------------------------------------------- */

static void put_ip(struct buf *buf, const struct ip *ip)
{
	switch (ip->family) {
	case AF_INET:
		buf_put_u8(buf, FAMILY_4);
		buf_add(buf, ip->b, 4);
		return;
	case AF_INET6:
		buf_put_u8(buf, FAMILY_6);
		buf_add(buf, ip->b, 16);
		return;
	default:
		buf_put_u8(buf, FAMILY_NONE);
	}
}

static struct ip get_ip(struct reader *r)
{
	struct ip ip = { 0 };

	switch (reader_u8(r)) {
	case FAMILY_NONE:
		break;
	case FAMILY_4:
		ip.family = AF_INET;
		reader_bytes(r, ip.b, 4);
		break;
	case FAMILY_6:
		ip.family = AF_INET6;
		reader_bytes(r, ip.b, 16);
		break;
	default:
		r->failed = true;
	}
	return ip;
}

static void put_prefix(struct buf *buf, const struct prefix *prefix)
{
	put_ip(buf, &prefix->ip);
	buf_put_u8(buf, prefix->len);
}

static struct prefix get_prefix(struct reader *r)
{
	struct prefix prefix;

	prefix.ip = get_ip(r);
	prefix.len = reader_u8(r);
	return prefix;
}

static bool get_bool(struct reader *r)
{
	uint8_t v = reader_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

/* A count of elements; 0 after a failure, so that loops over it end. */
static uint32_t get_count(struct reader *r, uint32_t max)
{
	uint32_t n = reader_u32(r);

	if (n > max)
		r->failed = true;
	return r->failed ? 0 : n;
}

static void put_routes(struct buf *buf, const struct route *routes, uint32_t n)
{
	buf_put_u32(buf, n);
	for (uint32_t i = 0; i < n; i++) {
		put_prefix(buf, &routes[i].dst);
		put_ip(buf, &routes[i].gw);
	}
}

static uint32_t get_routes(struct reader *r, struct route routes[static MAX_ROUTES])
{
	uint32_t n = get_count(r, MAX_ROUTES);

	for (uint32_t i = 0; i < n; i++) {
		routes[i].dst = get_prefix(r);
		routes[i].gw = get_ip(r);
	}
	return n;
}

static void put_mappings(struct buf *buf, const struct mapping *mappings, uint32_t n)
{
	buf_put_u32(buf, n);
	for (uint32_t i = 0; i < n; i++) {
		put_ip(buf, &mappings[i].host);
		buf_put_u8(buf, mappings[i].protocol);
		buf_put_u16(buf, mappings[i].host_port);
		buf_put_u16(buf, mappings[i].container_port);
		buf_put_u16(buf, mappings[i].count);
	}
}

static int get_mappings(struct reader *r, struct attachment *att)
{
	uint32_t n = get_count(r, PORTS_LIMIT);

	if (n > (r->len - r->pos) / MAPPING_MIN)
		r->failed = true;
	if (r->failed || !n)
		return 0;
	att->mappings = calloc(n, sizeof(*att->mappings));
	if (!att->mappings)
		return -ENOMEM;
	att->n_mappings = n;
	for (uint32_t i = 0; i < n; i++) {
		struct mapping *m = &att->mappings[i];

		m->host = get_ip(r);
		m->protocol = reader_u8(r);
		m->host_port = reader_u16(r);
		m->container_port = reader_u16(r);
		m->count = reader_u16(r);
	}
	return 0;
}

static bool reader_done(const struct reader *r)
{
	return !r->failed && r->pos == r->len;
}

/* ---- networks ----------------------------------------------------------------------------- */

void record_put_network(struct buf *buf, const struct network *network)
{
	buf_put_str(buf, network->name);
	buf_put_str(buf, network->bridge);
	buf_put_u32(buf, network->mtu);
	buf_put_u32(buf, network->flags);
	buf_put_u32(buf, network->bridge_ifindex);
	buf_add(buf, network->bridge_mac.b, sizeof(network->bridge_mac.b));
	buf_put_u32(buf, network->bridge_mtu);
	buf_put_u8(buf, network->bridge_created);
	buf_put_u8(buf, network->loopback6);
	buf_put_u32(buf, network->foreign_gateways);
	buf_put_u32(buf, network->n_ranges);
	for (uint32_t i = 0; i < network->n_ranges; i++) {
		const struct range *range = &network->ranges[i];

		put_prefix(buf, &range->subnet);
		put_ip(buf, &range->start);
		put_ip(buf, &range->end);
		put_ip(buf, &range->gateway);
		buf_put_u8(buf, range->set);
	}
	put_routes(buf, network->routes, network->n_routes);
}

int record_get_network(const void *data, size_t len, struct network *ret)
{
	struct reader r = { .data = data, .len = len };
	struct network network = { 0 };

	reader_str(&r, network.name, sizeof(network.name));
	reader_str(&r, network.bridge, sizeof(network.bridge));
	network.mtu = reader_u32(&r);
	network.flags = reader_u32(&r);
	network.bridge_ifindex = reader_u32(&r);
	reader_bytes(&r, network.bridge_mac.b, sizeof(network.bridge_mac.b));
	network.bridge_mtu = reader_u32(&r);
	network.bridge_created = get_bool(&r);
	network.loopback6 = get_bool(&r);
	network.foreign_gateways = reader_u32(&r);
	network.n_ranges = get_count(&r, MAX_RANGES);
	for (uint32_t i = 0; i < network.n_ranges; i++) {
		struct range *range = &network.ranges[i];

		range->subnet = get_prefix(&r);
		range->start = get_ip(&r);
		range->end = get_ip(&r);
		range->gateway = get_ip(&r);
		range->set = reader_u8(&r);
	}
	network.n_routes = get_routes(&r, network.routes);
	if (!reader_done(&r) || !record_network_valid(&network))
		return -EBADMSG;
	*ret = network;
	return 0;
}

/* ---- attachments -------------------------------------------------------------------------- */

void record_put_attachment(struct buf *buf, const struct attachment *att)
{
	buf_put_str(buf, att->network);
	buf_put_str(buf, att->id);
	buf_put_str(buf, att->ifname);
	buf_put_u8(buf, (uint8_t)att->phase);
	buf_put_str(buf, att->netns);
	buf_put_u64(buf, att->netns_ino);
	buf_put_str(buf, att->host_ifname);
	buf_put_u32(buf, att->host_ifindex);
	buf_put_u32(buf, att->ifindex);
	buf_add(buf, att->mac.b, sizeof(att->mac.b));
	buf_put_u32(buf, att->mtu);
	buf_put_u32(buf, att->n_leases);
	for (uint32_t i = 0; i < att->n_leases; i++) {
		put_prefix(buf, &att->leases[i].address);
		put_ip(buf, &att->leases[i].gateway);
	}
	put_routes(buf, att->routes, att->n_routes);
	put_mappings(buf, att->mappings, att->n_mappings);
}

static void get_scalars(struct reader *r, struct attachment *att)
{
	reader_str(r, att->network, sizeof(att->network));
	reader_str(r, att->id, sizeof(att->id));
	reader_str(r, att->ifname, sizeof(att->ifname));
	att->phase = reader_u8(r);
	reader_str(r, att->netns, sizeof(att->netns));
	att->netns_ino = reader_u64(r);
	reader_str(r, att->host_ifname, sizeof(att->host_ifname));
	att->host_ifindex = reader_u32(r);
	att->ifindex = reader_u32(r);
	reader_bytes(r, att->mac.b, sizeof(att->mac.b));
	att->mtu = reader_u32(r);
}

int record_get_attachment(const void *data, size_t len, struct attachment **ret)
{
	_cleanup_attachment_ struct attachment *att = calloc(1, sizeof(*att));
	struct reader r = { .data = data, .len = len };
	int rc;

	if (!att)
		return -ENOMEM;
	get_scalars(&r, att);
	att->n_leases = get_count(&r, MAX_ADDRESSES);
	for (uint32_t i = 0; i < att->n_leases; i++) {
		att->leases[i].address = get_prefix(&r);
		att->leases[i].gateway = get_ip(&r);
	}
	att->n_routes = get_routes(&r, att->routes);
	rc = get_mappings(&r, att);
	if (rc < 0)
		return rc;
	if (!reader_done(&r) || !record_attachment_valid(att))
		return -EBADMSG;
	*ret = TAKE_PTR(att);
	return 0;
}
