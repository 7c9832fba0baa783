// SPDX-License-Identifier: GPL-2.0-or-later
#include "requested.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "parse.h"
#include "util.h"

/* An address with or without prefix length. */
static bool address_valid(const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	const char *slash = strchrnul(text, '/');
	char ip[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	uint32_t len;

	if ((size_t)(slash - text) >= sizeof(ip))
		return false;
	snprintf(ip, sizeof(ip), "%.*s", (int)(slash - text), text);
	if (inet_pton(family, ip, raw) != 1)
		return false;
	return !*slash || parse_u32(slash + 1, family == AF_INET ? 32 : 128, &len) == 0;
}

static bool mac_valid(const char *text)
{
	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* conf->ips has room for it. Runtimes give the same address in several places. */
static void add_ip(struct cni_conf *conf, const char *ip)
{
	for (size_t i = 0; i < conf->n_ips; i++)
		if (strcmp(conf->ips[i], ip) == 0)
			return;
	conf->ips[conf->n_ips++] = ip;
}

static int add_list(struct cni_conf *conf, const struct gojson *in, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *ip = json_string_value(json_array_get(list, i));

		if (!address_valid(ip))
			return fault_set(in->fault, CNI_E_CONFIG, NULL,
					 "invalid \"%sips[%zu]\": \"%s\" is no IP address",
					 in->where, i, ip);
		add_ip(conf, ip);
	}
	return 0;
}

static int add_args(struct cni_conf *conf, char *list, struct cni_fault *fault)
{
	while (list) {
		const char *ip = strsep(&list, ",");

		if (!address_valid(ip))
			return fault_set(fault, CNI_E_ENV, NULL,
					 "invalid CNI_ARGS: IP: \"%s\" is no IP address", ip);
		add_ip(conf, ip);
	}
	return 0;
}

static size_t count_args(const char *list)
{
	size_t n = 0;

	for (; list; list = strchr(list, ',')) {
		list += n > 0;
		n++;
	}
	return n;
}

static int load_mac(struct cni_conf *conf, const struct gojson *runtime, const struct gojson *cni,
		    const char *arg, struct cni_fault *fault)
{
	const struct gojson *const sources[] = { runtime, cni };

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const char *mac = "";

		if (gojson_string(sources[i], "mac", &mac) < 0)
			return -EINVAL;
		if (!mac[0])
			continue;
		if (!mac_valid(mac))
			return fault_set(fault, CNI_E_CONFIG, NULL,
					 "invalid \"%smac\": \"%s\" is no MAC address",
					 sources[i]->where, mac);
		if (!conf->mac)
			conf->mac = mac;
	}
	if (arg && !mac_valid(arg))
		return fault_set(fault, CNI_E_ENV, NULL,
				 "invalid CNI_ARGS: MAC: \"%s\" is no MAC address", arg);
	if (!conf->mac)
		conf->mac = arg;
	return 0;
}

int requested_load(struct cni_conf *conf, const struct cni_args *args, struct cni_fault *fault)
{
	json_t *runtime_ips = NULL;
	json_t *cni_ips = NULL;
	struct gojson runtime, outer, cni;
	size_t n;

	if (gojson_object(&conf->top, "runtimeConfig", &runtime) < 0 ||
	    gojson_object(&conf->top, "args", &outer) < 0 ||
	    gojson_object(&outer, "cni", &cni) < 0 ||
	    gojson_strings(&runtime, "ips", &runtime_ips) < 0 ||
	    gojson_strings(&cni, "ips", &cni_ips) < 0)
		return -EINVAL;
	n = count_args(args->ip) + json_array_size(cni_ips) + json_array_size(runtime_ips);
	conf->n_ips = 0;
	conf->ips = calloc(n + 1, sizeof(*conf->ips));
	if (!conf->ips)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	if (add_args(conf, args->ip, fault) < 0 || add_list(conf, &cni, cni_ips) < 0 ||
	    add_list(conf, &runtime, runtime_ips) < 0)
		return -EINVAL;
	if (conf->n_ips && (conf->network.flags & NETD_NETWORK_NO_ADDRESS))
		return fault_set(fault, CNI_E_CONFIG, NULL,
				 "address %s requested, but the network has no \"ipam\" to give it",
				 conf->ips[0]);
	return load_mac(conf, &runtime, &cni, args->mac, fault);
}
