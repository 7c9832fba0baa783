/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The versions of the CNI specification that the plugin speaks. Pure. */
#ifndef CNI_VERSION_H
#define CNI_VERSION_H

#include <jansson.h>

#include "fault.h"

#define CNI_VERSION_LATEST "1.1.0"

/* In the order of their appearance, so that they compare. */
enum cni_version {
	CNI_0_3_0,
	CNI_0_3_1,
	CNI_0_4_0,
	CNI_1_0_0,
	CNI_1_1_0,
	CNI_VERSIONS,
};

const char *version_name(enum cni_version version);
/* Exact match; CNI_VERSIONS for any other. */
enum cni_version version_find(const char *text);
/* The fault that the specification asks for when the version is none of ours. */
int version_refuse(const char *text, struct cni_fault *fault);
/* "0.3.0, 0.3.1, ...": static storage */
const char *version_list(void);
/* The answer to CNI_COMMAND=VERSION. */
json_t *version_json(void);

#endif
