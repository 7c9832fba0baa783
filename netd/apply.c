// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply_internal.h"
#include "conntrack.h"
#include "error.h"
#include "netns.h"
#include "util.h"

#define READY_TIMEOUT_MS 3000 /* a link comes up in microseconds; seconds mean a broken kernel */
#define OPERSTATE_UP 6	      /* IF_OPER_UP, RFC 2863 */

/* ---- rtnetlink ---------------------------------------------------------------------------- */

static bool is_rtnl(enum step_kind kind)
{
	return kind == STEP_BRIDGE_ADD || kind == STEP_VETH_ADD || kind == STEP_LINK_SET ||
	       kind == STEP_ADDRESS_ADD || kind == STEP_ROUTE_ADD || kind == STEP_NEIGHBOUR_SET;
}

static int add_bridge(struct rtnl_batch *batch, const struct step *step)
{
	return rtnl_add_bridge(batch, &(struct rtnl_bridge){
					      .name = step->bridge.name,
					      .ifindex = step->bridge.ifindex,
					      .mac = step->bridge.mac,
					      .mtu = step->bridge.mtu,
				      });
}

static int add_veth(struct rtnl_batch *batch, const struct step *step, int netns_fd)
{
	return rtnl_add_veth(batch, &(struct rtnl_veth){
					    .host_name = step->veth.host_name,
					    .host_ifindex = step->veth.host_ifindex,
					    .host_mac = step->veth.host_mac,
					    .peer_name = step->veth.peer_name,
					    .peer_ifindex = step->veth.peer_ifindex,
					    .peer_netns_fd = netns_fd,
					    .peer_mac = step->veth.peer_mac,
					    .mtu = step->veth.mtu,
				    });
}

static int set_link(struct rtnl_batch *batch, const struct step *step)
{
	struct rtnl_link_change change = {
		.ifindex = step->link.ifindex,
		.up = step->link.up ? RTNL_ON : RTNL_KEEP,
		.promisc = step->link.promisc ? RTNL_ON : RTNL_KEEP,
		.addrgenmode_none = step->link.addrgenmode_none,
		.mtu = step->link.mtu,
		.mac = step->link.pin_mac ? &step->link.mac : NULL,
	};

	if (step->link.master[0]) {
		change.master = step->link.master_ifindex;
		change.hairpin = step->link.hairpin ? RTNL_ON : RTNL_OFF;
		change.isolated = step->link.isolated ? RTNL_ON : RTNL_OFF;
	}
	return rtnl_link_set(batch, &change);
}

struct rtnl_address step_address(const struct step *step)
{
	return (struct rtnl_address){
		.ifindex = step->address.ifindex,
		.address = step->address.address,
		.nodad = step->address.address.ip.family == AF_INET6,
	};
}

struct rtnl_route step_route(const struct step *step)
{
	return (struct rtnl_route){
		.dst = step->route.dst,
		.gw = step->route.gw,
		.ifindex = step->route.ifindex,
		.table = step->route.local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.type = step->route.local ? RTN_LOCAL : RTN_UNICAST,
		.metric = step->route.metric,
	};
}

static struct rtnl_neighbour neighbour_of(const struct step *step)
{
	return (struct rtnl_neighbour){ .ifindex = step->neighbour.ifindex,
					.ip = step->neighbour.ip,
					.mac = step->neighbour.mac };
}

/* Puts the step into the batch: one message number per step. */
static int batch_step(struct rtnl_batch *batch, const struct applied *a, const struct step *step)
{
	struct rtnl_neighbour neighbour;
	struct rtnl_address address;
	struct rtnl_route route;

	if (step->kind == STEP_BRIDGE_ADD)
		return add_bridge(batch, step);
	if (step->kind == STEP_VETH_ADD)
		return add_veth(batch, step, a->tools->netns_fd);
	if (step->kind == STEP_LINK_SET)
		return set_link(batch, step);
	if (step->kind == STEP_ADDRESS_ADD) {
		address = step_address(step);
		return rtnl_address_add(batch, &address);
	}
	if (step->kind == STEP_NEIGHBOUR_SET) {
		neighbour = neighbour_of(step);
		return rtnl_neighbour_set(batch, &neighbour);
	}
	route = step_route(step);
	return rtnl_route_add(batch, &route);
}

