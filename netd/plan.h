/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan: the ordered, typed steps of one request. apply.c carries it out and undoes it, explain.c
 * prints it; nothing else describes what netd does to the kernel. Pure.
 */
#ifndef NETD_PLAN_H
#define NETD_PLAN_H

#include "model.h"
#include "ruleset.h"

enum step_kind {
	STEP_SYSCTL,
	STEP_BRIDGE_ADD,
	STEP_VETH_ADD,
	STEP_LINK_SET,
	STEP_LINK_DEL,
	STEP_ADDRESS_ADD,
	STEP_ADDRESS_DEL,
	STEP_ROUTE_ADD,
	STEP_ROUTE_DEL,
	STEP_NEIGHBOUR_SET,
	STEP_WAIT_READY,
	STEP_RULESET_ADD,
	STEP_RULESET_DEL,
	STEP_ELEM_ADD,
	STEP_ELEM_DEL,
	STEP_LOOPBACK6_ADD,
	STEP_LOOPBACK6_DEL,
	STEP_CONNTRACK_FLUSH,
};

enum step_where { HOST, CONTAINER };

#define SYSCTL_PATH_MAX 96

struct step {
	enum step_kind kind;
	enum step_where where;
	/* for additions: an object that is there already is as good, and stays when undoing */
	bool may_exist;
	union {
		struct {
			char path[SYSCTL_PATH_MAX]; /* below /proc/sys/net */
			const char *value;	    /* static storage */
			bool may_lack;		    /* fine where the kernel has no such sysctl */
		} sysctl;
		struct {
			char name[IFNAMSIZ];
			uint32_t ifindex;
			struct mac mac;
			uint32_t mtu;
		} bridge;
		struct {
			char host_name[IFNAMSIZ];
			char peer_name[IFNAMSIZ];
			uint32_t host_ifindex;
			uint32_t peer_ifindex;
			struct mac host_mac;
			struct mac peer_mac;
			uint32_t mtu;
		} veth;
		struct {
			char name[IFNAMSIZ];
			uint32_t ifindex;
			const char *
				kind; /* deletion: of this kind only, by whatever name it goes now */
			bool up;
			bool undo_down; /* it was there before, and down */
			bool promisc;
			bool addrgenmode_none;
			bool pin_mac; /* set, though it may be the one it has: then it stays */
			struct mac mac;
			uint32_t mtu;	       /* 0: leave */
			char master[IFNAMSIZ]; /* "" none */
			uint32_t master_ifindex;
			bool hairpin;
			bool isolated;
		} link;
		struct {
			char name[IFNAMSIZ];
			uint32_t ifindex;
			struct prefix address;
		} address;
		struct {
			char name[IFNAMSIZ];
			uint32_t ifindex;
			struct prefix dst;
			struct ip gw;
			bool local;	 /* type local in table local */
			uint32_t metric; /* 0: the kernel's default */
		} route;
		struct {
			char name[IFNAMSIZ];
			uint32_t ifindex;
			struct ip ip;
			struct mac mac;
		} neighbour;
		struct {
			uint32_t host_ifindex;
			uint32_t bridge_ifindex;
			uint32_t ifindex;
			struct ip address6[MAX_ADDRESSES]; /* to be waited for */
			uint32_t n_address6;
			struct ip gateway6[MAX_ADDRESSES]; /* new on the bridge */
			uint32_t n_gateway6;
		} ready;
		struct {
			bool replace; /* what stands under netd's name, in the same transaction */
		} ruleset;
		struct elem elem;
		char bridge_name[IFNAMSIZ]; /* STEP_LOOPBACK6_* */
		struct {
			struct ip host;	     /* all-zero: the host's own addresses of its family */
			struct ip container; /* AF_UNSPEC: any */
			uint8_t protocol;
			uint16_t port;
			uint16_t count;
		} conntrack;
	};
};

struct plan {
	struct step *steps;
	size_t n;
	size_t cap;
	char **strings; /* owners of elements */
	size_t n_strings;
	bool failed;		    /* out of memory while building; tested once, by plan_done() */
	char netns[NETNS_PATH_MAX]; /* path of the container's namespace, for printing */
};

void plan_free(struct plan *plan); /* also a cleanup function */
#define _cleanup_plan_ __attribute__((cleanup(plan_free)))
int plan_done(const struct plan *plan, struct netd_error *err);

/* Adjacent steps of nftables are one transaction. */
bool step_is_nft(enum step_kind kind);

/* What was seen of the host before planning. All zero is an empty host. */
struct observed {
	bool bridge_exists;
	bool bridge_up;
	bool bridge_intact;	       /* up, and with the network's gateways */
	bool forwarding4, forwarding6; /* switched on already */
	bool ruleset_exists;	       /* a table of netd's name */
	bool ruleset_current;	       /* which is netd's and of this version */
	bool bridge_nf6;	       /* br_netfilter passes bridged IPv6 through the rules */
	/* interfaces whose IPv6 default route comes from router advertisements */
	char ra_ifname[8][IFNAMSIZ];
	uint32_t n_ra;
};

/*
 * What is in place besides the request's own network: every other network that has a bridge, and
 * every attachment that is ready. Needed where plan_needs_host() says so; empty otherwise.
 */
struct inventory {
	struct network **networks;
	size_t n_networks;
	struct attachment **attachments;
	size_t n_attachments;
};

/*
 * Attach. net: as it shall be; former: as it was set up before (NULL: not set up, its bridge and
 * elements are made). With a ruleset that is not current, everything in the inventory is rebuilt.
 */
void plan_attach(struct plan *plan, const struct network *net, const struct network *former,
		 const struct attachment *att, const struct observed *seen,
		 const struct inventory *inv);

/* Detach: withdraw elements, delete the link pair, forget UDP flows. */
void plan_detach(struct plan *plan, const struct attachment *att);

/*
 * Takes a network out of the kernel. inv: what stays; elements shared with another network on the same
 * bridge are kept, and with nothing left the whole ruleset goes. foreign_table: somebody else's table
 * stands in its place, which is left alone.
 */
void plan_network_down(struct plan *plan, const struct network *net, const struct inventory *inv,
		       bool foreign_table);

/* Does the host need something that only one operation at a time may change? */
bool plan_needs_host(const struct network *net, const struct network *former,
		     const struct observed *seen);

/* Of the host end of a veth pair; explicit, so that nobody (udev) thinks it may be changed. */
struct mac plan_host_mac(const struct attachment *att);

/* The bridge's own MAC address: derived from its first gateway, else from its name. */
struct mac plan_bridge_mac(const struct network *net);

/* explain.c: the plan as a shell script that, run by hand, gives the same kernel state. */
int explain_plan(const struct plan *plan, struct buf *buf, struct netd_error *err);

#endif
