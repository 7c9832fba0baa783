// SPDX-License-Identifier: GPL-2.0-or-later
/* Which addresses an attachment gets: netd/ipam.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "ipam.h"
#include "util.h"

static struct ip ip_of(const char *text)
{
	struct ip ip = { .family = AF_UNSPEC };

	if (text)
		assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static struct range range_of(const char *subnet, const char *start, const char *end,
			     const char *gateway, uint8_t set)
{
	struct range range = {
		.start = ip_of(start), .end = ip_of(end), .gateway = ip_of(gateway), .set = set
	};

	assert_int_equal(prefix_parse(subnet, &range.subnet), 0);
	return range;
}

/* ---- a world of leases -------------------------------------------------------------------- */

struct world {
	struct network network;
	struct ip leased[300];
	size_t n_leased;
	struct prefix busy; /* everything in it is leased; len 0: nothing */
	struct ip last[8];  /* by set; AF_UNSPEC: none */
	size_t calls;
	int fail; /* of leased() */
	int fail_last;
};

static int world_leased(void *user, const struct ip *ip, char *owner, size_t owner_size,
			struct netd_error *err)
{
	struct world *w = user;
	bool taken = w->busy.len && prefix_contains(&w->busy, ip);

	w->calls++;
	if (w->fail)
		return error_set(err, NETD_E_STATE, -w->fail, NULL, "look-up failed");
	for (size_t i = 0; i < w->n_leased; i++)
		taken = taken || ip_equal(&w->leased[i], ip);
	if (taken)
		snprintf(owner, owner_size, "container db of network net");
	return taken;
}

static int world_last(void *user, uint8_t set, struct ip *ret)
{
	struct world *w = user;

	if (w->fail_last)
		return w->fail_last;
	if (w->last[set].family == AF_UNSPEC)
		return -ENOENT;
	*ret = w->last[set];
	return 0;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(w->network.name, sizeof(w->network.name), "net");
	return w;
}

static void world_range(struct world *w, const char *subnet, const char *start, const char *end,
			const char *gateway, uint8_t set)
{
	struct range range = range_of(subnet, start, end, gateway, set);

	assert_int_equal(ipam_range_complete(&range, NULL), 0);
	w->network.ranges[w->network.n_ranges++] = range;
}

static void world_lease(struct world *w, const char *ip)
{
	assert_true(w->n_leased < ARRAY_SIZE(w->leased));
	w->leased[w->n_leased++] = ip_of(ip);
}

static int world_allocate(struct world *w, const char *requested, struct lease *ret,
			  uint32_t *ret_n, struct netd_error *err)
{
	const struct ipam_state state = { world_leased, world_last, w };
	struct prefix want[8];
	size_t n = 0;
	char copy[256], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", requested ? requested : "");
	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		want[n].len = 0;
		if (prefix_parse(t, &want[n]) < 0)
			assert_int_equal(ip_parse(t, &want[n].ip), 0);
		n++;
	}
	w->calls = 0;
	return ipam_allocate(&w->network, want, n, &state, ret, ret_n, err);
}

/* The addresses given, separated by blanks; leased and remembered as the last ones. */
static void expect(struct world *w, const char *requested, const char *expected)
{
	struct lease leases[MAX_ADDRESSES];
	struct netd_error err = NETD_ERROR_INIT;
	char text[MAX_ADDRESSES * PREFIX_STRLEN] = "", one[PREFIX_STRLEN];
	uint32_t n;
	int rc = world_allocate(w, requested, leases, &n, &err);

	if (rc < 0)
		fail_msg("expected %s, got: %s", expected, err.message);
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			 prefix_format(&leases[i].address, one));
		w->leased[w->n_leased++] = leases[i].address.ip;
		w->last[i] = leases[i].address.ip;
	}
	assert_string_equal(text, expected);
}

static void expect_error(struct world *w, const char *requested, enum netd_code code,
			 const char *part)
{
	struct lease leases[MAX_ADDRESSES] = { { .gateway.family = 77 } };
	struct netd_error err = NETD_ERROR_INIT;
	uint32_t n = 99;
	int rc = world_allocate(w, requested, leases, &n, &err);

	assert_true(rc < 0);
	assert_int_equal(rc, -err.errnum);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("expected \"%s\" in: %s", part, err.message);
	assert_int_equal(n, 99);
	assert_int_equal(leases[0].gateway.family, 77);
}

