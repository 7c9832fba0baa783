// SPDX-License-Identifier: GPL-2.0-or-later
/* Attachments, with what they own: leases and ports. */
#include <assert.h>

#include "parse.h"
#include "record.h"
#include "store_impl.h"
#include "util.h"

#define PORT_PREFIX 4 /* bytes of a port's key before the address */

/* ---- keys --------------------------------------------------------------------------------- */

static uint8_t ip_version(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : 6;
}

static struct store_key attachment_key(const struct attachment_key *att)
{
	struct store_key key = store_key_network(att->network);

	store_key_name(&key, att->id);
	store_key_name(&key, att->ifname);
	return key;
}

static struct store_key serial_key(uint64_t serial)
{
	struct store_key key = { 0 };

	store_key_u64(&key, serial);
	return key;
}

static struct store_key lease_key(const char *network, const struct ip *ip)
{
	struct store_key key = store_key_network(network);

	store_key_u8(&key, ip_version(ip));
	store_key_add(&key, ip->b, ip_bytes(ip->family));
	return key;
}

static struct store_key port_key(const struct ip *host, uint8_t protocol, uint16_t port)
{
	struct store_key key = { 0 };

	store_key_u8(&key, ip_version(host));
	store_key_u8(&key, protocol);
	store_key_u8(&key, (uint8_t)(port >> 8));
	store_key_u8(&key, (uint8_t)port);
	store_key_add(&key, host->b, ip_bytes(host->family));
	return key;
}

/* ---- owners ------------------------------------------------------------------------------- */

static int owner_put(struct store_txn *txn, uint64_t serial, const struct attachment_key *owner,
		     struct netd_error *err)
{
	_cleanup_buf_ struct buf buf = { 0 };
	struct store_key key = serial_key(serial);

	buf_put_str(&buf, owner->network);
	buf_put_str(&buf, owner->id);
	buf_put_str(&buf, owner->ifname);
	return store_table_put(txn, TABLE_OWNERS, &key, &buf, err);
}

static int owner_get(struct store_txn *txn, uint64_t serial, struct attachment_key *ret,
		     struct netd_error *err)
{
	struct store_key key = serial_key(serial);
	struct attachment_key owner;
	struct reader r;
	int rc;

	rc = store_table_get(txn, TABLE_OWNERS, &key, &r, err);
	if (rc < 0)
		return rc == -ENOENT ? store_damaged(txn, err) : rc;
	reader_str(&r, owner.network, sizeof(owner.network));
	reader_str(&r, owner.id, sizeof(owner.id));
	reader_str(&r, owner.ifname, sizeof(owner.ifname));
	if (r.failed)
		return store_damaged(txn, err);
	*ret = owner;
	return 0;
}

static int serial_take(struct store_txn *txn, const struct attachment_key *owner, uint64_t *ret,
		       struct netd_error *err)
{
	uint64_t serial = 0;
	int r;

	r = store_meta_get(txn, META_SERIAL, &serial, err);
	if (r == 0)
		r = store_meta_set(txn, META_SERIAL, serial + 1, err);
	if (r == 0)
		r = owner_put(txn, serial, owner, err);
	if (r == 0)
		*ret = serial;
	return r;
}

/* ---- leases ------------------------------------------------------------------------------- */

int store_lease_owner(struct store_txn *txn, const char *network, const struct ip *ip,
		      struct attachment_key *ret_owner, struct netd_error *err)
{
	struct store_key key = lease_key(network, ip);
	struct reader r;
	int rc;

	rc = store_table_get(txn, TABLE_LEASES, &key, &r, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = owner_get(txn, reader_u64(&r), ret_owner, err);
	return rc < 0 ? rc : 1;
}

static int lease_conflict(struct store_txn *txn, const char *network, const struct ip *ip,
			  struct netd_error *err)
{
	struct attachment_key owner;
	char text[IP_STRLEN];
	int r;

