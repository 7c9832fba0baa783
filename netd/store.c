// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions and tables of the state file. LMDB runs without its own locks: the transaction lock
 * lets in one writer or any number of readers, so that no reader ever sees a page that a writer takes
 * into use again. Transactions of several threads on one environment are then independent: readers
 * share nothing, and there is one writer. A reader takes the extent of the data from the file's own
 * header in the map, whose size never changes, so that growth by another process is seen.
 */
#include <sys/statvfs.h>

#include "record.h"
#include "store_impl.h"
#include "util.h"

/* ---- transactions ------------------------------------------------------------------------- */

/*
 * A commit whose last write fails leaves the file as it was, but the environment unusable
 * (MDB_PANIC). While we hold the lock exclusively nobody is in a transaction; another thread may
 * have opened the environment anew before we got it. The lock is kept, so that no other commit can
 * fail before our transaction begins.
 */
static int env_renew(const struct store_session *session, struct netd_error *err)
{
	struct store *store = session->store;
	MDB_txn *txn;
	int r, rc;

	r = store_lock_txn(store, session->fd, true, err);
	if (r < 0)
		return r;
	rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
	if (!rc)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC ? store_reopen(store, err) : 0;
}

/* Takes the transaction lock, which the caller drops if this fails, and begins LMDB's transaction. */
static int mdb_begin(const struct store_session *session, bool write, MDB_txn **ret,
		     struct netd_error *err)
{
	const struct store *store = session->store;
	const unsigned int flags = write ? 0 : MDB_RDONLY;
	int r, rc;

	r = store_lock_txn(store, session->fd, write, err);
	if (r < 0)
		return r;
	rc = mdb_txn_begin(store->env, NULL, flags, ret);
	if (rc == MDB_PANIC) {
		/* two that hold it shared and both want it alone would wait for each other */
		store_unlock_txn(session->fd);
		r = env_renew(session, err);
		if (r >= 0) /* makes it shared without a gap */
			r = store_lock_txn(store, session->fd, write, err);
		if (r < 0)
			return r;
		rc = mdb_txn_begin(store->env, NULL, flags, ret);
	}
	return rc ? store_mdb_error(store, rc, "cannot begin a transaction", err) : 0;
}

int store_begin(struct store_session *session, bool write, struct store_txn **ret,
		struct netd_error *err)
{
	_cleanup_free_ struct store_txn *txn = NULL;
	const struct store *store = session->store;
	int r;

	if (session->in_txn)
		return error_set(err, NETD_E_BUSY, EDEADLK, store->path,
				 "a transaction of this session on %s is open already",
				 store->path);
	txn = calloc(1, sizeof(*txn));
	if (!txn)
		return error_nomem(err);
	txn->session = session;
	r = mdb_begin(session, write, &txn->mdb, err);
	if (r < 0) {
		store_unlock_txn(session->fd);
		return r;
	}
	session->in_txn = true;
	*ret = TAKE_PTR(txn);
	return 0;
}

/* The LMDB transaction has ended. */
static void txn_end(struct store_txn *txn)
{
	store_unlock_txn(txn->session->fd);
	txn->session->in_txn = false;
	free(txn);
}

/* LMDB reports a write that the full file system cut short as EIO. */
static int commit_errno(const struct store_txn *txn, int rc)
{
	struct statvfs st;

	if (rc == EIO && fstatvfs(txn->session->fd, &st) == 0 && st.f_bavail == 0)
		return ENOSPC;
	return rc;
}

int store_commit(struct store_txn *txn, struct netd_error *err)
{
	const struct store *store = store_of(txn);
	int r = 0, rc;

	if (txn->spoilt) {
		mdb_txn_abort(txn->mdb);
		r = error_set(err, NETD_E_STATE, ECANCELED, store->path,
			      "an earlier change to %s failed; nothing was changed", store->path);
	} else {
		rc = mdb_txn_commit(txn->mdb);
		if (rc)
			r = store_mdb_error(store, commit_errno(txn, rc),
					    "cannot commit a transaction", err);
	}
	txn_end(txn);
	return r;
}

void store_abort(struct store_txn *txn)
{
	if (!txn)
		return;
	mdb_txn_abort(txn->mdb);
	txn_end(txn);
}

/* ---- networks ----------------------------------------------------------------------------- */

static struct store_key cursor_key(const char *network, uint8_t set)
{
	struct store_key key = store_key_network(network);

	store_key_u8(&key, set);
	return key;
}

int store_network_get(struct store_txn *txn, const char *name, struct network *ret,
		      struct netd_error *err)
{
	struct store_key key = store_key_network(name);
	struct reader r;
	int rc;