/* The loopback interface of the container may be up: then it is not ours to take down again. */
static void note_existing(struct applied *a, size_t i)
{
	const struct step *step = &a->plan->steps[i];
	struct rtnl_link link;

	if (step->kind == STEP_LINK_SET && step->where == CONTAINER &&
	    step->link.ifindex == LOOPBACK_IFINDEX &&
	    rtnl_link_get(a->container, NULL, LOOPBACK_IFINDEX, &link, NULL) >= 0 &&
	    (link.flags & IFF_UP))
		a->outcome[i] = ALREADY;
}

/* What became of each step of the batch; the first failure is reported, all successes are noted. */
static int settle(struct applied *a, size_t first, size_t end, const int *results,
		  const char *kernel, struct netd_error *err)
{
	int r = 0;

	for (size_t i = first; i < end; i++) {
		const struct step *step = &a->plan->steps[i];
		int result = results[i - first];

		if (result == 0) {
			if (a->outcome[i] == UNTOUCHED)
				a->outcome[i] = DONE;
		} else if (result == -EEXIST && step->may_exist) {
			a->outcome[i] = ALREADY;
		} else if (r == 0) {
			r = step_error(a, step, -result, kernel, err);
		}
	}
	return r;
}

/*
 * The answer was lost: the kernel may have carried out any of the steps. Undoing one that it did not
 * is harmless, since what netd makes has names, indexes and keys that only netd uses.
 */
static void assume_done(const struct plan *plan, size_t first, size_t end, enum outcome *outcome)
{
	for (size_t i = first; i < end; i++)
		if (outcome[i] == UNTOUCHED && !plan->steps[i].may_exist)
			outcome[i] = DONE;
}

static int run_rtnl(struct applied *a, size_t first, size_t end, struct netd_error *err)
{
	enum step_where where = a->plan->steps[first].where;
	struct rtnl *rtnl = where == HOST ? a->tools->host : a->container;
	_cleanup_rtnl_batch_ struct rtnl_batch *batch = NULL;
	_cleanup_free_ int *results = calloc(end - first, sizeof(*results));
	char kernel[RTNL_TEXT_MAX] = "";
	int r;

	if (!results)
		return error_nomem(err);
	r = rtnl_batch_new(&batch, err);
	for (size_t i = first; i < end && r >= 0; i++) {
		note_existing(a, i);
		r = batch_step(batch, a, &a->plan->steps[i]);
	}
	if (r < 0)
		return error_sys(err, -r, NULL, "cannot build a netlink message");
	r = rtnl_batch_send(rtnl, batch, results, kernel, err);
	if (r < 0) {
		assume_done(a->plan, first, end, a->outcome);
		return r;
	}
	return settle(a, first, end, results, kernel, err);
}

/* ---- nftables ----------------------------------------------------------------------------- */

/* The step, or its inverse, as part of a transaction. */
static int batch_nft(struct nft_batch *batch, const struct step *step, bool inverse,
		     struct netd_error *err)
{
	switch (step->kind) {
	case STEP_RULESET_ADD:
		return inverse ? nft_batch_ruleset_del(batch, err)
			       : nft_batch_ruleset(batch, step->ruleset.replace, err);
	case STEP_RULESET_DEL:
		return nft_batch_ruleset_del(batch, err);
	case STEP_ELEM_ADD:
	case STEP_ELEM_DEL:
		if ((step->kind == STEP_ELEM_ADD) == inverse)
			return nft_batch_elem_del(batch, &step->elem, err);
		return nft_batch_elem_add(batch, &step->elem, err);
	case STEP_LOOPBACK6_ADD:
	case STEP_LOOPBACK6_DEL:
		if ((step->kind == STEP_LOOPBACK6_ADD) == inverse)
			return nft_batch_loopback6_del(batch, step->bridge_name, err);
		return nft_batch_loopback6_add(batch, step->bridge_name, err);
	case STEP_SYSCTL:
	case STEP_BRIDGE_ADD:
	case STEP_VETH_ADD:
	case STEP_LINK_SET:
	case STEP_LINK_DEL:
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_DEL:
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_DEL:
	case STEP_NEIGHBOUR_SET:
	case STEP_WAIT_READY:
	case STEP_CONNTRACK_FLUSH:
		break;
	}
	return 0;
}

