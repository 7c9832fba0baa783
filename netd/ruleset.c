// SPDX-License-Identifier: GPL-2.0-or-later
#include "ruleset.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "util.h"

/* ---- types and sets ------------------------------------------------------------------------- */

static const struct ruleset_type_desc types[] = {
	[TYPE_NONE] = { "", 0, 0, BYTEORDER_NONE },
	[TYPE_IPV4] = { "ipv4_addr", 7, 4, BYTEORDER_NETWORK },
	[TYPE_IPV6] = { "ipv6_addr", 8, 16, BYTEORDER_NETWORK },
	[TYPE_PROTOCOL] = { "inet_proto", 12, 1, BYTEORDER_NETWORK },
	[TYPE_PORT] = { "inet_service", 13, 2, BYTEORDER_NETWORK },
	[TYPE_IFNAME] = { "ifname", 41, IFNAMSIZ, BYTEORDER_HOST },
	[TYPE_VERDICT] = { "verdict", NFT_DATA_VERDICT, 0, BYTEORDER_NONE },
};

static const struct ruleset_set_desc sets[SET_COUNT_] = {
	[SET_PUBLISH_ADDR4] = { .name = "publish_addr4",
				.key = { TYPE_IPV4, TYPE_PROTOCOL, TYPE_PORT },
				.data = { TYPE_IPV4, TYPE_PORT } },
	[SET_PUBLISH_ADDR6] = { .name = "publish_addr6",
				.key = { TYPE_IPV6, TYPE_PROTOCOL, TYPE_PORT },
				.data = { TYPE_IPV6, TYPE_PORT } },
	[SET_PUBLISH_ANY4] = { .name = "publish_any4",
			       .key = { TYPE_PROTOCOL, TYPE_PORT },
			       .data = { TYPE_IPV4, TYPE_PORT } },
	[SET_PUBLISH_ANY6] = { .name = "publish_any6",
			       .key = { TYPE_PROTOCOL, TYPE_PORT },
			       .data = { TYPE_IPV6, TYPE_PORT } },
	[SET_BRIDGES] = { .name = "bridges", .key = { TYPE_IFNAME } },
	[SET_SAME_BRIDGE] = { .name = "same_bridge", .key = { TYPE_IFNAME, TYPE_IFNAME } },
	[SET_INTRA_BRIDGE] = { .name = "intra_bridge", .key = { TYPE_IFNAME, TYPE_IFNAME } },
	[SET_SELF4] = { .name = "self4", .key = { TYPE_IPV4, TYPE_IPV4 } },
	[SET_SELF6] = { .name = "self6", .key = { TYPE_IPV6, TYPE_IPV6 } },
	[SET_MASQUERADE4] = { .name = "masq4", .key = { TYPE_IPV4 }, .interval = true },
	[SET_MASQUERADE6] = { .name = "masq6", .key = { TYPE_IPV6 }, .interval = true },
	[SET_POLICY_FROM] = { .name = "policy_from",
			      .key = { TYPE_IFNAME },
			      .data = { TYPE_VERDICT } },
	[SET_POLICY_TO] = { .name = "policy_to", .key = { TYPE_IFNAME }, .data = { TYPE_VERDICT } },
};

const struct ruleset_type_desc *ruleset_type_desc(enum ruleset_type type)
{
	return &types[type];
}

const struct ruleset_set_desc *ruleset_set_desc(enum ruleset_set set)
{
	return &sets[set];
}

const char *ruleset_set_name(enum ruleset_set set)
{
	return sets[set].name;
}

static uint8_t type_family(enum ruleset_type type)
{
	return type == TYPE_IPV4 ? AF_INET : type == TYPE_IPV6 ? AF_INET6 : AF_UNSPEC;
}

uint8_t ruleset_set_family(enum ruleset_set set)
{
	uint8_t family = type_family(sets[set].key[0]);

	return family != AF_UNSPEC ? family : type_family(sets[set].data[0]);
}

/* ---- chains and rules ----------------------------------------------------------------------- */

/* clang-format off */
#define LOOPBACK4 { { AF_INET, { 127 } }, 8 }
#define LOOPBACK6 { { AF_INET6, { [15] = 1 } }, 128 }

