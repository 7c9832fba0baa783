// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard of netd run: cleans up if run is killed. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "cli.h"
#include "run.h"
#include "util.h"

#define EXIT_WAIT_MS 5000 /* for a killed process to be gone */
#define BUSY_TRIES 50	  /* while another operation is in the way, 20 ms apart */

/*
 * An attachment of the same key may be another container's, if the name was taken: then the attach
 * failed and nothing is ours. The namespace's path tells, for it names the child.
 */
static bool is_ours(struct netd *netd, const struct run_key *key)
{
	struct netd_attachment *att;
	bool ours;

	if (netd_attachment_get(netd, key->network, key->id, RUN_IFNAME, &att, NULL) < 0)
		return false;
	ours = !strcmp(att->netns, key->netns);
	netd_attachment_free(att);
	return ours;
}

int run_detach(struct netd *netd, const struct run_key *key, bool spawn, struct netd_error *err)
{
	struct netd_detach_request req = {
		.size = sizeof(req),
		.network = key->network,
		.id = key->id,
		.ifname = RUN_IFNAME,
		.spawn = spawn ? front_spawn : NULL,
	};

	if (!is_ours(netd, key))
		return 0;
	return netd_detach(netd, &req, err);
}

static int detach_once(const struct run_key *key, struct netd_error *err)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	int r = front_open(&netd, err);

	return r < 0 ? r : run_detach(netd, key, false, err);
}

static void guard_clean(const struct run_key *key)
{
	const struct timespec pause = { .tv_nsec = 20L * 1000 * 1000 };
	struct netd_error err;
	int r;

	for (int i = 0; i < BUSY_TRIES; i++) {
		err = (struct netd_error)NETD_ERROR_INIT;
		r = detach_once(key, &err);
		if (r >= 0)
			return;
		if (err.code != NETD_E_BUSY)
			break;
		nanosleep(&pause, NULL);
	}
	cli_error(key->id, &err, false);
}

static void wait_gone(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		poll(&p, 1, EXIT_WAIT_MS);
}

/* Descriptors 0 and 1 are let go: a reader of the command's output must see its end. */
static void guard_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

/* Closes all descriptors from 3 on but two. */
static void guard_close_others(int a, int b)
{
	unsigned int low = (unsigned int)MIN(a, b), high = (unsigned int)MAX(a, b);

	if (low > 3)
		close_range(3, low - 1, 0);
	if (low + 1 < high)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static void guard_main(pid_t parent, int pipe, int child, const struct run_key *key)
{
	_cleanup_close_ int parent_pidfd = -1;
	sigset_t all;
	char byte;
	ssize_t n;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "netd-guard");
	guard_close_others(pipe, child);
	guard_stdio();
	parent_pidfd = pidfd_open(parent, 0);

	do
		n = read(pipe, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(CLI_DONE);
	pidfd_send_signal(child, SIGKILL, NULL, 0);
	wait_gone(child);
	/* its descriptors are closed before it is gone, and while it is there it owns its locks */
	wait_gone(parent_pidfd);
	guard_clean(key);
	_exit(CLI_DONE);
}

int run_guard_start(const struct run_child *child, const struct run_key *key, struct run_guard *ret,
		    struct netd_error *err)
{
	pid_t pid, parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return front_error(err, NETD_E_KERNEL, errno, NULL, "cannot create a pipe: %m");
	pid = fork();
	if (pid == 0)
		guard_main(parent, fds[0], child->pidfd, key);
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return front_error(err, NETD_E_KERNEL, errno, NULL, "cannot fork: %m");
	}
	*ret = (struct run_guard){ .pid = pid, .pipe = fds[1] };
	return 0;
}

void run_guard_done(struct run_guard *guard)
{
	const char byte = 'd';

	/* a guard that was killed has nobody to hear it: SIGPIPE is blocked by the caller */
	if (write(guard->pipe, &byte, 1) == 1)
		waitpid(guard->pid, NULL, 0);
	close(guard->pipe);
}
