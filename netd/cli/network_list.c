// SPDX-License-Identifier: GPL-2.0-or-later
/* netd network ls, rm, prune */
#include <stdio.h>

#include "network.h"
#include "text.h"
#include "util.h"

int network_operands(const struct command *cmd, int argc, char **argv, const char **ret_name,
		     bool *ret_json, int *ret_status)
{
	enum { JSON = OPT_FIRST };
	static const struct option longs[] = { { "json", no_argument, NULL, JSON },
					       OPTIONS_COMMON };
	int c, n = ret_name ? 1 : 0;

	*ret_json = false;
	while ((c = cli_option(cmd, argc, argv, ":h", longs, ret_status)) != OPT_END) {
		if (c == OPT_STOP)
			return OPT_STOP;
		*ret_json = true;
	}
	*ret_status = cli_operands(cmd, argc, n, n, "NAME");
	if (*ret_status != CLI_DONE)
		return OPT_STOP;
	if (ret_name)
		*ret_name = argv[optind];
	return 0;
}

int network_open(struct netd **ret, struct netd_error *err)
{
	struct netd_error pools = NETD_ERROR_INIT;
	int r = front_open_pools(ret, &pools);

	if (r >= 0)
		return r;
	r = front_open(ret, err);
	if (r >= 0)
		cli_warn(NULL, "%s; the built-in pools stand in for it", pools.message);
	return r;
}

/* The networks of the state and the names of the files, both sorted. */
struct networks {
	struct netd_network **list;
	size_t n;
	char **files;
};

static void networks_free(struct networks *all)
{
	netd_network_list_free(all->list, all->n);
	config_names_free(&all->files);
}

static int networks_load(struct netd *netd, struct networks *all, struct netd_error *err)
{
	int r = netd_network_list(netd, &all->list, &all->n, err);

	return r < 0 ? r : config_network_names(&all->files, err);
}

/* Calls fn for each network by name; network is NULL for one that only has a file. Goes on after a
 * failure and returns the last one's status. */
static int networks_each(const struct networks *all,
			 int (*fn)(const char *name, const struct netd_network *network, void *arg),
			 void *arg)
{
	char **file = all->files;
	size_t i = 0;
	int status = CLI_DONE, r;

	while (i < all->n || *file) {
		int order = -1;

		if (*file)
			order = i < all->n ? strcmp(all->list[i]->name, *file) : 1;
		if (order > 0) {
			r = fn(*file++, NULL, arg);
		} else {
			r = fn(all->list[i]->name, all->list[i], arg);
			i++;
			file += order == 0;
		}
		if (r != CLI_DONE)
			status = r;
	}
	return status;
}

struct listing {
	struct table table;
	json_t *array;
	bool json;
};

static int list_add(struct listing *l, const struct netd_network *network, bool active)
{
	_cleanup_buf_ struct buf subnets = { 0 }, flags = { 0 };
	char attachments[24];

	if (l->json)
		return json_array_append_new(l->array, network_json(network, active));
	network_subnets(network, &subnets);
	network_flags(network, &flags);
	snprintf(attachments, sizeof(attachments), "%zu", network->n_attachments);
	table_cell(&l->table, network->name);
	table_cell(&l->table, subnets.data);
	table_cell(&l->table, network->bridge);
	table_cell(&l->table, attachments);
	table_cell(&l->table, flags.data);
	return subnets.failed || flags.failed || l->table.failed ? -1 : 0;
}

/* An unusable file is reported and does not hide the other networks. */
static int list_one(const char *name, const struct netd_network *network, void *arg)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct config_network *file = NULL;
	struct listing *l = arg;
	int r;

	if (!network && config_network_load(name, &file, &err) < 0)
		return cli_error(name, &err, false);
	r = list_add(l, network ? network : &file->net, network);
	config_network_free(file);
	if (r < 0) {
		cli_warn(NULL, "out of memory");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static int list_print(const struct listing *l)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (l->json)
		return cli_json(json_incref(l->array));
	table_print(&l->table, &out);
	return cli_print(&out);
}