#define IIFNAME(n) { .kind = ATOM_IIFNAME, .name = (n) }
#define IIFNAME_IN(s) { .kind = ATOM_IIFNAME_IN, .set = (s) }
#define IIFNAME_NOT_IN(s) { .kind = ATOM_IIFNAME_NOT_IN, .set = (s) }
#define OIFNAME_IN(s) { .kind = ATOM_OIFNAME_IN, .set = (s) }
#define OIFNAME_NOT_IN(s) { .kind = ATOM_OIFNAME_NOT_IN, .set = (s) }
#define IFNAMES_IN(s) { .kind = ATOM_IFNAMES_IN, .set = (s) }
#define SADDR(...) { .kind = ATOM_SADDR, .prefix = __VA_ARGS__ }
#define DADDR(...) { .kind = ATOM_DADDR, .prefix = __VA_ARGS__ }
#define SADDR_IN(s) { .kind = ATOM_SADDR_IN, .set = (s) }
#define SADDR_DADDR_IN(s) { .kind = ATOM_SADDR_DADDR_IN, .set = (s) }
#define CT_STATE(b) { .kind = ATOM_CT_STATE, .bits = (b) }
#define CT_STATUS_DNAT { .kind = ATOM_CT_STATUS, .bits = IPS_DST_NAT }
#define CT_REPLY { .kind = ATOM_CT_REPLY }
#define FIB_LOCAL { .kind = ATOM_FIB_LOCAL }
#define MARK_TEST(b) { .kind = ATOM_MARK_TEST, .bits = (b) }
#define MARK_OR(b) { .kind = ATOM_MARK_OR, .bits = (b) }
#define ETHER_DADDR_ZERO { .kind = ATOM_ETHER_DADDR_ZERO }
#define IIFNAME_VMAP(s) { .kind = ATOM_IIFNAME_VMAP, .set = (s) }
#define OIFNAME_VMAP(s) { .kind = ATOM_OIFNAME_VMAP, .set = (s) }
#define DNAT(s) { .kind = ATOM_DNAT, .set = (s) }
#define MASQUERADE { .kind = ATOM_MASQUERADE }
#define FWD_LO { .kind = ATOM_FWD_LO }
#define JUMP(n) { .kind = ATOM_JUMP, .name = (n) }
#define RETURN { .kind = ATOM_RETURN }
#define ACCEPT { .kind = ATOM_ACCEPT }
#define DROP { .kind = ATOM_DROP }
/* clang-format on */

#define STATE_INVALID NF_CT_STATE_INVALID_BIT
#define STATE_KNOWN (NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED))

/*
 * Before connection tracking: loopback addresses never come from or go out by another interface,
 * whatever route_localnet says, since DNAT would happen before the kernel's own martian check.
 */
/* clang-format off */
static const struct ruleset_rule guard[] = {
	{ { IIFNAME("lo"), ACCEPT } },
	{ { DADDR(LOOPBACK4), DROP } },
	{ { SADDR(LOOPBACK4), DROP } },
	{ { DADDR(LOOPBACK6), DROP } },
	{ { SADDR(LOOPBACK6), DROP } },
};
/* clang-format on */

/* One host address wins over any. A miss in a map ends the rule, not the chain. */
static const struct ruleset_rule publish[] = {
	{ { DNAT(SET_PUBLISH_ADDR4) } },
	{ { DNAT(SET_PUBLISH_ADDR6) } },
	{ { DNAT(SET_PUBLISH_ANY4) } },
	{ { DNAT(SET_PUBLISH_ANY6) } },
};

static const struct ruleset_rule to_publish[] = {
	{ { FIB_LOCAL, JUMP("publish") } },
};

/*
 * Source addresses are kept, except where a reply would not come back through us: clients on
 * loopback, on the same bridge, the container itself (self: under br_netfilter a bridged packet has
 * no iifname here).
 */
