/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The constant nftables ruleset of netd and the elements that are its only variable part, described
 * as data: nft.c turns the description into netlink messages, ruleset_print() and
 * ruleset_print_elem() into nft(8) syntax. Pure.
 */
#ifndef NETD_RULESET_H
#define NETD_RULESET_H

#include "addr.h"
#include "buf.h"

#define RULESET_TABLE "netd"
/* Raised whenever the description changes; kept in the table's user data (a comment "netd N"). */
#define RULESET_VERSION 1
#define RULESET_MARK_LOOPBACK6 0x10000000U
/* The table's comment, which tells netd's table from a foreign one of that name. */
#define RULESET_COMMENT_PREFIX "netd "

enum ruleset_set {
	SET_PUBLISH_ADDR4, /* map: host address . protocol . port : container address . port */
	SET_PUBLISH_ADDR6,
	SET_PUBLISH_ANY4, /* map: protocol . port : container address . port */
	SET_PUBLISH_ANY6,
	SET_BRIDGES,	  /* ifname */
	SET_SAME_BRIDGE,  /* ifname . ifname, both the same bridge: hairpin through the host */
	SET_INTRA_BRIDGE, /* the same pair, where containers of the network may reach each other */
	SET_SELF4,	  /* address . address, both the same container */
	SET_SELF6,
	SET_MASQUERADE4, /* interval: subnets whose outgoing traffic is masqueraded */
	SET_MASQUERADE6,
	SET_POLICY_FROM, /* verdict map on iifname: traffic that leaves a bridge */
	SET_POLICY_TO,	 /* verdict map on oifname: new traffic that enters a bridge un-NATed */
	SET_COUNT_,
};

enum ruleset_verdict {
	RULESET_ACCEPT,
	RULESET_DROP,
};

struct elem {
	enum ruleset_set set;
	union {
		struct {		/* SET_PUBLISH_*: count consecutive ports on both sides */
			struct ip host; /* ANY: family only */
			struct ip to;
			uint8_t protocol;
			uint16_t host_port;
			uint16_t to_port;
			uint16_t count;
		} publish;
		char ifname[IFNAMSIZ]; /* SET_BRIDGES, SET_SAME_BRIDGE, SET_INTRA_BRIDGE */
		struct ip address;     /* SET_SELF* */
		struct prefix subnet;  /* SET_MASQUERADE*: no host bits */
		struct {	       /* SET_POLICY_* */
			char ifname[IFNAMSIZ];
			enum ruleset_verdict verdict;
		} policy;
	};
	const char
		*owner; /* borrowed; kept as the element's comment, see ruleset_owner(); or NULL */
};

/* 0, or -EINVAL: wrong family or protocol, ports beyond 65535, bad name, host bits. */
int ruleset_elem_check(const struct elem *elem);

#define RULESET_OWNER_MAX 120 /* bytes; nft(8) takes comments of up to 128 with the NUL */
/*
 * The owner as it is stored and printed: cut at RULESET_OWNER_MAX, and what nft(8) could not quote
 * (controls, non-ASCII, '"', '\\') as '?'. Returns its length; 0 if there is none.
 */
size_t ruleset_owner(const struct elem *elem, char ret[static RULESET_OWNER_MAX + 1]);

/* Name of the set as nft lists it. */
const char *ruleset_set_name(enum ruleset_set set);

/* "table inet netd { ... }": sets, maps, chains and rules, no elements. */
void ruleset_print(struct buf *buf);
/* One line: "add element inet netd publish_any4 { tcp . 8080 : 10.0.0.2 . 80, ... }". */
void ruleset_print_elem(struct buf *buf, const struct elem *elem, bool add);
/*
 * The chain in table netdev netd that carries un-NATed replies to [::1] from the bridge to lo where
 * br_netfilter sees bridged packets; only packets marked by table inet netd pass.
 */
void ruleset_print_loopback6(struct buf *buf, const char *bridge, bool add);
/*
 * Name of that chain: "lo6_" and the bridge's name. Where that name has bytes outside [A-Za-z0-9_]
 * they become '_', and '-' and a hash of the name follow, so that no two bridges share a chain.
 */
