// SPDX-License-Identifier: GPL-2.0-or-later
/* What a runtime asks for with one container: addresses, MAC address, published ports. */
#include "cni_fixture.h"

/* ---- requested addresses ------------------------------------------------------------------ */

static void test_requested(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     "{" HEAD "," RANGE ",\"runtimeConfig\":{\"ips\":[\"10.1.0.9/24\",\"10.1.0.7\"],"
	     "\"mac\":\"02:00:00:00:00:01\"},\"args\":{\"cni\":{\"ips\":[\"10.1.0.8\"],"
	     "\"mac\":\"02:00:00:00:00:02\",\"labels\":[]}}}",
	     "IP=10.1.0.7,fd00::7;MAC=02:00:00:00:00:03");
	assert_int_equal(f.conf.n_ips, 4);
	assert_string_equal(f.conf.ips[0], "10.1.0.7");
	assert_string_equal(f.conf.ips[1], "fd00::7");
	assert_string_equal(f.conf.ips[2], "10.1.0.8");
	assert_string_equal(f.conf.ips[3], "10.1.0.9/24");
	assert_string_equal(f.conf.mac, "02:00:00:00:00:01");
	done(&f);
	good(&f, "{" HEAD ",\"args\":{\"cni\":{\"mac\":\"02:00:00:00:00:02\"}}}",
	     "MAC=02:00:00:00:00:03");
	assert_string_equal(f.conf.mac, "02:00:00:00:00:02");
	done(&f);
	good(&f, "{" HEAD ",\"args\":{\"cni\":{\"mac\":\"\"}}}", "MAC=02:00:00:00:00:03");
	assert_string_equal(f.conf.mac, "02:00:00:00:00:03");
	done(&f);
	bad("{" HEAD ",\"runtimeConfig\":{\"ips\":[\"10.1.0\"]}}", "", 7,
	    "invalid \"runtimeConfig.ips[0]\": \"10.1.0\"");
	bad("{" HEAD ",\"args\":{\"cni\":{\"ips\":[\"10.1.0.1/33\"]}}}", "", 7, "args.cni.ips[0]");
	bad("{" HEAD ",\"runtimeConfig\":{\"ips\":[\"010.1.0.1\"]}}", "", 7, "010.1.0.1");
	bad("{" HEAD ",\"runtimeConfig\":{\"mac\":\"02:00\"}}", "", 7, "runtimeConfig.mac");
	bad("{" HEAD "}", "IP=10.1.0.256", 4, "CNI_ARGS: IP: \"10.1.0.256\"");
	bad("{" HEAD "}", "MAC=02-00-00-00-00-03", 4, "CNI_ARGS: MAC");
	bad("{" HEAD ",\"ipam\":{},\"runtimeConfig\":{\"ips\":[\"10.1.0.1\"]}}", "", 7,
	    "no \"ipam\"");
}

