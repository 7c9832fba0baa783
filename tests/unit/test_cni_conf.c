// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration on stdin: what is accepted, how it is translated, how it is refused. */
#include "cni_fixture.h"
#include "dns.h"
#include "util.h"

/* ---- JSON --------------------------------------------------------------------------------- */

static void test_json_refused(void **state)
{
	(void)state;
	bad("", "", 6, "unexpected end of JSON input");
	bad("{", "", 6, "error unmarshall network config");
	bad("[]", "", 6, "must be an object");
	bad("null", "", 6, "error unmarshall");
	bad("{" HEAD "} x", "", 6, "error unmarshall");
	bad("{" HEAD "}{}", "", 6, "error unmarshall");
	bad("{" HEAD ",\"x\":\"\xff\"}", "", 6, "error unmarshall");
	bad("{" HEAD ",\"x\":\"\\u0000\"}", "", 6, "error unmarshall");
	bad("{" HEAD ",\"x\":NaN}", "", 6, "error unmarshall");
	bad("{\"cniVersion\":\"1.0.0\",\"name\":7}", "", 6,
	    "\"name\" must be a string, not an integer");
	bad("{" HEAD ",\"mtu\":\"1500\"}", "", 6, "\"mtu\" must be an integer, not a string");
	bad("{" HEAD ",\"mtu\":1500.0}", "", 6, "\"mtu\" must be an integer");
	bad("{" HEAD ",\"mtu\":1e3}", "", 6, "\"mtu\" must be an integer");
	bad("{" HEAD ",\"ipMasq\":\"true\"}", "", 6, "\"ipMasq\" must be a boolean, not a string");
	bad("{" HEAD ",\"ipam\":[]}", "", 6, "\"ipam\" must be an object, not an array");
	bad("{" HEAD ",\"ipam\":{\"type\":\"netd\",\"ranges\":[{}]}}", "", 6,
	    "\"ipam.ranges[0]\" must be an array, not an object");
	bad("{" HEAD ",\"ipam\":{\"ranges\":[[{\"subnet\":1}]]}}", "", 6,
	    "\"ipam.ranges[0][0].subnet\" must be a string");
	bad("{" HEAD ",\"dns\":{\"search\":[\"a\",1]}}", "", 6,
	    "\"dns.search[1]\" must be a string, not an integer");
}

static void test_json_depth(void **state)
{
	enum { DEPTH = 10000 };
	char *text = calloc(1, 2 * DEPTH + 200);
	size_t len;

	(void)state;
	len = (size_t)sprintf(text, "{" HEAD ",\"x\":");
	memset(text + len, '[', DEPTH);
	memset(text + len + DEPTH, ']', DEPTH);
	text[len + 2 * DEPTH] = '}';
	bad(text, "", 6, "depth");
	free(text);
}

/* Case, repetition, null and unknown keys, much as Go's decoder has them. */
static void test_json_lenient(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     "{\"CNIVERSION\":\"0.4.0\",\"Name\":\"n\",\"BRIDGE\":\"br1\",\"bridge\":\"br2\","
	     "\"MTU\":1400,\"mtu\":null,\"unknown\":{\"mtu\":\"x\"},\"ipam\":null}",
	     "");
	assert_string_equal(f.conf.name, "n");
	assert_int_equal(f.conf.version, CNI_0_4_0);
	assert_string_equal(f.conf.network.bridge, "br2");
	assert_int_equal(f.conf.network.mtu, 0);
	done(&f);
	good(&f, "{" HEAD ",\"mtu\":1400,\"mtu\":1300}", "");
	assert_int_equal(f.conf.network.mtu, 1300);
	done(&f);
	/* unlike Go's: the spelling that first appears last counts */
	good(&f, "{" HEAD ",\"mtu\":1500,\"MTU\":1400,\"mtu\":1300}", "");
	assert_int_equal(f.conf.network.mtu, 1400);
	done(&f);
}

