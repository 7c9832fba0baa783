// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Order matters in a plan:
 * - the bridge is complete before a port joins it, a port is complete before it is up;
 * - accept_ra=0 and disable_ipv6 stand before a link goes up, so that no router advertisement is
 *   ever heard and an IPv4-only network never speaks IPv6;
 * - the container is ready before its ports are published;
 * - route_localnet and forwarding are switched on after the guard and forward chains stand.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "plan_internal.h"
#include "spec.h"
#include "util.h"

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_strings; i++)
		free(plan->strings[i]);
	free(plan->strings);
	free(plan->steps);
	plan->steps = NULL;
	plan->strings = NULL;
	plan->n = plan->cap = plan->n_strings = 0;
}

int plan_done(const struct plan *plan, struct netd_error *err)
{
	return plan->failed ? error_nomem(err) : 0;
}

void plan_add(struct plan *plan, const struct step *step)
{
	if (plan->n == plan->cap) {
		size_t cap = plan->cap ? 2 * plan->cap : 32;
		struct step *steps = reallocarray(plan->steps, cap, sizeof(*steps));

		if (!steps) {
			plan->failed = true;
			return;
		}
		plan->steps = steps;
		plan->cap = cap;
	}
	plan->steps[plan->n++] = *step;
}

/* ---- single steps ------------------------------------------------------------------------- */

/* path is "conf/NAME/key" below ipv4/ or ipv6/ when ifname is given, else as it stands */
static void add_sysctl(struct plan *plan, enum step_where where, const char *family,
		       const char *ifname, const char *key, const char *value)
{
	struct step step = { .kind = STEP_SYSCTL, .where = where };

	if (ifname)
		snprintf(step.sysctl.path, sizeof(step.sysctl.path), "%s/conf/%s/%s", family,
			 ifname, key);
	else
		snprintf(step.sysctl.path, sizeof(step.sysctl.path), "%s/%s", family, key);
	step.sysctl.value = value;
	/* IPv6 may be compiled out; then there is nothing to switch off either */
	step.sysctl.may_lack = strcmp(family, "ipv6") == 0;
	plan_add(plan, &step);
}

static void add_address(struct plan *plan, enum step_where where, const char *name,
			uint32_t ifindex, const struct prefix *address, bool may_exist)
{
	struct step step = { .kind = STEP_ADDRESS_ADD, .where = where, .may_exist = may_exist };

	plan_name(step.address.name, name);
	step.address.ifindex = ifindex;
	step.address.address = *address;
	plan_add(plan, &step);
}

static void del_address(struct plan *plan, const char *name, uint32_t ifindex,
			const struct prefix *address)
{
	struct step step = { .kind = STEP_ADDRESS_DEL };

	plan_name(step.address.name, name);
	step.address.ifindex = ifindex;
	step.address.address = *address;
	plan_add(plan, &step);
}

static struct prefix link_local_prefix(const struct mac *mac)
{
	return (struct prefix){ ip_link_local(mac), 64 };
}

/* ---- network ------------------------------------------------------------------------------ */

/* A locally administered address that tells what it is for by its second byte. */
static struct mac derive_mac(uint8_t kind, const char *name)
{
	uint64_t hash = hash_bytes(HASH_INIT, name, strlen(name));
	struct mac mac = { { 0x02, kind } };

	for (size_t i = 2; i < sizeof(mac.b); i++)
		mac.b[i] = (uint8_t)(hash >> (8 * i));
	return mac;
}

struct mac plan_host_mac(const struct attachment *att)
{
	return derive_mac(0x45, att->host_ifname);
}

struct mac plan_bridge_mac(const struct network *net)
{
	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (net->ranges[i].gateway.family != AF_UNSPEC &&
		    !(net->flags & NETD_NETWORK_NO_GATEWAY))
			return mac_from_ip(&net->ranges[i].gateway);
	return derive_mac(0x44, net->bridge);
}

