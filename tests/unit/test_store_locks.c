// SPDX-License-Identifier: GPL-2.0-or-later
/* The state file used by several processes and threads, by those that die, and when disk space ends. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "store_fixture.h"

/* ---- peers: child processes that lock on command ------------------------------------------ */

struct peer {
	pid_t pid;
	int fd;
};

/*
 * Commands: h/H host lock shared/exclusive, u unlock it; a/A attachment lock without/with waiting, z
 * unlock it; r/w begin a read/write transaction, c commit, p put an attachment; f fork a child that
 * keeps the descriptors, q close the session. The answer is one int, when the command is done.
 */
static int peer_do(char cmd, struct store_session **session, struct store_txn **txn)
{
	struct attachment_key k = key("net", "locked");
	struct netd_error err = NETD_ERROR_INIT;
	struct ip any = v4(0);

	switch (cmd) {
	case 'h':
	case 'H':
		return store_lock_host(*session, cmd == 'H', &err);
	case 'u':
		store_unlock_host(*session);
		return 0;
	case 'a':
	case 'A':
		return store_lock_attachment(*session, &k, cmd == 'A', &err);
	case 'z':
		store_unlock_attachment(*session, &k);
		return 0;
	case 'r':
	case 'w':
		return store_begin(*session, cmd == 'w', txn, &err);
	case 'p':
		return put(*txn, "net", "peer", 0x0a900063, &any, 6000, 3000, &err);
	case 'c':
		return store_commit(*txn, &err);
	case 'f':
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
		return 0;
	case 'q':
		store_session_close(*session);
		return 0;
	}
	return -EINVAL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void peer_main(const char *dir, int fd)
{
	struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: waits see EINTR */
	struct netd_error err = NETD_ERROR_INIT;
	struct store_session *session;
	struct store_txn *txn = NULL;
	struct store *store;
	char cmd;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
	sigaction(SIGUSR1, &sa, NULL);
	if (store_open(dir, &identity, &store, &err) < 0 ||
	    store_session_open(store, &session, &err) < 0)
		_exit(1);
	for (;;) {
		if (read(fd, &cmd, 1) != 1)
			_exit(0);
		r = peer_do(cmd, &session, &txn);
		if (write(fd, &r, sizeof(r)) != sizeof(r))
			_exit(0);
	}
}

static struct peer peer_start(const char *dir)
{
	struct peer p;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (p.pid == 0) {
		close(fds[0]);
		setpgid(0, 0);
		peer_main(dir, fds[1]);
	}
	close(fds[1]);
	p.fd = fds[0];
	return p;
}

static void tell(const struct peer *p, char cmd)
{
	assert_int_equal(write(p->fd, &cmd, 1), 1);
}

/* The answer, or -ETIME when there is none within ms. */
static int answer(const struct peer *p, int ms)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	int r;

	if (poll(&pfd, 1, ms) == 0)
		return -ETIME;
	assert_int_equal(read(p->fd, &r, sizeof(r)), sizeof(r));
	return r;
}

#define WAITS 100  /* ms after which a command counts as waiting */
#define SOON 10000 /* ms within which it must be done */

static void does(const struct peer *p, char cmd)
{
	tell(p, cmd);
	assert_int_equal(answer(p, SOON), 0);
}

static void waits(const struct peer *p, char cmd)
{
	tell(p, cmd);
	assert_int_equal(answer(p, WAITS), -ETIME);
}

static void peer_kill(struct peer *p)
{
	kill(-p->pid, SIGKILL); /* with its children: its own process group */
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->fd);
}

static void test_host_lock(void **state)
{
	struct fixture *f = *state;
	struct peer a = peer_start(f->dir), b = peer_start(f->dir), c = peer_start(f->dir);

	does(&a, 'h');
	does(&b, 'h');
	does(&b, 'u');
	waits(&b, 'H');
	/* c must not pass b, though the lock is shared now */
	waits(&c, 'h');
	kill(b.pid, SIGUSR1); /* a signal does not end the wait */
	assert_int_equal(answer(&b, WAITS), -ETIME);
	does(&a, 'u');
	assert_int_equal(answer(&b, SOON), 0);
	assert_int_equal(answer(&c, WAITS), -ETIME);
	/* exclusive to shared lets c in, and keeps writers out */
	does(&b, 'h');
	assert_int_equal(answer(&c, SOON), 0);
	waits(&a, 'H');
	does(&c, 'u');
	assert_int_equal(answer(&a, WAITS), -ETIME);
	does(&b, 'u');
	assert_int_equal(answer(&a, SOON), 0);
	waits(&b, 'h');
	/* released when the holder dies, whatever it held; also when it only waited */
	peer_kill(&a);
	assert_int_equal(answer(&b, SOON), 0);
	waits(&c, 'H');
	peer_kill(&c);
	c = peer_start(f->dir);
	does(&c, 'h');
	peer_kill(&b);
	peer_kill(&c);
}

