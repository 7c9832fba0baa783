// SPDX-License-Identifier: GPL-2.0-or-later
/* Against the kernel in private network namespaces, with nft(8) as the oracle. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft.h"
#include "nft_fixture.h"
#include "nl_seam.h"
#include "private_ns.h"
#include "run_command.h"
#include "util.h"

#define DESTROYSETELEM 30

#define NEED_NETNS()                                                                               \
	do {                                                                                       \
		if (!private_ns_enter())                                                           \
			skip();                                                                    \
	} while (0)

/* ---- older and smaller kernels --------------------------------------------------------------- */

static unsigned int tampered;

static void no_destroy(struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | DESTROYSETELEM))
		return;
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | 0xf7;
	tampered++;
}

static const char *missing_expr;

static void no_expr(struct nlmsghdr *nlh)
{
	char *at = NULL;

	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		at = memmem(nlh, nlh->nlmsg_len, missing_expr, strlen(missing_expr) + 1);
	if (at)
		at[0] = '~';
}

/* ---- tools ----------------------------------------------------------------------------------- */

/*
 * What nft(8) lists, and below it the expressions and elements as the kernel holds them, less rule
 * handles and the element that nft(8) itself puts before the first interval of a set.
 */
static char *listing(void)
{
	return run("nft list ruleset; nft --debug=netlink list ruleset | "
		   "sed -E -n '/^(inet|netdev) /s/ [0-9]+( [0-9]+)?$//p; "
		   "/element [0 ]+ : 1 \\[end\\]/d; /^\t(element|.*\\[)/p; /^  \\[/p' | sort",
		   "");
}

static void send_ok(struct nft *nft, struct nft_batch *batch)
{
	struct netd_error err = NETD_ERROR_INIT;

	if (nft_batch_send(nft, batch, &err) != 0)
		fail_msg("%s (%s)", err.message, err.kernel);
	assert_int_equal(err.code, NETD_OK);
	nft_batch_free(batch);
}

static void send_fails(struct nft *nft, struct nft_batch *batch, int error, enum netd_code code,
		       const char *text)
{
	struct netd_error err = NETD_ERROR_INIT;

	assert_int_equal(nft_batch_send(nft, batch, &err), error);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, text))
		fail_msg("'%s' is not in '%s'", text, err.message);
	nft_batch_free(batch);
}

static void make_ruleset(struct nft *nft)
{
	struct nft_batch *batch = new_batch();

	assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
	send_ok(nft, batch);
}

/* ---- elements ------------------------------------------------------------------------------- */

#define N_SAMPLES 24

/* Every set, with and without owner, with the corner cases of intervals. */
static void samples(struct elem e[static N_SAMPLES])
{
	static char longest[201];
	size_t n = 0;

	memset(longest, 'o', sizeof(longest) - 1);
	e[n++] = publish(SET_PUBLISH_ADDR4, "127.0.0.1", "10.0.0.2", 8080, 1);
	e[n++] = publish(SET_PUBLISH_ADDR6, "::1", "fd00::2", 8080, 3);
	e[n++] = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 65534, 2);
	e[n] = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 53, 1);
	e[n++].publish.protocol = IPPROTO_UDP;
	e[n] = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 53, 1);
	e[n].owner = longest;
	e[n++].publish.protocol = IPPROTO_SCTP;
	e[n++] = (struct elem){ .set = SET_BRIDGES, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_BRIDGES, .ifname = "br-abcdefghijkl" };
	e[n++] = (struct elem){ .set = SET_SAME_BRIDGE, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_SAME_BRIDGE, .ifname = "br-abcdefghijkl" };
	e[n++] = (struct elem){ .set = SET_INTRA_BRIDGE, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_SELF4, .address = ip("10.0.0.2"), .owner = "net/a" };
	e[n++] = (struct elem){ .set = SET_SELF6, .address = ip("fd00::2"), .owner = longest };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 24 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4,
				.subnet = { ip("10.0.1.0"), 24 },
				.owner = "next" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("192.168.1.1"), 32 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4,
				.subnet = { ip("255.0.0.0"), 8 },
				.owner = "open" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6,
				.subnet = { ip("fd00::"), 64 },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6, .subnet = { ip("fd00:0:0:1::"), 64 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6, .subnet = { ip("ff00::"), 8 } };
	e[n++] = (struct elem){ .set = SET_POLICY_FROM,
				.policy = { "br0", RULESET_DROP },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_POLICY_FROM, .policy = { "br1", RULESET_ACCEPT } };
	e[n++] = (struct elem){ .set = SET_POLICY_TO, .policy = { "br0", RULESET_DROP } };
	e[n++] = (struct elem){ .set = SET_POLICY_TO,
				.policy = { "br1", RULESET_ACCEPT },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("0.0.0.0"), 8 } };
	assert_int_equal(n, N_SAMPLES);
}

