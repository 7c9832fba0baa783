// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "netns.h"
#include "private_ns.h"

static bool have_ns;

static void fd_path(int fd, char *ret, size_t size)
{
	snprintf(ret, size, "/proc/self/fd/%d", fd);
}

static ino_t netns_inode(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

/* struct sigset_t holds more bytes than the kernel fills */
static void expect_same_signals(const sigset_t *a, const sigset_t *b)
{
	for (int i = 1; i < SIGRTMAX; i++)
		assert_int_equal(sigismember(a, i), sigismember(b, i));
}

static void expect_refused(const char *path, int errnum, enum netd_code code, const char *part)
{
	struct netd_error err = NETD_ERROR_INIT;
	int before = private_ns_count_fds(), fd = -7;

	assert_int_equal(netns_open(path, &fd, &err), -errnum);
	assert_int_equal(fd, -7);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part) || !strstr(err.message, path))
		fail_msg("%s: %s", path, err.message);
	assert_int_equal(private_ns_count_fds(), before);
}

static void test_open_refuses(void **state)
{
	char dir[] = "/tmp/netd-netns-XXXXXX", path[64];

	(void)state;
	alarm(20); /* a FIFO that is opened the simple way hangs */
	expect_refused("/run/no/such/netns", ENOENT, NETD_E_NETNS, "does not exist");
	expect_refused("/proc/4194999/ns/net", ENOENT, NETD_E_NETNS, "has ended");
	expect_refused("", EINVAL, NETD_E_NETNS, "empty");
	expect_refused("/dev/null", EINVAL, NETD_E_NETNS, "not a namespace");
	expect_refused("/", EINVAL, NETD_E_NETNS, "not a namespace");
	expect_refused("/proc/self/status/net", ENOTDIR, NETD_E_NETNS, "Not a directory");
	expect_refused("/proc/self/ns/mnt", EINVAL, NETD_E_NETNS, "another kind");
	expect_refused("/proc/self/ns/user", EINVAL, NETD_E_NETNS, "another kind");
	expect_refused("/proc/self/ns/net", EINVAL, NETD_E_NETNS, "host's own");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refused(path, EINVAL, NETD_E_NETNS, "not a namespace");
	unlink(path);
	snprintf(path, sizeof(path), "%s/plain", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect_refused(path, EINVAL, NETD_E_NETNS, "plain file");
	unlink(path);
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink(path, path), 0);
	expect_refused(path, ELOOP, NETD_E_NETNS, "symbolic links");
	unlink(path);
	rmdir(dir);
	alarm(0);
}

static void test_open_null(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	int fd;

	(void)state;
	assert_int_equal(netns_open(NULL, &fd, &err), -EINVAL);
	assert_int_equal(err.code, NETD_E_NETNS);
}

static void test_open_survives_removal(void **state)
{
	char dir[] = "/tmp/netd-netns-XXXXXX", path[64], source[32];
	struct netd_error err = NETD_ERROR_INIT;
	struct netns_visit visit;
	struct stat st;
	int ns, fd = -1;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ns", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	fd_path(ns, source, sizeof(source));
	assert_int_equal(mount(source, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(netns_open(path, &fd, &err), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	unlink(path);
	rmdir(dir);
	assert_int_equal(fstat(ns, &st), 0);
	close(ns);
	assert_int_equal(netns_enter(fd, &visit, &err), 0);
	assert_int_equal(netns_inode(), st.st_ino);
	netns_leave(&visit);
	close(fd);
}

static void test_visit(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	ino_t home = netns_inode();
	sigset_t mask, before, after;
	struct netns_visit visit;
	char path[32];
	int ns, fd, fds;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	fd_path(ns, path, sizeof(path));
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(netns_open(path, &fd, &err), 0);
	fds = private_ns_count_fds();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(netns_enter(fd, &visit, &err), 0);
		assert_true(netns_inode() != home);
		pthread_sigmask(SIG_SETMASK, NULL, &mask);
		assert_int_equal(sigismember(&mask, SIGTERM), 1);
		/* from inside, "own" is the container's and home is foreign */
		expect_refused(path, EINVAL, NETD_E_NETNS, "host's own");
		netns_leave(&visit);
		assert_int_equal(netns_inode(), home);
	}
	assert_int_equal(private_ns_count_fds(), fds);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	expect_same_signals(&before, &after);
	sigemptyset(&mask);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	close(fd);
	close(ns);
}

static void test_enter_failure_restores(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	int fds = private_ns_count_fds(), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ino_t home = netns_inode();
	struct netns_visit visit;
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(netns_enter(null, &visit, &err), -EINVAL);
	assert_int_equal(err.code, NETD_E_KERNEL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	expect_same_signals(&before, &after);
	assert_int_equal(netns_inode(), home);
	close(null);
	assert_int_equal(private_ns_count_fds(), fds);
}

/* A thread that cannot return home must not go on. */
static void test_leave_aborts(void **state)
{
	struct netns_visit visit = { .home_fd = -1 };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		netns_leave(&visit);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refuses),	       cmocka_unit_test(test_open_null),
		cmocka_unit_test(test_open_survives_removal),  cmocka_unit_test(test_visit),
		cmocka_unit_test(test_enter_failure_restores), cmocka_unit_test(test_leave_aborts),
	};

	have_ns = private_ns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