/* ---- defaults of a range ------------------------------------------------------------------ */

static void test_range_defaults(void **state)
{
	static const struct {
		const char *subnet, *start, *end, *gateway;
		const char *out_start, *out_end, *out_gateway;
	} cases[] = {
		{ "10.0.0.0/24", 0, 0, 0, "10.0.0.1", "10.0.0.254", "10.0.0.1" },
		{ "10.0.0.0/24", 0, 0, "10.0.0.9", "10.0.0.1", "10.0.0.254", "10.0.0.9" },
		{ "10.0.0.0/24", "10.0.0.10", 0, 0, "10.0.0.10", "10.0.0.254", "10.0.0.1" },
		{ "10.0.0.0/24", 0, "10.0.0.20", 0, "10.0.0.1", "10.0.0.20", "10.0.0.1" },
		{ "10.0.0.0/24", "10.0.0.5", "10.0.0.5", 0, "10.0.0.5", "10.0.0.5", "10.0.0.1" },
		{ "10.0.0.0/24", "10.0.0.0", "10.0.0.255", 0, "10.0.0.0", "10.0.0.255",
		  "10.0.0.1" },
		{ "10.0.0.0/30", 0, 0, 0, "10.0.0.1", "10.0.0.2", "10.0.0.1" },
		{ "10.0.0.0/31", 0, 0, 0, "10.0.0.0", "10.0.0.1", "10.0.0.0" },
		{ "10.0.0.0/31", 0, 0, "10.0.0.1", "10.0.0.0", "10.0.0.1", "10.0.0.1" },
		{ "10.0.0.0/8", 0, 0, 0, "10.0.0.1", "10.255.255.254", "10.0.0.1" },
		{ "fd00::/64", 0, 0, 0, "fd00::1", "fd00::ffff:ffff:ffff:ffff", "fd00::1" },
		{ "fd00::/126", 0, 0, 0, "fd00::1", "fd00::3", "fd00::1" },
		{ "fd00::/127", 0, 0, 0, "fd00::", "fd00::1", "fd00::" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct range range = range_of(cases[i].subnet, cases[i].start, cases[i].end,
					      cases[i].gateway, 3);
		struct netd_error err = NETD_ERROR_INIT;
		char buf[IP_STRLEN];

		assert_int_equal(ipam_range_complete(&range, &err), 0);
		assert_string_equal(ip_format(&range.start, buf), cases[i].out_start);
		assert_string_equal(ip_format(&range.end, buf), cases[i].out_end);
		assert_string_equal(ip_format(&range.gateway, buf), cases[i].out_gateway);
		assert_int_equal(range.set, 3);
	}
}

static void test_range_refused(void **state)
{
	static const struct {
		const char *subnet, *start, *end, *gateway, *part;
	} cases[] = {
		{ "10.0.0.0/32", 0, 0, 0, "Network 10.0.0.0/32 too small to allocate from" },
		{ "fd00::/128", 0, 0, 0, "Network fd00::/128 too small to allocate from" },
		{ "10.0.0.5/24", 0, 0, 0,
		  "Network has host bits set. For a subnet mask of length 24 the network address "
		  "is "
		  "10.0.0.0" },
		{ "10.0.0.1/31", 0, 0, 0, "Network has host bits set" },
		{ "fd00::1/64", 0, 0, 0, "network address is fd00::" },
		{ "10.0.0.0/24", "10.0.1.0", 0, 0,
		  "RangeStart 10.0.1.0 not in network 10.0.0.0/24" },
		{ "10.0.0.0/24", "9.255.255.255", 0, 0, "RangeStart 9.255.255.255 not in network" },
		{ "10.0.0.0/24", "fd00::1", 0, 0, "RangeStart fd00::1 not in network" },
		{ "10.0.0.0/24", 0, "10.0.1.0", 0, "RangeEnd 10.0.1.0 not in network 10.0.0.0/24" },
		{ "10.0.0.0/24", "10.0.0.9", "10.0.0.8", 0,
		  "RangeEnd 10.0.0.8 is below RangeStart 10.0.0.9" },
		{ "10.0.0.0/24", "10.0.0.255", 0, 0, "is below RangeStart 10.0.0.255" },
		{ "10.0.0.0/24", 0, 0, "10.0.1.1", "Gateway 10.0.1.1 not in network 10.0.0.0/24" },
		{ "10.0.0.0/24", 0, 0, "fd00::1", "Gateway fd00::1 not in network" },
		{ "10.0.0.0/24", 0, 0, "10.0.0.0", "Gateway 10.0.0.0 is the network or broadcast" },
		{ "10.0.0.0/24", 0, 0, "10.0.0.255",
		  "Gateway 10.0.0.255 is the network or broadcast" },
		{ "fd00::/64", 0, 0, "fd00::", "Gateway fd00:: is the network or broadcast" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct range range = range_of(cases[i].subnet, cases[i].start, cases[i].end,
					      cases[i].gateway, 0);
		struct range before = range;
		struct netd_error err = NETD_ERROR_INIT;

		assert_int_equal(ipam_range_complete(&range, &err), -EINVAL);
		assert_int_equal(err.code, NETD_E_INVALID);
		if (!strstr(err.message, cases[i].part))
			fail_msg("expected \"%s\" in: %s", cases[i].part, err.message);
		assert_memory_equal(&range, &before, sizeof(range));
	}
}

/* ---- rotation ----------------------------------------------------------------------------- */

static void test_rotation(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/29", NULL, NULL, NULL, 0); /* .1 gateway, .2 to .6 */
	expect(w, NULL, "10.0.0.2/29");
	expect(w, NULL, "10.0.0.3/29");
	w->n_leased = 0; /* all freed: still not handed out at once */
	expect(w, NULL, "10.0.0.4/29");
	expect(w, NULL, "10.0.0.5/29");
	expect(w, NULL, "10.0.0.6/29");
	expect(w, NULL, "10.0.0.2/29"); /* wrapped, over the gateway */
	expect(w, NULL, "10.0.0.3/29");
	expect_error(w, NULL, NETD_E_EXHAUSTED,
		     "no IP addresses available in range set: 10.0.0.1-10.0.0.6");
	assert_int_equal(w->calls, 5);	  /* each address once */
	w->leased[0] = ip_of("10.9.9.9"); /* frees .4 */
	expect(w, NULL, "10.0.0.4/29");
}

static void test_last_itself_comes_last(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/24", "10.0.0.7", "10.0.0.7", NULL, 0);
	expect(w, NULL, "10.0.0.7/24");
	w->n_leased = 0;
	expect(w, NULL, "10.0.0.7/24");
	expect_error(w, NULL, NETD_E_EXHAUSTED, "range set: 10.0.0.7-10.0.0.7");
}

static void test_last_outside(void **state)
{
	static const char *const lasts[] = { "10.0.0.1", "10.0.0.99", "192.168.0.1", "fd00::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lasts); i++) {
		_cleanup_free_ struct world *w = world_new();

		world_range(w, "10.0.0.0/24", "10.0.0.10", "10.0.0.20", NULL, 0);
		w->last[0] = ip_of(lasts[i]);
		expect(w, NULL, "10.0.0.10/24");
	}
}

static void test_gateway_inside(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/24", "10.0.0.10", "10.0.0.12", "10.0.0.11", 0);
	expect(w, NULL, "10.0.0.10/24");
	expect(w, NULL, "10.0.0.12/24");
	expect_error(w, NULL, NETD_E_EXHAUSTED, "10.0.0.10-10.0.0.12");
}

static void test_lease_carries_gateway(void **state)
{
	_cleanup_free_ struct world *w = world_new();
	struct lease lease[MAX_ADDRESSES];
	struct ip gateway = ip_of("10.0.0.9");
	uint32_t n;

	(void)state;
	world_range(w, "10.0.0.0/24", NULL, NULL, "10.0.0.9", 0);
	assert_int_equal(world_allocate(w, NULL, lease, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_true(ip_equal(&lease[0].gateway, &gateway));
	w->network.ranges[0].gateway.family = AF_UNSPEC;
	assert_int_equal(world_allocate(w, NULL, lease, &n, NULL), 0);
	assert_int_equal(lease[0].gateway.family, AF_UNSPEC);
}

/* A range that the user drew over the whole subnet never yields what no host may have. */
static void test_unusable_addresses(void **state)
{
	_cleanup_free_ struct world *w = world_new();
	_cleanup_free_ struct world *w6 = world_new();

	(void)state;
	world_range(w, "10.0.0.0/30", "10.0.0.0", "10.0.0.3", NULL, 0);
	expect(w, NULL, "10.0.0.2/30");
	expect_error(w, NULL, NETD_E_EXHAUSTED, "10.0.0.0-10.0.0.3");
	world_range(w6, "fd00::/126", "fd00::", "fd00::3", NULL, 0);
	expect(w6, NULL, "fd00::2/126");
	expect(w6, NULL, "fd00::3/126");
	expect_error(w6, NULL, NETD_E_EXHAUSTED, "fd00::-fd00::3");
}

static void test_pairs(void **state)
{
	static const struct {
		const char *subnet, *gateway, *address, *other;
	} cases[] = {
		{ "10.0.0.0/31", NULL, "10.0.0.1/31", "10.0.0.0/31" },
		{ "10.0.0.0/31", "10.0.0.1", "10.0.0.0/31", "10.0.0.1/31" },
		{ "fd00::/127", NULL, "fd00::1/127", "fd00::/127" },
		{ "fd00::/127", "fd00::1", "fd00::/127", "fd00::1/127" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct world *w = world_new();

		world_range(w, cases[i].subnet, NULL, NULL, cases[i].gateway, 0);
		expect(w, NULL, cases[i].address);
		expect_error(w, NULL, NETD_E_EXHAUSTED, "no IP addresses available");
		w->network.ranges[0].gateway.family = AF_UNSPEC;
		expect(w, NULL, cases[i].other); /* without a gateway both are for containers */
	}
}

static void test_ends_of_the_address_space(void **state)
{
	_cleanup_free_ struct world *w = world_new();
	_cleanup_free_ struct world *w6 = world_new();

	(void)state;
	world_range(w, "255.255.255.254/31", NULL, NULL, NULL, 0);
	expect(w, NULL, "255.255.255.255/31");
	expect_error(w, NULL, NETD_E_EXHAUSTED, "no IP addresses");
	world_range(w6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126", NULL, NULL, NULL, 0);
	w6->last[0] = ip_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	expect(w6, NULL, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/126");
	expect(w6, NULL, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/126");
	expect_error(w6, NULL, NETD_E_EXHAUSTED, "no IP addresses");
}

static void test_ipv6(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "fd00::/64", NULL, NULL, NULL, 0);
	expect(w, NULL, "fd00::2/64");
	w->last[0] = ip_of("fd00::ffff:ffff");
	expect(w, NULL, "fd00::1:0:0/64");
	w->last[0] = ip_of("fd00::ffff:ffff:ffff:ffff");
	w->n_leased = 0;
	expect(w, NULL, "fd00::2/64");
}

/* 60,000 leases in the way cost one look-up each, in one pass. */
static void test_large_pool(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/16", NULL, NULL, NULL, 0);
	assert_int_equal(prefix_parse("10.0.0.0/16", &w->busy), 0);
	expect_error(w, NULL, NETD_E_EXHAUSTED, "10.0.0.1-10.0.255.254");
	assert_int_equal(w->calls, 65534 - 1);
	w->last[0] = ip_of("10.0.100.0");
	expect_error(w, NULL, NETD_E_EXHAUSTED, "10.0.0.1-10.0.255.254");
	assert_int_equal(w->calls, 65534 - 1);
	w->busy.len = 17; /* the upper half is free */
	expect(w, NULL, "10.0.128.0/16");
	assert_int_equal(w->calls, 0x8000 - 0x6400);
	expect(w, NULL, "10.0.128.1/16");
	assert_int_equal(w->calls, 1);
}

/* ---- sets and alternatives ---------------------------------------------------------------- */

static void test_alternatives(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/24", "10.0.0.2", "10.0.0.3", NULL, 0);
	world_range(w, "10.0.1.0/25", "10.0.1.2", "10.0.1.2", NULL, 0);
	world_range(w, "10.0.2.0/26", "10.0.2.2", "10.0.2.3", NULL, 0);
	expect(w, NULL, "10.0.0.2/24");
	expect(w, NULL, "10.0.0.3/24");
	expect(w, NULL, "10.0.1.2/25");
	expect(w, NULL, "10.0.2.2/26");
	w->n_leased = 0;
	expect(w, NULL, "10.0.2.3/26");
	expect(w, NULL, "10.0.0.2/24");
	w->n_leased = 0;
	w->last[0] = ip_of("10.0.1.2");
	world_lease(w, "10.0.2.2");
	world_lease(w, "10.0.2.3");
	world_lease(w, "10.0.0.2");
	world_lease(w, "10.0.0.3");
	expect(w, NULL, "10.0.1.2/25");
	expect_error(w, NULL, NETD_E_EXHAUSTED,
		     "no IP addresses available in range set: "
		     "10.0.0.2-10.0.0.3,10.0.1.2-10.0.1.2,10.0.2.2-10.0.2.3");
	assert_int_equal(w->calls, 5);
}

static void test_sets(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	/* out of order and with a gap: results come by set number */
	world_range(w, "fd00::/64", NULL, NULL, NULL, 5);
	world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 0);
	world_range(w, "192.168.0.0/30", NULL, NULL, NULL, 2);
	expect(w, NULL, "10.0.0.2/24 192.168.0.2/30 fd00::2/64");
	expect_error(w, NULL, NETD_E_EXHAUSTED,
		     "failed to allocate for range 2: no IP addresses available in range set: "
		     "192.168.0.1-192.168.0.2");
}

static void test_set_limits(void **state)
{
	_cleanup_free_ struct world *w = world_new();
	struct lease leases[MAX_ADDRESSES];
	uint32_t n;

	(void)state;
	assert_int_equal(world_allocate(w, NULL, leases, &n, NULL), 0);
	assert_int_equal(n, 0);
	for (unsigned int i = 0; i <= MAX_ADDRESSES; i++) {
		char subnet[32];

		snprintf(subnet, sizeof(subnet), "10.0.%u.0/24", i);
		world_range(w, subnet, NULL, NULL, NULL, 0);
		w->network.ranges[i].set = (uint8_t)(i * 15);
	}
	/* world_last() knows few sets: none has a last address here */
	w->fail_last = -ENOENT;
	expect_error(w, NULL, NETD_E_INVALID, "more than 16 range sets");
	w->network.n_ranges--;
	assert_int_equal(world_allocate(w, NULL, leases, &n, NULL), 0);
	assert_int_equal(n, MAX_ADDRESSES);
}

/* Sets should not overlap; if they do, one attachment still never gets an address twice. */
static void test_overlapping_sets(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 0);
	world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 1);
	expect(w, NULL, "10.0.0.2/24 10.0.0.3/24");
}

/* ---- requested addresses ------------------------------------------------------------------ */

static void test_requested(void **state)
{
	static const struct {
		const char *requested, *expected;
	} cases[] = {
		{ "10.0.0.77", "10.0.0.77/24 fd00::2/64" },
		{ "10.0.0.77/24", "10.0.0.77/24 fd00::2/64" },
		{ "fd00::77", "10.0.0.2/24 fd00::77/64" },
		{ "fd00::77 10.0.0.77", "10.0.0.77/24 fd00::77/64" },
		{ "10.0.0.77 fd00::77/64", "10.0.0.77/24 fd00::77/64" },
		{ "10.0.1.9", "10.0.1.9/25 fd00::2/64" },
		{ "10.0.0.254", "10.0.0.254/24 fd00::2/64" },
		{ "fd00::ffff:ffff:ffff:ffff", "10.0.0.2/24 fd00::ffff:ffff:ffff:ffff/64" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct world *w = world_new();

		world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 0);
		world_range(w, "10.0.1.0/25", NULL, NULL, NULL, 0);
		world_range(w, "fd00::/64", NULL, NULL, NULL, 1);
		expect(w, cases[i].requested, cases[i].expected);
	}
}

static void test_requested_refused(void **state)
{
	static const struct {
		const char *requested;
		enum netd_code code;
		const char *part;
	} cases[] = {
		{ "10.9.0.1", NETD_E_INVALID, "failed to allocate all requested IPs: 10.9.0.1" },
		{ "10.0.0.77 10.9.0.1", NETD_E_INVALID, "all requested IPs: 10.9.0.1" },
		{ "10.0.0.77 10.0.0.78", NETD_E_INVALID, "all requested IPs: 10.0.0.78" },
		{ "10.0.0.77 10.0.0.77", NETD_E_INVALID, "all requested IPs: 10.0.0.77" },
		{ "10.0.0.77 10.0.1.9", NETD_E_INVALID, "all requested IPs: 10.0.1.9" },
		{ "fd01::1", NETD_E_INVALID, "all requested IPs: fd01::1" },
		{ "10.0.0.77/16", NETD_E_INVALID, "all requested IPs: 10.0.0.77" },
		{ "10.0.0.77/32", NETD_E_INVALID, "all requested IPs: 10.0.0.77" },
		{ "10.0.0.0", NETD_E_INVALID, "all requested IPs: 10.0.0.0" },
		{ "10.0.0.255", NETD_E_INVALID, "all requested IPs: 10.0.0.255" },
		{ "10.0.2.0", NETD_E_INVALID, "all requested IPs: 10.0.2.0" },
		{ "fd00::", NETD_E_INVALID, "all requested IPs: fd00::" },
		{ "10.0.0.1", NETD_E_INVALID, "requested ip 10.0.0.1 is subnet's gateway" },
		{ "fd00::1", NETD_E_INVALID, "requested ip fd00::1 is subnet's gateway" },
		{ "10.0.2.1", NETD_E_INVALID, "requested ip 10.0.2.1 is subnet's gateway" },
		{ "10.0.0.50", NETD_E_CONFLICT,
		  "requested IP address 10.0.0.50 is not available in range set "
		  "10.0.0.1-10.0.0.254,10.0.1.1-10.0.1.126" },
		{ "10.0.0.50", NETD_E_CONFLICT, "leased to container db of network net" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct world *w = world_new();

		world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 0);
		world_range(w, "10.0.1.0/25", NULL, NULL, NULL, 0);
		world_range(w, "10.0.2.0/24", "10.0.2.0", "10.0.2.9", "10.0.2.1", 1);
		world_range(w, "fd00::/64", NULL, NULL, NULL, 2);
		world_lease(w, "10.0.0.50");
		expect_error(w, cases[i].requested, cases[i].code, cases[i].part);
	}
}

static void test_requested_without_ranges(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	expect_error(w, "10.0.0.1", NETD_E_INVALID,
		     "failed to allocate all requested IPs: 10.0.0.1");
}

/* ---- failing look-ups --------------------------------------------------------------------- */

static void test_failures_are_handed_on(void **state)
{
	_cleanup_free_ struct world *w = world_new();

	(void)state;
	world_range(w, "10.0.0.0/24", NULL, NULL, NULL, 0);
	w->fail = -EIO;
	expect_error(w, NULL, NETD_E_STATE, "look-up failed");
	assert_int_equal(w->calls, 1);
	expect_error(w, "10.0.0.9", NETD_E_STATE, "look-up failed");
	w->fail = 0;
	w->fail_last = -EIO;
	expect_error(w, NULL, NETD_E_KERNEL, "cannot look up the address handed out last");
	assert_int_equal(w->calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_defaults),
		cmocka_unit_test(test_range_refused),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_last_itself_comes_last),
		cmocka_unit_test(test_last_outside),
		cmocka_unit_test(test_gateway_inside),
		cmocka_unit_test(test_lease_carries_gateway),
		cmocka_unit_test(test_unusable_addresses),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_ends_of_the_address_space),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_large_pool),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_limits),
		cmocka_unit_test(test_overlapping_sets),
		cmocka_unit_test(test_requested),
		cmocka_unit_test(test_requested_refused),
		cmocka_unit_test(test_requested_without_ranges),
		cmocka_unit_test(test_failures_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
