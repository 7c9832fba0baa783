/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and MAC address asked for by runtimeConfig, args.cni and CNI_ARGS. Pure. */
#ifndef CNI_REQUESTED_H
#define CNI_REQUESTED_H

#include "conf.h"

/* All addresses count; of the MAC addresses the one of runtimeConfig, args.cni, CNI_ARGS. */
int requested_load(struct cni_conf *conf, const struct cni_args *args, struct cni_fault *fault);

#endif
