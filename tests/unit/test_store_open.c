// SPDX-License-Identifier: GPL-2.0-or-later
/* The state file: created, checked, refused. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store_fixture.h"

static void test_create(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct store *a, *b;
	struct stat st;
	int ours = 0;

	a = open_store(f->dir);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_blocks * 512 < 1 << 20); /* sparse */
	snprintf(path, sizeof(path), "%s.new", f->file);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s-lock", f->file);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s///", f->dir);
	b = open_store(path);
	for (int fd = 3; fd < 64; fd++) {
		char target[128] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, f->base)) {
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			ours++;
		}
	}
	assert_in_range(ours, 2, 8);
	store_close(a);
	store_close(b);
	store_close(NULL);
	snprintf(path, sizeof(path), "%s/no/such", f->base);
	FAILS(store_open(path, &identity, &a, &err), NETD_E_KERNEL, "no/such");
}

/* In a loop: children killed while they create, the survivor finds it whole. */
static void test_create_killed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 150; i++) {
		struct store *store;
		pid_t pid = fork();

		if (pid == 0) {
			struct netd_error err = NETD_ERROR_INIT;

			_exit(store_open(f->dir, &identity, &store, &err) < 0);
		}
		usleep((useconds_t)i * 4);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		store_close(open_store(f->dir));
		unlink(f->file);
	}
}

static void test_empty_file(void **state)
{
	struct fixture *f = *state;
	char path[128];

	assert_int_equal(mkdir(f->dir, 0700), 0);
	close(open(f->file, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s.new", f->file);
	close(open(path, O_CREAT | O_WRONLY, 0600)); /* left by a creator that died */
	store_close(open_store(f->dir));
	assert_int_equal(access(path, F_OK), -1);
}

#define RACERS 8

/* Opens and takes an index as soon as go is closed by everyone else; writes it, or 0, to done. */
static void racer(const char *dir, int go, int done)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct store_session *session;
	struct store_txn *txn;
	struct store *store;
	uint32_t n = 0;
	char c;

	if (read(go, &c, 1) != 0 || store_open(dir, &identity, &store, &err) < 0 ||
	    store_session_open(store, &session, &err) < 0 ||
	    store_begin(session, true, &txn, &err) < 0 || store_next_ifindex(txn, &n, &err) < 0 ||
	    store_commit(txn, &err) < 0)
		n = 0;
	if (err.code)
		fprintf(stderr, "%s\n", err.message);
	_exit(write(done, &n, sizeof(n)) != sizeof(n));
}

/* All get the same state, of which nothing is lost. */
static void race(const char *dir)
{
	uint32_t seen[RACERS] = { 0 }, index;
	int go[2], done[2];

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(done, O_CLOEXEC), 0);
	for (int i = 0; i < RACERS; i++) {
		if (fork() == 0) {
			close(go[1]);
			racer(dir, go[0], done[1]);
		}
	}
	close(go[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(read(done[0], &index, sizeof(index)), sizeof(index));
		assert_in_range(index, 0x100000, 0x100000 + 2 * (RACERS - 1));
		assert_int_equal(seen[(index - 0x100000) / 2]++, 0);
	}
	while (wait(NULL) > 0)
		continue;
	close(go[0]);
	close(done[0]);
	close(done[1]);
}

static void test_create_race(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 40; round++) {
		race(f->dir);
		unlink(f->file);
		if (round % 2)
			assert_int_equal(rmdir(f->dir), 0);
	}
}

static void test_directory(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/real", f->base);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(symlink(path, f->dir), 0);
	FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, "symbolic link");
	snprintf(path, sizeof(path), "%s/", f->dir);
	FAILS(store_open(path, &identity, &store, &err), NETD_E_STATE, "symbolic link");
	unlink(f->dir);
	close(open(f->dir, O_CREAT | O_WRONLY, 0600));
	FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, "no directory");
	unlink(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(chmod(f->dir, 0770), 0);
	FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, "writable by group");
	assert_int_equal(chmod(f->dir, 0702), 0);
	FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, "writable by group");
	assert_int_equal(chmod(f->dir, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->dir, 65534, 65534), 0);
		FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, "owned by user");
		assert_int_equal(chown(f->dir, 0, 0), 0);
	}
	assert_null(store);
	store_close(open_store(f->dir));
}

static void refused(const struct fixture *f, const char *text)
{
	struct store *store = NULL;

	FAILS(store_open(f->dir, &identity, &store, &err), NETD_E_STATE, text);
	assert_null(store);
	unlink(f->file);
}

