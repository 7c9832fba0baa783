/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pinning and entering network namespaces. System module. */
#ifndef NETD_NETNS_H
#define NETD_NETNS_H

#include <netd.h>
#include <signal.h>

/*
 * Opens the path once (O_RDONLY|O_CLOEXEC), so that it cannot be swapped under us, and checks that it
 * is a network namespace (nsfs, NS_GET_NSTYPE) and not the calling thread's own. NETD_E_NETNS.
 */
int netns_open(const char *path, int *ret_fd, struct netd_error *err);

/* A visit: the thread is inside the namespace with all signals blocked until netns_leave(). */
struct netns_visit {
	int home_fd;
	sigset_t signals;
};

int netns_enter(int fd, struct netns_visit *ret, struct netd_error *err);
/* Returns home; a thread that cannot return would act on the wrong namespace, so that is abort(3). */
void netns_leave(struct netns_visit *visit);

#endif
