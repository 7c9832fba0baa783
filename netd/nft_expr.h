/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The description of ruleset.h as nf_tables messages. Builds, never sends: every function appends
 * whole messages to msgs and returns 0 or -ENOMEM (what was appended before stays).
 */
#ifndef NETD_NFT_EXPR_H
#define NETD_NFT_EXPR_H

#include "nfsock.h"
#include "ruleset.h"

/* In linux/nf_tables.h from Linux 6.3 on; older headers do not have it. */
#define NFT_EXPR_MSG_DESTROYSETELEM 30

/* Bytes of a concatenation of types, each padded to a 32-bit register. */
uint32_t nft_expr_bytes(const enum ruleset_type *fields, size_t max);

/* Type of an nf_tables message as it stands in the netlink header. */
#define NFT_EXPR_TYPE(msg) ((uint16_t)((NFNL_SUBSYS_NFTABLES << 8) | (msg)))

/* The other way: the message of a netlink header. */
#define NFT_EXPR_MSG(nlh) ((nlh)->nlmsg_type & 0xff)

/* Table, sets, chains and rules. exclusive: -EEXIST from the kernel if the table exists. */
int nft_expr_put_ruleset(struct nfsock_msgs *msgs, bool exclusive);
/* Deletes the tables of both families, missing ones too: each is added first. */
int nft_expr_put_ruleset_del(struct nfsock_msgs *msgs);
/* The bridge's chain in table netdev netd, replacing one that stands there. */
int nft_expr_put_loopback6(struct nfsock_msgs *msgs, const char *bridge);
int nft_expr_put_loopback6_del(struct nfsock_msgs *msgs, const char *bridge);

/* ---- nft_elem.c: elements ------------------------------------------------------------------- */

/* One element as the kernel sees it; a struct elem is one or several of them. */
struct nft_elem {
	uint32_t n; /* how many of the same struct elem stand before it */
	uint8_t key[2 * IFNAMSIZ];
	uint32_t key_len;
	uint8_t data[24];
	uint32_t data_len; /* 0: no data, or a verdict */
	int32_t verdict;   /* NF_*, where the set is a verdict map */
	bool interval_end;
	uint8_t userdata[RULESET_OWNER_MAX + 16];
	uint32_t userdata_len;
};

/* elem has passed ruleset_elem_check(). */
void nft_elem_first(const struct elem *elem, struct nft_elem *ret);
/* Turns it into the one behind it; false when there is none. */
bool nft_elem_next(const struct elem *elem, struct nft_elem *raw);

/* Bytes that one element takes at most. */
#define NFT_ELEM_ROOM 320
/* Appends to an open list of elements; full: with value and userdata, else the key alone. */
void nft_elem_put(struct nlmsghdr *nlh, enum ruleset_set set, const struct nft_elem *raw,
		  bool full);
/* Key of an element of the list; NULL unless it has the length of the set's keys. */
const uint8_t *nft_elem_key(enum ruleset_set set, const struct nlattr *elem);
/* Is the value of an element of the list the same? */
bool nft_elem_same_data(enum ruleset_set set, const struct nlattr *elem,
			const struct nft_elem *raw);

/* Set that a message about elements is for; SET_COUNT_ for none of ours. */
enum ruleset_set nft_elem_set(const struct nlmsghdr *nlh);
/* Is it one of the maps of published ports? */
bool nft_elem_is_publish(enum ruleset_set set);

/* A key for people: "tcp 0.0.0.0:8080", "br0", "10.0.0.2". */
#define NFT_ELEM_TEXT_SIZE 64
const char *nft_elem_describe(enum ruleset_set set, const uint8_t *key,
			      char ret[static NFT_ELEM_TEXT_SIZE]);

/* ---- nft_refuse.c: refusals ----------------------------------------------------------------- */

/*
 * Fill err from the reply to a message, NULL: to a transaction as a whole; or to a question about
 * what. Return the kernel's negative errno.
 */
int nft_refuse(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
	       struct netd_error *err);
int nft_refuse_question(int error, const struct nfsock_reply *reply, const char *what,
			struct netd_error *err);

enum known { UNKNOWN, NO, YES };

/* One nfnetlink socket, with what is known of its kernel. */
struct nft {
	struct nfsock nl;
	enum known destroy; /* the kernel has NFT_MSG_DESTROYSETELEM */
};

#endif
