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

enum ruleset_set {
	SET_PUBLISH_ADDR4, /* map: host address . protocol . port : container address . port */
	SET_PUBLISH_ADDR6,
	SET_PUBLISH_ANY4, /* map: protocol . port : container address . port */
	SET_PUBLISH_ANY6,
	SET_BRIDGES,	 /* ifname */
	SET_SAME_BRIDGE, /* ifname . ifname, both the same bridge: hairpin through the host */
	SET_INTRA_BRIDGE, /* the same pair, where containers of the network may reach each other */
	SET_SELF4,	 /* address . address, both the same container */
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
		struct { /* SET_PUBLISH_*: count consecutive ports on both sides */
			struct ip host; /* ANY: family only */
			struct ip to;
			uint8_t protocol;
			uint16_t host_port;
			uint16_t to_port;
			uint16_t count;
		} publish;
		char ifname[IFNAMSIZ];	/* SET_BRIDGES, SET_SAME_BRIDGE, SET_INTRA_BRIDGE */
		struct ip address;	/* SET_SELF* */
		struct prefix subnet;	/* SET_MASQUERADE*: no host bits */
		struct {		/* SET_POLICY_* */
			char ifname[IFNAMSIZ];
			enum ruleset_verdict verdict;
		} policy;
	};
	const char *owner; /* borrowed; kept as the element's comment (at most 120 bytes); or NULL */
};

/* Name of the set as nft lists it. */
const char *ruleset_set_name(enum ruleset_set set);

/* "table inet netd { ... }": sets, maps, chains and rules, no elements. */
void ruleset_print(struct buf *buf);
/* Statements "add element inet netd publish_any4 { tcp . 8080 : 10.0.0.2 . 80 ... }", newline after each. */
void ruleset_print_elem(struct buf *buf, const struct elem *elem, bool add);
/*
 * The chain in table netdev netd that carries un-NATed replies to [::1] from the bridge to lo where
 * br_netfilter sees bridged packets; only packets marked by table inet netd pass.
 */
void ruleset_print_loopback6(struct buf *buf, const char *bridge, bool add);
/* Name of that chain: "lo6_" and the bridge's name with every byte outside [A-Za-z0-9_] as '_' + hash. */
void ruleset_loopback6_chain(const char *bridge, char *ret, size_t size);

#endif