/* Subnets that are only kept for containers of the past count too: the bridge serves them. */
static bool net_has(const struct network *net, uint8_t family)
{
	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (net->ranges[i].subnet.ip.family == family)
			return true;
	return false;
}

static bool routes_family(const struct network *net, uint8_t family)
{
	return !(net->flags & NETD_NETWORK_NO_GATEWAY) && net_has(net, family);
}

/* The gateway of range i, unless an earlier range has it too. */
static bool gateway_at(const struct network *net, uint32_t i, struct prefix *ret)
{
	const struct range *range = &net->ranges[i];

	for (uint32_t j = 0; j < i; j++)
		if (ip_equal(&net->ranges[j].gateway, &range->gateway))
			return false;
	*ret = (struct prefix){ range->gateway, range->subnet.len };
	return range->gateway.family != AF_UNSPEC && !(net->flags & NETD_NETWORK_NO_GATEWAY);
}

static void add_gateways(struct plan *plan, const struct network *net)
{
	struct prefix gateway;

	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (gateway_at(net, i, &gateway))
			add_address(plan, HOST, net->bridge, net->bridge_ifindex, &gateway, true);
}

static bool has_gateway(const struct inventory *inv, const struct network *net,
			const struct prefix *gateway)
{
	for (size_t i = 0; i < inv->n_networks; i++) {
		const struct network *other = inv->networks[i];
		struct prefix theirs;

		for (uint32_t j = 0; j < other->n_ranges; j++)
			if (strcmp(other->bridge, net->bridge) == 0 &&
			    gateway_at(other, j, &theirs) && ip_equal(&theirs.ip, &gateway->ip))
				return true;
	}
	return false;
}

/* Those that netd put there and no other network on the bridge has as well. */
static void del_gateways(struct plan *plan, const struct network *net, const struct inventory *inv)
{
	struct prefix gateway;

	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (gateway_at(net, i, &gateway) && !(net->foreign_gateways & (1U << i)) &&
		    !has_gateway(inv, net, &gateway))
			del_address(plan, net->bridge, net->bridge_ifindex, &gateway);
}

static void add_bridge(struct plan *plan, const struct network *net)
{
	struct step step = { .kind = STEP_BRIDGE_ADD };

	plan_name(step.bridge.name, net->bridge);
	step.bridge.ifindex = net->bridge_ifindex;
	step.bridge.mac = plan_bridge_mac(net);
	step.bridge.mtu = net->mtu;
	plan_add(plan, &step);
}

/* Every address of a bridge that netd made comes from netd: no kernel-made one, none by a router. */
static void bridge_up(struct plan *plan, const struct network *net, const struct observed *seen)
{
	bool six = net_has(net, AF_INET6);
	bool created = !seen->bridge_exists;
	struct prefix local = { .len = 64 };
	struct step step = { .kind = STEP_LINK_SET };

	if (six)
		add_sysctl(plan, HOST, "ipv6", net->bridge, "disable_ipv6", "0");
	else if (created)
		add_sysctl(plan, HOST, "ipv6", net->bridge, "disable_ipv6", "1");
	/* on a bridge that somebody else made, the host may live on router advertisements */
	if (net->bridge_created)
		add_sysctl(plan, HOST, "ipv6", net->bridge, "accept_ra", "0");
	plan_name(step.link.name, net->bridge);
	step.link.ifindex = net->bridge_ifindex;
	step.link.up = true;
	step.link.undo_down = !created && !seen->bridge_up;
	step.link.promisc = net->flags & NETD_NETWORK_PROMISC;
	step.link.addrgenmode_none = six && created;
	/* left alone, a bridge takes the lowest of its ports' MAC addresses and of their MTUs */
	step.link.pin_mac = !net->bridge_created;
	step.link.mac = net->bridge_mac;
	step.link.mtu = created ? net->mtu : 0;
	plan_add(plan, &step);
	if (net->flags & NETD_NETWORK_NO_GATEWAY)
		return;
	if (six && net->bridge_created) {
		/* forwarded IPv6 needs a link-local source for neighbour discovery at once */
		ip_parse("fe80::1", &local.ip);
		add_address(plan, HOST, net->bridge, net->bridge_ifindex, &local, true);
	}
	add_gateways(plan, net);
}

