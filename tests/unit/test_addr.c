// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses, prefixes and MAC addresses: netd/addr.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "util.h"

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void assert_ip(const struct ip *ip, const char *text)
{
	char buf[IP_STRLEN];

	assert_string_equal(ip_format(ip, buf), text);
}

/* RFC 5952: lower case, no leading zeros, the longest run of zeros (the first of equals) as "::". */
static void test_ip_text(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "10.0.0.1", "10.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "::1", "::1" },
		{ "0:0::0:1", "::1" },
		{ "FE80::ABCD", "fe80::abcd" },
		{ "2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "fd00:88::", "fd00:88::" },
		{ "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip ip = ip_of(cases[i].in);

		assert_ip(&ip, cases[i].out);
		assert_int_equal(ip.family, strchr(cases[i].in, ':') ? AF_INET6 : AF_INET);
	}
}

static void test_ip_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.04",
		"1.2.3.00",
		"1.2.3.",
		".1.2.3",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4\n",
		"+1.2.3.4",
		"-1.2.3.4",
		"0x1.2.3.4",
		"1.2.3.4/24",
		"16909060",
		"1..2.3",
		"a",
		":",
		":::",
		"::1::",
		"1:2:3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"::g",
		"fe80::1%lo",
		"fe80::1%1",
		"[::1]",
		"::1 ",
		" ::1",
		"::1/64",
		"::ffff:1.2.3.4",
		"::ffff:0:0",
		"::FFFF:7f00:1",
		"0:0:0:0:0:ffff:1.2.3.4",
		"::1.2.3",
		"::01.2.3.4",
		"1:2:3:4:5:6:7:8:",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip ip = { .family = 99 };

		if (ip_parse(cases[i], &ip) != -EINVAL)
			fail_msg("accepted: %s", cases[i]);
		assert_int_equal(ip.family, 99);
	}
}

