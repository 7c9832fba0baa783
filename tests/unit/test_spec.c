// SPDX-License-Identifier: GPL-2.0-or-later
/* Validation of requests and definitions, automatic subnets, routes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spec.h"
#include "util.h"

static struct netd_network definition(const char *name)
{
	return (struct netd_network){ .size = sizeof(struct netd_network), .name = name };
}

static struct netd_attach_request request(const char *id)
{
	return (struct netd_attach_request){ .size = sizeof(struct netd_attach_request),
					     .id = id,
					     .netns = "/proc/1/ns/net" };
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void assert_prefix(const struct prefix *p, const char *text)
{
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_format(p, buf), text);
}

/* ---- networks ----------------------------------------------------------------------------- */

static void network_defaults(void **state)
{
	struct netd_network in = definition("web");
	struct network net;

	(void)state;
	assert_int_equal(spec_network(&in, &net, NULL), 0);
	assert_string_equal(net.bridge, "nd-web");
	assert_true(net.flags & NETWORK_AUTO);
	assert_int_equal(net.n_ranges, 0);

	in.name = "a-name-that-is-too-long-for-an-interface";
	assert_int_equal(spec_network(&in, &net, NULL), 0);
	assert_int_equal(strlen(net.bridge), 15);
	assert_memory_equal(net.bridge, "nd-", 3);
}

static void network_ranges(void **state)
{
	const struct netd_range ranges[] = { { .subnet = "10.1.0.0/24" },
					     { .subnet = "fd00:1::/64", .set = 1 } };
	struct netd_network in = definition("web");
	struct network net;
	char buf[IP_STRLEN];

	(void)state;
	in.ranges = ranges;
	in.n_ranges = 2;
	assert_int_equal(spec_network(&in, &net, NULL), 0);
	assert_false(net.flags & NETWORK_AUTO);
	assert_string_equal(ip_format(&net.ranges[0].gateway, buf), "10.1.0.1");
	assert_string_equal(ip_format(&net.ranges[0].end, buf), "10.1.0.254");
	assert_string_equal(ip_format(&net.ranges[1].gateway, buf), "fd00:1::1");
	assert_true(network_has_family(&net, AF_INET6));
}

struct bad_network {
	struct netd_range range;
	unsigned int flags;
	unsigned int mtu;
	const char *bridge;
	const char *text; /* in the message */
};

