/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of netd(1) share: the command table, options, reports and output. */
#ifndef NETD_CLI_H
#define NETD_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <netd.h>
#include <stdarg.h>
#include <stdbool.h>

#include "buf.h"
#include "front/config.h"
#include "front/front.h"

/* Exit statuses; "run" passes its command's on. */
enum cli_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_EXECUTABLE = 126,
	CLI_NOT_FOUND = 127,
	CLI_SIGNALLED = 128, /* plus the signal's number */
};

/* ---- commands and options: main.c, option.c ---- */

struct command {
	const char *name; /* "attach", "network create" */
	const char *summary;
	const char *usage; /* synopsis and options, as --help prints them */
	int (*fn)(const struct command *cmd, int argc, char **argv); /* returns the exit status */
	const struct command *subs; /* ends with a nameless one; NULL: no sub-commands */
};

extern const struct command network_commands[];

int cmd_run(const struct command *cmd, int argc, char **argv);
int cmd_attach(const struct command *cmd, int argc, char **argv);
int cmd_detach(const struct command *cmd, int argc, char **argv);
int cmd_ls(const struct command *cmd, int argc, char **argv);
int cmd_inspect(const struct command *cmd, int argc, char **argv);
int cmd_port(const struct command *cmd, int argc, char **argv);
int cmd_explain(const struct command *cmd, int argc, char **argv);
int cmd_version(const struct command *cmd, int argc, char **argv);

/* "netd: CMD: message" and where to read more, on standard error; returns CLI_USAGE. */
int cli_usage(const struct command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Option values: those of long options without a letter start at OPT_FIRST. */
enum { OPT_END = -1, OPT_STOP = -2, OPT_FIRST = 256 };

/* Ends every table of long options. */
#define OPTIONS_COMMON                                                                             \
	{ "help", no_argument, NULL, 'h' },                                                        \
	{                                                                                          \
		NULL, 0, NULL, 0                                                                   \
	}

/*
 * getopt_long() that answers --help and reports misuse: it then returns OPT_STOP and the command
 * must return *ret_status. shorts begins with ':' or "+:" and contains h.
 */
int cli_option(const struct command *cmd, int argc, char **argv, const char *shorts,
	       const struct option *longs, int *ret_status);

/* Stores an option's argument that may be given once; CLI_DONE, or CLI_USAGE after reporting. */
int cli_once(const struct command *cmd, const char **ret, const char *name, const char *value);

/* After the options: how many of what ("ID", "NAME") must follow; CLI_DONE or CLI_USAGE. */
int cli_operands(const struct command *cmd, int argc, int min, int max, const char *what);

/* What "ID [--network NAME] [--ifname IF] [--json]" selects; id NULL: every container. */
struct cli_selection {
	const char *id;
	const char *network;
	const char *ifname;
	bool json;
};

/* Options and operand of detach, inspect, explain; OPT_STOP: return *ret_status. */
int cli_select(const struct command *cmd, int argc, char **argv, struct cli_selection *s,
	       int *ret_status);

/* ---- output: output.c ---- */

/*
 * "netd: subject: message", the kernel's text and the failed undo on standard error; with json also
 * an error object on standard output. subject may be NULL. Returns CLI_FAILED.
 */
int cli_error(const char *subject, const struct netd_error *err, bool json);

/* "netd: subject: message" on standard error. */
void cli_warn(const char *subject, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_vwarn(const char *subject, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* One line on standard error, as all that goes there without what a terminal would obey. */
void cli_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the value and releases it; NULL stands for one that could not be allocated. */
int cli_json(json_t *json);

/* Prints a shell script, with json as {"script": TEXT}. */
int cli_script(const char *script, bool json);

/* Prints what was collected in the buffer, without what a terminal would obey but line ends. */
int cli_print(struct buf *out);

/*
 * Flushes standard output: a full disk must not look like success. A failure is reported once: what
 * could not be written is thrown away.
 */
int cli_flush(int status);

json_t *cli_attachment_json(const struct netd_attachment *att);

/* ---- the request that "attach" and "run" build: request.c ---- */

struct cli_request {
	struct netd_attach_request req;
	struct netd_port *ports;
	const char **ips;
	struct config_network *definition;
};

#define CLI_REQUEST_INIT                                                                           \
	{                                                                                          \
		.req = {.size = sizeof(struct netd_attach_request) }                               \
	}

int cli_request_port(struct cli_request *r, const struct command *cmd, const char *spec);
int cli_request_ip(struct cli_request *r, const char *ip);
/*
 * Finds the network: one that netd's state does not hold (it does not outlive a reboot) is read from
 * its file and goes with the request.
 */
int cli_request_network(struct cli_request *r, struct netd *netd, struct netd_error *err);
/* cli_error() for the request; names the network's file if what is wrong may stand there. */
int cli_request_error(const struct cli_request *r, const struct netd_error *err, bool json);
void cli_request_free(struct cli_request *r);

#endif
