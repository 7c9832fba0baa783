// SPDX-License-Identifier: GPL-2.0-or-later
/* netd explain, version */
#include <stdio.h>

#include "cli.h"
#include "util.h"

int cmd_explain(const struct command *cmd, int argc, char **argv)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	_cleanup_free_ char *script = NULL;
	struct cli_selection s = { 0 };
	int r, status;

	if (cli_select(cmd, argc, argv, &s, &status) == OPT_STOP)
		return status;
	r = front_open(&netd, &err);
	if (r >= 0)
		r = netd_explain(netd, s.network, s.id, s.ifname, &script, &err);
	if (r < 0)
		return cli_error(err.code == NETD_E_NOT_FOUND ? NULL : s.id, &err, s.json);
	return cli_script(script, s.json);
}

int cmd_version(const struct command *cmd, int argc, char **argv)
{
	enum { JSON = OPT_FIRST };
	static const struct option longs[] = { { "json", no_argument, NULL, JSON },
					       OPTIONS_COMMON };
	bool json = false;
	int c, status;

	while ((c = cli_option(cmd, argc, argv, ":h", longs, &status)) != OPT_END) {
		if (c == OPT_STOP)
			return status;
		json = true;
	}
	status = cli_operands(cmd, argc, 0, 0, "");
	if (status != CLI_DONE)
		return status;
	if (json)
		return cli_json(json_pack("{s:s}", "version", netd_version()));
	printf("netd %s\n", netd_version());
	return CLI_DONE;
}
