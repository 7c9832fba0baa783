// SPDX-License-Identifier: GPL-2.0-or-later
/* The result of ADD in every version, alone and behind other plugins; the pipes that carry it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>

#include "channel.h"
#include "conf.h"
#include "prev.h"
#include "result.h"
#include "util.h"

static const struct netd_attachment_address addresses[] = {
	{ .address = "10.1.0.2/24", .gateway = "10.1.0.1" },
	{ .address = "fd00::2/64" },
};
static const struct netd_route routes[] = {
	{ .dst = "0.0.0.0/0", .gw = "10.1.0.1" },
	{ .dst = "10.9.0.0/16" },
};
static const struct netd_attachment attachment = {
	.network = "net",
	.id = "c",
	.ifname = "eth0",
	.bridge = "cni0",
	.bridge_mac = "02:00:00:00:00:01",
	.host_ifname = "veth1",
	.host_mac = "02:00:00:00:00:02",
	.mac = "02:42:0a:01:00:02",
	.mtu = 1400,
	.bridge_mtu = 1500,
	.addresses = addresses,
	.n_addresses = ARRAY_SIZE(addresses),
	.routes = routes,
	.n_routes = ARRAY_SIZE(routes),
};

static void check(enum cni_version version, const struct netd_attachment *att, const char *prev,
		  const char *dns, const char *expected)
{
	struct cni_fault fault = { 0 };
	struct cni_conf conf = { .version = version };
	json_t *json;
	char *text;

	conf.top.fault = &fault;
	conf.top.object = json_loads(prev, 0, NULL);
	conf.dns = json_loads(dns, 0, NULL);
	assert_int_equal(prev_load(&conf), 0);
	json = result_json(&conf, att, "/run/netns/x");
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
	conf_close(&conf);
}

#define INTERFACES                                                                                 \
	"{\"mac\":\"02:00:00:00:00:01\",\"name\":\"cni0\"},"                                       \
	"{\"mac\":\"02:00:00:00:00:02\",\"name\":\"veth1\"},"                                      \
	"{\"mac\":\"02:42:0a:01:00:02\",\"name\":\"eth0\",\"sandbox\":\"/run/netns/x\"}"
#define ROUTES "{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.1\"},{\"dst\":\"10.9.0.0/16\"}"
#define OLD_IPS                                                                                    \
	"{\"address\":\"10.1.0.2/"                                                                 \
	"24\",\"gateway\":\"10.1.0.1\",\"interface\":2,\"version\":\"4\"},"                        \
	"{\"address\":\"fd00::2/64\",\"interface\":2,\"version\":\"6\"}"
#define NEW_IPS                                                                                    \
	"{\"address\":\"10.1.0.2/24\",\"gateway\":\"10.1.0.1\",\"interface\":2},"                  \
	"{\"address\":\"fd00::2/64\",\"interface\":2}"

static void test_versions(void **state)
{
	(void)state;
	check(CNI_0_3_0, &attachment, "{}", "{}",
	      "{\"cniVersion\":\"0.3.0\",\"dns\":{},\"interfaces\":[" INTERFACES
	      "],\"ips\":[" OLD_IPS "],\"routes\":[" ROUTES "]}");
	check(CNI_0_4_0, &attachment, "{}", "{\"domain\":\"d\"}",
	      "{\"cniVersion\":\"0.4.0\",\"dns\":{\"domain\":\"d\"},\"interfaces\":[" INTERFACES
	      "],\"ips\":[" OLD_IPS "],\"routes\":[" ROUTES "]}");
	check(CNI_1_0_0, &attachment, "{}", "{}",
	      "{\"cniVersion\":\"1.0.0\",\"interfaces\":[" INTERFACES "],\"ips\":[" NEW_IPS
	      "],\"routes\":[" ROUTES "]}");
	check(CNI_1_1_0, &attachment, "{}", "{}",
	      "{\"cniVersion\":\"1.1.0\",\"interfaces\":["
	      "{\"mac\":\"02:00:00:00:00:01\",\"mtu\":1500,\"name\":\"cni0\"},"
	      "{\"mac\":\"02:00:00:00:00:02\",\"mtu\":1400,\"name\":\"veth1\"},"
	      "{\"mac\":\"02:42:0a:01:00:02\",\"mtu\":1400,\"name\":\"eth0\","
	      "\"sandbox\":\"/run/netns/x\"}],\"ips\":[" NEW_IPS "],\"routes\":[" ROUTES "]}");
}

static void test_default_mtu(void **state)
{
	struct netd_attachment att = {
		.ifname = "eth0", .bridge = "b", .host_ifname = "v", .bridge_mtu = 9000
	};

	(void)state;
	check(CNI_1_1_0, &att, "{}", "{}",
	      "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"mtu\":9000,\"name\":\"b\"},"
	      "{\"mtu\":1500,\"name\":\"v\"},"
	      "{\"mtu\":1500,\"name\":\"eth0\",\"sandbox\":\"/run/netns/x\"}]}");
}

static void test_no_addresses(void **state)
{
	struct netd_attachment att = attachment;

	(void)state;
	att.n_addresses = 0;
	att.n_routes = 0;
	check(CNI_1_0_0, &att, "{}", "{}",
	      "{\"cniVersion\":\"1.0.0\",\"interfaces\":[" INTERFACES "]}");
}

/* What came before stays in front, whole, and our addresses point behind it. */
static void test_chained(void **state)
{
	struct netd_attachment att = attachment;

	(void)state;
	att.n_addresses = 1;
	att.n_routes = 1;
	check(CNI_1_0_0, &att,
	      "{\"prevResult\":{\"Interfaces\":[{\"name\":\"net1\",\"sandbox\":\"/"
	      "n\",\"pciID\":\"p\"}],"
	      "\"ips\":[{\"address\":\"10.7.0.2/24\",\"interface\":0}],"
	      "\"routes\":[{\"dst\":\"10.8.0.0/16\",\"mtu\":9}],\"dns\":{\"domain\":\"prev\"}}}",
	      "{}",
	      "{\"cniVersion\":\"1.0.0\",\"dns\":{\"domain\":\"prev\"},\"interfaces\":["
	      "{\"name\":\"net1\",\"pciID\":\"p\",\"sandbox\":\"/n\"}," INTERFACES "],\"ips\":["
	      "{\"address\":\"10.7.0.2/24\",\"interface\":0},"
	      "{\"address\":\"10.1.0.2/24\",\"gateway\":\"10.1.0.1\",\"interface\":3}],\"routes\":["
	      "{\"dst\":\"10.8.0.0/16\",\"mtu\":9},{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.1\"}]}");
}

