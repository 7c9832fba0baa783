// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Order matters in a plan:
 * - the bridge is complete before a port joins it, a port is complete before it is up;
 * - accept_ra=0 and disable_ipv6 stand before a link goes up, so that no router advertisement is
 *   ever heard and an IPv4-only network never speaks IPv6;
 * - the container is ready before its ports are published;
 * - route_localnet and forwarding are switched on after the guard and forward chains stand.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
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

static void plan_add(struct plan *plan, const struct step *step)
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

/* Keeps a string for as long as the plan lives. */
static const char *plan_keep(struct plan *plan, const char *text)
{
	char **strings = reallocarray(plan->strings, plan->n_strings + 1, sizeof(*strings));
	char *copy;

	if (!strings) {
		plan->failed = true;
		return NULL;
	}
	plan->strings = strings;
	copy = strdup(text);
	if (!copy) {
		plan->failed = true;
		return NULL;
	}
	return plan->strings[plan->n_strings++] = copy;
}

bool step_is_nft(enum step_kind kind)
{
	switch (kind) {
	case STEP_RULESET_ADD:
	case STEP_RULESET_DEL:
	case STEP_ELEM_ADD:
	case STEP_ELEM_DEL:
	case STEP_LOOPBACK6_ADD:
	case STEP_LOOPBACK6_DEL:
		return true;
	case STEP_SYSCTL:
	case STEP_BRIDGE_ADD:
	case STEP_VETH_ADD:
	case STEP_LINK_SET:
	case STEP_LINK_DEL:
	case STEP_ADDRESS_ADD:
	case STEP_ROUTE_ADD:
	case STEP_NEIGHBOUR_SET:
	case STEP_WAIT_READY:
	case STEP_CONNTRACK_FLUSH:
		return false;
	}
	return false;
}

/* ---- single steps ------------------------------------------------------------------------- */

static void set_name(char dst[static IFNAMSIZ], const char *src)
{
	snprintf(dst, IFNAMSIZ, "%s", src);
}

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

	set_name(step.address.name, name);
	step.address.ifindex = ifindex;
	step.address.address = *address;
	plan_add(plan, &step);
}

static void add_elem(struct plan *plan, const struct elem *elem, bool add)
{
	struct step step = { .kind = add ? STEP_ELEM_ADD : STEP_ELEM_DEL, .elem = *elem };

	plan_add(plan, &step);
}

static struct prefix link_local_prefix(const struct mac *mac)
{
	return (struct prefix){ ip_link_local(mac), 64 };
}

/* ---- elements of a network ---------------------------------------------------------------- */

/* Calls add_elem for each element that a network contributes. */
static void network_elems(struct plan *plan, const struct network *net, bool add)
{
	static const enum ruleset_set bridge_sets[] = { SET_BRIDGES, SET_SAME_BRIDGE,
							SET_INTRA_BRIDGE };
	bool masquerade = !(net->flags & (NETD_NETWORK_ROUTED | NETD_NETWORK_INTERNAL));
	struct elem elem;

	for (size_t i = 0; i < ARRAY_SIZE(bridge_sets); i++) {
		if (bridge_sets[i] == SET_INTRA_BRIDGE && (net->flags & NETD_NETWORK_ISOLATED))
			continue;
		elem = (struct elem){ .set = bridge_sets[i] };
		set_name(elem.ifname, net->bridge);
		add_elem(plan, &elem, add);
	}
	elem = (struct elem){ .set = SET_POLICY_TO };
	set_name(elem.policy.ifname, net->bridge);
	elem.policy.verdict = net->flags & NETD_NETWORK_ROUTED ? RULESET_ACCEPT : RULESET_DROP;
	add_elem(plan, &elem, add);
	if (net->flags & NETD_NETWORK_INTERNAL) {
		elem.set = SET_POLICY_FROM;
		elem.policy.verdict = RULESET_DROP;
		add_elem(plan, &elem, add);
	}
	for (uint32_t i = 0; i < net->n_ranges && masquerade; i++) {
		const struct prefix *subnet = &net->ranges[i].subnet;
		bool seen = false;

		for (uint32_t j = 0; j < i; j++)
			seen |= memcmp(&net->ranges[j].subnet, subnet, sizeof(*subnet)) == 0;
		if (seen)
			continue;
		elem = (struct elem){ .set = subnet->ip.family == AF_INET ? SET_MASQUERADE4
									  : SET_MASQUERADE6 };
		elem.subnet = *subnet;
		add_elem(plan, &elem, add);
	}
}

