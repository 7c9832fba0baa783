// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening, checking and creating the state file.
 *
 * The file is made complete under another name and then renamed, so that it exists whole or not at
 * all, whenever its creator is killed. Its length is that of the memory map from the beginning, and
 * sparse: LMDB does not write every page that it counts as used, so that the length it records is no
 * measure, and a page missing from a truncated file would be a SIGBUS at its first use. A file that
 * is shorter than the map is therefore refused.
 *
 * LMDB opens by path. The directory was checked to be ours alone, and what LMDB opened is compared
 * with what was checked.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "buf.h"
#include "store_impl.h"
#include "util.h"

#define FILE_NAME "netd.db"
#define NEW_NAME "netd.db.new"
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOLOCK | MDB_NOTLS)

/* Address space, not memory. 1 GiB is some 400,000 attachments or 10 million published ports. */
#define MAP_SIZE ((size_t)1 << (sizeof(void *) == 8 ? 30 : 28))

/* Where the index counter starts at least: even, and far above what the kernel gives out itself. */
#define IFINDEX_FIRST 0x100000u

static const char *const table_names[N_TABLES] = {
	[TABLE_META] = "meta",
	[TABLE_NETWORKS] = "networks",
	[TABLE_ATTACHMENTS] = "attachments",
	[TABLE_OWNERS] = "owners",
	[TABLE_LEASES] = "leases",
	[TABLE_PORTS] = "ports",
	[TABLE_CURSORS] = "cursors",
};

/* ---- errors ------------------------------------------------------------------------------- */

int store_unusable(const struct store *store, const char *why, struct netd_error *err)
{
	return error_set(err, NETD_E_STATE, EBADMSG, store->path,
			 "the state file %s %s; stop the containers that use it, remove it, and "
			 "start them again",
			 store->path, why);
}

int store_mdb_error(const struct store *store, int rc, const char *what, struct netd_error *err)
{
	switch (rc) {
	case ENOSPC:
	case EDQUOT:
		return error_set(err, NETD_E_STATE, ENOSPC, store->path,
				 "%s: the file system of the state file %s is full; this change "
				 "to the state was not made; free some space and try again",
				 what, store->path);
	case MDB_MAP_FULL:
		return error_set(err, NETD_E_STATE, ENOSPC, store->path,
				 "%s: the state file %s has reached its limit of %zu MiB; this "
				 "change to the state was not made; detach containers that are "
				 "gone and try again",
				 what, store->path, MAP_SIZE >> 20);
	case ENOMEM:
		return error_nomem(err);
	default:
		if (rc > 0)
			return error_sys(err, rc, store->path, "%s: state file %s", what,
					 store->path);
		return error_set(err, NETD_E_STATE, EBADMSG, store->path,
				 "%s: the state file %s is damaged or no state file (%s); stop the "
				 "containers that use it, remove it, and start them again",
				 what, store->path, mdb_strerror(rc));
	}
}

/* ---- directory and file ------------------------------------------------------------------- */

/* Only its owner, who must be us, may change it. */
static int owner_check(const struct stat *st, const char *what, const char *path,
		       struct netd_error *err)
{
	if (st->st_uid != geteuid())
		return error_set(err, NETD_E_STATE, EPERM, path,
				 "the state %s %s is owned by user %u, not by user %u that runs "
				 "netd; remove it or choose another state directory",
				 what, path, st->st_uid, geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, NETD_E_STATE, EPERM, path,
				 "the state %s %s is writable by group or others (mode %04o); "
				 "check its content, then take that away: chmod go-w %s",
				 what, path, st->st_mode & 07777u, path);
	return 0;
}