int apply_nft(const struct plan *plan, struct nft *nft, size_t first, size_t end,
	      enum outcome *outcome, struct netd_error *err)
{
	_cleanup_nft_batch_ struct nft_batch *batch = NULL;
	int r = nft_batch_new(&batch, err);

	for (size_t i = first; i < end && r >= 0; i++)
		r = batch_nft(batch, &plan->steps[i], false, err);
	if (r < 0)
		return r;
	r = nft_batch_send(nft, batch, err);
	for (size_t i = first; i < end && outcome && r >= 0; i++)
		outcome[i] = plan->steps[i].may_exist ? ALREADY : DONE;
	/* refused as a whole, or the answer lost? In doubt it was carried out. */
	if (r < 0 && outcome && nft_batch_answer_lost(batch))
		assume_done(plan, first, end, outcome);
	return r;
}

/* ---- the other steps ---------------------------------------------------------------------- */

static const struct sysctl_net *sysctl_of(const struct applied *a, const struct step *step)
{
	return step->where == HOST ? a->tools->sysctl : &a->sysctl;
}

static int run_sysctl(struct applied *a, size_t i, struct netd_error *err)
{
	const struct step *step = &a->plan->steps[i];
	char old[SYSCTL_VALUE_MAX];
	int r = sysctl_write(sysctl_of(a, step), step->sysctl.path, step->sysctl.value, old, err);

	if (r == -ENOENT && step->sysctl.may_lack)
		return 0;
	if (r == -ENOENT)
		return error_set(err, NETD_E_UNSUPPORTED, ENOENT, step->sysctl.path,
				 "this kernel has no sysctl net/%s", step->sysctl.path);
	if (r <= 0)
		return r;
	a->old[i] = strdup(old);
	if (!a->old[i])
		return error_nomem(err);
	a->outcome[i] = DONE;
	return 0;
}

/*
 * Asking for a link makes the kernel finish its pending carrier work on it first (linkwatch), which
 * is what makes the first packet pass. On kernels where asking has no such effect the state follows
 * within milliseconds, hence the loop.
 */
static int wait_up(struct rtnl *rtnl, uint32_t ifindex, struct netd_error *err)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	struct rtnl_link link = { 0 };

	for (int tries = 0; tries < READY_TIMEOUT_MS * 2; tries++) {
		int r = rtnl_link_get(rtnl, NULL, ifindex, &link, err);

		if (r < 0)
			return r == -ENODEV ? error_sys(err, ENODEV, NULL,
							"interface %u vanished while it came up",
							ifindex)
					    : r;
		if (link.operstate == OPERSTATE_UP)
			return 0;
		nanosleep(&pause, NULL);
	}
	return error_set(err, NETD_E_KERNEL, ETIMEDOUT, link.name,
			 "interface %s did not come up within %d s", link.name,
			 READY_TIMEOUT_MS / 1000);
}

static int wait_address(struct applied *a, const struct step *step, const struct ip *ip,
			struct netd_error *err)
{
	char text[IP_STRLEN];
	int r = rtnl_wait_address(a->events, step->ready.ifindex, ip, READY_TIMEOUT_MS, err);

	if (r != -ETIME)
		return r;
	return error_set(err, NETD_E_KERNEL, ETIME, ip_format(ip, text),
			 "address %s of the container did not become usable within %d s", text,
			 READY_TIMEOUT_MS / 1000);
}

