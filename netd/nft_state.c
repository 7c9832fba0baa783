// SPDX-License-Identifier: GPL-2.0-or-later
/* Is the ruleset in place, netd's, of this version, and whole? */
#include "error.h"
#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "error.h"
#include "nft_expr.h"
#include "util.h"

/* The comment of the table as user data: type 0, length, text and NUL. */
static enum nft_table_state judge_comment(const struct nlattr *udata)
{
	const char *prefix = RULESET_COMMENT_PREFIX;
	char own[64] = { 0 };
	int len = snprintf(own + 2, sizeof(own) - 2, "%s%d", prefix, RULESET_VERSION);
	const void *data;

	own[1] = (char)(len + 1);
	data = nfsock_payload(udata, (size_t)len + 3);
	if (data && memcmp(data, own, (size_t)len + 3) == 0)
		return NFT_TABLE_CURRENT;
	data = udata && mnl_attr_get_payload_len(udata) > 2 + strlen(prefix)
		       ? mnl_attr_get_payload(udata)
		       : NULL;
	return data && memcmp((const char *)data + 2, prefix, strlen(prefix)) == 0
		       ? NFT_TABLE_OTHER
		       : NFT_TABLE_FOREIGN;
}

static int on_table(const struct nlmsghdr *nlh, void *user)
{
	*(enum nft_table_state *)user = judge_comment(nfsock_find(nlh, NFTA_TABLE_USERDATA));
	return 0;
}

static int on_chain(const struct nlmsghdr *nlh, void *user)
{
	const uint32_t *n = nfsock_payload(nfsock_find(nlh, NFTA_CHAIN_USE), sizeof(*n));

	*(uint32_t *)user = n ? be32toh(*n) : 0;
	return 0;
}

/* "nft flush table" empties the chains and leaves everything else: has the chain all its rules? */
static int chain_is_whole(struct nft *nft, const struct ruleset_chain *chain)
{
	char buf[192] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh =
		nfsock_put_header(buf, NFT_EXPR_TYPE(NFT_MSG_GETCHAIN), 0, NFPROTO_INET);
	uint32_t n = 0;
	int r;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain->name);
	r = nfsock_talk(&nft->nl, nlh, on_chain, &n, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	return n >= chain->n_rules;
}

/* The chains that keep things closed; the others fail visibly. */
static bool guards_something(const struct ruleset_chain *chain)
{
	return strcmp(chain->name, "guard") == 0 || strcmp(chain->name, "forward") == 0;
}

int nft_table_state(struct nft *nft, enum nft_table_state *ret, struct netd_error *err)
{
	char buf[128] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh =
		nfsock_put_header(buf, NFT_EXPR_TYPE(NFT_MSG_GETTABLE), 0, NFPROTO_INET);
	enum nft_table_state state = NFT_TABLE_MISSING;
	const struct ruleset_chain *chain;
	struct nfsock_reply reply;
	int r;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, RULESET_TABLE);
	r = nfsock_talk(&nft->nl, nlh, on_table, &state, &reply);
	if (r < 0 && r != -ENOENT)
		return nft_refuse_question(r, &reply, "table inet " RULESET_TABLE, err);
	for (size_t i = 0; state == NFT_TABLE_CURRENT && (chain = ruleset_chain(i)); i++) {
		if (!guards_something(chain))
			continue;
		r = chain_is_whole(nft, chain);
		if (r < 0)
			return error_sys(err, -r, chain->name, "cannot examine nftables chain %s",
					 chain->name);
		if (r == 0)
			state = NFT_TABLE_OTHER;
	}
	*ret = state;
	return 0;
}
