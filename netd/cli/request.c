// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdio.h>

#include "cli.h"
#include "util.h"

int cli_request_port(struct cli_request *r, const struct command *cmd, const char *spec)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_port port, *ports;

	if (netd_port_parse(spec, &port, &err) < 0)
		return cli_usage(cmd, "-p %s: %s", spec, err.message);
	ports = reallocarray(r->ports, r->req.n_ports + 1, sizeof(*ports));
	if (!ports) {
		cli_warn(NULL, "out of memory");
		return CLI_FAILED;
	}
	ports[r->req.n_ports++] = port;
	r->req.ports = r->ports = ports;
	return CLI_DONE;
}

int cli_request_ip(struct cli_request *r, const char *ip)
{
	const char **ips = reallocarray(r->ips, r->req.n_ips + 1, sizeof(*ips));

	if (!ips) {
		cli_warn(NULL, "out of memory");
		return CLI_FAILED;
	}
	ips[r->req.n_ips++] = ip;
	r->req.ips = r->ips = ips;
	return CLI_DONE;
}

int cli_request_network(struct cli_request *r, struct netd *netd, struct netd_error *err)
{
	struct netd_error missing = NETD_ERROR_INIT;
	const char *name = r->req.network;
	struct netd_network *network;
	int n;

	if (!name || !strcmp(name, NETD_DEFAULT_NETWORK))
		return 0;
	n = netd_network_get(netd, name, &network, &missing);
	if (n >= 0) {
		netd_network_free(network);
		return 0;
	}
	if (missing.code != NETD_E_NOT_FOUND) {
		*err = missing;
		return n;
	}
	n = config_network_load(name, &r->definition, err);
	if (n < 0)
		return n;
	r->req.definition = &r->definition->net;
	return 0;
}

int cli_request_error(const struct cli_request *r, const struct netd_error *err, bool json)
{
	char path[PATH_MAX];
	int status = cli_error(r->req.id, err, json);

	if (r->definition && err->code == NETD_E_INVALID &&
	    config_network_path(r->req.network, path, sizeof(path), NULL) == 0)
		cli_line("  the network's definition was read from %s", path);
	return status;
}

void cli_request_free(struct cli_request *r)
{
	config_network_free(r->definition);
	free(r->ports);
	free(r->ips);
}
