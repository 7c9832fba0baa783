/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations of the API share: the context, one operation's tools, looking at the host. */
#ifndef NETD_OPERATION_H
#define NETD_OPERATION_H

#include "apply.h"
#include "spec.h"
#include "store.h"

struct netd {
	struct store *store;
	struct pool pools[MAX_POOLS];
	size_t n_pools;
};

/* One operation: its locks, its sockets. Zero-initialise with OPERATION_INIT. */
struct operation {
	struct netd *netd;
	struct store_session *session;
	struct rtnl *host;
	struct nft *nft;
	struct sysctl_net sysctl;
	int netns_fd;
};

#define OPERATION_INIT                                                                             \
	{                                                                                          \
		.sysctl = SYSCTL_NET_INIT, .netns_fd = -1                                          \
	}

int operation_open(struct netd *netd, struct operation *op, struct netd_error *err);
void operation_close(struct operation *op); /* also a cleanup function; drops the locks */
#define _cleanup_operation_ __attribute__((cleanup(operation_close)))

struct apply_tools operation_tools(const struct operation *op);

/*
 * What the plan needs to know of the host. network->bridge is looked for; a link of that name which
 * is not a bridge is NETD_E_INVALID. ret_bridge is filled if the bridge exists.
 */
int operation_observe(struct operation *op, const struct network *net, struct observed *ret,
		      struct rtnl_link *ret_bridge, struct netd_error *err);

/* Does the host speak IPv6 at all? */
bool operation_has_ipv6(const struct operation *op);

/* Attachments of interest; NULL and 0 are wildcards. */
struct attachment_filter {
	const char *network;
	const char *id;
	const char *ifname;
	enum phase phase;
};

struct attachment_list {
	struct attachment **list;
	size_t n;
};

int attachments_find(struct store_txn *txn, const struct attachment_filter *filter,
		     struct attachment_list *ret, struct netd_error *err);
void attachment_list_free(struct attachment_list *list); /* also a cleanup function */
#define _cleanup_attachments_ __attribute__((cleanup(attachment_list_free)))

/* Everything in place but the network named except (NULL: nothing left out). Free with the next. */
int inventory_load(struct store_txn *txn, const char *except, struct inventory *ret,
		   struct netd_error *err);
void inventory_free(struct inventory *inv); /* also a cleanup function */
#define _cleanup_inventory_ __attribute__((cleanup(inventory_free)))

/* ---- networks (network.c) ----------------------------------------------------------------- */

/*
 * The network that a request means, as it shall be: stored, defined by the request, or the default
 * one. *ret_stored tells whether *ret_former holds a stored record. Chooses subnets where needed.
 */
int network_resolve(struct operation *op, struct store_txn *txn, const char *name,
		    const struct network *definition, struct network *ret,
		    struct network *ret_former, bool *ret_stored, struct netd_error *err);

/* Takes the network's bridge and elements out of the kernel; the host lock is held exclusively. */
int network_down(struct operation *op, const struct network *net, struct netd_error *err);

/* Stores the record in a transaction of its own. */
int network_put(struct operation *op, const struct network *net, struct netd_error *err);

/* ---- attachments (detach.c) --------------------------------------------------------------- */

/* Removes what the record describes from the kernel and the state; its lock is held. att: becomes pending. */
int attachment_remove(struct operation *op, struct attachment *att,
		      const struct netd_detach_request *request, struct netd_error *err);

/*
 * Undoes what died half way: pending attachments, and (operation_recover) networks whose first use or
 * removal was not finished. The host lock is held exclusively, so that nothing is under way and what
 * is pending is dead.
 */
int attachments_recover(struct operation *op, struct netd_error *err);
int operation_recover(struct operation *op, struct netd_error *err);

/* ---- reports (report.c) ------------------------------------------------------------------- */

int report_attachment(const struct network *net, const struct attachment *att,
		      struct netd_attachment **ret, struct netd_error *err);
int report_network(const struct network *net, size_t n_attachments, struct netd_network **ret,
		   struct netd_error *err);

#endif
