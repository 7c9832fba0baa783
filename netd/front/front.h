/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the front ends (CLI, CNI plugin) share. Programs, not library: may read the environment. */
#ifndef NETD_FRONT_H
#define NETD_FRONT_H

#include <netd.h>

/*
 * For struct netd_detach_request.spawn: forks; the child closes descriptors 0 to 2 (so that a caller
 * reading our output sees its end), runs fn(arg) and _exits. The parent does not wait for it.
 */
int front_spawn(void (*fn)(void *arg), void *arg, void *user);

/*
 * netd_open() with the state directory of $NETD_STATE_DIR, if set and not empty: for what never
 * chooses a subnet. It does not read netd.json, so that a mistake in there keeps no container from
 * being listed and removed.
 */
int front_open(struct netd **ret, struct netd_error *err);

/* The same with the pools of $NETD_CONFIG_DIR/netd.json (default directory /etc/netd), if that file
 * exists: for attaching and for making networks. */
int front_open_pools(struct netd **ret, struct netd_error *err);

/* For _cleanup_(). */
static inline void front_close(struct netd **netd)
{
	netd_close(*netd);
}
static inline void front_attachment_free(struct netd_attachment **attachment)
{
	netd_attachment_free(*attachment);
}
static inline void front_network_free(struct netd_network **network)
{
	netd_network_free(*network);
}

/* $NETD_STATE_DIR, or the library's default. */
const char *front_state_dir(void);

/* $NETD_CONFIG_DIR or "/etc/netd". */
const char *front_config_dir(void);

/* write(2) until all is written; a negative errno. */
int front_write_all(int fd, const char *data, size_t len);

/*
 * Records an error of the front end itself, as the library does: err may be NULL, the first error
 * stays, and the negative errno is returned. subject may be NULL, errnum is positive.
 */
int front_error(struct netd_error *err, enum netd_code code, int errnum, const char *subject,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
