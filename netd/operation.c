// SPDX-License-Identifier: GPL-2.0-or-later
#include "operation.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "util.h"

int operation_open(struct netd *netd, struct operation *op, struct netd_error *err)
{
	int r;

	op->netd = netd;
	r = store_session_open(netd->store, &op->session, err);
	if (r >= 0)
		r = rtnl_open(0, &op->host, err);
	if (r >= 0)
		r = nft_open(&op->nft, err);
	return r;
}

void operation_close(struct operation *op)
{
	cleanup_close(&op->netns_fd);
	sysctl_close(&op->sysctl);
	nft_close(op->nft);
	rtnl_close(op->host);
	store_session_close(op->session);
}

struct apply_tools operation_tools(const struct operation *op)
{
	return (struct apply_tools){
		.host = op->host,
		.nft = op->nft,
		.sysctl = &op->sysctl,
		.netns_fd = op->netns_fd,
	};
}

/* ---- looking ------------------------------------------------------------------------------ */

static bool is_on(const struct operation *op, const char *path)
{
	char value[SYSCTL_VALUE_MAX];

	return sysctl_read(&op->sysctl, path, value, NULL) >= 0 && strcmp(value, "0") != 0;
}

bool operation_has_ipv6(const struct operation *op)
{
	char value[SYSCTL_VALUE_MAX];

	return sysctl_read(&op->sysctl, "ipv6/conf/all/disable_ipv6", value, NULL) >= 0 &&
	       strcmp(value, "0") == 0;
}

/* A bridge that goes by another name now still holds the containers and the gateway addresses. */
static int look_for_renamed(struct operation *op, const struct network *net, struct netd_error *err)
{
	struct rtnl_link link;
	int r;

	if (net->bridge_ifindex == 0)
		return 0;
	r = rtnl_link_get(op->host, NULL, net->bridge_ifindex, &link, err);
	if (r == -ENODEV)
		return 0;
	return r < 0 ? r
		     : error_set(err, NETD_E_KERNEL, EEXIST, net->bridge,
				 "bridge %s of network %s was renamed to %s: give it its name back "
				 "(ip "
				 "link set %s name %s)",
				 net->bridge, net->name, link.name, link.name, net->bridge);
}

/* Somebody may have flushed the addresses, or taken the bridge down, which drops those of IPv6. */
static int look_for_gateways(struct operation *op, const struct network *net, struct observed *seen,
			     struct netd_error *err)
{
	const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (uint32_t i = 0; i < net->n_ranges; i++) {
			const struct ip *gateway = &net->ranges[i].gateway;
			int r;

			if (gateway->family != families[f])
				continue;
			r = rtnl_is_local(op->host, gateway, err);
			if (r < 0)
				return r;
			seen->bridge_intact &= r == 1;
			break; /* one tells for its family */
		}
	}
	return 0;
}

static int look_for_bridge(struct operation *op, const struct network *net, struct observed *seen,
			   struct rtnl_link *link, struct netd_error *err)
{
	int r = rtnl_link_get(op->host, net->bridge, 0, link, err);

	if (r == -ENODEV)
		return look_for_renamed(op, net, err);
	if (r < 0)
		return r;
	if (strcmp(link->kind, "bridge") != 0)
		return error_set(
			err, NETD_E_INVALID, EEXIST, net->bridge,
			"\"%s\" already exists but is not a bridge: remove it, or give network "
			"%s another bridge name",
			net->bridge, net->name);
	seen->bridge_exists = true;
	seen->bridge_up = link->flags & IFF_UP;
	seen->bridge_intact = seen->bridge_up;
	if (net->flags & NETD_NETWORK_NO_GATEWAY)
		return 0;
	return look_for_gateways(op, net, seen, err);
}

/* Only of interest when IPv6 forwarding is about to be switched on. */
static int look_for_routers(struct operation *op, struct observed *seen, struct netd_error *err)
{
	uint32_t index[ARRAY_SIZE(seen->ra_ifname)];
	struct rtnl_link link;
	size_t n = 0;
	int r = rtnl_ra_interfaces(op->host, index, ARRAY_SIZE(index), &n, err);

	for (size_t i = 0; i < n && r >= 0; i++) {
		r = rtnl_link_get(op->host, NULL, index[i], &link, err);
		if (r >= 0)
			str_copy(seen->ra_ifname[seen->n_ra++], IFNAMSIZ, link.name);
		else if (r == -ENODEV)
			r = 0;
	}
	return r;
}

int operation_observe(struct operation *op, const struct network *net, struct observed *ret,
		      struct rtnl_link *ret_bridge, struct netd_error *err)
{
	struct observed seen = { 0 };
	enum nft_table_state table;
	int r = look_for_bridge(op, net, &seen, ret_bridge, err);

