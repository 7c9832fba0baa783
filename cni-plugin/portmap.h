/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtimeConfig.portMappings. Pure. */
#ifndef CNI_PORTMAP_H
#define CNI_PORTMAP_H

#include "conf.h"

/* Fills conf->ports; consecutive mappings become one range, equal ones one. */
int portmap_load(struct cni_conf *conf, struct cni_fault *fault);

#endif
