// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf.h"

#include <limits.h>

#include "dns.h"
#include "hostlocal.h"
#include "parse.h"
#include "portmap.h"
#include "prev.h"
#include "requested.h"
#include "util.h"

/* Errors are reported in the version of the configuration, even one about its name. */
static enum cni_version peek_version(const struct gojson *top)
{
	const char *text = json_string_value(gojson_get(top, "cniVersion"));
	enum cni_version version = text ? version_find(text) : CNI_VERSIONS;

	return version < CNI_VERSIONS ? version : CNI_1_1_0;
}

int conf_open(const char *data, size_t len, struct cni_conf *conf, struct cni_fault *fault)
{
	const char *name = "";

	conf->version = CNI_1_1_0;
	conf->top.fault = fault;
	if (gojson_parse(data, len, &conf->top.object, fault) < 0)
		return -EINVAL;
	conf->version = peek_version(&conf->top);
	if (gojson_string(&conf->top, "name", &name) < 0)
		return -EINVAL;
	if (!name[0])
		return fault_set(fault, CNI_E_CONFIG, NULL, "missing network name");
	if (!name_valid(name, strlen(name)))
		return fault_set(fault, CNI_E_CONFIG, name,
				 "invalid characters found in network name");
	conf->name = name;
	return 0;
}

int conf_version(const struct cni_conf *conf, bool lenient, struct cni_fault *fault)
{
	const char *version = "";

	if (lenient && !json_is_string(gojson_get(&conf->top, "cniVersion")))
		return 0;
	if (gojson_string(&conf->top, "cniVersion", &version) < 0)
		return -EINVAL;
	if (version_find(version) < CNI_VERSIONS || (lenient && !version[0]))
		return 0;
	/* the specification's meaning of a missing version */
	return version_refuse(version[0] ? version : "0.1.0", fault);
}

/*
 * Keys of the reference plugins that decide where a container is connected or what it may do: to
 * ignore them as unknown would leave it with more than the administrator meant to give.
 */
static int refuse_unsupported(const struct gojson *top)
{
	static const char *const keys[] = { "vlan", "vlanTrunk", "macspoofchk", "portIsolation",
					    "disableContainerInterface" };
	static const char *const runtime_keys[] = { "bandwidth" };
	struct gojson runtime;

	if (gojson_refuse(top, keys, ARRAY_SIZE(keys)) < 0 ||
	    gojson_object(top, "runtimeConfig", &runtime) < 0)
		return -EINVAL;
	return gojson_refuse(&runtime, runtime_keys, ARRAY_SIZE(runtime_keys));
}

/* Without "ipam" netd manages the network, and what makes one useful is on. */
static int load_flags(const struct gojson *top, bool managed, unsigned int *flags)
{
	bool gateway = managed, masquerade = managed, hairpin = false, promisc = false;
	bool default_gateway;

	if (gojson_bool(top, "isGateway", &gateway) < 0)
		return -EINVAL;
	default_gateway = managed && gateway;
	if (gojson_bool(top, "isDefaultGateway", &default_gateway) < 0 ||
	    gojson_bool(top, "ipMasq", &masquerade) < 0 ||
	    gojson_bool(top, "hairpinMode", &hairpin) < 0 ||
	    gojson_bool(top, "promiscMode", &promisc) < 0)
		return -EINVAL;
	if (hairpin && promisc)
		return fault_set(top->fault, CNI_E_CONFIG, NULL,
				 "cannot set hairpin mode and promiscuous mode at the same time");
	if (!gateway && !default_gateway)
		*flags |= NETD_NETWORK_NO_GATEWAY;
	if (!default_gateway)
		*flags |= NETD_NETWORK_NO_DEFAULT_ROUTE;
	if (!masquerade)
		*flags |= NETD_NETWORK_ROUTED;
	if (hairpin)
		*flags |= NETD_NETWORK_HAIRPIN;
	if (promisc)
		*flags |= NETD_NETWORK_PROMISC;
	return 0;
}

/* The library knows the limits, which depend on the families; here only what it cannot be told. */
static int load_mtu(const struct gojson *top, unsigned int *ret)
{
	json_int_t mtu = 0;

	if (gojson_int(top, "mtu", &mtu) < 0)
		return -EINVAL;
	if (mtu < 0 || mtu > UINT_MAX)
		return fault_set(top->fault, CNI_E_CONFIG, NULL,
				 "invalid \"mtu\": %" JSON_INTEGER_FORMAT
				 ": give a number of bytes, or 0 for the default",
				 mtu);
	*ret = (unsigned int)mtu;
	return 0;
}

static int load_bridge(struct cni_conf *conf)
{
	const struct gojson *top = &conf->top;
	bool managed = !gojson_get(top, "ipam");
	const char *bridge = "";

	conf->network = (struct netd_network){ .size = sizeof(conf->network), .name = conf->name };
	if (gojson_string(top, "bridge", &bridge) < 0)
		return -EINVAL;
	if (!bridge[0])
		bridge = managed ? NULL : "cni0";
	if (bridge && !ifname_valid(bridge))
		return fault_set(top->fault, CNI_E_CONFIG, NULL,
				 "invalid \"bridge\": \"%s\" is not a "
				 "usable interface name",
				 bridge);
	conf->network.bridge = bridge;
	if (load_flags(top, managed, &conf->network.flags) < 0)
		return -EINVAL;
	return load_mtu(top, &conf->network.mtu);
}

static int check_name(const char *name, struct cni_fault *fault)
{
	char details[64];

	if (strlen(name) <= NETD_NAME_MAX)
		return 0;
	snprintf(details, sizeof(details), "at most %d characters are supported", NETD_NAME_MAX);
	return fault_set(fault, CNI_E_CONFIG, details, "network name is too long");
}

int conf_load(struct cni_conf *conf, const struct cni_args *args, struct cni_fault *fault)
{
	int r = check_name(conf->name, fault);

	if (r >= 0)
		r = refuse_unsupported(&conf->top);
	if (r >= 0)
		r = load_bridge(conf);
	if (r >= 0)
		r = prev_load(conf);
	if (r >= 0)
		r = hostlocal_load(conf, fault);
	if (r >= 0)
		r = requested_load(conf, args, fault);
	if (r >= 0)
		r = portmap_load(conf, fault);
	if (r >= 0)
		r = dns_load(conf);
	return r;
}

void conf_close(struct cni_conf *conf)
{
	free(conf->ranges);
	free(conf->routes);
	free(conf->ips);
	free(conf->ports);
	json_decref(conf->dns);
	json_decref(conf->top.object);
	*conf = (struct cni_conf){ 0 };
}