static void test_read(void **state)
{
	struct cni_fault fault = { 0 };
	struct buf input = { 0 };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(channel_read(null, CNI_ADD_MAX, &input, &fault), 0);
	assert_int_equal(input.len, 0);
	assert_true(channel_read(zero, CNI_ADD_MAX, &input, &fault) < 0);
	assert_int_equal(fault.code, 6);
	assert_non_null(strstr(fault.msg, "larger than 4 MiB"));
	assert_int_equal(input.len, CNI_ADD_MAX);
	buf_free(&input);
	fault = (struct cni_fault){ 0 };
	assert_true(channel_read(zero, CNI_DEL_MAX, &input, &fault) < 0);
	assert_non_null(strstr(fault.msg, "larger than 8 MiB"));
	buf_free(&input);
	close(zero);
	close(null);
	fault = (struct cni_fault){ 0 };
	assert_true(channel_read(-1, CNI_ADD_MAX, &input, &fault) < 0);
	assert_int_equal(fault.code, 5);
	assert_non_null(strstr(fault.msg, "error reading from stdin"));
}

static void test_write(void **state)
{
	json_t *json = json_pack("{s:i}", "a", 1);
	char text[64] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(channel_write(fds[1], json), 0);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "{\n    \"a\": 1\n}\n");
	close(fds[0]);
	assert_int_equal(channel_write(fds[1], json), -EPIPE);
	close(fds[1]);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),    cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_default_mtu), cmocka_unit_test(test_chained),
		cmocka_unit_test(test_read),	    cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
