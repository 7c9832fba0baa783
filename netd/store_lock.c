// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks on byte ranges of the state file, far beyond its data. They are open-file-description locks:
 * each session opens the file itself, so that threads of one process exclude each other as processes
 * do, and closing another descriptor of the file drops nothing.
 *
 * A lock of many readers or one writer is two bytes, the gate and the lock proper. Whoever wants it
 * passes the gate first; readers leave it open behind them, a writer keeps it until it is done. A
 * writer that waits for readers to finish thus holds off new ones.
 */
#include <assert.h>
#include <fcntl.h>

#include "store_impl.h"
#include "util.h"

static_assert(sizeof(off_t) == 8, "lock offsets need 64 bits");

#define LOCK_BASE ((off_t)1 << 62)
#define LOCK_TXN LOCK_BASE
#define LOCK_HOST (LOCK_BASE + 2)
#define LOCK_ATTACHMENT (LOCK_BASE + ((off_t)1 << 61))
#define LOCK_ATTACHMENT_MASK (((uint64_t)1 << 60) - 1)

/* len 0: up to the end of all offsets. A negative errno. */
static int range_set(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};

	while (fcntl(fd, cmd, &lock) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void gated_unlock(int fd, off_t gate)
{
	(void)range_set(fd, F_OFD_SETLK, F_UNLCK, gate, 2);
}

static int gated_lock(int fd, off_t gate, bool exclusive)
{
	short type = exclusive ? F_WRLCK : F_RDLCK;
	int r;

	r = range_set(fd, F_OFD_SETLKW, type, gate, 1);
	if (r < 0)
		return r;
	r = range_set(fd, F_OFD_SETLKW, type, gate + 1, 1);
	if (r < 0 || !exclusive)
		(void)range_set(fd, F_OFD_SETLK, F_UNLCK, gate, 1);
	return r;
}

int store_lock_txn(const struct store *store, int fd, bool exclusive, struct netd_error *err)
{
	int r = gated_lock(fd, LOCK_TXN, exclusive);

	if (r < 0)
		return error_sys(err, -r, store->path, "cannot lock the state file %s",
				 store->path);
	return 0;
}

void store_unlock_txn(int fd)
{
	gated_unlock(fd, LOCK_TXN);
}

void store_unlock_all(int fd)
{
	(void)range_set(fd, F_OFD_SETLK, F_UNLCK, 0, 0);
}

/* ---- sessions ----------------------------------------------------------------------------- */

int store_session_open(struct store *store, struct store_session **ret, struct netd_error *err)
{
	_cleanup_free_ struct store_session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return error_nomem(err);
	r = store_file_again(store, &session->fd, err);
	if (r < 0)
		return r;
	session->store = store;
	*ret = TAKE_PTR(session);
	return 0;
}

void store_session_close(struct store_session *session)
{
	if (!session)
		return;
	store_unlock_all(session->fd);
	close(session->fd);
	free(session);
}

int store_lock_host(struct store_session *session, bool exclusive, struct netd_error *err)
{
	const char *path = session->store->path;
	enum host_lock want = exclusive ? HOST_EXCLUSIVE : HOST_SHARED;
	int r;

	if (session->host == want)
		return 0;
	if (session->host == HOST_SHARED)
		return error_set(err, NETD_E_BUSY, EDEADLK, path,
				 "the host lock of %s is held shared and cannot be made exclusive",
				 path);
	if (session->host == HOST_EXCLUSIVE) {
		r = range_set(session->fd, F_OFD_SETLK, F_RDLCK, LOCK_HOST + 1, 1);
		if (r == 0)
			r = range_set(session->fd, F_OFD_SETLK, F_UNLCK, LOCK_HOST, 1);
	} else {
		r = gated_lock(session->fd, LOCK_HOST, exclusive);
	}
	if (r < 0)
		return error_sys(err, -r, path, "cannot take the host lock on %s", path);
	session->host = want;
	return 0;
}

void store_unlock_host(struct store_session *session)
{
	gated_unlock(session->fd, LOCK_HOST);
	session->host = HOST_NONE;
}

/* Two keys of one offset, once in 2^60, would merely wait for each other. */
static off_t attachment_offset(const struct attachment_key *key)
{
	uint64_t hash = HASH_INIT;

	hash = hash_bytes(hash, key->network, strlen(key->network) + 1);
	hash = hash_bytes(hash, key->id, strlen(key->id) + 1);
	hash = hash_bytes(hash, key->ifname, strlen(key->ifname) + 1);
	return LOCK_ATTACHMENT + (off_t)(hash & LOCK_ATTACHMENT_MASK);
}

int store_lock_attachment(struct store_session *session, const struct attachment_key *key,
			  bool wait, struct netd_error *err)
{
	int r = range_set(session->fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, F_WRLCK,
			  attachment_offset(key), 1);

	if (!wait && (r == -EAGAIN || r == -EACCES))
		return -EAGAIN;
	if (r < 0)
		return error_sys(err, -r, key->id, "cannot lock the attachment %s %s of network %s",
				 key->id, key->ifname, key->network);
	return 0;
}

void store_unlock_attachment(struct store_session *session, const struct attachment_key *key)
{
	(void)range_set(session->fd, F_OFD_SETLK, F_UNLCK, attachment_offset(key), 1);
}
