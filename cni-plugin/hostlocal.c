// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostlocal.h"

#include <stdio.h>

#include "addr.h"
#include "parse.h"
#include "util.h"

/* Room for one more element in an array of n, grown at the powers of two. NULL: fault recorded. */
static void *grow(void *array, size_t n, size_t size, struct cni_fault *fault)
{
	if (n & (n - 1))
		return array;
	array = reallocarray(array, n ? n * 2 : 1, size);
	if (!array)
		fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	return array;
}

/* An optional string; "" is an absent one. */
static int optional(const struct gojson *in, const char *key, const char **ret)
{
	const char *value = "";
	int r = gojson_string(in, key, &value);

	if (r < 0)
		return r;
	*ret = value[0] ? value : NULL;
	return 0;
}

/* ---- ranges ------------------------------------------------------------------------------- */

/*
 * host-local gives every subnet a gateway, its first address, whether or not the bridge has it: it
 * is the default of routes and is never handed out. The library does so only where the bridge is a
 * gateway, so it is named here. NULL for a malformed subnet, which the library refuses.
 */
static const char *first_address(const char *subnet, json_t *range)
{
	char text[IP_STRLEN];
	struct prefix prefix;

	if (prefix_parse(subnet, &prefix) < 0 || prefix.len > ip_bits(prefix.ip.family) - 2)
		return NULL;
	prefix.ip.b[ip_bytes(prefix.ip.family) - 1] |= 1; /* a subnet's host bits are zero */
	ip_format(&prefix.ip, text);
	json_object_set_new(range, "gateway", json_string(text)); /* for its lifetime */
	return json_string_value(json_object_get(range, "gateway"));
}

static int add_range(struct cni_conf *conf, const struct gojson *in, unsigned int set)
{
	struct netd_range range = { .set = set };
	struct netd_range *ranges;

	if (optional(in, "subnet", &range.subnet) < 0 ||
	    optional(in, "rangeStart", &range.start) < 0 ||
	    optional(in, "rangeEnd", &range.end) < 0 || optional(in, "gateway", &range.gateway) < 0)
		return -EINVAL;
	if (!range.subnet)
		return fault_set(in->fault, CNI_E_CONFIG, NULL, "missing \"%ssubnet\"", in->where);
	if (!range.gateway && (conf->network.flags & NETD_NETWORK_NO_GATEWAY))
		range.gateway = first_address(range.subnet, in->object);
	ranges = grow(conf->ranges, conf->network.n_ranges, sizeof(*ranges), in->fault);
	if (!ranges)
		return -ENOMEM;
	conf->ranges = ranges;
	ranges[conf->network.n_ranges++] = range;
	return 0;
}

/* A list of range sets: [[{range}, ...], ...]; *set is the number of the next one. */
static int add_sets(struct cni_conf *conf, const struct gojson *in, const char *key,
		    unsigned int *set)
{
	json_t *sets = NULL;
	json_t *inner;
	char name[64];
	size_t i;

	if (gojson_array(in, key, &sets) < 0)
		return -EINVAL;
	json_array_foreach(sets, i, inner)
	{
		snprintf(name, sizeof(name), "%s[%zu]", key, i);
		if (!json_is_array(inner))
			return gojson_type(in, name, "an array", inner);
		if (json_array_size(inner) == 0)
			return fault_set(in->fault, CNI_E_CONFIG, NULL, "empty range set: \"%s%s\"",
					 in->where, name);
		for (size_t j = 0; j < json_array_size(inner); j++) {
			struct gojson range;

			if (gojson_element(in, name, inner, j, &range) < 0 ||
			    add_range(conf, &range, *set) < 0)
				return -EINVAL;
		}
		++*set;
	}
	return 0;
}

/* In host-local's order: from the runtime, the flat legacy range, "ranges". */
static int load_ranges(struct cni_conf *conf, const struct gojson *ipam)
{
	const char *flat = NULL;
	struct gojson runtime;
	unsigned int set = 0;

	if (gojson_object(&conf->top, "runtimeConfig", &runtime) < 0 ||
	    add_sets(conf, &runtime, "ipRanges", &set) < 0 || optional(ipam, "subnet", &flat) < 0)
		return -EINVAL;
	if (flat && add_range(conf, ipam, set++) < 0)
		return -EINVAL;
	return add_sets(conf, ipam, "ranges", &set);
}

