// SPDX-License-Identifier: GPL-2.0-or-later
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static void __attribute__((format(printf, 5, 0)))
error_record(struct netd_error *err, enum netd_code code, int errnum, const char *subject,
	     const char *fmt, va_list ap)
{
	err->code = code;
	err->errnum = errnum;
	snprintf(err->subject, sizeof(err->subject), "%s", subject ? subject : "");
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
}

int error_set(struct netd_error *err, enum netd_code code, int errnum, const char *subject,
	      const char *fmt, ...)
{
	va_list ap;

	if (err && err->code == NETD_OK) {
		va_start(ap, fmt);
		error_record(err, code, errnum, subject, fmt, ap);
		va_end(ap);
	}
	return -errnum;
}

static enum netd_code code_of_errno(int errnum)
{
	switch (errnum) {
	case EPERM:
	case EACCES:
		return NETD_E_PERMISSION;
	case ENOMEM:
		return NETD_E_NOMEM;
	default:
		return NETD_E_KERNEL;
	}
}

int error_sys(struct netd_error *err, int errnum, const char *subject, const char *fmt, ...)
{
	va_list ap;

	if (err && err->code == NETD_OK) {
		size_t len;

		va_start(ap, fmt);
		error_record(err, code_of_errno(errnum), errnum, subject, fmt, ap);
		va_end(ap);
		len = strlen(err->message);
		snprintf(err->message + len, sizeof(err->message) - len, ": %s",
			 strerrordesc_np(errnum));
	}
	return -errnum;
}

void error_kernel(struct netd_error *err, const char *text)
{
	if (err && err->code != NETD_OK && !err->kernel[0])
		snprintf(err->kernel, sizeof(err->kernel), "%s", text);
}

void error_wrap(struct netd_error *err, const char *fmt, ...)
{
	char inner[sizeof(err->message)];
	size_t len;
	va_list ap;

	if (!err || err->code == NETD_OK)
		return;
	memcpy(inner, err->message, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", inner);
}

void error_stage(struct netd_error *err, enum netd_stage stage)
{
	if (err && err->code != NETD_OK && err->stage == NETD_STAGE_NONE)
		err->stage = stage;
}

void error_undo(struct netd_error *err, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!err)
		return;
	len = strlen(err->undo);
	if (len && len + 2 < sizeof(err->undo)) {
		memcpy(err->undo + len, "; ", 3);
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(err->undo + len, sizeof(err->undo) - len, fmt, ap);
	va_end(ap);
}

const char *netd_code_name(enum netd_code code)
{
	switch (code) {
	case NETD_OK:
		return "ok";
	case NETD_E_INVALID:
		return "invalid";
	case NETD_E_CONFLICT:
		return "conflict";
	case NETD_E_EXHAUSTED:
		return "exhausted";
	case NETD_E_NOT_FOUND:
		return "not-found";
	case NETD_E_EXISTS:
		return "exists";
	case NETD_E_NETNS:
		return "netns";
	case NETD_E_PERMISSION:
		return "permission";
	case NETD_E_UNSUPPORTED:
		return "unsupported";
	case NETD_E_KERNEL:
		return "kernel";
	case NETD_E_STATE:
		return "state";
	case NETD_E_NOMEM:
		return "nomem";
	case NETD_E_BUSY:
		return "busy";
	}
	return "unknown";
}

const char *netd_stage_name(enum netd_stage stage)
{
	switch (stage) {
	case NETD_STAGE_NONE:
		return "none";
	case NETD_STAGE_OPEN:
		return "open";
	case NETD_STAGE_VALIDATE:
		return "validate";
	case NETD_STAGE_RESERVE:
		return "reserve";
	case NETD_STAGE_OBSERVE:
		return "observe";
	case NETD_STAGE_PLAN:
		return "plan";
	case NETD_STAGE_APPLY:
		return "apply";
	case NETD_STAGE_COMMIT:
		return "commit";
	}
	return "unknown";
}
