// SPDX-License-Identifier: GPL-2.0-or-later
/* netd attach, netd detach */
#include <limits.h>
#include <stdio.h>

#include "cli.h"
#include "parse.h"
#include "text.h"
#include "util.h"

struct attach_options {
	struct cli_request request;
	const char *pid;
	char netns[64];
	bool dry_run;
	bool json;
};

enum {
	ATTACH_NETNS = OPT_FIRST,
	ATTACH_PID,
	ATTACH_NETWORK,
	ATTACH_IFNAME,
	ATTACH_IP,
	ATTACH_MAC,
	ATTACH_DRY_RUN,
	ATTACH_JSON,
};

static const struct option attach_longs[] = {
	{ "netns", required_argument, NULL, ATTACH_NETNS },
	{ "pid", required_argument, NULL, ATTACH_PID },
	{ "network", required_argument, NULL, ATTACH_NETWORK },
	{ "ifname", required_argument, NULL, ATTACH_IFNAME },
	{ "publish", required_argument, NULL, 'p' },
	{ "ip", required_argument, NULL, ATTACH_IP },
	{ "mac", required_argument, NULL, ATTACH_MAC },
	{ "dry-run", no_argument, NULL, ATTACH_DRY_RUN },
	{ "json", no_argument, NULL, ATTACH_JSON },
	OPTIONS_COMMON,
};

static int attach_option(const struct command *cmd, struct attach_options *o, int c)
{
	struct netd_attach_request *req = &o->request.req;

	switch (c) {
	case 'p':
		return cli_request_port(&o->request, cmd, optarg);
	case ATTACH_NETNS:
		return cli_once(cmd, &req->netns, "netns", optarg);
	case ATTACH_PID:
		return cli_once(cmd, &o->pid, "pid", optarg);
	case ATTACH_NETWORK:
		return cli_once(cmd, &req->network, "network", optarg);
	case ATTACH_IFNAME:
		return cli_once(cmd, &req->ifname, "ifname", optarg);
	case ATTACH_IP:
		return cli_request_ip(&o->request, optarg);
	case ATTACH_MAC:
		return cli_once(cmd, &req->mac, "mac", optarg);
	case ATTACH_DRY_RUN:
		o->dry_run = true;
		break;
	case ATTACH_JSON:
		o->json = true;
		break;
	}
	return CLI_DONE;
}

static int attach_parse(const struct command *cmd, int argc, char **argv, struct attach_options *o,
			int *ret_status)
{
	struct netd_attach_request *req = &o->request.req;
	uint32_t pid;
	int c;

	while ((c = cli_option(cmd, argc, argv, ":hp:", attach_longs, ret_status)) != OPT_END) {
		if (c == OPT_STOP)
			return OPT_STOP;
		*ret_status = attach_option(cmd, o, c);
		if (*ret_status != CLI_DONE)
			return OPT_STOP;
	}
	*ret_status = cli_operands(cmd, argc, 1, 1, "ID");
	if (*ret_status == CLI_DONE && !req->netns == !o->pid)
		*ret_status = cli_usage(cmd, "give one of --netns PATH and --pid PID");
	if (*ret_status == CLI_DONE && o->pid && (parse_u32(o->pid, INT_MAX, &pid) < 0 || pid == 0))
		*ret_status = cli_usage(cmd, "--pid %s: not a process id", o->pid);
	if (*ret_status != CLI_DONE)
		return OPT_STOP;
	req->id = argv[optind];
	if (o->pid) {
		snprintf(o->netns, sizeof(o->netns), "/proc/%u/ns/net", pid);
		req->netns = o->netns;
	}
	return 0;
}

static int print_attachment(const struct netd_attachment *att, bool json)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (json)
		return cli_json(cli_attachment_json(att));
	buf_printf(&out, "%s: %s ", att->id, att->ifname);
	text_addresses(att, &out);
	buf_printf(&out, "%son network %s\n", att->n_addresses ? " " : "", att->network);
	if (att->n_ports) {
		buf_printf(&out, "%s: ", att->id);
		text_ports(att, &out);
		buf_printf(&out, "\n");
	}
	return cli_print(&out);
}

static int attach(struct attach_options *o)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_attach_request *req = &o->request.req;
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_attachment *att = NULL;
	_cleanup_free_ char *script = NULL;
	int r;

	r = front_open_pools(&netd, &err);
	if (r >= 0)
		r = cli_request_network(&o->request, netd, &err);
	if (r >= 0 && o->dry_run)
		r = netd_attach_plan(netd, req, &script, &err);
	else if (r >= 0)
		r = netd_attach(netd, req, &att, &err);
	if (r < 0)
		return cli_request_error(&o->request, &err, o->json);
	if (o->dry_run)
		return cli_script(script, o->json);
	r = cli_flush(print_attachment(att, o->json));
	netd_attachment_free(att);
	if (r != CLI_DONE)
		cli_warn(req->id, "is attached nevertheless: netd inspect shows it, netd detach "
				  "undoes it");
	return r;
}

int cmd_attach(const struct command *cmd, int argc, char **argv)
{
	struct attach_options o = { .request = CLI_REQUEST_INIT };
	int status;

	if (attach_parse(cmd, argc, argv, &o, &status) != OPT_STOP)
		status = attach(&o);
	cli_request_free(&o.request);
	return status;
}

static int detach(const struct cli_selection *s)
{
	struct netd_detach_request req = { .size = sizeof(req), .spawn = front_spawn };
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	int n;

	req.id = s->id;
	req.network = s->network;
	req.ifname = s->ifname;
	n = front_open(&netd, &err);
	if (n >= 0)
		n = netd_detach(netd, &req, &err);
	if (n < 0)
		return cli_error(s->id, &err, s->json);
	if (n == 0)
		cli_warn(s->id, "nothing to do: it is not attached");
	return s->json ? cli_json(json_pack("{s:i}", "removed", n)) : CLI_DONE;
}

int cmd_detach(const struct command *cmd, int argc, char **argv)
{
	struct cli_selection s = { 0 };
	int status;

	if (cli_select(cmd, argc, argv, &s, &status) == OPT_STOP)
		return status;
	return detach(&s);
}
