/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the store share: store_open.c (the file), store_lock.c (sessions and locks),
 * store_table.c (keys and values), store.c (transactions, networks, cursors), store_attachment.c.
 */
#ifndef NETD_STORE_IMPL_H
#define NETD_STORE_IMPL_H

#include <lmdb.h>
#include <sys/types.h>

#include "buf.h"
#include "error.h"
#include "store.h"

/*
 * The tables and their keys; names end at a NUL, numbers are big endian, an address is the byte 4 or
 * 6 and its bytes, so that memcmp() sorts them.
 *
 *	meta         name of the value
 *	networks     network
 *	attachments  network, id, ifname        -> serial, record
 *	owners       serial                     -> network, id, ifname
 *	leases       network, address           -> serial
 *	ports        family, protocol, port, address without its first byte -> serial
 *	cursors      network, set               -> address
 *
 * A serial stands for an attachment where its key would be repeated, and is never used again. Ports
 * have one entry each: whether one is taken is then one search, also for a wildcard address, which
 * conflicts with all of the same family, protocol and port and sorts before them.
 */
enum table {
	TABLE_META,
	TABLE_NETWORKS,
	TABLE_ATTACHMENTS,
	TABLE_OWNERS,
	TABLE_LEASES,
	TABLE_PORTS,
	TABLE_CURSORS,
	N_TABLES,
};

/* Values of the table meta: 64-bit numbers but for the boot id, which is text. */
#define META_FORMAT "format"
#define META_BOOT "boot"
#define META_NETNS "netns"
#define META_IFINDEX "ifindex" /* the next even one */
#define META_PORT "port"       /* last one chosen; 0: none */
#define META_SERIAL "serial"   /* the next one */

struct store {
	MDB_env *env;
	MDB_dbi dbi[N_TABLES];
	int dir_fd;
	dev_t dev; /* which file the environment has open */
	ino_t ino;
	char *path;
};

enum host_lock { HOST_NONE, HOST_SHARED, HOST_EXCLUSIVE };

struct store_session {
	struct store *store;
	int fd;
	enum host_lock host;
	bool in_txn;
};

struct store_txn {
	struct store_session *session;
	MDB_txn *mdb;
	bool spoilt; /* a change failed half way: only abort is left */
};

static inline const struct store *store_of(const struct store_txn *txn)
{
	return txn->session->store;
}

/* store_open.c */

/*
 * Opens the state file as the kernel has it now and refuses what is no state file. -ENOENT, err
 * untouched, when there is none, or an empty one.
 */
int store_file_open(const struct store *store, int *ret_fd, dev_t *ret_dev, ino_t *ret_ino,
		    struct netd_error *err);
/* The same for the file that the environment has; any other, or none, is an error. */
int store_file_again(const struct store *store, int *ret_fd, struct netd_error *err);
/*
 * Opens the environment anew: LMDB refuses all use of one after a failed write of its header. Under
 * the exclusive transaction lock, so that no transaction, of whichever thread, is in the old one.
 */
int store_reopen(struct store *store, struct netd_error *err);
/* Turns what LMDB returned (an errno, or one of its own) into an error; what: "cannot ...". */
int store_mdb_error(const struct store *store, int rc, const char *what, struct netd_error *err);
/* An error of a file that is no usable state, with what to do about it; ends the sentence. */
int store_unusable(const struct store *store, const char *why, struct netd_error *err);

/* store_lock.c */

/* The transaction lock: one writer or many readers. fd carries it. */
int store_lock_txn(const struct store *store, int fd, bool exclusive, struct netd_error *err);
void store_unlock_txn(int fd);
/* Drops every lock that fd carries; explicit, for a forked child may hold the descriptor as well. */
void store_unlock_all(int fd);

/* store_table.c */

#define STORE_KEY_MAX 511 /* LMDB's limit; the longest of ours, of an attachment, is 402 bytes */

struct store_key {
	size_t len;
	uint8_t b[STORE_KEY_MAX];
};

void store_key_add(struct store_key *key, const void *data, size_t len);
void store_key_u8(struct store_key *key, uint8_t v);
void store_key_u64(struct store_key *key, uint64_t v);
/* With its NUL, which sorts before all that may follow in a name. */
void store_key_name(struct store_key *key, const char *name);
struct store_key store_key_network(const char *network);
bool store_has_prefix(const MDB_val *val, const void *prefix, size_t len);

/* Errors from LMDB's return values; a failed write spoils the transaction. */
int store_read_error(const struct store_txn *txn, int rc, struct netd_error *err);
int store_write_error(struct store_txn *txn, int rc, struct netd_error *err);
/* A value that is not what the table holds. */
int store_damaged(const struct store_txn *txn, struct netd_error *err);

/* The value stays in the map: it is valid until the transaction is changed or ends. -ENOENT silently. */
int store_table_get(struct store_txn *txn, enum table table, const struct store_key *key,
		    struct reader *ret, struct netd_error *err);
int store_table_put(struct store_txn *txn, enum table table, const struct store_key *key,
		    const struct buf *value, struct netd_error *err);
int store_table_put_u64(struct store_txn *txn, enum table table, const struct store_key *key,
			uint64_t value, struct netd_error *err);
int store_table_del(struct store_txn *txn, enum table table, const struct store_key *key,
		    struct netd_error *err);
/* Calls fn for the value of each key that begins with prefix (length 0: all), in order. */
int store_table_each(struct store_txn *txn, enum table table, const struct store_key *prefix,
		     int (*fn)(const MDB_val *val, void *user), void *user, struct netd_error *err);
int store_meta_get(struct store_txn *txn, const char *name, uint64_t *ret, struct netd_error *err);
int store_meta_set(struct store_txn *txn, const char *name, uint64_t value, struct netd_error *err);

#endif
