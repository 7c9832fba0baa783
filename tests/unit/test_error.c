// SPDX-License-Identifier: GPL-2.0-or-later
/* The error object: netd/error.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "util.h"

static void test_set(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	assert_int_equal(
		error_set(&err, NETD_E_CONFLICT, EADDRINUSE, "web", "port %d is taken", 80),
		-EADDRINUSE);
	assert_int_equal(err.code, NETD_E_CONFLICT);
	assert_int_equal(err.errnum, EADDRINUSE);
	assert_int_equal(err.stage, NETD_STAGE_NONE);
	assert_string_equal(err.subject, "web");
	assert_string_equal(err.message, "port 80 is taken");
	assert_string_equal(err.kernel, "");
	assert_string_equal(err.undo, "");
}

static void test_first_error_stays(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	error_set(&err, NETD_E_INVALID, EINVAL, "first", "first");
	assert_int_equal(error_set(&err, NETD_E_STATE, EIO, "second", "second"), -EIO);
	assert_int_equal(error_sys(&err, EPERM, "third", "third"), -EPERM);
	assert_int_equal(error_nomem(&err), -ENOMEM);
	assert_int_equal(err.code, NETD_E_INVALID);
	assert_int_equal(err.errnum, EINVAL);
	assert_string_equal(err.subject, "first");
	assert_string_equal(err.message, "first");
}

static void test_null_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, NETD_E_INVALID, EINVAL, NULL, "x"), -EINVAL);
	assert_int_equal(error_sys(NULL, EIO, NULL, "x"), -EIO);
	assert_int_equal(error_nomem(NULL), -ENOMEM);
	error_kernel(NULL, "x");
	error_wrap(NULL, "x");
	error_stage(NULL, NETD_STAGE_APPLY);
	error_undo(NULL, "x");
}

static void test_sys(void **state)
{
	static const struct {
		int errnum;
		enum netd_code code;
	} cases[] = {
		{ EPERM, NETD_E_PERMISSION }, { EACCES, NETD_E_PERMISSION },
		{ ENOMEM, NETD_E_NOMEM },     { EINVAL, NETD_E_KERNEL },
		{ ENOENT, NETD_E_KERNEL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		char expected[128];

		assert_int_equal(error_sys(&err, cases[i].errnum, NULL, "cannot open %s", "f"),
				 -cases[i].errnum);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.subject, "");
		snprintf(expected, sizeof(expected), "cannot open f: %s",
			 strerror(cases[i].errnum));
		assert_string_equal(err.message, expected);
	}
}

static void test_nomem(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	assert_int_equal(error_nomem(&err), -ENOMEM);
	assert_int_equal(err.code, NETD_E_NOMEM);
	assert_int_equal(err.errnum, ENOMEM);
	assert_string_not_equal(err.message, "");
}

static void test_context(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	/* nothing recorded yet: nothing to add to */
	error_kernel(&err, "text");
	error_wrap(&err, "context");
	error_stage(&err, NETD_STAGE_APPLY);
	assert_string_equal(err.kernel, "");
	assert_string_equal(err.message, "");
	assert_int_equal(err.stage, NETD_STAGE_NONE);

	error_set(&err, NETD_E_KERNEL, EBUSY, NULL, "inner");
	error_kernel(&err, "first text");
	error_kernel(&err, "second text");
	error_wrap(&err, "set %d", 1);
	error_stage(&err, NETD_STAGE_APPLY);
	error_stage(&err, NETD_STAGE_COMMIT);
	assert_string_equal(err.kernel, "first text");
	assert_string_equal(err.message, "set 1: inner");
	assert_int_equal(err.stage, NETD_STAGE_APPLY);
}

static void test_undo(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	error_undo(&err, "link %s stays", "a");
	assert_string_equal(err.undo, "link a stays");
	error_undo(&err, "route stays");
	assert_string_equal(err.undo, "link a stays; route stays");
	for (int i = 0; i < 100; i++)
		error_undo(&err, "more that stays, number %d", i);
	assert_true(strlen(err.undo) < sizeof(err.undo));
}

static void test_long_texts(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	char big[2048];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	error_sys(&err, EIO, big, "%s", big);
	assert_int_equal(strlen(err.subject), sizeof(err.subject) - 1);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	error_kernel(&err, big);
	assert_int_equal(strlen(err.kernel), sizeof(err.kernel) - 1);
	error_wrap(&err, "context");
	assert_int_equal(strncmp(err.message, "context: xxx", 12), 0);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	error_wrap(&err, "%s", big);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	error_undo(&err, "%s", big);
	error_undo(&err, "%s", big);
	assert_int_equal(strlen(err.undo), sizeof(err.undo) - 1);
}

/* Every value has a word of its own. */
static void test_words(void **state)
{
	(void)state;
	assert_string_equal(netd_code_name(NETD_OK), "ok");
	assert_string_equal(netd_code_name(NETD_E_INVALID), "invalid");
	assert_string_equal(netd_code_name(NETD_E_BUSY), "busy");
	assert_string_equal(netd_stage_name(NETD_STAGE_NONE), "none");
	assert_string_equal(netd_stage_name(NETD_STAGE_COMMIT), "commit");
	for (int a = NETD_OK; a <= NETD_E_BUSY; a++) {
		assert_string_not_equal(netd_code_name((enum netd_code)a), "unknown");
		for (int b = NETD_OK; b < a; b++)
			assert_string_not_equal(netd_code_name((enum netd_code)a),
						netd_code_name((enum netd_code)b));
	}
	for (int a = NETD_STAGE_NONE; a <= NETD_STAGE_COMMIT; a++) {
		assert_string_not_equal(netd_stage_name((enum netd_stage)a), "unknown");
		for (int b = NETD_STAGE_NONE; b < a; b++)
			assert_string_not_equal(netd_stage_name((enum netd_stage)a),
						netd_stage_name((enum netd_stage)b));
	}
	assert_string_equal(netd_code_name((enum netd_code)99), "unknown");
	assert_string_equal(netd_stage_name((enum netd_stage)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_first_error_stays),
		cmocka_unit_test(test_null_is_accepted),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