static const struct ruleset_rule postrouting[] = {
	{ { CT_STATUS_DNAT, OIFNAME_IN(SET_BRIDGES), SADDR(LOOPBACK4), MASQUERADE } },
	{ { CT_STATUS_DNAT, OIFNAME_IN(SET_BRIDGES), SADDR(LOOPBACK6), MASQUERADE } },
	{ { CT_STATUS_DNAT, IFNAMES_IN(SET_SAME_BRIDGE), MASQUERADE } },
	{ { CT_STATUS_DNAT, SADDR_DADDR_IN(SET_SELF4), MASQUERADE } },
	{ { CT_STATUS_DNAT, SADDR_DADDR_IN(SET_SELF6), MASQUERADE } },
	{ { OIFNAME_IN(SET_BRIDGES), RETURN } },
	{ { SADDR_IN(SET_MASQUERADE4), MASQUERADE } },
	{ { SADDR_IN(SET_MASQUERADE6), MASQUERADE } },
};

static const struct ruleset_rule forward[] = {
	{ { IIFNAME_NOT_IN(SET_BRIDGES), OIFNAME_NOT_IN(SET_BRIDGES), ACCEPT } },
	{ { CT_STATE(STATE_INVALID), DROP } },
	{ { CT_STATE(STATE_KNOWN), ACCEPT } },
	{ { IFNAMES_IN(SET_INTRA_BRIDGE), ACCEPT } },
	{ { IIFNAME_VMAP(SET_POLICY_FROM) } },
	{ { CT_STATUS_DNAT, ACCEPT } },
	{ { OIFNAME_VMAP(SET_POLICY_TO) } },
};

/* Marks un-NATed replies to [::1] for the netdev chain: ct cannot be asked in family netdev. */
static const struct ruleset_rule loopback6[] = {
	{ { IIFNAME_IN(SET_BRIDGES), DADDR(LOOPBACK6), CT_REPLY, CT_STATUS_DNAT,
	    MARK_OR(RULESET_MARK_LOOPBACK6) } },
};

static const struct ruleset_rule loopback6_netdev = {
	{ MARK_TEST(RULESET_MARK_LOOPBACK6), DADDR(LOOPBACK6), ETHER_DADDR_ZERO, FWD_LO }
};

#define RULES(r) .rules = (r), .n_rules = ARRAY_SIZE(r)
#define HOOK(t, h, n, p, pn)                                                                       \
	.type = (t), .hook = (h), .hook_name = (n), .priority = (p), .priority_name = (pn)

static const struct ruleset_chain chains[] = {
	{ .name = "guard",
	  HOOK("filter", NF_INET_PRE_ROUTING, "prerouting", -300, "raw"),
	  RULES(guard) },
	{ .name = "publish", RULES(publish) },
	{ .name = "prerouting",
	  HOOK("nat", NF_INET_PRE_ROUTING, "prerouting", -100, "dstnat"),
	  RULES(to_publish) },
	{ .name = "output",
	  HOOK("nat", NF_INET_LOCAL_OUT, "output", -100, "-100"),
	  RULES(to_publish) },
	{ .name = "postrouting",
	  HOOK("nat", NF_INET_POST_ROUTING, "postrouting", 100, "srcnat"),
	  RULES(postrouting) },
	{ .name = "forward",
	  HOOK("filter", NF_INET_FORWARD, "forward", 0, "filter"),
	  RULES(forward) },
	{ .name = "loopback6",
	  HOOK("filter", NF_INET_PRE_ROUTING, "prerouting", -90, "-90"),
	  RULES(loopback6) },
};

const struct ruleset_chain *ruleset_chain(size_t n)
{
	return n < ARRAY_SIZE(chains) ? &chains[n] : NULL;
}

const struct ruleset_rule *ruleset_loopback6_rule(void)
{
	return &loopback6_netdev;
}

void ruleset_loopback6_chain(const char *bridge, char ret[static RULESET_CHAIN_SIZE])
{
	char name[IFNAMSIZ] = "";
	bool changed = false;

	snprintf(name, sizeof(name), "%s", bridge);
	for (char *p = name; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || *p == '_';

		if (!plain) {
			*p = '_';
			changed = true;
		}
	}
	if (changed)
		snprintf(ret, RULESET_CHAIN_SIZE, "lo6_%s-%08" PRIx32, name,
			 (uint32_t)hash_bytes(HASH_INIT, bridge, strlen(bridge)));
	else
		snprintf(ret, RULESET_CHAIN_SIZE, "lo6_%s", name);
}

/* ---- printing the ruleset ------------------------------------------------------------------- */

static const char *family_word(uint8_t family)
{
	return family == AF_INET ? "ip" : "ip6";
}

