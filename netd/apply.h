/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out plans, and takes them back. The only file that sees both the plan and the system
 * modules. Adjacent rtnetlink steps of one namespace travel in one send, adjacent nftables steps in
 * one transaction.
 */
#ifndef NETD_APPLY_H
#define NETD_APPLY_H

#include "nft.h"
#include "plan.h"
#include "rtnl.h"
#include "sysctl.h"

/* What an operation works with; all borrowed, all of the host's namespace but netns_fd. */
struct apply_tools {
	struct rtnl *host;
	struct nft *nft;
	const struct sysctl_net *sysctl;
	int netns_fd; /* the container's namespace; -1: the plan has no step there */
	int (*spawn)(void (*fn)(void *arg), void *arg, void *user); /* see netd_detach_request */
	void *spawn_user;
};

/* A plan that was applied, with what is needed to take it back. plan and tools must outlive it. */
struct applied;

/*
 * All steps in order, up to the first that fails. *ret is set as soon as anything may have been done,
 * also when this fails: it is the caller's to undo.
 */
int apply_plan(const struct plan *plan, const struct apply_tools *tools, struct applied **ret,
	       struct netd_error *err);
/* Takes back what was done. -EIO if something could not be undone; err->undo says what. */
int apply_undo(struct applied *a, struct netd_error *err);
/* Was what the step makes there before? */
bool applied_existed(const struct applied *a, size_t step);
void applied_free(struct applied *a);
static inline void applied_cleanup(struct applied **applied)
{
	applied_free(*applied);
}
#define _cleanup_applied_ __attribute__((cleanup(applied_cleanup)))

/*
 * For plans that remove: every step is tried, whatever became of the others, and what is gone
 * already counts as done. Returns the first error.
 */
int apply_removal(const struct plan *plan, const struct apply_tools *tools, struct netd_error *err);

#endif
