/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parameters that the runtime passes in environment variables. */
#ifndef CNI_ENV_H
#define CNI_ENV_H

#include "fault.h"

enum cni_command {
	CNI_ADD,
	CNI_DEL,
	CNI_VERSION,
	CNI_UNKNOWN, /* told to the runtime only after its configuration was read */
};

/* Borrowed from the environment. An empty variable is an unset one: "". */
struct cni_env {
	enum cni_command command;
	const char *verb; /* $CNI_COMMAND, "" if unset */
	const char *id;
	const char *netns;
	const char *ifname;
	const char *args;
};

void env_read(struct cni_env *ret);
/* Is everything there that the command needs? One fault names all that is missing. */
int env_require(const struct cni_env *env, struct cni_fault *fault);
/* Is what is there well-formed, and the command known? */
int env_check(const struct cni_env *env, struct cni_fault *fault);
/* Is it within netd's own limits, which are narrower than the specification's? */
int env_check_limits(const struct cni_env *env, struct cni_fault *fault);

/* The conventional arguments of $CNI_ARGS; empty ones are NULL. */
struct cni_args {
	char *text; /* owned; the others point into it */
	char *ip;   /* comma-separated list */
	char *mac;
};

/* "K=V;K=V": unknown keys are a fault unless IgnoreUnknown is true. Release with args_free(). */
int args_parse(const char *text, struct cni_args *ret, struct cni_fault *fault);
void args_free(struct cni_args *args); /* also a cleanup function */

#endif