/* The same address in several places and spellings is one, with its length if it has one. */
static void test_requested_twice(void **state)
{
	static const struct {
		const char *arg, *cni, *runtime;
		const char *ips[3];
	} cases[] = {
		{ "10.1.0.5", "10.1.0.6", "10.1.0.5/24", { "10.1.0.5/24", "10.1.0.6" } },
		{ "10.1.0.5/24", "10.1.0.5", "10.1.0.5", { "10.1.0.5/24" } },
		{ "10.1.0.5/24", "10.1.0.5/24", "10.1.0.50", { "10.1.0.5/24", "10.1.0.50" } },
		{ "fd66::5", "fd66:0::5", "FD66::5/64", { "FD66::5/64" } },
		{ "10.1.0.5/24", "10.1.0.5/16", "10.1.0.5", { "10.1.0.5/24", "10.1.0.5/16" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[512], arg[64];
		size_t n = 0;

		snprintf(text, sizeof(text),
			 "{" HEAD "," RANGE ",\"runtimeConfig\":{\"ips\":[\"%s\"]},"
			 "\"args\":{\"cni\":{\"ips\":[\"%s\"]}}}",
			 cases[i].runtime, cases[i].cni);
		snprintf(arg, sizeof(arg), "IP=%s", cases[i].arg);
		good(&f, text, arg);
		for (; cases[i].ips[n]; n++)
			assert_string_equal(f.conf.ips[n], cases[i].ips[n]);
		assert_int_equal(f.conf.n_ips, n);
		done(&f);
	}
}

static void test_mac_refused(void **state)
{
	static const char *const macs[] = { "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff",
					    "00:00:00:00:00:00" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
		char text[256], arg[32];

		snprintf(text, sizeof(text), "{" HEAD ",\"runtimeConfig\":{\"mac\":\"%s\"}}",
			 macs[i]);
		bad(text, "", 7, "invalid \"runtimeConfig.mac\"");
		snprintf(arg, sizeof(arg), "MAC=%s", macs[i]);
		bad("{" HEAD "}", arg, 4, "CNI_ARGS: MAC");
	}
}

/* ---- ports -------------------------------------------------------------------------------- */

#define PORTS(list) "{" HEAD "," RANGE ",\"runtimeConfig\":{\"portMappings\":" list "}}"

static void check_port(const struct netd_port *port, const char *ip, uint16_t host,
		       uint16_t container, uint16_t count, uint8_t protocol)
{
	assert_string_equal(port->host_ip, ip);
	assert_int_equal(port->host_port, host);
	assert_int_equal(port->host_port_end, host + count - 1);
	assert_int_equal(port->container_port, container);
	assert_int_equal(port->count, count);
	assert_int_equal(port->protocol, protocol);
}

static void test_ports(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     PORTS("[{\"hostPort\":8080,\"containerPort\":80},"
		   "{\"HostPort\":8081,\"ContainerPort\":81,\"Protocol\":\"TCP\",\"HostIP\":\"\"},"
		   "{\"hostPort\":8082,\"containerPort\":82,\"protocol\":\"udp\"},"
		   "{\"hostPort\":8083,\"containerPort\":83,\"protocol\":\"udp\",\"hostIP\":\"::"
		   "1\"},"
		   "{\"hostPort\":8084,\"containerPort\":83,\"protocol\":\"udp\",\"hostIP\":\"::"
		   "1\"},"
		   "{\"hostPort\":65535,\"containerPort\":65535,\"protocol\":\"Sctp\","
		   "\"hostIP\":\"0.0.0.0\"}]"),
	     "");
	assert_int_equal(f.conf.n_ports, 5);
	check_port(&f.conf.ports[0], "", 8080, 80, 2, NETD_TCP);
	check_port(&f.conf.ports[1], "", 8082, 82, 1, NETD_UDP);
	check_port(&f.conf.ports[2], "::1", 8083, 83, 1, NETD_UDP);
	check_port(&f.conf.ports[3], "::1", 8084, 83, 1, NETD_UDP);
	check_port(&f.conf.ports[4], "0.0.0.0", 65535, 65535, 1, NETD_SCTP);
	done(&f);
	good(&f, PORTS("[]"), "");
	assert_int_equal(f.conf.n_ports, 0);
	done(&f);
	good(&f, PORTS("null"), "");
	done(&f);
}

static void test_ports_twice(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     PORTS("[{\"hostPort\":80,\"containerPort\":80},{\"hostPort\":80,\"containerPort\":80},"
		   "{\"hostPort\":81,\"containerPort\":81},"
		   "{\"hostPort\":90,\"containerPort\":90,\"hostIP\":\"::1\"},"
		   "{\"hostPort\":81,\"containerPort\":81,\"protocol\":\"TCP\"},"
		   "{\"hostPort\":90,\"containerPort\":90,\"hostIP\":\"0:0::1\"}]"),
	     "");
	assert_int_equal(f.conf.n_ports, 2);
	check_port(&f.conf.ports[0], "", 80, 80, 2, NETD_TCP);
	check_port(&f.conf.ports[1], "::1", 90, 90, 1, NETD_TCP);
	done(&f);
	/* differing in anything they stay two, which the library refuses where they collide */
	good(&f,
	     PORTS("[{\"hostPort\":80,\"containerPort\":80},{\"hostPort\":80,\"containerPort\":81},"
		   "{\"hostPort\":80,\"containerPort\":80,\"protocol\":\"udp\"},"
		   "{\"hostPort\":80,\"containerPort\":80,\"hostIP\":\"127.0.0.1\"}]"),
	     "");
	assert_int_equal(f.conf.n_ports, 4);
	done(&f);
}

/* Every port there is, one by one, becomes one range that ends at 65535. */
static void test_ports_all(void **state)
{
	json_t *list = json_array();
	struct fixture f;
	json_t *root;
	char *text;

	(void)state;
	for (int i = 1; i <= UINT16_MAX; i++)
		json_array_append_new(list,
				      json_pack("{s:i,s:i}", "hostPort", i, "containerPort", i));
	root = json_pack("{s:s,s:s,s:{s:o}}", "cniVersion", "1.0.0", "name", "n", "runtimeConfig",
			 "portMappings", list);
	text = json_dumps(root, 0);
	good(&f, text, "");
	assert_int_equal(f.conf.n_ports, 1);
	check_port(&f.conf.ports[0], "", 1, 1, UINT16_MAX, NETD_TCP);
	done(&f);
	free(text);
	json_decref(root);
}

static void test_ports_refused(void **state)
{
	(void)state;
	bad(PORTS("[{\"containerPort\":80}]"), "", 7, "Invalid host port number: 0");
	bad(PORTS("[{\"hostPort\":80}]"), "", 7, "Invalid container port number: 0");
	bad(PORTS("[{\"hostPort\":65536,\"containerPort\":80}]"), "", 7,
	    "65536 (\"runtimeConfig.portMappings[0].hostPort\")");
	bad(PORTS("[{\"hostPort\":80,\"containerPort\":-1}]"), "", 7, "-1");
	bad(PORTS("[{\"hostPort\":\"80\",\"containerPort\":80}]"), "", 6, "must be an integer");
	bad(PORTS("[{\"hostPort\":80,\"containerPort\":80,\"protocol\":\"icmp\"}]"), "", 2,
	    "\"runtimeConfig.portMappings[0].protocol\": \"icmp\"");
	bad(PORTS("[{\"hostPort\":80,\"containerPort\":80,\"hostIP\":\"1.2.3\"}]"), "", 7,
	    "\"runtimeConfig.portMappings[0].hostIP\": \"1.2.3\"");
	bad(PORTS("[{\"hostPort\":80,\"containerPort\":80,\"hostIP\":\"[::1]\"}]"), "", 7, "[::1]");
	bad(PORTS("[null]"), "", 6, "portMappings[0]\" must be an object, not null");
	bad(PORTS("{}"), "", 6, "\"runtimeConfig.portMappings\" must be an array");
	bad("{" HEAD ",\"ipam\":{},\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80,"
	    "\"containerPort\":80}]}}",
	    "", 7, "needs a network with \"ipam\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requested),     cmocka_unit_test(test_requested_twice),
		cmocka_unit_test(test_mac_refused),   cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_twice),   cmocka_unit_test(test_ports_all),
		cmocka_unit_test(test_ports_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
