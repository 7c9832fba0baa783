/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of ADD in the version that the configuration asks for. Pure. */
#ifndef CNI_RESULT_H
#define CNI_RESULT_H

#include "conf.h"

/* prevResult first, then what netd made; sandbox is $CNI_NETNS. NULL when out of memory. */
json_t *result_json(const struct cni_conf *conf, const struct netd_attachment *att,
		    const char *sandbox);

#endif
