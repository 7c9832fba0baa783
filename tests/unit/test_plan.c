// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans: their order, what they contain in each situation, and their text. Golden files in
 * tests/unit/golden hold whole scripts; a deliberate change is taken over with
 * NETD_GOLDEN_UPDATE=1 make unit, and read in the diff. The integration suites run such scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"
#include "spec.h"
#include "util.h"

#define GOLDEN_DIR "tests/unit/golden/"

/* ---- a network and a container ------------------------------------------------------------ */

static struct network network(const char *name, const char *subnet4, const char *subnet6,
			      unsigned int flags)
{
	struct netd_range ranges[2] = { { .subnet = subnet4 }, { .subnet = subnet6, .set = 1 } };
	struct netd_network in = { .size = sizeof(in),
				   .name = name,
				   .ranges = ranges,
				   .n_ranges = subnet6 ? 2 : 1,
				   .flags = flags };
	struct network net;

	assert_int_equal(spec_network(&in, &net, NULL), 0);
	net.bridge_ifindex = 0x100000;
	net.bridge_created = true;
	net.flags |= NETWORK_READY;
	return net;
}

static void add_lease(struct attachment *att, const char *address, const char *gateway)
{
	struct lease *lease = &att->leases[att->n_leases++];

	assert_int_equal(prefix_parse(address, &lease->address), 0);
	assert_int_equal(ip_parse(gateway, &lease->gateway), 0);
}

static struct attachment *container(const struct network *net, const char *address4,
				    const char *address6)
{
	struct attachment *att = calloc(1, sizeof(*att));
	struct attachment_key key;

	assert_non_null(att);
	assert_int_equal(spec_key(net->name, "web", NULL, &key, NULL), 0);
	str_copy(att->network, sizeof(att->network), key.network);
	str_copy(att->id, sizeof(att->id), key.id);
	str_copy(att->ifname, sizeof(att->ifname), key.ifname);
	str_copy(att->netns, sizeof(att->netns), "/run/netns/it's");
	spec_host_ifname(&key, att->host_ifname);
	att->host_ifindex = 0x100002;
	att->ifindex = 0x100003;
	add_lease(att, address4, "10.1.0.1");
	if (address6)
		add_lease(att, address6, "fd00:1::1");
	att->mac = mac_from_ip(&att->leases[0].address.ip);
	assert_int_equal(
		spec_routes(net, att->leases, att->n_leases, att->routes, &att->n_routes, NULL), 0);
	return att;
}

static void publish(struct attachment *att, const char *host, uint8_t protocol, uint16_t host_port,
		    uint16_t container_port, uint16_t count)
{
	struct mapping *maps =
		reallocarray(att->mappings, att->n_mappings + 1, sizeof(*att->mappings));
	struct mapping *map;

	assert_non_null(maps);
	att->mappings = maps;
	map = &att->mappings[att->n_mappings++];
	memset(map, 0, sizeof(*map));
	assert_int_equal(ip_parse(host, &map->host), 0);
	map->protocol = protocol;
	map->host_port = host_port;
	map->container_port = container_port;
	map->count = count;
}

static char *text_of(const struct plan *plan)
{
	struct buf buf = { 0 };
	char *text;

	assert_int_equal(plan_done(plan, NULL), 0);
	assert_int_equal(explain_plan(plan, &buf, NULL), 0);
	text = buf_take(&buf);
	assert_non_null(text);
	return text;
}

static void assert_golden(const struct plan *plan, const char *name)
{
	_cleanup_free_ char *text = text_of(plan);
	char path[128], expected[16384];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), GOLDEN_DIR "%s.sh", name);
	if (getenv("NETD_GOLDEN_UPDATE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(expected, 1, sizeof(expected) - 1, f);
	fclose(f);
	expected[n] = '\0';
	assert_string_equal(text, expected);
}

static size_t count(const struct plan *plan, enum step_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->steps[i].kind == kind;
	return n;
}

static size_t position(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].kind == kind)
			return i;
	fail_msg("no step of kind %d", kind);
	return 0;
}

static size_t position_sysctl(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].kind == STEP_SYSCTL &&
		    strcmp(plan->steps[i].sysctl.path, path) == 0)
			return i;
	fail_msg("no sysctl %s", path);
	return 0;
}

static size_t count_set(const struct plan *plan, enum step_kind kind, enum ruleset_set set)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->steps[i].kind == kind && plan->steps[i].elem.set == set;
	return n;
}

/* ---- attach ------------------------------------------------------------------------------- */

