/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink: batches of changes, point queries, notifications. System module. */
#ifndef NETD_RTNL_H
#define NETD_RTNL_H

#include <netd.h>

#include "addr.h"

/* One NETLINK_ROUTE socket; it stays in the namespace that the thread was in when it was opened. */
struct rtnl;

/* groups: bitmask of 1 << (RTNLGRP_x - 1) to subscribe to, 0 for none. */
int rtnl_open(uint32_t groups, struct rtnl **ret, struct netd_error *err);
void rtnl_close(struct rtnl *rtnl);
static inline void rtnl_cleanup(struct rtnl **rtnl)
{
	rtnl_close(*rtnl);
}
#define _cleanup_rtnl_ __attribute__((cleanup(rtnl_cleanup)))

/* SO_NETNS_COOKIE of the socket's namespace: unique until reboot. 0 where the kernel has none. */
uint64_t rtnl_netns_cookie(const struct rtnl *rtnl);

/* ---- changes: messages are collected, then sent in one sendmsg ---------------------------- */

struct rtnl_batch;

int rtnl_batch_new(struct rtnl_batch **ret, struct netd_error *err);
void rtnl_batch_free(struct rtnl_batch *batch);
static inline void rtnl_batch_cleanup(struct rtnl_batch **batch)
{
	rtnl_batch_free(*batch);
}
#define _cleanup_rtnl_batch_ __attribute__((cleanup(rtnl_batch_cleanup)))

struct rtnl_bridge {
	const char *name;
	uint32_t ifindex; /* chosen by the caller */
	struct mac mac;
	uint32_t mtu; /* 0: kernel default */
};

struct rtnl_veth {
	const char *host_name;
	uint32_t host_ifindex;
	const char *peer_name;
	uint32_t peer_ifindex;
	struct mac host_mac;
	int peer_netns_fd;
	struct mac peer_mac;
	uint32_t mtu; /* of both ends; 0: kernel default */
};

/* A neighbour whose MAC address is known, so that nobody has to ask for it. */
struct rtnl_neighbour {
	uint32_t ifindex;
	struct ip ip;
	struct mac mac;
};

enum rtnl_tristate { RTNL_KEEP = 0, RTNL_OFF = 1, RTNL_ON = 2 };

struct rtnl_link_change {
	uint32_t ifindex;
	enum rtnl_tristate up;
	enum rtnl_tristate promisc;
	bool addrgenmode_none; /* no kernel-made IPv6 link-local address */
	uint32_t mtu;	       /* 0: leave */
	const struct mac *mac; /* NULL: leave */
	uint32_t master;       /* 0: leave */
	/* bridge port flags (in a message of their own family where the kernel wants it) */
	enum rtnl_tristate hairpin;
	enum rtnl_tristate isolated;
};

struct rtnl_address {
	uint32_t ifindex;
	struct prefix address;
	bool nodad; /* IFA_F_NODAD, IPv6 only */
};

struct rtnl_route {
	struct prefix dst;
	struct ip gw; /* family AF_UNSPEC: none */
	uint32_t ifindex;
	uint32_t table;	 /* RT_TABLE_MAIN, RT_TABLE_LOCAL */
	uint8_t type;	 /* RTN_UNICAST, RTN_LOCAL */
	uint32_t metric; /* 0: default */
};

/*
 * Each adds one message and returns its number within the batch (0, 1, ...), or a negative errno:
 * -EINVAL, -ENOMEM. Creations use NLM_F_CREATE | NLM_F_EXCL. Links are made down, veth with one queue
 * each way and the peer inside peer_netns_fd. rtnl_link_set may need up to three kernel messages
 * (master and address generation, then port flags, then up and promiscuous) that count as one, with
 * the first error of them. Routes are of protocol "static"; only such are deleted.
 */
