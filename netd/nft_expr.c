// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft_expr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>

#include "model.h"
#include "util.h"

/* libnftnl does not check room; the largest rule of the description takes less than 1 KiB. */
#define MESSAGE_ROOM 4096

/* ---- expressions of one rule ---------------------------------------------------------------- */

struct rule_builder {
	struct nftnl_rule *rule;
	uint8_t family; /* NFPROTO_*, of the table */
	bool failed;	/* out of memory */
};

struct expr_attr {
	uint16_t type;
	uint32_t value;
};

/* Appends an expression with 32-bit attributes, ended by type 0; NULL when out of memory. */
static struct nftnl_expr *add_attrs(struct rule_builder *b, const char *name,
				    const struct expr_attr *attrs)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (!expr) {
		b->failed = true;
		return NULL;
	}
	for (; attrs->type; attrs++)
		nftnl_expr_set_u32(expr, attrs->type, attrs->value);
	nftnl_rule_add_expr(b->rule, expr);
	return expr;
}
#define ADD(b, name, ...)                                                                          \
	add_attrs((b), (name), (const struct expr_attr[]){ __VA_ARGS__, { 0, 0 } })

static void set_data(struct rule_builder *b, struct nftnl_expr *expr, uint16_t type,
		     const void *data, size_t len)
{
	if (expr && nftnl_expr_set(expr, type, data, (uint32_t)len) < 0)
		b->failed = true;
}

static void set_str(struct rule_builder *b, struct nftnl_expr *expr, uint16_t type, const char *str)
{
	if (expr && nftnl_expr_set_str(expr, type, str) < 0)
		b->failed = true;
}

/* The register at a 32-bit word of the key under construction, by the name nft(8) would give it. */
static uint32_t reg(size_t word)
{
	return (uint32_t)(word % 4 == 0 ? NFT_REG_1 + word / 4 : NFT_REG32_00 + word);
}

static void load_meta(struct rule_builder *b, uint32_t key, uint32_t dreg)
{
	ADD(b, "meta", { NFTNL_EXPR_META_KEY, key }, { NFTNL_EXPR_META_DREG, dreg });
}

static void load_ct(struct rule_builder *b, uint32_t key)
{
	ADD(b, "ct", { NFTNL_EXPR_CT_KEY, key }, { NFTNL_EXPR_CT_DREG, reg(0) });
}

static void load_payload(struct rule_builder *b, uint32_t base, size_t offset, size_t len,
			 uint32_t dreg)
{
	ADD(b, "payload", { NFTNL_EXPR_PAYLOAD_BASE, base },
	    { NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)offset },
	    { NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)len }, { NFTNL_EXPR_PAYLOAD_DREG, dreg });
}

static void compare(struct rule_builder *b, uint32_t op, const void *data, size_t len)
{
	struct nftnl_expr *expr =
		ADD(b, "cmp", { NFTNL_EXPR_CMP_SREG, reg(0) }, { NFTNL_EXPR_CMP_OP, op });

	set_data(b, expr, NFTNL_EXPR_CMP_DATA, data, len);
}