static void test_name_version(void **state)
{
	struct cni_fault fault = { 0 };
	struct cni_conf conf = { 0 };
	char text[512];

	(void)state;
	bad("{\"cniVersion\":\"1.0.0\"}", "", 7, "missing network name");
	bad("{\"name\":\"\"}", "", 7, "missing network name");
	bad("{\"name\":\"a/b\"}", "", 7, "invalid characters found in network name");
	bad("{\"name\":\"a\\n\"}", "", 7, "invalid characters found in network name");
	bad("{\"name\":\"n\"}", "", 1, "incompatible CNI versions");
	bad("{\"name\":\"n\",\"cniVersion\":\"0.2.0\"}", "", 1, "incompatible CNI versions");
	bad("{\"name\":\"n\",\"cniVersion\":1}", "", 6, "\"cniVersion\" must be a string");
	snprintf(text, sizeof(text), "{\"cniVersion\":\"1.0.0\",\"name\":\"%0*d\"}",
		 NETD_NAME_MAX + 1, 0);
	bad(text, "", 7, "network name is too long");

	/* an error about the name is told in the version of the configuration */
	str_copy(text, sizeof(text), "{\"cniVersion\":\"0.4.0\",\"name\":\"a b\"}");
	assert_true(conf_open(text, strlen(text), &conf, &fault) < 0);
	assert_int_equal(conf.version, CNI_0_4_0);
	conf_close(&conf);
}

