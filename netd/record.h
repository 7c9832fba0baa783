/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of the model as bytes, for the state file. The layout carries no version of its own:
 * STORE_FORMAT changes with it. Pure.
 */
#ifndef NETD_RECORD_H
#define NETD_RECORD_H

#include "buf.h"
#include "model.h"

/*
 * Within the limits of model.h, families and prefix lengths possible, names of allowed characters,
 * port ranges within 1..65535. bridge and host_ifname may be empty. What is valid can be written and
 * read back; the getters below return nothing else.
 */
bool record_network_valid(const struct network *network);
bool record_attachment_valid(const struct attachment *att);

/* Append the record of a valid value. */
void record_put_network(struct buf *buf, const struct network *network);
void record_put_attachment(struct buf *buf, const struct attachment *att);

/* -EBADMSG unless all len bytes are one record of a valid value; safe on any input. */
int record_get_network(const void *data, size_t len, struct network *ret);
/* Also -ENOMEM. Allocates at most in proportion to len. */
int record_get_attachment(const void *data, size_t len, struct attachment **ret);

#endif