static void print_fields(struct buf *buf, const enum ruleset_type *fields, size_t max)
{
	for (size_t i = 0; i < max && fields[i] != TYPE_NONE; i++)
		buf_printf(buf, "%s%s", i ? " . " : "", types[fields[i]].name);
}

static void print_set(struct buf *buf, const struct ruleset_set_desc *set)
{
	bool map = set->data[0] != TYPE_NONE;

	buf_printf(buf, "\t%s %s { type ", map ? "map" : "set", set->name);
	print_fields(buf, set->key, RULESET_KEY_FIELDS);
	if (map) {
		buf_printf(buf, " : ");
		print_fields(buf, set->data, RULESET_DATA_FIELDS);
	}
	buf_printf(buf, ";%s }\n", set->interval ? " flags interval;" : "");
}

static void print_address(struct buf *buf, const char *field, const struct prefix *prefix)
{
	char text[PREFIX_STRLEN];

	buf_printf(buf, "%s %s %s", family_word(prefix->ip.family), field,
		   prefix->len == ip_bits(prefix->ip.family) ? ip_format(&prefix->ip, text)
							     : prefix_format(prefix, text));
}

static void print_dnat(struct buf *buf, enum ruleset_set set)
{
	const char *family = family_word(ruleset_set_family(set));

	buf_printf(buf, "dnat %s to ", family);
	if (sets[set].key[0] != TYPE_PROTOCOL)
		buf_printf(buf, "%s daddr . ", family);
	buf_printf(buf, "meta l4proto . th dport map @%s", sets[set].name);
}

/* What an atom prints before its operand, if it has one. */
static const char *const words[] = {
	[ATOM_IIFNAME] = "iifname",
	[ATOM_IIFNAME_IN] = "iifname",
	[ATOM_IIFNAME_NOT_IN] = "iifname !=",
	[ATOM_OIFNAME_IN] = "oifname",
	[ATOM_OIFNAME_NOT_IN] = "oifname !=",
	[ATOM_IFNAMES_IN] = "iifname . oifname",
	[ATOM_CT_STATE] = "ct state",
	[ATOM_CT_STATUS] = "ct status dnat",
	[ATOM_CT_REPLY] = "ct direction reply",
	[ATOM_FIB_LOCAL] = "fib daddr type local",
	[ATOM_MARK_TEST] = "meta mark &",
	[ATOM_MARK_OR] = "meta mark set meta mark |",
	[ATOM_ETHER_DADDR_ZERO] = "ether daddr set 00:00:00:00:00:00",
	[ATOM_IIFNAME_VMAP] = "iifname vmap",
	[ATOM_OIFNAME_VMAP] = "oifname vmap",
	[ATOM_MASQUERADE] = "masquerade",
	[ATOM_FWD_LO] = "fwd to \"lo\"",
	[ATOM_JUMP] = "jump",
	[ATOM_RETURN] = "return",
	[ATOM_ACCEPT] = "accept",
	[ATOM_DROP] = "drop",
};

static void print_saddr_in(struct buf *buf, enum ruleset_set set, bool and_daddr)
{
	const char *family = family_word(ruleset_set_family(set));

	buf_printf(buf, "%s saddr ", family);
	if (and_daddr)
		buf_printf(buf, ". %s daddr ", family);
	buf_printf(buf, "@%s", sets[set].name);
}