static bool same_elem(const struct elem *a, const struct elem *b)
{
	if (a->set != b->set)
		return false;
	if (a->set == SET_MASQUERADE4 || a->set == SET_MASQUERADE6)
		return memcmp(&a->subnet, &b->subnet, sizeof(a->subnet)) == 0;
	if (a->set == SET_POLICY_FROM || a->set == SET_POLICY_TO)
		return strcmp(a->policy.ifname, b->policy.ifname) == 0 &&
		       a->policy.verdict == b->policy.verdict;
	return strcmp(a->ifname, b->ifname) == 0;
}

static bool plan_has_elem(const struct plan *plan, const struct elem *elem)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].kind == STEP_ELEM_ADD && same_elem(&plan->steps[i].elem, elem))
			return true;
	return false;
}

/* Elements of from that are not among those of to: added or deleted. */
static void diff_elems(struct plan *plan, const struct plan *from, const struct plan *to, bool add)
{
	for (size_t i = 0; i < from->n; i++)
		if (!plan_has_elem(to, &from->steps[i].elem))
			add_elem(plan, &from->steps[i].elem, add);
}

/* ---- elements of an attachment ------------------------------------------------------------ */

static const struct ip *address_of(const struct attachment *att, uint8_t family)
{
	for (uint32_t i = 0; i < att->n_leases; i++)
		if (att->leases[i].address.ip.family == family)
			return &att->leases[i].address.ip;
	return NULL;
}

static const char *keep_owner(struct plan *plan, const struct attachment *att)
{
	char owner[121];

	if (!att->n_mappings)
		return NULL;
	/* cut where the element's comment ends; it is for people, netd never reads it */
	snprintf(owner, sizeof(owner), "%.60s/%.40s/%s", att->network, att->id, att->ifname);
	return plan_keep(plan, owner);
}

static void add_mapping(struct plan *plan, const struct attachment *att, const struct mapping *map,
			const char *owner, bool add)
{
	const struct ip *to = address_of(att, map->host.family);
	bool any = ip_is_zero(&map->host);
	struct elem elem = { .owner = owner };

	if (!to)
		return;
	if (map->host.family == AF_INET)
		elem.set = any ? SET_PUBLISH_ANY4 : SET_PUBLISH_ADDR4;
	else
		elem.set = any ? SET_PUBLISH_ANY6 : SET_PUBLISH_ADDR6;
	elem.publish.host = map->host;
	elem.publish.to = *to;
	elem.publish.protocol = map->protocol;
	elem.publish.host_port = map->host_port;
	elem.publish.to_port = map->container_port;
	elem.publish.count = map->count;
	add_elem(plan, &elem, add);
}

