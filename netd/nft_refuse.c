// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel's refusal of a message means: error texts that name the object or element. */
#include <netinet/in.h> /* before the kernel's headers, which define the same otherwise */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "error.h"
#include "nft_expr.h"
#include "util.h"

/* The member of the message's list that the kernel pointed at, or its only one; else NULL. */
static const struct nlattr *culprit(const struct nlmsghdr *nlh, uint16_t list_type, uint32_t offset)
{
	const struct nlattr *list = nfsock_find(nlh, list_type);
	const struct nlattr *attr, *only = NULL;
	size_t n = 0;

	if (!list)
		return NULL;
	NL_FOR_EACH_NESTED(attr, list)
	{
		if ((const char *)attr == (const char *)nlh + offset)
			return attr;
		only = attr;
		n++;
	}
	return n == 1 ? only : NULL;
}

static int refuse_elem(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
		       struct netd_error *err)
{
	enum ruleset_set set = nft_elem_set(nlh);
	const char *name = nfsock_string(nfsock_find(nlh, NFTA_SET_ELEM_LIST_SET));
	const struct nlattr *elem = culprit(nlh, NFTA_SET_ELEM_LIST_ELEMENTS, reply->offset);
	const uint8_t *key = elem && set < SET_COUNT_ ? nft_elem_key(set, elem) : NULL;
	char text[NFT_ELEM_TEXT_SIZE] = "an element";

	if (key)
		nft_elem_describe(set, key, text);
	if (reply->error == -ENOENT)
		return error_set(err, NETD_E_KERNEL, ENOENT, name,
				 "set %s of nftables table inet " RULESET_TABLE
				 " is gone: somebody flushed or deleted netd's rules",
				 name);
	if (reply->error == -EEXIST && set < SET_COUNT_ && nft_elem_is_publish(set))
		return error_set(
			err, NETD_E_CONFLICT, EEXIST, text,
			"cannot publish %s: an element that netd has no record of holds it; "
			"see 'nft list map inet " RULESET_TABLE " %s'",
			text, name);
	return error_sys(err, -reply->error, text, "cannot %s %s in nftables set %s",
			 NFT_EXPR_MSG(nlh) == NFT_MSG_NEWSETELEM ? "put" : "delete", text, name);
}

/* Kernel option behind an expression, for whoever has to switch it on. */
static const char *expr_option(const char *name)
{
	static const struct {
		const char *name, *option;
	} options[] = {
		{ "fib", "NFT_FIB_INET" }, { "nat", "NFT_NAT" },	{ "masq", "NFT_MASQ" },
		{ "ct", "NFT_CT" },	   { "fwd", "NFT_FWD_NETDEV" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(name, options[i].name) == 0)
			return options[i].option;
	}
	return "NF_TABLES";
}

static bool means_missing(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -EAFNOSUPPORT ||
	       error == -EPROTONOSUPPORT;
}

static int unsupported(const struct nfsock_reply *reply, const char *what, const char *option,
		       struct netd_error *err)
{
	return error_set(err, NETD_E_UNSUPPORTED, -reply->error, what,
			 "this kernel lacks nftables support for %s (CONFIG_%s), which netd needs",
			 what, option);
}

static int refuse_rule(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
		       struct netd_error *err)
{
	const struct nlattr *expr = culprit(nlh, NFTA_RULE_EXPRESSIONS, reply->offset);
	const char *name = expr ? nfsock_string(nfsock_find_nested(expr, NFTA_EXPR_NAME)) : "";
	const char *chain = nfsock_string(nfsock_find(nlh, NFTA_RULE_CHAIN));
	char what[64];

	if (name[0] && means_missing(reply->error)) {
		snprintf(what, sizeof(what), "the expression '%s'", name);
		return unsupported(reply, what, expr_option(name), err);
	}
	return error_sys(err, -reply->error, chain, "cannot add a rule to nftables chain %s",
			 chain);
}