/* A child that inherited the descriptors must not hold what the parent released by closing. */
static void test_inherited(void **state)
{
	struct fixture *f = *state;
	struct peer a = peer_start(f->dir), b = peer_start(f->dir);

	does(&a, 'H');
	does(&a, 'A');
	does(&a, 'f');
	waits(&b, 'h');
	does(&a, 'q');
	assert_int_equal(answer(&b, SOON), 0);
	does(&b, 'a');
	peer_kill(&a);
	peer_kill(&b);
}

static void test_attachment_lock(void **state)
{
	struct fixture *f = *state;
	struct store *store = open_store(f->dir);
	struct store_session *session = open_session(store), *second = open_session(store);
	struct attachment_key k = key("net", "locked"), other = key("net", "other");
	struct peer a = peer_start(f->dir);
	struct netd_error none = NETD_ERROR_INIT;

	OK(store_lock_attachment(session, &k, true, &err));
	assert_int_equal(store_lock_attachment(second, &k, false, &none), -EAGAIN);
	assert_int_equal(none.code, NETD_OK);
	OK(store_lock_attachment(second, &other, false, &err));
	tell(&a, 'a');
	assert_int_equal(answer(&a, SOON), -EAGAIN);
	waits(&a, 'A');
	store_unlock_attachment(session, &k);
	assert_int_equal(answer(&a, SOON), 0);
	assert_int_equal(store_lock_attachment(session, &k, false, &none), -EAGAIN);
	does(&a, 'w'); /* the three kinds of locks do not touch each other */
	OK(store_lock_host(session, true, &err));
	peer_kill(&a);
	OK(store_lock_attachment(session, &k, false, &err));
	store_session_close(session);
	OK(store_lock_attachment(second, &k, false, &err));
	store_session_close(second);
	store_close(store);
}

/* ---- transactions ------------------------------------------------------------------------- */

static void test_isolation(void **state)
{
	struct fixture *f = *state;
	struct peer a = peer_start(f->dir), b = peer_start(f->dir);
	struct store *store = open_store(f->dir);
	struct store_session *session = open_session(store);
	struct store_txn *txn;

	does(&a, 'r');
	does(&b, 'r');
	does(&b, 'c');
	waits(&b, 'w');
	does(&a, 'c');
	assert_int_equal(answer(&b, SOON), 0);
	waits(&a, 'r');
	does(&b, 'p');
	does(&b, 'c');
	assert_int_equal(answer(&a, SOON), 0);
	txn = begin(session, false);
	assert_lease(txn, "net", 0x0a900063, "peer");
	store_abort(txn);
	store_session_close(session);
	store_close(store);
	peer_kill(&a);
	peer_kill(&b);
}

static void test_killed_writer(void **state)
{
	struct fixture *f = *state;
	struct peer a = peer_start(f->dir);
	struct store *store = open_store(f->dir);
	struct store_session *session = open_session(store);
	struct store_txn *txn;

	does(&a, 'w');
	does(&a, 'p');
	peer_kill(&a);
	for (int i = 0; i < 2; i++) {
		txn = begin(session, true);
		assert_lease(txn, "net", 0x0a900063, NULL);
		store_abort(txn);
		store_session_close(session);
		store_close(store);
		store = open_store(f->dir);
		session = open_session(store);
	}
	store_session_close(session);
	store_close(store);
}