static int has(struct nft *nft, const struct elem *e)
{
	return nft_has_elem(nft, e, NULL);
}

/* ---- the kernel's state equals what nft(8) makes of the text --------------------------------- */

static void test_same_as_nft(void **state)
{
	struct elem e[N_SAMPLES];
	char *built[3], *read[3], *text[3];
	struct buf buf = { 0 };
	struct nft *nft;

	(void)state;
	samples(e);
	ruleset_print(&buf);
	text[0] = buf_take(&buf);
	for (size_t i = 0; i < N_SAMPLES; i++)
		ruleset_print_elem(&buf, &e[i], true);
	ruleset_print_loopback6(&buf, "br-0", true);
	text[1] = buf_take(&buf);
	for (size_t i = 0; i < N_SAMPLES; i += 2)
		ruleset_print_elem(&buf, &e[i], false);
	ruleset_print_loopback6(&buf, "br-0", false);
	text[2] = buf_take(&buf);

	NEED_NETNS();
	run_ok("ip link add br-0 type bridge");
	nft = open_nft();
	for (int i = 0; i < 3; i++) {
		struct nft_batch *batch =
			i ? elements(e, i == 1 ? N_SAMPLES : 0, true) : new_batch();

		if (i == 0)
			assert_int_equal(nft_batch_ruleset(batch, false, NULL), 0);
		if (i == 1)
			assert_int_equal(nft_batch_loopback6_add(batch, "br-0", NULL), 0);
		for (size_t j = 0; j < N_SAMPLES && i == 2; j += 2)
			assert_int_equal(nft_batch_elem_del(batch, &e[j], NULL), 0);
		if (i == 2)
			assert_int_equal(nft_batch_loopback6_del(batch, "br-0", NULL), 0);
		send_ok(nft, batch);
		built[i] = listing();
		for (size_t j = 0; j < N_SAMPLES; j++)
			assert_int_equal(has(nft, &e[j]), i == 1 || (i == 2 && j % 2));
	}
	nft_close(nft);

	NEED_NETNS();
	run_ok("ip link add br-0 type bridge");
	for (int i = 0; i < 3; i++) {
		free(run("nft -f -", text[i]));
		read[i] = listing();
		assert_string_equal(built[i], read[i]);
		free(built[i]);
		free(read[i]);
		free(text[i]);
	}
}

static void test_replace(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct nft *nft;
	struct nft_batch *batch;
	char *first, *again;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	first = listing();
	send_fails(nft, (batch = new_batch(), nft_batch_ruleset(batch, false, NULL), batch),
		   -EEXIST, NETD_E_KERNEL, "table inet netd");
	run_ok("ip link add br0 type bridge");
	batch = elements(&e, 1, true);
	assert_int_equal(nft_batch_loopback6_add(batch, "br0", NULL), 0);
	assert_int_equal(nft_batch_loopback6_add(batch, "br0", NULL), 0);
	send_ok(nft, batch);
	again = run("nft list table netdev netd | grep -c fwd", "");
	assert_string_equal(again, "1\n");
	free(again);
	make_ruleset(nft);
	again = listing();
	assert_string_equal(first, again);
	/* a foreign table of that name goes, other tables stay */
	run_ok("nft delete table inet netd; nft add table inet netd; nft add chain inet netd x; "
	       "nft add table inet other");
	batch = new_batch();
	assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
	assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
	assert_int_equal(nft_batch_ruleset_del(batch, NULL), 0);
	nft_batch_free(batch);
	make_ruleset(nft);
	run_ok("nft list table inet other && nft delete table inet other");
	free(again);
	again = listing();
	assert_string_equal(first, again);
	for (int i = 0; i < 2; i++) {
		batch = new_batch();
		assert_int_equal(nft_batch_ruleset_del(batch, NULL), 0);
		send_ok(nft, batch);
		free(again);
		again = listing();
		assert_string_equal(again, "");
	}
	free(first);
	free(again);
	nft_close(nft);
}

static void test_many(void **state)
{
	struct elem four = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 1, 65535);
	struct elem six = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 1, 1);
	struct nft_batch *batch = new_batch();
	struct nft *nft;
	char *text;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	for (uint16_t i = 0; i < 10000; i++) {
		struct elem e = publish(SET_PUBLISH_ADDR4, "192.0.2.1", "10.0.0.2", i + 1, 1);

		assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
		six.publish.host_port = i + 1;
		assert_int_equal(nft_batch_elem_add(batch, &six, NULL), 0);
	}
	assert_int_equal(nft_batch_elem_add(batch, &four, NULL), 0);
	send_ok(nft, batch);
	text = run("for m in publish_addr4 publish_any6 publish_any4; do "
		   "nft list map inet netd $m | grep -o 'tcp . ' | wc -l; done",
		   "");
	assert_string_equal(text, "10000\n10000\n65535\n");
	free(text);
	send_ok(nft, elements(&four, 1, false));
	text = run("nft list map inet netd publish_any4 | grep -c tcp || true", "");
	assert_string_equal(text, "0\n");
	free(text);
	nft_close(nft);
}