/* DEL: only the name, and a version that is given and not ours. */
static void test_lenient(void **state)
{
	static const struct {
		const char *text;
		bool accepted;
	} cases[] = {
		{ "{\"name\":\"n\"}", true },
		{ "{\"name\":\"n\",\"cniVersion\":\"\"}", true },
		{ "{\"name\":\"n\",\"cniVersion\":3}", true },
		{ "{\"name\":\"n\",\"cniVersion\":\"0.4.0\",\"mtu\":\"x\",\"ipam\":7}", true },
		{ "{\"name\":\"n\",\"cniVersion\":\"9.9.9\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cni_fault fault = { 0 };
		struct cni_conf conf = { 0 };

		assert_int_equal(conf_open(cases[i].text, strlen(cases[i].text), &conf, &fault), 0);
		assert_int_equal(conf_version(&conf, true, &fault) == 0, cases[i].accepted);
		conf_close(&conf);
	}
}

/* ---- bridge ------------------------------------------------------------------------------- */

static void test_flags(void **state)
{
	static const struct {
		const char *keys;
		const char *bridge;
		unsigned int flags;
	} cases[] = {
		/* netd's managed network */
		{ "\"type\":\"netd\"", NULL, 0 },
		{ "\"isGateway\":false", NULL,
		  NETD_NETWORK_NO_GATEWAY | NETD_NETWORK_NO_DEFAULT_ROUTE },
		{ "\"isDefaultGateway\":false", NULL, NETD_NETWORK_NO_DEFAULT_ROUTE },
		{ "\"ipMasq\":false,\"bridge\":\"br7\"", "br7", NETD_NETWORK_ROUTED },
		/* the reference's defaults */
		{ RANGE, "cni0",
		  NETD_NETWORK_NO_GATEWAY | NETD_NETWORK_NO_DEFAULT_ROUTE | NETD_NETWORK_ROUTED },
		{ RANGE ",\"isGateway\":true,\"ipMasq\":true", "cni0",
		  NETD_NETWORK_NO_DEFAULT_ROUTE },
		{ RANGE ",\"isGateway\":false,\"isDefaultGateway\":true,\"ipMasq\":true", "cni0",
		  0 },
		{ RANGE
		  ",\"isDefaultGateway\":true,\"ipMasq\":true,\"hairpinMode\":true,\"bridge\":\"\"",
		  "cni0", NETD_NETWORK_HAIRPIN },
		{ RANGE ",\"isDefaultGateway\":true,\"ipMasq\":true,\"promiscMode\":true", "cni0",
		  NETD_NETWORK_PROMISC },
		/* layer 2 only */
		{ "\"ipam\":{},\"isDefaultGateway\":true,\"ipMasq\":true", "cni0",
		  NETD_NETWORK_NO_ADDRESS },
		{ "\"ipam\":{\"type\":\"\",\"subnet\":\"10.1.0.0/24\"},\"isDefaultGateway\":true,"
		  "\"ipMasq\":true",
		  "cni0", NETD_NETWORK_NO_ADDRESS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[512];

		snprintf(text, sizeof(text), "{" HEAD ",%s}", cases[i].keys);
		good(&f, text, "");
		assert_int_equal(f.conf.network.flags, cases[i].flags);
		assert_int_equal(f.conf.network.size, sizeof(struct netd_network));
		if (cases[i].bridge)
			assert_string_equal(f.conf.network.bridge, cases[i].bridge);
		else
			assert_null(f.conf.network.bridge);
		done(&f);
	}
}

static void test_bridge_refused(void **state)
{
	struct fixture f;

	(void)state;
	bad("{" HEAD ",\"hairpinMode\":true,\"promiscMode\":true}", "", 7,
	    "cannot set hairpin mode and promiscuous mode at the same time");
	bad("{" HEAD ",\"bridge\":\"a/b\"}", "", 7, "invalid \"bridge\": \"a/b\"");
	bad("{" HEAD ",\"bridge\":\"0123456789abcdef\"}", "", 7, "invalid \"bridge\"");
	bad("{" HEAD ",\"mtu\":-1}", "", 7, "invalid \"mtu\": -1");
	bad("{" HEAD ",\"mtu\":4294967296}", "", 7, "invalid \"mtu\": 4294967296");
	/* the library's to judge */
	good(&f, "{" HEAD ",\"mtu\":65536}", "");
	assert_int_equal(f.conf.network.mtu, 65536);
	done(&f);
	bad("{" HEAD ",\"vlan\":100}", "", 2, "\"vlan\": 100");
	bad("{" HEAD ",\"vlanTrunk\":[{\"id\":5}]}", "", 2, "\"vlanTrunk\": [{\"id\":5}]");
	bad("{" HEAD ",\"macspoofchk\":true}", "", 2, "\"macspoofchk\": true");
	bad("{" HEAD ",\"runtimeConfig\":{\"bandwidth\":{\"ingressRate\":1}}}", "", 2,
	    "\"runtimeConfig.bandwidth\"");
	good(&f, "{" HEAD ",\"vlan\":0,\"vlanTrunk\":[],\"macspoofchk\":false}", "");
	done(&f);
}

/* ---- ipam --------------------------------------------------------------------------------- */

static void check_range(const struct netd_range *range, const char *subnet, const char *start,
			const char *end, const char *gateway, unsigned int set)
{
	assert_string_equal(range->subnet, subnet);
	assert_string_equal(range->start ? range->start : "", start);
	assert_string_equal(range->end ? range->end : "", end);
	assert_string_equal(range->gateway ? range->gateway : "", gateway);
	assert_int_equal(range->set, set);
}

static void test_ranges(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     "{" HEAD
	     ",\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.2.0.0/24\","
	     "\"rangeStart\":\"10.2.0.9\",\"rangeEnd\":\"10.2.0.20\",\"gateway\":\"10.2.0.254\","
	     "\"ranges\":[[{\"subnet\":\"10.3.0.0/24\"},{\"Subnet\":\"10.4.0.0/"
	     "24\",\"rangeStart\":\"\"}],"
	     "[{\"subnet\":\"fd00::/64\"}]],\"routes\":[{\"dst\":\"0.0.0.0/0\"},"
	     "{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.2.0.7\",\"mtu\":0}]},"
	     "\"runtimeConfig\":{\"ipRanges\":[[{\"subnet\":\"10.1.0.0/24\"}]]}}",
	     "");
	assert_int_equal(f.conf.network.n_ranges, 5);
	check_range(&f.conf.network.ranges[0], "10.1.0.0/24", "", "", "", 0);
	check_range(&f.conf.network.ranges[1], "10.2.0.0/24", "10.2.0.9", "10.2.0.20", "10.2.0.254",
		    1);
	check_range(&f.conf.network.ranges[2], "10.3.0.0/24", "", "", "", 2);
	check_range(&f.conf.network.ranges[3], "10.4.0.0/24", "", "", "", 2);
	check_range(&f.conf.network.ranges[4], "fd00::/64", "", "", "", 3);
	assert_int_equal(f.conf.network.n_routes, 2);
	assert_string_equal(f.conf.network.routes[0].dst, "0.0.0.0/0");
	assert_null(f.conf.network.routes[0].gw);
	assert_string_equal(f.conf.network.routes[1].gw, "10.2.0.7");
	done(&f);

	good(&f, "{" HEAD ",\"ipam\":{\"type\":\"netd\"}}", "");
	assert_int_equal(f.conf.network.n_ranges, 0);
	assert_false(f.conf.network.flags & NETD_NETWORK_NO_ADDRESS);
	done(&f);
}

/* host-local knows a gateway even where the bridge is none. */
static void test_ranges_gateway(void **state)
{
	static const struct {
		const char *subnet;
		const char *gateway;
	} cases[] = {
		{ "10.1.0.0/24", "10.1.0.1" },
		{ "10.1.0.128/30", "10.1.0.129" },
		{ "10.1.0.0/31", "" },
		{ "fd00:1::/64", "fd00:1::1" },
		{ "10.1.0.0", "" },
		{ "10.1/16", "" },
		{ "10.1.0.0/x", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		char text[256];

		snprintf(text, sizeof(text),
			 "{" HEAD ",\"ipam\":{\"ranges\":[[{\"subnet\":\"%s\"}]]}}",
			 cases[i].subnet);
		good(&f, text, "");
		check_range(&f.conf.network.ranges[0], cases[i].subnet, "", "", cases[i].gateway,
			    0);
		done(&f);
	}
}

static void test_ipam_refused(void **state)
{
	static const char *const names[] = { "../../bin/reboot", "..", "/bin/sh", "a b", " " };
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), "{" HEAD ",\"ipam\":{\"type\":\"%s\"}}", names[i]);
		bad(text, "", 7, "invalid plugin name: ");
	}
	bad("{" HEAD ",\"ipam\":{\"type\":\"dhcp\"}}", "", 7, "\"ipam.type\": \"dhcp\"");
	bad("{" HEAD ",\"ipam\":{\"type\":\"host-local\"}}", "", 7, "no IP ranges specified");
	bad("{" HEAD ",\"ipam\":{\"ranges\":[[]]}}", "", 7, "empty range set");
	bad("{" HEAD ",\"ipam\":{\"ranges\":[[{}]]}}", "", 7,
	    "missing \"ipam.ranges[0][0].subnet\"");
	bad("{" HEAD ",\"ipam\":{\"routes\":[{}]}}", "", 7, "missing \"ipam.routes[0].dst\"");
}

