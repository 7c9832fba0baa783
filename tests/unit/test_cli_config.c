// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration files: strict reading, atomic writing, and what is written is what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "front/config.h"
#include "front/front.h"
#include "util.h"

static char dir[64];

static int parse(const char *text, struct config_network **ret, struct netd_error *err)
{
	return config_network_parse(text, strlen(text), "net.json", "net", ret, err);
}

static const char full[] =
	"{\"name\":\"net\",\"bridge\":\"br0\",\"mtu\":1400,\"internal\":true,\"hairpin\":true,"
	"\"ipv6\":false,\"ranges\":[{\"subnet\":\"10.1.0.0/24\",\"start\":\"10.1.0.9\","
	"\"end\":\"10.1.0.99\",\"gateway\":\"10.1.0.1\"},{\"subnet\":\"fd00::/64\",\"set\":1}],"
	"\"routes\":[{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.1.0.2\"},{\"dst\":\"10.8.0.0/16\"}]}";

static void check_full(const struct netd_network *net)
{
	assert_int_equal(net->size, sizeof(*net));
	assert_string_equal(net->name, "net");
	assert_string_equal(net->bridge, "br0");
	assert_int_equal(net->mtu, 1400);
	assert_int_equal(net->flags, NETD_NETWORK_INTERNAL | NETD_NETWORK_HAIRPIN);
	assert_int_equal(net->n_ranges, 2);
	assert_string_equal(net->ranges[0].start, "10.1.0.9");
	assert_string_equal(net->ranges[0].end, "10.1.0.99");
	assert_string_equal(net->ranges[0].gateway, "10.1.0.1");
	assert_string_equal(net->ranges[1].subnet, "fd00::/64");
	assert_null(net->ranges[1].start);
	assert_int_equal(net->ranges[1].set, 1);
	assert_int_equal(net->n_routes, 2);
	assert_string_equal(net->routes[0].gw, "10.1.0.2");
	assert_null(net->routes[1].gw);
}

static void test_parse(void **state)
{
	struct config_network *network;

	(void)state;
	assert_int_equal(parse(full, &network, NULL), 0);
	check_full(&network->net);
	config_network_free(network);
	assert_int_equal(parse("{\"name\":\"net\"}", &network, NULL), 0);
	assert_int_equal(network->net.n_ranges, 0);
	assert_null(network->net.ranges);
	config_network_free(network);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "line 1" },
		{ "[]", "must be an object" },
		{ "{}", "\"name\" is missing" },
		{ "{\"name\":\"other\"}", "\"other\"" },
		{ "{\"name\":1}", "\"name\" must be a string" },
		{ "{\"name\":\"net\",\"name\":\"net\"}", "duplicate" },
		{ "{\"name\":\"net\",\"subnet\":\"10.0.0.0/24\"}",
		  "\"subnet\" is not a known key" },
		{ "{\"name\":\"net\",\"mtu\":-1}", "\"mtu\" must be" },
		{ "{\"name\":\"net\",\"mtu\":1.5}", "\"mtu\" must be" },
		{ "{\"name\":\"net\",\"mtu\":4294967296}", "\"mtu\" must be" },
		{ "{\"name\":\"net\",\"internal\":1}", "\"internal\" must be true or false" },
		{ "{\"name\":\"net\",\"ranges\":{}}", "\"ranges\" must be an array" },
		{ "{\"name\":\"net\",\"ranges\":[1]}", "ranges[0] must be an object" },
		{ "{\"name\":\"net\",\"ranges\":[{}]}", "\"ranges[0].subnet\" is missing" },
		{ "{\"name\":\"net\",\"ranges\":[{\"subnet\":\"a\",\"ipv6\":true}]}",
		  "\"ranges[0].ipv6\" is not a known key" },
		{ "{\"name\":\"net\",\"routes\":[{\"dst\":\"a\"},{\"gw\":\"b\"}]}",
		  "\"routes[1].dst\" is missing" },
		{ "{\"name\":\"net\"} x", "line 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct config_network *network;

		assert_int_equal(parse(cases[i].text, &network, &err), -EINVAL);
		if (!strstr(err.message, cases[i].want) || !strstr(err.message, "net.json"))
			fail_msg("%s: \"%s\"", cases[i].text, err.message);
	}
}

static void test_pools(void **state)
{
	static const char text[] = "{\"pools\":[{\"base\":\"10.0.0.0/8\",\"length\":26},"
				   "{\"base\":\"fd00::/48\",\"length\":64}]}";
	static const char *const bad[] = { "{\"pools\":[]}",
					   "{\"pools\":[{\"base\":\"10.0.0.0/8\"}]}",
					   "{\"pools\":[{\"base\":1,\"length\":24}]}",
					   "{\"pool\":[]}" };
	struct config_pools pools = { 0 };

	(void)state;
	assert_int_equal(config_pools_parse(text, strlen(text), "f", &pools, NULL), 0);
	assert_int_equal(pools.n, 2);
	assert_string_equal(pools.pools[0].base, "10.0.0.0/8");
	assert_int_equal(pools.pools[1].length, 64);
	config_pools_free(&pools);
	assert_int_equal(config_pools_parse("{}", 2, "f", &pools, NULL), 0);
	assert_null(pools.pools);
	config_pools_free(&pools);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(config_pools_parse(bad[i], strlen(bad[i]), "f", &pools, NULL),
				 -EINVAL);
}

static void test_save(void **state)
{
	struct config_network *network, *again;
	struct netd_error err = NETD_ERROR_INIT;
	char **names, path[128];
	struct stat st;

	(void)state;
	assert_int_equal(parse(full, &network, NULL), 0);
	assert_false(config_network_exists("net"));
	assert_int_equal(config_network_save(&network->net, NULL), 0);
	assert_true(config_network_exists("net"));
	assert_int_equal(config_network_load("net", &again, NULL), 0);
	check_full(&again->net);
	config_network_free(again);
	snprintf(path, sizeof(path), "%s/networks/net.json", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	/* a second one neither replaces the first nor leaves its temporary file */
	network->net.mtu = 9000;
	assert_int_equal(config_network_save(&network->net, &err), -EEXIST);
	assert_int_equal(err.code, NETD_E_EXISTS);
	assert_int_equal(config_network_load("net", &again, NULL), 0);
	assert_int_equal(again->net.mtu, 1400);
	config_network_free(again);
	config_network_free(network);
	assert_int_equal(config_network_names(&names, NULL), 0);
	assert_string_equal(names[0], "net");
	assert_null(names[1]);
	config_names_free(&names);

	assert_int_equal(config_network_delete("net", NULL), 1);
	assert_int_equal(config_network_delete("net", NULL), 0);
	snprintf(path, sizeof(path), "%s/networks", dir);
	assert_int_equal(rmdir(path), 0); /* empty */
}

static void test_names(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct config_network *network;

	(void)state;
	assert_int_equal(config_network_load("../net", &network, &err), -EINVAL);
	assert_int_equal(config_network_delete("../../etc/passwd", NULL), -EINVAL);
	assert_false(config_network_exists(".."));
	err = (struct netd_error)NETD_ERROR_INIT;
	assert_int_equal(config_network_load("none", &network, &err), -ENOENT);
	assert_int_equal(err.code, NETD_E_NOT_FOUND);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/netd-config-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	umask(022);
	return setenv("NETD_CONFIG_DIR", dir, 1);
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_pools), cmocka_unit_test(test_save),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("cli_config", tests, setup, teardown);
}