/* ---- conflicts and absence ------------------------------------------------------------------ */

static void test_conflict(void **state)
{
	struct elem e[] = {
		publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 8000, 50),
		publish(SET_PUBLISH_ADDR6, "2001:db8::1", "fd00::2", 8000, 50),
		{ .set = SET_BRIDGES, .ifname = "br0" },
	};
	struct elem one = publish(SET_PUBLISH_ADDR6, "2001:db8::1", "fd00::9", 8033, 1);
	struct nft *nft;
	char *before, *after;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	send_ok(nft, elements(&one, 1, true));
	before = listing();
	send_fails(nft, elements(e, 3, true), -EEXIST, NETD_E_CONFLICT, "tcp [2001:db8::1]:8033");
	after = listing();
	assert_string_equal(before, after);
	free(before);
	free(after);
	send_fails(nft, elements(&one, 1, true), -EEXIST, NETD_E_CONFLICT,
		   "tcp [2001:db8::1]:8033");
	one.publish.to = e[1].publish.to;
	assert_int_equal(has(nft, &one), 2);
	/* what is not a port tolerates an identical element, not another verdict */
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2] = (struct elem){ .set = SET_POLICY_TO, .policy = { "br0", RULESET_DROP } };
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2].policy.verdict = RULESET_ACCEPT;
	send_fails(nft, elements(&e[2], 1, true), -EEXIST, NETD_E_KERNEL, "br0");
	e[2] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 24 } };
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2].subnet.len = 25;
	assert_int_equal(has(nft, &e[2]), 0);
	e[2].subnet = (struct prefix){ ip("10.0.0.128"), 25 };
	assert_int_equal(has(nft, &e[2]), 0);
	nft_close(nft);
}

static void deletes_absent(bool old_kernel)
{
	struct elem e[N_SAMPLES];
	struct nft_batch *batch;
	struct nft *nft;
	char *before, *after;

	NEED_NETNS();
	seam.tamper = old_kernel ? no_destroy : NULL;
	samples(e);
	nft = open_nft();
	make_ruleset(nft);
	before = listing();
	send_ok(nft, elements(e, N_SAMPLES, false));
	send_ok(nft, elements(e, N_SAMPLES, true));
	/* half of what is asked for is there */
	send_ok(nft, elements(e, N_SAMPLES / 2, false));
	for (size_t i = 0; i < N_SAMPLES; i++)
		assert_int_equal(has(nft, &e[i]), i >= N_SAMPLES / 2);
	send_ok(nft, elements(e, N_SAMPLES, false));
	after = listing();
	assert_string_equal(before, after);
	free(before);
	free(after);
	/* replacing in one transaction */
	send_ok(nft, elements(e, 1, true));
	batch = elements(e, 1, false);
	e[0].publish.to = ip("10.0.0.7");
	assert_int_equal(nft_batch_elem_add(batch, &e[0], NULL), 0);
	send_ok(nft, batch);
	assert_int_equal(has(nft, &e[0]), 1);
	run_ok("nft delete table inet netd");
	send_fails(nft, elements(e, 1, false), -ENOENT, NETD_E_KERNEL, "gone");
	/* behind a rebuild in the same transaction, with the table missing and with it in place */
	for (int i = 0; i < 2; i++) {
		batch = new_batch();
		assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
		assert_int_equal(nft_batch_elem_del(batch, &e[0], NULL), 0);
		assert_int_equal(nft_batch_elem_add(batch, &e[1], NULL), 0);
		send_ok(nft, batch);
		assert_int_equal(has(nft, &e[0]), 0);
		assert_int_equal(has(nft, &e[1]), 1);
		send_ok(nft, elements(e, 1, true));
	}
	nft_close(nft);
}

static void test_delete_absent(void **state)
{
	(void)state;
	deletes_absent(false);
}

static void test_delete_absent_old_kernel(void **state)
{
	(void)state;
	tampered = 0;
	deletes_absent(true);
	assert_int_equal(tampered, 1); /* asked once, then known */
}

static void test_missing_table(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct elem subnet = { .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 8 } };
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	send_fails(nft, elements(&e, 1, true), -ENOENT, NETD_E_KERNEL, "publish_any4");
	send_fails(nft, elements(&subnet, 1, true), -ENOENT, NETD_E_KERNEL, "masq4");
	assert_int_equal(has(nft, &e), 0);
	assert_int_equal(has(nft, &subnet), 0);
	make_ruleset(nft);
	run_ok("nft flush ruleset");
	send_fails(nft, elements(&e, 1, true), -ENOENT, NETD_E_KERNEL, "publish_any4");
	nft_close(nft);
}