/*
 * Un-NATed replies from a container to ::1 arrive on the bridge; a local route with a metric behind
 * lo's own makes them acceptable there. Packets for ::1 from the wire are dropped by ip6_rcv_core
 * and by the guard chain.
 */
static void loopback6_route(struct plan *plan, const struct network *net, bool add)
{
	struct step step = { .kind = add ? STEP_ROUTE_ADD : STEP_ROUTE_DEL, .may_exist = true };

	plan_name(step.route.name, net->bridge);
	step.route.ifindex = net->bridge_ifindex;
	ip_parse("::1", &step.route.dst.ip);
	step.route.dst.len = 128;
	step.route.local = true;
	/* distinct per bridge: two routes of one metric would collide */
	step.route.metric = 1024 + net->bridge_ifindex;
	plan_add(plan, &step);
}

static void network_links_up(struct plan *plan, const struct network *net,
			     const struct observed *seen)
{
	if (!seen->bridge_exists)
		add_bridge(plan, net);
	bridge_up(plan, net, seen);
	if (routes_family(net, AF_INET6))
		loopback6_route(plan, net, true);
}

static void network_loopback6(struct plan *plan, const struct network *net)
{
	struct step step = { .kind = STEP_LOOPBACK6_ADD };

	plan_name(step.bridge_name, net->bridge);
	plan_add(plan, &step);
}

/* A network that is in place and changes: only what differs. */
static void network_changes(struct plan *plan, const struct network *net,
			    const struct network *former)
{
	_cleanup_plan_ struct plan is = { 0 };
	_cleanup_plan_ struct plan was = { 0 };

	if (spec_same_network(net, former))
		return;
	plan_network_elems(&is, net, true);
	plan_network_elems(&was, former, true);
	plan_diff_elems(plan, &was, &is, false);
	plan_diff_elems(plan, &is, &was, true);
	plan->failed |= is.failed | was.failed;
}

/* A network that comes into place: what no other network on the same bridge has brought already. */
static void network_new_elems(struct plan *plan, const struct network *net,
			      const struct inventory *inv)
{
	_cleanup_plan_ struct plan is = { 0 };
	_cleanup_plan_ struct plan others = { 0 };

	plan_network_elems(&is, net, true);
	for (size_t i = 0; i < inv->n_networks; i++)
		plan_network_elems(&others, inv->networks[i], true);
	plan_diff_elems(plan, &is, &others, true);
	plan->failed |= is.failed | others.failed;
}

/* Steps from first on make what others rely on: they stay if this request fails later. */
static void keep_steps(struct plan *plan, size_t first)
{
	for (size_t i = first; i < plan->n; i++)
		plan->steps[i].may_exist = true;
}

static void rebuild_ruleset(struct plan *plan, const struct observed *seen,
			    const struct inventory *inv)
{
	struct step step = { .kind = STEP_RULESET_ADD, .ruleset.replace = seen->ruleset_exists };

	plan_add(plan, &step);
	for (size_t i = 0; i < inv->n_networks; i++) {
		plan_network_elems(plan, inv->networks[i], true);
		if (inv->networks[i]->loopback6)
			network_loopback6(plan, inv->networks[i]);
	}
	for (size_t i = 0; i < inv->n_attachments; i++)
		plan_attachment_elems(plan, inv->attachments[i], true);
}

/* One chain serves all networks of a bridge. */
static bool other_loopback6(const struct inventory *inv, const struct network *net)
{
	for (size_t i = 0; i < inv->n_networks; i++)
		if (inv->networks[i]->loopback6 &&
		    strcmp(inv->networks[i]->bridge, net->bridge) == 0)
			return true;
	return false;
}

