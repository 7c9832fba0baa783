// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plans that remove. Deleting a veth pair makes its caller wait for an RCU grace period long after the
 * device has left the host, so the deletion may be given to another process while this one returns
 * with the notification.
 */
#include <linux/rtnetlink.h>

#include "apply_internal.h"
#include "error.h"
#include "util.h"

#define GONE_TIMEOUT_MS 10000 /* rtnl may be held by others who remove many namespaces */

struct link_removal {
	struct rtnl *rtnl;
	struct rtnl_batch *batch;
	int result;
	int r;
};

/* May run in another process: touches nothing but its own socket. */
static void delete_link(void *arg)
{
	struct link_removal *removal = arg;

	removal->r = rtnl_batch_send(removal->rtnl, removal->batch, &removal->result, NULL, NULL);
}

/*
 * The notification comes when the device has left the host: name, index, addresses and bridge port
 * are free. Only then does the kernel wait for its grace period, in the process that asked.
 */
static int wait_gone(struct rtnl *host, struct rtnl *events, const struct step *step,
		     struct netd_error *err)
{
	const int slice = 250;
	struct rtnl_link link;

	for (int waited = 0; waited < GONE_TIMEOUT_MS; waited += slice) {
		int r = rtnl_wait_link_gone(events, step->link.ifindex, slice, err);

		if (r != -ETIME)
			return r;
		/* nobody was left to be told, or the notification was lost */
		if (rtnl_link_get(host, NULL, step->link.ifindex, &link, NULL) == -ENODEV)
			return 0;
	}
	return error_set(err, NETD_E_BUSY, ETIMEDOUT, step->link.name,
			 "interface %s was not deleted within %d s: try again", step->link.name,
			 GONE_TIMEOUT_MS / 1000);
}

static int delete_elsewhere(const struct apply_tools *tools, struct link_removal *removal,
			    const struct step *step, struct netd_error *err)
{
	_cleanup_rtnl_ struct rtnl *events = NULL;
	_cleanup_rtnl_ struct rtnl *own = NULL;
	int r = rtnl_open(1U << (RTNLGRP_LINK - 1), &events, err);

	if (r >= 0)
		r = rtnl_open(0, &own, err);
	if (r < 0)
		return r;
	removal->rtnl = own;
	r = tools->spawn(delete_link, removal, tools->spawn_user);
	if (r >= 0)
		return wait_gone(tools->host, events, step, err);
	delete_link(removal); /* no process to be had: wait here */
	return removal->r < 0 ? removal->r : removal->result;
}

static int remove_link(const struct apply_tools *tools, const struct step *step,
		       struct netd_error *err)
{
	_cleanup_rtnl_batch_ struct rtnl_batch *batch = NULL;
	struct link_removal removal = { .rtnl = tools->host };
	struct rtnl_link link;
	char text[160];
	int r = rtnl_link_get(tools->host, NULL, step->link.ifindex, &link, err);

	/* the index is netd's choice and used once; the name may have been changed since */
	if (r == -ENODEV || (r >= 0 && strcmp(link.kind, step->link.kind) != 0))
		return 0;
	if (r >= 0)
		r = rtnl_batch_new(&batch, err);
	if (r >= 0)
		r = rtnl_link_del(batch, step->link.ifindex);
	if (r < 0)
		return r;
	removal.batch = batch;
	if (tools->spawn) {
		r = delete_elsewhere(tools, &removal, step, err);
	} else {
		delete_link(&removal);
		r = removal.r < 0 ? removal.r : removal.result;
	}
	if (r < 0 && !errno_is_gone(-r))
		return error_sys(err, -r, step->link.name, "cannot %s",
				 step_text(step, text, sizeof(text)));
	return 0;
}

/* An address or a route. */
static int withdraw(const struct apply_tools *tools, const struct step *step,
		    struct netd_error *err)
{
	_cleanup_rtnl_batch_ struct rtnl_batch *batch = NULL;
	struct rtnl_address address;
	struct rtnl_route route;
	char text[160];
	int result = 0;
	int r = rtnl_batch_new(&batch, err);

	if (r < 0)
		return r;
	if (step->kind == STEP_ADDRESS_DEL) {
		address = step_address(step);
		r = rtnl_address_del(batch, &address);
	} else {
		route = step_route(step);
		r = rtnl_route_del(batch, &route);
	}
	if (r >= 0)
		r = rtnl_batch_send(tools->host, batch, &result, NULL, err);
	if (r >= 0)
		r = result;
	if (r < 0 && !errno_is_gone(-r))
		return error_sys(err, -r, step->address.name, "cannot %s",
				 step_text(step, text, sizeof(text)));
	return 0;
}

/* One group of a removal; what is gone already counts as done. */
static int remove_group(const struct plan *plan, const struct apply_tools *tools, size_t i,
			size_t end, struct netd_error *err)
{
	const struct step *step = &plan->steps[i];
	struct netd_error why = NETD_ERROR_INIT;
	int r = 0;

	if (step_is_nft(step->kind)) {
		r = apply_nft(plan, tools->nft, i, end, NULL, &why);
		/* somebody deleted the whole table: nothing is left to withdraw */
		if (r == -ENOENT)
			return 0;
	} else if (step->kind == STEP_LINK_DEL) {
		r = remove_link(tools, step, &why);
	} else if (step->kind == STEP_ADDRESS_DEL || step->kind == STEP_ROUTE_DEL) {
		r = withdraw(tools, step, &why);
	} else if (step->kind == STEP_SYSCTL) {
		r = sysctl_write(tools->sysctl, step->sysctl.path, step->sysctl.value, NULL, &why);
		if (r == -ENOENT)
			return 0;
	} else if (step->kind == STEP_CONNTRACK_FLUSH) {
		r = apply_conntrack(plan, i, end, tools->host, &why);
	}
	if (r < 0 && err && err->code == NETD_OK)
		*err = why;
	return r;
}

int apply_removal(const struct plan *plan, const struct apply_tools *tools, struct netd_error *err)
{
	int first = 0;
	size_t end;

	for (size_t i = 0; i < plan->n; i = end) {
		int r;

		end = apply_group_end(plan, i);
		r = remove_group(plan, tools, i, end, err);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}