static void network_refused(void **state)
{
	static const struct bad_network table[] = {
		{ { .subnet = "10.1.0.1/24" }, 0, 0, NULL, "the network address is 10.1.0.0" },
		{ { .subnet = "10.1.0.0" }, 0, 0, NULL, "CIDR" },
		{ { .subnet = "10.1.0.0/33" }, 0, 0, NULL, "CIDR" },
		{ { .subnet = "127.1.0.0/16" }, 0, 0, NULL, "loopback" },
		{ { .subnet = "224.1.0.0/16" }, 0, 0, NULL, "multicast" },
		{ { .subnet = "fe80::/64" }, 0, 0, NULL, "link-local" },
		{ { "10.1.0.0/24", .start = "10.2.0.1" }, 0, 0, NULL, "not in network" },
		{ { "10.1.0.0/24", .gateway = "x" }, 0, 0, NULL, "gateway" },
		{ { "10.1.0.0/24", .set = 99 }, 0, 0, NULL, "range set 99" },
		{ { .subnet = "10.1.0.0/24" }, 1U << 20, 0, NULL, "flags" },
		{ { .subnet = "10.1.0.0/24" },
		  NETD_NETWORK_INTERNAL | NETD_NETWORK_ROUTED,
		  0,
		  NULL,
		  "internal and routed" },
		{ { .subnet = "10.1.0.0/24" },
		  NETD_NETWORK_HAIRPIN | NETD_NETWORK_PROMISC,
		  0,
		  NULL,
		  "cannot set hairpin mode and promiscuous mode at the same time" },
		{ { .subnet = "10.1.0.0/24" },
		  NETD_NETWORK_NO_ADDRESS,
		  0,
		  NULL,
		  "cannot have ranges" },
		{ { .subnet = "10.1.0.0/24" }, 0, 20, NULL, "invalid MTU 20" },
		{ { .subnet = "10.1.0.0/24" }, 0, 70000, NULL, "invalid MTU 70000" },
		{ { .subnet = "fd00::/64" }, 0, 1279, NULL, "invalid MTU 1279" },
		{ { .subnet = "10.1.0.0/24" }, 0, 0, "a/b", "interface name" },
		{ { .subnet = "10.1.0.0/24" }, 0, 0, "all", "interface name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct netd_network in = definition("web");
		struct netd_error err = NETD_ERROR_INIT;
		struct network net;

		in.ranges = &table[i].range;
		in.n_ranges = 1;
		in.flags = table[i].flags;
		in.mtu = table[i].mtu;
		in.bridge = table[i].bridge;
		if (spec_network(&in, &net, &err) != -EINVAL || err.code != NETD_E_INVALID ||
		    !strstr(err.message, table[i].text))
			fail_msg("row %zu: \"%s\"", i, err.message);
	}
}

static void network_overlaps(void **state)
{
	const struct netd_range same_set[] = { { "10.1.0.0/24", "10.1.0.10", "10.1.0.20", NULL, 0 },
					       { "10.1.0.0/24", "10.1.0.30", "10.1.0.40", NULL,
						 0 } };
	const struct netd_range overlap[] = { { "10.1.0.0/24", NULL, NULL, NULL, 0 },
					      { "10.1.0.0/25", NULL, NULL, NULL, 1 } };
	const struct netd_range mixed[] = { { "10.1.0.0/24", NULL, NULL, NULL, 0 },
					    { "fd00::/64", NULL, NULL, NULL, 0 } };
	struct netd_network in = definition("web");
	struct network net;

	(void)state;
	in.n_ranges = 2;
	in.ranges = same_set;
	assert_int_equal(spec_network(&in, &net, NULL), 0);
	in.ranges = overlap;
	assert_int_equal(spec_network(&in, &net, NULL), -EINVAL);
	in.ranges = mixed;
	assert_int_equal(spec_network(&in, &net, NULL), -EINVAL);
}

static void bad_size(void **state)
{
	struct netd_network in = { .size = 1, .name = "x" };
	struct netd_attach_request req = { .size = 3, .id = "x" };
	struct attach_spec spec;
	struct network net;

	(void)state;
	assert_int_equal(spec_network(&in, &net, NULL), -EINVAL);
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
}

/* ---- automatic subnets -------------------------------------------------------------------- */

static void choose(struct network *net, const char *const *busy, size_t n_busy, int expected)
{
	struct pool pools[MAX_POOLS];
	struct prefix list[8];
	size_t n_pools;

	assert_int_equal(spec_pools(NULL, 0, pools, &n_pools, NULL), 0);
	for (size_t i = 0; i < n_busy; i++)
		list[i] = prefix(busy[i]);
	assert_int_equal(spec_choose_subnets(net, pools, n_pools, list, n_busy, NULL), expected);
}

static void subnets(void **state)
{
	const char *const first[] = { "10.144.0.0/24" };
	const char *const host[] = { "10.144.0.1/32", "10.144.1.0/25", "192.168.0.0/16" };
	const char *const wide[] = { "10.144.0.0/13" };
	const char *const all[] = { "10.0.0.0/8" };
	struct network net;

	(void)state;
	spec_default_network(true, &net);
	choose(&net, NULL, 0, 0);
	assert_int_equal(net.n_ranges, 2);
	assert_prefix(&net.ranges[0].subnet, "10.144.0.0/24");
	assert_prefix(&net.ranges[1].subnet, "fd6e:6574:6400::/64");
	assert_int_not_equal(net.ranges[0].set, net.ranges[1].set);

	spec_default_network(false, &net);
	choose(&net, first, 1, 0);
	assert_int_equal(net.n_ranges, 1);
	assert_prefix(&net.ranges[0].subnet, "10.144.1.0/24");

	spec_default_network(false, &net);
	choose(&net, host, 3, 0);
	assert_prefix(&net.ranges[0].subnet, "10.144.2.0/24");

	spec_default_network(false, &net);
	choose(&net, wide, 1, 0);
	assert_prefix(&net.ranges[0].subnet, "10.152.0.0/24");

	spec_default_network(false, &net);
	choose(&net, all, 1, -ENOSPC);
}

static void pools(void **state)
{
	const struct netd_pool good = { "192.0.2.0/24", 28 };
	const struct netd_pool bad[] = { { "192.0.2.1/24", 28 },
					 { "192.0.2.0/24", 23 },
					 { "192.0.2.0/24", 31 },
					 { NULL, 24 },
					 { "x", 24 } };
	struct pool out[MAX_POOLS];
	size_t n;

	(void)state;
	assert_int_equal(spec_pools(&good, 1, out, &n, NULL), 0);
	assert_int_equal(n, 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(spec_pools(&bad[i], 1, out, &n, NULL), -EINVAL);
}

/* ---- requests ----------------------------------------------------------------------------- */

static void attach_defaults(void **state)
{
	struct netd_attach_request req = request("web");
	struct attach_spec spec;
	char name[IFNAMSIZ], other[IFNAMSIZ];

	(void)state;
	assert_int_equal(spec_attach(&req, &spec, NULL), 0);
	assert_string_equal(spec.key.network, "default");
	assert_string_equal(spec.key.ifname, "eth0");
	assert_false(spec.has_mac);

	spec_host_ifname(&spec.key, name);
	assert_int_equal(strlen(name), 15);
	assert_memory_equal(name, "veth", 4);
	req.ifname = "eth1";
	assert_int_equal(spec_attach(&req, &spec, NULL), 0);
	spec_host_ifname(&spec.key, other);
	assert_string_not_equal(name, other);
}

static void attach_refused(void **state)
{
	const char *const ids[] = { "", "../x", "a b", "-a", "a\nb", "\xff" };
	const char *const ips[] = { "10.0.0.300" };
	struct netd_attach_request req;
	struct attach_spec spec;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		req = request(ids[i]);
		assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
	}
	req = request("web");
	req.netns = "";
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
	req = request("web");
	req.mac = "01:00:00:00:00:01"; /* multicast */
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
	req = request("web");
	req.ips = ips;
	req.n_ips = 1;
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
	req = request("web");
	req.network = "a/b";
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
}

static void definition_must_match(void **state)
{
	struct netd_network def = definition("other");
	struct netd_attach_request req = request("web");
	struct attach_spec spec;

	(void)state;
	req.definition = &def;
	assert_int_equal(spec_attach(&req, &spec, NULL), -EINVAL);
	req.network = "other";
	assert_int_equal(spec_attach(&req, &spec, NULL), 0);
	assert_true(spec.has_definition);
}

/* ---- routes ------------------------------------------------------------------------------- */

static void route_list(struct netd_network *in, struct route *routes, uint32_t *n)
{
	struct lease lease = { .address = prefix("10.1.0.2/24") };
	struct network net;

	assert_int_equal(ip_parse("10.1.0.1", &lease.gateway), 0);
	assert_int_equal(spec_network(in, &net, NULL), 0);
	assert_int_equal(spec_routes(&net, &lease, 1, routes, n, NULL), 0);
}

static void routes(void **state)
{
	const struct netd_range range = { .subnet = "10.1.0.0/24" };
	const struct netd_route own[] = { { "192.0.2.0/24", NULL },
					  { "198.51.100.0/24", "10.1.0.9" },
					  { "2001:db8::/32", NULL } };
	const struct netd_route dflt = { "0.0.0.0/0", "10.1.0.7" };
	struct netd_network in = definition("web");
	struct route out[MAX_ROUTES];
	char buf[IP_STRLEN];
	uint32_t n;

	(void)state;
	in.ranges = &range;
	in.n_ranges = 1;
	route_list(&in, out, &n);
	assert_int_equal(n, 1);
	assert_prefix(&out[0].dst, "0.0.0.0/0");

	in.routes = own;
	in.n_routes = 3;
	route_list(&in, out, &n);
	assert_int_equal(n, 3); /* the IPv6 one is of no use to an IPv4 container */
	assert_string_equal(ip_format(&out[0].gw, buf), "10.1.0.1");
	assert_string_equal(ip_format(&out[1].gw, buf), "10.1.0.9");

	in.routes = &dflt;
	in.n_routes = 1;
	route_list(&in, out, &n);
	assert_int_equal(n, 1); /* the network's own default route, no second one */
	assert_string_equal(ip_format(&out[0].gw, buf), "10.1.0.7");

	in.n_routes = 0;
	in.flags = NETD_NETWORK_INTERNAL;
	route_list(&in, out, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(network_defaults),
		cmocka_unit_test(network_ranges),
		cmocka_unit_test(network_refused),
		cmocka_unit_test(network_overlaps),
		cmocka_unit_test(bad_size),
		cmocka_unit_test(subnets),
		cmocka_unit_test(pools),
		cmocka_unit_test(attach_defaults),
		cmocka_unit_test(attach_refused),
		cmocka_unit_test(definition_must_match),
		cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
