// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "cli.h"
#include "text.h"
#include "util.h"

int cli_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_vwarn(cmd->name, fmt, ap);
	va_end(ap);
	cli_line("Try \"netd %s --help\".", cmd->name);
	return CLI_USAGE;
}

static const struct option *find_option(const struct option *longs, int val)
{
	for (; longs->name; longs++) {
		if (longs->val == val)
			return longs;
	}
	return NULL;
}

/* The long option "--name" or "--name=value" that getopt does not know. */
static int unknown_long(const struct command *cmd, const struct option *longs, const char *arg)
{
	const char *names[32] = { NULL };
	char name[64];
	const char *near;
	size_t n = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	for (; longs->name && n < ARRAY_SIZE(names) - 1; longs++) {
		/* getopt takes an abbreviation unless it fits several */
		if (!strncmp(longs->name, name, strlen(name)))
			return cli_usage(cmd, "option --%s is ambiguous", name);
		names[n++] = longs->name;
	}
	near = text_suggest(name, names);
	if (near)
		return cli_usage(cmd, "unknown option --%s; did you mean --%s?", name, near);
	return cli_usage(cmd, "unknown option --%s", name);
}

static int misuse(const struct command *cmd, char **argv, const struct option *longs, int c)
{
	const struct option *option = find_option(longs, optopt);

	if (c == ':' && option)
		return cli_usage(cmd, "option --%s needs an argument", option->name);
	if (option)
		return cli_usage(cmd, "option --%s takes no argument", option->name);
	if (optopt)
		return cli_usage(cmd, "unknown option -%c", optopt);
	return unknown_long(cmd, longs, argv[optind - 1]);
}

int cli_option(const struct command *cmd, int argc, char **argv, const char *shorts,
	       const struct option *longs, int *ret_status)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == 'h') {
		puts(cmd->usage);
		*ret_status = CLI_DONE;
		return OPT_STOP;
	}
	if (c == '?' || c == ':') {
		*ret_status = misuse(cmd, argv, longs, c);
		return OPT_STOP;
	}
	return c;
}

int cli_once(const struct command *cmd, const char **ret, const char *name, const char *value)
{
	if (*ret)
		return cli_usage(cmd, "--%s is given twice", name);
	*ret = value;
	return CLI_DONE;
}

int cli_operands(const struct command *cmd, int argc, int min, int max, const char *what)
{
	int n = argc - optind;

	if (n < min)
		return cli_usage(cmd, "%s is missing", what);
	if (n > max)
		return cli_usage(cmd, "too many arguments");
	return CLI_DONE;
}

int cli_select(const struct command *cmd, int argc, char **argv, struct cli_selection *s,
	       int *ret_status)
{
	enum { NETWORK = OPT_FIRST, IFNAME, JSON };
	static const struct option longs[] = {
		{ "network", required_argument, NULL, NETWORK },
		{ "ifname", required_argument, NULL, IFNAME },
		{ "json", no_argument, NULL, JSON },
		OPTIONS_COMMON,
	};
	int c;

	*ret_status = CLI_DONE;
	while ((c = cli_option(cmd, argc, argv, ":h", longs, ret_status)) != OPT_END) {
		if (c == NETWORK)
			*ret_status = cli_once(cmd, &s->network, "network", optarg);
		else if (c == IFNAME)
			*ret_status = cli_once(cmd, &s->ifname, "ifname", optarg);
		else if (c == JSON)
			s->json = true;
		if (c == OPT_STOP || *ret_status != CLI_DONE)
			return OPT_STOP;
	}
	*ret_status = cli_operands(cmd, argc, 1, 1, "ID");
	if (*ret_status != CLI_DONE)
		return OPT_STOP;
	s->id = argv[optind];
	return 0;
}
