// SPDX-License-Identifier: GPL-2.0-or-later
/* The plugin's environment, CNI_ARGS, versions and the form of errors. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "env.h"
#include "fault.h"
#include "util.h"
#include "version.h"

static struct cni_env make_env(const char *verb, const char *id, const char *netns,
			       const char *ifname)
{
	struct cni_env env;

	setenv("CNI_COMMAND", verb, 1);
	setenv("CNI_CONTAINERID", id, 1);
	setenv("CNI_NETNS", netns, 1);
	setenv("CNI_IFNAME", ifname, 1);
	unsetenv("CNI_ARGS");
	env_read(&env);
	return env;
}

static void test_missing(void **state)
{
	static const struct {
		const char *verb, *id, *netns, *ifname, *missing;
	} cases[] = {
		{ "ADD", "c", "/n", "eth0", NULL },
		{ "ADD", "", "", "", "[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME]" },
		{ "ADD", "c", "", "eth0", "[CNI_NETNS]" },
		{ "ADD", "c", "/n", "", "[CNI_IFNAME]" },
		{ "DEL", "c", "", "eth0", NULL },
		{ "DEL", "", "", "", "[CNI_CONTAINERID,CNI_IFNAME]" },
		{ "VERSION", "", "", "", NULL },
		{ "WHAT", "", "", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cni_env env =
			make_env(cases[i].verb, cases[i].id, cases[i].netns, cases[i].ifname);
		struct cni_fault fault = { 0 };
		int r = env_require(&env, &fault);

		if (!cases[i].missing) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_true(r < 0);
		assert_int_equal(fault.code, 4);
		assert_non_null(strstr(fault.msg, "required env variables ["));
		assert_non_null(strstr(fault.msg, cases[i].missing));
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *verb, *id, *ifname, *msg;
	} cases[] = {
		{ "ADD", "abc_1.2-3", "eth0", NULL },
		{ "ADD", "abc", "123456789012345", NULL },
		{ "DEL", "-abc", "eth0", "invalid characters in containerID" },
		{ "ADD", "a/b", "eth0", "invalid characters in containerID" },
		{ "ADD", "a\n", "eth0", "invalid characters in containerID" },
		{ "ADD", "abc", "1234567890123456", "interface name is too long" },
		{ "ADD", "abc", "..", "interface name is . or .." },
		{ "ADD", "abc", "a/b", "interface name contains / or : or whitespace" },
		{ "ADD", "abc", "a:b", "interface name contains / or : or whitespace" },
		{ "ADD", "abc", "a b", "interface name contains / or : or whitespace" },
		{ "add", "abc", "eth0", "unknown CNI_COMMAND: add" },
		{ "CHECK", "abc", "eth0", "unknown CNI_COMMAND: CHECK" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cni_env env = make_env(cases[i].verb, cases[i].id, "", cases[i].ifname);
		struct cni_fault fault = { 0 };

		assert_int_equal(env_check(&env, &fault) < 0, cases[i].msg != NULL);
		if (cases[i].msg) {
			assert_int_equal(fault.code, 4);
			assert_non_null(strstr(fault.msg, cases[i].msg));
		}
	}
}

static void test_limits(void **state)
{
	char id[NETD_ID_MAX + 2];
	char netns[PATH_MAX + 1];
	struct cni_fault fault = { 0 };
	struct cni_env env;

	(void)state;
	memset(id, 'a', sizeof(id));
	id[NETD_ID_MAX + 1] = '\0';
	env = make_env("ADD", id, "/n", "eth0");
	assert_true(env_check_limits(&env, &fault) < 0);
	assert_int_equal(fault.code, 4);
	id[NETD_ID_MAX] = '\0';
	env = make_env("ADD", id, "/n", "eth0");
	assert_int_equal(env_check_limits(&env, NULL), 0);
	fault = (struct cni_fault){ 0 };
	memset(netns, '/', PATH_MAX);
	netns[PATH_MAX] = '\0';
	env = make_env("ADD", "c", netns, "eth0");
	assert_true(env_check_limits(&env, &fault) < 0);
	assert_int_equal(fault.code, 4);
	assert_string_equal(fault.msg, "CNI_NETNS is too long");
	netns[PATH_MAX - 1] = '\0';
	env = make_env("ADD", "c", netns, "eth0");
	assert_int_equal(env_check_limits(&env, NULL), 0);
	env = make_env("ADD", "c", "/n", "lo");
	fault = (struct cni_fault){ 0 };
	assert_true(env_check_limits(&env, &fault) < 0);
	assert_int_equal(fault.code, 4);
}

static void test_args(void **state)
{
	static const struct {
		const char *text, *ip, *mac, *msg;
	} cases[] = {
		{ "", NULL, NULL, NULL },
		{ "IP=10.1.2.3", "10.1.2.3", NULL, NULL },
		{ "IP=;MAC=", NULL, NULL, NULL },
		{ "MAC=02:00:00:00:00:01;IP=10.1.2.3", "10.1.2.3", "02:00:00:00:00:01", NULL },
		{ "IP=10.1.2.3;IP=10.1.2.4", "10.1.2.4", NULL, NULL },
		{ "IgnoreUnknown=1;K8S_POD_NAME=x;K8S_POD_UID=y", NULL, NULL, NULL },
		{ "K8S_POD_NAME=x;IgnoreUnknown=true;IP=fd00::2", "fd00::2", NULL, NULL },
		{ "IgnoreUnknown=True", NULL, NULL, NULL },
		{ "ip=10.1.2.3;IgnoreUnknown=1", NULL, NULL, NULL },
		{ "A=b;IP=10.1.2.3;C=d", NULL, NULL, "ARGS: unknown args [\"A=b\" \"C=d\"]" },
		{ "A=b;IgnoreUnknown=0", NULL, NULL, "unknown args" },
		{ "ip=10.1.2.3", NULL, NULL, "unknown args" },
		{ "IgnoreUnknown=maybe", NULL, NULL, "boolean unmarshal error" },
		{ "IgnoreUnknown=", NULL, NULL, "boolean unmarshal error" },
		{ "IP", NULL, NULL, "ARGS: invalid pair \"IP\"" },
		{ "IgnoreUnknown=1;A=b=c", NULL, NULL, "ARGS: invalid pair \"A=b=c\"" },
		{ "IgnoreUnknown=1;", NULL, NULL, "ARGS: invalid pair \"\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cni_fault fault = { 0 };
		struct cni_args args = { 0 };
		int r = args_parse(cases[i].text, &args, &fault);

		assert_int_equal(r < 0, cases[i].msg != NULL);
		if (cases[i].msg) {
			assert_int_equal(fault.code, 4);
			assert_non_null(strstr(fault.msg, "CNI_ARGS"));
			assert_non_null(strstr(fault.msg, cases[i].msg));
		}
		assert_int_equal(!args.ip, !cases[i].ip);
		assert_int_equal(!args.mac, !cases[i].mac);
		if (args.ip)
			assert_string_equal(args.ip, cases[i].ip);
		if (args.mac)
			assert_string_equal(args.mac, cases[i].mac);
		args_free(&args);
	}
}

static void test_versions(void **state)
{
	static const char *const supported[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };
	static const char *const others[] = { "", "0.1.0", "0.2.0", "1.0", "1.1.0 ", "9.9.9" };
	json_t *json = version_json();
	json_t *list = json_object_get(json, "supportedVersions");
	struct cni_fault fault = { 0 };

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "cniVersion")), "1.1.0");
	assert_int_equal(json_array_size(list), ARRAY_SIZE(supported));
	for (size_t i = 0; i < ARRAY_SIZE(supported); i++) {
		assert_string_equal(json_string_value(json_array_get(list, i)), supported[i]);
		assert_string_equal(version_name(version_find(supported[i])), supported[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(version_find(others[i]), CNI_VERSIONS);
	version_refuse("9.9.9", &fault);
	assert_int_equal(fault.code, 1);
	assert_string_equal(fault.msg, "incompatible CNI versions");
	assert_string_equal(fault.details,
			    "config is \"9.9.9\", plugin supports [\"0.3.0\" \"0.3.1\" "
			    "\"0.4.0\" \"1.0.0\" \"1.1.0\"]");
	json_decref(json);
}

static void test_fault(void **state)
{
	static const struct {
		enum netd_code code;
		const char *message;
		int expected;
		int errnum;
	} cases[] = {
		{ NETD_E_INVALID, "why", 7, EINVAL },
		{ NETD_E_CONFLICT, "an address", 100, EEXIST },
		{ NETD_E_CONFLICT, "a port", 101, EADDRINUSE },
		{ NETD_E_EXHAUSTED, "why", 102, EINVAL },
		{ NETD_E_EXISTS, "why", 103, EINVAL },
		{ NETD_E_PERMISSION, "why", 104, EINVAL },
		{ NETD_E_KERNEL, "why", 105, EINVAL },
		{ NETD_E_UNSUPPORTED, "why", 106, EINVAL },
		{ NETD_E_STATE, "why", 107, EINVAL },
		{ NETD_E_NOT_FOUND, "why", 108, EINVAL },
		{ NETD_E_NETNS, "why", 8, EINVAL },
		{ NETD_E_BUSY, "why", 11, EINVAL },
		{ NETD_E_NOMEM, "why", 11, EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = { .code = cases[i].code,
					  .errnum = cases[i].errnum,
					  .kernel = "because" };
		struct cni_fault fault = { 0 };
		json_t *json;

		str_copy(err.message, sizeof(err.message), cases[i].message);
		assert_true(fault_netd(&fault, &err) < 0);
		fault_set(&fault, CNI_E_IO, NULL, "a later one does not count");
		json = fault_json(&fault, "0.4.0");
		assert_int_equal(json_integer_value(json_object_get(json, "code")),
				 cases[i].expected);
		assert_string_equal(json_string_value(json_object_get(json, "cniVersion")),
				    "0.4.0");
		assert_string_equal(json_string_value(json_object_get(json, "msg")),
				    cases[i].message);
		assert_non_null(strstr(json_string_value(json_object_get(json, "details")),
				       "kernel: because"));
		json_decref(json);
	}
}

/* Bytes that are no UTF-8, and a message cut in the middle of a character, still make JSON. */
static void test_fault_bytes(void **state)
{
	struct cni_fault fault = { 0 };
	char text[2048];
	json_t *json;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		str_copy(text + i, 3, "\xc3\xa9");
	fault_set(&fault, CNI_E_ENV, "a\xff\xfe", "x%s", text);
	json = fault_json(&fault, "1.1.0");
	assert_non_null(json);
	assert_int_equal(json_string_length(json_object_get(json, "msg")), sizeof(fault.msg) - 1);
	assert_string_equal(json_string_value(json_object_get(json, "details")), "a??");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),	    cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_args),
		cmocka_unit_test(test_versions),    cmocka_unit_test(test_fault),
		cmocka_unit_test(test_fault_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
