// SPDX-License-Identifier: GPL-2.0-or-later
/* The pure parts of the CLI: suggestions, columns, name servers, subnets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "resolv.h"
#include "subnet.h"
#include "text.h"
#include "util.h"

/* ---- text --------------------------------------------------------------------------------- */

static void test_suggest(void **state)
{
	static const char *const words[] = { "attach", "detach", "ls", "inspect", "network", NULL };

	(void)state;
	assert_string_equal(text_suggest("atach", words), "attach");
	assert_string_equal(text_suggest("dettach", words), "detach");
	assert_string_equal(text_suggest("sl", words), "ls");
	assert_string_equal(text_suggest("netwrok", words), "network");
	assert_string_equal(text_suggest("inspct", words), "inspect");
	assert_null(text_suggest("frobnicate", words));
	assert_null(text_suggest("xy", words));
	assert_null(text_suggest("", words));
	assert_null(text_suggest("a-word-longer-than-any-command-can-possibly-be", words));
}

static void test_table(void **state)
{
	static const char *const cells[] = { "A", "BB", "C", "long", "", "last one" };
	struct table table = { .columns = 3 };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		table_cell(&table, cells[i]);
	table_print(&table, &out);
	assert_string_equal(out.data, "A     BB  C\nlong  -   last one\n");
	buf_free(&out);
	table_free(&table);
}

static void test_parse_port(void **state)
{
	static const char *const bad[] = { "",	   "0",	  "65536", "80/",     "/tcp",	"80/icmp",
					   "80/t", "-80", "+80",   "80 /tcp", "80/tcp/" };
	uint16_t port;
	uint8_t protocol;

	(void)state;
	assert_int_equal(text_parse_port("80", &port, &protocol), 0);
	assert_int_equal(port, 80);
	assert_int_equal(protocol, NETD_TCP);
	assert_int_equal(text_parse_port("65535/UDP", &port, &protocol), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(protocol, NETD_UDP);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(text_parse_port(bad[i], &port, &protocol), -EINVAL);
	assert_int_equal(port, 65535);
}

static const struct netd_attachment_address both[] = { { "10.144.0.2/24", "10.144.0.1" },
						       { "fd6e::2/64", "fd6e::1" } };

static const struct netd_port ports[] = {
	{ "127.0.0.10", 8080, 8080, 100, 1, NETD_TCP },
	{ "127.0.0.9", 8080, 8080, 100, 1, NETD_TCP },
	{ "", 8000, 8002, 90, 3, NETD_UDP },
	{ "", 9, 9, 9, 1, NETD_TCP },
	{ "::1", 53, 53, 100, 1, NETD_TCP },
};

static struct netd_attachment attachment(size_t n_addresses)
{
	return (struct netd_attachment){ .addresses = both,
					 .n_addresses = n_addresses,
					 .ports = ports,
					 .n_ports = ARRAY_SIZE(ports) };
}

static void test_ports_text(void **state)
{
	struct netd_attachment att = attachment(2);
	struct buf out = { 0 };

	(void)state;
	text_ports(&att, &out);
	assert_string_equal(out.data, "0.0.0.0:9->9/tcp,[::]:9->9/tcp,"
				      "0.0.0.0:8000-8002->90-92/udp,[::]:8000-8002->90-92/udp,"
				      "127.0.0.9:8080->100/tcp,127.0.0.10:8080->100/tcp,"
				      "[::1]:53->100/tcp");
	buf_free(&out);
	att = attachment(1); /* no IPv6 address: published on IPv4 alone */
	att.n_ports = 4;
	text_ports(&att, &out);
	assert_string_equal(out.data, "0.0.0.0:9->9/tcp,0.0.0.0:8000-8002->90-92/udp,"
				      "127.0.0.9:8080->100/tcp,127.0.0.10:8080->100/tcp");
	buf_free(&out);
}

static void test_ports_expanded(void **state)
{
	static const struct netd_port all = { "0.0.0.0", 1, 65535, 1, 65535, NETD_TCP };
	struct netd_attachment att = attachment(1);
	struct port_line *lines;
	size_t n;

	(void)state;
	assert_int_equal(text_port_lines(&att, true, &lines, &n), 0);
	assert_int_equal(n, 1 + 3 + 3);
	assert_int_equal(lines[2].container_port, 91);
	assert_int_equal(lines[2].host_port, 8001);
	assert_int_equal(lines[2].count, 1);
	free(lines);
	att.ports = &all;
	att.n_ports = 1;
	assert_int_equal(text_port_lines(&att, true, &lines, &n), 0);
	assert_int_equal(n, 65535);
	assert_int_equal(lines[65534].host_port, 65535);
	free(lines);
}

/* ---- subnets ------------------------------------------------------------------------------ */

static void test_subnets(void **state)
{
	const struct subnet_options o = {
		.subnets = { "10.1.0.0/24", "fd00:1::/64", "10.2.0.0/24" },
		.n_subnets = 3,
		.gateways = { "fd00:1::99", "10.2.0.254" },
		.n_gateways = 2,
		.ip_ranges = { "10.1.0.64/26", "10.2.0.0/25", "fd00:1::ff00/120" },
		.n_ip_ranges = 3,
	};
	struct subnet_ranges r;

	(void)state;
	assert_int_equal(subnet_ranges(&o, &r, NULL), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.ranges[0].set, 0);
	assert_int_equal(r.ranges[1].set, 1);
	assert_int_equal(r.ranges[2].set, 0);
	assert_null(r.ranges[0].gateway);
	assert_string_equal(r.ranges[1].gateway, "fd00:1::99");
	assert_string_equal(r.ranges[2].gateway, "10.2.0.254");
	assert_string_equal(r.ranges[0].start, "10.1.0.64");
	assert_string_equal(r.ranges[0].end, "10.1.0.127");
	assert_null(r.ranges[2].start); /* that of the subnet, which is not usable */
	assert_string_equal(r.ranges[2].end, "10.2.0.127");
	assert_string_equal(r.ranges[1].start, "fd00:1::ff00");
	assert_string_equal(r.ranges[1].end, "fd00:1::ffff");
}

/* One subnet, and one gateway or address range: must be refused with that text. */
static void refuse(const char *subnet, const char *gateway, const char *ip_range, const char *text)
{
	struct subnet_options o = { .subnets = { subnet }, .n_subnets = 1 };
	struct netd_error err = NETD_ERROR_INIT;
	struct subnet_ranges r;

	if (gateway)
		o.gateways[o.n_gateways++] = gateway;
	if (ip_range)
		o.ip_ranges[o.n_ip_ranges++] = ip_range;
	assert_int_equal(subnet_ranges(&o, &r, &err), -EINVAL);
	if (!strstr(err.message, text))
		fail_msg("\"%s\" does not contain \"%s\"", err.message, text);
}

static void test_subnets_refused(void **state)
{
	(void)state;
	refuse("10.1.0.0", NULL, NULL, "--subnet 10.1.0.0");
	refuse("10.1.0.0/33", NULL, NULL, "--subnet");
	refuse("10.1.0/24", NULL, NULL, "--subnet");
	refuse("fd00::/129", NULL, NULL, "--subnet");
	refuse("10.1.0.0/+8", NULL, NULL, "--subnet");
	refuse("10.1.0.0/24", "10.1.1.1", NULL, "no --subnet contains");
	refuse("10.1.0.0/24", "fd00::1", NULL, "no --subnet contains");
	refuse("10.1.0.0/24", "10.1.0.1/24", NULL, "not an IP address");
	refuse("10.1.0.0/24", NULL, "10.1.0.0/23", "no --subnet contains");
	refuse("10.1.0.0/24", NULL, "10.1.0.65/26", "behind the prefix");
	refuse("10.1.0.0/24", NULL, "10.1.0.64", "not ADDRESS/LENGTH");
}

/* ---- what a terminal gets ------------------------------------------------------------------ */

static void clean(const char *text, const char *keep, const char *printable, const char *utf8)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", text);
	text_printable(copy, keep);
	assert_string_equal(copy, printable);
	snprintf(copy, sizeof(copy), "%s", text);
	text_utf8(copy);
	assert_string_equal(copy, utf8);
}

