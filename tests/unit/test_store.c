// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of the state file, used by one. */
#include "store_fixture.h"

static int collect_network(const struct network *network, void *user)
{
	strcat(user, network->name);
	strcat(user, " ");
	return strcmp(network->name, "stop") == 0 ? -EINTR : 0;
}

static void test_networks(void **state)
{
	struct env e = env_open(*state);
	struct network n = { .mtu = 1, .n_ranges = 1 }, out;
	char names[64] = "";

	n.ranges[0].subnet = (struct prefix){ v4(0x0a900000), 24 };
	n.ranges[0].start = n.ranges[0].end = v4(0x0a900002);
	NONE(store_network_get(e.txn, "b", &out, &err));
	NONE(store_network_del(e.txn, "b", &err));
	strcpy(n.name, "b");
	OK(store_network_put(e.txn, &n, &err));
	strcpy(n.name, "bb");
	OK(store_network_put(e.txn, &n, &err));
	strcpy(n.name, "a");
	n.mtu = 2;
	OK(store_network_put(e.txn, &n, &err));
	n.mtu = 3;
	OK(store_network_put(e.txn, &n, &err));
	strcpy(n.name, "a/b");
	FAILS(store_network_put(e.txn, &n, &err), NETD_E_INVALID, "out of bounds");
	env_next(&e, true);
	OK(store_network_get(e.txn, "a", &out, &err));
	assert_int_equal(out.mtu, 3);
	assert_memory_equal(out.ranges, n.ranges, sizeof(n.ranges));
	OK(store_network_each(e.txn, collect_network, names, &err));
	assert_string_equal(names, "a b bb ");
	OK(store_network_del(e.txn, "b", &err));
	strcpy(n.name, "stop");
	OK(store_network_put(e.txn, &n, &err));
	strcpy(n.name, "unseen");
	OK(store_network_put(e.txn, &n, &err));
	env_next(&e, true);
	names[0] = '\0';
	assert_int_equal(store_network_each(e.txn, collect_network, names, NULL), -EINTR);
	assert_string_equal(names, "a bb stop ");
	env_close(&e);
}

static int collect_attachment(struct attachment *a, bool *keep, void *user)
{
	strcat(user, a->network);
	strcat(user, "/");
	strcat(user, a->id);
	strcat(user, " ");
	*keep = a->id[0] == 'k';
	if (*keep)
		attachment_free(a);
	return 0;
}

