// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "util.h"

int fault_set(struct cni_fault *fault, enum cni_code code, const char *details, const char *fmt,
	      ...)
{
	va_list ap;

	if (fault->code)
		return -EINVAL;
	fault->code = code;
	va_start(ap, fmt);
	vsnprintf(fault->msg, sizeof(fault->msg), fmt, ap);
	va_end(ap);
	snprintf(fault->details, sizeof(fault->details), "%s", details ? details : "");
	return -EINVAL;
}

static enum cni_code code_of(const struct netd_error *err)
{
	switch (err->code) {
	case NETD_OK:
	case NETD_E_KERNEL:
		return CNI_E_KERNEL;
	case NETD_E_INVALID:
		return CNI_E_CONFIG;
	case NETD_E_CONFLICT:
		return err->errnum == EADDRINUSE ? CNI_E_PORT : CNI_E_ADDRESS;
	case NETD_E_EXHAUSTED:
		return CNI_E_EXHAUSTED;
	case NETD_E_NOT_FOUND:
		return CNI_E_MISSING;
	case NETD_E_EXISTS:
		return CNI_E_EXISTS;
	case NETD_E_NETNS:
		return CNI_E_NETNS;
	case NETD_E_PERMISSION:
		return CNI_E_PERMISSION;
	case NETD_E_UNSUPPORTED:
		return CNI_E_FEATURE;
	case NETD_E_STATE:
		return CNI_E_STATE;
	case NETD_E_NOMEM:
	case NETD_E_BUSY:
		return CNI_E_RETRY;
	}
	return CNI_E_KERNEL;
}

int fault_netd(struct cni_fault *fault, const struct netd_error *err)
{
	char details[sizeof(fault->details)];

	snprintf(details, sizeof(details), "%s, at stage %s%s%s%s%s%s%s", netd_code_name(err->code),
		 netd_stage_name(err->stage), err->subject[0] ? "; concerns " : "", err->subject,
		 err->kernel[0] ? "; kernel: " : "", err->kernel,
		 err->undo[0] ? "; not undone: " : "", err->undo);
	return fault_set(fault, code_of(err), details, "%s", err->message);
}

/* Names from the environment may hold any byte, and a cut message half a character. */
static json_t *text(const char *s)
{
	json_t *json = json_string(s);
	char *copy;

	if (json)
		return json;
	copy = strdup(s);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *fault_json(const struct cni_fault *fault, const char *version)
{
	json_t *json = json_pack("{s:s, s:i, s:o}", "cniVersion", version, "code", (int)fault->code,
				 "msg", text(fault->msg));

	if (json && fault->details[0])
		json_object_set_new(json, "details", text(fault->details));
	return json;
}