static void first_use(void **state)
{
	struct network net = network("lab", "10.1.0.0/24", "fd00:1::/64", 0);
	struct attachment *att = container(&net, "10.1.0.2/24", "fd00:1::2/64");
	const struct observed seen = { .bridge_nf6 = true, .n_ra = 1, .ra_ifname = { "wan0" } };
	const struct inventory nothing = { 0 };
	struct plan plan = { 0 };

	(void)state;
	net.loopback6 = true;
	publish(att, "0.0.0.0", IPPROTO_TCP, 8080, 80, 1);
	publish(att, "::", IPPROTO_TCP, 8080, 80, 1);
	publish(att, "127.0.0.1", IPPROTO_TCP, 9000, 90, 3);
	publish(att, "0.0.0.0", IPPROTO_UDP, 53, 5353, 1);
	plan_attach(&plan, &net, NULL, att, &seen, &nothing);
	assert_golden(&plan, "first-use");

	/* what opens something comes after what guards it */
	assert_true(position(&plan, STEP_RULESET_ADD) <
		    position_sysctl(&plan, "ipv4/conf/nd-lab/route_localnet"));
	assert_true(position(&plan, STEP_RULESET_ADD) < position_sysctl(&plan, "ipv4/ip_forward"));
	assert_true(position_sysctl(&plan, "ipv6/conf/wan0/accept_ra") <
		    position_sysctl(&plan, "ipv6/conf/all/forwarding"));
	assert_true(position(&plan, STEP_WAIT_READY) < position(&plan, STEP_ELEM_ADD));
	plan_free(&plan);
	attachment_free(att);
}

static void second_container(void **state)
{
	struct network net = network("lab", "10.1.0.0/24", NULL, 0);
	struct attachment *att = container(&net, "10.1.0.2/24", NULL);
	const struct observed seen = { .bridge_exists = true,
				       .bridge_up = true,
				       .bridge_intact = true,
				       .forwarding4 = true,
				       .ruleset_current = true };
	const struct inventory nothing = { 0 };
	struct plan plan = { 0 };

	(void)state;
	publish(att, "0.0.0.0", IPPROTO_TCP, 8080, 80, 1);
	assert_false(plan_needs_host(&net, &net, &seen));
	plan_attach(&plan, &net, &net, att, &seen, &nothing);
	assert_golden(&plan, "second-container");
	assert_int_equal(count(&plan, STEP_BRIDGE_ADD), 0);
	assert_int_equal(count(&plan, STEP_RULESET_ADD), 0);
	plan_free(&plan);
	plan_detach(&plan, att);
	assert_golden(&plan, "detach");
	plan_free(&plan);
	attachment_free(att);
}

static void needs_host(void **state)
{
	struct network net = network("lab", "10.1.0.0/24", "fd00:1::/64", 0);
	struct observed seen = { .bridge_exists = true,
				 .bridge_up = true,
				 .bridge_intact = true,
				 .forwarding4 = true,
				 .forwarding6 = true,
				 .ruleset_current = true };
	struct network changed = net;

	(void)state;
	assert_false(plan_needs_host(&net, &net, &seen));
	assert_true(plan_needs_host(&net, NULL, &seen));
	changed.mtu = 1400;
	assert_true(plan_needs_host(&changed, &net, &seen));
	seen.forwarding4 = false;
	assert_true(plan_needs_host(&net, &net, &seen));
	seen.forwarding4 = true;
	seen.ruleset_current = false;
	assert_true(plan_needs_host(&net, &net, &seen));
	seen.ruleset_current = true;
	seen.bridge_nf6 = true; /* br_netfilter was loaded since */
	assert_true(plan_needs_host(&net, &net, &seen));
	net.loopback6 = true;
	assert_false(plan_needs_host(&net, &net, &seen));
	net = network("in", "10.1.0.0/24", NULL, NETD_NETWORK_INTERNAL);
	seen.forwarding4 = false; /* an internal network never needs it */
	assert_false(plan_needs_host(&net, &net, &seen));
}