static void test_attachments(void **state)
{
	struct env e = env_open(*state);
	struct attachment_key k = key("net", "a");
	_cleanup_attachment_ struct attachment *a = NULL;
	struct ip any = v4(0);
	char names[128] = "", longname[600];
	size_t n = 99;

	OK(store_attachment_each(e.txn, NULL, collect_attachment, names, &err));
	assert_string_equal(names, "");
	NONE(store_attachment_get(e.txn, &k, &a, &err));
	NONE(store_attachment_del(e.txn, &k, &err));
	OK(put(e.txn, "net", "kept", 0, &any, 0, 0, &err));
	OK(put(e.txn, "net", "a", 0x0a900002, &any, 1000, 100, &err));
	OK(put(e.txn, "net2", "b", 0x0a900002, &any, 1100, 1, &err));
	OK(put(e.txn, "ne", "c", 0x0a900002, &any, 0, 0, &err));
	env_next(&e, true);
	OK(store_attachment_get(e.txn, &k, &a, &err));
	assert_int_equal(a->mappings[0].count, 100);
	OK(store_attachment_each(e.txn, NULL, collect_attachment, names, &err));
	assert_string_equal(names, "ne/c net/a net/kept net2/b ");
	names[0] = '\0';
	OK(store_attachment_each(e.txn, "net", collect_attachment, names, &err));
	assert_string_equal(names, "net/a net/kept ");
	OK(store_attachment_count(e.txn, "net", &n, &err));
	assert_int_equal(n, 2);
	OK(store_attachment_count(e.txn, "n", &n, &err));
	assert_int_equal(n, 0);
	memset(longname, 'x', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	OK(store_attachment_count(e.txn, longname, &n, &err));
	assert_int_equal(n, 0);
	assert_lease(e.txn, "net", 0x0a900002, "a");
	assert_lease(e.txn, "net2", 0x0a900002, "b");
	assert_lease(e.txn, "net2", 0x0a900003, NULL);
	assert_lease(e.txn, "net3", 0x0a900002, NULL);
	OK(store_attachment_del(e.txn, &k, &err));
	NONE(store_attachment_del(e.txn, &k, &err));
	assert_lease(e.txn, "net", 0x0a900002, NULL);
	for (uint16_t p = 999; p <= 1101; p++)
		assert_port(e.txn, &any, IPPROTO_TCP, p, p == 1100 ? "b" : NULL);
	store_abort(e.txn);
	e.txn = begin(e.session, false);
	assert_port(e.txn, &any, IPPROTO_TCP, 1050, "a");
	FAILS(put(e.txn, "net", "x", 0, &any, 1, 1, &err), NETD_E_PERMISSION, "cannot change");
	env_close(&e);
}

static void test_longest_key(void **state)
{
	struct env e = env_open(*state);
	_cleanup_attachment_ struct attachment *a = att_new("n", "i", 0x0a900002, NULL, 0, 0);
	_cleanup_attachment_ struct attachment *b = NULL;
	struct attachment_key k = { 0 }, owner;
	struct ip ip = v4(0x0a900002);
	struct netd_error none = NETD_ERROR_INIT;

	memset(a->network, 'n', NETD_NAME_MAX);
	memset(a->id, 'i', NETD_ID_MAX);
	memset(a->ifname, 'e', IFNAMSIZ - 1);
	memcpy(k.network, a->network, sizeof(k.network));
	memcpy(k.id, a->id, sizeof(k.id));
	memcpy(k.ifname, a->ifname, sizeof(k.ifname));
	OK(store_attachment_put(e.txn, a, &err));
	OK(store_attachment_get(e.txn, &k, &b, &err));
	assert_int_equal(store_lease_owner(e.txn, a->network, &ip, &owner, &none), 1);
	assert_memory_equal(&owner, &k, sizeof(k));
	OK(store_attachment_del(e.txn, &k, &err));
	env_close(&e);
}

static void test_port_conflicts(void **state)
{
	struct env e = env_open(*state);
	struct ip any4 = v4(0), any6 = v6(0), a4 = v4(0x7f000001), b4 = v4(0x7f000002), a6 = v6(1);

	OK(put(e.txn, "net", "wild", 0, &any4, 80, 1, &err));
	OK(put(e.txn, "net", "one", 0, &a4, 81, 1, &err));
	OK(put(e.txn, "net", "two", 0, &b4, 81, 1, &err));
	OK(put(e.txn, "net", "six", 0, &a6, 80, 1, &err));
	OK(put(e.txn, "net", "edge", 0, &any4, 65535, 1, &err));
	env_next(&e, true);
	assert_port(e.txn, &any4, IPPROTO_TCP, 80, "wild");
	assert_port(e.txn, &a4, IPPROTO_TCP, 80, "wild");
	assert_port(e.txn, &a4, IPPROTO_TCP, 81, "one");
	assert_port(e.txn, &b4, IPPROTO_TCP, 81, "two");
	assert_port(e.txn, &any4, IPPROTO_TCP, 81, "one");
	assert_port(e.txn, &any6, IPPROTO_TCP, 80, "six");
	assert_port(e.txn, &any4, IPPROTO_TCP, 65535, "edge");
	assert_port(e.txn, &any4, IPPROTO_UDP, 80, NULL);
	assert_port(e.txn, &any4, IPPROTO_TCP, 79, NULL);
	assert_port(e.txn, &any4, IPPROTO_TCP, 82, NULL);
	assert_port(e.txn, &any6, IPPROTO_TCP, 81, NULL);
	a4 = v4(0x7f000003);
	assert_port(e.txn, &a4, IPPROTO_TCP, 81, NULL);
	env_close(&e);
}

/* What the caller should have looked up first is refused all the same, and spoils the transaction. */
static void test_put_conflicts(void **state)
{
	struct env e = env_open(*state);
	struct ip any = v4(0), one = v4(0x7f000001);
	_cleanup_attachment_ struct attachment *twice = att_new("net", "t", 0, &one, 90, 5);

	OK(put(e.txn, "net", "a", 0x0a900002, &one, 80, 2, &err));
	FAILS(put(e.txn, "net", "b", 0x0a900002, &any, 0, 0, &err), NETD_E_CONFLICT,
	      "10.144.0.2 of network net is held by a eth0");
	FAILS(store_commit(e.txn, &err), NETD_E_STATE, "nothing was changed");
	e.txn = begin(e.session, true);
	assert_lease(e.txn, "net", 0x0a900002, NULL);
	OK(put(e.txn, "net", "a", 0x0a900002, &one, 80, 2, &err));
	env_next(&e, true);
	FAILS(put(e.txn, "net", "b", 0, &any, 81, 1, &err), NETD_E_CONFLICT, "port 81/tcp");
	store_abort(e.txn);
	e.txn = begin(e.session, true);
	FAILS(put(e.txn, "net", "b", 0, &one, 79, 2, &err), NETD_E_CONFLICT, "is published by a");
	store_abort(e.txn);
	e.txn = begin(e.session, true);
	assert_port(e.txn, &one, IPPROTO_TCP, 79, NULL);
	twice->mappings = realloc(twice->mappings, 2 * sizeof(*twice->mappings));
	assert_non_null(twice->mappings);
	twice->mappings[1] = twice->mappings[0];
	twice->mappings[1].host = any;
	twice->mappings[1].host_port = 94;
	twice->n_mappings = 2;
	FAILS(store_attachment_put(e.txn, twice, &err), NETD_E_CONFLICT, "port 94");
	env_close(&e);
}

static void test_put_again(void **state)
{
	struct env e = env_open(*state);
	struct attachment_key k = key("net", "a");
	_cleanup_attachment_ struct attachment *out = NULL;
	_cleanup_attachment_ struct attachment *a = NULL;
	struct ip any = v4(0);

	OK(put(e.txn, "net", "a", 0, &any, 0, 0, &err)); /* reserved by name first */
	env_next(&e, true);
	a = att_new("net", "a", 0x0a900002, &any, 80, 3);
	OK(store_attachment_put(e.txn, a, &err));
	OK(store_attachment_put(e.txn, a, &err));
	env_next(&e, true);
	a->phase = PHASE_READY;
	OK(store_attachment_put(e.txn, a, &err));
	env_next(&e, true);
	OK(store_attachment_get(e.txn, &k, &out, &err));
	assert_int_equal(out->phase, PHASE_READY);
	assert_lease(e.txn, "net", 0x0a900002, "a");
	assert_port(e.txn, &any, IPPROTO_TCP, 82, "a");
	a->leases[0].address.ip = v4(0x0a900003);
	a->mappings[0].host_port = 82;
	OK(store_attachment_put(e.txn, a, &err));
	env_next(&e, true);
	assert_lease(e.txn, "net", 0x0a900002, NULL);
	assert_lease(e.txn, "net", 0x0a900003, "a");
	assert_port(e.txn, &any, IPPROTO_TCP, 81, NULL);
	assert_port(e.txn, &any, IPPROTO_TCP, 84, "a");
	OK(store_attachment_del(e.txn, &k, &err));
	for (uint16_t p = 79; p < 90; p++)
		assert_port(e.txn, &any, IPPROTO_TCP, p, NULL);
	env_close(&e);
}

static void test_cursors(void **state)
{
	struct env e = env_open(*state);
	struct network n = { .name = "net" };
	struct ip ip = v4(0x0a900005), ip2 = v6(9), out = { 0 };
	uint16_t port = 0;
	uint32_t i1 = 0, i2 = 0;

	NONE(store_last_address(e.txn, "net", 0, &out, &err));
	NONE(store_last_port(e.txn, &port, &err));
	OK(store_network_put(e.txn, &n, &err));
	OK(store_set_last_address(e.txn, "net", 0, &ip2, &err));
	OK(store_set_last_address(e.txn, "net", 0, &ip, &err));
	OK(store_set_last_address(e.txn, "net", 255, &ip2, &err));
	OK(store_set_last_address(e.txn, "net2", 0, &ip2, &err));
	OK(store_set_last_port(e.txn, 49152, &err));
	OK(store_next_ifindex(e.txn, &i1, &err));
	env_next(&e, true);
	OK(store_last_address(e.txn, "net", 0, &out, &err));
	assert_memory_equal(&out, &ip, sizeof(ip));
	OK(store_last_address(e.txn, "net", 255, &out, &err));
	assert_memory_equal(&out, &ip2, sizeof(ip));
	NONE(store_last_address(e.txn, "net", 1, &out, &err));
	OK(store_last_port(e.txn, &port, &err));
	assert_int_equal(port, 49152);
	OK(store_next_ifindex(e.txn, &i2, &err));
	assert_int_equal(i2, i1 + 2);
	assert_int_equal(i2 % 2, 0);
	OK(store_network_del(e.txn, "net", &err));
	NONE(store_last_address(e.txn, "net", 255, &out, &err));
	OK(store_last_address(e.txn, "net2", 0, &out, &err));
	env_close(&e);
}

static void test_misuse(void **state)
{
	struct env e = env_open(*state);
	struct store_txn *txn = NULL;

	FAILS(store_begin(e.session, false, &txn, &err), NETD_E_BUSY, "open already");
	assert_null(txn);
	OK(store_lock_host(e.session, false, &err));
	OK(store_lock_host(e.session, false, &err));
	FAILS(store_lock_host(e.session, true, &err), NETD_E_BUSY, "held shared");
	store_unlock_host(e.session);
	OK(store_lock_host(e.session, true, &err));
	OK(store_lock_host(e.session, false, &err));
	env_close(&e);
	store_abort(NULL);
}

/* 60,000 ports in one attachment, looked up, written, confirmed and removed. */
static void test_many_ports(void **state)
{
	struct env e = env_open(*state);
	struct ip any = v4(0), one = v4(0x7f000001);
	_cleanup_attachment_ struct attachment *a = att_new("net", "a", 0, &any, 1024, 60000);
	struct attachment_key k = key("net", "a");
	double t[6];

	t[0] = now();
	for (uint32_t i = 0; i < 60000; i++)
		assert_port(e.txn, &any, IPPROTO_TCP, (uint16_t)(1024 + i), NULL);
	t[1] = now();
	OK(store_attachment_put(e.txn, a, &err));
	t[2] = now();
	env_next(&e, true);
	t[3] = now();
	a->phase = PHASE_READY;
	OK(store_attachment_put(e.txn, a, &err));
	env_next(&e, true);
	t[4] = now();
	assert_port(e.txn, &one, IPPROTO_TCP, 1023, NULL);
	assert_port(e.txn, &one, IPPROTO_TCP, 1024, "a");
	assert_port(e.txn, &one, IPPROTO_TCP, 61023, "a");
	assert_port(e.txn, &one, IPPROTO_TCP, 61024, NULL);
	OK(store_attachment_del(e.txn, &k, &err));
	env_next(&e, true);
	t[5] = now();
	print_message(
		"60,000 ports: look up %.1f, put %.1f, commit %.1f, ready %.1f, del %.1f ms\n",
		1e3 * (t[1] - t[0]), 1e3 * (t[2] - t[1]), 1e3 * (t[3] - t[2]), 1e3 * (t[4] - t[3]),
		1e3 * (t[5] - t[4]));
	assert_true(t[2] - t[1] < 2);
	env_close(&e);
}

/*
 * Random changes, some aborted, checked against an array: attachment i holds address i or none, and
 * ports from 100 * i on. Enough of them that pages are freed and used again.
 */
#define MODEL_N 60

struct model {
	uint16_t ports[MODEL_N]; /* count */
	bool there[MODEL_N];
};

static void model_check(struct store_txn *txn, const struct model *m)
{
	struct ip any = v4(0);
	size_t n = 0, want = 0;

	for (uint32_t i = 0; i < MODEL_N; i++) {
		char id[16];

		snprintf(id, sizeof(id), "c%u", i);
		want += m->there[i];
		assert_lease(txn, "net", 0x0a900000 + i, m->there[i] ? id : NULL);
		for (uint16_t p = 0; p < 60; p += 7)
			assert_port(txn, &any, IPPROTO_TCP, (uint16_t)(1000 + 100 * i + p),
				    m->there[i] && p < m->ports[i] ? id : NULL);
	}
	OK(store_attachment_count(txn, "net", &n, &err));
	assert_int_equal(n, want);
}

static void model_step(struct store_txn *txn, struct model *m)
{
	uint32_t i = (uint32_t)rand() % MODEL_N;
	struct ip any = v4(0);
	struct attachment_key k;
	char id[16];

	snprintf(id, sizeof(id), "c%u", i);
	k = key("net", id);
	if (m->there[i] && rand() % 2) {
		OK(store_attachment_del(txn, &k, &err));
		m->there[i] = false;
		return;
	}
	m->ports[i] = (uint16_t)(rand() % 60);
	m->there[i] = true;
	OK(put(txn, "net", id, 0x0a900000 + i, &any, m->ports[i] ? (uint16_t)(1000 + 100 * i) : 0,
	       m->ports[i], &err));
}

static void test_random(void **state)
{
	struct env e = env_open(*state);
	struct model m = { 0 }, before;
	struct stat st;

	for (int round = 0; round < 300; round++) {
		before = m;
		for (int i = rand() % 20; i > 0; i--)
			model_step(e.txn, &m);
		if (rand() % 4 == 0) {
			store_abort(e.txn);
			e.txn = begin(e.session, true);
			m = before;
		} else {
			env_next(&e, true);
		}
		model_check(e.txn, &m);
		if (round % 50 == 0) {
			env_close(&e);
			e = env_open(*state);
		}
	}
	assert_int_equal(stat(((struct fixture *)*state)->file, &st), 0);
	assert_true(st.st_blocks * 512 < 2 << 20); /* pages were used again */
	env_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attachments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_port_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_misuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	alarm(120);
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
