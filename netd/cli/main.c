// SPDX-License-Identifier: GPL-2.0-or-later
/* netd(1): finds the command and runs it. */
#include <fcntl.h>
#include <stdio.h>

#include "cli.h"
#include "text.h"
#include "util.h"

#define COMMANDS_MAX 16 /* of one table */

static int cmd_help(const struct command *cmd, int argc, char **argv);

static const struct command commands[] = {
	{ "run", "run a command in a fresh, networked namespace",
	  "Usage: netd run [-v] [-p SPEC]... [--network NAME] [--name ID] [--ip ADDR] [--] CMD "
	  "[ARG]...\n"
	  "\n"
	  "Runs CMD in a network namespace of its own, attached to a network; all of it is\n"
	  "gone when CMD ends. The exit status is that of CMD.\n"
	  "\n"
	  "  -p, --publish SPEC   publish a port: "
	  "[[IP:][HOSTPORT[-END]]:]PORT[-END][/tcp|udp|sctp]\n"
	  "      --network NAME   network to attach to (default)\n"
	  "      --name ID        container id (run-PID)\n"
	  "      --ip ADDR        address to take\n"
	  "  -v, --verbose        print addresses and published ports on standard error",
	  cmd_run, NULL },
	{ "attach", "attach a network namespace to a network",
	  "Usage: netd attach ID (--netns PATH | --pid PID) [--network NAME] [--ifname eth0]\n"
	  "                   [-p SPEC]... [--ip ADDR]... [--mac MAC] [--dry-run] [--json]\n"
	  "\n"
	  "  -p, --publish SPEC   publish a port: "
	  "[[IP:][HOSTPORT[-END]]:]PORT[-END][/tcp|udp|sctp]\n"
	  "      --netns PATH     the container's network namespace\n"
	  "      --pid PID        a process in it\n"
	  "      --network NAME   network to attach to (default)\n"
	  "      --ifname NAME    interface in the container (eth0)\n"
	  "      --ip ADDR        address to take; once for each family\n"
	  "      --mac MAC        MAC address of the interface\n"
	  "      --dry-run        print the commands that would do it, change nothing\n"
	  "      --json           print the attachment as JSON",
	  cmd_attach, NULL },
	{ "detach", "undo an attachment",
	  "Usage: netd detach ID [--network NAME] [--ifname IF] [--json]\n"
	  "\n"
	  "Without options every attachment of ID. It is no error when there is none.\n"
	  "\n"
	  "      --network NAME   only from this network\n"
	  "      --ifname IF      only this interface\n"
	  "      --json           print how many attachments were removed",
	  cmd_detach, NULL },
	{ "ls", "list attachments",
	  "Usage: netd ls [--network NAME] [--json]\n"
	  "\n"
	  "      --network NAME   only of this network\n"
	  "      --json           print an array of attachments",
	  cmd_ls, NULL },
	{ "inspect", "show the attachments of a container",
	  "Usage: netd inspect ID [--network NAME] [--ifname IF] [--json]\n"
	  "\n"
	  "      --network NAME   only of this network\n"
	  "      --ifname IF      only this interface\n"
	  "      --json           print an array of attachments",
	  cmd_inspect, NULL },
	{ "port", "show the published ports of a container",
	  "Usage: netd port ID [PORT[/PROTO]] [--json]\n"
	  "\n"
	  "With PORT only where that container port is published; PROTO is tcp unless given.\n"
	  "\n"
	  "      --json           print an array of ports",
	  cmd_port, NULL },
	{ "network", "create, list and remove networks",
	  "Usage: netd network create | ls | inspect | rm | prune", NULL, network_commands },
	{ "explain", "show the commands that would build an attachment by hand",
	  "Usage: netd explain ID [--network NAME] [--ifname IF] [--json]\n"
	  "\n"
	  "Prints ip, nft and sysctl commands that give the same kernel state on an empty host.\n"
	  "\n"
	  "      --network NAME   only the attachment to this network\n"
	  "      --ifname IF      only this interface\n"
	  "      --json           print {\"script\": TEXT}",
	  cmd_explain, NULL },
	{ "version", "print the version",
	  "Usage: netd version [--json]\n"
	  "\n"
	  "      --json           print {\"version\": TEXT}",
	  cmd_version, NULL },
	{ "help", "explain a command", "Usage: netd help [COMMAND]...", cmd_help, NULL },
	{ 0 },
};