/* The kernel makes the local route of an IPv6 address a moment after the address (addrconf's work). */
static int wait_local(struct applied *a, const struct ip *ip, struct netd_error *err)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	char text[IP_STRLEN];

	for (int tries = 0; tries < READY_TIMEOUT_MS * 5; tries++) {
		int r = rtnl_is_local(a->tools->host, ip, err);

		if (r != 0)
			return r < 0 ? r : 0;
		nanosleep(&pause, NULL);
	}
	return error_set(err, NETD_E_KERNEL, ETIMEDOUT, ip_format(ip, text),
			 "gateway address %s did not become usable within %d s", text,
			 READY_TIMEOUT_MS / 1000);
}

static int run_wait(struct applied *a, size_t i, struct netd_error *err)
{
	const struct step *step = &a->plan->steps[i];
	int r = wait_up(a->tools->host, step->ready.host_ifindex, err);

	if (r >= 0)
		r = wait_up(a->tools->host, step->ready.bridge_ifindex, err);
	for (uint32_t j = 0; j < step->ready.n_gateway6 && r >= 0; j++)
		r = wait_local(a, &step->ready.gateway6[j], err);
	for (uint32_t j = 0; j < step->ready.n_address6 && r >= 0; j++)
		r = wait_address(a, step, &step->ready.address6[j], err);
	return r < 0 ? r : wait_up(a->container, step->ready.ifindex, err);
}

struct filter_list {
	struct conntrack_filter *list;
	size_t n;
};

static int add_filter(struct filter_list *filters, const struct step *step, const struct ip *host,
		      struct netd_error *err)
{
	struct conntrack_filter *list = reallocarray(filters->list, filters->n + 1, sizeof(*list));

	if (!list)
		return error_nomem(err);
	filters->list = list;
	filters->list[filters->n++] = (struct conntrack_filter){
		.host = *host,
		.container = step->conntrack.container,
		.protocol = step->conntrack.protocol,
		.port = step->conntrack.port,
		.count = step->conntrack.count,
	};
	return 0;
}

/* The host's own addresses of one family, asked for once. */
struct own {
	struct rtnl_address *list;
	size_t n;
	bool known;
};

/* A new wildcard mapping concerns flows to the host's own addresses, no others. */
static int add_filters(struct filter_list *filters, const struct step *step, struct rtnl *host,
		       struct own *own, struct netd_error *err)
{
	const struct ip *to = &step->conntrack.host;
	int r = 0;

	if (!ip_is_zero(to) || step->conntrack.container.family != AF_UNSPEC)
		return add_filter(filters, step, to, err);
	if (!own->known)
		r = rtnl_own_addresses(host, to->family, &own->list, &own->n, err);
	own->known = r >= 0;
	for (size_t i = 0; i < own->n && r >= 0; i++)
		r = add_filter(filters, step, &own->list[i].address.ip, err);
	return r;
}

int apply_conntrack(const struct plan *plan, size_t first, size_t end, struct rtnl *host,
		    struct netd_error *err)
{
	struct filter_list filters = { 0 };
	struct own own4 = { 0 }, own6 = { 0 };
	int r = 0;

	for (size_t i = first; i < end && r >= 0; i++) {
		const struct step *step = &plan->steps[i];

		r = add_filters(&filters, step, host,
				step->conntrack.host.family == AF_INET ? &own4 : &own6, err);
	}
	if (r >= 0 && filters.n > 0)
		r = conntrack_flush(filters.list, filters.n, err);
	free(filters.list);
	free(own4.list);
	free(own6.list);
	return r;
}

/* ---- undo --------------------------------------------------------------------------------- */

static void undo_failed(struct applied *a, const struct step *step, int errnum,
			struct netd_error *err)
{
	char text[160];

	a->undo_failed = true;
	error_undo(err, "could not take back \"%s\": %s", step_text(step, text, sizeof(text)),
		   strerrordesc_np(errnum));
}

