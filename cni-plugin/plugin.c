// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin.h"

#include <netd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "channel.h"
#include "conf.h"
#include "env.h"
#include "fault.h"
#include "front/front.h"
#include "parse.h"
#include "result.h"
#include "util.h"

/* ---- ADD ---------------------------------------------------------------------------------- */

/* The library refuses the host's namespace as well; here the text that runtimes know is given. */
static int check_netns(const struct cni_env *env, struct cni_fault *fault)
{
	_cleanup_(json_decrefp) json_t *text = json_string(env->netns);
	struct stat own, target;

	if (!text)
		return fault_set(fault, CNI_E_ENV, NULL, "CNI_NETNS is not valid UTF-8");
	if (stat(env->netns, &target) < 0 || stat("/proc/self/ns/net", &own) < 0)
		return 0; /* the library finds out and says why */
	if (own.st_dev == target.st_dev && own.st_ino == target.st_ino)
		return fault_set(fault, CNI_E_NETNS, env->netns,
				 "plugin's netns and netns from CNI_NETNS should not be the same");
	return 0;
}

/* Nobody learns of an attachment whose result is lost, so it must not stay. */
static void take_back(struct netd *netd, const struct netd_attach_request *request)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_detach_request bye = {
		.size = sizeof(bye),
		.network = request->network,
		.id = request->id,
		.ifname = request->ifname,
	};

	if (netd_detach(netd, &bye, &err) < 0)
		fprintf(stderr, "netd: cannot undo: %s\n", err.message);
}

static int attach(const struct cni_env *env, const struct cni_conf *conf, struct cni_fault *fault)
{
	_cleanup_(front_attachment_free) struct netd_attachment *att = NULL;
	_cleanup_(front_close) struct netd *netd = NULL;
	_cleanup_(json_decrefp) json_t *result = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_attach_request request = {
		.size = sizeof(request),
		.network = conf->name,
		.id = env->id,
		.ifname = env->ifname,
		.netns = env->netns,
		.ips = conf->ips,
		.n_ips = conf->n_ips,
		.mac = conf->mac,
		.ports = conf->ports,
		.n_ports = conf->n_ports,
		.definition = &conf->network,
	};
	int r;

	if (front_open_pools(&netd, &err) < 0 || netd_attach(netd, &request, &att, &err) < 0)
		return fault_netd(fault, &err);
	result = result_json(conf, att, env->netns);
	r = result ? channel_write(STDOUT_FILENO, result) : -ENOMEM;
	if (r < 0) {
		take_back(netd, &request);
		return fault_set(fault, CNI_E_IO, NULL, "cannot write the result: %s",
				 strerror(-r));
	}
	return 0;
}

static int add(const struct cni_env *env, struct cni_conf *conf, struct cni_fault *fault)
{
	_cleanup_(args_free) struct cni_args args = { 0 };

	if (env_check_limits(env, fault) < 0 || args_parse(env->args, &args, fault) < 0 ||
	    conf_load(conf, &args, fault) < 0 || check_netns(env, fault) < 0)
		return -EINVAL;
	return attach(env, conf, fault);
}

/* ---- DEL ---------------------------------------------------------------------------------- */

/* Needs the three names and nothing else. */
static int del(const struct cni_env *env, const struct cni_conf *conf, struct cni_fault *fault)
{
	_cleanup_(front_close) struct netd *netd = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_detach_request request = {
		.size = sizeof(request),
		.network = conf->name,
		.id = env->id,
		.ifname = env->ifname,
		.spawn = front_spawn,
	};

	/* never attached: beyond what ADD accepts */
	if (!name_valid(conf->name, NETD_NAME_MAX) || !name_valid(env->id, NETD_ID_MAX) ||
	    !ifname_valid(env->ifname))
		return 0;
	/* no state, nothing attached: do not create it to find that out */
	if (access(front_state_dir(), F_OK) < 0 && errno == ENOENT)
		return 0;
	if (front_open(&netd, &err) < 0 || netd_detach(netd, &request, &err) < 0)
		return fault_netd(fault, &err);
	return 0;
}

/* ---- operations --------------------------------------------------------------------------- */

static int operate(const struct cni_env *env, struct cni_conf *conf, struct cni_fault *fault)
{
	size_t max = env->command == CNI_ADD ? CNI_ADD_MAX : CNI_DEL_MAX;
	_cleanup_buf_ struct buf input = { 0 };

	if (env_require(env, fault) < 0 || channel_secure(fault) < 0 ||
	    channel_read(STDIN_FILENO, max, &input, fault) < 0 ||
	    conf_open(input.data, input.len, conf, fault) < 0 || env_check(env, fault) < 0 ||
	    conf_version(conf, env->command == CNI_DEL, fault) < 0)
		return -EINVAL;
	return env->command == CNI_ADD ? add(env, conf, fault) : del(env, conf, fault);
}

static int print(json_t *json)
{
	int r = json ? channel_write(STDOUT_FILENO, json) : -ENOMEM;

	json_decref(json);
	return r;
}

static int about(void)
{
	fprintf(stderr,
		"CNI netd plugin v%s\n"
		"CNI protocol versions supported: %s\n",
		netd_version(), version_list());
	return 0;
}

int plugin_run(void)
{
	_cleanup_(conf_close) struct cni_conf conf = { .version = CNI_1_1_0 };
	struct cni_fault fault = { 0 };
	struct cni_env env;

	env_read(&env);
	if (!env.verb[0])
		return about();
	if (env.command == CNI_VERSION)
		return print(version_json()) < 0;
	if (operate(&env, &conf, &fault) >= 0)
		return 0;
	if (print(fault_json(&fault, version_name(conf.version))) < 0)
		fprintf(stderr, "netd: %s\n", fault.msg);
	return 1;
}