/* reg(0) = (reg(0) & mask) ^ xor */
static void bitwise(struct rule_builder *b, uint32_t mask, uint32_t xor)
{
	struct nftnl_expr *expr =
		ADD(b, "bitwise", { NFTNL_EXPR_BITWISE_SREG, reg(0) },
		    { NFTNL_EXPR_BITWISE_DREG, reg(0) }, { NFTNL_EXPR_BITWISE_LEN, sizeof(mask) });

	set_data(b, expr, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	set_data(b, expr, NFTNL_EXPR_BITWISE_XOR, &xor, sizeof(xor));
}

static void any_bit(struct rule_builder *b, uint32_t bits)
{
	uint32_t zero = 0;

	bitwise(b, bits, 0);
	compare(b, NFT_CMP_NEQ, &zero, sizeof(zero));
}

static void match_set(struct rule_builder *b, enum ruleset_set set, bool inverted)
{
	struct nftnl_expr *expr = ADD(b, "lookup", { NFTNL_EXPR_LOOKUP_SREG, reg(0) },
				      { NFTNL_EXPR_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0 });

	set_str(b, expr, NFTNL_EXPR_LOOKUP_SET, ruleset_set_name(set));
}

static void lookup_map(struct rule_builder *b, enum ruleset_set set, uint32_t dreg)
{
	struct nftnl_expr *expr = ADD(b, "lookup", { NFTNL_EXPR_LOOKUP_SREG, reg(0) },
				      { NFTNL_EXPR_LOOKUP_DREG, dreg });

	set_str(b, expr, NFTNL_EXPR_LOOKUP_SET, ruleset_set_name(set));
}

static void verdict(struct rule_builder *b, int32_t code, const char *chain)
{
	struct nftnl_expr *expr = ADD(b, "immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT },
				      { NFTNL_EXPR_IMM_VERDICT, (uint32_t)code });

	if (chain)
		set_str(b, expr, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* ---- atoms ---------------------------------------------------------------------------------- */

/* A network header may be read only behind a check of which one it is. */
static void match_family(struct rule_builder *b, uint8_t family)
{
	uint16_t ethertype = htobe16(family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	uint8_t nfproto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	if (b->family == NFPROTO_NETDEV) {
		load_meta(b, NFT_META_PROTOCOL, reg(0));
		compare(b, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
	} else {
		load_meta(b, NFT_META_NFPROTO, reg(0));
		compare(b, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
	}
}

static void load_address(struct rule_builder *b, uint8_t family, bool daddr, size_t len,
			 uint32_t dreg)
{
	size_t source = family == AF_INET ? 12 : 8; /* offset in the IP header */

	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, source + (daddr ? ip_bytes(family) : 0), len,
		     dreg);
}

static void match_prefix(struct rule_builder *b, const struct prefix *prefix, bool daddr)
{
	size_t len = prefix->len / 8;

	match_family(b, prefix->ip.family);
	load_address(b, prefix->ip.family, daddr, len, reg(0));
	compare(b, NFT_CMP_EQ, prefix->ip.b, len);
}

static void match_source(struct rule_builder *b, enum ruleset_set set, bool and_daddr)
{
	uint8_t family = ruleset_set_family(set);
	size_t len = ip_bytes(family);

	match_family(b, family);
	load_address(b, family, false, len, reg(0));
	if (and_daddr)
		load_address(b, family, true, len, reg(len / 4));
	match_set(b, set, false);
}

static void match_ifname(struct rule_builder *b, const char *name)
{
	char padded[IFNAMSIZ] = "";

	(void)str_copy(padded, sizeof(padded), name);
	load_meta(b, NFT_META_IIFNAME, reg(0));
	compare(b, NFT_CMP_EQ, padded, sizeof(padded));
}

static void dnat(struct rule_builder *b, enum ruleset_set set)
{
	uint8_t family = ruleset_set_family(set);
	size_t words = ip_bytes(family) / 4;
	size_t at = 0;

	if (ruleset_set_desc(set)->key[0] != TYPE_PROTOCOL) {
		match_family(b, family);
		load_address(b, family, true, ip_bytes(family), reg(0));
		at = words;
	}
	load_meta(b, NFT_META_L4PROTO, reg(at));
	/* the destination port stands at offset 2 in TCP, UDP and SCTP alike */
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, reg(at + 1));
	lookup_map(b, set, reg(0));
	ADD(b, "nat", { NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT }, { NFTNL_EXPR_NAT_FAMILY, family },
	    { NFTNL_EXPR_NAT_REG_ADDR_MIN, reg(0) }, { NFTNL_EXPR_NAT_REG_PROTO_MIN, reg(words) });
}

static void mark_or(struct rule_builder *b, uint32_t bits)
{
	load_meta(b, NFT_META_MARK, reg(0));
	bitwise(b, ~bits, bits);
	ADD(b, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK }, { NFTNL_EXPR_META_SREG, reg(0) });
}

static void ether_daddr_zero(struct rule_builder *b)
{
	static const uint8_t zero[ETH_ALEN];
	uint16_t ethernet = ARPHRD_ETHER;

	load_meta(b, NFT_META_IIFTYPE, reg(0));
	compare(b, NFT_CMP_EQ, &ethernet, sizeof(ethernet));
	set_data(b, ADD(b, "immediate", { NFTNL_EXPR_IMM_DREG, reg(0) }), NFTNL_EXPR_IMM_DATA, zero,
		 sizeof(zero));
	ADD(b, "payload", { NFTNL_EXPR_PAYLOAD_SREG, reg(0) },
	    { NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_LL_HEADER },
	    { NFTNL_EXPR_PAYLOAD_OFFSET, offsetof(struct ethhdr, h_dest) },
	    { NFTNL_EXPR_PAYLOAD_LEN, sizeof(zero) },
	    { NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE },
	    { NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, 0 });
}

static void fwd_lo(struct rule_builder *b)
{
	uint32_t ifindex = LOOPBACK_IFINDEX;

	set_data(b, ADD(b, "immediate", { NFTNL_EXPR_IMM_DREG, reg(0) }), NFTNL_EXPR_IMM_DATA,
		 &ifindex, sizeof(ifindex));
	ADD(b, "fwd", { NFTNL_EXPR_FWD_SREG_DEV, reg(0) });
}

static void fib_local(struct rule_builder *b)
{
	uint32_t local = RTN_LOCAL;

	ADD(b, "fib", { NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
	    { NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR }, { NFTNL_EXPR_FIB_DREG, reg(0) });
	compare(b, NFT_CMP_EQ, &local, sizeof(local));
}

static void ct_reply(struct rule_builder *b)
{
	uint8_t reply = 1; /* IP_CT_DIR_REPLY */

	load_ct(b, NFT_CT_DIRECTION);
	compare(b, NFT_CMP_EQ, &reply, sizeof(reply));
}

/* The atoms about the interfaces that a packet comes in and goes out by. */
static void match_interface(struct rule_builder *b, const struct atom *atom)
{
	const enum atom_kind kind = atom->kind;
	const bool out =
		kind == ATOM_OIFNAME_IN || kind == ATOM_OIFNAME_NOT_IN || kind == ATOM_OIFNAME_VMAP;

	load_meta(b, out ? NFT_META_OIFNAME : NFT_META_IIFNAME, reg(0));
	if (kind == ATOM_IIFNAME_VMAP || kind == ATOM_OIFNAME_VMAP) {
		lookup_map(b, atom->set, NFT_REG_VERDICT);
		return;
	}
	if (kind == ATOM_IFNAMES_IN)
		load_meta(b, NFT_META_OIFNAME, reg(IFNAMSIZ / 4));
	match_set(b, atom->set, kind == ATOM_IIFNAME_NOT_IN || kind == ATOM_OIFNAME_NOT_IN);
}

static void match_bits(struct rule_builder *b, const struct atom *atom)
{
	if (atom->kind == ATOM_MARK_TEST)
		load_meta(b, NFT_META_MARK, reg(0));
	else
		load_ct(b, atom->kind == ATOM_CT_STATE ? NFT_CT_STATE : NFT_CT_STATUS);
	any_bit(b, atom->bits);
}

static void add_verdict(struct rule_builder *b, const struct atom *atom)
{
	static const int32_t codes[] = {
		[ATOM_JUMP] = NFT_JUMP,
		[ATOM_RETURN] = NFT_RETURN,
		[ATOM_ACCEPT] = NF_ACCEPT,
		[ATOM_DROP] = NF_DROP,
	};

	verdict(b, codes[atom->kind], atom->kind == ATOM_JUMP ? atom->name : NULL);
}

static void add_atom(struct rule_builder *b, const struct atom *atom)
{
	switch (atom->kind) {
	case ATOM_IIFNAME:
		match_ifname(b, atom->name);
		break;
	case ATOM_IIFNAME_IN:
	case ATOM_IIFNAME_NOT_IN:
	case ATOM_OIFNAME_IN:
	case ATOM_OIFNAME_NOT_IN:
	case ATOM_IFNAMES_IN:
	case ATOM_IIFNAME_VMAP:
	case ATOM_OIFNAME_VMAP:
		match_interface(b, atom);
		break;
	case ATOM_SADDR:
	case ATOM_DADDR:
		match_prefix(b, &atom->prefix, atom->kind == ATOM_DADDR);
		break;
	case ATOM_SADDR_IN:
	case ATOM_SADDR_DADDR_IN:
		match_source(b, atom->set, atom->kind == ATOM_SADDR_DADDR_IN);
		break;
	case ATOM_CT_STATE:
	case ATOM_CT_STATUS:
	case ATOM_MARK_TEST:
		match_bits(b, atom);
		break;
	case ATOM_CT_REPLY:
		ct_reply(b);
		break;
	case ATOM_FIB_LOCAL:
		fib_local(b);
		break;
	case ATOM_MARK_OR:
		mark_or(b, atom->bits);
		break;
	case ATOM_ETHER_DADDR_ZERO:
		ether_daddr_zero(b);
		break;
	case ATOM_DNAT:
		dnat(b, atom->set);
		break;
	case ATOM_MASQUERADE:
		ADD(b, "masq", { 0, 0 });
		break;
	case ATOM_FWD_LO:
		fwd_lo(b);
		break;
	case ATOM_JUMP:
	case ATOM_RETURN:
	case ATOM_ACCEPT:
	case ATOM_DROP:
		add_verdict(b, atom);
		break;
	case ATOM_END:
		break;
	}
}

/* ---- objects -------------------------------------------------------------------------------- */

static struct nlmsghdr *start(struct nfsock_msgs *msgs, uint16_t msg, uint16_t flags,
			      uint8_t family)
{
	return nfsock_msgs_start(msgs, NFT_EXPR_TYPE(msg), flags, family, MESSAGE_ROOM);
}

static int put_rule(struct nfsock_msgs *msgs, uint8_t family, const char *chain,
		    const struct ruleset_rule *rule)
{
	struct rule_builder b = { .rule = nftnl_rule_alloc(), .family = family };
	struct nlmsghdr *nlh = start(msgs, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, family);
	int r = -ENOMEM;

	if (b.rule && nlh && nftnl_rule_set_str(b.rule, NFTNL_RULE_TABLE, RULESET_TABLE) >= 0 &&
	    nftnl_rule_set_str(b.rule, NFTNL_RULE_CHAIN, chain) >= 0) {
		for (const struct atom *atom = rule->atoms; atom->kind != ATOM_END; atom++)
			add_atom(&b, atom);
		if (!b.failed) {
			nftnl_rule_nlmsg_build_payload(nlh, b.rule);
			nfsock_msgs_end(msgs, nlh);
			r = 0;
		}
	}
	if (b.rule)
		nftnl_rule_free(b.rule);
	return r;
}

static int put_table(struct nfsock_msgs *msgs, uint16_t msg, uint16_t flags, uint8_t family,
		     bool comment)
{
	struct nlmsghdr *nlh = start(msgs, msg, flags, family);
	char text[32];
	uint8_t udata[2 + sizeof(text)];
	int len;

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, RULESET_TABLE);
	if (comment) {
		len = snprintf(text, sizeof(text), RULESET_COMMENT_PREFIX "%d", RULESET_VERSION);
		udata[0] = NFTNL_UDATA_TABLE_COMMENT;
		udata[1] = (uint8_t)(len + 1);
		memcpy(udata + 2, text, (size_t)len + 1);
		mnl_attr_put(nlh, NFTA_TABLE_USERDATA, (size_t)len + 3, udata);
	}
	nfsock_msgs_end(msgs, nlh);
	return 0;
}

uint32_t nft_expr_bytes(const enum ruleset_type *fields, size_t max)
{
	uint32_t bytes = 0;

	for (size_t i = 0; i < max && fields[i] != TYPE_NONE; i++)
		bytes += (ruleset_type_desc(fields[i])->bytes + 3) & ~3U;
	return bytes;
}

/* nft(8)'s number of a concatenation: 6 bits a field. */
static uint32_t concat_id(const enum ruleset_type *fields, size_t max)
{
	uint32_t id = 0;

	for (size_t i = 0; i < max && fields[i] != TYPE_NONE; i++)
		id = id << 6 | ruleset_type_desc(fields[i])->id;
	return id;
}

/* Length and type of the key or the data: two attributes of NEWSET. */
static void put_concat(struct nlmsghdr *nlh, const enum ruleset_type *fields, size_t max,
		       uint16_t type_attr, uint16_t len_attr)
{
	mnl_attr_put_u32(nlh, type_attr, htonl(concat_id(fields, max)));
	mnl_attr_put_u32(nlh, len_attr, htonl(nft_expr_bytes(fields, max)));
}

static size_t put_byteorder(uint8_t *udata, uint8_t type, uint32_t byteorder)
{
	udata[0] = type;
	udata[1] = sizeof(byteorder);
	memcpy(udata + 2, &byteorder, sizeof(byteorder));
	return 2 + sizeof(byteorder);
}

/* nft(8) reads a set's byte order here; without it interface names would be listed as "". */
static size_t set_userdata(const struct ruleset_set_desc *set, uint8_t udata[static 16])
{
	enum ruleset_byteorder key = set->key[1] == TYPE_NONE
					     ? ruleset_type_desc(set->key[0])->byteorder
					     : BYTEORDER_NONE;
	size_t len = put_byteorder(udata, NFTNL_UDATA_SET_KEYBYTEORDER, key);

	if (set->data[0] != TYPE_NONE)
		len += put_byteorder(udata + len, NFTNL_UDATA_SET_DATABYTEORDER, BYTEORDER_NONE);
	return len;
}

static int put_set(struct nfsock_msgs *msgs, enum ruleset_set n)
{
	const struct ruleset_set_desc *set = ruleset_set_desc(n);
	struct nlmsghdr *nlh = start(msgs, NFT_MSG_NEWSET, NLM_F_CREATE, NFPROTO_INET);
	uint32_t flags = 0;
	uint8_t udata[16];

	if (!nlh)
		return -ENOMEM;
	if (set->interval)
		flags |= NFT_SET_INTERVAL;
	if (set->data[0] != TYPE_NONE)
		flags |= NFT_SET_MAP;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set->name);
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl((uint32_t)n + 1));
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, htonl(flags));
	put_concat(nlh, set->key, RULESET_KEY_FIELDS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN);
	if (flags & NFT_SET_MAP)
		put_concat(nlh, set->data, RULESET_DATA_FIELDS, NFTA_SET_DATA_TYPE,
			   NFTA_SET_DATA_LEN);
	mnl_attr_put(nlh, NFTA_SET_USERDATA, set_userdata(set, udata), udata);
	nfsock_msgs_end(msgs, nlh);
	return 0;
}