static void test_unused_bytes_are_zero(void **state)
{
	struct ip a, b;

	(void)state;
	memset(&a, 0xff, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	assert_int_equal(ip_parse("1.2.3.4", &a), 0);
	assert_int_equal(ip_parse("1.2.3.4", &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(ip_add(&a, 1, &a) && ip_sub(&a, 1, &a));
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_none_has_no_text(void **state)
{
	struct ip none = { .family = AF_UNSPEC };
	char buf[IP_STRLEN] = "old";

	(void)state;
	assert_string_equal(ip_format(&none, buf), "");
	assert_false(ip_is_zero(&none) || ip_is_loopback(&none) || ip_is_multicast(&none) ||
		     ip_is_link_local(&none));
}

static void test_prefix_text(void **state)
{
	static const char *const good[] = { "0.0.0.0/0", "10.0.0.5/24", "1.2.3.4/32",
					    "::/0",	 "fd00::1/64",	"::1/128" };
	static const char *const bad[] = {
		"",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+1",
		"10.0.0.0/ 8",
		"10.0.0.0/8 ",
		"/8",
		"10.0.0.0/8/8",
		"::/129",
		"::ffff:1.2.3.4/120",
		"10.0.0/8",
		"10.0.0.0/255.0.0.0",
		"10.0.0.0/4294967304",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/64",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct prefix prefix = prefix_of(good[i]);
		char buf[PREFIX_STRLEN];

		assert_string_equal(prefix_format(&prefix, buf), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct prefix prefix = { .len = 99 };

		if (prefix_parse(bad[i], &prefix) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(prefix.len, 99);
	}
}

static void test_mac_text(void **state)
{
	static const char *const bad[] = {
		"",
		"02:42:0a:00:00",
		"02:42:0a:00:00:0",
		"02:42:0a:00:00:001",
		"02-42-0a-00-00-01",
		"02420a000001",
		"00:00:00:00:00:00",
		"ff:ff:ff:ff:ff:ff",
		"01:00:5e:00:00:01",
		"33:33:00:00:00:01",
		"02:42:0a:00:00:0g",
		"02:42:0a:00:00:01 ",
		" 2:42:0a:00:00:01",
		"02:42:0a:00:00:01:02",
		"2:42:a:0:0:1:aaaaa",
		"02:42:0a:00:0001:",
	};
	struct mac mac;
	char buf[MAC_STRLEN];

	(void)state;
	assert_int_equal(mac_parse("02:42:0A:00:fF:01", &mac), 0);
	assert_string_equal(mac_format(&mac, buf), "02:42:0a:00:ff:01");
	assert_int_equal(mac_parse("00:00:00:00:00:01", &mac), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mac untouched = { { 9 } };

		if (mac_parse(bad[i], &untouched) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(untouched.b[0], 9);
	}
}

static void test_order(void **state)
{
	/* ascending */
	static const char *const order[] = {
		"0.0.0.0", "1.2.3.4", "1.2.4.0", "9.0.0.0",    "10.0.0.0", "200.0.0.0",
		"::",	   "::1",     "::1:0",	 "7fff::ffff", "fe80::",   "ffff::",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			struct ip a = ip_of(order[i]), b = ip_of(order[j]);
			int cmp = ip_cmp(&a, &b);

			assert_true(i < j ? cmp < 0 : i > j ? cmp > 0 : cmp == 0);
			assert_int_equal(ip_equal(&a, &b), i == j);
		}
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *ip;
		const char *kinds; /* z, l, m, k: zero, loopback, multicast, link-local */
	} cases[] = {
		{ "0.0.0.0", "z" },
		{ "0.0.0.1", "" },
		{ "::", "z" },
		{ "127.0.0.1", "l" },
		{ "127.255.0.9", "l" },
		{ "126.255.255.255", "" },
		{ "128.0.0.0", "" },
		{ "::1", "l" },
		{ "::2", "" },
		{ "1::1", "" },
		{ "223.255.255.255", "" },
		{ "224.0.0.0", "m" },
		{ "239.255.255.255", "m" },
		{ "240.0.0.0", "" },
		{ "255.255.255.255", "" },
		{ "ff00::", "m" },
		{ "ff02::1", "m" },
		{ "feff::", "" },
		{ "169.254.0.1", "k" },
		{ "169.253.0.1", "" },
		{ "169.255.0.1", "" },
		{ "fe80::1", "k" },
		{ "febf::1", "k" },
		{ "fec0::1", "" },
		{ "fe7f::1", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip ip = ip_of(cases[i].ip);

		assert_int_equal(ip_is_zero(&ip), strchr(cases[i].kinds, 'z') != NULL);
		assert_int_equal(ip_is_loopback(&ip), strchr(cases[i].kinds, 'l') != NULL);
		assert_int_equal(ip_is_multicast(&ip), strchr(cases[i].kinds, 'm') != NULL);
		assert_int_equal(ip_is_link_local(&ip), strchr(cases[i].kinds, 'k') != NULL);
	}
}

static void test_arithmetic(void **state)
{
	static const struct {
		const char *a;
		uint64_t n;
		const char *b; /* a + n */
	} cases[] = {
		{ "10.0.0.1", 0, "10.0.0.1" },
		{ "10.0.0.255", 1, "10.0.1.0" },
		{ "10.255.255.255", 1, "11.0.0.0" },
		{ "0.0.0.0", UINT32_MAX, "255.255.255.255" },
		{ "10.0.0.0", 65536, "10.1.0.0" },
		{ "::", 1, "::1" },
		{ "fd00::ffff", 1, "fd00::1:0" },
		{ "fd00::ffff:ffff:ffff:ffff", 1, "fd00:0:0:1::" },
		{ "fd00::1", UINT64_MAX, "fd00:0:0:1::" },
		{ "fd00::ffff:ffff:ffff:ffff:ffff", 1, "fd00:0:1::" },
		{ "ffff:ffff:ffff:ffff::", UINT64_MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ip a = ip_of(cases[i].a), b = ip_of(cases[i].b), r;

		assert_true(ip_add(&a, cases[i].n, &r));
		assert_ip(&r, cases[i].b);
		assert_true(ip_sub(&b, cases[i].n, &r));
		assert_ip(&r, cases[i].a);
	}
}

static void test_wrap(void **state)
{
	static const struct {
		const char *ip;
		uint64_t n;
	} over[] = {
		{ "255.255.255.255", 1 },
		{ "0.0.0.0", 1ULL << 32 },
		{ "0.0.0.1", UINT64_MAX },
		{ "255.255.255.255", UINT64_MAX },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
		{ "ffff:ffff:ffff:ffff::1", UINT64_MAX },
	};
	static const struct {
		const char *ip;
		uint64_t n;
	} under[] = {
		{ "0.0.0.0", 1 }, { "255.255.255.255", 1ULL << 32 },	   { "::", 1 },
		{ "::1", 2 },	  { "::ffff:ffff:ffff:fffe", UINT64_MAX },
	};
	struct ip r = { .family = 99 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
		struct ip ip = ip_of(over[i].ip);

		assert_false(ip_add(&ip, over[i].n, &r));
	}
	for (size_t i = 0; i < ARRAY_SIZE(under); i++) {
		struct ip ip = ip_of(under[i].ip);

		assert_false(ip_sub(&ip, under[i].n, &r));
	}
	assert_int_equal(r.family, 99);
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix;
		const char *ip;
		bool in;
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.0", true },
		{ "10.0.0.0/24", "10.0.0.255", true },
		{ "10.0.0.0/24", "10.0.1.0", false },
		{ "10.0.0.0/24", "9.255.255.255", false },
		{ "10.0.0.77/24", "10.0.0.1", true },
		{ "10.0.0.0/31", "10.0.0.1", true },
		{ "10.0.0.0/31", "10.0.0.2", false },
		{ "10.0.0.1/32", "10.0.0.1", true },
		{ "10.0.0.1/32", "10.0.0.0", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "ffff::", true },
		{ "::/0", "0.0.0.0", false },
		{ "172.16.0.0/12", "172.31.255.255", true },
		{ "172.16.0.0/12", "172.32.0.0", false },
		{ "fd00::/64", "fd00::ffff:0:0:1", true },
		{ "fd00::/64", "fd00:0:0:1::", false },
		{ "fd00::/65", "fd00::8000:0:0:0", false },
		{ "::1/128", "::1", true },
		{ "::1/128", "::", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix = prefix_of(cases[i].prefix);
		struct ip ip = ip_of(cases[i].ip);

		assert_int_equal(prefix_contains(&prefix, &ip), cases[i].in);
	}
}

static void test_overlaps(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.0/24", true },
		{ "10.0.0.0/24", "10.0.0.128/25", true },
		{ "10.0.0.0/8", "10.9.8.0/24", true },
		{ "10.0.0.0/24", "10.0.1.0/24", false },
		{ "10.0.0.0/25", "10.0.0.128/25", false },
		{ "0.0.0.0/0", "1.2.3.4/32", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "fd00::/64", "fd00::/48", true },
		{ "fd00::/64", "fd00:0:0:1::/64", false },
		{ "10.0.0.5/24", "10.0.0.9/30", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix a = prefix_of(cases[i].a), b = prefix_of(cases[i].b);

		assert_int_equal(prefix_overlaps(&a, &b), cases[i].overlap);
		assert_int_equal(prefix_overlaps(&b, &a), cases[i].overlap);
	}
}

static void test_first_and_last(void **state)
{
	static const struct {
		const char *prefix;
		const char *first;
		const char *last;
		bool host_bits;
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.0", "10.0.0.255", false },
		{ "10.0.0.7/24", "10.0.0.0", "10.0.0.255", true },
		{ "10.0.0.0/31", "10.0.0.0", "10.0.0.1", false },
		{ "10.0.0.1/31", "10.0.0.0", "10.0.0.1", true },
		{ "10.0.0.1/32", "10.0.0.1", "10.0.0.1", false },
		{ "10.144.0.0/12", "10.144.0.0", "10.159.255.255", false },
		{ "1.2.3.4/0", "0.0.0.0", "255.255.255.255", true },
		{ "fd00::/64", "fd00::", "fd00::ffff:ffff:ffff:ffff", false },
		{ "fd00::1/127", "fd00::", "fd00::1", true },
		{ "fd00:8000::/17", "fd00:8000::", "fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  false },
		{ "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix = prefix_of(cases[i].prefix);
		struct ip first = prefix_first(&prefix), last = prefix_last(&prefix);

		assert_ip(&first, cases[i].first);
		assert_ip(&last, cases[i].last);
		assert_int_equal(prefix_has_host_bits(&prefix), cases[i].host_bits);
	}
}

/* The derived MACs are seen by neighbours and must not change between versions. */
static void test_mac_from_ip(void **state)
{
	struct ip v4 = ip_of("10.144.0.2"), a = ip_of("fd00::1"), b = ip_of("fd00::2");
	struct mac mac = mac_from_ip(&v4), mac_a = mac_from_ip(&a), mac_b = mac_from_ip(&b), parsed;
	char buf[MAC_STRLEN];

	(void)state;
	assert_string_equal(mac_format(&mac, buf), "02:42:0a:90:00:02");
	mac_format(&mac_a, buf);
	assert_memory_equal(buf, "02:43:", 6);
	assert_int_equal(mac_parse(buf, &parsed), 0);
	assert_memory_equal(&parsed, &mac_a, sizeof(parsed));
	assert_memory_not_equal(&mac_a, &mac_b, sizeof(mac_a));
}

static void test_link_local(void **state)
{
	static const struct {
		const char *mac;
		const char *ip;
	} cases[] = {
		{ "02:42:0a:90:00:02", "fe80::42:aff:fe90:2" },
		{ "00:11:22:33:44:55", "fe80::211:22ff:fe33:4455" },
		{ "fe:ff:ff:ff:ff:ff", "fe80::fcff:ffff:feff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mac mac;
		struct ip ip;

		assert_int_equal(mac_parse(cases[i].mac, &mac), 0);
		ip = ip_link_local(&mac);
		assert_ip(&ip, cases[i].ip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_text),
		cmocka_unit_test(test_ip_refused),
		cmocka_unit_test(test_unused_bytes_are_zero),
		cmocka_unit_test(test_none_has_no_text),
		cmocka_unit_test(test_prefix_text),
		cmocka_unit_test(test_mac_text),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_first_and_last),
		cmocka_unit_test(test_mac_from_ip),
		cmocka_unit_test(test_link_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
