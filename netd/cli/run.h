/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netd run: three processes.
 *
 *	run	the parent: attaches, waits for the command, passes signals on, detaches
 *	child	unshares, mounts, executes the command; dies with its parent (PR_SET_PDEATHSIG)
 *	guard	in a session of its own, waits on a pipe; when that closes without a word that all is
 *		done, run was killed: it kills the command and detaches in run's place
 *
 *	run                      child                   guard
 *	 | fork ------------------> unshare
 *	 | fork ------------------------------------------> read pipe
 *	 | <-------------- ready --- mount /sys, resolv.conf
 *	 | attach                   |
 *	 | ---- go ---------------> execve
 *	 | wait, forward signals    |
 *	 | <---------------- SIGCHLD
 *	 | detach
 *	 | ---- done -------------------------------------> exit
 *
 * run opens netd after the forks, so that the others hold none of its descriptors.
 */
#ifndef NETD_CLI_RUN_H
#define NETD_CLI_RUN_H

#include <netd.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_child {
	pid_t pid;
	int pidfd;
	int sock; /* the parent's end: "ready" comes in, "go" goes out */
};

/*
 * Starts the process that becomes argv, its signal mask then being mask. Returns 0, or a negative
 * errno with err filled.
 */
int run_child_start(char *const *argv, const sigset_t *mask, struct run_child *ret,
		    struct netd_error *err);

/* Waits until its namespaces exist; false if it ended before, having said why. */
bool run_child_wait_ready(const struct run_child *child);

/* Lets it execute the command. */
void run_child_go(const struct run_child *child);

struct run_guard {
	pid_t pid;
	int pipe; /* the writing end */
};

#define RUN_IFNAME "eth0"

/* What the guard detaches: the attachment of this key, if it is of this namespace. */
struct run_key {
	const char *network;
	const char *id;
	const char *netns;
};

/* Starts the guard of the child. */
int run_guard_start(const struct run_child *child, const struct run_key *key, struct run_guard *ret,
		    struct netd_error *err);

/* Sends the guard away and waits for its end. */
void run_guard_done(struct run_guard *guard);

/* Detaches what the key describes; 0 also if there is nothing. */
int run_detach(struct netd *netd, const struct run_key *key, bool spawn, struct netd_error *err);

#endif