/* The inverse of a step: one message, two for the loopback interface; -1 if it has none. */
static int batch_inverse(struct rtnl_batch *batch, const struct step *step)
{
	struct rtnl_neighbour neighbour;
	struct rtnl_address address;
	struct rtnl_route route;

	switch (step->kind) {
	case STEP_BRIDGE_ADD:
		return rtnl_link_del(batch, step->bridge.ifindex);
	case STEP_VETH_ADD:
		return rtnl_link_del(batch, step->veth.host_ifindex);
	case STEP_ADDRESS_ADD:
		address = step_address(step);
		return rtnl_address_del(batch, &address);
	case STEP_ROUTE_ADD:
		route = step_route(step);
		return rtnl_route_del(batch, &route);
	case STEP_LINK_SET:
		if (!step->link.undo_down && step->link.ifindex != LOOPBACK_IFINDEX)
			return -1;
		/* the kernel gave the loopback interface its IPv4 address when it came up */
		if (step->link.ifindex == LOOPBACK_IFINDEX) {
			address = (struct rtnl_address){ .ifindex = LOOPBACK_IFINDEX };
			prefix_parse("127.0.0.1/8", &address.address);
			rtnl_address_del(batch, &address);
		}
		return rtnl_link_set(batch,
				     &(struct rtnl_link_change){ .ifindex = step->link.ifindex,
								 .up = RTNL_OFF });
	case STEP_NEIGHBOUR_SET:
		neighbour = neighbour_of(step);
		return rtnl_neighbour_del(batch, &neighbour);
	case STEP_SYSCTL:
	case STEP_LINK_DEL:
	case STEP_ADDRESS_DEL:
	case STEP_ROUTE_DEL:
	case STEP_WAIT_READY:
	case STEP_RULESET_ADD:
	case STEP_RULESET_DEL:
	case STEP_ELEM_ADD:
	case STEP_ELEM_DEL:
	case STEP_LOOPBACK6_ADD:
	case STEP_LOOPBACK6_DEL:
	case STEP_CONNTRACK_FLUSH:
		break;
	}
	return -1;
}

static void undo_rtnl(struct applied *a, const struct step *step, struct netd_error *err)
{
	struct rtnl *rtnl = step->where == HOST ? a->tools->host : a->container;
	_cleanup_rtnl_batch_ struct rtnl_batch *batch = NULL;
	int result[2] = { 0 }, r = rtnl_batch_new(&batch, NULL);

	if (r >= 0 && batch_inverse(batch, step) < 0)
		return;
	if (r >= 0)
		r = rtnl_batch_send(rtnl, batch, result, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(result) && r >= 0; i++)
		r = errno_is_gone(-result[i]) ? 0 : result[i];
	if (r < 0)
		undo_failed(a, step, -r, err);
}

static void undo_sysctl(struct applied *a, size_t i, struct netd_error *err)
{
	const struct step *step = &a->plan->steps[i];
	int r = sysctl_write(sysctl_of(a, step), step->sysctl.path, a->old[i], NULL, NULL);

	if (r < 0 && r != -ENOENT)
		undo_failed(a, step, -r, err);
}

/* Takes back the transaction whose last step is last, in one transaction. Returns its first step. */
static size_t undo_nft(struct applied *a, size_t last, struct netd_error *err)
{
	_cleanup_nft_batch_ struct nft_batch *batch = NULL;
	struct netd_error why = NETD_ERROR_INIT;
	int r = nft_batch_new(&batch, &why);
	size_t i = last + 1;

	while (i > 0 && step_is_nft(a->plan->steps[i - 1].kind)) {
		i--;
		if (r >= 0 && a->outcome[i] == DONE)
			r = batch_nft(batch, &a->plan->steps[i], true, &why);
	}
	if (r >= 0 && !nft_batch_empty(batch))
		r = nft_batch_send(a->tools->nft, batch, &why);
	if (r < 0) {
		a->undo_failed = true;
		error_undo(err, "could not take back the nftables changes: %s", why.message);
	}
	return i;
}

