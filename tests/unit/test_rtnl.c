// SPDX-License-Identifier: GPL-2.0-or-later
/* Batches against the real kernel in private namespaces, with ip(8) as the witness. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtnl_fixture.h"

static bool have_ns;

static void test_links(void **state)
{
	int fds = private_ns_count_fds(), ns;
	struct rtnl *rtnl;
	json_t *json;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	json = ip_json(-1, "link show dev nb0");
	expect_json(json, "0.ifindex", "2097153");
	expect_json(json, "0.address", "02:42:00:00:00:01");
	expect_json(json, "0.mtu", "1400");
	expect_json(json, "0.linkinfo.info_kind", "bridge");
	assert_false(has_flag(json, "UP"));
	json_decref(json);
	json = ip_json(-1, "link show dev nv0");
	expect_json(json, "0.ifindex", "1048577");
	expect_json(json, "0.address", "02:42:00:00:00:02");
	expect_json(json, "0.mtu", "1400");
	expect_json(json, "0.link_index", "7");
	expect_json(json, "0.linkinfo.info_kind", "veth");
	expect_json(json, "0.num_tx_queues", "1");
	expect_json(json, "0.num_rx_queues", "1");
	assert_false(has_flag(json, "UP"));
	json_decref(json);
	json = ip_json(ns, "link show dev eth0");
	expect_json(json, "0.ifindex", "7");
	expect_json(json, "0.address", "02:42:0a:90:00:02");
	expect_json(json, "0.mtu", "1400");
	expect_json(json, "0.link_index", "1048577");
	expect_json(json, "0.num_tx_queues", "1");
	expect_json(json, "0.num_rx_queues", "1");
	assert_false(has_flag(json, "UP"));
	json_decref(json);
	drop_links(rtnl, ns);
	json = ip_json(-1, "link show dev nv0");
	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
	rtnl_close(rtnl);
	assert_int_equal(private_ns_count_fds(), fds);
}

static void test_link_set(void **state)
{
	const struct rtnl_link_change port = { .ifindex = HOST_INDEX,
					       .up = RTNL_ON,
					       .promisc = RTNL_ON,
					       .addrgenmode_none = true,
					       .master = BRIDGE_INDEX,
					       .hairpin = RTNL_ON,
					       .isolated = RTNL_ON };
	const struct rtnl_link_change again = {
		.ifindex = HOST_INDEX, .up = RTNL_OFF, .promisc = RTNL_OFF, .hairpin = RTNL_OFF
	};
	const struct rtnl_link_change nothing = { .ifindex = HOST_INDEX };
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl;
	json_t *json;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	assert_int_equal(rtnl_link_set(batch, &nothing), -EINVAL);
	assert_int_equal(rtnl_link_set(batch, &port), 0);
	set_up(batch, BRIDGE_INDEX);
	assert_int_equal(batch->count, 2);
	commit(rtnl, batch);
	batch = new_batch();
	set_up(batch, 7);
	commit((rtnl_close(rtnl), rtnl = open_in(ns, 0)), batch);
	rtnl_close(rtnl);
	rtnl = open_in(-1, 0);
	json = ip_json(-1, "link show dev nv0");
	assert_true(has_flag(json, "UP"));
	assert_true(has_flag(json, "PROMISC"));
	expect_json(json, "0.master", "nb0");
	expect_json(json, "0.inet6_addr_gen_mode", "none");
	expect_json(json, "0.linkinfo.info_slave_kind", "bridge");
	expect_json(json, "0.linkinfo.info_slave_data.hairpin", "true");
	expect_json(json, "0.linkinfo.info_slave_data.isolated", "true");
	json_decref(json);
	json = ip_json(-1, "-6 addr show dev nv0"); /* no kernel-made link-local address */
	assert_null(json_object_get(
		json_array_get(json_object_get(json_array_get(json, 0), "addr_info"), 0), "local"));
	json_decref(json);
	batch = new_batch();
	assert_int_equal(rtnl_link_set(batch, &again), 0);
	commit(rtnl, batch);
	json = ip_json(-1, "link show dev nv0");
	assert_false(has_flag(json, "UP"));
	assert_false(has_flag(json, "PROMISC"));
	expect_json(json, "0.master", "nb0");
	expect_json(json, "0.linkinfo.info_slave_data.hairpin", "false");
	expect_json(json, "0.linkinfo.info_slave_data.isolated", "true");
	json_decref(json);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

