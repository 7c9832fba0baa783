// SPDX-License-Identifier: GPL-2.0-or-later
/* netd ls, inspect, port */

#include "cli.h"
#include "text.h"
#include "util.h"

struct attachments {
	struct netd_attachment **list;
	size_t n;
};

static void attachments_free(struct attachments *a)
{
	netd_attachment_list_free(a->list, a->n);
}

static bool selected(const struct cli_selection *s, const struct netd_attachment *att)
{
	return (!s->id || !strcmp(s->id, att->id)) &&
	       (!s->ifname || !strcmp(s->ifname, att->ifname));
}

/*
 * Lists the selected attachments; none of an id that was named is an error. Returns CLI_DONE, or
 * CLI_FAILED after reporting.
 */
static int load(const struct cli_selection *s, struct attachments *a)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	size_t n = 0;
	int r;

	r = front_open(&netd, &err);
	if (r >= 0)
		r = netd_attachment_list(netd, s->network, &a->list, &a->n, &err);
	if (r < 0)
		return cli_error(s->id ? s->id : s->network, &err, s->json);
	for (size_t i = 0; i < a->n; i++) {
		if (selected(s, a->list[i]))
			n++;
	}
	if (!s->id || n)
		return CLI_DONE;
	front_error(&err, NETD_E_NOT_FOUND, ENOENT, s->id,
		    "container %s is not attached%s%s: netd ls lists what is", s->id,
		    s->network ? " to " : "", s->network ? s->network : "");
	return cli_error(NULL, &err, s->json);
}

static int print_json(const struct cli_selection *s, const struct attachments *a)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (selected(s, a->list[i]))
			bad |= json_array_append_new(array, cli_attachment_json(a->list[i]));
	}
	if (bad) {
		json_decref(array);
		array = NULL;
	}
	return cli_json(array);
}

static void add_row(struct table *table, const struct netd_attachment *att)
{
	_cleanup_buf_ struct buf addresses = { 0 }, ports = { 0 };

	text_addresses(att, &addresses);
	text_ports(att, &ports);
	if (!att->ready)
		buf_printf(&ports, "%s(incomplete)", ports.len ? " " : "");
	if (addresses.failed || ports.failed)
		table->failed = true;
	table_cell(table, att->network);
	table_cell(table, att->id);
	table_cell(table, att->ifname);
	table_cell(table, addresses.data);
	table_cell(table, ports.data);
}

static int print_table(const struct attachments *a)
{
	static const char *const header[] = { "NETWORK", "ID", "INTERFACE", "ADDRESS", "PORTS" };
	_cleanup_(table_free) struct table table = { .columns = ARRAY_SIZE(header) };
	_cleanup_buf_ struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(header); i++)
		table_cell(&table, header[i]);
	for (size_t i = 0; i < a->n; i++)
		add_row(&table, a->list[i]);
	table_print(&table, &out);
	return cli_print(&out);
}

int cmd_ls(const struct command *cmd, int argc, char **argv)
{
	enum { NETWORK = OPT_FIRST, JSON };
	static const struct option longs[] = {
		{ "network", required_argument, NULL, NETWORK },
		{ "json", no_argument, NULL, JSON },
		OPTIONS_COMMON,
	};
	_cleanup_(attachments_free) struct attachments a = { 0 };
	struct cli_selection s = { 0 };
	int c, status = CLI_DONE;

	while ((c = cli_option(cmd, argc, argv, ":h", longs, &status)) != OPT_END) {
		if (c == NETWORK)
			status = cli_once(cmd, &s.network, "network", optarg);
		else if (c == JSON)
			s.json = true;
		if (c == OPT_STOP || status != CLI_DONE)
			return status;
	}
	status = cli_operands(cmd, argc, 0, 0, "");
	if (status == CLI_DONE)
		status = load(&s, &a);
	if (status != CLI_DONE)
		return status;
	return s.json ? print_json(&s, &a) : print_table(&a);
}

static void add_field(struct buf *out, const char *key, const char *value)
{
	if (value && *value)
		buf_printf(out, "%-15s %s\n", key, value);
}

static void add_number(struct buf *out, const char *key, unsigned int value)
{
	if (value)
		buf_printf(out, "%-15s %u\n", key, value);
}

static void add_attachment(struct buf *out, const struct netd_attachment *att)
{
	_cleanup_buf_ struct buf ports = { 0 };

	add_field(out, "id", att->id);
	add_field(out, "network", att->network);
	add_field(out, "state", att->ready ? "ready" : "incomplete");
	add_field(out, "interface", att->ifname);
	add_field(out, "namespace", att->netns);
	add_field(out, "mac", att->mac);
	add_number(out, "mtu", att->mtu);
	add_field(out, "host interface", att->host_ifname);
	add_field(out, "host mac", att->host_mac);
	add_field(out, "bridge", att->bridge);
	for (size_t i = 0; i < att->n_addresses; i++) {
		buf_printf(out, "%-15s %s", "address", att->addresses[i].address);
		if (att->addresses[i].gateway)
			buf_printf(out, " gateway %s", att->addresses[i].gateway);
		buf_printf(out, "\n");
	}
	for (size_t i = 0; i < att->n_routes; i++) {
		buf_printf(out, "%-15s %s", "route", att->routes[i].dst);
		if (att->routes[i].gw)
			buf_printf(out, " via %s", att->routes[i].gw);
		buf_printf(out, "\n");
	}
	text_ports(att, &ports);
	add_field(out, "ports", ports.data);
	out->failed |= ports.failed;
}

