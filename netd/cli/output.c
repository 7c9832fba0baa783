// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdio_ext.h>

#include "cli.h"
#include "text.h"
#include "util.h"

static void print_line(char *line)
{
	text_printable(line, "");
	fprintf(stderr, "%s\n", line);
	free(line);
}

void cli_line(const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) >= 0)
		print_line(line);
	va_end(ap);
}

void cli_vwarn(const char *subject, const char *fmt, va_list ap)
{
	char *message;

	if (vasprintf(&message, fmt, ap) < 0)
		return;
	cli_line("netd: %s%s%s", subject ? subject : "", subject ? ": " : "", message);
	free(message);
}

void cli_warn(const char *subject, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_vwarn(subject, fmt, ap);
	va_end(ap);
}

/*
 * json_object_set_new() passes NULL on as a failure, so that one test at the end is enough. Paths and
 * messages need not be UTF-8, which JSON must be.
 */
static int set_string(json_t *obj, const char *key, const char *value)
{
	_cleanup_free_ char *text = NULL;

	if (!value)
		return json_object_set_new(obj, key, json_null());
	text = strdup(value);
	if (!text)
		return -1;
	text_utf8(text);
	return json_object_set_new(obj, key, json_string(text));
}

static json_t *checked(json_t *json, int bad)
{
	if (!bad)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *error_json(const struct netd_error *err)
{
	json_t *obj = json_object(), *top = json_object();
	int bad = 0;

	bad |= set_string(obj, "code", netd_code_name(err->code));
	bad |= set_string(obj, "stage", netd_stage_name(err->stage));
	bad |= set_string(obj, "subject", err->subject);
	bad |= set_string(obj, "message", err->message);
	bad |= set_string(obj, "kernel", err->kernel);
	bad |= set_string(obj, "undo", err->undo);
	bad |= json_object_set_new(top, "error", obj);
	return checked(top, bad);
}

int cli_error(const char *subject, const struct netd_error *err, bool json)
{
	cli_warn(subject, "%s", err->message);
	if (err->kernel[0])
		cli_line("  the kernel says: %s", err->kernel);
	if (err->undo[0])
		cli_line("  could not be undone: %s", err->undo);
	if (json)
		cli_json(error_json(err));
	return CLI_FAILED;
}

int cli_json(json_t *json)
{
	_cleanup_free_ char *text = NULL;

	if (json)
		text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_decref(json);
	if (!text) {
		cli_warn(NULL, "out of memory");
		return CLI_FAILED;
	}
	puts(text);
	return CLI_DONE;
}

int cli_script(const char *script, bool json)
{
	json_t *obj;

	if (json) {
		obj = json_object();
		return cli_json(checked(obj, set_string(obj, "script", script)));
	}
	fputs(script, stdout);
	return CLI_DONE;
}

int cli_print(struct buf *out)
{
	if (out->failed) {
		cli_warn(NULL, "out of memory");
		return CLI_FAILED;
	}
	if (out->len) {
		text_printable(out->data, "\n");
		fputs(out->data, stdout);
	}
	return CLI_DONE;
}

int cli_flush(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_warn(NULL, "cannot write the output: %m");
	__fpurge(stdout);
	clearerr(stdout);
	return status == CLI_DONE ? CLI_FAILED : status;
}

static json_t *addresses_json(const struct netd_attachment *att)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < att->n_addresses; i++) {
		json_t *obj = json_object();

		bad |= set_string(obj, "address", att->addresses[i].address);
		bad |= set_string(obj, "gateway", att->addresses[i].gateway);
		bad |= json_array_append_new(array, obj);
	}
	return checked(array, bad);
}

static json_t *routes_json(const struct netd_attachment *att)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < att->n_routes; i++) {
		json_t *obj = json_object();

		bad |= set_string(obj, "dst", att->routes[i].dst);
		bad |= set_string(obj, "gw", att->routes[i].gw);
		bad |= json_array_append_new(array, obj);
	}
	return checked(array, bad);
}

static json_t *ports_json(const struct netd_attachment *att)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < att->n_ports; i++) {
		const struct netd_port *port = &att->ports[i];
		json_t *obj = json_object();

		bad |= set_string(obj, "host_ip", port->host_ip);
		bad |= json_object_set_new(obj, "host_port", json_integer(port->host_port));
		bad |= json_object_set_new(obj, "container_port",
					   json_integer(port->container_port));
		bad |= json_object_set_new(obj, "count", json_integer(port->count));
		bad |= set_string(obj, "protocol", text_protocol(port->protocol));
		bad |= json_array_append_new(array, obj);
	}
	return checked(array, bad);
}

json_t *cli_attachment_json(const struct netd_attachment *att)
{
	json_t *obj = json_object();
	int bad = 0;

	bad |= set_string(obj, "network", att->network);
	bad |= set_string(obj, "id", att->id);
	bad |= set_string(obj, "ifname", att->ifname);
	bad |= set_string(obj, "netns", att->netns);
	bad |= set_string(obj, "mac", att->mac);
	bad |= json_object_set_new(obj, "ifindex", json_integer(att->ifindex));
	bad |= json_object_set_new(obj, "mtu", json_integer(att->mtu));
	bad |= set_string(obj, "host_ifname", att->host_ifname);
	bad |= set_string(obj, "host_mac", att->host_mac);
	bad |= json_object_set_new(obj, "host_ifindex", json_integer(att->host_ifindex));
	bad |= set_string(obj, "bridge", att->bridge);
	bad |= set_string(obj, "bridge_mac", att->bridge_mac);
	bad |= json_object_set_new(obj, "bridge_mtu", json_integer(att->bridge_mtu));
	bad |= json_object_set_new(obj, "addresses", addresses_json(att));
	bad |= json_object_set_new(obj, "routes", routes_json(att));
	bad |= json_object_set_new(obj, "ports", ports_json(att));
	bad |= json_object_set_new(obj, "ready", json_boolean(att->ready));
	return checked(obj, bad);
}