/* The entry of an address, as an array of one; [] if there is none. Caller: json_decref. */
static json_t *address_json(int ns, const char *local)
{
	json_t *links = ip_json(ns, "addr show dev eth0"), *ret = json_array();
	json_t *list = json_object_get(json_array_get(links, 0), "addr_info");
	char text[64];

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(at(json_array_get(list, i), "local", text), local))
			json_array_append(ret, json_array_get(list, i));
	json_decref(links);
	return ret;
}

static void test_addresses_and_routes(void **state)
{
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl, *inner;
	struct rtnl_address gone = { .ifindex = 7, .address = prefix_of("192.0.2.1/31") };
	struct rtnl_route unwanted = { .dst = prefix_of("203.0.113.0/24"),
				       .gw = ip_of("10.144.0.1"),
				       .ifindex = 7,
				       .table = RT_TABLE_MAIN,
				       .type = RTN_UNICAST };
	json_t *json;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	inner = open_in(ns, 0);
	set_up(batch, 1);
	set_up(batch, 7);
	add_address(batch, 7, "10.144.0.2/24");
	add_address(batch, 7, "192.0.2.1/31");
	add_address(batch, 7, "fd00::2/64");
	add_address(batch, 7, "2001:db8::1/127");
	add_address(batch, 7, "fe80::42/64");
	add_route(batch, 7, "0.0.0.0/0", "10.144.0.1");
	add_route(batch, 7, "::/0", "fd00::1");
	add_route(batch, 7, "198.51.100.0/24", NULL);
	assert_int_equal(rtnl_route_add(batch, &unwanted), 10);
	commit(inner, batch);
	json = address_json(ns, "10.144.0.2");
	expect_json(json, "0.prefixlen", "24");
	expect_json(json, "0.broadcast", "10.144.0.255");
	expect_json(json, "0.scope", "global");
	json_decref(json);
	json = address_json(ns, "192.0.2.1");
	expect_json(json, "0.prefixlen", "31");
	expect_json(json, "0.broadcast", "");
	json_decref(json);
	json = address_json(ns, "fd00::2");
	expect_json(json, "0.prefixlen", "64");
	expect_json(json, "0.scope", "global");
	expect_json(json, "0.nodad", "true");
	expect_json(json, "0.tentative", "");
	json_decref(json);
	json = address_json(ns, "2001:db8::1");
	expect_json(json, "0.prefixlen", "127");
	json_decref(json);
	json = address_json(ns, "fe80::42");
	expect_json(json, "0.scope", "link");
	json_decref(json);
	json = ip_json(ns, "-4 route show default");
	expect_json(json, "0.gateway", "10.144.0.1");
	expect_json(json, "0.dev", "eth0");
	expect_json(json, "0.protocol", "static");
	json_decref(json);
	json = ip_json(ns, "-6 route show default");
	expect_json(json, "0.gateway", "fd00::1");
	expect_json(json, "0.metric", "1024");
	json_decref(json);
	json = ip_json(ns, "-4 route show 198.51.100.0/24");
	expect_json(json, "0.scope", "link");
	json_decref(json);
	batch = new_batch();
	assert_int_equal(rtnl_address_del(batch, &gone), 0);
	assert_int_equal(rtnl_route_del(batch, &unwanted), 1);
	commit(inner, batch);
	json = address_json(ns, "192.0.2.1");
	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
	json = ip_json(ns, "-4 route show 203.0.113.0/24");
	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
	rtnl_close(inner);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

/* Byte for byte what ip(8) prints for a route that ip(8) made, but for the protocol */
static void test_loopback_route(void **state)
{
	struct rtnl_route route = { .dst = prefix_of("::1/128"),
				    .ifindex = BRIDGE_INDEX,
				    .table = RT_TABLE_LOCAL,
				    .type = RTN_LOCAL,
				    .metric = 1025 };
	static const char args[] = "-6 route show table local ::1 dev nb0";
	struct rtnl_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;
	json_t *ours, *theirs;
	struct rtnl *rtnl;
	int ns, results[2];

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	set_up(batch, BRIDGE_INDEX);
	assert_int_equal(rtnl_route_add(batch, &route), 1);
	commit(rtnl, batch);
	ours = ip_json(-1, args);
	assert_int_equal(json_array_size(ours), 1);
	expect_json(ours, "0.type", "local");
	batch = new_batch();
	assert_int_equal(rtnl_route_add(batch, &route), 0); /* EXCL */
	assert_int_equal(rtnl_route_del(batch, &route), 1);
	assert_int_equal(rtnl_batch_send(rtnl, batch, results, NULL, &err), 0);
	assert_int_equal(results[0], -EEXIST);
	assert_int_equal(results[1], 0);
	rtnl_batch_free(batch);
	assert_true(private_ns_run(-1,
				   "ip -6 route add local ::1/128 dev nb0 table local metric 1025 "
				   "proto static"));
	theirs = ip_json(-1, args);
	assert_true(json_equal(ours, theirs));
	json_decref(ours);
	json_decref(theirs);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

/* A message in the middle fails: told which and why, and what follows is done all the same. */
static void test_neighbours(void **state)
{
	const struct rtnl_neighbour neighbour = { .ifindex = BRIDGE_INDEX,
						  .ip = ip_of("10.144.0.2"),
						  .mac = peer_mac };
	const struct rtnl_neighbour six = { .ifindex = BRIDGE_INDEX,
					    .ip = ip_of("fd00::2"),
					    .mac = peer_mac };
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl;
	json_t *seen;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	set_up(batch, BRIDGE_INDEX);
	assert_int_equal(rtnl_neighbour_set(batch, &neighbour), 1);
	assert_int_equal(rtnl_neighbour_set(batch, &six), 2);
	assert_int_equal(rtnl_neighbour_set(batch, &neighbour), 3); /* replaces */
	commit(rtnl, batch);
	seen = ip_json(-1, "neigh show dev nb0 nud reachable");
	assert_int_equal(json_array_size(seen), 2);
	json_decref(seen);
	seen = ip_json(-1, "neigh show 10.144.0.2 dev nb0");
	expect_json(seen, "0.lladdr", "02:42:0a:90:00:02");
	json_decref(seen);
	batch = new_batch();
	assert_int_equal(rtnl_neighbour_del(batch, &neighbour), 0);
	assert_int_equal(rtnl_neighbour_del(batch, &six), 1);
	commit(rtnl, batch);
	seen = ip_json(-1, "neigh show dev nb0 nud reachable");
	assert_int_equal(json_array_size(seen), 0);
	json_decref(seen);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

static void test_failure_in_the_middle(void **state)
{
	const struct rtnl_link_change bad_port = { .ifindex = 1,
						   .hairpin = RTNL_ON,
						   .up = RTNL_ON };
	struct rtnl_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;
	int results[8], ns;
	char text[RTNL_TEXT_MAX];
	struct rtnl *rtnl;
	json_t *json;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = private_ns_new();
	add_bridge(batch); /* 0 */
	assert_int_equal(rtnl_link_set(batch, &bad_port),
			 1);				 /* lo is not a bridge port; up works */
	add_bridge(batch);				 /* 2: EEXIST */
	assert_int_equal(rtnl_link_del(batch, 4711), 3); /* ENODEV */
	add_veth(batch, ns);				 /* 4 */
	set_up(batch, BRIDGE_INDEX);			 /* 5 */
	assert_int_equal(rtnl_batch_send(rtnl, batch, results, text, &err), 0);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], -EOPNOTSUPP);
	assert_int_equal(results[2], -EEXIST);
	assert_int_equal(results[3], -ENODEV);
	assert_int_equal(results[4], 0);
	assert_int_equal(results[5], 0);
	json = ip_json(-1, "link show dev nb0");
	assert_true(has_flag(json, "UP"));
	json_decref(json);
	rtnl_batch_free(batch);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

static void test_kernel_text(void **state)
{
	struct rtnl_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;
	int results[2];
	char text[RTNL_TEXT_MAX] = "stale";
	struct rtnl *rtnl;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	add_route(batch, 1, "198.51.100.1/24", NULL); /* host bits */
	add_route(batch, 4711, "198.51.100.0/24", NULL);
	assert_int_equal(rtnl_batch_send(rtnl, batch, results, text, &err), 0);
	assert_int_equal(results[0], -EINVAL);
	assert_int_equal(results[1], -ENODEV);
	assert_string_equal(text, "Invalid prefix for given prefix length");
	assert_int_equal(err.code, NETD_OK);
	rtnl_batch_free(batch);
	batch = new_batch();
	set_up(batch, 1);
	commit(rtnl, batch); /* checks that the text is empty again */
	rtnl_close(rtnl);
}

static void fill(struct rtnl_batch *batch, unsigned int n)
{
	char text[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/24", i / 250, i % 250);
		add_route(batch, BRIDGE_INDEX, text, NULL);
	}
}

/* Longer than one sendmsg takes; then once more, so that each of its messages fails. */
static void test_long_batch(void **state)
{
	struct rtnl_batch *batch = new_batch();
	static int results[600];
	struct rtnl *rtnl;
	json_t *json;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	set_up(batch, BRIDGE_INDEX);
	commit(rtnl, batch);
	batch = new_batch();
	fill(batch, 200);
	assert_int_equal(batch->count, 200);
	commit(rtnl, batch);
	json = ip_json(-1, "-4 route show dev nb0");
	assert_int_equal(json_array_size(json), 200);
	json_decref(json);
	batch = new_batch();
	fill(batch, 600);
	assert_int_equal(rtnl_batch_send(rtnl, batch, results, NULL, NULL), 0);
	for (int i = 0; i < 600; i++)
		assert_int_equal(results[i], i < 200 ? -EEXIST : 0);
	assert_int_equal(rtnl_batch_send(rtnl, batch, results, NULL, NULL), 0);
	for (int i = 0; i < 600; i++)
		assert_int_equal(results[i], -EEXIST);
	rtnl_batch_free(batch);
	json = ip_json(-1, "-4 route show dev nb0");
	assert_int_equal(json_array_size(json), 600);
	json_decref(json);
	batch = new_batch();
	commit(rtnl, batch); /* empty */
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

/* ---- cost --------------------------------------------------------------------------------- */

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define ROUNDS 15

static void report(const char *what, double *us)
{
	qsort(us, ROUNDS, sizeof(*us), cmp_double);
	print_message("%-34s min %4.0f us, median %4.0f us\n", what, us[0], us[ROUNDS / 2]);
}

static double timed_commit(struct rtnl *rtnl, struct rtnl_batch *batch)
{
	double t0 = now_us();

	commit(rtnl, batch);
	return now_us() - t0;
}

static void container_batch(struct rtnl_batch *batch)
{
	const struct rtnl_link_change eth0 = { .ifindex = 7,
					       .addrgenmode_none = true,
					       .up = RTNL_ON };

	set_up(batch, 1);
	assert_int_equal(rtnl_link_set(batch, &eth0), 1);
	add_address(batch, 7, "fe80::42/64");
	add_address(batch, 7, "10.144.0.2/24");
	add_address(batch, 7, "fd00::2/64");
	add_route(batch, 7, "0.0.0.0/0", "10.144.0.1");
	add_route(batch, 7, "::/0", "fd00::1");
}

static void test_speed(void **state)
{
	const struct rtnl_link_change port = { .ifindex = HOST_INDEX,
					       .up = RTNL_ON,
					       .master = BRIDGE_INDEX };
	double veth[ROUNDS], master[ROUNDS], inside[ROUNDS], barrier[ROUNDS], opened[ROUNDS];
	struct ip ip = ip_of("fd00::2");
	struct rtnl_link link;
	struct rtnl *rtnl;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct rtnl_batch *batch = new_batch();
		struct rtnl *inner, *notices;
		int ns = private_ns_new();
		double t0;

		add_bridge(batch);
		set_up(batch, BRIDGE_INDEX);
		commit(rtnl, batch);
		add_veth((batch = new_batch()), ns);
		veth[i] = timed_commit(rtnl, batch);
		batch = new_batch();
		assert_int_equal(rtnl_link_set(batch, &port), 0);
		master[i] = timed_commit(rtnl, batch);
		t0 = now_us();
		inner = open_in(ns, 0);
		opened[i] = now_us() - t0;
		notices = open_in(ns, 1 << (RTNLGRP_IPV6_IFADDR - 1));
		container_batch((batch = new_batch()));
		inside[i] = timed_commit(inner, batch);
		t0 = now_us();
		assert_int_equal(rtnl_link_get(rtnl, NULL, HOST_INDEX, &link, NULL), 0);
		assert_int_equal(rtnl_wait_address(notices, 7, &ip, 2000, NULL), 0);
		assert_int_equal(rtnl_link_get(inner, NULL, 7, &link, NULL), 0);
		barrier[i] = now_us() - t0;
		rtnl_close(inner);
		rtnl_close(notices);
		drop_links(rtnl, ns);
	}
	report("open a socket in the namespace", opened);
	report("create a veth pair", veth);
	report("master + port flags + up", master);
	report("container batch, 8 messages", inside);
	report("readiness barrier", barrier);
	rtnl_close(rtnl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_link_set),
		cmocka_unit_test(test_addresses_and_routes),
		cmocka_unit_test(test_loopback_route),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_failure_in_the_middle),
		cmocka_unit_test(test_kernel_text),
		cmocka_unit_test(test_long_batch),
		cmocka_unit_test(test_speed),
	};

	have_ns = private_ns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
