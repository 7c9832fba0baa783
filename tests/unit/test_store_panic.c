// SPDX-License-Identifier: GPL-2.0-or-later
/* A commit whose last write, that of the file's header, fails: LMDB refuses its environment then. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "store_fixture.h"

/* ---- pwrite() before that of libc, for LMDB ----------------------------------------------- */

/* Of the writes to the header, the n-th from now on and each n-th after it fails; 0: none. */
static atomic_uint fail_every, header_writes;

ssize_t lmdb_pwrite(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite")
	__attribute__((visibility("default")));
ssize_t lmdb_pwrite64(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite64")
	__attribute__((visibility("default")));

ssize_t lmdb_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	unsigned int every = fail_every;

	if (every && offset < 2 * sysconf(_SC_PAGESIZE) && ++header_writes % every == 0) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t lmdb_pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	return lmdb_pwrite(fd, data, len, offset);
}

static int setup_writes(void **state)
{
	fail_every = header_writes = 0;
	return setup(state);
}

/* ------------------------------------------------------------------------------------------- */

static void add(struct store_txn *txn, const char *id, uint32_t addr)
{
	struct ip any = v4(0);

	OK(put(txn, "net", id, addr, &any, 0, 0, &err));
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* c1 is committed, c2 is not, since the header cannot be written. */
static void break_store(struct store_session *session)
{
	struct store_txn *txn = begin(session, true);

	add(txn, "c1", 0x0a900002);
	OK(store_commit(txn, &err));
	txn = begin(session, true);
	add(txn, "c2", 0x0a900003);
	fail_every = 1;
	FAILS(store_commit(txn, &err), NETD_E_KERNEL, "cannot commit");
	fail_every = 0;
}

static void assert_c1_alone(struct store_txn *txn)
{
	size_t n = 0;

	assert_lease(txn, "net", 0x0a900002, "c1");
	assert_lease(txn, "net", 0x0a900003, NULL);
	OK(store_attachment_count(txn, "net", &n, &err));
	assert_int_equal(n, 1);
}

/* The next transaction, be it write or read, finds the state of before. */
static void goes_on(const struct fixture *f, bool write)
{
	struct store *store = open_store(f->dir), *other = open_store(f->dir);
	struct store_session *session = open_session(store), *newcomer;
	struct store_txn *txn;
	int fds = count_fds();

	break_store(session);
	txn = begin(session, write);
	assert_c1_alone(txn);
	store_abort(txn);
	assert_int_equal(count_fds(), fds);
	txn = begin(session, true);
	add(txn, "c3", 0x0a900004);
	OK(store_commit(txn, &err));
	newcomer = open_session(other);
	txn = begin(newcomer, false);
	assert_lease(txn, "net", 0x0a900002, "c1");
	assert_lease(txn, "net", 0x0a900003, NULL);
	assert_lease(txn, "net", 0x0a900004, "c3");
	store_abort(txn);
	store_session_close(newcomer);
	store_session_close(session);
	store_close(other);
	store_close(store);
}

static void test_write(void **state)
{
	goes_on(*state, true);
}

static void test_read(void **state)
{
	goes_on(*state, false);
}

/* Not opened anew where the file is another, nor made where it is gone. */
static void test_removed(void **state)
{
	const struct fixture *f = *state;
	struct store *store = open_store(f->dir);
	struct store_session *session = open_session(store);
	struct store_txn *txn;
	char moved[128];

	break_store(session);
	snprintf(moved, sizeof(moved), "%s.moved", f->file);
	assert_int_equal(rename(f->file, moved), 0);
	FAILS(store_begin(session, true, &txn, &err), NETD_E_STATE, "removed or replaced");
	assert_int_equal(access(f->file, F_OK), -1);
	store_close(open_store(f->dir));
	FAILS(store_begin(session, true, &txn, &err), NETD_E_STATE, "removed or replaced");
	assert_int_equal(rename(moved, f->file), 0);
	txn = begin(session, true);
	assert_c1_alone(txn);
	store_abort(txn);
	store_session_close(session);
	store_close(store);
}

/* ---- threads ------------------------------------------------------------------------------ */

#define THREADS 6
#define ROUNDS 60

struct worker {
	struct store *store;
	uint32_t number;
	bool done[ROUNDS];
	unsigned int failed; /* commits */
	unsigned int wrong;  /* anything else */
};

static int count_one(struct attachment *attachment, bool *keep, void *user)
{
	(void)attachment;
	(void)keep;
	++*(size_t *)user;
	return 0;
}

/* What the two ways of counting find in one transaction must agree, whoever reopens meanwhile. */
static void look(struct worker *w, struct store_session *session)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct store_txn *txn;
	size_t n = 0, walked = 0;

	if (store_begin(session, false, &txn, &err) < 0) {
		w->wrong++;
		return;
	}
	if (store_attachment_count(txn, "net", &n, &err) < 0 ||
	    store_attachment_each(txn, "net", count_one, &walked, &err) < 0 || n != walked)
		w->wrong++;
	store_abort(txn);
}

static void change(struct worker *w, struct store_session *session, uint32_t round)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip any = v4(0);
	struct store_txn *txn;
	char id[16];

	snprintf(id, sizeof(id), "c%u-%u", w->number, round);
	if (store_begin(session, true, &txn, &err) < 0) {
		w->wrong++;
		return;
	}
	if (put(txn, "net", id, 0x0a900000 + w->number * ROUNDS + round, &any, 0, 0, &err) < 0)
		w->wrong++;
	w->done[round] = store_commit(txn, &err) == 0;
	w->failed += !w->done[round];
}

static void *worker_main(void *arg)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct store_session *session;
	struct worker *w = arg;

	if (store_session_open(w->store, &session, &err) < 0) {
		w->wrong++;
		return NULL;
	}
	for (uint32_t i = 0; i < ROUNDS; i++) {
		change(w, session, i);
		look(w, session);
	}
	store_session_close(session);
	return NULL;
}

static void check_worker(const struct worker *w, struct store_txn *txn)
{
	char id[16];

	assert_int_equal(w->wrong, 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		snprintf(id, sizeof(id), "c%u-%u", w->number, i);
		assert_lease(txn, "net", 0x0a900000 + w->number * ROUNDS + i,
			     w->done[i] ? id : NULL);
	}
}

static void test_threads(void **state)
{
	const struct fixture *f = *state;
	static struct worker workers[THREADS];
	struct store *store = open_store(f->dir);
	pthread_t threads[THREADS];
	struct store_session *session;
	struct store_txn *txn;
	unsigned int failed = 0;

	fail_every = 5;
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .store = store, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fail_every = 0;
	session = open_session(store);
	txn = begin(session, false);
	for (uint32_t i = 0; i < THREADS; i++) {
		check_worker(&workers[i], txn);
		failed += workers[i].failed;
	}
	assert_true(failed >= THREADS * ROUNDS / 10);
	store_abort(txn);
	store_session_close(session);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write, setup_writes, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup_writes, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup_writes, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup_writes, teardown),
	};

	alarm(120);
	return cmocka_run_group_tests_name("store_panic", tests, NULL, NULL);
}
