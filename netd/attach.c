// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attach: validate, look, reserve, plan, apply, commit. Whatever needs more than its own attachment
 * (a bridge to be made, the ruleset, forwarding, records of the dead) makes the operation start again
 * with the host lock held exclusively.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "ipam.h"
#include "netns.h"
#include "operation.h"
#include "parse.h"
#include "publish.h"
#include "sock.h"
#include "util.h"

#define TRIES 8 /* of an attach, see worth_retrying() */

struct attach {
	struct operation op;
	struct attach_spec spec;
	struct network net;    /* as it shall be */
	struct network former; /* as it is stored */
	bool stored;
	bool set_up; /* former is in place in the kernel */
	struct observed seen;
	struct inventory inv;
	struct attachment *att;
	struct plan plan;
	bool dry_run;
	bool exclusive;
	bool again; /* failed for a reason that may go away under the exclusive lock */
};

static void attach_cleanup(struct attach *a)
{
	attachment_free(a->att);
	inventory_free(&a->inv);
	plan_free(&a->plan);
	operation_close(&a->op);
}

/* ---- look --------------------------------------------------------------------------------- */

static const struct network *former_of(const struct attach *a)
{
	return a->set_up ? &a->former : NULL;
}

/* Two networks may share a bridge; that netd made it is known to both, so that the last removes it. */
static bool made_for_another(const struct attach *a, uint32_t ifindex)
{
	for (size_t i = 0; i < a->inv.n_networks; i++)
		if (a->inv.networks[i]->bridge_ifindex == ifindex &&
		    a->inv.networks[i]->bridge_created)
			return true;
	return false;
}

/* Was the gateway of a range there before netd? Known from the record, or to be seen now. */
static bool gateway_is_foreign(const struct attach *a, const struct range *range,
			       const struct rtnl_address *own, size_t n_own)
{
	for (uint32_t i = 0; i < a->former.n_ranges && a->set_up; i++)
		if (ip_equal(&a->former.ranges[i].gateway, &range->gateway))
			return a->former.foreign_gateways & (1U << i);
	for (size_t i = 0; i < n_own; i++)
		if (own[i].ifindex == a->net.bridge_ifindex &&
		    own[i].address.len == range->subnet.len &&
		    ip_equal(&own[i].address.ip, &range->gateway))
			return true;
	return false;
}

/* On a bridge that netd did not make, what stood there before is not netd's to remove. */
static int settle_gateways(struct attach *a, struct netd_error *err)
{
	uint32_t foreign = 0;

	for (uint32_t i = 0; i < a->net.n_ranges && !a->net.bridge_created; i++) {
		const struct range *range = &a->net.ranges[i];
		_cleanup_free_ struct rtnl_address *own = NULL;
		size_t n = 0;
		int r = rtnl_own_addresses(a->op.host, range->gateway.family, &own, &n, err);

		if (r < 0)
			return r;
		if (gateway_is_foreign(a, range, own, n))
			foreign |= 1U << i;
	}
	a->net.foreign_gateways = foreign;
	return 0;
}

/* What is stored is worth only as much as what stands: settle which bridge the plan is about. */
static void settle_bridge(struct attach *a, const struct rtnl_link *link)
{
	bool ours = a->stored && a->seen.bridge_exists && link->ifindex == a->former.bridge_ifindex;

	a->set_up = a->stored && (a->former.flags & NETWORK_READY);
	if (a->seen.bridge_exists && !ours)
		a->set_up = false;
	if (a->seen.bridge_exists) {
		a->net.bridge_ifindex = link->ifindex;
		a->net.bridge_mac = link->mac;
		a->net.bridge_created =
			(ours && a->former.bridge_created) || made_for_another(a, link->ifindex);
	} else {
		a->net.bridge_ifindex = 0; /* chosen when reserving */
		a->net.bridge_mac = plan_bridge_mac(&a->net);
		a->net.bridge_created = true;
	}
	a->net.bridge_mtu = a->net.bridge_created ? a->net.mtu : link->mtu;
	a->net.loopback6 = (a->set_up && a->former.loopback6) ||
			   (a->seen.bridge_nf6 && network_has_family(&a->net, AF_INET6) &&
			    !(a->net.flags & NETD_NETWORK_NO_GATEWAY));
}

