// SPDX-License-Identifier: GPL-2.0-or-later
/* netd network create, inspect */
#include "network.h"

#include <stdio.h>

#include "parse.h"
#include "subnet.h"
#include "text.h"
#include "util.h"

/* IPv6 asks for 1280; the largest that a veth pair takes */
#define MTU_MAX 65535

json_t *network_json(const struct netd_network *network, bool active)
{
	json_t *obj = config_network_json(network);
	int bad = 0;

	bad |= json_object_set_new(obj, "attachments",
				   json_integer((json_int_t)network->n_attachments));
	bad |= json_object_set_new(obj, "bridge_ifindex", json_integer(network->bridge_ifindex));
	bad |= json_object_set_new(obj, "active", json_boolean(active));
	bad |= json_object_set_new(obj, "persistent",
				   json_boolean(config_network_exists(network->name)));
	if (!bad)
		return obj;
	json_decref(obj);
	return NULL;
}

void network_subnets(const struct netd_network *network, struct buf *out)
{
	for (size_t i = 0; i < network->n_ranges; i++)
		buf_printf(out, "%s%s", i ? "," : "", network->ranges[i].subnet);
}

void network_flags(const struct netd_network *network, struct buf *out)
{
	static const struct {
		unsigned int flag;
		const char *word;
	} words[] = {
		{ NETD_NETWORK_IPV6, "ipv6" },
		{ NETD_NETWORK_INTERNAL, "internal" },
		{ NETD_NETWORK_ISOLATED, "isolated" },
		{ NETD_NETWORK_ROUTED, "routed" },
		{ NETD_NETWORK_NO_GATEWAY, "no-gateway" },
		{ NETD_NETWORK_NO_DEFAULT_ROUTE, "no-default-route" },
		{ NETD_NETWORK_NO_ADDRESS, "no-address" },
		{ NETD_NETWORK_HAIRPIN, "hairpin" },
		{ NETD_NETWORK_PROMISC, "promisc" },
	};

	for (size_t i = 0, n = 0; i < ARRAY_SIZE(words); i++) {
		if (network->flags & words[i].flag)
			buf_printf(out, "%s%s", n++ ? "," : "", words[i].word);
	}
}

struct create_options {
	struct subnet_options subnet;
	const char *name;
	const char *mtu;
	const char *bridge;
	unsigned int flags;
	bool json;
};

enum {
	CREATE_SUBNET = OPT_FIRST,
	CREATE_GATEWAY,
	CREATE_IP_RANGE,
	CREATE_IPV6,
	CREATE_INTERNAL,
	CREATE_ISOLATED,
	CREATE_ROUTED,
	CREATE_MTU,
	CREATE_BRIDGE,
	CREATE_JSON,
};

static const struct option create_longs[] = {
	{ "subnet", required_argument, NULL, CREATE_SUBNET },
	{ "gateway", required_argument, NULL, CREATE_GATEWAY },
	{ "ip-range", required_argument, NULL, CREATE_IP_RANGE },
	{ "ipv6", no_argument, NULL, CREATE_IPV6 },
	{ "internal", no_argument, NULL, CREATE_INTERNAL },
	{ "isolated", no_argument, NULL, CREATE_ISOLATED },
	{ "routed", no_argument, NULL, CREATE_ROUTED },
	{ "mtu", required_argument, NULL, CREATE_MTU },
	{ "bridge", required_argument, NULL, CREATE_BRIDGE },
	{ "json", no_argument, NULL, CREATE_JSON },
	OPTIONS_COMMON,
};

static int add_text(const struct command *cmd, const char **list, size_t *n, const char *name)
{
	if (*n == SUBNET_MAX)
		return cli_usage(cmd, "more than %d times --%s", SUBNET_MAX, name);
	list[(*n)++] = optarg;
	return CLI_DONE;
}

static int create_option(const struct command *cmd, struct create_options *o, int c)
{
	struct subnet_options *s = &o->subnet;

	switch (c) {
	case CREATE_SUBNET:
		return add_text(cmd, s->subnets, &s->n_subnets, "subnet");
	case CREATE_GATEWAY:
		return add_text(cmd, s->gateways, &s->n_gateways, "gateway");
	case CREATE_IP_RANGE:
		return add_text(cmd, s->ip_ranges, &s->n_ip_ranges, "ip-range");
	case CREATE_IPV6:
		o->flags |= NETD_NETWORK_IPV6;
		break;
	case CREATE_INTERNAL:
		o->flags |= NETD_NETWORK_INTERNAL;
		break;
	case CREATE_ISOLATED:
		o->flags |= NETD_NETWORK_ISOLATED;
		break;
	case CREATE_ROUTED:
		o->flags |= NETD_NETWORK_ROUTED;
		break;
	case CREATE_MTU:
		return cli_once(cmd, &o->mtu, "mtu", optarg);
	case CREATE_BRIDGE:
		return cli_once(cmd, &o->bridge, "bridge", optarg);
	case CREATE_JSON:
		o->json = true;
		break;
	}
	return CLI_DONE;
}

