/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of apply share: apply.c, apply_error.c, apply_removal.c. */
#ifndef NETD_APPLY_INTERNAL_H
#define NETD_APPLY_INTERNAL_H

#include <errno.h>

#include "apply.h"

enum outcome {
	UNTOUCHED = 0,
	DONE,
	ALREADY, /* was there before: not ours to undo */
};

struct applied {
	const struct plan *plan;
	const struct apply_tools *tools;
	struct rtnl *container;
	struct rtnl *events;	  /* IPv6 address notifications of the container */
	struct sysctl_net sysctl; /* the container's */
	enum outcome *outcome;
	char **old; /* former values of changed sysctls */
	bool undo_failed;
};

/* "create bridge nd-lab": what a step does, for messages. Returns buf. */
const char *step_text(const struct step *step, char *buf, size_t size);

/* Records why the step failed, in words that help where the reason is known. Returns -errnum. */
int step_error(const struct applied *a, const struct step *step, int errnum, const char *kernel,
	       struct netd_error *err);

/* The address or route that a step is about, as rtnl takes it. */
struct rtnl_address step_address(const struct step *step);
struct rtnl_route step_route(const struct step *step);

/* The answer to a deletion whose object is gone already. */
static inline bool errno_is_gone(int errnum)
{
	return errnum == ENODEV || errnum == EADDRNOTAVAIL || errnum == ESRCH || errnum == ENOENT;
}

/* One past the last step that travels together with step first. */
size_t apply_group_end(const struct plan *plan, size_t first);

/* Steps [first, end) as one nftables transaction; outcome (may be NULL) is filled on success. */
int apply_nft(const struct plan *plan, struct nft *nft, size_t first, size_t end,
	      enum outcome *outcome, struct netd_error *err);

/* Steps [first, end), all of STEP_CONNTRACK_FLUSH, in one pass over the kernel's table. */
int apply_conntrack(const struct plan *plan, size_t first, size_t end, struct rtnl *host,
		    struct netd_error *err);

#endif
