/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "ipam": host-local's schema, served by netd itself. Pure. */
#ifndef CNI_HOSTLOCAL_H
#define CNI_HOSTLOCAL_H

#include "conf.h"

/* Fills ranges, routes and the flag for networks without addresses. */
int hostlocal_load(struct cni_conf *conf, struct cni_fault *fault);

#endif