/* Refuses a name that a network or a file has. */
static int check_new(struct netd *netd, const char *name, struct netd_error *err)
{
	_cleanup_(front_network_free) struct netd_network *network = NULL;
	struct netd_error missing = NETD_ERROR_INIT;
	int r;

	if (!strcmp(name, NETD_DEFAULT_NETWORK))
		return front_error(err, NETD_E_EXISTS, EEXIST, name,
				   "the network \"%s\" exists without being created", name);
	r = netd_network_get(netd, name, &network, &missing);
	if (r < 0 && missing.code != NETD_E_NOT_FOUND) {
		*err = missing;
		return r;
	}
	if (r >= 0 || config_network_exists(name))
		return front_error(err, NETD_E_EXISTS, EEXIST, name,
				   "a network of that name exists; \"netd network inspect %s\" "
				   "shows it",
				   name);
	return 0;
}

/* Sets the network, reads it back with all that the library chose, and writes its file. */
static int create(struct netd *netd, const struct netd_network *wanted, struct netd_network **ret,
		  struct netd_error *err)
{
	_cleanup_(front_network_free) struct netd_network *network = NULL;
	struct netd_error undo = NETD_ERROR_INIT;
	int r;

	r = check_new(netd, wanted->name, err);
	if (r >= 0)
		r = netd_network_set(netd, wanted, err);
	if (r < 0)
		return r;
	r = netd_network_get(netd, wanted->name, &network, err);
	if (r >= 0)
		r = config_network_save(network, err);
	if (r < 0) {
		if (netd_network_remove(netd, wanted->name, &undo) < 0)
			snprintf(err->undo, sizeof(err->undo), "network %.60s: %.180s",
				 wanted->name, undo.message);
		return r;
	}
	*ret = TAKE_PTR(network);
	return 0;
}

static int print_created(const struct netd_network *network, bool json)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (json)
		return cli_json(network_json(network, true));
	buf_printf(&out, "%s: ", network->name);
	network_subnets(network, &out);
	buf_printf(&out, "%son bridge %s\n", network->n_ranges ? " " : "", network->bridge);
	return cli_print(&out);
}

static int create_run(const struct create_options *o, const struct subnet_ranges *ranges,
		      unsigned int mtu)
{
	_cleanup_(front_network_free) struct netd_network *network = NULL;
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_network wanted = { .size = sizeof(wanted) };
	int r;

	wanted.name = o->name;
	wanted.bridge = o->bridge;
	wanted.mtu = mtu;
	wanted.flags = o->flags;
	wanted.ranges = ranges->n ? ranges->ranges : NULL;
	wanted.n_ranges = ranges->n;
	r = front_open_pools(&netd, &err);
	if (r >= 0)
		r = create(netd, &wanted, &network, &err);
	if (r < 0)
		return cli_error(o->name, &err, o->json);
	return print_created(network, o->json);
}

static int network_create(const struct command *cmd, int argc, char **argv)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct create_options o = { 0 };
	struct subnet_ranges ranges;
	uint32_t mtu = 0;
	int c, status;

	while ((c = cli_option(cmd, argc, argv, ":h", create_longs, &status)) != OPT_END) {
		if (c != OPT_STOP)
			status = create_option(cmd, &o, c);
		if (c == OPT_STOP || status != CLI_DONE)
			return status;
	}
	status = cli_operands(cmd, argc, 1, 1, "NAME");
	if (status != CLI_DONE)
		return status;
	o.name = argv[optind];
	if (!name_valid(o.name, NETD_NAME_MAX))
		return cli_usage(cmd,
				 "\"%s\" is not a network name: letters, digits, and after the "
				 "first also _ . -",
				 o.name);
	if (o.mtu && parse_u32(o.mtu, MTU_MAX, &mtu) < 0)
		return cli_usage(cmd, "--mtu %s: not a number up to %d", o.mtu, MTU_MAX);
	if (subnet_ranges(&o.subnet, &ranges, &err) < 0)
		return cli_usage(cmd, "%s", err.message);
	return create_run(&o, &ranges, mtu);
}