/* The network's part of the ruleset, and of all others where it has to be built anew. */
static void network_ruleset(struct plan *plan, const struct network *net,
			    const struct network *former, const struct observed *seen,
			    const struct inventory *inv)
{
	bool fresh = !former || !seen->bridge_exists;
	size_t first = plan->n;

	if (!seen->ruleset_current)
		rebuild_ruleset(plan, seen, inv);
	if (inv->n_networks > 0)
		keep_steps(plan, first);
	if (fresh || !seen->ruleset_current)
		network_new_elems(plan, net, inv);
	else
		network_changes(plan, net, former);
	if (net->loopback6 && !other_loopback6(inv, net) &&
	    (fresh || !seen->ruleset_current || !former->loopback6))
		network_loopback6(plan, net);
	if (former && !seen->ruleset_current)
		keep_steps(plan, first);
}

/* Forwarding is the host's, not the network's: switched on where needed, never off. */
static void add_forwarding(struct plan *plan, const struct network *net,
			   const struct observed *seen)
{
	if (net->flags & NETD_NETWORK_INTERNAL)
		return;
	if (routes_family(net, AF_INET) && !seen->forwarding4)
		add_sysctl(plan, HOST, "ipv4", NULL, "ip_forward", "1");
	if (!routes_family(net, AF_INET6) || seen->forwarding6)
		return;
	/* with forwarding on, accept_ra=1 stops listening to routers and drops the default route */
	for (uint32_t i = 0; i < seen->n_ra; i++)
		add_sysctl(plan, HOST, "ipv6", seen->ra_ifname[i], "accept_ra", "2");
	add_sysctl(plan, HOST, "ipv6", NULL, "conf/all/forwarding", "1");
}

bool plan_needs_host(const struct network *net, const struct network *former,
		     const struct observed *seen)
{
	bool forward = !(net->flags & NETD_NETWORK_INTERNAL);

	return !former || !seen->bridge_exists || !seen->bridge_intact || !seen->ruleset_current ||
	       !spec_same_network(net, former) ||
	       (seen->bridge_nf6 && routes_family(net, AF_INET6) && !former->loopback6) ||
	       (forward && routes_family(net, AF_INET) && !seen->forwarding4) ||
	       (forward && routes_family(net, AF_INET6) && !seen->forwarding6);
}

/* ---- container ---------------------------------------------------------------------------- */

static void add_port(struct plan *plan, const struct network *net, const struct attachment *att)
{
	struct step veth = { .kind = STEP_VETH_ADD };
	struct step port = { .kind = STEP_LINK_SET };

	plan_name(veth.veth.host_name, att->host_ifname);
	plan_name(veth.veth.peer_name, att->ifname);
	veth.veth.host_ifindex = att->host_ifindex;
	veth.veth.peer_ifindex = att->ifindex;
	veth.veth.host_mac = plan_host_mac(att);
	veth.veth.peer_mac = att->mac;
	veth.veth.mtu = att->mtu;
	plan_add(plan, &veth);
	/* a bridge port needs no addresses of its own, and without IPv6 none appear */
	add_sysctl(plan, HOST, "ipv6", att->host_ifname, "disable_ipv6", "1");
	plan_name(port.link.name, att->host_ifname);
	port.link.ifindex = att->host_ifindex;
	port.link.up = true;
	plan_name(port.link.master, net->bridge);
	port.link.master_ifindex = net->bridge_ifindex;
	/* a publishing container may reach itself; under br_netfilter the frame returns by its port */
	port.link.hairpin = (net->flags & NETD_NETWORK_HAIRPIN) || att->n_mappings > 0;
	port.link.isolated = net->flags & NETD_NETWORK_ISOLATED;
	plan_add(plan, &port);
}

static void add_route(struct plan *plan, const struct attachment *att, const struct route *route)
{
	/* a container on several networks keeps the default route of the first */
	struct step step = { .kind = STEP_ROUTE_ADD, .where = CONTAINER, .may_exist = true };

	plan_name(step.route.name, att->ifname);
	step.route.ifindex = att->ifindex;
	step.route.dst = route->dst;
	step.route.gw = route->gw;
	plan_add(plan, &step);
}

