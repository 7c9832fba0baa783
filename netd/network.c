// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks: resolving, setting, listing, removing. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "operation.h"
#include "util.h"

/* What elements and port flags are made from: one for all networks of a bridge, fixed while in use. */
#define POLICY_FLAGS                                                                               \
	(NETD_NETWORK_ROUTED | NETD_NETWORK_INTERNAL | NETD_NETWORK_ISOLATED |                     \
	 NETD_NETWORK_NO_GATEWAY)

/* ---- subnets ------------------------------------------------------------------------------ */

struct prefixes {
	struct prefix *list;
	size_t n;
	const char *except;
};

static int collect_subnets(const struct network *net, void *user)
{
	struct prefixes *p = user;
	struct prefix *list;

	if (strcmp(net->name, p->except) == 0 || net->n_ranges == 0)
		return 0;
	list = reallocarray(p->list, p->n + net->n_ranges, sizeof(*list));
	if (!list)
		return -ENOMEM;
	p->list = list;
	for (uint32_t i = 0; i < net->n_ranges; i++)
		p->list[p->n++] = net->ranges[i].subnet;
	return 0;
}

/* Subnets that avoid every address and route of the host and every other network. */
static int choose_subnets(struct operation *op, struct store_txn *txn, struct network *net,
			  struct netd_error *err)
{
	struct prefixes busy = { .except = net->name };
	int r = rtnl_busy_prefixes(op->host, &busy.list, &busy.n, err);

	if (r >= 0)
		r = store_network_each(txn, collect_subnets, &busy, err);
	if (r == -ENOMEM)
		r = error_nomem(err);
	if (r >= 0)
		r = spec_choose_subnets(net, op->netd->pools, op->netd->n_pools, busy.list, busy.n,
					err);
	free(busy.list);
	return r;
}

struct overlap {
	const struct network *net;
	struct netd_error *err;
};

/* Two networks on one bridge may divide a subnet between them. */
static bool may_share(const struct range *a, const struct range *b)
{
	return memcmp(&a->subnet, &b->subnet, sizeof(a->subnet)) == 0 &&
	       ip_equal(&a->gateway, &b->gateway) &&
	       (ip_cmp(&a->end, &b->start) < 0 || ip_cmp(&b->end, &a->start) < 0);
}

static int check_overlap(const struct network *other, void *user)
{
	struct overlap *o = user;
	char a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	if (strcmp(other->name, o->net->name) == 0)
		return 0;
	if (strcmp(other->bridge, o->net->bridge) == 0 &&
	    (other->flags ^ o->net->flags) & POLICY_FLAGS)
		return error_set(
			o->err, NETD_E_CONFLICT, EEXIST, o->net->bridge,
			"bridge %s is used by network %s with another policy (routed, internal "
			"or isolated): give network %s a bridge of its own",
			other->bridge, other->name, o->net->name);
	for (uint32_t i = 0; i < o->net->n_ranges; i++) {
		for (uint32_t j = 0; j < other->n_ranges; j++) {
			const struct prefix *mine = &o->net->ranges[i].subnet;
			const struct prefix *theirs = &other->ranges[j].subnet;

			if (!prefix_overlaps(mine, theirs) ||
			    (strcmp(other->bridge, o->net->bridge) == 0 &&
			     may_share(&o->net->ranges[i], &other->ranges[j])))
				continue;
			return error_set(
				o->err, NETD_E_CONFLICT, EEXIST, o->net->name,
				"subnet %s of network %s overlaps with %s of network %s: choose "
				"another, or remove that network",
				prefix_format(mine, a), o->net->name, prefix_format(theirs, b),
				other->name);
		}
	}
	return 0;
}

static bool is_gateway(const struct network *net, const struct ip *ip)
{
	for (uint32_t i = 0; net && i < net->n_ranges; i++)
		if (ip_equal(&net->ranges[i].gateway, ip))
			return true;
	return false;
}

/*
 * A subnet around an address that the host has on another interface would cut it off from its
 * neighbours there; on the network's own bridge only its gateways, present and former, are expected.
 */