static int look(struct attach *a, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct rtnl_link link = { 0 };
	int r = store_begin(a->op.session, false, &txn, err);

	if (r >= 0)
		r = network_resolve(&a->op, txn, a->spec.key.network,
				    a->spec.has_definition ? &a->spec.definition : NULL, &a->net,
				    &a->former, &a->stored, err);
	if (r >= 0 && a->exclusive)
		r = inventory_load(txn, a->net.name, &a->inv, err);
	if (r < 0)
		return r;
	r = operation_observe(&a->op, &a->net, &a->seen, &link, err);
	if (r < 0)
		return r;
	settle_bridge(a, &link);
	return a->exclusive ? settle_gateways(a, err) : 0;
}

/* A stored network without containers that is defined anew starts from nothing. */
static int drop_former(struct attach *a, struct netd_error *err)
{
	bool moved = a->stored && !a->dry_run && (a->former.flags & NETWORK_READY) &&
		     !(a->net.flags & NETWORK_READY);
	int r;

	if (!moved)
		return 0;
	r = network_down(&a->op, &a->former, err);
	if (r < 0)
		return r;
	inventory_free(&a->inv);
	return look(a, err);
}

/* ---- reserve ------------------------------------------------------------------------------ */

struct reserve {
	struct attach *a;
	struct store_txn *txn;
};

static bool is_pending(struct store_txn *txn, const struct attachment_key *key)
{
	_cleanup_attachment_ struct attachment *att = NULL;

	return store_attachment_get(txn, key, &att, NULL) >= 0 && att->phase == PHASE_PENDING;
}

static int leased(void *user, const struct ip *ip, char *owner, size_t owner_size,
		  struct netd_error *err)
{
	struct reserve *rs = user;
	struct attachment_key key;
	int r = store_lease_owner(rs->txn, rs->a->net.name, ip, &key, err);

	if (r == 1) {
		snprintf(owner, owner_size, "container %s (%s)", key.id, key.ifname);
		rs->a->again |= is_pending(rs->txn, &key);
	}
	return r;
}

static int last_address(void *user, uint8_t set, struct ip *ret)
{
	struct reserve *rs = user;

	return store_last_address(rs->txn, rs->a->net.name, set, ret, NULL);
}

/* The ranges that addresses are taken from. */
static void usable_ranges(const struct network *net, struct network *ret)
{
	*ret = *net;
	ret->n_ranges = 0;
	for (uint32_t i = 0; i < net->n_ranges; i++)
		if (net->ranges[i].set != RANGE_RETIRED)
			ret->ranges[ret->n_ranges++] = net->ranges[i];
}

static int reserve_addresses(struct reserve *rs, struct netd_error *err)
{
	const struct ipam_state state = { .leased = leased, .last = last_address, .user = rs };
	struct attachment *att = rs->a->att;
	struct network usable;
	int r;

	usable_ranges(&rs->a->net, &usable);
	if (usable.n_ranges == 0 && rs->a->spec.n_ips > 0)
		return error_set(err, NETD_E_INVALID, EINVAL, usable.name,
				 "network %s manages no addresses, so none can be requested",
				 usable.name);
	r = ipam_allocate(&usable, rs->a->spec.ips, rs->a->spec.n_ips, &state, att->leases,
			  &att->n_leases, err);
	for (uint32_t i = 0; i < att->n_leases && r >= 0; i++) {
		const struct ip *ip = &att->leases[i].address.ip;
		uint8_t set = 0;

		for (uint32_t j = 0; j < usable.n_ranges; j++)
			if (usable.ranges[j].subnet.ip.family == ip->family &&
			    ip_cmp(&usable.ranges[j].start, ip) <= 0 &&
			    ip_cmp(ip, &usable.ranges[j].end) <= 0)
				set = usable.ranges[j].set;
		r = store_set_last_address(rs->txn, usable.name, set, ip, err);
	}
	return r;
}

static int probe_port(void *user, const struct ip *host, uint8_t protocol, uint16_t port,
		      struct netd_error *err)
{
	struct reserve *rs = user;
	struct attachment_key owner;
	char ip[IP_STRLEN];
	int r = store_port_owner(rs->txn, host, protocol, port, &owner, err);

	if (r < 0)
		return r;
	if (r == 0)
		return sock_probe(host, protocol, port, err);
	rs->a->again |= is_pending(rs->txn, &owner);
	return error_set(
		err, NETD_E_CONFLICT, EADDRINUSE, owner.id,
		"Bind for %s%s%s:%u failed: port is already allocated (%s, by container %s on "
		"network %s): choose another host port, or detach that container",
		host->family == AF_INET6 ? "[" : "", ip_format(host, ip),
		host->family == AF_INET6 ? "]" : "", port, protocol_name(protocol), owner.id,
		owner.network);
}