/* "create" of "network create" */
static const char *last_word(const char *name)
{
	const char *blank = strrchr(name, ' ');

	return blank ? blank + 1 : name;
}

static void print_commands(FILE *file, const struct command *table)
{
	for (; table->name; table++)
		fprintf(file, "  %-9s %s\n", last_word(table->name), table->summary);
}

static void print_help(FILE *file)
{
	fputs("Usage: netd COMMAND [OPTION]... [ARG]...\n"
	      "Container networking: bridge, addresses and published ports.\n\n",
	      file);
	print_commands(file, commands);
	fputs("\n\"netd COMMAND --help\" explains a command; every listing takes --json.\n"
	      "Exit status: 0 done, 1 failed, 2 a command line that cannot be understood;\n"
	      "\"run\" passes its command's on.\n",
	      file);
}

static void print_command_help(FILE *file, const struct command *cmd)
{
	fprintf(file, "%s\n", cmd->usage);
	if (cmd->subs) {
		fputc('\n', file);
		print_commands(file, cmd->subs);
	}
}

static const struct command *find_command(const struct command *table, const char *name)
{
	for (; table->name; table++) {
		if (!strcmp(last_word(table->name), name))
			return table;
	}
	return NULL;
}

/* group: the command whose sub-command name should be, or NULL */
static int unknown_command(const struct command *group, const char *name)
{
	const struct command *table = group ? group->subs : commands;
	const char *names[COMMANDS_MAX] = { NULL }, *near;

	for (size_t n = 0; table->name && n < COMMANDS_MAX - 1; table++)
		names[n++] = last_word(table->name);
	near = text_suggest(name, names);
	cli_warn(group ? group->name : NULL, "unknown command \"%s\"%s%s%s", name,
		 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	cli_line("Try \"netd %s%s--help\".", group ? group->name : "", group ? " " : "");
	return CLI_USAGE;
}

static int cmd_help(const struct command *cmd, int argc, char **argv)
{
	static const struct option longs[] = { OPTIONS_COMMON };
	const struct command *found = NULL, *group;
	int status;

	if (cli_option(cmd, argc, argv, ":h", longs, &status) == OPT_STOP)
		return status;
	for (int i = optind; i < argc; i++) {
		group = found;
		if (group && !group->subs)
			return cli_usage(cmd, "%s has no sub-commands", group->name);
		found = find_command(group ? group->subs : commands, argv[i]);
		if (!found)
			return unknown_command(group, argv[i]);
	}
	if (found)
		print_command_help(stdout, found);
	else
		print_help(stdout);
	return CLI_DONE;
}

/* argv[0] is the name of the group. */
static int run_group(const struct command *group, int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		print_command_help(stderr, group);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_command_help(stdout, group);
		return CLI_DONE;
	}
	cmd = find_command(group->subs, argv[1]);
	if (!cmd)
		return unknown_command(group, argv[1]);
	return cmd->fn(cmd, argc - 1, argv + 1);
}

static int dispatch(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return CLI_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("netd %s\n", netd_version());
		return CLI_DONE;
	}
	if (argv[1][0] == '-') {
		cli_warn(NULL, "unknown option %s", argv[1]);
		cli_line("Try \"netd --help\".");
		return CLI_USAGE;
	}
	cmd = find_command(commands, argv[1]);
	if (!cmd)
		return unknown_command(NULL, argv[1]);
	if (cmd->subs)
		return run_group(cmd, argc - 1, argv + 1);
	return cmd->fn(cmd, argc - 1, argv + 1);
}

/* A state file that gets descriptor 1 or 2 because it was closed would be written to as output. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_fds();
	return cli_flush(dispatch(argc, argv));
}