	rc = store_table_get(txn, TABLE_NETWORKS, &key, &r, err);
	if (rc < 0)
		return rc;
	return record_get_network(r.data, r.len, ret) < 0 ? store_damaged(txn, err) : 0;
}

int store_network_put(struct store_txn *txn, const struct network *network, struct netd_error *err)
{
	_cleanup_buf_ struct buf buf = { 0 };
	struct store_key key = store_key_network(network->name);

	if (!record_network_valid(network))
		return error_set(err, NETD_E_INVALID, EINVAL, network->name,
				 "network %s cannot be stored: a name, address or count in it is "
				 "out of bounds",
				 network->name);
	record_put_network(&buf, network);
	return store_table_put(txn, TABLE_NETWORKS, &key, &buf, err);
}

int store_network_del(struct store_txn *txn, const char *name, struct netd_error *err)
{
	struct store_key key = store_key_network(name);
	int r;

	r = store_table_del(txn, TABLE_NETWORKS, &key, err);
	for (unsigned int set = 0; set <= UINT8_MAX && r >= 0; set++) {
		struct store_key cursor = cursor_key(name, (uint8_t)set);

		r = store_table_del(txn, TABLE_CURSORS, &cursor, err);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

struct network_walk {
	struct store_txn *txn;
	int (*fn)(const struct network *network, void *user);
	void *user;
	struct netd_error *err;
};

static int network_visit(const MDB_val *val, void *user)
{
	struct network_walk *walk = user;
	struct network network;

	if (record_get_network(val->mv_data, val->mv_size, &network) < 0)
		return store_damaged(walk->txn, walk->err);
	return walk->fn(&network, walk->user);
}

int store_network_each(struct store_txn *txn, int (*fn)(const struct network *network, void *user),
		       void *user, struct netd_error *err)
{
	struct network_walk walk = { .txn = txn, .fn = fn, .user = user, .err = err };
	struct store_key all = { 0 };

	return store_table_each(txn, TABLE_NETWORKS, &all, network_visit, &walk, err);
}

/* ---- cursors and counters ----------------------------------------------------------------- */

int store_last_address(struct store_txn *txn, const char *network, uint8_t set, struct ip *ret,
		       struct netd_error *err)
{
	struct store_key key = cursor_key(network, set);
	struct ip ip = { 0 };
	struct reader r;
	int rc;

	rc = store_table_get(txn, TABLE_CURSORS, &key, &r, err);
	if (rc < 0)
		return rc;
	ip.family = reader_u8(&r) == 4 ? AF_INET : AF_INET6;
	reader_bytes(&r, ip.b, ip_bytes(ip.family));
	if (r.failed || r.pos != r.len)
		return store_damaged(txn, err);
	*ret = ip;
	return 0;
}

int store_set_last_address(struct store_txn *txn, const char *network, uint8_t set,
			   const struct ip *ip, struct netd_error *err)
{
	_cleanup_buf_ struct buf buf = { 0 };
	struct store_key key = cursor_key(network, set);

	buf_put_u8(&buf, ip->family == AF_INET ? 4 : 6);
	buf_add(&buf, ip->b, ip_bytes(ip->family));
	return store_table_put(txn, TABLE_CURSORS, &key, &buf, err);
}

int store_last_port(struct store_txn *txn, uint16_t *ret, struct netd_error *err)
{
	uint64_t port = 0;
	int r;

	r = store_meta_get(txn, META_PORT, &port, err);
	if (r < 0)
		return r;
	if (!port)
		return -ENOENT;
	if (port > UINT16_MAX)
		return store_damaged(txn, err);
	*ret = (uint16_t)port;
	return 0;
}

int store_set_last_port(struct store_txn *txn, uint16_t port, struct netd_error *err)
{
	return store_meta_set(txn, META_PORT, port, err);
}

int store_next_ifindex(struct store_txn *txn, uint32_t *ret, struct netd_error *err)
{
	uint64_t next = 0;
	int r;

	r = store_meta_get(txn, META_IFINDEX, &next, err);
	if (r < 0)
		return r;
	if (next >= INT32_MAX)
		return error_set(err, NETD_E_EXHAUSTED, EOVERFLOW, store_of(txn)->path,
				 "all interface indexes of this boot were handed out, or one near "
				 "their end is in use on the host; only a reboot helps");
	r = store_meta_set(txn, META_IFINDEX, next + 2, err);
	if (r == 0)
		*ret = (uint32_t)next;
	return r;
}