static void policies(void **state)
{
	static const struct {
		unsigned int flags;
		size_t masq, intra, from, forward;
		enum ruleset_verdict to;
	} table[] = {
		{ 0, 1, 1, 0, 1, RULESET_DROP },
		{ NETD_NETWORK_INTERNAL, 0, 1, 1, 0, RULESET_DROP },
		{ NETD_NETWORK_ISOLATED, 1, 0, 0, 1, RULESET_DROP },
		{ NETD_NETWORK_ROUTED, 0, 1, 0, 1, RULESET_ACCEPT },
	};
	const struct inventory nothing = { 0 };
	const struct observed seen = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct network net = network("lab", "10.1.0.0/24", NULL, table[i].flags);
		struct attachment *att = container(&net, "10.1.0.2/24", NULL);
		struct plan plan = { 0 };
		size_t forwards = 0;

		plan_attach(&plan, &net, NULL, att, &seen, &nothing);
		assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_MASQUERADE4), table[i].masq);
		assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_INTRA_BRIDGE), table[i].intra);
		assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_POLICY_FROM), table[i].from);
		for (size_t j = 0; j < plan.n; j++) {
			const struct step *step = &plan.steps[j];

			if (step->kind == STEP_ELEM_ADD && step->elem.set == SET_POLICY_TO)
				assert_int_equal(step->elem.policy.verdict, table[i].to);
			if (step->kind == STEP_SYSCTL)
				forwards += strcmp(step->sysctl.path, "ipv4/ip_forward") == 0;
			if (step->kind == STEP_LINK_SET && step->link.master[0])
				assert_int_equal(step->link.isolated,
						 (table[i].flags & NETD_NETWORK_ISOLATED) != 0);
		}
		assert_int_equal(forwards, table[i].forward);
		plan_free(&plan);
		attachment_free(att);
	}
}

static void rebuild(void **state)
{
	struct network net = network("lab", "10.1.0.0/24", NULL, 0);
	struct network other = network("other", "10.2.0.0/24", NULL, 0);
	struct attachment *att = container(&net, "10.1.0.2/24", NULL);
	struct attachment *old = container(&other, "10.2.0.2/24", NULL);
	struct network *networks[] = { &other };
	const struct observed seen = { .bridge_exists = true,
				       .bridge_intact = true,
				       .forwarding4 = true };
	struct inventory inv = { networks, 1, &old, 1 };
	struct plan plan = { 0 };

	(void)state;
	publish(old, "0.0.0.0", IPPROTO_TCP, 8081, 80, 1);
	publish(att, "0.0.0.0", IPPROTO_TCP, 8080, 80, 1);
	plan_attach(&plan, &net, &net, att, &seen, &inv);
	assert_int_equal(count(&plan, STEP_RULESET_ADD), 1);
	assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_BRIDGES), 2);
	assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_PUBLISH_ANY4), 2);
	plan_free(&plan);
	attachment_free(att);
	attachment_free(old);
}

/* ---- networks ----------------------------------------------------------------------------- */

static void shared_bridge(void **state)
{
	struct network a = network("a", "10.1.0.0/24", NULL, 0);
	struct network b = network("b", "10.1.0.0/24", NULL, 0);
	struct attachment *att;
	struct network *networks[] = { &a };
	const struct observed seen = { .bridge_exists = true,
				       .bridge_intact = true,
				       .ruleset_current = true };
	struct inventory inv = { networks, 1, NULL, 0 };
	const struct inventory nothing = { 0 };
	struct plan plan = { 0 };

	(void)state;
	str_copy(b.bridge, sizeof(b.bridge), a.bridge);
	att = container(&b, "10.1.0.2/24", NULL);
	plan_attach(&plan, &b, NULL, att, &seen, &inv);
	assert_int_equal(count(&plan, STEP_ELEM_ADD), 0); /* a has brought them all */
	plan_free(&plan);

	plan_network_down(&plan, &b, &inv, false);
	assert_int_equal(plan.n, 0); /* everything is a's too */
	plan_network_down(&plan, &a, &nothing, false);
	assert_int_equal(count(&plan, STEP_RULESET_DEL), 1);
	assert_int_equal(count(&plan, STEP_LINK_DEL), 1);
	plan_free(&plan);
	attachment_free(att);
}

static void changed_network(void **state)
{
	struct network net = network("lab", "10.1.0.0/24", NULL, 0);
	struct network routed = network("lab", "10.1.0.0/24", NULL, NETD_NETWORK_ROUTED);
	struct attachment *att = container(&routed, "10.1.0.2/24", NULL);
	const struct observed seen = { .bridge_exists = true,
				       .bridge_up = true,
				       .bridge_intact = true,
				       .forwarding4 = true,
				       .ruleset_current = true };
	const struct inventory nothing = { 0 };
	struct plan plan = { 0 };

	(void)state;
	plan_attach(&plan, &routed, &net, att, &seen, &nothing);
	assert_int_equal(count_set(&plan, STEP_ELEM_DEL, SET_MASQUERADE4), 1);
	assert_int_equal(count_set(&plan, STEP_ELEM_DEL, SET_POLICY_TO), 1);
	assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_POLICY_TO), 1);
	assert_int_equal(count_set(&plan, STEP_ELEM_ADD, SET_BRIDGES), 0);
	plan_free(&plan);
	attachment_free(att);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_use),	   cmocka_unit_test(second_container),
		cmocka_unit_test(needs_host),	   cmocka_unit_test(policies),
		cmocka_unit_test(rebuild),	   cmocka_unit_test(shared_bridge),
		cmocka_unit_test(changed_network),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
