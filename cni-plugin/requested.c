// SPDX-License-Identifier: GPL-2.0-or-later
#include "requested.h"

#include <stdio.h>

#include "addr.h"
#include "util.h"

#define NO_LENGTH UINT8_MAX

/* Fills conf->ips. */
struct wish_list {
	struct cni_conf *conf;
	struct prefix *parsed; /* conf->ips as values; .len may be NO_LENGTH */
};

/* An address with or without prefix length. */
static int parse_address(const char *text, struct prefix *ret)
{
	if (strchr(text, '/'))
		return prefix_parse(text, ret);
	ret->len = NO_LENGTH;
	return ip_parse(text, &ret->ip);
}

/*
 * There is room for it. Runtimes give the same address in several places: of them one stays, with
 * its length where one has it. Two lengths contradict each other, which the library refuses.
 */
static int add_ip(struct wish_list *list, const char *text)
{
	struct cni_conf *conf = list->conf;
	struct prefix new;
	size_t i;

	if (parse_address(text, &new) < 0)
		return -EINVAL;
	for (i = 0; i < conf->n_ips; i++) {
		if (!ip_equal(&list->parsed[i].ip, &new.ip))
			continue;
		if (new.len == NO_LENGTH || new.len == list->parsed[i].len)
			return 0;
		if (list->parsed[i].len == NO_LENGTH)
			break;
	}
	conf->n_ips = MAX(conf->n_ips, i + 1);
	conf->ips[i] = text;
	list->parsed[i] = new;
	return 0;
}

static int add_array(struct wish_list *list, const struct gojson *in, json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *ip = json_string_value(json_array_get(array, i));

		if (add_ip(list, ip) < 0)
			return fault_set(in->fault, CNI_E_CONFIG, NULL,
					 "invalid \"%sips[%zu]\": \"%s\" is no IP address",
					 in->where, i, ip);
	}
	return 0;
}

static int add_args(struct wish_list *list, char *args, struct cni_fault *fault)
{
	while (args) {
		const char *ip = strsep(&args, ",");

		if (add_ip(list, ip) < 0)
			return fault_set(fault, CNI_E_ENV, NULL,
					 "invalid CNI_ARGS: IP: \"%s\" is no IP address", ip);
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
	struct mac parsed;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const char *mac = "";

		if (gojson_string(sources[i], "mac", &mac) < 0)
			return -EINVAL;
		if (!mac[0])
			continue;
		if (mac_parse(mac, &parsed) < 0)
			return fault_set(fault, CNI_E_CONFIG, NULL,
					 "invalid \"%smac\": \"%s\" is no unicast MAC address",
					 sources[i]->where, mac);
		if (!conf->mac)
			conf->mac = mac;
	}
	if (arg && mac_parse(arg, &parsed) < 0)
		return fault_set(fault, CNI_E_ENV, NULL,
				 "invalid CNI_ARGS: MAC: \"%s\" is no unicast MAC address", arg);
	if (!conf->mac)
		conf->mac = arg;
	return 0;
}

static int load_ips(struct cni_conf *conf, const struct gojson *runtime, const struct gojson *cni,
		    char *args, struct cni_fault *fault)
{
	_cleanup_free_ struct prefix *parsed = NULL;
	struct wish_list list = { .conf = conf };
	json_t *runtime_ips = NULL;
	json_t *cni_ips = NULL;
	size_t n;

	if (gojson_strings(runtime, "ips", &runtime_ips) < 0 ||
	    gojson_strings(cni, "ips", &cni_ips) < 0)
		return -EINVAL;
	n = count_args(args) + json_array_size(cni_ips) + json_array_size(runtime_ips);
	conf->n_ips = 0;
	conf->ips = calloc(n + 1, sizeof(*conf->ips));
	list.parsed = parsed = calloc(n + 1, sizeof(*parsed));
	if (!conf->ips || !parsed)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	if (add_args(&list, args, fault) < 0 || add_array(&list, cni, cni_ips) < 0 ||
	    add_array(&list, runtime, runtime_ips) < 0)
		return -EINVAL;
	if (conf->n_ips && (conf->network.flags & NETD_NETWORK_NO_ADDRESS))
		return fault_set(fault, CNI_E_CONFIG, NULL,
				 "address %s requested, but the network has no \"ipam\" to give it",
				 conf->ips[0]);
	return 0;
}

int requested_load(struct cni_conf *conf, const struct cni_args *args, struct cni_fault *fault)
{
	struct gojson runtime, outer, cni;

	if (gojson_object(&conf->top, "runtimeConfig", &runtime) < 0 ||
	    gojson_object(&conf->top, "args", &outer) < 0 ||
	    gojson_object(&outer, "cni", &cni) < 0 ||
	    load_ips(conf, &runtime, &cni, args->ip, fault) < 0)
		return -EINVAL;
	return load_mac(conf, &runtime, &cni, args->mac, fault);
}
