/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "prevResult": what the plugins before this one in the chain have made. Pure. */
#ifndef CNI_PREV_H
#define CNI_PREV_H

#include "conf.h"

/* Checks it, so that it can be merged into the result without another look. Fills conf->prev. */
int prev_load(struct cni_conf *conf);

#endif
