// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what is attached: get, list, explain. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "operation.h"
#include "util.h"

/* An open read transaction and the attachments of interest. */
struct view {
	struct store_session *session;
	struct store_txn *txn;
	struct attachment_list found;
};

static void view_close(struct view *view)
{
	attachment_list_free(&view->found);
	store_abort(view->txn);
	store_session_close(view->session);
}
#define _cleanup_view_ __attribute__((cleanup(view_close)))

static int view_open(struct netd *netd, const char *network, const char *id, const char *ifname,
		     struct view *view, struct netd_error *err)
{
	const struct attachment_filter filter = { .network = network, .id = id, .ifname = ifname };
	int r = network ? spec_check_network_name(network, err) : 0;

	if (r >= 0)
		r = spec_check_ifname(ifname, err);
	if (r >= 0)
		r = store_session_open(netd->store, &view->session, err);
	if (r >= 0)
		r = store_begin(view->session, false, &view->txn, err);
	if (r >= 0)
		r = attachments_find(view->txn, &filter, &view->found, err);
	error_stage(err, NETD_STAGE_OPEN);
	return r;
}

static int network_of(struct view *view, const struct attachment *att, struct network *ret,
		      struct netd_error *err)
{
	int r = store_network_get(view->txn, att->network, ret, err);

	if (r == -ENOENT)
		return error_set(err, NETD_E_STATE, ENOENT, att->network,
				 "the state has a container on network %s but not the network",
				 att->network);
	return r;
}

static int not_found(const char *network, const char *id, struct netd_error *err)
{
	return error_set(err, NETD_E_NOT_FOUND, ENOENT, id,
			 "container %s is not attached%s%s: netd ls lists what is", id,
			 network ? " to network " : "", network ? network : "");
}

int netd_attachment_get(struct netd *netd, const char *network, const char *id, const char *ifname,
			struct netd_attachment **ret_attachment, struct netd_error *err)
{
	_cleanup_view_ struct view view = { 0 };
	struct network net;
	int r = spec_check_id(id, err);

	if (r >= 0)
		r = view_open(netd, network, id, ifname, &view, err);
	if (r < 0)
		return r;
	if (view.found.n == 0)
		return not_found(network, id, err);
	if (view.found.n > 1)
		return error_set(
			err, NETD_E_INVALID, EINVAL, id,
			"container %s has %zu attachments: name the network and the interface", id,
			view.found.n);
	r = network_of(&view, view.found.list[0], &net, err);
	return r < 0 ? r : report_attachment(&net, view.found.list[0], ret_attachment, err);
}

int netd_attachment_list(struct netd *netd, const char *network, struct netd_attachment ***ret_list,
			 size_t *ret_n, struct netd_error *err)
{
	_cleanup_view_ struct view view = { 0 };
	struct netd_attachment **list;
	struct network net;
	int r = view_open(netd, network, NULL, NULL, &view, err);

	if (r < 0)
		return r;
	list = calloc(view.found.n + 1, sizeof(struct netd_attachment *));
	if (!list)
		return error_nomem(err);
	for (size_t i = 0; i < view.found.n && r >= 0; i++) {
		r = network_of(&view, view.found.list[i], &net, err);
		if (r >= 0)
			r = report_attachment(&net, view.found.list[i], &list[i], err);
	}
	if (r < 0) {
		netd_attachment_list_free(list, view.found.n);
		return r;
	}
	*ret_list = list;
	*ret_n = view.found.n;
	return 0;
}

/* ---- explain ------------------------------------------------------------------------------ */

/* The attachments of one network follow each other: the first brings the network up. */
static int explain_one(struct view *view, size_t i, bool first_of_all, struct buf *buf,
		       struct netd_error *err)
{
	const struct attachment *att = view->found.list[i];
	bool first = i == 0 || strcmp(view->found.list[i - 1]->network, att->network) != 0;
	_cleanup_plan_ struct plan plan = { 0 };
	struct inventory empty = { 0 };
	struct observed seen = { 0 };
	struct network net;
	int r = network_of(view, att, &net, err);

	if (r < 0)
		return r;
	seen.ruleset_current = !first_of_all;
	seen.forwarding4 = seen.forwarding6 = !first;
	seen.bridge_exists = seen.bridge_up = !first;
	plan_attach(&plan, &net, first ? NULL : &net, att, &seen, &empty);
	r = plan_done(&plan, err);
	if (r < 0)
		return r;
	buf_printf(buf, "\n# container %s on network %s as %s\n", att->id, att->network,
		   att->ifname);
	return explain_plan(&plan, buf, err);
}

int netd_explain(struct netd *netd, const char *network, const char *id, const char *ifname,
		 char **ret_script, struct netd_error *err)
{
	_cleanup_view_ struct view view = { 0 };
	_cleanup_buf_ struct buf buf = { 0 };
	int r = spec_check_id(id, err);

	if (r >= 0)
		r = view_open(netd, network, id, ifname, &view, err);
	if (r < 0)
		return r;
	if (view.found.n == 0)
		return not_found(network, id, err);
	buf_printf(&buf,
		   "#!/bin/sh\n# the kernel state of container %s, from an empty host\nset -e\n",
		   id);
	for (size_t i = 0; i < view.found.n && r >= 0; i++)
		r = explain_one(&view, i, i == 0, &buf, err);
	if (r < 0)
		return r;
	*ret_script = buf_take(&buf);
	return *ret_script ? 0 : error_nomem(err);
}