/* A port can be published on an address of the host only, not on one that just passes through. */
static int check_host_addresses(struct attach *a, struct netd_error *err)
{
	struct ip ip, last = { 0 };

	for (size_t i = 0; i < a->spec.n_ports; i++) {
		const char *text = a->spec.ports[i].host_ip;
		int r;

		if (!*text || ip_parse(text, &ip) < 0 || ip_is_zero(&ip) || ip_equal(&ip, &last))
			continue;
		r = rtnl_is_local(a->op.host, &ip, err);
		if (r < 0)
			return r;
		if (r == 0)
			return error_set(
				err, NETD_E_INVALID, EADDRNOTAVAIL, text,
				"cannot publish on %s: it is not an address of this host; use "
				"one that \"ip address\" lists, or none for all of them",
				text);
		last = ip;
	}
	return 0;
}

static int check_publishable(struct attach *a, struct netd_error *err)
{
	if (a->net.flags & NETD_NETWORK_INTERNAL)
		return error_set(
			err, NETD_E_INVALID, EINVAL, a->net.name,
			"network %s is internal: ports of its containers cannot be published",
			a->net.name);
	if (a->att->n_leases == 0)
		return error_set(
			err, NETD_E_INVALID, EINVAL, a->net.name,
			"network %s manages no addresses: there is none to publish ports for",
			a->net.name);
	return check_host_addresses(a, err);
}

static int reserve_ports(struct reserve *rs, struct netd_error *err)
{
	struct publish_host host = { .probe = probe_port, .user = rs };
	struct attach *a = rs->a;
	uint8_t reserved[8192];
	int r;

	if (a->spec.n_ports == 0)
		return 0;
	r = check_publishable(a, err);
	if (r >= 0)
		r = sock_port_range(&a->op.sysctl, &host.first, &host.last, reserved, err);
	if (r >= 0)
		r = store_last_port(rs->txn, &host.cursor, err);
	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		return r;
	host.reserved = reserved;
	r = publish_resolve(a->spec.ports, a->spec.n_ports,
			    lease_of_family(a->att->leases, a->att->n_leases, AF_INET),
			    lease_of_family(a->att->leases, a->att->n_leases, AF_INET6), &host,
			    &a->att->mappings, &a->att->n_mappings, err);
	if (r >= 0 && host.cursor)
		r = store_set_last_port(rs->txn, host.cursor, err);
	return r;
}

static int reserve_links(struct reserve *rs, struct netd_error *err)
{
	struct attach *a = rs->a;
	struct attachment *att = a->att;
	int r = 0;

	if (a->net.bridge_ifindex == 0)
		r = store_next_ifindex(rs->txn, &a->net.bridge_ifindex, err);
	if (r >= 0)
		r = store_next_ifindex(rs->txn, &att->host_ifindex, err);
	if (r < 0)
		return r;
	att->ifindex = att->host_ifindex + 1;
	spec_host_ifname(&a->spec.key, att->host_ifname);
	att->mtu = a->spec.mtu ? a->spec.mtu : a->net.mtu;
	if (a->spec.has_mac)
		att->mac = a->spec.mac;
	else if (att->n_leases)
		att->mac = mac_from_ip(&att->leases[0].address.ip);
	else
		att->mac = plan_host_mac(att);
	if (!a->spec.has_mac && att->n_leases == 0)
		att->mac.b[1] = 0x46; /* not the host end's own */
	return spec_routes(&a->net, att->leases, att->n_leases, att->routes, &att->n_routes, err);
}

static int new_record(struct attach *a, struct netd_error *err)
{
	struct stat st;

	attachment_free(a->att);
	a->att = calloc(1, sizeof(*a->att));
	if (!a->att)
		return error_nomem(err);
	if (fstat(a->op.netns_fd, &st) < 0)
		return error_sys(err, errno, a->spec.netns, "cannot examine %s", a->spec.netns);
	str_copy(a->att->network, sizeof(a->att->network), a->spec.key.network);
	str_copy(a->att->id, sizeof(a->att->id), a->spec.key.id);
	str_copy(a->att->ifname, sizeof(a->att->ifname), a->spec.key.ifname);
	str_copy(a->att->netns, sizeof(a->att->netns), a->spec.netns);
	a->att->netns_ino = st.st_ino;
	a->att->phase = PHASE_PENDING;
	return 0;
}