static void print_atom(struct buf *buf, const struct atom *atom)
{
	switch (atom->kind) {
	case ATOM_IIFNAME:
		buf_printf(buf, "%s \"%s\"", words[atom->kind], atom->name);
		break;
	case ATOM_IIFNAME_IN:
	case ATOM_IIFNAME_NOT_IN:
	case ATOM_OIFNAME_IN:
	case ATOM_OIFNAME_NOT_IN:
	case ATOM_IFNAMES_IN:
	case ATOM_IIFNAME_VMAP:
	case ATOM_OIFNAME_VMAP:
		buf_printf(buf, "%s @%s", words[atom->kind], sets[atom->set].name);
		break;
	case ATOM_SADDR:
		print_address(buf, "saddr", &atom->prefix);
		break;
	case ATOM_DADDR:
		print_address(buf, "daddr", &atom->prefix);
		break;
	case ATOM_SADDR_IN:
	case ATOM_SADDR_DADDR_IN:
		print_saddr_in(buf, atom->set, atom->kind == ATOM_SADDR_DADDR_IN);
		break;
	case ATOM_CT_STATE:
		buf_printf(buf, "%s %s", words[atom->kind],
			   atom->bits == STATE_INVALID ? "invalid" : "established,related");
		break;
	case ATOM_MARK_TEST:
		buf_printf(buf, "%s 0x%08" PRIx32 " != 0", words[atom->kind], atom->bits);
		break;
	case ATOM_MARK_OR:
		buf_printf(buf, "%s 0x%08" PRIx32, words[atom->kind], atom->bits);
		break;
	case ATOM_DNAT:
		print_dnat(buf, atom->set);
		break;
	case ATOM_JUMP:
		buf_printf(buf, "%s %s", words[atom->kind], atom->name);
		break;
	case ATOM_CT_STATUS:
	case ATOM_CT_REPLY:
	case ATOM_FIB_LOCAL:
	case ATOM_ETHER_DADDR_ZERO:
	case ATOM_MASQUERADE:
	case ATOM_FWD_LO:
	case ATOM_RETURN:
	case ATOM_ACCEPT:
	case ATOM_DROP:
		buf_printf(buf, "%s", words[atom->kind]);
		break;
	case ATOM_END:
		break;
	}
}

static void print_rule(struct buf *buf, const struct ruleset_rule *rule)
{
	for (const struct atom *atom = rule->atoms; atom->kind != ATOM_END; atom++) {
		buf_printf(buf, atom == rule->atoms ? "\t\t" : " ");
		print_atom(buf, atom);
	}
	buf_printf(buf, "\n");
}

static void print_chain(struct buf *buf, const struct ruleset_chain *chain)
{
	buf_printf(buf, "\tchain %s {\n", chain->name);
	if (chain->type)
		buf_printf(buf, "\t\ttype %s hook %s priority %s; policy accept;\n", chain->type,
			   chain->hook_name, chain->priority_name);
	for (size_t i = 0; i < chain->n_rules; i++)
		print_rule(buf, &chain->rules[i]);
	buf_printf(buf, "\t}\n");
}