struct base_chain {
	const char *type;
	uint32_t hook;
	int32_t priority;
	const char *device; /* NULL: none */
};

/* base NULL: a regular chain, or one that may stand already */
static int put_chain(struct nfsock_msgs *msgs, uint16_t msg, uint8_t family, const char *name,
		     const struct base_chain *base)
{
	struct nlmsghdr *nlh = start(msgs, msg, msg == NFT_MSG_NEWCHAIN ? NLM_F_CREATE : 0, family);
	struct nlattr *nest;

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (base) {
		nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(base->hook));
		mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)base->priority));
		if (base->device)
			mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, base->device);
		mnl_attr_nest_end(nlh, nest);
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, base->type);
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	}
	nfsock_msgs_end(msgs, nlh);
	return 0;
}

static int put_described_chain(struct nfsock_msgs *msgs, const struct ruleset_chain *chain)
{
	struct base_chain base = { .type = chain->type,
				   .hook = chain->hook,
				   .priority = chain->priority };

	return put_chain(msgs, NFT_MSG_NEWCHAIN, NFPROTO_INET, chain->name,
			 chain->type ? &base : NULL);
}

int nft_expr_put_ruleset(struct nfsock_msgs *msgs, bool exclusive)
{
	const struct ruleset_chain *chain;
	int r = put_table(msgs, NFT_MSG_NEWTABLE, NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0),
			  NFPROTO_INET, true);

	for (enum ruleset_set set = 0; set < SET_COUNT_ && r >= 0; set++)
		r = put_set(msgs, set);
	for (size_t i = 0; (chain = ruleset_chain(i)) && r >= 0; i++)
		r = put_described_chain(msgs, chain);
	for (size_t i = 0; (chain = ruleset_chain(i)) && r >= 0; i++) {
		for (size_t j = 0; j < chain->n_rules && r >= 0; j++)
			r = put_rule(msgs, NFPROTO_INET, chain->name, &chain->rules[j]);
	}
	return r;
}