static void attachment_elems(struct plan *plan, const struct attachment *att, bool add)
{
	const char *owner = add ? keep_owner(plan, att) : NULL;
	bool published4 = false, published6 = false;

	for (uint32_t i = 0; i < att->n_mappings; i++) {
		add_mapping(plan, att, &att->mappings[i], owner, add);
		published4 |= att->mappings[i].host.family == AF_INET;
		published6 |= att->mappings[i].host.family == AF_INET6;
	}
	/* a container that reaches itself through its published port, seen by br_netfilter */
	for (int six = 0; six < 2; six++) {
		const struct ip *ip = address_of(att, six ? AF_INET6 : AF_INET);
		struct elem elem = { .set = six ? SET_SELF6 : SET_SELF4, .owner = owner };

		if (!ip || !(six ? published6 : published4))
			continue;
		elem.address = *ip;
		add_elem(plan, &elem, add);
	}
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

static void add_gateways(struct plan *plan, const struct network *net)
{
	for (uint32_t i = 0; i < net->n_ranges; i++) {
		struct prefix gateway = { net->ranges[i].gateway, net->ranges[i].subnet.len };
		bool seen = false;

		for (uint32_t j = 0; j < i; j++)
			seen |= ip_equal(&net->ranges[j].gateway, &gateway.ip);
		if (gateway.ip.family != AF_UNSPEC && !seen)
			add_address(plan, HOST, net->bridge, net->bridge_ifindex, &gateway, true);
	}
}

static void add_bridge(struct plan *plan, const struct network *net)
{
	struct step step = { .kind = STEP_BRIDGE_ADD };

	set_name(step.bridge.name, net->bridge);
	step.bridge.ifindex = net->bridge_ifindex;
	step.bridge.mac = plan_bridge_mac(net);
	step.bridge.mtu = net->mtu;
	plan_add(plan, &step);
}

/* Every address of a bridge that netd made comes from netd: no kernel-made one, none by a router. */
static void bridge_up(struct plan *plan, const struct network *net, const struct observed *seen)
{
	bool six = net_has(net, AF_INET6), created = !seen->bridge_exists;
	struct prefix local = { .len = 64 };
	struct step step = { .kind = STEP_LINK_SET };

	if (six)
		add_sysctl(plan, HOST, "ipv6", net->bridge, "disable_ipv6", "0");
	else if (created)
		add_sysctl(plan, HOST, "ipv6", net->bridge, "disable_ipv6", "1");
	add_sysctl(plan, HOST, "ipv6", net->bridge, "accept_ra", "0");
	set_name(step.link.name, net->bridge);
	step.link.ifindex = net->bridge_ifindex;
	step.link.up = true;
	step.link.undo_down = !created && !seen->bridge_up;
	step.link.promisc = net->flags & NETD_NETWORK_PROMISC;
	step.link.addrgenmode_none = six && created;
	if (created || !seen->bridge_up || step.link.promisc)
		plan_add(plan, &step);
	if (net->flags & NETD_NETWORK_NO_GATEWAY)
		return;
	if (six) {
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
static void add_loopback6_route(struct plan *plan, const struct network *net)
{
	struct step step = { .kind = STEP_ROUTE_ADD, .may_exist = true };

	set_name(step.route.name, net->bridge);
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
		add_loopback6_route(plan, net);
}

static void network_loopback6(struct plan *plan, const struct network *net)
{
	struct step step = { .kind = STEP_LOOPBACK6_ADD };

	set_name(step.bridge_name, net->bridge);
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
	network_elems(&is, net, true);
	network_elems(&was, former, true);
	diff_elems(plan, &was, &is, false);
	diff_elems(plan, &is, &was, true);
	plan->failed |= is.failed | was.failed;
}

/* A network that comes into place: what no other network on the same bridge has brought already. */
static void network_new_elems(struct plan *plan, const struct network *net,
			      const struct inventory *inv)
{
	_cleanup_plan_ struct plan is = { 0 };
	_cleanup_plan_ struct plan others = { 0 };

	network_elems(&is, net, true);
	for (size_t i = 0; i < inv->n_networks; i++)
		network_elems(&others, inv->networks[i], true);
	diff_elems(plan, &is, &others, true);
	plan->failed |= is.failed | others.failed;
}

static void rebuild_ruleset(struct plan *plan, const struct observed *seen,
			    const struct inventory *inv)
{
	/* what others rely on is not taken back if this request fails later */
	struct step step = { .kind = STEP_RULESET_ADD, .may_exist = inv->n_networks > 0 };

	step.ruleset.replace = seen->ruleset_exists;
	plan_add(plan, &step);
	for (size_t i = 0; i < inv->n_networks; i++) {
		network_elems(plan, inv->networks[i], true);
		if (inv->networks[i]->loopback6)
			network_loopback6(plan, inv->networks[i]);
	}
	for (size_t i = 0; i < inv->n_attachments; i++)
		attachment_elems(plan, inv->attachments[i], true);
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

	return !former || !seen->bridge_exists || !seen->ruleset_current ||
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

	set_name(veth.veth.host_name, att->host_ifname);
	set_name(veth.veth.peer_name, att->ifname);
	veth.veth.host_ifindex = att->host_ifindex;
	veth.veth.peer_ifindex = att->ifindex;
	veth.veth.host_mac = plan_host_mac(att);
	veth.veth.peer_mac = att->mac;
	veth.veth.mtu = att->mtu;
	plan_add(plan, &veth);
	/* a bridge port needs no addresses of its own, and without IPv6 none appear */
	add_sysctl(plan, HOST, "ipv6", att->host_ifname, "disable_ipv6", "1");
	set_name(port.link.name, att->host_ifname);
	port.link.ifindex = att->host_ifindex;
	port.link.up = true;
	set_name(port.link.master, net->bridge);
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

	set_name(step.route.name, att->ifname);
	step.route.ifindex = att->ifindex;
	step.route.dst = route->dst;
	step.route.gw = route->gw;
	plan_add(plan, &step);
}

static void add_container(struct plan *plan, const struct attachment *att)
{
	bool six = address_of(att, AF_INET6) != NULL;
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
	set_name(lo.link.name, "lo");
	lo.link.ifindex = 1;
	lo.link.up = true;
	plan_add(plan, &lo);
	set_name(link.link.name, att->ifname);
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

static void add_wait(struct plan *plan, const struct network *net, const struct attachment *att)
{
	struct step step = { .kind = STEP_WAIT_READY };

	step.ready.host_ifindex = att->host_ifindex;
	step.ready.bridge_ifindex = net->bridge_ifindex;
	step.ready.ifindex = att->ifindex;
	for (uint32_t i = 0; i < att->n_leases; i++)
		if (att->leases[i].address.ip.family == AF_INET6)
			step.ready.address6[step.ready.n_address6++] = att->leases[i].address.ip;
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

		set_name(step.neighbour.name, net->bridge);
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
		const struct ip *container = address_of(att, map->host.family);
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
	bool fresh = !former || !seen->bridge_exists;

	snprintf(plan->netns, sizeof(plan->netns), "%s", att->netns);
	if (fresh)
		network_links_up(plan, net, seen);
	else if (!spec_same_network(net, former) && !(net->flags & NETD_NETWORK_NO_GATEWAY))
		add_gateways(plan, net);
	add_port(plan, net, att);
	add_container(plan, att);
	add_wait(plan, net, att);
	add_neighbours(plan, net, att);

	if (!seen->ruleset_current)
		rebuild_ruleset(plan, seen, inv);
	if (fresh || !seen->ruleset_current)
		network_new_elems(plan, net, inv);
	else
		network_changes(plan, net, former);
	if (net->loopback6 && (fresh || !seen->ruleset_current || !former->loopback6))
		network_loopback6(plan, net);
	attachment_elems(plan, att, true);

	if (fresh && routes_family(net, AF_INET))
		add_sysctl(plan, HOST, "ipv4", net->bridge, "route_localnet", "1");
	add_forwarding(plan, net, seen);
	add_conntrack(plan, att, false);
}

void plan_detach(struct plan *plan, const struct attachment *att)
{
	struct step link = { .kind = STEP_LINK_DEL };

	snprintf(plan->netns, sizeof(plan->netns), "%s", att->netns);
	attachment_elems(plan, att, false);
	set_name(link.link.name, att->host_ifname);
	link.link.ifindex = att->host_ifindex;
	plan_add(plan, &link);
	add_conntrack(plan, att, true);
}

void plan_network_down(struct plan *plan, const struct network *net, const struct inventory *inv)
{
	struct step step = { .kind = STEP_LINK_DEL };
	_cleanup_plan_ struct plan gone = { 0 };
	_cleanup_plan_ struct plan stays = { 0 };
	bool shared = false;

	if (net->flags & NETWORK_READY) {
		network_elems(&gone, net, true);
		for (size_t i = 0; i < inv->n_networks; i++) {
			network_elems(&stays, inv->networks[i], true);
			shared |= strcmp(inv->networks[i]->bridge, net->bridge) == 0;
		}
		if (inv->n_networks == 0) {
			plan_add(plan, &(struct step){ .kind = STEP_RULESET_DEL });
		} else {
			diff_elems(plan, &gone, &stays, false);
			if (net->loopback6 && !shared) {
				struct step lo6 = { .kind = STEP_LOOPBACK6_DEL };

				set_name(lo6.bridge_name, net->bridge);
				plan_add(plan, &lo6);
			}
		}
		plan->failed |= gone.failed | stays.failed;
	}
	if (net->bridge_created && net->bridge_ifindex && !shared) {
		set_name(step.link.name, net->bridge);
		step.link.ifindex = net->bridge_ifindex;
		plan_add(plan, &step);
	}
}