static int check_range(struct operation *op, const struct network *net,
		       const struct network *former, const struct range *range, uint32_t bridge,
		       struct netd_error *err)
{
	_cleanup_free_ struct rtnl_address *own = NULL;
	char a[PREFIX_STRLEN], b[IP_STRLEN];
	size_t n = 0;
	int r = rtnl_own_addresses(op->host, range->subnet.ip.family, &own, &n, err);

	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct ip *ip = &own[i].address.ip;

		if (!prefix_contains(&range->subnet, ip) ||
		    (own[i].ifindex == bridge && (is_gateway(net, ip) || is_gateway(former, ip))))
			continue;
		r = error_set(err, NETD_E_CONFLICT, EEXIST, net->name,
			      "subnet %s of network %s contains %s, which this host has on another "
			      "interface or not as the network's gateway: choose another subnet or "
			      "gateway, or remove the network that it belongs to (netd network ls)",
			      prefix_format(&range->subnet, a), net->name, ip_format(ip, b));
	}
	return r;
}

static int check_host(struct operation *op, const struct network *net, const struct network *former,
		      struct netd_error *err)
{
	struct rtnl_link link = { 0 };
	int r = rtnl_link_get(op->host, net->bridge, 0, &link, err);

	if (r == -ENODEV)
		r = 0;
	for (uint32_t i = 0; i < net->n_ranges && r >= 0; i++)
		r = check_range(op, net, former, &net->ranges[i], link.ifindex, err);
	return r;
}

/* ---- resolving ---------------------------------------------------------------------------- */

/* Subnets that the new definition no longer has stay known for as long as containers use them. */
static int keep_subnets(struct network *net, const struct network *former, struct netd_error *err)
{
	for (uint32_t i = 0; i < former->n_ranges; i++) {
		struct range old = former->ranges[i];
		bool kept = false;

		for (uint32_t j = 0; j < net->n_ranges; j++)
			kept |= memcmp(&net->ranges[j].subnet, &old.subnet, sizeof(old.subnet)) ==
				0;
		if (kept)
			continue;
		if (net->n_ranges == MAX_RANGES)
			return error_set(
				err, NETD_E_INVALID, E2BIG, net->name,
				"network %s has had too many ranges while in use: detach its "
				"containers first",
				net->name);
		old.set = RANGE_RETIRED;
		net->ranges[net->n_ranges++] = old;
	}
	return 0;
}

/* The definition of a network that has containers: it may change, but not move. */
static int merge(struct network *net, const struct network *former, struct netd_error *err)
{
	if (strcmp(net->bridge, former->bridge) != 0)
		return error_set(
			err, NETD_E_EXISTS, EBUSY, net->name,
			"network %s is in use on bridge %s and cannot move to %s: detach its "
			"containers first",
			net->name, former->bridge, net->bridge);
	if ((net->flags ^ former->flags) & POLICY_FLAGS)
		return error_set(
			err, NETD_E_EXISTS, EBUSY, net->name,
			"network %s is in use and cannot change its policy (routed, internal, "
			"isolated, gateway): detach its containers first",
			net->name);
	net->flags |= former->flags & NETWORK_READY;
	net->bridge_ifindex = former->bridge_ifindex;
	net->bridge_mac = former->bridge_mac;
	net->bridge_created = former->bridge_created;
	net->loopback6 = former->loopback6;
	return keep_subnets(net, former, err);
}

static bool same_definition(struct network *net, const struct network *former)
{
	/* a network keeps the subnets that were chosen for it */
	if (net->flags == (former->flags & ~NETWORK_READY))
		for (uint32_t i = 0; i < former->n_ranges && net->n_ranges < MAX_RANGES; i++)
			if (spec_lacks_subnet(net, former->ranges[i].subnet.ip.family))
				net->ranges[net->n_ranges++] = former->ranges[i];
	return spec_same_network(net, former);
}

