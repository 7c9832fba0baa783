// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as the public structures. Each report is one allocation: the structure first, its arrays
 * and strings behind it, so that releasing it is one free().
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "operation.h"
#include "publish.h"
#include "util.h"

/* Hands out parts of one allocation whose size was computed before. */
struct arena {
	char *pos;
	char *end;
};

static void *arena_take(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	void *p = arena->pos;

	size = (size + align - 1) / align * align;
	if (size > (size_t)(arena->end - arena->pos))
		abort(); /* the size was computed wrongly: a bug here, never an input */
	arena->pos += size;
	return p;
}

/* Room for one string of len bytes with its NUL, rounded as arena_take() rounds. */
static size_t room(size_t len)
{
	const size_t align = _Alignof(max_align_t);

	return (len + align) / align * align;
}

static const char *arena_str(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(arena_take(arena, size), text, size);
}

static const char *arena_ip(struct arena *arena, const struct ip *ip)
{
	char buf[IP_STRLEN];

	return ip->family == AF_UNSPEC ? NULL : arena_str(arena, ip_format(ip, buf));
}

static const char *arena_prefix(struct arena *arena, const struct prefix *prefix)
{
	char buf[PREFIX_STRLEN];

	return arena_str(arena, prefix_format(prefix, buf));
}

static const char *arena_mac(struct arena *arena, const struct mac *mac)
{
	char buf[MAC_STRLEN];

	return arena_str(arena, mac_format(mac, buf));
}

static const struct netd_route *arena_routes(struct arena *arena, const struct route *routes,
					     uint32_t n)
{
	struct netd_route *out = arena_take(arena, n * sizeof(*out));

	for (uint32_t i = 0; i < n; i++) {
		out[i].dst = arena_prefix(arena, &routes[i].dst);
		out[i].gw = arena_ip(arena, &routes[i].gw);
	}
	return out;
}

static size_t routes_size(uint32_t n)
{
	return room(n * sizeof(struct netd_route)) + n * (room(PREFIX_STRLEN) + room(IP_STRLEN));
}

/* ---- attachments -------------------------------------------------------------------------- */

static size_t attachment_size(const struct attachment *att, size_t n_ports)
{
	return room(sizeof(struct netd_attachment)) + room(NETD_NAME_MAX) + room(NETD_ID_MAX) +
	       3 * room(IFNAMSIZ) + room(strlen(att->netns)) + 3 * room(MAC_STRLEN) +
	       room(att->n_leases * sizeof(struct netd_attachment_address)) +
	       att->n_leases * (room(PREFIX_STRLEN) + room(IP_STRLEN)) +
	       routes_size(att->n_routes) + room(n_ports * sizeof(struct netd_port));
}

static void fill_addresses(struct arena *arena, const struct attachment *att,
			   struct netd_attachment *out)
{
	struct netd_attachment_address *addresses =
		arena_take(arena, att->n_leases * sizeof(*addresses));

	for (uint32_t i = 0; i < att->n_leases; i++) {
		addresses[i].address = arena_prefix(arena, &att->leases[i].address);
		addresses[i].gateway = arena_ip(arena, &att->leases[i].gateway);
	}
	out->addresses = addresses;
	out->n_addresses = att->n_leases;
}

static void fill_links(struct arena *arena, const struct network *net, const struct attachment *att,
		       struct netd_attachment *out)
{
	struct mac host_mac = plan_host_mac(att);

	out->bridge = arena_str(arena, net->bridge);
	out->bridge_mac = arena_mac(arena, &net->bridge_mac);
	out->bridge_mtu = net->bridge_mtu;
	out->host_ifname = arena_str(arena, att->host_ifname);
	out->host_ifindex = att->host_ifindex;
	out->host_mac = arena_mac(arena, &host_mac);
	out->ifname = arena_str(arena, att->ifname);
	out->ifindex = att->ifindex;
	out->mac = arena_mac(arena, &att->mac);
	out->mtu = att->mtu;
}

int report_attachment(const struct network *net, const struct attachment *att,
		      struct netd_attachment **ret, struct netd_error *err)
{
	_cleanup_free_ struct netd_port *ports = NULL;
	struct netd_attachment *out;
	struct netd_port *copy;
	size_t n_ports = 0, size;
	struct arena arena;
	int r = publish_report(att->mappings, att->n_mappings, &ports, &n_ports, err);

	if (r < 0)
		return r;
	size = attachment_size(att, n_ports);
	arena.pos = calloc(1, size);
	if (!arena.pos)
		return error_nomem(err);
	arena.end = arena.pos + size;
	out = arena_take(&arena, sizeof(*out));
	out->network = arena_str(&arena, att->network);
	out->id = arena_str(&arena, att->id);
	out->netns = arena_str(&arena, att->netns);
	fill_links(&arena, net, att, out);
	fill_addresses(&arena, att, out);
	out->routes = arena_routes(&arena, att->routes, att->n_routes);
	out->n_routes = att->n_routes;
	copy = arena_take(&arena, n_ports * sizeof(*copy));
	if (n_ports)
		memcpy(copy, ports, n_ports * sizeof(*copy));
	out->ports = copy;
	out->n_ports = n_ports;
	out->ready = att->phase == PHASE_READY;
	*ret = out;
	return 0;
}

void netd_attachment_free(struct netd_attachment *attachment)
{
	free(attachment);
}

void netd_attachment_list_free(struct netd_attachment **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		netd_attachment_free(list[i]);
	free(list);
}

/* ---- networks ----------------------------------------------------------------------------- */

static size_t network_size(const struct network *net)
{
	return room(sizeof(struct netd_network)) + room(NETD_NAME_MAX) + room(IFNAMSIZ) +
	       room(net->n_ranges * sizeof(struct netd_range)) +
	       net->n_ranges * (room(PREFIX_STRLEN) + 3 * room(IP_STRLEN)) +
	       routes_size(net->n_routes);
}

int report_network(const struct network *net, size_t n_attachments, struct netd_network **ret,
		   struct netd_error *err)
{
	size_t size = network_size(net);
	struct netd_network *out;
	struct netd_range *ranges;
	struct arena arena;

	arena.pos = calloc(1, size);
	if (!arena.pos)
		return error_nomem(err);
	arena.end = arena.pos + size;
	out = arena_take(&arena, sizeof(*out));
	out->size = sizeof(*out);
	out->name = arena_str(&arena, net->name);
	out->bridge = arena_str(&arena, net->bridge);
	ranges = arena_take(&arena, net->n_ranges * sizeof(*ranges));
	for (uint32_t i = 0; i < net->n_ranges; i++) {
		const struct range *range = &net->ranges[i];

		if (range->set == RANGE_RETIRED)
			continue;
		ranges[out->n_ranges++] = (struct netd_range){
			.subnet = arena_prefix(&arena, &range->subnet),
			.start = arena_ip(&arena, &range->start),
			.end = arena_ip(&arena, &range->end),
			.gateway = arena_ip(&arena, &range->gateway),
			.set = range->set,
		};
	}
	out->ranges = ranges;
	out->routes = arena_routes(&arena, net->routes, net->n_routes);
	out->n_routes = net->n_routes;
	out->mtu = net->mtu;
	out->flags = net->flags & ~(NETWORK_READY | NETWORK_AUTO);
	out->n_attachments = n_attachments;
	out->bridge_ifindex = net->flags & NETWORK_READY ? net->bridge_ifindex : 0;
	*ret = out;
	return 0;
}

void netd_network_free(struct netd_network *network)
{
	free(network);
}
