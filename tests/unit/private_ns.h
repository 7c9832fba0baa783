/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private namespaces for tests against the real kernel; nothing of the machine's own is touched. */
#ifndef PRIVATE_NS_H
#define PRIVATE_NS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline void private_ns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "cannot write %s\n", path);
	if (fd >= 0)
		close(fd);
}

/*
 * Moves the process into new network and mount namespaces, as a non-root user into a new user
 * namespace first. False, said on stderr, where that is not permitted.
 */
static inline bool private_ns_enter(void)
{
	char map[64];
	int flags = CLONE_NEWNET | CLONE_NEWNS;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(flags)) {
		if (unshare(flags | CLONE_NEWUSER)) {
			fprintf(stderr, "SKIPPED: namespaces are not permitted here: %m\n");
			return false;
		}
		private_ns_write("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
		private_ns_write("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", (unsigned int)gid);
		private_ns_write("/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		fprintf(stderr, "SKIPPED: cannot make mounts private: %m\n");
		return false;
	}
	return true;
}

/* A descriptor of a fresh network namespace; the thread stays where it is. Ends the test on failure. */
static inline int private_ns_new(void)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fd = -1;

	if (home >= 0 && !unshare(CLONE_NEWNET))
		fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(home, CLONE_NEWNET)) {
		perror("cannot make a network namespace");
		abort();
	}
	close(home);
	return fd;
}

/* Runs a shell command inside the namespace (-1: here); true if it succeeded. */
static inline bool private_ns_run(int ns, const char *command)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), r;

	if (ns >= 0 && setns(ns, CLONE_NEWNET))
		abort();
	r = system(command); /* NOLINT(cert-env33-c): the independent oracle is a program */
	if (setns(home, CLONE_NEWNET))
		abort();
	close(home);
	return r == 0;
}

/* How many descriptors the process has open */
static inline int private_ns_count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