static int dir_open(const char *dir, int *ret_fd, struct netd_error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int fd = open(dir, flags);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return error_sys(err, errno, dir, "cannot create the state directory %s",
					 dir);
		fd = open(dir, flags);
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, NETD_E_STATE, ENOTDIR, dir,
				 "the state directory %s is a symbolic link or no directory; "
				 "remove it or choose another state directory",
				 dir);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, errno, dir, "cannot open the state directory %s", dir);
	r = owner_check(&st, "directory", dir, err);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_file_open(const struct store *store, int *ret_fd, dev_t *ret_dev, ino_t *ret_ino,
		    struct netd_error *err)
{
	/* O_NONBLOCK: a fifo or device of that name must not make us wait before it is refused */
	_cleanup_close_ int fd = openat(store->dir_fd, FILE_NAME,
					O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return store_unusable(store, "is a symbolic link or no regular file", err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, errno, store->path, "cannot open the state file %s",
				 store->path);
	if (!S_ISREG(st.st_mode))
		return store_unusable(store, "is no regular file", err);
	r = owner_check(&st, "file", store->path, err);
	if (r < 0)
		return r;
	if (st.st_size == 0)
		return -ENOENT;
	if ((uint64_t)st.st_size < MAP_SIZE)
		return store_unusable(store, "is truncated, or was not made by netd", err);
	*ret_fd = take_fd(&fd);
	*ret_dev = st.st_dev;
	*ret_ino = st.st_ino;
	return 0;
}

int store_file_again(const struct store *store, int *ret_fd, struct netd_error *err)
{
	_cleanup_close_ int fd = -1;
	dev_t dev;
	ino_t ino;
	int r;

	r = store_file_open(store, &fd, &dev, &ino, err);
	if (r < 0 && r != -ENOENT)
		return r;
	/* Locks on one file and data in another would protect nothing. */
	if (r == -ENOENT || dev != store->dev || ino != store->ino)
		return error_set(err, NETD_E_STATE, ESTALE, store->path,
				 "the state file %s was removed or replaced while it was in use; "
				 "open it again, or restart this program",
				 store->path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* ---- the table meta ----------------------------------------------------------------------- */

static int meta_put(MDB_txn *txn, MDB_dbi dbi, const char *name, const void *data, size_t len)
{
	MDB_val key = { strlen(name), (void *)name };
	MDB_val val = { len, (void *)data };

	return mdb_put(txn, dbi, &key, &val, 0);
}

static int meta_put_u64(MDB_txn *txn, MDB_dbi dbi, const char *name, uint64_t v)
{
	_cleanup_buf_ struct buf buf = { 0 };

	buf_put_u64(&buf, v);
	return buf.failed ? ENOMEM : meta_put(txn, dbi, name, buf.data, buf.len);
}

static int meta_get_u64(MDB_txn *txn, MDB_dbi dbi, const char *name, uint64_t *ret)
{
	MDB_val key = { strlen(name), (void *)name };
	struct reader r = { 0 };
	MDB_val val;
	uint64_t v;
	int rc;

	rc = mdb_get(txn, dbi, &key, &val);
	if (rc)
		return rc;
	r.data = val.mv_data;
	r.len = val.mv_size;
	v = reader_u64(&r);
	if (r.failed || r.pos != r.len)
		return MDB_CORRUPTED;
	*ret = v;
	return 0;
}

static bool boot_matches(const MDB_val *boot, const struct store_identity *identity)
{
	size_t len = strnlen(identity->boot_id, sizeof(identity->boot_id));

	return boot->mv_size == len && memcmp(boot->mv_data, identity->boot_id, len) == 0;
}

/* Gives the empty tables of txn their first values. */
static int meta_init(const struct store *store, MDB_txn *txn, MDB_dbi dbi,
		     const struct store_identity *identity, struct netd_error *err)
{
	uint64_t ifindex = IFINDEX_FIRST;
	uint32_t max = 0;
	int rc;

	if (identity->want_max_ifindex) {
		rc = identity->want_max_ifindex(identity->user, &max, err);
		if (rc < 0)
			return rc;
	}
	ifindex = MAX(ifindex, ((uint64_t)max + 2) & ~1ULL);
	rc = meta_put_u64(txn, dbi, META_FORMAT, STORE_FORMAT);
	if (!rc)
		rc = meta_put(txn, dbi, META_BOOT, identity->boot_id,
			      strnlen(identity->boot_id, sizeof(identity->boot_id)));
	if (!rc)
		rc = meta_put_u64(txn, dbi, META_NETNS, identity->netns_cookie);
	if (!rc)
		rc = meta_put_u64(txn, dbi, META_IFINDEX, ifindex);
	if (!rc)
		rc = meta_put_u64(txn, dbi, META_PORT, 0);
	if (!rc)
		rc = meta_put_u64(txn, dbi, META_SERIAL, 1);
	return rc ? store_mdb_error(store, rc, "cannot initialise the state", err) : 0;
}

/* 1 if the state is that of the identity, 0 if it is of another boot. */
static int meta_check(const struct store *store, MDB_txn *txn,
		      const struct store_identity *identity, struct netd_error *err)
{
	const char *what = "cannot read the state";
	MDB_dbi dbi = store->dbi[TABLE_META];
	MDB_val key = { strlen(META_BOOT), (void *)META_BOOT };
	MDB_val boot;
	uint64_t format, cookie;
	int rc;

	rc = meta_get_u64(txn, dbi, META_FORMAT, &format);
	if (rc)
		return store_mdb_error(store, rc, what, err);
	if (format != STORE_FORMAT)
		return error_set(err, NETD_E_STATE, EPROTONOSUPPORT, store->path,
				 "the state file %s has format %llu, this version of netd knows "
				 "format %u only; use the version that wrote it",
				 store->path, (unsigned long long)format, STORE_FORMAT);
	rc = mdb_get(txn, dbi, &key, &boot);
	if (rc)
		return store_mdb_error(store, rc, what, err);
	if (!boot_matches(&boot, identity))
		return 0;
	rc = meta_get_u64(txn, dbi, META_NETNS, &cookie);
	if (rc)
		return store_mdb_error(store, rc, what, err);
	if (cookie != identity->netns_cookie)
		return error_set(err, NETD_E_STATE, EXDEV, store->path,
				 "the state file %s belongs to another network namespace than this "
				 "program runs in; run it in that namespace, or give each its own "
				 "state directory (NETD_STATE_DIR)",
				 store->path);
	return 1;
}

/* ---- the environment ---------------------------------------------------------------------- */

static int env_open(const struct store *store, const char *path, MDB_env **ret,
		    struct netd_error *err)
{
	mdb_filehandle_t fd;
	MDB_env *env;
	int rc;

	rc = mdb_env_create(&env);
	if (rc)
		return store_mdb_error(store, rc, "cannot open the state", err);
	rc = mdb_env_set_mapsize(env, MAP_SIZE);
	if (!rc)
		rc = mdb_env_set_maxdbs(env, N_TABLES);
	if (!rc)
		rc = mdb_env_open(env, path, ENV_FLAGS, 0600);
	/* LMDB 0.9 opens its data file without O_CLOEXEC */
	if (!rc)
		rc = mdb_env_get_fd(env, &fd);
	if (!rc && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		rc = errno;
	if (rc) {
		mdb_env_close(env);
		return store_mdb_error(store, rc, "cannot open the state", err);
	}
	*ret = env;
	return 0;
}

/* In txn; flags: MDB_CREATE or 0. */
static int tables_open(MDB_txn *txn, unsigned int flags, MDB_dbi dbi[static N_TABLES])
{
	for (int i = 0; i < N_TABLES; i++) {
		int rc = mdb_dbi_open(txn, table_names[i], flags, &dbi[i]);

		if (rc)
			return rc;
	}
	return 0;
}

/* A whole new state in the empty file at path, which it closes again. */
static int state_write(const struct store *store, const char *path,
		       const struct store_identity *identity, struct netd_error *err)
{
	MDB_dbi dbi[N_TABLES];
	MDB_env *env = NULL;
	MDB_txn *txn;
	int r, rc;

	r = env_open(store, path, &env, err);
	if (!env)
		return r;
	rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (!rc) {
		rc = tables_open(txn, MDB_CREATE, dbi);
		if (!rc)
			r = meta_init(store, txn, dbi[TABLE_META], identity, err);
		if (rc || r < 0)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	mdb_env_close(env);
	return rc ? store_mdb_error(store, rc, "cannot create the state", err) : r;
}

/* Under the directory's lock. */
static int create_locked(const struct store *store, const struct store_identity *identity,
			 struct netd_error *err)
{
	_cleanup_close_ int there = -1, fd = -1;
	_cleanup_free_ char *path = NULL;
	dev_t dev;
	ino_t ino;
	int r;

	r = store_file_open(store, &there, &dev, &ino, err);
	if (r != -ENOENT)
		return r; /* made by someone else meanwhile, or unusable */
	if (asprintf(&path, "%.*s" NEW_NAME, (int)(strlen(store->path) - strlen(FILE_NAME)),
		     store->path) < 0) {
		path = NULL;
		return error_nomem(err);
	}
	if (unlinkat(store->dir_fd, NEW_NAME, 0) < 0 && errno != ENOENT)
		return error_sys(err, errno, path, "cannot remove the left-over %s", path);
	fd = openat(store->dir_fd, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return error_sys(err, errno, path, "cannot create the state file %s", path);
	r = state_write(store, path, identity, err);
	if (r == 0 && (ftruncate(fd, (off_t)MAP_SIZE) < 0 ||
		       renameat(store->dir_fd, NEW_NAME, store->dir_fd, FILE_NAME) < 0))
		r = error_sys(err, errno, path, "cannot create the state file %s", store->path);
	if (r < 0)
		(void)unlinkat(store->dir_fd, NEW_NAME, 0);
	return r;
}

static int create(const struct store *store, const struct store_identity *identity,
		  struct netd_error *err)
{
	int r;

	while (flock(store->dir_fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return error_sys(err, errno, store->path,
					 "cannot lock the directory of the state file %s",
					 store->path);
	}
	r = create_locked(store, identity, err);
	(void)flock(store->dir_fd, LOCK_UN);
	return r;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Handles of all tables that outlive the transaction. Returns what LMDB does. */
static int env_tables(MDB_env *env, MDB_dbi dbi[static N_TABLES])
{
	MDB_txn *txn;
	int rc;

	rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return rc;
	rc = tables_open(txn, 0, dbi);
	if (!rc)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* Under the transaction lock: maps the file that was checked. */
static int env_load(const struct store *store, MDB_env **ret, MDB_dbi dbi[static N_TABLES],
		    struct netd_error *err)
{
	mdb_filehandle_t fd;
	struct stat st;
	MDB_env *env = NULL;
	int r, rc;

	r = env_open(store, store->path, &env, err);
	if (!env)
		return r;
	rc = mdb_env_get_fd(env, &fd);
	if (rc || fstat(fd, &st) < 0 || st.st_dev != store->dev || st.st_ino != store->ino) {
		r = store_unusable(store, "was replaced while it was opened", err);
	} else {
		rc = env_tables(env, dbi);
		if (rc)
			r = store_mdb_error(store, rc, "cannot read the state", err);
	}
	if (r < 0)
		mdb_env_close(env);
	else
		*ret = env;
	return r;
}

int store_reopen(struct store *store, struct netd_error *err)
{
	_cleanup_close_ int fd = -1;
	MDB_dbi dbi[N_TABLES];
	MDB_env *env = NULL;
	int r;

	/* LMDB would make a file where there is none */
	r = store_file_again(store, &fd, err);
	if (r >= 0)
		r = env_load(store, &env, dbi, err);
	if (r < 0)
		return r; /* the old one stays, refused by LMDB: next time again */
	mdb_env_close(store->env);
	store->env = env;
	memcpy(store->dbi, dbi, sizeof(dbi));
	return 0;
}

/* Under the transaction lock. Returns as meta_check(). */
static int state_read(struct store *store, const struct store_identity *identity,
		      struct netd_error *err)
{
	MDB_txn *txn;
	int r, rc;

	r = env_load(store, &store->env, store->dbi, err);
	if (r < 0)
		return r;
	rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return store_mdb_error(store, rc, "cannot read the state", err);
	r = meta_check(store, txn, identity, err);
	mdb_txn_abort(txn);
	return r;
}

/* Under the exclusive transaction lock: empties all tables, unless someone else did. */
static int state_discard(struct store *store, const struct store_identity *identity,
			 struct netd_error *err)
{
	const char *what = "cannot discard the state of an earlier boot";
	MDB_txn *txn;
	int r, rc;

	rc = mdb_txn_begin(store->env, NULL, 0, &txn);
	if (rc)
		return store_mdb_error(store, rc, what, err);
	r = meta_check(store, txn, identity, err);
	if (r != 0) {
		mdb_txn_abort(txn);
		return r;
	}
	for (int i = 0; i < N_TABLES && !rc; i++)
		rc = mdb_drop(txn, store->dbi[i], 0);
	if (!rc)
		r = meta_init(store, txn, store->dbi[TABLE_META], identity, err);
	if (rc || r < 0)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return rc ? store_mdb_error(store, rc, what, err) : r;
}

/* fd carries the locks. */
static int state_open(struct store *store, int fd, const struct store_identity *identity,
		      struct netd_error *err)
{
	int r;

	r = store_lock_txn(store, fd, false, err);
	if (r < 0)
		return r;
	r = state_read(store, identity, err);
	store_unlock_txn(fd);
	if (r != 0)
		return r;
	r = store_lock_txn(store, fd, true, err);
	if (r < 0)
		return r;
	r = state_discard(store, identity, err);
	store_unlock_txn(fd);
	return r;
}

static void cleanup_store(struct store **store)
{
	store_close(*store);
}

static struct store *store_new(const char *dir)
{
	struct store *store = calloc(1, sizeof(*store));
	size_t len = strlen(dir);

	if (!store)
		return NULL;
	/* "dir/" would follow a symbolic link */
	while (len > 1 && dir[len - 1] == '/')
		len--;
	store->dir_fd = -1;
	if (asprintf(&store->path, "%.*s/" FILE_NAME, (int)len, dir) < 0) {
		free(store);
		return NULL;
	}
	return store;
}

int store_open(const char *dir, const struct store_identity *identity, struct store **ret,
	       struct netd_error *err)
{
	_cleanup_(cleanup_store) struct store *store = store_new(dir);
	_cleanup_close_ int fd = -1;
	char *slash;
	int r;

	if (!store)
		return error_nomem(err);
	slash = strrchr(store->path, '/');
	*slash = '\0';
	r = dir_open(store->path, &store->dir_fd, err);
	*slash = '/';
	if (r < 0)
		return r;
	r = store_file_open(store, &fd, &store->dev, &store->ino, err);
	if (r == -ENOENT) {
		r = create(store, identity, err);
		if (r < 0)
			return r;
		r = store_file_open(store, &fd, &store->dev, &store->ino, err);
		if (r == -ENOENT)
			return store_unusable(store, "vanished while it was opened", err);
	}
	if (r < 0)
		return r;
	r = state_open(store, fd, identity, err);
	store_unlock_all(fd);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(store);
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->env)
		mdb_env_close(store->env);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	free(store->path);
	free(store);
}
