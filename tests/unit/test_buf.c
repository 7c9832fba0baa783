// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing buffers and bounded readers: netd/buf.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "util.h"

static struct reader reader_of(const void *data, size_t len)
{
	return (struct reader){ .data = data, .len = len };
}

static void test_text(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	buf_printf(&buf, "%s-%d", "a", 7);
	assert_string_equal(buf.data, "a-7");
	assert_int_equal(buf.len, 3);
	buf_add(&buf, "xyz", 2);
	buf_printf(&buf, "%s", "");
	assert_string_equal(buf.data, "a-7xy");
	text = buf_take(&buf);
	assert_string_equal(text, "a-7xy");
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
}

static void test_empty(void **state)
{
	struct buf buf = { 0 };
	_cleanup_free_ char *text = buf_take(&buf);

	(void)state;
	assert_string_equal(text, "");
	buf_free(&buf);
	buf_free(&buf);
}

/* Every length around the first capacity, so that the NUL never lands outside. */
static void test_growth(void **state)
{
	char piece[600];

	(void)state;
	memset(piece, 'p', sizeof(piece));
	for (size_t first = 0; first < sizeof(piece); first++) {
		_cleanup_buf_ struct buf buf = { 0 };

		buf_add(&buf, piece, first);
		buf_printf(&buf, "%s", "q");
		buf_add(&buf, piece, sizeof(piece) - first);
		assert_false(buf.failed);
		assert_int_equal(buf.len, sizeof(piece) + 1);
		assert_int_equal(strlen(buf.data), sizeof(piece) + 1);
		assert_int_equal(buf.data[first], 'q');
	}
}

/* Random access to a large amount: printf of more than the current room. */
static void test_large_printf(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };
	_cleanup_free_ char *big = malloc(100001);

	(void)state;
	assert_non_null(big);
	memset(big, 'b', 100000);
	big[100000] = '\0';
	buf_printf(&buf, "<%s>", big);
	assert_int_equal(buf.len, 100002);
	assert_int_equal(buf.data[0], '<');
	assert_int_equal(buf.data[100001], '>');
}

static void test_failed_is_sticky(void **state)
{
	struct buf buf = { .failed = true };

	(void)state;
	buf_add(&buf, "x", 1);
	buf_printf(&buf, "%d", 1);
	buf_put_u64(&buf, 1);
	buf_put_str(&buf, "s");
	assert_int_equal(buf.len, 0);
	assert_null(buf_take(&buf));
	buf_free(&buf);
}

static void test_record(void **state)
{
	static const uint8_t wire[] = { 0x12, 0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 1, 2,	  3,  4,
					5,    6,    7,	  8,	0,    0,    0,	  2, 'h', 'i' };
	_cleanup_buf_ struct buf buf = { 0 };
	struct reader r;
	char text[3];

	(void)state;
	buf_put_u8(&buf, 0x12);
	buf_put_u16(&buf, 0x1234);
	buf_put_u32(&buf, 0x12345678);
	buf_put_u64(&buf, 0x0102030405060708ULL);
	buf_put_str(&buf, "hi");
	assert_int_equal(buf.len, sizeof(wire));
	assert_memory_equal(buf.data, wire, sizeof(wire));
	r = reader_of(buf.data, buf.len);
	assert_int_equal(reader_u8(&r), 0x12);
	assert_int_equal(reader_u16(&r), 0x1234);
	assert_int_equal(reader_u32(&r), 0x12345678);
	assert_true(reader_u64(&r) == 0x0102030405060708ULL);
	reader_str(&r, text, sizeof(text));
	assert_string_equal(text, "hi");
	assert_false(r.failed);
	assert_int_equal(r.pos, r.len);
}

static void test_every_truncation(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };

	(void)state;
	buf_put_u16(&buf, 7);
	buf_put_str(&buf, "hello");
	buf_put_u64(&buf, 9);
	for (size_t len = 0; len < buf.len; len++) {
		/* a copy of exactly that size lets the sanitizer see a byte read beyond it */
		_cleanup_free_ uint8_t *copy = malloc(len + 1);
		struct reader r;
		char text[6];

		assert_non_null(copy);
		memcpy(copy + 1, buf.data, len);
		r = reader_of(copy + 1, len);
		reader_u16(&r);
		reader_str(&r, text, sizeof(text));
		reader_u64(&r);
		assert_true(r.failed);
		assert_int_equal(reader_u8(&r), 0);
	}
}

static void test_bad_strings(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		bool ok;
	} cases[] = {
		{ "\0\0\0\0", 4, true },
		{ "\0\0\0\3abc", 7, true },
		{ "\0\0\0\4abcd", 8, false }, /* does not fit with its NUL */
		{ "\0\0\0\3a\0c", 7, false },
		{ "\0\0\0\3ab", 6, false },
		{ "\xff\xff\xff\xff"
		  "abc",
		  7, false },
		{ "\0\0\0", 3, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reader r = reader_of(cases[i].wire, cases[i].len);
		char text[4] = "old";

		reader_str(&r, text, sizeof(text));
		assert_int_equal(!r.failed, cases[i].ok);
		if (!cases[i].ok)
			assert_string_equal(text, "");
	}
}

static void test_bytes(void **state)
{
	struct reader r = reader_of("abcd", 4);
	uint8_t out[4] = { 9, 9, 9, 9 };

	(void)state;
	reader_bytes(&r, out, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(r.pos, 3);
	reader_bytes(&r, out, 2);
	assert_true(r.failed);
	assert_int_equal(out[0] | out[1], 0);
	reader_bytes(&r, out, 1); /* there is one byte left, but a failure stays */
	assert_int_equal(out[0], 0);
	assert_true(r.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_large_printf),
		cmocka_unit_test(test_failed_is_sticky),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_bad_strings),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