static void add_range(struct buf *out, const struct netd_range *range)
{
	buf_printf(out, "%-12s %s", "subnet", range->subnet);
	if (range->gateway)
		buf_printf(out, " gateway %s", range->gateway);
	if (range->start && range->end)
		buf_printf(out, " range %s-%s", range->start, range->end);
	buf_printf(out, "\n");
}

static int print_network(const struct netd_network *network, bool active)
{
	_cleanup_buf_ struct buf out = { 0 }, flags = { 0 };

	network_flags(network, &flags);
	buf_printf(&out, "%-12s %s\n", "name", network->name);
	buf_printf(&out, "%-12s %s\n", "state", active ? "active" : "not in use");
	if (network->bridge)
		buf_printf(&out, "%-12s %s%s\n", "bridge", network->bridge,
			   network->bridge_ifindex ? "" : " (made on first use)");
	for (size_t i = 0; i < network->n_ranges; i++)
		add_range(&out, &network->ranges[i]);
	for (size_t i = 0; i < network->n_routes; i++)
		buf_printf(&out, "%-12s %s via %s\n", "route", network->routes[i].dst,
			   network->routes[i].gw ? network->routes[i].gw : "the gateway");
	if (network->mtu)
		buf_printf(&out, "%-12s %u\n", "mtu", network->mtu);
	if (flags.len)
		buf_printf(&out, "%-12s %s\n", "options", flags.data);
	buf_printf(&out, "%-12s %zu\n", "attachments", network->n_attachments);
	out.failed |= flags.failed;
	return cli_print(&out);
}

static int print_either(const struct netd_network *network, bool active, bool json)
{
	return json ? cli_json(network_json(network, active)) : print_network(network, active);
}

static int network_inspect(const struct command *cmd, int argc, char **argv)
{
	_cleanup_(front_network_free) struct netd_network *network = NULL;
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct config_network *file;
	const char *name;
	int r, status;
	bool json;

	if (network_operands(cmd, argc, argv, &name, &json, &status) == OPT_STOP)
		return status;
	r = network_open(&netd, &err);
	if (r >= 0)
		r = netd_network_get(netd, name, &network, &err);
	if (r >= 0)
		return print_either(network, true, json);
	if (err.code != NETD_E_NOT_FOUND || !config_network_exists(name))
		return cli_error(name, &err, json);
	err = (struct netd_error)NETD_ERROR_INIT;
	if (config_network_load(name, &file, &err) < 0)
		return cli_error(name, &err, json);
	status = print_either(&file->net, false, json);
	config_network_free(file);
	return status;
}

const struct command network_commands[] = {
	{ "network create", "create a network and keep its definition",
	  "Usage: netd network create NAME [--subnet CIDR]... [--gateway IP]... [--ip-range CIDR]\n"
	  "                           [--ipv6] [--internal] [--isolated] [--routed]\n"
	  "                           [--mtu N] [--bridge IF] [--json]\n"
	  "\n"
	  "      --subnet CIDR    addresses of the containers; chosen from the pools unless given\n"
	  "      --gateway IP     address of the bridge in the subnet that contains it (the "
	  "first)\n"
	  "      --ip-range CIDR  part of the subnet that addresses are taken from\n"
	  "      --ipv6           choose an IPv6 subnet as well\n"
	  "      --internal       nothing enters or leaves the network\n"
	  "      --isolated       containers of the network cannot reach each other\n"
	  "      --routed         no address translation; containers are reachable directly\n"
	  "      --mtu N          bytes\n"
	  "      --bridge IF      name of the bridge\n"
	  "      --json           print the network as JSON",
	  network_create, NULL },
	{ "network ls", "list networks",
	  "Usage: netd network ls [--json]\n"
	  "\n"
	  "      --json           print an array of networks",
	  network_ls, NULL },
	{ "network inspect", "show a network",
	  "Usage: netd network inspect NAME [--json]\n"
	  "\n"
	  "      --json           print the network as JSON",
	  network_inspect, NULL },
	{ "network rm", "remove a network, its bridge and its definition",
	  "Usage: netd network rm NAME [--json]\n"
	  "\n"
	  "Refused while something is attached.\n"
	  "\n"
	  "      --json           print {\"removed\": [NAME]}",
	  network_rm, NULL },
	{ "network prune", "remove every network without attachments",
	  "Usage: netd network prune [--json]\n"
	  "\n"
	  "Prints the names of the networks that it removed.\n"
	  "\n"
	  "      --json           print {\"removed\": [NAME...]}",
	  network_prune, NULL },
	{ 0 },
};