int nft_expr_put_ruleset_del(struct nfsock_msgs *msgs)
{
	static const uint8_t families[] = { NFPROTO_NETDEV, NFPROTO_INET };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && r >= 0; i++) {
		r = put_table(msgs, NFT_MSG_NEWTABLE, NLM_F_CREATE, families[i], false);
		if (r >= 0)
			r = put_table(msgs, NFT_MSG_DELTABLE, 0, families[i], false);
	}
	return r;
}

int nft_expr_put_loopback6_del(struct nfsock_msgs *msgs, const char *bridge)
{
	char chain[RULESET_CHAIN_SIZE];
	int r;

	ruleset_loopback6_chain(bridge, chain);
	r = put_table(msgs, NFT_MSG_NEWTABLE, NLM_F_CREATE, NFPROTO_NETDEV, false);
	if (r >= 0)
		r = put_chain(msgs, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, chain, NULL);
	if (r >= 0)
		r = put_chain(msgs, NFT_MSG_DELCHAIN, NFPROTO_NETDEV, chain, NULL);
	return r;
}

int nft_expr_put_loopback6(struct nfsock_msgs *msgs, const char *bridge)
{
	struct base_chain base = {
		.type = "filter", .hook = NF_NETDEV_INGRESS, .priority = 0, .device = bridge
	};
	char chain[RULESET_CHAIN_SIZE];
	int r = nft_expr_put_loopback6_del(msgs, bridge);

	ruleset_loopback6_chain(bridge, chain);
	if (r >= 0)
		r = put_chain(msgs, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, chain, &base);
	if (r >= 0)
		r = put_rule(msgs, NFPROTO_NETDEV, chain, ruleset_loopback6_rule());
	return r;
}
