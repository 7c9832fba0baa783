/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nftables transactions over nfnetlink. System module: blocks, needs CAP_NET_ADMIN. */
#ifndef NETD_NFT_H
#define NETD_NFT_H

#include <netd.h>

#include "ruleset.h"

struct nft; /* one nfnetlink socket, in the namespace it was opened in */

int nft_open(struct nft **ret, struct netd_error *err);
void nft_close(struct nft *nft);
static inline void nft_cleanup(struct nft **nft)
{
	nft_close(*nft);
}
#define _cleanup_nft_ __attribute__((cleanup(nft_cleanup)))

enum nft_table_state {
	NFT_TABLE_MISSING,
	NFT_TABLE_CURRENT, /* made by netd, of RULESET_VERSION */
	NFT_TABLE_OTHER,   /* netd's, of another version or with rules missing: to be rebuilt */
	NFT_TABLE_FOREIGN, /* a table of that name that somebody else made */
};
/* Point queries, no dump: about 10 us. Rules missing from the guard and forward chains are noticed. */
int nft_table_state(struct nft *nft, enum nft_table_state *ret, struct netd_error *err);

/*
 * Is the element (for a publish range: its first) present? 1, 0, or negative errno; 2: its key is, with
 * another value. A missing table is 0. No transaction; about 5 us, for subnets 15.
 */
int nft_has_elem(struct nft *nft, const struct elem *elem, struct netd_error *err);

/*
 * A transaction under construction. Everything added travels in one netlink batch and takes effect
 * at once or not at all. Functions return 0 or -ENOMEM/-EINVAL with err set.
 */
struct nft_batch;

int nft_batch_new(struct nft_batch **ret, struct netd_error *err);
void nft_batch_free(struct nft_batch *batch);
static inline void nft_batch_cleanup(struct nft_batch **batch)
{
	nft_batch_free(*batch);
}
#define _cleanup_nft_batch_ __attribute__((cleanup(nft_batch_cleanup)))

/*
 * The whole constant ruleset; replace: delete what stands under netd's name first (both families; the
 * bridges' loopback6 chains are the caller's to add again). Else -EEXIST if the table exists.
 */
int nft_batch_ruleset(struct nft_batch *batch, bool replace, struct netd_error *err);
/* Removes both tables; not an error if they are missing. */
int nft_batch_ruleset_del(struct nft_batch *batch, struct netd_error *err);
/*
 * Elements of publish maps are added with EXCL; others tolerate an identical element. Elements take
 * effect behind the ruleset and loopback6 changes that were batched before them; among elements, the
 * order is kept within a set.
 */
int nft_batch_elem_add(struct nft_batch *batch, const struct elem *elem, struct netd_error *err);
/*
 * Deletion goes by key and tolerates absence of the element, not of the table (-ENOENT):
 * NFT_MSG_DESTROYSETELEM where the kernel has it (6.3); else nft_batch_send looks each element up first
 * and leaves out what is missing.
 */
int nft_batch_elem_del(struct nft_batch *batch, const struct elem *elem, struct netd_error *err);
/* The bridge's chain in table netdev netd: replaces one that stands, deletes one that may be missing. */
int nft_batch_loopback6_add(struct nft_batch *batch, const char *bridge, struct netd_error *err);
int nft_batch_loopback6_del(struct nft_batch *batch, const char *bridge, struct netd_error *err);

bool nft_batch_empty(const struct nft_batch *batch);

/*
 * Sends the transaction and reads every reply. On failure nothing has changed; err names the
 * element or object that the kernel refused: -EEXIST (a published port held by a foreign element),
 * -ENOENT (the table or set vanished: rebuild and retry), others. The first error of a batch wins.
 */
int nft_batch_send(struct nft *nft, struct nft_batch *batch, struct netd_error *err);
/* After a failure: was the transaction sent and its answer not received, so that it may stand? */
bool nft_batch_answer_lost(const struct nft_batch *batch);

#endif
