/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pipes to the runtime: configuration in, result out. */
#ifndef CNI_CHANNEL_H
#define CNI_CHANNEL_H

#include <jansson.h>

#include "buf.h"
#include "fault.h"

/* Far above any configuration; bounds memory. A prevResult of 10,000 addresses is about 1 MiB. */
#define CNI_ADD_MAX ((size_t)4 * 1024 * 1024)
/* What ADD was given comes again with the result added to it, and DEL must not fail for that. */
#define CNI_DEL_MAX (2 * CNI_ADD_MAX)

/*
 * Descriptors 0 to 2 that are closed would be given to the next file opened, and the result written
 * into the state. Fills them so that reading and writing still fail.
 */
int channel_secure(struct cni_fault *fault);
/* All of fd up to its end; a fault above max bytes, which is a multiple of 1 MiB. */
int channel_read(int fd, size_t max, struct buf *ret, struct cni_fault *fault);
/* The JSON text and a newline, in one write(2) where the pipe has room. 0 or a negative errno. */
int channel_write(int fd, const json_t *json);

#endif