static void test_table_state(void **state)
{
	static const struct {
		const char *command;
		enum nft_table_state want;
	} cases[] = {
		{ "true", NFT_TABLE_MISSING },
		{ "nft add table ip netd", NFT_TABLE_MISSING },
		{ "nft add table inet netd", NFT_TABLE_FOREIGN },
		{ "nft add table inet netd '{ comment \"netd 0\"; }'", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"netd 12\"; }'", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"firewall\"; }'", NFT_TABLE_FOREIGN },
		{ "nft add table inet netd '{ comment \"netd 1\"; }'", NFT_TABLE_OTHER },
	};
	struct nft *nft;
	enum nft_table_state got;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_ok(cases[i].command);
		assert_int_equal(nft_table_state(nft, &got, NULL), 0);
		assert_int_equal(got, cases[i].want);
		if (i > 1) {
			make_ruleset(nft);
			assert_int_equal(nft_table_state(nft, &got, NULL), 0);
			assert_int_equal(got, NFT_TABLE_CURRENT);
		}
		run_ok("nft flush ruleset");
	}
	nft_close(nft);
}

/* ---- other refusals ------------------------------------------------------------------------- */

static void test_unsupported(void **state)
{
	static const char *const cases[] = { "fib", "nat", "masq", "ct" };
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	seam.tamper = no_expr;
	nft = open_nft();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct nft_batch *batch = new_batch();
		char *text;

		missing_expr = cases[i];
		assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
		assert_int_equal(nft_batch_send(nft, batch, &err), -ENOENT);
		assert_int_equal(err.code, NETD_E_UNSUPPORTED);
		/* the text is made from what we built, which the seam did not touch */
		assert_non_null(strstr(err.message, cases[i]));
		nft_batch_free(batch);
		text = listing();
		assert_string_equal(text, "");
		free(text);
	}
	nft_close(nft);
}

static void test_bad_bridge(void **state)
{
	struct nft_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	assert_int_equal(nft_batch_loopback6_add(batch, "", NULL), -EINVAL);
	assert_int_equal(nft_batch_loopback6_add(batch, "sixteen-letters-", NULL), -EINVAL);
	assert_true(nft_batch_empty(batch));
	assert_int_equal(nft_batch_loopback6_del(batch, "nosuch", NULL), 0);
	send_ok(nft, batch);
	/* since Linux 6.16 a chain may wait for its device; before that it is an error */
	batch = new_batch();
	assert_int_equal(nft_batch_loopback6_add(batch, "nosuch", NULL), 0);
	if (nft_batch_send(nft, batch, &err) != 0)
		assert_non_null(strstr(err.message, "nosuch"));
	nft_batch_free(batch);
	nft_close(nft);
}

static void test_permission(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	if (seteuid(65534) < 0)
		skip(); /* a user namespace that maps one user only */
	nft = open_nft();
	send_fails(nft, elements(&e, 1, true), -EPERM, NETD_E_PERMISSION, "CAP_NET_ADMIN");
	nft_close(nft);
	assert_int_equal(seteuid(0), 0);
}

/* More errors than the socket has room for: the first is still the one told. */
static void test_overflow(void **state)
{
	struct nft_batch *batch = new_batch();
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		struct elem bridge = { .set = SET_BRIDGES, .ifname = "br0" };

		/* alternating kinds cannot share a message */
		assert_int_equal(i % 2 ? nft_batch_elem_add(batch, &bridge, NULL)
				       : nft_batch_elem_del(batch, &bridge, NULL),
				 0);
	}
	/* run by run, so the set with the smaller number comes first */
	assert_int_equal(nft_batch_send(nft, batch, &err), -ENOENT);
	assert_non_null(strstr(err.message, "publish_any4"));
	nft_batch_free(batch);
	/* nothing of it is left to confuse the next one */
	make_ruleset(nft);
	send_ok(nft, elements(&e, 1, true));
	nft_close(nft);
}

/* ---- every test: no descriptor is left open -------------------------------------------------- */

static int setup(void **state)
{
	seam_reset();
	*state = (void *)(intptr_t)private_ns_count_fds();
	return 0;
}

static int teardown(void **state)
{
	seam_reset();
	return private_ns_count_fds() == (int)(intptr_t)*state ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_as_nft),
		TEST(test_replace),
		TEST(test_many),
		TEST(test_conflict),
		TEST(test_delete_absent),
		TEST(test_missing_table),
		TEST(test_delete_absent_old_kernel),
		TEST(test_table_state),
		TEST(test_unsupported),
		TEST(test_bad_bridge),
		TEST(test_permission),
		TEST(test_overflow),
	};

	return cmocka_run_group_tests_name("nft", tests, NULL, NULL);
}
