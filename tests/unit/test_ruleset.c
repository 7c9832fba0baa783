// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ruleset.h"
#include "util.h"

/* A change of this text needs a new RULESET_VERSION, so that tables of older versions are rebuilt. */
static const char golden[] =
	"table inet netd {\n"
	"\tcomment \"netd 1\"\n"
	"\tmap publish_addr4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . "
	"inet_service; }\n"
	"\tmap publish_addr6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . "
	"inet_service; }\n"
	"\tmap publish_any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"\tmap publish_any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	"\tset bridges { type ifname; }\n"
	"\tset same_bridge { type ifname . ifname; }\n"
	"\tset intra_bridge { type ifname . ifname; }\n"
	"\tset self4 { type ipv4_addr . ipv4_addr; }\n"
	"\tset self6 { type ipv6_addr . ipv6_addr; }\n"
	"\tset masq4 { type ipv4_addr; flags interval; }\n"
	"\tset masq6 { type ipv6_addr; flags interval; }\n"
	"\tmap policy_from { type ifname : verdict; }\n"
	"\tmap policy_to { type ifname : verdict; }\n"
	"\tchain guard {\n"
	"\t\ttype filter hook prerouting priority raw; policy accept;\n"
	"\t\tiifname \"lo\" accept\n"
	"\t\tip daddr 127.0.0.0/8 drop\n"
	"\t\tip saddr 127.0.0.0/8 drop\n"
	"\t\tip6 daddr ::1 drop\n"
	"\t\tip6 saddr ::1 drop\n"
	"\t}\n"
	"\tchain publish {\n"
	"\t\tdnat ip to ip daddr . meta l4proto . th dport map @publish_addr4\n"
	"\t\tdnat ip6 to ip6 daddr . meta l4proto . th dport map @publish_addr6\n"
	"\t\tdnat ip to meta l4proto . th dport map @publish_any4\n"
	"\t\tdnat ip6 to meta l4proto . th dport map @publish_any6\n"
	"\t}\n"
	"\tchain prerouting {\n"
	"\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	"\t\tfib daddr type local jump publish\n"
	"\t}\n"
	"\tchain output {\n"
	"\t\ttype nat hook output priority -100; policy accept;\n"
	"\t\tfib daddr type local jump publish\n"
	"\t}\n"
	"\tchain postrouting {\n"
	"\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
	"\t\tct status dnat oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
	"\t\tct status dnat oifname @bridges ip6 saddr ::1 masquerade\n"
	"\t\tct status dnat iifname . oifname @same_bridge masquerade\n"
	"\t\tct status dnat ip saddr . ip daddr @self4 masquerade\n"
	"\t\tct status dnat ip6 saddr . ip6 daddr @self6 masquerade\n"
	"\t\toifname @bridges return\n"
	"\t\tip saddr @masq4 masquerade\n"
	"\t\tip6 saddr @masq6 masquerade\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority filter; policy accept;\n"
	"\t\tiifname != @bridges oifname != @bridges accept\n"
	"\t\tct state invalid drop\n"
	"\t\tct state established,related accept\n"
	"\t\tiifname . oifname @intra_bridge accept\n"
	"\t\tiifname vmap @policy_from\n"
	"\t\tct status dnat accept\n"
	"\t\toifname vmap @policy_to\n"
	"\t}\n"
	"\tchain loopback6 {\n"
	"\t\ttype filter hook prerouting priority -90; policy accept;\n"
	"\t\tiifname @bridges ip6 daddr ::1 ct direction reply ct status dnat "
	"meta mark set meta mark | 0x10000000\n"
	"\t}\n"
	"}\n";