/* Puts or deletes a bulky attachment in turn, and another that says whether it is there. */
static void churn(const char *dir)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct attachment_key big = key("net", "big"), mark = key("net", "mark");
	struct ip any = v4(0);
	struct store_session *session;
	struct store_txn *txn;
	struct store *store;

	if (store_open(dir, &identity, &store, &err) < 0 ||
	    store_session_open(store, &session, &err) < 0)
		_exit(1);
	for (;;) {
		if (store_begin(session, true, &txn, &err) < 0)
			_exit(1);
		if (store_attachment_del(txn, &big, &err) == 0) {
			if (store_attachment_del(txn, &mark, &err) < 0)
				_exit(1);
		} else if (put(txn, "net", "big", 0x0a900002, &any, 2000, 800, &err) < 0 ||
			   put(txn, "net", "mark", 0x0a900003, &any, 0, 0, &err) < 0) {
			_exit(1);
		}
		if (store_commit(txn, &err) < 0)
			_exit(1);
	}
}

static void test_killed_anywhere(void **state)
{
	struct fixture *f = *state;
	struct attachment_key k = key("net", "mark");
	struct ip any = v4(0);
	int there = 0;

	for (int i = 0; i < 100; i++) {
		struct attachment *a = NULL;
		struct store_session *session;
		struct store_txn *txn;
		struct store *store;
		const char *owner;
		int status;
		pid_t pid = fork();

		if (pid == 0)
			churn(f->dir);
		usleep(3000 + (useconds_t)(rand() % 5000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status)); /* it did not fail before */
		store = open_store(f->dir);
		session = open_session(store);
		txn = begin(session, false);
		owner = store_attachment_get(txn, &k, &a, NULL) == 0 ? "big" : NULL;
		there += owner != NULL;
		attachment_free(a);
		assert_lease(txn, "net", 0x0a900002, owner);
		for (uint16_t p = 2000; p < 2800; p++)
			assert_port(txn, &any, IPPROTO_TCP, p, owner);
		store_abort(txn);
		store_session_close(session);
		store_close(store);
	}
	assert_in_range(there, 1, 99);
}

static void test_two_contexts(void **state)
{
	struct fixture *f = *state;
	struct store *a = open_store(f->dir), *b = open_store(f->dir);
	struct store_session *sa = open_session(a), *sb = open_session(b);
	struct ip any = v4(0);
	struct store_txn *txn;
	char id[16];

	for (uint32_t i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "c%u", i);
		txn = begin(i % 2 ? sa : sb, true);
		if (i) {
			char last[16];

			snprintf(last, sizeof(last), "c%u", i - 1);
			assert_lease(txn, "net", 0x0a900000 + i - 1, last);
		}
		OK(put(txn, "net", id, 0x0a900000 + i, &any, (uint16_t)(1 + 200 * i), 100, &err));
		OK(store_commit(txn, &err));
	}
	/* closing one drops none of the other's locks */
	OK(store_lock_host(sa, true, &err));
	store_session_close(sb);
	store_close(b);
	b = open_store(f->dir);
	{
		struct peer p = peer_start(f->dir);

		waits(&p, 'h');
		peer_kill(&p);
	}
	store_session_close(sa);
	store_close(a);
	store_close(b);
}

#define THREADS 8
#define ROUNDS 200

struct worker {
	struct store *store;
	uint32_t number;
	int failed;
	uint32_t index[ROUNDS];
};

static int worker_round(struct worker *w, uint32_t round, struct netd_error *err)
{
	_cleanup_session_ struct store_session *session = NULL;
	_cleanup_txn_ struct store_txn *txn = NULL;
	struct ip any = v4(0), ip = v4(0x0a900000 + w->number * 256 + round);
	struct attachment_key owner;
	char id[16];

	snprintf(id, sizeof(id), "t%u-%u", w->number, round);
	if (store_session_open(w->store, &session, err) < 0 ||
	    store_begin(session, true, &txn, err) < 0 ||
	    store_next_ifindex(txn, &w->index[round], err) < 0 ||
	    put(txn, "net", id, 0x0a900000 + w->number * 256 + round, &any,
		(uint16_t)(1 + (w->number * ROUNDS + round) * 30), 30, err) < 0 ||
	    store_commit(TAKE_PTR(txn), err) < 0)
		return -1;
	if (store_begin(session, false, &txn, err) < 0)
		return -1;
	return store_lease_owner(txn, "net", &ip, &owner, err) == 1 && !strcmp(owner.id, id) ? 0
											     : -1;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct netd_error err = NETD_ERROR_INIT;

		w->failed += worker_round(w, i, &err) < 0;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	static struct worker workers[THREADS];
	static uint8_t seen[THREADS * ROUNDS];
	struct store *store = open_store(f->dir);
	pthread_t threads[THREADS];
	struct store_session *session;
	struct store_txn *txn;
	size_t n = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .store = store, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].failed, 0);
		for (uint32_t j = 0; j < ROUNDS; j++) {
			uint32_t slot = (workers[i].index[j] - 0x100000) / 2;

			assert_true(slot < THREADS * ROUNDS);
			assert_int_equal(seen[slot]++, 0);
		}
	}
	session = open_session(store);
	txn = begin(session, false);
	OK(store_attachment_count(txn, "net", &n, &err));
	assert_int_equal(n, THREADS * ROUNDS);
	store_abort(txn);
	store_session_close(session);
	store_close(store);
}