int rtnl_add_bridge(struct rtnl_batch *batch, const struct rtnl_bridge *bridge);
int rtnl_add_veth(struct rtnl_batch *batch, const struct rtnl_veth *veth);
int rtnl_link_set(struct rtnl_batch *batch, const struct rtnl_link_change *change);
int rtnl_link_del(struct rtnl_batch *batch, uint32_t ifindex);
int rtnl_address_add(struct rtnl_batch *batch, const struct rtnl_address *address);
int rtnl_address_del(struct rtnl_batch *batch, const struct rtnl_address *address);
int rtnl_route_add(struct rtnl_batch *batch, const struct rtnl_route *route);
int rtnl_route_del(struct rtnl_batch *batch, const struct rtnl_route *route);

/* Makes the entry reachable, whatever it was before; what is queued for it is sent. */
int rtnl_neighbour_set(struct rtnl_batch *batch, const struct rtnl_neighbour *neighbour);
int rtnl_neighbour_del(struct rtnl_batch *batch, const struct rtnl_neighbour *neighbour);

#define RTNL_TEXT_MAX 256 /* bytes of an extended-ack text with its NUL; more is cut */

/*
 * Sends all messages in one sendmsg (one for every 128) and reads until the reply to the last. The
 * kernel carries on after a message that fails: results[i] (room for every message) is 0 or the
 * negative errno of message i. Returns 0 when replies for the batch were received, whatever they say; a
 * negative errno only when sending or receiving failed. kernel_text (RTNL_TEXT_MAX bytes, may be NULL)
 * gets the extended-ack text of the first failed message, or "".
 */
int rtnl_batch_send(struct rtnl *rtnl, struct rtnl_batch *batch, int *results, char *kernel_text,
		    struct netd_error *err);

/* ---- queries ------------------------------------------------------------------------------ */

struct rtnl_link {
	uint32_t ifindex;
	uint32_t master;
	uint32_t mtu;
	uint32_t flags;	   /* IFF_* */
	uint8_t operstate; /* IF_OPER_*: 6 is up */
	char name[IFNAMSIZ];
	char kind[16]; /* "bridge", "veth", ... or "" */
	struct mac mac;
};

/* By name, or by ifindex when name is NULL. -ENODEV (err untouched) when there is none. */
int rtnl_link_get(struct rtnl *rtnl, const char *name, uint32_t ifindex, struct rtnl_link *ret,
		  struct netd_error *err);

/*
 * Every address and every destination of the main routing table of the host, both families, default
 * routes left out: what an automatic subnet must avoid. *ret is the caller's: free(3).
 * An interrupted dump is retried up to 5 times.
 */
int rtnl_busy_prefixes(struct rtnl *rtnl, struct prefix **ret, size_t *ret_n,
		       struct netd_error *err);

/* The host's own addresses of one family. *ret is the caller's: free(3). */
int rtnl_own_addresses(struct rtnl *rtnl, uint8_t family, struct rtnl_address **ret, size_t *ret_n,
		       struct netd_error *err);

/* Interfaces that hold an IPv6 default route learnt from router advertisements (RTPROT_RA). */
int rtnl_ra_interfaces(struct rtnl *rtnl, uint32_t *ret, size_t max, size_t *ret_n,
		       struct netd_error *err);

/* Is the address one of the host's own (RTM_GETROUTE says local)? 1, 0 or negative errno. */
int rtnl_is_local(struct rtnl *rtnl, const struct ip *ip, struct netd_error *err);

/* The largest interface index in use in the socket's namespace. */
int rtnl_max_ifindex(struct rtnl *rtnl, uint32_t *ret, struct netd_error *err);

/* ---- notifications: on a socket opened with groups, before the change is made -------------- */

/* Waits for RTM_NEWADDR of the address on ifindex; -ETIME after timeout_ms. */
int rtnl_wait_address(struct rtnl *rtnl, uint32_t ifindex, const struct ip *ip, int timeout_ms,
		      struct netd_error *err);
/* Waits for RTM_DELLINK (family AF_UNSPEC) of ifindex; -ETIME after timeout_ms (err untouched). */
int rtnl_wait_link_gone(struct rtnl *rtnl, uint32_t ifindex, int timeout_ms,
			struct netd_error *err);

#endif
