// SPDX-License-Identifier: GPL-2.0-or-later
/* The "-p" grammar, checks and reports: netd/publish.c */
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
#include "parse.h"
#include "publish.h"
#include "util.h"

/* ---- grammar ------------------------------------------------------------------------------ */

static void test_parse(void **state)
{
	static const struct {
		const char *spec, *ip;
		unsigned int host, host_end, container, count, protocol;
	} cases[] = {
		{ "80", "", 0, 0, 80, 1, NETD_TCP },
		{ ":80", "", 0, 0, 80, 1, NETD_TCP },
		{ "::80", "", 0, 0, 80, 1, NETD_TCP },
		{ "0:80", "", 0, 0, 80, 1, NETD_TCP },
		{ "0-0:80", "", 0, 0, 80, 1, NETD_TCP },
		{ "80-80", "", 0, 0, 80, 1, NETD_TCP },
		{ "8080:80", "", 8080, 8080, 80, 1, NETD_TCP },
		{ ":8080:80", "", 8080, 8080, 80, 1, NETD_TCP },
		{ "8080-8080:80-80", "", 8080, 8080, 80, 1, NETD_TCP },
		{ "08080:0080", "", 8080, 8080, 80, 1, NETD_TCP },
		{ "1:1", "", 1, 1, 1, 1, NETD_TCP },
		{ "65535:65535", "", 65535, 65535, 65535, 1, NETD_TCP },
		{ "127.0.0.1:8080:80", "127.0.0.1", 8080, 8080, 80, 1, NETD_TCP },
		{ "127.0.0.1::80", "127.0.0.1", 0, 0, 80, 1, NETD_TCP },
		{ "127.0.0.1:0:80", "127.0.0.1", 0, 0, 80, 1, NETD_TCP },
		{ "[127.0.0.1]:8080:80", "127.0.0.1", 8080, 8080, 80, 1, NETD_TCP },
		{ "0.0.0.0:8080:80", "0.0.0.0", 8080, 8080, 80, 1, NETD_TCP },
		{ "0.0.0.0::80", "0.0.0.0", 0, 0, 80, 1, NETD_TCP },
		{ "[::1]:8080:80", "::1", 8080, 8080, 80, 1, NETD_TCP },
		{ "[::]:8080:80", "::", 8080, 8080, 80, 1, NETD_TCP },
		{ "[::]::80", "::", 0, 0, 80, 1, NETD_TCP },
		{ "::1:6000:6000", "::1", 6000, 6000, 6000, 1, NETD_TCP },
		{ "::1::6000", "::1", 0, 0, 6000, 1, NETD_TCP },
		{ "::::6000", "::", 0, 0, 6000, 1, NETD_TCP },
		{ ":::8080:80", "::", 8080, 8080, 80, 1, NETD_TCP },
		{ "2001:DB8:0::7:8080:80", "2001:db8::7", 8080, 8080, 80, 1, NETD_TCP },
		{ "[2001:0db8:0:0:0:0:0:7]:8080:80/udp", "2001:db8::7", 8080, 8080, 80, 1,
		  NETD_UDP },
		{ "8000-8010:80-90", "", 8000, 8010, 80, 11, NETD_TCP },
		{ "3000-3005", "", 0, 0, 3000, 6, NETD_TCP },
		{ ":3000-3005", "", 0, 0, 3000, 6, NETD_TCP },
		{ "0:3000-3005", "", 0, 0, 3000, 6, NETD_TCP },
		{ "127.0.0.1::3000-3005/sctp", "127.0.0.1", 0, 0, 3000, 6, NETD_SCTP },
		{ "8000-9000:80", "", 8000, 9000, 80, 1, NETD_TCP },
		{ "8000-9000:80-80", "", 8000, 9000, 80, 1, NETD_TCP },
		{ "[::1]:8000-9000:80/udp", "::1", 8000, 9000, 80, 1, NETD_UDP },
		{ "1-65535:1-65535", "", 1, 65535, 1, 65535, NETD_TCP },
		{ "1-65535", "", 0, 0, 1, 65535, NETD_TCP },
		{ "80/tcp", "", 0, 0, 80, 1, NETD_TCP },
		{ "53:53/UDP", "", 53, 53, 53, 1, NETD_UDP },
		{ "53:53/Sctp", "", 53, 53, 53, 1, NETD_SCTP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct netd_port port;

		memset(&port, 0x55, sizeof(port));
		if (netd_port_parse(cases[i].spec, &port, &err) < 0)
			fail_msg("%s: %s", cases[i].spec, err.message);
		if (strcmp(port.host_ip, cases[i].ip) != 0 || port.host_port != cases[i].host ||
		    port.host_port_end != cases[i].host_end ||
		    port.container_port != cases[i].container || port.count != cases[i].count ||
		    port.protocol != cases[i].protocol)
			fail_msg("%s: [%s]:%u-%u:%u*%u/%u", cases[i].spec, port.host_ip,
				 port.host_port, port.host_port_end, port.container_port,
				 port.count, port.protocol);
		assert_int_equal(err.code, NETD_OK);
		assert_int_equal(publish_check(&port, &err), 0);
	}
}

static void test_parse_refused(void **state)
{
	static const struct {
		const char *spec, *part;
	} cases[] = {
		{ "", "no port specified: <empty>" },
		{ NULL, "no port specified: <empty>" },
		{ "80:", "no port specified: 80:<empty>" },
		{ ":", "no port specified: :<empty>" },
		{ "::", "no port specified: ::<empty>" },
		{ "127.0.0.1:80:", "no port specified: 127.0.0.1:80:<empty>" },
		{ "/tcp", "no port specified: /tcp<empty>" },
		{ "80/foo", "invalid proto: foo" },
		{ "80/", "invalid proto: " },
		{ "80/tc", "invalid proto: tc" },
		{ "80/tcpp", "invalid proto: tcpp" },
		{ "80/tcp/udp", "invalid proto: tcp/udp" },
		{ "80/ tcp", "invalid proto:  tcp" },
		{ "80/icmp", "invalid proto: icmp" },
		{ "80/tcp:80", "invalid hostPort: 80/tcp" },
		{ "1.2.3:80:80", "invalid IP address: 1.2.3" },
		{ "1.2.3.4.5:80:80", "invalid IP address: 1.2.3.4.5" },
		{ "01.2.3.4:80:80", "invalid IP address: 01.2.3.4" },
		{ " :80:80", "invalid IP address:  " },
		{ "localhost:80:80", "invalid IP address: localhost" },
		{ "1:2:3:4", "invalid IP address: 1:2" },
		{ ":::80", "invalid IP address: :" },
		{ "[]:80:80", "invalid IP address: []" },
		{ "[:80:80", "invalid IP address: [" },
		{ "[::1:80:80", "invalid IP address: [::1" },
		{ "::1]:80:80", "invalid IP address: ::1]" },
		{ "[::1]:80", "invalid IP address: [:" },
		{ "[::1]80:80", "invalid IP address: [:" },
		{ "[[::1]]:80:80", "invalid IP address: [::1]" },
		{ "[fe80::1%eth0]:80:80", "invalid IP address: fe80::1%eth0" },
		{ "[::ffff:127.0.0.1]:80:80", "invalid IP address: ::ffff:127.0.0.1" },
		{ "::ffff:7f00:1:80:80", "invalid IP address: ::ffff:7f00:1" },
		{ "224.0.0.1:80:80", "invalid IP address: 224.0.0.1" },
		{ "255.255.255.255:80:80", "invalid IP address: 255.255.255.255" },
		{ "[ff02::1]:80:80", "invalid IP address: ff02::1" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:80:80",
		  "invalid IP address: 1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222" },
		{ "x", "invalid containerPort: x" },
		{ "80:x", "invalid containerPort: x" },
		{ "+80", "invalid containerPort: +80" },
		{ "-80", "invalid containerPort: -80" },
		{ "80-", "invalid containerPort: 80-" },
		{ "-", "invalid containerPort: -" },
		{ "80-81-82", "invalid containerPort: 80-81-82" },
		{ " 80", "invalid containerPort:  80" },
		{ "80 ", "invalid containerPort: 80 " },
		{ "80 /tcp", "invalid containerPort: 80 " },
		{ "0x50", "invalid containerPort: 0x50" },
		{ "8e1", "invalid containerPort: 8e1" },
		{ "0", "invalid containerPort: 0" },
		{ "0-5", "invalid containerPort: 0-5" },
		{ "8080:0", "invalid containerPort: 0" },
		{ "65536", "invalid containerPort: 65536: value out of range (0-65535)" },
		{ "80-65536", "invalid containerPort: 80-65536: value out of range (0-65535)" },
		{ "99999999999999999999999", "value out of range (0-65535)" },
		{ "18446744073709551696", "value out of range (0-65535)" }, /* 2^64 + 80 */
		{ "4294967376", "value out of range (0-65535)" },	    /* 2^32 + 80 */
		{ "90-80", "invalid containerPort: 90-80" },
		{ "90-80", "invalid port range: 90-80" },
		{ "x:80", "invalid hostPort: x" },
		{ "-1:80", "invalid hostPort: -1" },
		{ "8080 :80", "invalid hostPort: 8080 " },
		{ "65536:80", "invalid hostPort: 65536: value out of range (0-65535)" },
		{ "90-80:80", "invalid hostPort: 90-80" },
		{ "90-80:80", "invalid port range: 90-80" },
		{ "0-5:80", "invalid hostPort: 0-5" },
		{ "0-5:80-85", "invalid hostPort: 0-5" },
		{ "90-93:80-81",
		  "invalid ranges specified for container and host Ports: 80-81 and 90-93" },
		{ "8080:80-81",
		  "invalid ranges specified for container and host Ports: 80-81 and 8080" },
		{ "8080-8081:80-89/udp",
		  "invalid ranges specified for container and host Ports: 80-89 and 8080-8081" },
		{ "80\n", "not printable ASCII" },
		{ "1.2.3.4\x1b[2J:80:80", "not printable ASCII" },
		{ "\xd9\xa1", "not printable ASCII" },
		{ "80\x7f", "not printable ASCII" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct netd_port port = { .host_port = 77 };

		if (netd_port_parse(cases[i].spec, &port, &err) != -EINVAL)
			fail_msg("accepted: %s", cases[i].spec);
		assert_int_equal(err.code, NETD_E_INVALID);
		if (!strstr(err.message, cases[i].part))
			fail_msg("expected \"%s\" in: %s", cases[i].part, err.message);
		assert_int_equal(port.host_port, 77);
		for (const char *p = err.message; *p; p++)
			assert_in_range(*p, ' ', '~');
	}
}

static void test_parse_length(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_port port;
	char spec[300];

	(void)state;
	memset(spec, '0', sizeof(spec));
	memcpy(spec + 254, "80", 3);
	assert_int_equal(netd_port_parse(spec, &port, &err), 0); /* 256 bytes */
	assert_int_equal(port.container_port, 80);
	memcpy(spec + 254, "080", 4);
	assert_int_equal(netd_port_parse(spec, &port, &err), -EINVAL);
	assert_non_null(strstr(err.message, "longer than 256 bytes"));
	/* the longest text in an error twice does not cut off what to do */
	err = (struct netd_error)NETD_ERROR_INIT;
	memset(spec, '9', 127);
	memcpy(spec + 127, "-80", 4);
	netd_port_parse(spec, &port, &err);
	assert_non_null(strstr(err.message, "value out of range (0-65535)"));
	assert_int_equal(netd_port_parse("x", &port, NULL), -EINVAL);
}

static void test_check(void **state)
{
	static const struct {
		struct netd_port port;
		const char *part; /* NULL: valid */
	} cases[] = {
		{ { "", 8080, 8080, 80, 1, NETD_TCP }, NULL },
		{ { "", 8080, 0, 80, 1, NETD_TCP }, NULL },
		{ { "", 8080, 0, 80, 10, NETD_TCP }, NULL },
		{ { "", 0, 0, 80, 10, NETD_TCP }, NULL },
		{ { "FE80::1", 8080, 9090, 80, 1, NETD_SCTP }, NULL },
		{ { "", 1, 65535, 1, 65535, NETD_UDP }, NULL },
		{ { "", 8080, 8080, 80, 1, 1 }, "invalid proto: 1" },
		{ { "", 8080, 8080, 80, 1, 0 }, "invalid proto: 0" },
		{ { "", 8080, 8080, 0, 1, NETD_TCP }, "invalid containerPort: 0" },
		{ { "", 8080, 0, 80, 0, NETD_TCP }, "count of 0" },
		{ { "", 0, 0, 65535, 2, NETD_TCP }, "value out of range (0-65535)" },
		{ { "", 65535, 0, 80, 2, NETD_TCP }, "value out of range (0-65535)" },
		{ { "", 0, 8080, 80, 1, NETD_TCP }, "invalid hostPort: 0-8080" },
		{ { "", 90, 80, 80, 1, NETD_TCP }, "invalid port range: 90-80" },
		{ { "", 90, 93, 80, 2, NETD_TCP },
		  "invalid ranges specified for container and host Ports: 80-81 and 90-93" },
		{ { "1.2.3", 90, 0, 80, 1, NETD_TCP }, "invalid IP address: 1.2.3" },
		{ { "[::1]", 90, 0, 80, 1, NETD_TCP }, "invalid IP address: [::1]" },
		{ { "::ffff:1.2.3.4", 90, 0, 80, 1, NETD_TCP },
		  "invalid IP address: ::ffff:1.2.3.4" },
		{ { "239.1.1.1", 90, 0, 80, 1, NETD_TCP }, "invalid IP address: 239.1.1.1" },
		{ { "1.2.3.4\n", 90, 0, 80, 1, NETD_TCP }, "not printable ASCII" },
	};
	struct netd_port endless = { "", 8080, 8080, 80, 1, NETD_TCP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		int rc = publish_check(&cases[i].port, &err);

		assert_int_equal(rc, cases[i].part ? -EINVAL : 0);
		if (cases[i].part && !strstr(err.message, cases[i].part))
			fail_msg("expected \"%s\" in: %s", cases[i].part, err.message);
	}
	memset(endless.host_ip, '1', sizeof(endless.host_ip)); /* no NUL */
	assert_int_equal(publish_check(&endless, NULL), -EINVAL);
}

static void test_protocol_names(void **state)
{
	(void)state;
	assert_string_equal(protocol_name(NETD_TCP), "tcp");
	assert_string_equal(protocol_name(NETD_UDP), "udp");
	assert_string_equal(protocol_name(NETD_SCTP), "sctp");
	assert_string_equal(protocol_name(0), "?");
}

/* ---- reports ------------------------------------------------------------------------------ */

static void test_report(void **state)
{
	static const struct mapping mappings[] = {
		{ { AF_INET, { 0 } }, NETD_UDP, 8000, 80, 11 },
		{ { AF_INET6, { 0 } }, NETD_UDP, 8000, 80, 11 },
		{ { AF_INET, { 127, 0, 0, 1 } }, NETD_TCP, 40000, 443, 1 },
		{ { AF_INET6, { [15] = 1 } }, NETD_SCTP, 65535, 65535, 1 },
	};
	static const struct netd_port expected[] = {
		{ "0.0.0.0", 8000, 8010, 80, 11, NETD_UDP },
		{ "::", 8000, 8010, 80, 11, NETD_UDP },
		{ "127.0.0.1", 40000, 40000, 443, 1, NETD_TCP },
		{ "::1", 65535, 65535, 65535, 1, NETD_SCTP },
	};
	_cleanup_free_ struct netd_port *ports = NULL, *none = NULL;
	size_t n;

	(void)state;
	assert_int_equal(publish_report(mappings, ARRAY_SIZE(mappings), &ports, &n, NULL), 0);
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(ports[i].host_ip, expected[i].host_ip);
		assert_int_equal(ports[i].host_port, expected[i].host_port);
		assert_int_equal(ports[i].host_port_end, expected[i].host_port_end);
		assert_int_equal(ports[i].container_port, expected[i].container_port);
		assert_int_equal(ports[i].count, expected[i].count);
		assert_int_equal(ports[i].protocol, expected[i].protocol);
		assert_int_equal(publish_check(&ports[i], NULL), 0);
	}
	assert_int_equal(publish_report(NULL, 0, &none, &n, NULL), 0);
	assert_null(none);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	       cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_parse_length),   cmocka_unit_test(test_check),
		cmocka_unit_test(test_protocol_names), cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
