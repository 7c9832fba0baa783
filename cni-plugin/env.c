// SPDX-License-Identifier: GPL-2.0-or-later
#include "env.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#include "buf.h"
#include "parse.h"
#include "util.h"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static enum cni_command command_of(const char *verb)
{
	static const char *const verbs[] = {
		[CNI_ADD] = "ADD",
		[CNI_DEL] = "DEL",
		[CNI_VERSION] = "VERSION",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return (enum cni_command)i;
	return CNI_UNKNOWN;
}

void env_read(struct cni_env *ret)
{
	ret->verb = variable("CNI_COMMAND");
	ret->command = command_of(ret->verb);
	ret->id = variable("CNI_CONTAINERID");
	ret->netns = variable("CNI_NETNS");
	ret->ifname = variable("CNI_IFNAME");
	ret->args = variable("CNI_ARGS");
}

int env_require(const struct cni_env *env, struct cni_fault *fault)
{
	bool attachment = env->command == CNI_ADD || env->command == CNI_DEL;
	const struct {
		const char *name;
		const char *value;
		bool required;
	} variables[] = {
		{ "CNI_CONTAINERID", env->id, attachment },
		{ "CNI_NETNS", env->netns, env->command == CNI_ADD },
		{ "CNI_IFNAME", env->ifname, attachment },
	};
	char missing[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (variables[i].required && !variables[i].value[0])
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
						len ? "," : "", variables[i].name);
	if (!len)
		return 0;
	return fault_set(fault, CNI_E_ENV, NULL, "required env variables [%s] missing", missing);
}

static int check_id(const char *id, struct cni_fault *fault)
{
	if (!name_valid(id, strlen(id)))
		return fault_set(fault, CNI_E_ENV, id, "invalid characters in containerID");
	return 0;
}

static int check_ifname(const char *ifname, struct cni_fault *fault)
{
	if (strlen(ifname) > NETD_IFNAME_MAX)
		return fault_set(fault, CNI_E_ENV,
				 "interface name should be less than 16 characters",
				 "interface name is too long");
	if (strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0)
		return fault_set(fault, CNI_E_ENV, NULL, "interface name is . or ..");
	if (strpbrk(ifname, "/: \t\n\v\f\r"))
		return fault_set(fault, CNI_E_ENV, NULL,
				 "interface name contains / or : or whitespace characters");
	return 0;
}

int env_check(const struct cni_env *env, struct cni_fault *fault)
{
	int r = 0;

	if (env->id[0])
		r = check_id(env->id, fault);
	if (r >= 0 && env->ifname[0])
		r = check_ifname(env->ifname, fault);
	if (r >= 0 && env->command == CNI_UNKNOWN)
		r = fault_set(fault, CNI_E_ENV, NULL, "unknown CNI_COMMAND: %s", env->verb);
	return r;
}

int env_check_limits(const struct cni_env *env, struct cni_fault *fault)
{
	char details[64];

	snprintf(details, sizeof(details), "at most %d characters are supported", NETD_ID_MAX);
	if (strlen(env->id) > NETD_ID_MAX)
		return fault_set(fault, CNI_E_ENV, details, "CNI_CONTAINERID is too long");
	snprintf(details, sizeof(details), "at most %d characters are supported", PATH_MAX - 1);
	if (strlen(env->netns) >= PATH_MAX)
		return fault_set(fault, CNI_E_ENV, details, "CNI_NETNS is too long");
	if (!ifname_valid(env->ifname))
		return fault_set(fault, CNI_E_ENV, env->ifname,
				 "interface name in CNI_IFNAME is reserved or contains unsupported "
				 "characters");
	return 0;
}

/* ---- CNI_ARGS ----------------------------------------------------------------------------- */

static int parse_ignore(const char *value, bool *ret, struct cni_fault *fault)
{
	if (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0) {
		*ret = true;
		return 0;
	}
	if (strcmp(value, "0") == 0 || strcasecmp(value, "false") == 0) {
		*ret = false;
		return 0;
	}
	return fault_set(
		fault, CNI_E_ENV, NULL,
		"invalid CNI_ARGS: IgnoreUnknown: boolean unmarshal error: invalid input %s",
		value);
}

static int parse_pair(char *pair, struct cni_args *args, bool *ignore, struct buf *unknown,
		      struct cni_fault *fault)
{
	char *value = strchr(pair, '=');

	if (!value || strchr(value + 1, '='))
		return fault_set(fault, CNI_E_ENV, NULL,
				 "invalid CNI_ARGS: ARGS: invalid pair \"%s\"", pair);
	*value++ = '\0';
	if (strcmp(pair, "IgnoreUnknown") == 0)
		return parse_ignore(value, ignore, fault);
	if (strcmp(pair, "IP") == 0)
		args->ip = *value ? value : NULL;
	else if (strcmp(pair, "MAC") == 0)
		args->mac = *value ? value : NULL;
	else
		buf_printf(unknown, "%s\"%s=%s\"", unknown->len ? " " : "", pair, value);
	return 0;
}

int args_parse(const char *text, struct cni_args *ret, struct cni_fault *fault)
{
	_cleanup_buf_ struct buf unknown = { 0 };
	struct cni_args args = { 0 };
	bool ignore = false;
	int r = 0;

	if (!text[0]) {
		*ret = args;
		return 0;
	}
	args.text = strdup(text);
	if (!args.text)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	for (char *rest = args.text; r >= 0 && rest;)
		r = parse_pair(strsep(&rest, ";"), &args, &ignore, &unknown, fault);
	if (r >= 0 && unknown.len && !ignore)
		r = fault_set(fault, CNI_E_ENV, NULL, "invalid CNI_ARGS: ARGS: unknown args [%s]",
			      unknown.data);
	if (r < 0) {
		args_free(&args);
		return r;
	}
	*ret = args;
	return 0;
}

void args_free(struct cni_args *args)
{
	free(args->text);
	*args = (struct cni_args){ 0 };
}