int cmd_inspect(const struct command *cmd, int argc, char **argv)
{
	_cleanup_(attachments_free) struct attachments a = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	struct cli_selection s = { 0 };
	int status;

	if (cli_select(cmd, argc, argv, &s, &status) == OPT_STOP)
		return status;
	status = load(&s, &a);
	if (status != CLI_DONE)
		return status;
	if (s.json)
		return print_json(&s, &a);
	for (size_t i = 0; i < a.n; i++) {
		if (!selected(&s, a.list[i]))
			continue;
		if (out.len)
			buf_printf(&out, "\n");
		add_attachment(&out, a.list[i]);
	}
	return cli_print(&out);
}

/* The wanted container port; port 0: all. */
struct port_filter {
	uint16_t port;
	uint8_t protocol;
};

static bool wanted(const struct port_filter *filter, const struct port_line *line)
{
	return !filter->port ||
	       (filter->port == line->container_port && filter->protocol == line->protocol);
}

static int add_port_json(json_t *array, const struct port_line *line)
{
	/* without the brackets that stand around an IPv6 address only in HOST:PORT */
	const char *host = line->host[0] == '[' ? line->host + 1 : line->host;

	return json_array_append_new(
		array, json_pack("{s:i, s:s, s:s%, s:i}", "container_port", line->container_port,
				 "protocol", text_protocol(line->protocol), "host_ip", host,
				 strcspn(host, "]"), "host_port", line->host_port));
}

static void add_port_text(struct buf *out, const struct port_filter *filter,
			  const struct port_line *line)
{
	if (!filter->port)
		buf_printf(out, "%u/%s -> ", line->container_port, text_protocol(line->protocol));
	buf_printf(out, "%s:%u\n", line->host, line->host_port);
}

/* Adds the wanted ports of one attachment to text and array; returns their number or -ENOMEM. */
static int add_ports(struct buf *out, json_t *array, const struct port_filter *filter,
		     const struct netd_attachment *att)
{
	_cleanup_free_ struct port_line *lines = NULL;
	size_t n;
	int found = 0;

	if (text_port_lines(att, true, &lines, &n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!wanted(filter, &lines[i]))
			continue;
		add_port_text(out, filter, &lines[i]);
		if (add_port_json(array, &lines[i]) < 0)
			return -ENOMEM;
		found++;
	}
	return found;
}

static int print_ports(const struct cli_selection *s, const struct port_filter *filter,
		       const struct attachments *a)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct netd_error err = NETD_ERROR_INIT;
	json_t *array = json_array();
	int found = 0, status;

	for (size_t i = 0; i < a->n && found >= 0; i++) {
		int n = selected(s, a->list[i]) ? add_ports(&out, array, filter, a->list[i]) : 0;

		found = n < 0 ? n : found + n;
	}
	if (found < 0) {
		front_error(&err, NETD_E_NOMEM, ENOMEM, s->id, "out of memory");
		status = cli_error(s->id, &err, s->json);
	} else if (found == 0 && filter->port) {
		front_error(&err, NETD_E_NOT_FOUND, ENOENT, s->id, "port %u/%s is not published",
			    filter->port, text_protocol(filter->protocol));
		status = cli_error(s->id, &err, s->json);
	} else {
		status = s->json ? cli_json(json_incref(array)) : cli_print(&out);
	}
	json_decref(array);
	return status;
}

int cmd_port(const struct command *cmd, int argc, char **argv)
{
	enum { JSON = OPT_FIRST };
	static const struct option longs[] = { { "json", no_argument, NULL, JSON },
					       OPTIONS_COMMON };
	_cleanup_(attachments_free) struct attachments a = { 0 };
	struct port_filter filter = { 0 };
	struct cli_selection s = { 0 };
	int c, status;

	while ((c = cli_option(cmd, argc, argv, ":h", longs, &status)) != OPT_END) {
		if (c == OPT_STOP)
			return status;
		s.json = true;
	}
	status = cli_operands(cmd, argc, 1, 2, "ID");
	if (status != CLI_DONE)
		return status;
	s.id = argv[optind];
	if (argc - optind == 2 &&
	    text_parse_port(argv[optind + 1], &filter.port, &filter.protocol) < 0)
		return cli_usage(cmd, "%s: not a PORT[/PROTO]", argv[optind + 1]);
	status = load(&s, &a);
	return status == CLI_DONE ? print_ports(&s, &filter, &a) : status;
}
