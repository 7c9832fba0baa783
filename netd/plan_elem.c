// SPDX-License-Identifier: GPL-2.0-or-later
/* The elements that networks and attachments contribute to the ruleset. */
#include <stdlib.h>
#include <string.h>

#include "plan_internal.h"
#include "util.h"

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
	case STEP_ADDRESS_DEL:
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_DEL:
	case STEP_NEIGHBOUR_SET:
	case STEP_WAIT_READY:
	case STEP_CONNTRACK_FLUSH:
		return false;
	}
	return false;
}

static void plan_elem(struct plan *plan, const struct elem *elem, bool add)
{
	struct step step = { .kind = add ? STEP_ELEM_ADD : STEP_ELEM_DEL, .elem = *elem };

	plan_add(plan, &step);
}

/* ---- elements of a network ---------------------------------------------------------------- */

void plan_network_elems(struct plan *plan, const struct network *net, bool add)
{
	static const enum ruleset_set bridge_sets[] = { SET_BRIDGES, SET_SAME_BRIDGE,
							SET_INTRA_BRIDGE };
	bool masquerade = !(net->flags & (NETD_NETWORK_ROUTED | NETD_NETWORK_INTERNAL));
	struct elem elem;

	for (size_t i = 0; i < ARRAY_SIZE(bridge_sets); i++) {
		if (bridge_sets[i] == SET_INTRA_BRIDGE && (net->flags & NETD_NETWORK_ISOLATED))
			continue;
		elem = (struct elem){ .set = bridge_sets[i] };
		plan_name(elem.ifname, net->bridge);
		plan_elem(plan, &elem, add);
	}
	elem = (struct elem){ .set = SET_POLICY_TO };
	plan_name(elem.policy.ifname, net->bridge);
	elem.policy.verdict = net->flags & NETD_NETWORK_ROUTED ? RULESET_ACCEPT : RULESET_DROP;
	plan_elem(plan, &elem, add);
	if (net->flags & NETD_NETWORK_INTERNAL) {
		elem.set = SET_POLICY_FROM;
		elem.policy.verdict = RULESET_DROP;
		plan_elem(plan, &elem, add);
	}
	for (uint32_t i = 0; i < net->n_ranges && masquerade; i++) {
		const struct prefix *subnet = &net->ranges[i].subnet;
		bool seen = false;

		/* a subnet that grew or shrank while in use: the wider one holds the other */
		for (uint32_t j = 0; j < net->n_ranges; j++) {
			const struct prefix *other = &net->ranges[j].subnet;

			seen |= prefix_overlaps(other, subnet) &&
				(other->len < subnet->len || (other->len == subnet->len && j < i));
		}
		if (seen)
			continue;
		elem = (struct elem){ .set = subnet->ip.family == AF_INET ? SET_MASQUERADE4
									  : SET_MASQUERADE6 };
		elem.subnet = *subnet;
		plan_elem(plan, &elem, add);
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

void plan_diff_elems(struct plan *plan, const struct plan *from, const struct plan *to, bool add)
{
	for (size_t i = 0; i < from->n; i++)
		if (!plan_has_elem(to, &from->steps[i].elem))
			plan_elem(plan, &from->steps[i].elem, add);
}

/* ---- elements of an attachment ------------------------------------------------------------ */

const struct ip *plan_address_of(const struct attachment *att, uint8_t family)
{
	const struct lease *lease = lease_of_family(att->leases, att->n_leases, family);

	return lease ? &lease->address.ip : NULL;
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
	const struct ip *to = plan_address_of(att, map->host.family);
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
	plan_elem(plan, &elem, add);
}

void plan_attachment_elems(struct plan *plan, const struct attachment *att, bool add)
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
		const struct ip *ip = plan_address_of(att, six ? AF_INET6 : AF_INET);
		struct elem elem = { .set = six ? SET_SELF6 : SET_SELF4, .owner = owner };

		if (!ip || !(six ? published6 : published4))
			continue;
		elem.address = *ip;
		plan_elem(plan, &elem, add);
	}
}