static void test_printable(void **state)
{
	(void)state;
	clean("", "", "", "");
	clean("a ~\n\t", "", "a ~??", "a ~\n\t");
	clean("a\n\t", "\n", "a\n?", "a\n\t");
	clean("\x1b[31mred\x7f\x01", "", "?[31mred??", "\x1b[31mred\x7f\x01");
	clean("\xc2\x9b\x31m\xc2\xa0", "", "??1m\xc2\xa0", "\xc2\x9b\x31m\xc2\xa0");
	clean("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "",
	      "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	/* a stray byte, cut short, too long a form, a surrogate, beyond the last */
	clean("\xff\x80z", "", "??z", "??z");
	clean("\xe2\x82", "", "??", "??");
	clean("\xe2\x82\x1b", "", "???", "??\x1b");
	clean("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "", "?????????", "?????????");
	clean("\xed\xa0\x80\xf4\x90\x80\x80\xf5", "", "????????", "????????");
}

/* ---- resolv.conf -------------------------------------------------------------------------- */

static void test_resolv(void **state)
{
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(
		resolv_filter(
			"# comment\nnameserver 127.0.0.53\nnameserver\t9.9.9.9 \n"
			"search a b\nnameserver ::1\nnameserver fe80::1%eth0\n"
			"nameserver 0.0.0.0\nnameserver fe80::2\nnameserver ::ffff:127.0.0.1\n"
			"nameserver 2620:fe::fe\r\nnameserverx\noptions edns0",
			&out),
		2);
	assert_string_equal(out.data, "# comment\nnameserver 9.9.9.9\nsearch a b\n"
				      "nameserver 2620:fe::fe\nnameserverx\noptions edns0\n");
	buf_free(&out);
	assert_int_equal(resolv_filter("", &out), 0);
	assert_int_equal(resolv_filter("nameserver", &out), 0);
	buf_free(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suggest),		cmocka_unit_test(test_table),
		cmocka_unit_test(test_parse_port),	cmocka_unit_test(test_ports_text),
		cmocka_unit_test(test_ports_expanded),	cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_subnets_refused), cmocka_unit_test(test_resolv),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests_name("cli_text", tests, NULL, NULL);
}
