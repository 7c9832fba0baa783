// SPDX-License-Identifier: GPL-2.0-or-later
/* Detach, and the recovery of attaches that died. */
#include <string.h>

#include "error.h"
#include "operation.h"
#include "util.h"

static int forget(struct operation *op, const struct attachment_key *key, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, true, &txn, err);

	if (r >= 0)
		r = store_attachment_del(txn, key, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : store_commit(TAKE_PTR(txn), err);
}

/* Recorded first: what is half gone when we are killed is undone by whoever comes next. */
static int mark_pending(struct operation *op, struct attachment *att, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r;

	if (att->phase == PHASE_PENDING)
		return 0;
	att->phase = PHASE_PENDING;
	r = store_begin(op->session, true, &txn, err);
	if (r >= 0)
		r = store_attachment_put(txn, att, err);
	return r < 0 ? r : store_commit(TAKE_PTR(txn), err);
}

int attachment_remove(struct operation *op, struct attachment *att,
		      const struct netd_detach_request *request, struct netd_error *err)
{
	struct apply_tools tools = operation_tools(op);
	struct attachment_key key = attachment_key_of(att);
	_cleanup_plan_ struct plan plan = { 0 };
	int r;

	if (request) {
		tools.spawn = request->spawn;
		tools.spawn_user = request->spawn_user;
	}
	plan_detach(&plan, att);
	r = plan_done(&plan, err);
	if (r >= 0)
		r = mark_pending(op, att, err);
	if (r >= 0)
		r = apply_removal(&plan, &tools, err);
	error_stage(err, NETD_STAGE_APPLY);
	if (r < 0)
		return r;
	/* the address and the ports stay reserved until nothing uses them any more */
	r = forget(op, &key, err);
	if (r < 0)
		error_wrap(err,
			   "%s is removed from the kernel but not from the state: detach again",
			   att->id);
	error_stage(err, NETD_STAGE_COMMIT);
	return r;
}

static int find(struct operation *op, const struct attachment_filter *filter,
		struct attachment_list *ret, struct netd_error *err)
{
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_begin(op->session, false, &txn, err);

	return r < 0 ? r : attachments_find(txn, filter, ret, err);
}

/* ---- recovery ----------------------------------------------------------------------------- */

int attachments_recover(struct operation *op, struct netd_error *err)
{
	const struct attachment_filter dead = { .phase = PHASE_PENDING };
	_cleanup_attachments_ struct attachment_list found = { 0 };
	int r = find(op, &dead, &found, err);

	for (size_t i = 0; i < found.n && r >= 0; i++)
		r = attachment_remove(op, found.list[i], NULL, err);
	return r;
}

/* ---- API ---------------------------------------------------------------------------------- */

/* Waits for whoever works on the attachment, and looks whether it is still there. */
static int detach_one(struct operation *op, const struct attachment *seen,
		      const struct netd_detach_request *request, struct netd_error *err)
{
	_cleanup_attachment_ struct attachment *att = NULL;
	struct attachment_key key = attachment_key_of(seen);
	_cleanup_txn_ struct store_txn *txn = NULL;
	int r = store_lock_attachment(op->session, &key, true, err);

	if (r < 0)
		return r;
	r = store_begin(op->session, false, &txn, err);
	if (r >= 0)
		r = store_attachment_get(txn, &key, &att, err);
	store_abort(TAKE_PTR(txn));
	if (r == -ENOENT) /* somebody else has removed it */
		r = 0;
	else if (r >= 0)
		r = attachment_remove(op, att, request, err) ?: 1;
	store_unlock_attachment(op->session, &key);
	return r;
}

static int check_request(const struct netd_detach_request *request, struct netd_error *err)
{
	int r = spec_check_size("netd_detach_request", request->size, sizeof(*request), err);

	if (r >= 0)
		r = spec_check_id(request->id, err);
	if (r >= 0 && request->network)
		r = spec_check_network_name(request->network, err);
	return r < 0 ? r : spec_check_ifname(request->ifname, err);
}

/* Carries on after a failure: what can be removed is. The first error is returned. */
static int detach_all(struct operation *op, const struct attachment_list *found,
		      const struct netd_detach_request *request, struct netd_error *err)
{
	int count = 0, first = 0;

	for (size_t i = 0; i < found->n; i++) {
		int r = detach_one(op, found->list[i], request, err);

		if (r > 0)
			count++;
		else if (r < 0 && first == 0)
			first = r;
	}
	return first < 0 ? first : count;
}

int netd_detach(struct netd *netd, const struct netd_detach_request *request,
		struct netd_error *err)
{
	_cleanup_attachments_ struct attachment_list found = { 0 };
	_cleanup_operation_ struct operation op = OPERATION_INIT;
	struct attachment_filter filter = { 0 };
	int r = check_request(request, err);

	if (r < 0) {
		error_stage(err, NETD_STAGE_VALIDATE);
		return r;
	}
	filter.network = request->network;
	filter.id = request->id;
	filter.ifname = request->ifname;
	r = operation_open(netd, &op, err);
	if (r >= 0)
		r = store_lock_host(op.session, false, err);
	if (r >= 0)
		r = find(&op, &filter, &found, err);
	error_stage(err, NETD_STAGE_OPEN);
	return r < 0 ? r : detach_all(&op, &found, request, err);
}