/* Keys of routes that would make another route of it. */
static void test_routes_refused(void **state)
{
	static const char *const keys[] = { "table", "scope", "priority", "mtu", "advmss" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct fixture f;
		char text[256], msg[64];

		snprintf(text, sizeof(text),
			 "{" HEAD ",\"ipam\":{\"routes\":[{\"dst\":\"10.5.0.0/16\"},"
			 "{\"dst\":\"10.6.0.0/16\",\"%s\":7}]}}",
			 keys[i]);
		snprintf(msg, sizeof(msg), "unsupported field: \"ipam.routes[1].%s\": 7", keys[i]);
		bad(text, "", 2, msg);
		*strrchr(text, '7') = '0';
		good(&f, text, "");
		done(&f);
	}
}

/* A route of a family that no range is of would never be made. */
static void test_routes_family(void **state)
{
	static const struct {
		const char *ranges;
		bool v4, v6;
	} cases[] = {
		{ "", true, false },
		{ "\"subnet\":\"10.1.0.0/24\",", true, false },
		{ "\"ranges\":[[{\"subnet\":\"fd00::/64\"}]],", false, true },
		{ "\"subnet\":\"10.1.0.0/24\",\"ranges\":[[{\"subnet\":\"fd00::/64\"}]],", true,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		bool v6 = i % 2;
		const char *dst = v6 ? "fd01::/48" : "10.5.0.0/16";
		struct fixture f;
		char text[256], msg[64];

		snprintf(text, sizeof(text),
			 "{" HEAD ",\"ipam\":{%s\"routes\":[{\"dst\":\"%s\"}]}}",
			 cases[i / 2].ranges, dst);
		snprintf(msg, sizeof(msg), "\"ipam.routes[0].dst\": %s is an IPv%d route", dst,
			 v6 ? 6 : 4);
		if (v6 ? cases[i / 2].v6 : cases[i / 2].v4) {
			good(&f, text, "");
			done(&f);
		} else {
			bad(text, "", 7, msg);
		}
	}
}

static void test_routes_family_runtime(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     "{" HEAD ",\"ipam\":{\"type\":\"host-local\",\"routes\":[{\"dst\":\"::/0\"}]},"
	     "\"runtimeConfig\":{\"ipRanges\":[[{\"subnet\":\"fd00::/64\"}]]}}",
	     "");
	assert_int_equal(f.conf.network.n_routes, 1);
	done(&f);
}