static void test_file(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;

	store_close(open_store(f->dir));
	assert_int_equal(chmod(f->file, 0620), 0);
	refused(f, "writable by group");
	store_close(open_store(f->dir));
	snprintf(path, sizeof(path), "%s/real", f->base);
	assert_int_equal(rename(f->file, path), 0);
	assert_int_equal(symlink(path, f->file), 0);
	refused(f, "symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	refused(f, "no regular file");
	assert_int_equal(mkdir(f->file, 0700), 0);
	refused(f, "no regular file");
	rmdir(f->file);
	if (geteuid() == 0) {
		store_close(open_store(f->dir));
		assert_int_equal(chown(f->file, 65534, 65534), 0);
		refused(f, "owned by user");
		/* an empty one of another user is no invitation either */
		close(open(f->file, O_CREAT | O_WRONLY, 0600));
		assert_int_equal(chown(f->file, 65534, 65534), 0);
		refused(f, "owned by user");
	}
	store_close(open_store(f->dir));
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(truncate(f->file, st.st_size - 1), 0);
	refused(f, "truncated");
	for (off_t size = 1; size < 1 << 20; size *= 3) {
		store_close(open_store(f->dir));
		assert_int_equal(truncate(f->file, size), 0);
		refused(f, "truncated");
	}
}

/* Garbage of any size, up to that of a real one, is refused; and never mapped blindly. */
static void test_garbage(void **state)
{
	struct fixture *f = *state;
	char noise[8192];
	struct stat st;
	int fd;

	store_close(open_store(f->dir));
	assert_int_equal(stat(f->file, &st), 0);
	for (int i = 0; i < 40; i++) {
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (char)(i ? rand() : 0);
		fd = open(f->file, O_CREAT | O_RDWR | (i % 2 ? O_TRUNC : 0), 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
		if (i % 4 == 3)
			assert_int_equal(ftruncate(fd, st.st_size), 0);
		close(fd);
		refused(f, i % 4 == 1 ? "truncated" : "damaged or no state file");
		store_close(open_store(f->dir));
	}
}

static int max_asked;

static int want_max(void *user, uint32_t *ret, struct netd_error *err)
{
	(void)err;
	max_asked++;
	*ret = *(uint32_t *)user;
	return 0;
}

static int want_fails(void *user, uint32_t *ret, struct netd_error *err)
{
	(void)user;
	(void)ret;
	(void)err;
	return -EIO;
}

static void test_identity(void **state)
{
	struct fixture *f = *state;
	struct store_identity id = identity;
	struct store_session *session;
	struct store *store;
	struct store_txn *txn;
	uint32_t max = 0x100001, n = 0;
	struct ip any = v4(0);

	id.user = &max;
	id.want_max_ifindex = want_fails;
	assert_int_equal(store_open(f->dir, &id, &store, NULL), -EIO);
	id.want_max_ifindex = want_max;
	max_asked = 0;
	OK(store_open(f->dir, &id, &store, &err));
	session = open_session(store);
	txn = begin(session, true);
	OK(store_next_ifindex(txn, &n, &err));
	assert_int_equal(n, 0x100002);
	OK(put(txn, "net", "a", 0x0a900002, &any, 80, 1, &err));
	OK(store_commit(txn, &err));
	store_session_close(session);
	store_close(store);

	id.netns_cookie = 8;
	FAILS(store_open(f->dir, &id, &store, &err), NETD_E_STATE, "NETD_STATE_DIR");
	id.netns_cookie = 7;
	OK(store_open(f->dir, &id, &store, &err));
	assert_int_equal(max_asked, 1);
	session = open_session(store);
	txn = begin(session, false);
	assert_lease(txn, "net", 0x0a900002, "a");
	store_abort(txn);
	store_session_close(session);
	store_close(store);

	/* another boot, with another cookie for the host: everything goes */
	strcpy(id.boot_id, "22222222");
	id.netns_cookie = 1;
	max = 0x200000;
	OK(store_open(f->dir, &id, &store, &err));
	assert_int_equal(max_asked, 2);
	session = open_session(store);
	txn = begin(session, true);
	assert_lease(txn, "net", 0x0a900002, NULL);
	assert_port(txn, &any, IPPROTO_TCP, 80, NULL);
	OK(store_next_ifindex(txn, &n, &err));
	assert_int_equal(n, 0x200002);
	OK(put(txn, "net", "b", 0x0a900002, &any, 80, 1, &err));
	OK(store_commit(txn, &err));
	store_session_close(session);
	store_close(store);
	OK(store_open(f->dir, &id, &store, &err));
	assert_int_equal(max_asked, 2);
	store_close(store);
}

static void test_ifindex_end(void **state)
{
	static const struct {
		uint32_t max, first;
	} cases[] = { { 0, 0x100000 },	      { 0x0fffff, 0x100000 },
		      { 0x100000, 0x100002 }, { INT32_MAX - 3, INT32_MAX - 1 },
		      { INT32_MAX - 1, 0 },   { INT32_MAX, 0 },
		      { UINT32_MAX, 0 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store_identity id = identity;
		struct store_session *session;
		struct store *store;
		struct store_txn *txn;
		uint32_t max = cases[i].max, n = 0;

		id.want_max_ifindex = want_max;
		id.user = &max;
		OK(store_open(f->dir, &id, &store, &err));
		session = open_session(store);
		txn = begin(session, true);
		if (cases[i].first) {
			OK(store_next_ifindex(txn, &n, &err));
			assert_int_equal(n, cases[i].first);
		}
		if (!cases[i].first || cases[i].first == INT32_MAX - 1)
			FAILS(store_next_ifindex(txn, &n, &err), NETD_E_EXHAUSTED, "index");
		store_abort(txn);
		store_session_close(session);
		store_close(store);
		unlink(f->file);
	}
}

/* The file goes away, or another takes its place, under a program that has it open. */
static void test_replaced(void **state)
{
	struct fixture *f = *state;
	struct store *store = open_store(f->dir), *other;
	struct store_session *session = NULL;

	unlink(f->file);
	FAILS(store_session_open(store, &session, &err), NETD_E_STATE, "removed or replaced");
	other = open_store(f->dir);
	FAILS(store_session_open(store, &session, &err), NETD_E_STATE, "removed or replaced");
	store_session_close(open_session(other));
	assert_int_equal(truncate(f->file, 4096), 0);
	FAILS(store_session_open(other, &session, &err), NETD_E_STATE, "truncated");
	assert_null(session);
	store_session_close(NULL);
	store_close(store);
	store_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ifindex_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
	};

	alarm(120);
	return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
