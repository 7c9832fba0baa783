/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name servers of the host that a container can use. Pure. */
#ifndef NETD_CLI_RESOLV_H
#define NETD_CLI_RESOLV_H

#include <stdbool.h>

#include "buf.h"

/*
 * Copies the text of a resolv.conf(5) without the name servers that mean the host itself (loopback,
 * the unspecified address) or one of its links (link-local). Returns how many remain.
 */
int resolv_filter(const char *text, struct buf *out);

#endif