static int resolve_definition(struct operation *op, struct store_txn *txn,
			      const struct network *definition, struct network *ret,
			      const struct network *former, struct netd_error *err)
{
	struct overlap overlap = { ret, err };
	size_t n = 0;
	int r = 0;

	*ret = *definition;
	if (former) {
		if (same_definition(ret, former)) {
			*ret = *former;
			return 0;
		}
		r = store_attachment_count(txn, ret->name, &n, err);
		if (r >= 0 && n > 0)
			r = merge(ret, former, err);
	}
	if (r >= 0 && (spec_lacks_subnet(ret, AF_INET) || spec_lacks_subnet(ret, AF_INET6)))
		r = choose_subnets(op, txn, ret, err);
	if (r >= 0 && !(ret->flags & NETD_NETWORK_NO_GATEWAY))
		r = check_host(op, ret, former, err);
	return r < 0 ? r : store_network_each(txn, check_overlap, &overlap, err);
}

/* Dual stack where the host speaks IPv6 and a pool has a subnet left, else IPv4. */
static int resolve_default(struct operation *op, struct store_txn *txn, struct network *ret,
			   struct netd_error *err)
{
	if (operation_has_ipv6(op)) {
		spec_default_network(true, ret);
		if (choose_subnets(op, txn, ret, NULL) >= 0)
			return 0;
	}
	spec_default_network(false, ret);
	return choose_subnets(op, txn, ret, err);
}

int network_resolve(struct operation *op, struct store_txn *txn, const char *name,
		    const struct network *definition, struct network *ret,
		    struct network *ret_former, bool *ret_stored, struct netd_error *err)
{
	int r = store_network_get(txn, name, ret_former, err);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_stored = r >= 0;
	if (definition)
		return resolve_definition(op, txn, definition, ret, *ret_stored ? ret_former : NULL,
					  err);
	if (*ret_stored) {
		*ret = *ret_former;
		return 0;
	}
	if (strcmp(name, NETD_DEFAULT_NETWORK) != 0)
		return error_set(err, NETD_E_NOT_FOUND, ENOENT, name,
				 "there is no network %s: create it first (netd network create %s)",
				 name, name);
	return resolve_default(op, txn, ret, err);
}

int network_put(struct operation *op, const struct network *net, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, true, &txn, err);

	if (r >= 0)
		r = store_network_put(txn, net, err);
	return r < 0 ? r : store_commit(TAKE_PTR(txn), err);
}

/* Recorded first: a network that is half gone when we are killed must not be taken for a whole one. */
static int mark_down(struct operation *op, const struct network *net, struct netd_error *err)
{
	struct network down = *net;

	if (!(net->flags & NETWORK_READY))
		return 0;
	down.flags &= ~NETWORK_READY;
	return network_put(op, &down, err);
}

int network_down(struct operation *op, const struct network *net, struct netd_error *err)
{
	struct apply_tools tools = operation_tools(op);
	_cleanup_inventory_ struct inventory inv = { 0 };
	_cleanup_txn_ struct store_txn *txn = NULL;
	_cleanup_plan_ struct plan plan = { 0 };
	enum nft_table_state table;
	int r = mark_down(op, net, err);

	if (r >= 0)
		r = store_begin(op->session, false, &txn, err);
	if (r >= 0)
		r = inventory_load(txn, net->name, &inv, err);
	if (r < 0)
		return r;
	store_abort(TAKE_PTR(txn));
	r = nft_table_state(op->nft, &table, err);
	if (r < 0)
		return r;
	plan_network_down(&plan, net, &inv, table == NFT_TABLE_FOREIGN);
	r = plan_done(&plan, err);
	return r < 0 ? r : apply_removal(&plan, &tools, err);
}

/* ---- recovery ----------------------------------------------------------------------------- */

struct begun {
	struct network *list;
	size_t n;
};

/*
 * A network whose first use, change or removal was begun and not finished. One that has containers is
 * left to the next attach, which sets it up anew around them.
 */
