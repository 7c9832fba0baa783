// SPDX-License-Identifier: GPL-2.0-or-later
#include "netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "error.h"
#include "util.h"

/* Of the thread: /proc/self would be the namespace of the thread group's leader. */
#define OWN_NETNS "/proc/thread-self/ns/net"

static int refuse(struct netd_error *err, int errnum, const char *path, const char *why)
{
	return error_set(err, NETD_E_NETNS, errnum, path, "cannot use network namespace %s: %s",
			 path, why);
}

static int refuse_errno(struct netd_error *err, int errnum, const char *path)
{
	switch (errnum) {
	case ENOENT:
	case ESRCH: /* a process that is ending */
		return refuse(err, ENOENT, path,
			      "it does not exist; the container has ended or the path is misspelt");
	case EACCES:
	case EPERM:
		return error_set(
			err, NETD_E_PERMISSION, errnum, path,
			"cannot open network namespace %s: %s; run as root, or as root of the "
			"user namespace that owns it",
			path, strerrordesc_np(errnum));
	default:
		return refuse(err, errnum, path, strerrordesc_np(errnum));
	}
}

/*
 * Opens the path without the side effects that opening a FIFO or a device has, and returns the O_PATH
 * descriptor if it is on nsfs.
 */
static int pin(const char *path, struct netd_error *err)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return refuse_errno(err, errno, path);
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return refuse_errno(err, errno, path);
	if (fs.f_type == NSFS_MAGIC)
		return take_fd(&fd);
	if (S_ISREG(st.st_mode))
		return refuse(err, EINVAL, path,
			      "it is a plain file; the namespace that was mounted there is gone, "
			      "create it again");
	return refuse(err, EINVAL, path,
		      "it is not a namespace; give a path such as /run/netns/NAME or "
		      "/proc/PID/ns/net");
}

/* 1: fd is the calling thread's network namespace, 0: it is not, negative errno */
static int is_own(int fd, struct netd_error *err)
{
	struct stat own, st;

	if (stat(OWN_NETNS, &own) || fstat(fd, &st))
		return error_sys(err, errno, OWN_NETNS,
				 "cannot tell the own network namespace from " OWN_NETNS);
	return own.st_dev == st.st_dev && own.st_ino == st.st_ino;
}

static int check(int fd, const char *path, struct netd_error *err)
{
	int r = ioctl(fd, NS_GET_NSTYPE);

	if (r < 0)
		return refuse_errno(err, errno, path);
	if (r != CLONE_NEWNET)
		return refuse(err, EINVAL, path,
			      "it is a namespace of another kind; give the one called net");
	r = is_own(fd, err);
	if (r < 0)
		return r;
	if (r)
		return refuse(err, EINVAL, path,
			      "it is the host's own; give the namespace of a container");
	return 0;
}

int netns_open(const char *path, int *ret_fd, struct netd_error *err)
{
	_cleanup_close_ int pinned = -1, fd = -1;
	char again[64];
	int r;

	if (!path || !*path)
		return error_set(err, NETD_E_NETNS, EINVAL, NULL,
				 "no network namespace given: its path is empty");
	pinned = pin(path, err);
	if (pinned < 0)
		return pinned;
	snprintf(again, sizeof(again), "/proc/thread-self/fd/%d", pinned);
	fd = open(again, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_sys(err, ENOENT, path,
				 "cannot open network namespace %s through /proc", path);
	if (fd < 0)
		return refuse_errno(err, errno, path);
	r = check(fd, path, err);
	if (r)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

int netns_enter(int fd, struct netns_visit *ret, struct netd_error *err)
{
	_cleanup_close_ int home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	sigset_t all, old;
	int errnum;

	if (home < 0)
		return error_sys(err, errno, OWN_NETNS, "cannot open " OWN_NETNS);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (setns(fd, CLONE_NEWNET)) {
		errnum = errno;
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (errnum == EPERM)
			return error_set(err, NETD_E_PERMISSION, errnum, NULL,
					 "cannot enter the network namespace: needs CAP_SYS_ADMIN "
					 "here and in the user namespace that owns it");
		return error_sys(err, errnum, NULL, "cannot enter the network namespace");
	}
	ret->home_fd = take_fd(&home);
	ret->signals = old;
	return 0;
}

void netns_leave(struct netns_visit *visit)
{
	if (setns(visit->home_fd, CLONE_NEWNET))
		abort();
	close(visit->home_fd);
	visit->home_fd = -1;
	pthread_sigmask(SIG_SETMASK, &visit->signals, NULL);
}