static void add_container(struct plan *plan, const struct attachment *att)
{
	bool six = plan_address_of(att, AF_INET6) != NULL;
	struct prefix local = link_local_prefix(&att->mac);
	struct step lo = { .kind = STEP_LINK_SET, .where = CONTAINER };
	struct step link = lo;

	if (six) {
		add_sysctl(plan, CONTAINER, "ipv6", "lo", "disable_ipv6", "0");
		add_sysctl(plan, CONTAINER, "ipv6", att->ifname, "disable_ipv6", "0");
		add_sysctl(plan, CONTAINER, "ipv6", att->ifname, "accept_ra", "0");
	} else if (att->n_leases) {
		add_sysctl(plan, CONTAINER, "ipv6", att->ifname, "disable_ipv6", "1");
	}
	plan_name(lo.link.name, "lo");
	lo.link.ifindex = LOOPBACK_IFINDEX;
	lo.link.up = true;
	plan_add(plan, &lo);
	plan_name(link.link.name, att->ifname);
	link.link.ifindex = att->ifindex;
	link.link.up = true;
	link.link.addrgenmode_none = six;
	plan_add(plan, &link);
	if (six)
		add_address(plan, CONTAINER, att->ifname, att->ifindex, &local, false);
	for (uint32_t i = 0; i < att->n_leases; i++)
		add_address(plan, CONTAINER, att->ifname, att->ifindex, &att->leases[i].address,
			    false);
	for (uint32_t i = 0; i < att->n_routes; i++)
		add_route(plan, att, &att->routes[i]);
}

static void add_wait(struct plan *plan, const struct network *net, const struct attachment *att,
		     bool links_up)
{
	struct step step = { .kind = STEP_WAIT_READY };

	step.ready.host_ifindex = att->host_ifindex;
	step.ready.bridge_ifindex = net->bridge_ifindex;
	step.ready.ifindex = att->ifindex;
	for (uint32_t i = 0; i < att->n_leases; i++)
		if (att->leases[i].address.ip.family == AF_INET6)
			step.ready.address6[step.ready.n_address6++] = att->leases[i].address.ip;
	for (uint32_t i = 0; i < att->n_leases && links_up; i++)
		if (att->leases[i].gateway.family == AF_INET6 &&
		    !(net->flags & NETD_NETWORK_NO_GATEWAY))
			step.ready.gateway6[step.ready.n_gateway6++] = att->leases[i].gateway;
	plan_add(plan, &step);
}

/*
 * The host knows the container's MAC address. Telling it spares the first packet the question; and if
 * somebody has been sending to the address while nobody had it, the host's own question is pending
 * and would hold up that packet for up to a second.
 */
static void add_neighbours(struct plan *plan, const struct network *net,
			   const struct attachment *att)
{
	if (net->flags & NETD_NETWORK_NO_GATEWAY)
		return;
	for (uint32_t i = 0; i < att->n_leases; i++) {
		struct step step = { .kind = STEP_NEIGHBOUR_SET };

		plan_name(step.neighbour.name, net->bridge);
		step.neighbour.ifindex = net->bridge_ifindex;
		step.neighbour.ip = att->leases[i].address.ip;
		step.neighbour.mac = att->mac;
		plan_add(plan, &step);
	}
}

/* UDP flows keep their translation for as long as packets come: forget those of the mapping. */
static void add_conntrack(struct plan *plan, const struct attachment *att, bool detach)
{
	for (uint32_t i = 0; i < att->n_mappings; i++) {
		const struct mapping *map = &att->mappings[i];
		const struct ip *container = plan_address_of(att, map->host.family);
		struct step step = { .kind = STEP_CONNTRACK_FLUSH };

		if (map->protocol != IPPROTO_UDP || !container)
			continue;
		step.conntrack.host = map->host;
		if (detach)
			step.conntrack.container = *container;
		step.conntrack.protocol = map->protocol;
		step.conntrack.port = map->host_port;
		step.conntrack.count = map->count;
		plan_add(plan, &step);
	}
}

