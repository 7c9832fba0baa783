/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state file: LMDB, one file, copy on write, so that a writer killed at any point leaves the last
 * committed state. LMDB's own lock file is not used (MDB_NOLOCK): it must not be opened twice in one
 * process, which a library cannot promise. Instead each operation opens the state file once more and
 * takes open-file-description locks on byte ranges beyond any data (F_OFD_SETLKW): one writer or many
 * readers for the duration of a transaction, and the named locks below for an operation. The kernel
 * drops them when their holder dies.
 */
#ifndef NETD_STORE_H
#define NETD_STORE_H

#include "model.h"

#define STORE_FORMAT 1

struct store;

/*
 * Creates dir (0700; its parent must exist) and dir/netd.db (0600) when missing or empty. Refuses
 * (NETD_E_STATE) a directory or file that is a symbolic link, is owned by another user than the
 * effective one, or is writable by group or others; a file that is truncated, not LMDB, of another
 * format, or that belongs to another network namespace (netns_cookie). State of another boot
 * (boot_id) is discarded. A fresh state starts its index counter above the indexes that the host has.
 * The file is sparse: its length is that of the memory map.
 */
struct store_identity {
	char boot_id[40];
	uint64_t netns_cookie;
	/*
	 * Asked for the highest interface index of the host, under the store's lock, when a fresh
	 * state is initialised and only then. NULL: 0.
	 */
	int (*want_max_ifindex)(void *user, uint32_t *ret, struct netd_error *err);
	void *user;
};
int store_open(const char *dir, const struct store_identity *identity, struct store **ret,
	       struct netd_error *err);
void store_close(struct store *store);

/* ---- operation locks ---------------------------------------------------------------------- */

/*
 * A session is one operation's own view of the file: the descriptor that carries its locks. Threads
 * must not share one.
 */
struct store_session;
int store_session_open(struct store *store, struct store_session **ret, struct netd_error *err);
void store_session_close(struct store_session *session); /* drops all its locks explicitly */
static inline void store_session_cleanup(struct store_session **session)
{
	store_session_close(*session);
}
#define _cleanup_session_ __attribute__((cleanup(store_session_cleanup)))

/*
 * The host lock: shared for attach and detach, exclusive for what touches the whole host (making or
 * removing bridges, building the ruleset). Waiting writers hold off new readers. A session that holds
 * it exclusive may make it shared; the other way it must be released first (-EDEADLK).
 */
int store_lock_host(struct store_session *session, bool exclusive, struct netd_error *err);
void store_unlock_host(struct store_session *session);
/*
 * The lock of one attachment, exclusive, held for the whole of an operation on it. wait false:
 * -EAGAIN (err untouched) if another operation holds it. A PENDING record whose lock can be had
 * belongs to an operation that died. Taken after the host lock.
 */
int store_lock_attachment(struct store_session *session, const struct attachment_key *key,
			  bool wait, struct netd_error *err);
void store_unlock_attachment(struct store_session *session, const struct attachment_key *key);

/* ---- transactions ------------------------------------------------------------------------- */

struct store_txn;
int store_begin(struct store_session *session, bool write, struct store_txn **ret,
		struct netd_error *err);
/* Ends the transaction in any case. -ENOSPC: the file system is full, nothing was changed. */
int store_commit(struct store_txn *txn, struct netd_error *err);
void store_abort(struct store_txn *txn); /* accepts NULL */
static inline void store_txn_cleanup(struct store_txn **txn)
{
	store_abort(*txn);
}
#define _cleanup_txn_ __attribute__((cleanup(store_txn_cleanup)))

/* All getters: -ENOENT with err untouched when there is none. */
int store_network_get(struct store_txn *txn, const char *name, struct network *ret,
		      struct netd_error *err);
int store_network_put(struct store_txn *txn, const struct network *network, struct netd_error *err);
int store_network_del(struct store_txn *txn, const char *name, struct netd_error *err);
/* Calls fn for each in order of name; a negative return ends the walk and is returned. */
int store_network_each(struct store_txn *txn, int (*fn)(const struct network *network, void *user),
		       void *user, struct netd_error *err);

int store_attachment_get(struct store_txn *txn, const struct attachment_key *key,
			 struct attachment **ret, struct netd_error *err);
/*
 * Writes the record and its entries in the lease and port tables; replaces an earlier record of the
 * same key with its entries. An address or port of another attachment, or twice in this one, is
 * NETD_E_CONFLICT. After a failure the transaction can only be aborted.
 */
int store_attachment_put(struct store_txn *txn, const struct attachment *attachment,
			 struct netd_error *err);
/* Removes the record, its leases and its ports. */
int store_attachment_del(struct store_txn *txn, const struct attachment_key *key,
			 struct netd_error *err);
/*
 * Calls fn for each attachment of the network (NULL: all) in order of key. fn may keep the
 * attachment by setting *keep; otherwise it is freed. The transaction must not be changed meanwhile.
 */
int store_attachment_each(struct store_txn *txn, const char *network,
			  int (*fn)(struct attachment *attachment, bool *keep, void *user),
			  void *user, struct netd_error *err);
/* Number of attachments of a network. */
int store_attachment_count(struct store_txn *txn, const char *network, size_t *ret,
			   struct netd_error *err);

/* 1 and the owner if leased, 0 if free. */
int store_lease_owner(struct store_txn *txn, const char *network, const struct ip *ip,
		      struct attachment_key *ret_owner, struct netd_error *err);
/*
 * 1 and the owner if the port is published already on this address or one that conflicts (a wildcard
 * conflicts with every address of its family), 0 if free.
 */
int store_port_owner(struct store_txn *txn, const struct ip *host, uint8_t protocol, uint16_t port,
		     struct attachment_key *ret_owner, struct netd_error *err);

/* Cursors: the address handed out last per (network, range set), the host port chosen last. */
int store_last_address(struct store_txn *txn, const char *network, uint8_t set, struct ip *ret,
		       struct netd_error *err);
int store_set_last_address(struct store_txn *txn, const char *network, uint8_t set,
			   const struct ip *ip, struct netd_error *err);
int store_last_port(struct store_txn *txn, uint16_t *ret, struct netd_error *err);
int store_set_last_port(struct store_txn *txn, uint16_t port, struct netd_error *err);
/* A fresh even interface index, never handed out before in this boot; index + 1 goes with it. */
int store_next_ifindex(struct store_txn *txn, uint32_t *ret, struct netd_error *err);

#endif