/* ---- a full file system ------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A user that has no number in the file system's user namespace creates nothing (EOVERFLOW). */
static bool can_create(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A small tmpfs on dir in a mount namespace of our own; as another user in a user namespace too. */
static bool tmpfs_private(const char *dir)
{
	bool root = geteuid() == 0;
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)) < 0)
		return false;
	if (!root &&
	    (!write_text("/proc/self/setgroups", "deny") ||
	     !write_text("/proc/self/uid_map", uids) || !write_text("/proc/self/gid_map", gids)))
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", dir, "tmpfs", 0, "size=512k,mode=0700") == 0 && can_create(dir);
}

#define CANNOT 77

static void fill_up(const char *dir)
{
	struct store *store = open_store(dir);
	struct store_session *session = open_session(store);
	struct attachment_key first = key("net", "c0");
	struct ip any = v4(0);
	struct store_txn *txn;
	char last[16];
	uint32_t i;
	int r = 0;

	for (i = 0; i < 200 && r == 0; i++) {
		struct netd_error full = NETD_ERROR_INIT;
		char id[16];

		snprintf(id, sizeof(id), "c%u", i);
		txn = begin(session, true);
		OK(put(txn, "net", id, 0x0a900000 + i, &any, (uint16_t)(1 + 300 * i), 300, &err));
		r = store_commit(txn, &full);
		if (r < 0) {
			assert_int_equal(r, -ENOSPC);
			assert_int_equal(full.code, NETD_E_STATE);
			assert_non_null(
				strstr(full.message, "this change to the state was not made"));
		}
	}
	assert_int_equal(r, -ENOSPC);
	assert_true(i > 3);
	/* as before, for us and for a newcomer; and detaching still works */
	store_session_close(session);
	store_close(store);
	store = open_store(dir);
	session = open_session(store);
	txn = begin(session, true);
	assert_lease(txn, "net", 0x0a900000 + i - 1, NULL);
	snprintf(last, sizeof(last), "c%u", i - 2);
	assert_lease(txn, "net", 0x0a900000 + i - 2, last);
	OK(store_attachment_del(txn, &first, &err));
	OK(store_commit(txn, &err));
	store_session_close(session);
	store_close(store);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/real", f->base);
	assert_int_equal(mkdir(path, 0700), 0);
	pid = fork();
	if (pid == 0) {
		if (!tmpfs_private(path))
			_exit(CANNOT);
		fill_up(path);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
		print_message("NOT TESTED: full file system: no private tmpfs allowed here\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_speed(void **state)
{
	struct fixture *f = *state;
	double t = now(), open_us, write_us;
	struct store_session *session;
	struct store *store;
	const int n = 300;

	store_close(open_store(f->dir));
	t = now();
	for (int i = 0; i < n; i++)
		store_close(open_store(f->dir));
	open_us = 1e6 * (now() - t) / n;
	store = open_store(f->dir);
	session = open_session(store);
	t = now();
	for (int i = 0; i < n; i++) {
		struct store_txn *txn = begin(session, true);
		uint32_t index;

		OK(store_next_ifindex(txn, &index, &err));
		OK(store_commit(txn, &err));
	}
	write_us = 1e6 * (now() - t) / n;
	store_session_close(session);
	store_close(store);
	print_message("open + close %.0f us, write transaction %.0f us\n", open_us, write_us);
	assert_true(open_us < 5000 && write_us < 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_host_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inherited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attachment_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_isolation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_speed, setup, teardown),
	};

	alarm(240);
	return cmocka_run_group_tests_name("store_locks", tests, NULL, NULL);
}