	if (r >= 0)
		r = nft_table_state(op->nft, &table, err);
	if (r < 0)
		return r;
	if (table == NFT_TABLE_FOREIGN)
		return error_set(err, NETD_E_EXISTS, EEXIST, "table inet " RULESET_TABLE,
				 "there is an nftables table inet " RULESET_TABLE
				 " that netd did not make: rename or delete it (nft delete table "
				 "inet " RULESET_TABLE ") and try again");
	seen.ruleset_exists = table != NFT_TABLE_MISSING;
	seen.ruleset_current = table == NFT_TABLE_CURRENT;
	seen.forwarding4 = is_on(op, "ipv4/ip_forward");
	seen.forwarding6 = is_on(op, "ipv6/conf/all/forwarding");
	seen.bridge_nf6 = is_on(op, "bridge/bridge-nf-call-ip6tables");
	if (!seen.forwarding6)
		r = look_for_routers(op, &seen, err);
	if (r < 0)
		return r;
	*ret = seen;
	return 0;
}

/* ---- finding ------------------------------------------------------------------------------ */

struct find {
	const struct attachment_filter *filter;
	struct attachment_list found;
};

static bool matches(const struct attachment *att, const struct attachment_filter *filter)
{
	return (!filter->id || strcmp(att->id, filter->id) == 0) &&
	       (!filter->ifname || strcmp(att->ifname, filter->ifname) == 0) &&
	       (!filter->phase || att->phase == filter->phase);
}

static int collect_attachment(struct attachment *att, bool *keep, void *user)
{
	struct find *find = user;
	struct attachment **list;

	if (!matches(att, find->filter))
		return 0;
	list = reallocarray(find->found.list, find->found.n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	find->found.list = list;
	find->found.list[find->found.n++] = att;
	*keep = true;
	return 0;
}

/* With the whole key given one look-up is enough. */
static int find_one(struct store_txn *txn, struct find *find, struct netd_error *err)
{
	struct attachment *att = NULL;
	struct attachment_key key;
	bool keep = false;
	int r = spec_key(find->filter->network, find->filter->id, find->filter->ifname, &key, err);

	if (r >= 0)
		r = store_attachment_get(txn, &key, &att, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = collect_attachment(att, &keep, find);
	if (!keep)
		attachment_free(att);
	return r;
}

int attachments_find(struct store_txn *txn, const struct attachment_filter *filter,
		     struct attachment_list *ret, struct netd_error *err)
{
	struct find find = { .filter = filter };
	int r;

	if (filter->network && filter->id && filter->ifname)
		r = find_one(txn, &find, err);
	else
		r = store_attachment_each(txn, filter->network, collect_attachment, &find, err);
	if (r < 0) {
		attachment_list_free(&find.found);
		return error_sys(err, -r, NULL, "cannot read the attachments from the state");
	}
	*ret = find.found;
	return 0;
}

void attachment_list_free(struct attachment_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		attachment_free(list->list[i]);
	free(list->list);
	*list = (struct attachment_list){ 0 };
}

/* ---- inventory ---------------------------------------------------------------------------- */

struct collect {
	struct inventory *inv;
	const char *except;
};

static int collect_network(const struct network *net, void *user)
{
	struct collect *c = user;
	struct network **list, *copy;

	if (net->bridge_ifindex == 0 || (c->except && strcmp(net->name, c->except) == 0))
		return 0;
	list = reallocarray(c->inv->networks, c->inv->n_networks + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->inv->networks = list;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *net;
	c->inv->networks[c->inv->n_networks++] = copy;
	return 0;
}

int inventory_load(struct store_txn *txn, const char *except, struct inventory *ret,
		   struct netd_error *err)
{
	const struct attachment_filter ready = { .phase = PHASE_READY };
	struct attachment_list attachments = { 0 };
	struct inventory inv = { 0 };
	struct collect c = { &inv, except };
	int r = store_network_each(txn, collect_network, &c, err);

	if (r >= 0)
		r = attachments_find(txn, &ready, &attachments, err);
	inv.attachments = attachments.list;
	inv.n_attachments = attachments.n;
	if (r < 0) {
		inventory_free(&inv);
		return error_sys(err, -r, NULL, "cannot read the state");
	}
	*ret = inv;
	return 0;
}

void inventory_free(struct inventory *inv)
{
	struct attachment_list attachments = { inv->attachments, inv->n_attachments };

	for (size_t i = 0; i < inv->n_networks; i++)
		free(inv->networks[i]);
	free(inv->networks);
	attachment_list_free(&attachments);
	*inv = (struct inventory){ 0 };
}