void ruleset_print(struct buf *buf)
{
	buf_printf(buf,
		   "table inet " RULESET_TABLE " {\n\tcomment \"" RULESET_COMMENT_PREFIX "%d\"\n",
		   RULESET_VERSION);
	for (size_t i = 0; i < SET_COUNT_; i++)
		print_set(buf, &sets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		print_chain(buf, &chains[i]);
	buf_printf(buf, "}\n");
}

void ruleset_print_loopback6(struct buf *buf, const char *bridge, bool add)
{
	char chain[RULESET_CHAIN_SIZE];

	ruleset_loopback6_chain(bridge, chain);
	if (!add) {
		buf_printf(buf, "delete chain netdev " RULESET_TABLE " %s\n", chain);
		return;
	}
	buf_printf(buf,
		   "table netdev " RULESET_TABLE " {\n\tchain %s {\n"
		   "\t\ttype filter hook ingress device \"%s\" priority 0; policy accept;\n",
		   chain, bridge);
	print_rule(buf, &loopback6_netdev);
	buf_printf(buf, "\t}\n}\n");
}

/* ---- elements ------------------------------------------------------------------------------- */

static bool ifname_ok(const char *name)
{
	return name[0] && strnlen(name, IFNAMSIZ) < IFNAMSIZ;
}

static bool publish_ok(const struct elem *elem)
{
	uint8_t family = ruleset_set_family(elem->set);
	unsigned int count = elem->publish.count;

	return elem->publish.host.family == family && elem->publish.to.family == family &&
	       protocol_valid(elem->publish.protocol) && count && elem->publish.host_port &&
	       elem->publish.to_port && elem->publish.host_port + count - 1 <= UINT16_MAX &&
	       elem->publish.to_port + count - 1 <= UINT16_MAX;
}

static bool subnet_ok(const struct elem *elem)
{
	uint8_t family = ruleset_set_family(elem->set);

	return elem->subnet.ip.family == family && elem->subnet.len <= ip_bits(family) &&
	       !prefix_has_host_bits(&elem->subnet);
}

static bool elem_ok(const struct elem *elem)
{
	switch (elem->set) {
	case SET_PUBLISH_ADDR4:
	case SET_PUBLISH_ADDR6:
	case SET_PUBLISH_ANY4:
	case SET_PUBLISH_ANY6:
		return publish_ok(elem);
	case SET_BRIDGES:
	case SET_SAME_BRIDGE:
	case SET_INTRA_BRIDGE:
		return ifname_ok(elem->ifname);
	case SET_SELF4:
	case SET_SELF6:
		return elem->address.family == ruleset_set_family(elem->set);
	case SET_MASQUERADE4:
	case SET_MASQUERADE6:
		return subnet_ok(elem);
	case SET_POLICY_FROM:
	case SET_POLICY_TO:
		return ifname_ok(elem->policy.ifname);
	case SET_COUNT_:
		break;
	}
	return false;
}

int ruleset_elem_check(const struct elem *elem)
{
	return elem_ok(elem) ? 0 : -EINVAL;
}

size_t ruleset_owner(const struct elem *elem, char ret[static RULESET_OWNER_MAX + 1])
{
	size_t len = 0;

	for (const char *p = elem->owner; p && *p && len < RULESET_OWNER_MAX; p++)
		ret[len++] = *p < ' ' || *p > '~' || *p == '"' || *p == '\\' ? '?' : *p;
	ret[len] = '\0';
	return len;
}

static void print_publish(struct buf *buf, const struct elem *elem, const char *comment, bool add)
{
	char host[IP_STRLEN], to[IP_STRLEN];
	bool any = sets[elem->set].key[0] == TYPE_PROTOCOL;

	ip_format(&elem->publish.host, host);
	ip_format(&elem->publish.to, to);
	for (unsigned int i = 0; i < elem->publish.count; i++) {
		buf_printf(buf, "%s%s%s%s . %u%s", i ? ", " : "", any ? "" : host, any ? "" : " . ",
			   protocol_name(elem->publish.protocol), elem->publish.host_port + i,
			   comment);
		if (add)
			buf_printf(buf, " : %s . %u", to, elem->publish.to_port + i);
	}
}

/* Key, comment and data as they stand between the braces. */
static void print_elem(struct buf *buf, const struct elem *elem, const char *comment, bool add)
{
	char text[PREFIX_STRLEN];

	switch (elem->set) {
	case SET_PUBLISH_ADDR4:
	case SET_PUBLISH_ADDR6:
	case SET_PUBLISH_ANY4:
	case SET_PUBLISH_ANY6:
		print_publish(buf, elem, comment, add);
		break;
	case SET_BRIDGES:
		buf_printf(buf, "\"%s\"%s", elem->ifname, comment);
		break;
	case SET_SAME_BRIDGE:
	case SET_INTRA_BRIDGE:
		buf_printf(buf, "\"%s\" . \"%s\"%s", elem->ifname, elem->ifname, comment);
		break;
	case SET_SELF4:
	case SET_SELF6:
		ip_format(&elem->address, text);
		buf_printf(buf, "%s . %s%s", text, text, comment);
		break;
	case SET_MASQUERADE4:
	case SET_MASQUERADE6:
		buf_printf(buf, "%s%s", prefix_format(&elem->subnet, text), comment);
		break;
	case SET_POLICY_FROM:
	case SET_POLICY_TO:
		buf_printf(buf, "\"%s\"%s", elem->policy.ifname, comment);
		if (add)
			buf_printf(buf, " : %s",
				   words[elem->policy.verdict == RULESET_DROP ? ATOM_DROP
									      : ATOM_ACCEPT]);
		break;
	case SET_COUNT_:
		break;
	}
}

void ruleset_print_elem(struct buf *buf, const struct elem *elem, bool add)
{
	char owner[RULESET_OWNER_MAX + 1];
	char comment[RULESET_OWNER_MAX + sizeof(" comment \"\"")] = "";

	if (!elem_ok(elem))
		return;
	if (add && ruleset_owner(elem, owner))
		snprintf(comment, sizeof(comment), " comment \"%s\"", owner);
	buf_printf(buf, "%s element inet " RULESET_TABLE " %s { ", add ? "add" : "delete",
		   sets[elem->set].name);
	print_elem(buf, elem, comment, add);
	buf_printf(buf, " }\n");
}
