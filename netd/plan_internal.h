/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plan.c and plan_elem.c share. */
#ifndef NETD_PLAN_INTERNAL_H
#define NETD_PLAN_INTERNAL_H

#include <stdio.h>

#include "plan.h"

void plan_add(struct plan *plan, const struct step *step);

static inline void plan_name(char dst[static IFNAMSIZ], const char *src)
{
	snprintf(dst, IFNAMSIZ, "%s", src);
}

/* The container's first address of the family, or NULL. */
const struct ip *plan_address_of(const struct attachment *att, uint8_t family);

/* Adds (or, with add false, deletes) every element that a network contributes. */
void plan_network_elems(struct plan *plan, const struct network *net, bool add);
/* The same of an attachment. */
void plan_attachment_elems(struct plan *plan, const struct attachment *att, bool add);
/* Elements of from that are not among those of to: added or deleted. */
void plan_diff_elems(struct plan *plan, const struct plan *from, const struct plan *to, bool add);

#endif