/* ---- dns and prevResult ------------------------------------------------------------------- */

static void check_json(const json_t *json, const char *expected)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, expected);
	free(text);
}

static void test_dns(void **state)
{
	char resolv[] =
		"# nameserver 1.2.3.4\n;search x\n#domain y\nnameserver 10.0.0.1 x\n "
		"nameserver\tfd00::1\r\n"
		"domain a.example b\nsearch c.example d.example\noptions ndots:5\nnameserver\n"
		"options rotate";
	struct fixture f;
	json_t *json;

	(void)state;
	json = dns_resolv_conf(resolv);
	check_json(
		json,
		"{\"domain\":\"a.example\",\"nameservers\":[\"10.0.0.1\",\"fd00::1\"],"
		"\"options\":[\"ndots:5\",\"rotate\"],\"search\":[\"c.example\",\"d.example\"]}");
	json_decref(json);
	good(&f,
	     "{" HEAD ",\"dns\":{\"Nameservers\":[\"10.0.0.1\"],\"search\":[],\"domain\":null},"
	     "\"ipam\":{\"type\":\"netd\",\"resolvConf\":\"/nonexistent\"}}",
	     "");
	check_json(f.conf.dns, "{\"nameservers\":[\"10.0.0.1\"]}");
	done(&f);
	bad("{" HEAD ",\"ipam\":{\"type\":\"netd\",\"resolvConf\":\"/nonexistent\"}}", "", 5,
	    "ipam.resolvConf");
	bad("{" HEAD ",\"ipam\":{\"type\":\"netd\",\"resolvConf\":\"/dev/zero\"}}", "", 7,
	    "ipam.resolvConf");
}

static void test_prev(void **state)
{
	struct fixture f;

	(void)state;
	good(&f,
	     "{" HEAD
	     ",\"prevResult\":{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"lo\"}],"
	     "\"ips\":[{\"interface\":0,\"address\":\"127.0.0.1/8\"},{\"address\":\"fd00::1/64\","
	     "\"gateway\":\"fd00::ff\"}],\"routes\":[{\"dst\":\"::/0\"}],\"dns\":{}}}",
	     "");
	assert_non_null(f.conf.prev.object);
	done(&f);
	bad("{" HEAD ",\"prevResult\":[]}", "", 6, "\"prevResult\" must be an object");
	bad("{" HEAD ",\"prevResult\":{\"interfaces\":{}}}", "", 6, "\"prevResult.interfaces\"");
	bad("{" HEAD ",\"prevResult\":{\"interfaces\":[{}]}}", "", 7,
	    "prevResult.interfaces[0].name");
	bad("{" HEAD ",\"prevResult\":{\"ips\":[{\"address\":\"10.1.2.3\"}]}}", "", 7,
	    "\"prevResult.ips[0].address\": \"10.1.2.3\"");
	bad("{" HEAD ",\"prevResult\":{\"ips\":[{\"address\":\"10.1.2.3/24\",\"interface\":0}]}}",
	    "", 7, "\"prevResult.ips[0].interface\": 0");
	bad("{" HEAD ",\"prevResult\":{\"routes\":[{\"dst\":\"10.0.0.0/33\"}]}}", "", 7,
	    "prevResult.routes[0].dst");
	bad("{" HEAD ",\"prevResult\":{\"routes\":[{\"dst\":\"10.0.0.0/8\",\"gw\":\"x\"}]}}", "", 7,
	    "prevResult.routes[0].gw");
	bad("{" HEAD
	    ",\"prevResult\":{\"routes\":[{\"dst\":\"10.0.0.0/8\",\"gw\":\"10.0.0.1/8\"}]}}",
	    "", 7, "prevResult.routes[0].gw");
	bad("{" HEAD ",\"prevResult\":{\"dns\":{\"search\":\"x\"}}}", "", 6,
	    "prevResult.dns.search");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_json_depth),
		cmocka_unit_test(test_json_lenient),
		cmocka_unit_test(test_name_version),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_bridge_refused),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_gateway),
		cmocka_unit_test(test_ipam_refused),
		cmocka_unit_test(test_routes_refused),
		cmocka_unit_test(test_routes_family),
		cmocka_unit_test(test_routes_family_runtime),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_prev),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