static int collect_begun(const struct network *net, void *user)
{
	struct begun *begun = user;
	struct network *list;

	if ((net->flags & NETWORK_READY) || net->bridge_ifindex == 0)
		return 0;
	list = reallocarray(begun->list, begun->n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	begun->list = list;
	begun->list[begun->n++] = *net;
	return 0;
}

static int count_attachments(struct operation *op, const char *name, size_t *ret,
			     struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, false, &txn, err);

	return r < 0 ? r : store_attachment_count(txn, name, ret, err);
}

static int find_begun(struct operation *op, struct begun *begun, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, false, &txn, err);

	if (r >= 0)
		r = store_network_each(txn, collect_begun, begun, err);
	return r == -ENOMEM ? error_nomem(err) : r;
}

static int recover_network(struct operation *op, struct network *net, struct netd_error *err)
{
	size_t n = 0;
	int r = count_attachments(op, net->name, &n, err);

	if (r < 0 || n > 0)
		return r;
	r = network_down(op, net, err);
	net->bridge_ifindex = 0;
	net->bridge_created = false;
	net->loopback6 = false;
	return r < 0 ? r : network_put(op, net, err);
}

int operation_recover(struct operation *op, struct netd_error *err)
{
	struct begun begun = { 0 };
	int r = attachments_recover(op, err);

	if (r >= 0)
		r = find_begun(op, &begun, err);
	for (size_t i = 0; i < begun.n && r >= 0; i++) {
		r = recover_network(op, &begun.list[i], err);
	}
	free(begun.list);
	return r;
}

/* ---- API ---------------------------------------------------------------------------------- */

static int set_locked(struct operation *op, const struct network *definition,
		      struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct network net, former;
	bool stored = false;
	size_t n = 0;
	int r = operation_recover(op, err);

	if (r >= 0)
		r = store_begin(op->session, false, &txn, err);
	if (r >= 0)
		r = network_resolve(op, txn, definition->name, definition, &net, &former, &stored,
				    err);
	if (r >= 0)
		r = store_attachment_count(txn, net.name, &n, err);
	if (r < 0 || (stored && spec_same_network(&net, &former)))
		return r;
	store_abort(TAKE_PTR(txn));
	if (n > 0)
		return error_set(err, NETD_E_EXISTS, EBUSY, net.name,
				 "network %s exists with another definition and is in use by %zu "
				 "containers: detach them first",
				 net.name, n);
	if (stored)
		r = network_down(op, &former, err);
	return r < 0 ? r : network_put(op, &net, err);
}

/* Everything that changing networks needs, with the host to itself. */
static int open_exclusive(struct netd *netd, struct operation *op, struct netd_error *err)
{
	int r = operation_open(netd, op, err);

	if (r >= 0)
		r = sysctl_open(&op->sysctl, err);
	return r < 0 ? r : store_lock_host(op->session, true, err);
}

int netd_network_set(struct netd *netd, const struct netd_network *network, struct netd_error *err)
{
	_cleanup_operation_ struct operation op = OPERATION_INIT;
	struct network definition;
	int r = spec_network(network, &definition, err);

	if (r < 0) {
		error_stage(err, NETD_STAGE_VALIDATE);
		return r;
	}
	r = open_exclusive(netd, &op, err);
	if (r >= 0)
		r = set_locked(&op, &definition, err);
	error_stage(err, NETD_STAGE_RESERVE);
	return r;
}

static int report_one(struct store_txn *txn, const struct network *net, struct netd_network **ret,
		      struct netd_error *err)
{
	size_t n = 0;
	int r = store_attachment_count(txn, net->name, &n, err);

	return r < 0 ? r : report_network(net, n, ret, err);
}

/* Everything that looking at networks needs, the default one before its first use included. */
static int open_view(struct netd *netd, struct operation *op, struct store_txn **ret,
		     struct netd_error *err)
{
	int r = operation_open(netd, op, err);

	if (r >= 0)
		r = sysctl_open(&op->sysctl, err);
	return r < 0 ? r : store_begin(op->session, false, ret, err);
}

int netd_network_get(struct netd *netd, const char *name, struct netd_network **ret_network,
		     struct netd_error *err)
{
	_cleanup_operation_ struct operation op = OPERATION_INIT;
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct network net, former;
	bool stored;
	int r = spec_check_network_name(name, err);