#define RULESET_CHAIN_SIZE 32
void ruleset_loopback6_chain(const char *bridge, char ret[static RULESET_CHAIN_SIZE]);

/* ---- the description itself, for nft_expr.c ------------------------------------------------- */

enum ruleset_type {
	TYPE_NONE,
	TYPE_IPV4,
	TYPE_IPV6,
	TYPE_PROTOCOL,
	TYPE_PORT,
	TYPE_IFNAME,
	TYPE_VERDICT,
};

enum ruleset_byteorder { BYTEORDER_NONE, BYTEORDER_HOST, BYTEORDER_NETWORK }; /* as nft(8) counts */

struct ruleset_type_desc {
	const char *name;
	uint32_t id;	/* number of the type in nft(8), which lists a set by it */
	uint32_t bytes; /* in a set key, before padding to 4 */
	enum ruleset_byteorder byteorder;
};
const struct ruleset_type_desc *ruleset_type_desc(enum ruleset_type type);

#define RULESET_KEY_FIELDS 3
#define RULESET_DATA_FIELDS 2

struct ruleset_set_desc {
	const char *name;
	enum ruleset_type key[RULESET_KEY_FIELDS];   /* concatenated, up to the first TYPE_NONE */
	enum ruleset_type data[RULESET_DATA_FIELDS]; /* TYPE_NONE: a set, not a map */
	bool interval;
};
const struct ruleset_set_desc *ruleset_set_desc(enum ruleset_set set);
/* Family of the addresses in the set, of its data if its key has none; AF_UNSPEC if neither has. */
uint8_t ruleset_set_family(enum ruleset_set set);

/* A rule is a list of atoms: matches, and at the end what to do. */
enum atom_kind {
	ATOM_END,
	ATOM_IIFNAME,	     /* .name */
	ATOM_IIFNAME_IN,     /* .set */
	ATOM_IIFNAME_NOT_IN, /* .set */
	ATOM_OIFNAME_IN,     /* .set */
	ATOM_OIFNAME_NOT_IN, /* .set */
	ATOM_IFNAMES_IN,     /* .set: iifname . oifname */
	ATOM_SADDR,	     /* .prefix: length a multiple of 8 */
	ATOM_DADDR,	     /* .prefix */
	ATOM_SADDR_IN,	     /* .set */
	ATOM_SADDR_DADDR_IN, /* .set */
	ATOM_CT_STATE,	     /* .bits: NF_CT_STATE_* */
	ATOM_CT_STATUS,	     /* .bits: IPS_DST_NAT */
	ATOM_CT_REPLY,
	ATOM_FIB_LOCAL,
	ATOM_MARK_TEST,	       /* .bits */
	ATOM_MARK_OR,	       /* .bits */
	ATOM_ETHER_DADDR_ZERO, /* sets it */
	ATOM_IIFNAME_VMAP,     /* .set */
	ATOM_OIFNAME_VMAP,     /* .set */
	ATOM_DNAT,	       /* .set: [daddr .] l4proto . dport : address . port */
	ATOM_MASQUERADE,
	ATOM_FWD_LO,
	ATOM_JUMP, /* .name */
	ATOM_RETURN,
	ATOM_ACCEPT,
	ATOM_DROP,
};

struct atom {
	enum atom_kind kind;
	union {
		const char *name;
		enum ruleset_set set;
		uint32_t bits;
		struct prefix prefix;
	};
};

#define RULESET_ATOMS 6

struct ruleset_rule {
	struct atom atoms[RULESET_ATOMS]; /* up to ATOM_END */
};

struct ruleset_chain {
	const char *name;
	const char *type; /* NULL: a regular chain */
	const char *hook_name;
	const char *priority_name;
	const struct ruleset_rule *rules;
	size_t n_rules;
	uint32_t hook; /* NF_INET_* */
	int32_t priority;
};

/* Chain n in the order of creation, NULL behind the last. */
const struct ruleset_chain *ruleset_chain(size_t n);
/* The only rule of a bridge's chain in table netdev netd. */
const struct ruleset_rule *ruleset_loopback6_rule(void);

#endif
