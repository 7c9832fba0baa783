/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling struct netd_error. Every function here accepts err == NULL, leaves an error that is already
 * recorded alone, and returns the negative errno, so that a caller can write
 * return error_set(err, NETD_E_INVALID, EINVAL, spec, "...").
 */
#ifndef NETD_ERROR_H
#define NETD_ERROR_H

#include <errno.h>
#include <netd.h>

/* Message as given. subject may be NULL. errnum is positive. */
int error_set(struct netd_error *err, enum netd_code code, int errnum, const char *subject,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * A failed system call: code derived from errnum (EPERM, EACCES: permission; ENOMEM: nomem; else
 * kernel), message followed by ": " and the errno's text.
 */
int error_sys(struct netd_error *err, int errnum, const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static inline int error_nomem(struct netd_error *err)
{
	error_set(err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	return -ENOMEM;
}

/* Attaches the kernel's extended-ack text to the recorded error. */
void error_kernel(struct netd_error *err, const char *text);

/* Puts "context: " before the recorded message. */
void error_wrap(struct netd_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Records the stage, unless one is recorded. */
void error_stage(struct netd_error *err, enum netd_stage stage);

/* Records a failed undo beside the first error; several are joined by "; ". */
void error_undo(struct netd_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
