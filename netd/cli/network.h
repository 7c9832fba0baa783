/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of "netd network" share. */
#ifndef NETD_CLI_NETWORK_H
#define NETD_CLI_NETWORK_H

#include "cli.h"

/* The definition with "attachments", "bridge_ifindex", "active" (netd's state holds it) and
 * "persistent" (it has a file). NULL if out of memory. */
json_t *network_json(const struct netd_network *network, bool active);

/* "10.144.0.0/24,fd6e::/64" */
void network_subnets(const struct netd_network *network, struct buf *out);
/* "internal,isolated" */
void network_flags(const struct netd_network *network, struct buf *out);

/* "[NAME] [--json]": ret_name NULL if there is no operand. OPT_STOP: return *ret_status. */
int network_operands(const struct command *cmd, int argc, char **argv, const char **ret_name,
		     bool *ret_json, int *ret_status);

/*
 * For listings: the pools tell which subnet the default network will get, nothing else, so that
 * netd.json being unusable is only warned of.
 */
int network_open(struct netd **ret, struct netd_error *err);

int network_ls(const struct command *cmd, int argc, char **argv);
int network_rm(const struct command *cmd, int argc, char **argv);
int network_prune(const struct command *cmd, int argc, char **argv);

#endif