int apply_undo(struct applied *a, struct netd_error *err)
{
	for (size_t i = a->plan->n; i-- > 0;) {
		const struct step *step = &a->plan->steps[i];

		if (a->outcome[i] != DONE)
			continue;
		if (step_is_nft(step->kind))
			i = undo_nft(a, i, err);
		else if (step->kind == STEP_SYSCTL)
			undo_sysctl(a, i, err);
		else
			undo_rtnl(a, step, err);
	}
	return a->undo_failed ? -EIO : 0;
}

bool applied_existed(const struct applied *a, size_t step)
{
	return a->outcome[step] == ALREADY;
}

/* ---- plans -------------------------------------------------------------------------------- */

void applied_free(struct applied *a)
{
	if (!a)
		return;
	for (size_t i = 0; a->old && i < a->plan->n; i++)
		free(a->old[i]);
	free(a->old);
	free(a->outcome);
	rtnl_close(a->container);
	rtnl_close(a->events);
	sysctl_close(&a->sysctl);
	free(a);
}

/* One visit to the container: every descriptor that is needed of it. */
static int open_container(struct applied *a, struct netd_error *err)
{
	struct netns_visit visit;
	int r = netns_enter(a->tools->netns_fd, &visit, err);

	if (r < 0)
		return r;
	r = rtnl_open(0, &a->container, err);
	if (r >= 0)
		r = rtnl_open(1U << (RTNLGRP_IPV6_IFADDR - 1), &a->events, err);
	if (r >= 0)
		r = sysctl_open_here(a->tools->sysctl, &a->sysctl, err);
	netns_leave(&visit);
	return r;
}

static int applied_new(const struct plan *plan, const struct apply_tools *tools,
		       struct applied **ret, struct netd_error *err)
{
	_cleanup_applied_ struct applied *a = calloc(1, sizeof(*a));

	if (!a)
		return error_nomem(err);
	a->plan = plan;
	a->tools = tools;
	a->sysctl = (struct sysctl_net)SYSCTL_NET_INIT;
	a->outcome = calloc(plan->n + 1, sizeof(*a->outcome));
	a->old = calloc(plan->n + 1, sizeof(*a->old));
	if (!a->outcome || !a->old)
		return error_nomem(err);
	if (tools->netns_fd >= 0) {
		int r = open_container(a, err);

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(a);
	return 0;
}

size_t apply_group_end(const struct plan *plan, size_t first)
{
	const struct step *step = &plan->steps[first];
	size_t end = first + 1;

	if (is_rtnl(step->kind))
		while (end < plan->n && is_rtnl(plan->steps[end].kind) &&
		       plan->steps[end].where == step->where)
			end++;
	else if (step_is_nft(step->kind))
		while (end < plan->n && step_is_nft(plan->steps[end].kind))
			end++;
	else if (step->kind == STEP_CONNTRACK_FLUSH)
		while (end < plan->n && plan->steps[end].kind == STEP_CONNTRACK_FLUSH)
			end++;
	return end;
}

static int run_group(struct applied *a, size_t first, size_t end, struct netd_error *err)
{
	enum step_kind kind = a->plan->steps[first].kind;

	if (is_rtnl(kind))
		return run_rtnl(a, first, end, err);
	if (step_is_nft(kind))
		return apply_nft(a->plan, a->tools->nft, first, end, a->outcome, err);
	if (kind == STEP_SYSCTL)
		return run_sysctl(a, first, err);
	if (kind == STEP_WAIT_READY)
		return run_wait(a, first, err);
	return apply_conntrack(a->plan, first, end, a->tools->host, err);
}

int apply_plan(const struct plan *plan, const struct apply_tools *tools, struct applied **ret,
	       struct netd_error *err)
{
	struct applied *a;
	int r = applied_new(plan, tools, &a, err);
	size_t end;

	if (r < 0)
		return r;
	*ret = a;
	for (size_t i = 0; i < plan->n && r >= 0; i = end) {
		end = apply_group_end(plan, i);
		r = run_group(a, i, end, err);
	}
	return r;
}
