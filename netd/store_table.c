// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys and values of the tables: what the typed parts of the store are written in. */
#include "store_impl.h"
#include "util.h"

/* ---- errors ------------------------------------------------------------------------------- */

int store_read_error(const struct store_txn *txn, int rc, struct netd_error *err)
{
	return store_mdb_error(store_of(txn), rc, "cannot read the state", err);
}

int store_write_error(struct store_txn *txn, int rc, struct netd_error *err)
{
	txn->spoilt = true;
	return store_mdb_error(store_of(txn), rc, "cannot change the state", err);
}

int store_damaged(const struct store_txn *txn, struct netd_error *err)
{
	return store_read_error(txn, MDB_CORRUPTED, err);
}

/* ---- keys --------------------------------------------------------------------------------- */

/* What does not fit is cut off: a key so long is in no table, since put refuses such values. */
void store_key_add(struct store_key *key, const void *data, size_t len)
{
	size_t n = MIN(len, sizeof(key->b) - key->len);

	memcpy(key->b + key->len, data, n);
	key->len += n;
}

void store_key_u8(struct store_key *key, uint8_t v)
{
	store_key_add(key, &v, 1);
}

void store_key_name(struct store_key *key, const char *name)
{
	store_key_add(key, name, strlen(name) + 1);
}

void store_key_u64(struct store_key *key, uint64_t v)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		store_key_u8(key, (uint8_t)(v >> shift));
}

struct store_key store_key_network(const char *network)
{
	struct store_key key = { 0 };

	store_key_name(&key, network);
	return key;
}

bool store_has_prefix(const MDB_val *val, const void *prefix, size_t len)
{
	return val->mv_size >= len && memcmp(val->mv_data, prefix, len) == 0;
}

/* ---- tables ------------------------------------------------------------------------------- */

int store_table_get(struct store_txn *txn, enum table table, const struct store_key *key,
		    struct reader *ret, struct netd_error *err)
{
	MDB_val k = { key->len, (void *)key->b };
	MDB_val v;
	int rc;

	rc = mdb_get(txn->mdb, store_of(txn)->dbi[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc)
		return store_read_error(txn, rc, err);
	*ret = (struct reader){ .data = v.mv_data, .len = v.mv_size };
	return 0;
}

int store_table_put(struct store_txn *txn, enum table table, const struct store_key *key,
		    const struct buf *value, struct netd_error *err)
{
	MDB_val k = { key->len, (void *)key->b };
	MDB_val v = { value->len, value->data };
	int rc = ENOMEM;

	if (!value->failed)
		rc = mdb_put(txn->mdb, store_of(txn)->dbi[table], &k, &v, 0);
	return rc ? store_write_error(txn, rc, err) : 0;
}

int store_table_put_u64(struct store_txn *txn, enum table table, const struct store_key *key,
			uint64_t value, struct netd_error *err)
{
	_cleanup_buf_ struct buf buf = { 0 };

	buf_put_u64(&buf, value);
	return store_table_put(txn, table, key, &buf, err);
}

int store_table_del(struct store_txn *txn, enum table table, const struct store_key *key,
		    struct netd_error *err)
{
	MDB_val k = { key->len, (void *)key->b };
	int rc;

	rc = mdb_del(txn->mdb, store_of(txn)->dbi[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	return rc ? store_write_error(txn, rc, err) : 0;
}

int store_table_each(struct store_txn *txn, enum table table, const struct store_key *prefix,
		     int (*fn)(const MDB_val *val, void *user), void *user, struct netd_error *err)
{
	MDB_val k = { prefix->len, (void *)prefix->b };
	MDB_cursor *cursor;
	MDB_val v;
	int r = 0, rc;

	rc = mdb_cursor_open(txn->mdb, store_of(txn)->dbi[table], &cursor);
	if (rc)
		return store_read_error(txn, rc, err);
	rc = mdb_cursor_get(cursor, &k, &v, prefix->len ? MDB_SET_RANGE : MDB_FIRST);
	while (!rc && store_has_prefix(&k, prefix->b, prefix->len)) {
		r = fn(&v, user);
		if (r < 0)
			break;
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (r >= 0 && rc && rc != MDB_NOTFOUND)
		return store_read_error(txn, rc, err);
	return r < 0 ? r : 0;
}

int store_meta_get(struct store_txn *txn, const char *name, uint64_t *ret, struct netd_error *err)
{
	struct store_key key = { 0 };
	struct reader r;
	int rc;

	store_key_add(&key, name, strlen(name));
	rc = store_table_get(txn, TABLE_META, &key, &r, err);
	if (rc < 0)
		return rc == -ENOENT ? store_damaged(txn, err) : rc;
	*ret = reader_u64(&r);
	return r.failed ? store_damaged(txn, err) : 0;
}

int store_meta_set(struct store_txn *txn, const char *name, uint64_t value, struct netd_error *err)
{
	struct store_key key = { 0 };

	store_key_add(&key, name, strlen(name));
	return store_table_put_u64(txn, TABLE_META, &key, value, err);
}
