/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the plugin reports to the runtime when an operation fails: CNI specification, "Error". Pure. */
#ifndef CNI_FAULT_H
#define CNI_FAULT_H

#include <jansson.h>
#include <netd.h>

/* 1 to 99 are the specification's, from 100 on they are ours: docs/cni.md lists them. */
enum cni_code {
	CNI_E_VERSION = 1,
	CNI_E_UNSUPPORTED = 2,
	CNI_E_ENV = 4,
	CNI_E_IO = 5,
	CNI_E_DECODE = 6,
	CNI_E_CONFIG = 7,
	CNI_E_NETNS = 8,
	CNI_E_RETRY = 11,
	CNI_E_ADDRESS = 100,
	CNI_E_PORT = 101,
	CNI_E_EXHAUSTED = 102,
	CNI_E_EXISTS = 103,
	CNI_E_PERMISSION = 104,
	CNI_E_KERNEL = 105,
	CNI_E_FEATURE = 106,
	CNI_E_STATE = 107,
	CNI_E_MISSING = 108,
};

/* Zero-initialise. The first fault recorded stays. */
struct cni_fault {
	enum cni_code code; /* 0: none */
	char msg[1024];
	char details[1024];
};

/* Both return -EINVAL, so that a caller can write return fault_set(...). */
int fault_set(struct cni_fault *fault, enum cni_code code, const char *details, const char *fmt,
	      ...) __attribute__((format(printf, 4, 5)));
int fault_netd(struct cni_fault *fault, const struct netd_error *err);

/* {"cniVersion", "code", "msg", "details"}; NULL when out of memory. */
json_t *fault_json(const struct cni_fault *fault, const char *version);

#endif