static void expect_text(struct buf *buf, const char *want)
{
	char *text = buf_take(buf);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void test_ruleset(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	ruleset_print(&buf);
	expect_text(&buf, golden);
}

static void test_loopback6(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	ruleset_print_loopback6(&buf, "br0", true);
	expect_text(&buf, "table netdev netd {\n\tchain lo6_br0 {\n"
			  "\t\ttype filter hook ingress device \"br0\" priority 0; policy accept;\n"
			  "\t\tmeta mark & 0x10000000 != 0 ip6 daddr ::1 "
			  "ether daddr set 00:00:00:00:00:00 fwd to \"lo\"\n\t}\n}\n");
	ruleset_print_loopback6(&buf, "br0", false);
	expect_text(&buf, "delete chain netdev netd lo6_br0\n");
}

static void test_chain_names(void **state)
{
	char dash[RULESET_CHAIN_SIZE], dot[RULESET_CHAIN_SIZE], plain[RULESET_CHAIN_SIZE];

	(void)state;
	ruleset_loopback6_chain("br_abcdefghijkl", plain);
	assert_string_equal(plain, "lo6_br_abcdefghijkl");
	ruleset_loopback6_chain("br-abcdefghijkl", dash);
	ruleset_loopback6_chain("br.abcdefghijkl", dot);
	assert_memory_equal(dash, "lo6_br_abcdefghijkl-", 20);
	assert_int_equal(strlen(dash), 28);
	assert_string_not_equal(dash, dot);
	assert_string_not_equal(dash, plain);
	ruleset_loopback6_chain("\"; flush\n", dash);
	assert_int_equal(strcspn(dash, "\"; \n"), strlen(dash));
}

static struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static struct elem publish(enum ruleset_set set, const char *host, const char *to, uint16_t port,
			   uint16_t count)
{
	return (struct elem){
		.set = set,
		.publish = { .host = ip(host),
			     .to = ip(to),
			     .protocol = IPPROTO_TCP,
			     .host_port = port,
			     .to_port = 80,
			     .count = count },
	};
}

static void expect_elem(const struct elem *elem, const char *add, const char *del)
{
	struct buf buf = { 0 };

	assert_int_equal(ruleset_elem_check(elem), 0);
	ruleset_print_elem(&buf, elem, true);
	expect_text(&buf, add);
	ruleset_print_elem(&buf, elem, false);
	expect_text(&buf, del);
}

static void test_publish_elements(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 8080, 2);

	(void)state;
	e.owner = "net/box/eth0";
	expect_elem(&e,
		    "add element inet netd publish_any4 { tcp . 8080 comment \"net/box/eth0\" : "
		    "10.0.0.2 . 80, tcp . 8081 comment \"net/box/eth0\" : 10.0.0.2 . 81 }\n",
		    "delete element inet netd publish_any4 { tcp . 8080, tcp . 8081 }\n");
	e = publish(SET_PUBLISH_ADDR6, "::1", "fd00::2", 443, 1);
	e.publish.protocol = IPPROTO_SCTP;
	expect_elem(&e, "add element inet netd publish_addr6 { ::1 . sctp . 443 : fd00::2 . 80 }\n",
		    "delete element inet netd publish_addr6 { ::1 . sctp . 443 }\n");
}

static void test_other_elements(void **state)
{
	struct elem e = { .set = SET_SAME_BRIDGE, .ifname = "br-0.1" };

	(void)state;
	expect_elem(&e, "add element inet netd same_bridge { \"br-0.1\" . \"br-0.1\" }\n",
		    "delete element inet netd same_bridge { \"br-0.1\" . \"br-0.1\" }\n");
	e = (struct elem){ .set = SET_SELF6, .address = ip("fd00::2") };
	expect_elem(&e, "add element inet netd self6 { fd00::2 . fd00::2 }\n",
		    "delete element inet netd self6 { fd00::2 . fd00::2 }\n");
	e = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.1.0.0"), 16 } };
	expect_elem(&e, "add element inet netd masq4 { 10.1.0.0/16 }\n",
		    "delete element inet netd masq4 { 10.1.0.0/16 }\n");
	e = (struct elem){ .set = SET_POLICY_TO,
			   .policy = { .ifname = "br0", .verdict = RULESET_DROP },
			   .owner = "net" };
	expect_elem(&e, "add element inet netd policy_to { \"br0\" comment \"net\" : drop }\n",
		    "delete element inet netd policy_to { \"br0\" }\n");
}

static void test_malformed(void **state)
{
	struct elem good = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 8080, 2);
	struct elem e = good;

	(void)state;
	e.publish.count = 0;
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = good;
	e.publish.host_port = 65535;
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = good;
	e.publish.to_port = 65535;
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = good;
	e.publish.protocol = 1;
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = good;
	e.publish.to = ip("fd00::2");
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = good;
	e.set = SET_PUBLISH_ANY6;
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.1"), 24 } };
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = (struct elem){ .set = SET_MASQUERADE6, .subnet = { ip("10.0.0.0"), 24 } };
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = (struct elem){ .set = SET_BRIDGES };
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	memset(e.ifname, 'x', sizeof(e.ifname));
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
	e = (struct elem){ .set = SET_SELF4, .address = ip("::1") };
	assert_int_equal(ruleset_elem_check(&e), -EINVAL);
}

static void test_owner(void **state)
{
	char text[RULESET_OWNER_MAX + 1], wide[300];
	struct elem e = { .set = SET_BRIDGES, .ifname = "br0", .owner = "a\"b\\c\nd\xc3\xa4 e" };

	(void)state;
	assert_int_equal(ruleset_owner(&e, text), 11);
	assert_string_equal(text, "a?b?c?d?? e");
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	e.owner = wide;
	assert_int_equal(ruleset_owner(&e, text), RULESET_OWNER_MAX);
	assert_int_equal(strlen(text), RULESET_OWNER_MAX);
	e.owner = NULL;
	assert_int_equal(ruleset_owner(&e, text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ruleset),	       cmocka_unit_test(test_loopback6),
		cmocka_unit_test(test_chain_names),    cmocka_unit_test(test_publish_elements),
		cmocka_unit_test(test_other_elements), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