	if (r >= 0)
		r = open_view(netd, &op, &txn, err);
	if (r >= 0)
		r = network_resolve(&op, txn, name, NULL, &net, &former, &stored, err);
	return r < 0 ? r : report_one(txn, &net, ret_network, err);
}

struct network_list {
	struct store_txn *txn;
	struct netd_network **list;
	size_t n;
	struct netd_error *err;
};

static int list_network(const struct network *net, void *user)
{
	struct network_list *l = user;
	struct netd_network **list = reallocarray(l->list, l->n + 1, sizeof(*list));
	int r;

	if (!list)
		return error_nomem(l->err);
	l->list = list;
	r = report_one(l->txn, net, &l->list[l->n], l->err);
	if (r < 0)
		return r;
	l->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct netd_network *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The network that exists without being created is listed although nothing is stored of it. */
static int list_default(struct operation *op, struct network_list *l)
{
	struct netd_error why = NETD_ERROR_INIT;
	struct network net, former;
	bool stored;
	int r;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i]->name, NETD_DEFAULT_NETWORK) == 0)
			return 0;
	r = network_resolve(op, l->txn, NETD_DEFAULT_NETWORK, NULL, &net, &former, &stored, &why);
	if (why.code == NETD_E_EXHAUSTED) /* it cannot come into being: nothing to show */
		return 0;
	if (r < 0 && l->err && l->err->code == NETD_OK)
		*l->err = why;
	if (r >= 0)
		r = list_network(&net, l);
	if (r >= 0)
		qsort(l->list, l->n, sizeof(struct netd_network *), by_name);
	return r;
}

int netd_network_list(struct netd *netd, struct netd_network ***ret_list, size_t *ret_n,
		      struct netd_error *err)
{
	_cleanup_operation_ struct operation op = OPERATION_INIT;
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct network_list l = { .err = err };
	int r = open_view(netd, &op, &txn, err);

	l.txn = txn;
	if (r >= 0)
		r = store_network_each(txn, list_network, &l, err);
	if (r >= 0)
		r = list_default(&op, &l);
	if (r < 0) {
		netd_network_list_free(l.list, l.n);
		return r;
	}
	*ret_list = l.list;
	*ret_n = l.n;
	return 0;
}

void netd_network_list_free(struct netd_network **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		netd_network_free(list[i]);
	free(list);
}

static int delete_record(struct operation *op, const char *name, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, true, &txn, err);

	if (r >= 0)
		r = store_network_del(txn, name, err);
	return r < 0 ? r : store_commit(TAKE_PTR(txn), err);
}

static int remove_locked(struct operation *op, const char *name, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct network net;
	size_t n = 0;
	int r = operation_recover(op, err);

	if (r >= 0)
		r = store_begin(op->session, false, &txn, err);
	if (r >= 0)
		r = store_network_get(txn, name, &net, err);
	if (r == -ENOENT)
		return error_set(err, NETD_E_NOT_FOUND, ENOENT, name, "there is no network %s",
				 name);
	if (r >= 0)
		r = store_attachment_count(txn, name, &n, err);
	if (r < 0)
		return r;
	store_abort(TAKE_PTR(txn));
	if (n > 0)
		return error_set(err, NETD_E_BUSY, EBUSY, name,
				 "network %s is in use by %zu container interface%s: detach first "
				 "(netd detach ID)",
				 name, n, n == 1 ? "" : "s");
	r = network_down(op, &net, err);
	return r < 0 ? r : delete_record(op, name, err);
}

int netd_network_remove(struct netd *netd, const char *name, struct netd_error *err)
{
	_cleanup_operation_ struct operation op = OPERATION_INIT;
	int r = spec_check_network_name(name, err);

	if (r < 0) {
		error_stage(err, NETD_STAGE_VALIDATE);
		return r;
	}
	r = open_exclusive(netd, &op, err);
	if (r >= 0)
		r = remove_locked(&op, name, err);
	error_stage(err, NETD_STAGE_APPLY);
	return r;
}