/* ---- whole plans -------------------------------------------------------------------------- */

void plan_attach(struct plan *plan, const struct network *net, const struct network *former,
		 const struct attachment *att, const struct observed *seen,
		 const struct inventory *inv)
{
	bool links_up = !former || !seen->bridge_exists || !seen->bridge_intact;
	bool fresh = !former || !seen->bridge_exists;

	snprintf(plan->netns, sizeof(plan->netns), "%s", att->netns);
	if (links_up)
		network_links_up(plan, net, seen);
	else if (!spec_same_network(net, former) && !(net->flags & NETD_NETWORK_NO_GATEWAY))
		add_gateways(plan, net);
	add_port(plan, net, att);
	add_neighbours(plan, net, att);
	add_container(plan, att);
	add_wait(plan, net, att, links_up);

	network_ruleset(plan, net, former, seen, inv);
	plan_attachment_elems(plan, att, true);

	if (fresh && routes_family(net, AF_INET))
		add_sysctl(plan, HOST, "ipv4", net->bridge, "route_localnet", "1");
	add_forwarding(plan, net, seen);
	add_conntrack(plan, att, false);
}

void plan_detach(struct plan *plan, const struct attachment *att)
{
	struct step link = { .kind = STEP_LINK_DEL };

	snprintf(plan->netns, sizeof(plan->netns), "%s", att->netns);
	plan_attachment_elems(plan, att, false);
	link.link.kind = "veth";
	plan_name(link.link.name, att->host_ifname);
	link.link.ifindex = att->host_ifindex;
	plan_add(plan, &link);
	add_conntrack(plan, att, true);
}

static bool shares_bridge(const struct inventory *inv, const struct network *net)
{
	for (size_t i = 0; i < inv->n_networks; i++)
		if (strcmp(inv->networks[i]->bridge, net->bridge) == 0)
			return true;
	return false;
}

static void network_elems_down(struct plan *plan, const struct network *net,
			       const struct inventory *inv, bool shared)
{
	_cleanup_plan_ struct plan gone = { 0 };
	_cleanup_plan_ struct plan stays = { 0 };
	struct step step = { .kind = STEP_RULESET_DEL };

	if (inv->n_networks == 0) {
		plan_add(plan, &step);
		return;
	}
	plan_network_elems(&gone, net, true);
	for (size_t i = 0; i < inv->n_networks; i++)
		plan_network_elems(&stays, inv->networks[i], true);
	plan_diff_elems(plan, &gone, &stays, false);
	plan->failed |= gone.failed | stays.failed;
	if (net->loopback6 && !shared) {
		step.kind = STEP_LOOPBACK6_DEL;
		plan_name(step.bridge_name, net->bridge);
		plan_add(plan, &step);
	}
}

/* What netd put on a bridge that stays. */
static void bridge_cleared(struct plan *plan, const struct network *net,
			   const struct inventory *inv, bool shared)
{
	del_gateways(plan, net, inv);
	if (!shared && routes_family(net, AF_INET6))
		loopback6_route(plan, net, false);
}

void plan_network_down(struct plan *plan, const struct network *net, const struct inventory *inv,
		       bool foreign_table)
{
	struct step step = { .kind = STEP_LINK_DEL };
	bool shared = shares_bridge(inv, net);
	bool deleted = net->bridge_created && !shared;

	if (!net->bridge_ifindex)
		return;
	/* route_localnet ends before the guard does: with the bridge, or on it */
	if (deleted) {
		step.link.kind = "bridge";
		plan_name(step.link.name, net->bridge);
		step.link.ifindex = net->bridge_ifindex;
		plan_add(plan, &step);
	} else if (!shared && routes_family(net, AF_INET)) {
		add_sysctl(plan, HOST, "ipv4", net->bridge, "route_localnet", "0");
	}
	if (!foreign_table)
		network_elems_down(plan, net, inv, shared);
	if (!deleted)
		bridge_cleared(plan, net, inv, shared);
}