	r = store_lease_owner(txn, network, ip, &owner, err);
	if (r <= 0)
		return r;
	return error_set(err, NETD_E_CONFLICT, EEXIST, ip_format(ip, text),
			 "address %s of network %s is held by %s %s", text, network, owner.id,
			 owner.ifname);
}

static int leases_add(struct store_txn *txn, const struct attachment *att, uint64_t serial,
		      struct netd_error *err)
{
	for (uint32_t i = 0; i < att->n_leases; i++) {
		const struct ip *ip = &att->leases[i].address.ip;
		struct store_key key = lease_key(att->network, ip);
		int r;

		r = lease_conflict(txn, att->network, ip, err);
		if (r == 0)
			r = store_table_put_u64(txn, TABLE_LEASES, &key, serial, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int leases_del(struct store_txn *txn, const struct attachment *att, struct netd_error *err)
{
	for (uint32_t i = 0; i < att->n_leases; i++) {
		struct store_key key = lease_key(att->network, &att->leases[i].address.ip);
		int r;

		r = store_table_del(txn, TABLE_LEASES, &key, err);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* ---- ports -------------------------------------------------------------------------------- */

/* As LMDB returns: 0 and who publishes a conflicting port, or MDB_NOTFOUND. */
static int port_find(MDB_cursor *cursor, const struct store_key *key, struct reader *ret)
{
	static const uint8_t any[16];
	size_t addr_len = key->len - PORT_PREFIX;
	MDB_val k = { PORT_PREFIX, (void *)key->b };
	MDB_val v;
	int rc;

	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (rc)
		return rc;
	if (!store_has_prefix(&k, key->b, PORT_PREFIX))
		return MDB_NOTFOUND;
	if (k.mv_size != key->len)
		return MDB_CORRUPTED;
	/* The first of a port is the wildcard, if that is taken; it conflicts with every address. */
	if (memcmp((uint8_t *)k.mv_data + PORT_PREFIX, any, addr_len) != 0 &&
	    memcmp(key->b + PORT_PREFIX, any, addr_len) != 0) {
		k = (MDB_val){ key->len, (void *)key->b };
		rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);
	}
	if (!rc)
		*ret = (struct reader){ .data = v.mv_data, .len = v.mv_size };
	return rc;
}

static int ports_cursor(struct store_txn *txn, MDB_cursor **ret, struct netd_error *err)
{
	int rc = mdb_cursor_open(txn->mdb, store_of(txn)->dbi[TABLE_PORTS], ret);

	return rc ? store_read_error(txn, rc, err) : 0;
}

static int port_owner(struct store_txn *txn, MDB_cursor *cursor, const struct store_key *key,
		      struct attachment_key *ret_owner, struct netd_error *err)
{
	struct reader found = { 0 };
	int rc;

	rc = port_find(cursor, key, &found);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return store_read_error(txn, rc, err);
	rc = owner_get(txn, reader_u64(&found), ret_owner, err);
	return rc < 0 ? rc : 1;
}

int store_port_owner(struct store_txn *txn, const struct ip *host, uint8_t protocol, uint16_t port,
		     struct attachment_key *ret_owner, struct netd_error *err)
{
	struct store_key key = port_key(host, protocol, port);
	MDB_cursor *cursor;
	int r;

	r = ports_cursor(txn, &cursor, err);
	if (r < 0)
		return r;
	r = port_owner(txn, cursor, &key, ret_owner, err);
	mdb_cursor_close(cursor);
	return r;
}

/* value: the serial of the attachment, as stored. */
static int port_add(struct store_txn *txn, MDB_cursor *cursor, const struct mapping *mapping,
		    uint16_t port, const struct buf *value, struct netd_error *err)
{
	struct store_key key = port_key(&mapping->host, mapping->protocol, port);
	MDB_val k = { key.len, key.b };
	MDB_val v = { value->len, value->data };
	struct attachment_key owner;
	char text[IP_STRLEN];
	int r, rc;

	r = port_owner(txn, cursor, &key, &owner, err);
	if (r < 0)
		return r;
	if (r > 0)
		return error_set(err, NETD_E_CONFLICT, EADDRINUSE, ip_format(&mapping->host, text),
				 "port %u/%s on %s is published by %s %s of network %s", port,
				 protocol_name(mapping->protocol), text, owner.id, owner.ifname,
				 owner.network);
	rc = mdb_cursor_put(cursor, &k, &v, 0);
	return rc ? store_write_error(txn, rc, err) : 0;
}

static int port_del(struct store_txn *txn, MDB_cursor *cursor, const struct mapping *mapping,
		    uint16_t port, struct netd_error *err)
{
	struct store_key key = port_key(&mapping->host, mapping->protocol, port);
	MDB_val k = { key.len, key.b };
	MDB_val v;
	int rc;

	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);
	if (!rc)
		rc = mdb_cursor_del(cursor, 0);
	return rc && rc != MDB_NOTFOUND ? store_write_error(txn, rc, err) : 0;
}

/* Adds all ports of the attachment, or, with value NULL, removes them. */
static int ports_each(struct store_txn *txn, const struct attachment *att, const struct buf *value,
		      struct netd_error *err)
{
	MDB_cursor *cursor;
	int r;

	if (!att->n_mappings)
		return 0;
	r = ports_cursor(txn, &cursor, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < att->n_mappings && r == 0; i++) {
		const struct mapping *m = &att->mappings[i];

		for (uint32_t n = 0; n < m->count && r == 0; n++) {
			uint16_t port = (uint16_t)(m->host_port + n);

			r = value ? port_add(txn, cursor, m, port, value, err)
				  : port_del(txn, cursor, m, port, err);
		}
	}
	mdb_cursor_close(cursor);
	return r;
}

/* ---- attachments -------------------------------------------------------------------------- */

/* The value of the table: the serial, then the record. */
static int attachment_load(struct store_txn *txn, const struct attachment_key *key,
			   struct attachment **ret, uint64_t *ret_serial, struct netd_error *err)
{
	struct store_key k = attachment_key(key);
	struct reader r;
	uint64_t serial;
	int rc;

	rc = store_table_get(txn, TABLE_ATTACHMENTS, &k, &r, err);
	if (rc < 0)
		return rc;
	serial = reader_u64(&r);
	rc = r.failed ? -EBADMSG : record_get_attachment(r.data + r.pos, r.len - r.pos, ret);
	if (rc < 0)
		return rc == -ENOMEM ? error_nomem(err) : store_damaged(txn, err);
	*ret_serial = serial;
	return 0;
}

int store_attachment_get(struct store_txn *txn, const struct attachment_key *key,
			 struct attachment **ret, struct netd_error *err)
{
	uint64_t serial;

	return attachment_load(txn, key, ret, &serial, err);
}

/* Both hold only bytes and whole uint16_t: no padding that could differ. */
static_assert(sizeof(struct lease) == 35 && sizeof(struct mapping) == 24, "compared by memcmp");

static bool entries_equal(const struct attachment *a, const struct attachment *b)
{
	return a->n_leases == b->n_leases && a->n_mappings == b->n_mappings &&
	       memcmp(a->leases, b->leases, a->n_leases * sizeof(a->leases[0])) == 0 &&
	       (!a->n_mappings ||
		memcmp(a->mappings, b->mappings, a->n_mappings * sizeof(a->mappings[0])) == 0);
}

static int entries_del(struct store_txn *txn, const struct attachment *att, struct netd_error *err)
{
	int r = leases_del(txn, att, err);

	return r < 0 ? r : ports_each(txn, att, NULL, err);
}

static int entries_add(struct store_txn *txn, const struct attachment *att, uint64_t serial,
		       struct netd_error *err)
{
	_cleanup_buf_ struct buf value = { 0 };
	int r;

	buf_put_u64(&value, serial);
	if (value.failed)
		return error_nomem(err);
	r = leases_add(txn, att, serial, err);
	return r < 0 ? r : ports_each(txn, att, &value, err);
}

static int record_write(struct store_txn *txn, const struct attachment_key *key,
			const struct attachment *att, uint64_t serial, struct netd_error *err)
{
	_cleanup_buf_ struct buf buf = { 0 };
	struct store_key k = attachment_key(key);

	buf_put_u64(&buf, serial);
	record_put_attachment(&buf, att);
	return store_table_put(txn, TABLE_ATTACHMENTS, &k, &buf, err);
}

int store_attachment_put(struct store_txn *txn, const struct attachment *attachment,
			 struct netd_error *err)
{
	_cleanup_attachment_ struct attachment *old = NULL;
	struct attachment_key key = attachment_key_of(attachment);
	uint64_t serial = 0;
	int r;

	if (!record_attachment_valid(attachment))
		return error_set(err, NETD_E_INVALID, EINVAL, attachment->id,
				 "attachment %s cannot be stored: a name, address, port or count "
				 "in it is out of bounds",
				 attachment->id);
	r = attachment_load(txn, &key, &old, &serial, err);
	if (r == -ENOENT)
		r = serial_take(txn, &key, &serial, err);
	if (r == 0 && (!old || !entries_equal(old, attachment))) {
		if (old)
			r = entries_del(txn, old, err);
		if (r == 0)
			r = entries_add(txn, attachment, serial, err);
	}
	if (r == 0)
		r = record_write(txn, &key, attachment, serial, err);
	if (r < 0)
		txn->spoilt = true;
	return r;
}

int store_attachment_del(struct store_txn *txn, const struct attachment_key *key,
			 struct netd_error *err)
{
	_cleanup_attachment_ struct attachment *att = NULL;
	struct store_key k = attachment_key(key);
	struct store_key owner;
	uint64_t serial = 0;
	int r;

	r = attachment_load(txn, key, &att, &serial, err);
	if (!att)
		return r;
	owner = serial_key(serial);
	r = entries_del(txn, att, err);
	if (r == 0)
		r = store_table_del(txn, TABLE_OWNERS, &owner, err);
	if (r == 0)
		r = store_table_del(txn, TABLE_ATTACHMENTS, &k, err);
	if (r == -ENOENT)
		r = store_damaged(txn, err);
	if (r < 0)
		txn->spoilt = true;
	return r;
}

struct attachment_walk {
	struct store_txn *txn;
	int (*fn)(struct attachment *attachment, bool *keep, void *user);
	void *user;
	struct netd_error *err;
};

static int attachment_visit(const MDB_val *val, void *user)
{
	_cleanup_attachment_ struct attachment *att = NULL;
	struct attachment_walk *walk = user;
	struct reader r = { .data = val->mv_data, .len = val->mv_size };
	bool keep = false;
	int rc;

	(void)reader_u64(&r);
	rc = r.failed ? -EBADMSG : record_get_attachment(r.data + r.pos, r.len - r.pos, &att);
	if (rc < 0)
		return rc == -ENOMEM ? error_nomem(walk->err) : store_damaged(walk->txn, walk->err);
	rc = walk->fn(att, &keep, walk->user);
	if (keep)
		att = NULL;
	return rc;
}

int store_attachment_each(struct store_txn *txn, const char *network,
			  int (*fn)(struct attachment *attachment, bool *keep, void *user),
			  void *user, struct netd_error *err)
{
	struct attachment_walk walk = { .txn = txn, .fn = fn, .user = user, .err = err };
	struct store_key prefix = { 0 };

	if (network)
		prefix = store_key_network(network);
	return store_table_each(txn, TABLE_ATTACHMENTS, &prefix, attachment_visit, &walk, err);
}

static int count_visit(const MDB_val *val, void *user)
{
	(void)val;
	++*(size_t *)user;
	return 0;
}

int store_attachment_count(struct store_txn *txn, const char *network, size_t *ret,
			   struct netd_error *err)
{
	struct store_key prefix = store_key_network(network);
	size_t n = 0;
	int r;

	r = store_table_each(txn, TABLE_ATTACHMENTS, &prefix, count_visit, &n, err);
	if (r == 0)
		*ret = n;
	return r;
}
