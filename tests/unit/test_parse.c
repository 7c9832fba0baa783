// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers and names: netd/parse.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse.h"
#include "util.h"

#define UNTOUCHED 0xdeadbeefU

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint32_t max;
		int rc;
		uint32_t value;
	} cases[] = {
		{ "0", 65535, 0, 0 },
		{ "1", 65535, 0, 1 },
		{ "80", 65535, 0, 80 },
		{ "0080", 65535, 0, 80 },
		{ "65535", 65535, 0, 65535 },
		{ "65536", 65535, -ERANGE, 0 },
		{ "99999999999999999999999999", 65535, -ERANGE, 0 },
		{ "18446744073709551616", UINT32_MAX, -ERANGE, 0 }, /* 2^64 */
		{ "18446744073709551617", UINT32_MAX, -ERANGE, 0 },
		{ "4294967295", UINT32_MAX, 0, UINT32_MAX },
		{ "4294967296", UINT32_MAX, -ERANGE, 0 },
		{ "00000000000000000000000000007", 65535, 0, 7 },
		{ "1", 0, -ERANGE, 0 },
		{ "0", 0, 0, 0 },
		{ "", 65535, -EINVAL, 0 },
		{ " 1", 65535, -EINVAL, 0 },
		{ "1 ", 65535, -EINVAL, 0 },
		{ "\t1", 65535, -EINVAL, 0 },
		{ "1\n", 65535, -EINVAL, 0 },
		{ "+1", 65535, -EINVAL, 0 },
		{ "-1", 65535, -EINVAL, 0 },
		{ "0x10", 65535, -EINVAL, 0 },
		{ "1e3", 65535, -EINVAL, 0 },
		{ "1.0", 65535, -EINVAL, 0 },
		{ "x", 65535, -EINVAL, 0 },
		{ "99999999999x", 65535, -EINVAL, 0 }, /* malformed wins over large */
		{ "\xd9\xa1", 65535, -EINVAL, 0 },     /* an Arabic digit */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t value = UNTOUCHED;

		assert_int_equal(parse_u32(cases[i].text, cases[i].max, &value), cases[i].rc);
		assert_int_equal(value, cases[i].rc ? UNTOUCHED : cases[i].value);
	}
}

static void test_counted_numbers(void **state)
{
	uint32_t value = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_u32_n("8080:80", 4, 65535, &value), 0);
	assert_int_equal(value, 8080);
	assert_int_equal(parse_u32_n("8080:80", 5, 65535, &value), -EINVAL);
	assert_int_equal(parse_u32_n("8080", 0, 65535, &value), -EINVAL);
	assert_int_equal(parse_u32_n("1\0002", 3, 65535, &value), -EINVAL);
	assert_int_equal(parse_u32_n("123456", 1, 65535, &value), 0);
	assert_int_equal(value, 1);
}

static void test_names(void **state)
{
	static const char *const good[] = {
		"a", "0", "web", "Web-1_2.3", "a..b", "a-", "12345678"
	};
	static const char
		*const bad[] = {
			"",	     "-a",  ".a",   "_a",  "a b",	"a/b",
			"../x",	     "a\n", "a:b",  "a%b", "a\x7f",	"\xc3\xa4",
			"a\xc3\xa4", "a$b", "a\\b", " a",  "123456789", /* above the limit given */
		};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(name_valid(good[i], 8 + 1));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(name_valid(bad[i], 8));
	assert_true(name_valid("12345678", 8));
}

static void test_ifnames(void **state)
{
	static const char *const good[] = { "eth0",
					    "e",
					    "nd-0123456789a",
					    "123456789012345",
					    "br.100",
					    "a_b",
					    "...",
					    "lo0",
					    "all1",
					    "@+=",
					    "defaults",
					    "a-b" };
	static const char *const bad[] = {
		"",	  "1234567890123456",
		".",	  "..",
		"all",	  "default",
		"lo",	  "a/b",
		"a:b",	  "a%d",
		"a b",	  "a\tb",
		"a\n",	  "a\x7f",
		"\x01",	  "\xc3\xa4",
		"\xa0",	  "/",
		"eth0:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(ifname_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(ifname_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_counted_numbers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ifnames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