static int refuse_chain(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
			struct netd_error *err)
{
	const char *chain = nfsock_string(nfsock_find(nlh, NFTA_CHAIN_NAME));
	const char *device =
		nfsock_string(nfsock_find_nested(nfsock_find(nlh, NFTA_CHAIN_HOOK), NFTA_HOOK_DEV));
	const char *type = nfsock_string(nfsock_find(nlh, NFTA_CHAIN_TYPE));
	char what[64];

	if (device[0] && reply->error == -ENOENT)
		return error_set(err, NETD_E_KERNEL, ENODEV, device,
				 "cannot add nftables chain %s: there is no interface %s", chain,
				 device);
	if (type[0] && means_missing(reply->error)) {
		snprintf(what, sizeof(what), "chains of type '%s'", type);
		return unsupported(reply, what,
				   strcmp(type, "nat") == 0 ? "NF_NAT" : "NF_TABLES_INET", err);
	}
	return error_sys(err, -reply->error, chain, "cannot change nftables chain %s", chain);
}

static int refuse_table(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
			struct netd_error *err)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const char *family = nfg->nfgen_family == NFPROTO_INET ? "inet" : "netdev";
	char what[64];

	if (means_missing(reply->error)) {
		snprintf(what, sizeof(what), "tables of family '%s'", family);
		return unsupported(reply, what,
				   nfg->nfgen_family == NFPROTO_INET ? "NF_TABLES_INET"
								     : "NF_TABLES_NETDEV",
				   err);
	}
	return error_sys(err, -reply->error, RULESET_TABLE,
			 "cannot change nftables table %s " RULESET_TABLE, family);
}

static int refuse_set(const struct nlmsghdr *nlh, const struct nfsock_reply *reply,
		      struct netd_error *err)
{
	const char *name = nfsock_string(nfsock_find(nlh, NFTA_SET_NAME));
	char what[64];

	if (means_missing(reply->error)) {
		snprintf(what, sizeof(what), "sets like '%s'", name);
		return unsupported(reply, what, "NF_TABLES", err);
	}
	return error_sys(err, -reply->error, name, "cannot create nftables set %s", name);
}

/* The batch as a whole, or a message of ours that is not there. */
static int refuse_all(const struct nfsock_reply *reply, struct netd_error *err)
{
	if (reply->error == -EINVAL || means_missing(reply->error))
		return unsupported(reply, "transactions", "NF_TABLES", err);
	return error_sys(err, -reply->error, "nftables", "cannot change nftables%s",
			 reply->error == -EPERM ? " (CAP_NET_ADMIN is needed)" : "");
}

int nft_refuse(const struct nlmsghdr *nlh, const struct nfsock_reply *reply, struct netd_error *err)
{
	if (!nlh) {
		refuse_all(reply, err);
	} else {
		switch (NFT_EXPR_MSG(nlh)) {
		case NFT_MSG_NEWTABLE:
		case NFT_MSG_DELTABLE:
			refuse_table(nlh, reply, err);
			break;
		case NFT_MSG_NEWCHAIN:
		case NFT_MSG_DELCHAIN:
			refuse_chain(nlh, reply, err);
			break;
		case NFT_MSG_NEWSET:
			refuse_set(nlh, reply, err);
			break;
		case NFT_MSG_NEWRULE:
			refuse_rule(nlh, reply, err);
			break;
		default: /* the messages about elements */
			refuse_elem(nlh, reply, err);
			break;
		}
	}
	if (reply->text[0])
		error_kernel(err, reply->text);
	return reply->error;
}

int nft_refuse_question(int error, const struct nfsock_reply *reply, const char *what,
			struct netd_error *err)
{
	struct nfsock_reply failed = { .error = error };

	if (error == -EINVAL || error == -EOPNOTSUPP)
		unsupported(&failed, "any table", "NF_TABLES", err);
	else
		error_sys(err, -error, what, "cannot ask nftables for %s", what);
	if (reply->text[0])
		error_kernel(err, reply->text);
	return error;
}