static int check_absent(struct reserve *rs, struct netd_error *err)
{
	_cleanup_attachment_ struct attachment *att = NULL;
	const struct attachment_key *key = &rs->a->spec.key;
	int r = store_attachment_get(rs->txn, key, &att, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	rs->a->again = att->phase == PHASE_PENDING;
	return error_set(
		err, NETD_E_EXISTS, EEXIST, key->id,
		"container %s is attached to network %s as %s already: detach it first (netd "
		"detach %s), or choose another interface name",
		key->id, key->network, key->ifname, key->id);
}

/* One transaction claims everything; a dry run goes all the way and lets go of it. */
static int reserve(struct attach *a, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct reserve rs = { .a = a };
	struct network begun;
	int r = store_begin(a->op.session, true, &txn, err);

	if (r < 0)
		return r;
	rs.txn = txn;
	r = check_absent(&rs, err);
	if (r >= 0)
		r = new_record(a, err);
	if (r >= 0)
		r = reserve_addresses(&rs, err);
	if (r >= 0)
		r = reserve_ports(&rs, err);
	if (r >= 0)
		r = reserve_links(&rs, err);
	/* recorded as ready only while the kernel agrees */
	begun = a->net;
	if (!a->set_up || !spec_same_network(&a->net, &a->former))
		begun.flags &= ~NETWORK_READY;
	if (r >= 0 && a->exclusive)
		r = store_network_put(txn, &begun, err);
	if (r >= 0)
		r = store_attachment_put(txn, a->att, err);
	if (r < 0 || a->dry_run)
		return r;
	return store_commit(TAKE_PTR(txn), err);
}

/* Gives everything back; the state is as if the request had never come. */
static void release(struct attach *a, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(a->op.session, true, &txn, NULL);

	if (r >= 0)
		r = store_attachment_del(txn, &a->spec.key, NULL);
	if (r >= 0 && a->exclusive && a->stored)
		r = store_network_put(txn, &a->former, NULL);
	else if (r >= 0 && a->exclusive)
		r = store_network_del(txn, a->net.name, NULL);
	if (r >= 0)
		r = store_commit(TAKE_PTR(txn), NULL);
	if (r < 0)
		error_undo(err, "could not release the reservation of %s: %s", a->spec.key.id,
			   strerrordesc_np(-r));
}

static int commit(struct attach *a, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(a->op.session, true, &txn, err);

	a->net.flags |= NETWORK_READY;
	if (r >= 0)
		r = store_attachment_put(txn, a->att, err);
	if (r >= 0 && a->exclusive)
		r = store_network_put(txn, &a->net, err);
	return r < 0 ? r : store_commit(TAKE_PTR(txn), err);
}

/* ---- the pipe ----------------------------------------------------------------------------- */

/* Up to the reservation, under one kind of host lock. */
static int prepare_locked(struct attach *a, struct netd_error *err)
{
	int r = look(a, err);

	if (r >= 0 && !a->exclusive && plan_needs_host(&a->net, former_of(a), &a->seen)) {
		a->again = true;
		return -EAGAIN;
	}
	if (r >= 0 && a->exclusive)
		r = drop_former(a, err);
	error_stage(err, NETD_STAGE_OBSERVE);
	if (r < 0)
		return r;
	r = store_lock_attachment(a->op.session, &a->spec.key, true, err);
	if (r < 0)
		return r;
	r = reserve(a, err);
	error_stage(err, NETD_STAGE_RESERVE);
	if (r < 0)
		store_unlock_attachment(a->op.session, &a->spec.key);
	return r;
}

/* Undoes what died half way, then tries with the host to itself. */
static int prepare_exclusive(struct attach *a, struct netd_error *err)
{
	int r;

	a->exclusive = true;
	r = store_lock_host(a->op.session, true, err);
	if (r >= 0 && !a->dry_run)
		r = operation_recover(&a->op, err);
	return r < 0 ? r : prepare_locked(a, err);
}

static int prepare(struct attach *a, struct netd_error *err)
{
	struct netd_error why = NETD_ERROR_INIT;
	int r;

	if (a->exclusive)
		return prepare_exclusive(a, err);
	r = store_lock_host(a->op.session, false, err);
	if (r < 0)
		return r;
	r = prepare_locked(a, &why);
	if (r < 0 && (a->again || why.code == NETD_E_EXHAUSTED)) {
		store_unlock_host(a->op.session);
		return prepare_exclusive(a, err);
	}
	if (r < 0 && err && err->code == NETD_OK)
		*err = why;
	return r;
}

static int open_attach(struct attach *a, struct netd *netd,
		       const struct netd_attach_request *request, struct netd_error *err)
{
	int r = spec_attach(request, &a->spec, err);

	if (r >= 0)
		r = netns_open(a->spec.netns, &a->op.netns_fd, err);
	error_stage(err, NETD_STAGE_VALIDATE);
	if (r >= 0)
		r = operation_open(netd, &a->op, err);
	if (r >= 0)
		r = sysctl_open(&a->op.sysctl, err);
	error_stage(err, NETD_STAGE_OPEN);
	if (r >= 0)
		r = prepare(a, err);
	if (r < 0)
		return r;
	plan_attach(&a->plan, &a->net, former_of(a), a->att, &a->seen, &a->inv);
	r = plan_done(&a->plan, err);
	if (r < 0 && !a->dry_run)
		release(a, err);
	error_stage(err, NETD_STAGE_PLAN);
	return r;
}

/* A route that was there before (another network's default route) is not this attachment's. */
static void drop_existing_routes(struct attach *a, const struct applied *applied)
{
	uint32_t kept = 0, next = 0;

	for (size_t i = 0; i < a->plan.n; i++) {
		const struct step *step = &a->plan.steps[i];

		/* steps and routes are in the same order */
		if (step->kind != STEP_ROUTE_ADD || step->where != CONTAINER)
			continue;
		if (!applied_existed(applied, i))
			a->att->routes[kept++] = a->att->routes[next];
		next++;
	}
	a->att->n_routes = kept;
}

/* A reservation whose kernel objects could not all be taken back stays, pending, for recovery. */
static int carry_out(struct attach *a, struct netd_attachment **ret, struct netd_error *err)
{
	_cleanup_applied_ struct applied *applied = NULL;
	struct apply_tools tools = operation_tools(&a->op);
	struct netd_attachment *report = NULL;
	int r = apply_plan(&a->plan, &tools, &applied, err);

	error_stage(err, NETD_STAGE_APPLY);
	a->att->phase = PHASE_READY;
	if (r >= 0)
		drop_existing_routes(a, applied);
	/* nothing may fail any more once it is committed */
	if (r >= 0 && ret)
		r = report_attachment(&a->net, a->att, &report, err);
	if (r >= 0)
		r = commit(a, err);
	error_stage(err, NETD_STAGE_COMMIT);
	if (r < 0) {
		netd_attachment_free(report);
		if (!applied || apply_undo(applied, err) >= 0)
			release(a, err);
		return r;
	}
	if (ret)
		*ret = report;
	return 0;
}

static int attach_once(struct netd *netd, const struct netd_attach_request *request, bool exclusive,
		       struct netd_attachment **ret_attachment, struct netd_error *err)
{
	__attribute__((cleanup(attach_cleanup))) struct attach a = { .op = OPERATION_INIT,
								     .exclusive = exclusive };
	int r = open_attach(&a, netd, request, err);

	return r < 0 ? r : carry_out(&a, ret_attachment, err);
}

/*
 * Two failures go away by themselves: somebody uses an interface index that netd chose (each try takes
 * another), or flushed the ruleset while the attach was under way (the next one builds it).
 */
static bool worth_retrying(int r, const struct netd_error *why)
{
	return why->stage == NETD_STAGE_APPLY && (r == -EBUSY || r == -ENOENT);
}

int netd_attach(struct netd *netd, const struct netd_attach_request *request,
		struct netd_attachment **ret_attachment, struct netd_error *err)
{
	struct netd_error why = NETD_ERROR_INIT;
	int r = attach_once(netd, request, false, ret_attachment, &why);

	for (int tries = 1; r < 0 && worth_retrying(r, &why) && tries < TRIES; tries++) {
		why = (struct netd_error)NETD_ERROR_INIT;
		r = attach_once(netd, request, true, ret_attachment, &why);
	}
	if (r < 0 && err && err->code == NETD_OK)
		*err = why;
	return r;
}

int netd_attach_plan(struct netd *netd, const struct netd_attach_request *request,
		     char **ret_script, struct netd_error *err)
{
	__attribute__((cleanup(attach_cleanup))) struct attach a = { .op = OPERATION_INIT,
								     .dry_run = true };
	_cleanup_buf_ struct buf buf = { 0 };
	int r = open_attach(&a, netd, request, err);

	if (r < 0)
		return r;
	buf_printf(&buf, "#!/bin/sh\n# attach %s to network %s as %s\nset -e\n", a.att->id,
		   a.net.name, a.att->ifname);
	r = explain_plan(&a.plan, &buf, err);
	if (r < 0)
		return r;
	*ret_script = buf_take(&buf);
	return *ret_script ? 0 : error_nomem(err);
}