/* ---- routes ------------------------------------------------------------------------------- */

/* Without ranges a free IPv4 subnet is chosen. */
static bool has_family(const struct cni_conf *conf, bool ipv6)
{
	for (size_t i = 0; i < conf->network.n_ranges; i++)
		if ((strchr(conf->ranges[i].subnet, ':') != NULL) == ipv6)
			return true;
	return !conf->network.n_ranges && !ipv6;
}

/* A route that the containers could not get, or that would not be the one that was meant. */
static int check_route(const struct cni_conf *conf, const struct gojson *in, const char *dst)
{
	static const char *const keys[] = { "table", "scope", "priority", "mtu", "advmss" };
	bool ipv6 = strchr(dst, ':') != NULL;

	if (gojson_refuse(in, keys, ARRAY_SIZE(keys)) < 0)
		return -EINVAL;
	if (has_family(conf, ipv6))
		return 0;
	return fault_set(in->fault, CNI_E_CONFIG, "add a range of that family, or remove the route",
			 "invalid \"%sdst\": %s is an %s route, and the network has no %s subnet",
			 in->where, dst, ipv6 ? "IPv6" : "IPv4", ipv6 ? "IPv6" : "IPv4");
}

static int add_route(struct cni_conf *conf, const struct gojson *in)
{
	struct netd_route route = { 0 };
	struct netd_route *routes;

	if (optional(in, "dst", &route.dst) < 0 || optional(in, "gw", &route.gw) < 0)
		return -EINVAL;
	if (!route.dst)
		return fault_set(in->fault, CNI_E_CONFIG, NULL, "missing \"%sdst\"", in->where);
	if (check_route(conf, in, route.dst) < 0)
		return -EINVAL;
	routes = grow(conf->routes, conf->network.n_routes, sizeof(*routes), in->fault);
	if (!routes)
		return -ENOMEM;
	conf->routes = routes;
	routes[conf->network.n_routes++] = route;
	return 0;
}

/* After the ranges. */
static int load_routes(struct cni_conf *conf, const struct gojson *ipam)
{
	json_t *list = NULL;
	struct gojson route;

	if (gojson_array(ipam, "routes", &list) < 0)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (gojson_element(ipam, "routes", list, i, &route) < 0 ||
		    add_route(conf, &route) < 0)
			return -EINVAL;
	return 0;
}

/* ---- type --------------------------------------------------------------------------------- */

static int check_type(const char *type, struct cni_fault *fault)
{
	if (strcmp(type, "netd") == 0 || strcmp(type, "host-local") == 0)
		return 0;
	/* nothing is looked up by this name, now or ever: CVE-2021-20206 */
	if (!name_valid(type, 64))
		return fault_set(fault, CNI_E_CONFIG, NULL,
				 "invalid plugin name: %.64s (\"ipam.type\")", type);
	return fault_set(fault, CNI_E_CONFIG,
			 "netd runs no other program; it serves host-local's configuration itself",
			 "unsupported \"ipam.type\": \"%s\": use \"netd\" or \"host-local\"", type);
}

int hostlocal_load(struct cni_conf *conf, struct cni_fault *fault)
{
	const char *type = NULL;
	struct gojson ipam;
	int r = gojson_object(&conf->top, "ipam", &ipam);

	if (r < 0 || gojson_string(&ipam, "type", &type) < 0)
		return -EINVAL;
	if (r > 0 && (type ? !type[0] : json_object_size(ipam.object) == 0)) {
		conf->network.flags |= NETD_NETWORK_NO_ADDRESS;
		return 0;
	}
	if (type && check_type(type, fault) < 0)
		return -EINVAL;
	if (load_ranges(conf, &ipam) < 0 || load_routes(conf, &ipam) < 0)
		return -EINVAL;
	if (type && strcmp(type, "host-local") == 0 && !conf->network.n_ranges)
		return fault_set(fault, CNI_E_CONFIG, NULL, "no IP ranges specified");
	conf->network.ranges = conf->ranges;
	conf->network.routes = conf->routes;
	return 0;
}