int network_ls(const struct command *cmd, int argc, char **argv)
{
	static const char *const header[] = { "NETWORK", "SUBNETS", "BRIDGE", "ATTACHMENTS",
					      "OPTIONS" };
	struct listing l = { .table = { .columns = ARRAY_SIZE(header) } };
	_cleanup_(networks_free) struct networks all = { 0 };
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	int r, status, printed;

	if (network_operands(cmd, argc, argv, NULL, &l.json, &status) == OPT_STOP)
		return status;
	r = network_open(&netd, &err);
	if (r >= 0)
		r = networks_load(netd, &all, &err);
	if (r < 0)
		return cli_error(NULL, &err, l.json);
	l.array = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(header); i++)
		table_cell(&l.table, header[i]);
	status = networks_each(&all, list_one, &l);
	printed = list_print(&l);
	json_decref(l.array);
	table_free(&l.table);
	return status != CLI_DONE ? status : printed;
}

/*
 * Removes a network from state and files. Returns 1, or 0 if there is none; the state goes first,
 * since it knows whether the network is in use.
 */
static int remove_network(struct netd *netd, const char *name, struct netd_error *err)
{
	struct netd_error removal = NETD_ERROR_INIT;
	int r, deleted;

	r = netd_network_remove(netd, name, &removal);
	if (r < 0 && removal.code != NETD_E_NOT_FOUND) {
		*err = removal;
		return r;
	}
	deleted = config_network_delete(name, err);
	if (deleted < 0)
		return deleted;
	return r >= 0 || deleted;
}

static int print_removed(json_t *names, bool json)
{
	if (json)
		return cli_json(json_pack("{s:O}", "removed", names));
	for (size_t i = 0; i < json_array_size(names); i++)
		puts(json_string_value(json_array_get(names, i)));
	return CLI_DONE;
}

int network_rm(const struct command *cmd, int argc, char **argv)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	const char *name;
	int r, status;
	bool json;

	if (network_operands(cmd, argc, argv, &name, &json, &status) == OPT_STOP)
		return status;
	r = front_open(&netd, &err);
	if (r >= 0)
		r = remove_network(netd, name, &err);
	if (r == 0 && !strcmp(name, NETD_DEFAULT_NETWORK))
		cli_warn(name, "nothing to do: it has not been used");
	else if (r == 0)
		r = front_error(&err, NETD_E_NOT_FOUND, ENOENT, name,
				"there is no such network; \"netd network ls\" lists them");
	if (r < 0)
		return cli_error(name, &err, json);
	if (!json)
		return CLI_DONE;
	return cli_json(r > 0 ? json_pack("{s:[s]}", "removed", name)
			      : json_pack("{s:[]}", "removed"));
}

struct pruning {
	struct netd *netd;
	json_t *removed;
};

static int prune_one(const char *name, const struct netd_network *network, void *arg)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct pruning *p = arg;
	int r;

	if (network && network->n_attachments)
		return CLI_DONE;
	/* the default network is not removed, only its bridge is */
	if (network && !strcmp(name, NETD_DEFAULT_NETWORK) && !network->bridge_ifindex)
		return CLI_DONE;
	r = remove_network(p->netd, name, &err);
	if (r < 0 && err.code == NETD_E_BUSY) /* came into use meanwhile */
		return CLI_DONE;
	if (r < 0)
		return cli_error(name, &err, false);
	if (r > 0)
		json_array_append_new(p->removed, json_string(name));
	return CLI_DONE;
}

int network_prune(const struct command *cmd, int argc, char **argv)
{
	_cleanup_(networks_free) struct networks all = { 0 };
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct pruning p = { 0 };
	int r, status, printed;
	bool json;

	if (network_operands(cmd, argc, argv, NULL, &json, &status) == OPT_STOP)
		return status;
	r = front_open(&netd, &err);
	if (r >= 0)
		r = networks_load(netd, &all, &err);
	if (r < 0)
		return cli_error(NULL, &err, json);
	p.netd = netd;
	p.removed = json_array();
	status = networks_each(&all, prune_one, &p);
	printed = print_removed(p.removed, json);
	json_decref(p.removed);
	return status != CLI_DONE ? status : printed;
}
