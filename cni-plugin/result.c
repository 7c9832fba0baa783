// SPDX-License-Identifier: GPL-2.0-or-later
#include "result.h"

#include <linux/if_ether.h>

#include "util.h"

/* Places of ours behind the interfaces of prevResult. */
enum { BRIDGE, HOST_END, CONTAINER_END };

static json_t *interface_json(const struct cni_conf *conf, const char *name, const char *mac,
			      unsigned int mtu, const char *sandbox)
{
	json_t *json = json_pack("{s:s, s:s*, s:s*}", "name", name, "mac", mac, "sandbox", sandbox);

	/* the kernel's default for bridge and veth is that of Ethernet */
	if (conf->version >= CNI_1_1_0)
		json_object_set_new(json, "mtu",
				    json_integer(mtu ? (json_int_t)mtu : ETH_DATA_LEN));
	return json;
}

static json_t *ip_json(const struct cni_conf *conf, const struct netd_attachment_address *address,
		       size_t interface)
{
	json_t *json = json_pack("{s:s, s:I, s:s*}", "address", address->address, "interface",
				 (json_int_t)interface, "gateway", address->gateway);

	if (conf->version < CNI_1_0_0)
		json_object_set_new(json, "version",
				    json_string(strchr(address->address, ':') ? "6" : "4"));
	return json;
}

/* A copy of the list under key of prevResult, for ours to be appended. */
static json_t *inherited(const struct cni_conf *conf, const char *key)
{
	json_t *list = gojson_get(&conf->prev, key);

	return list ? json_copy(list) : json_array();
}

/* Members that are empty are left out, as in the reference's results. */
static int set_list(json_t *result, const char *key, json_t *list)
{
	if (list && json_array_size(list) == 0) {
		json_decref(list);
		return 0;
	}
	return json_object_set_new(result, key, list);
}

static json_t *interfaces_json(const struct cni_conf *conf, const struct netd_attachment *att,
			       const char *sandbox, size_t *ret_first)
{
	json_t *list = inherited(conf, "interfaces");

	*ret_first = json_array_size(list);
	if (json_array_append_new(list, interface_json(conf, att->bridge, att->bridge_mac,
						       att->bridge_mtu, NULL)) < 0 ||
	    json_array_append_new(list, interface_json(conf, att->host_ifname, att->host_mac,
						       att->mtu, NULL)) < 0 ||
	    json_array_append_new(
		    list, interface_json(conf, att->ifname, att->mac, att->mtu, sandbox)) < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *ips_json(const struct cni_conf *conf, const struct netd_attachment *att,
			size_t interface)
{
	json_t *list = inherited(conf, "ips");

	for (size_t i = 0; i < att->n_addresses; i++) {
		if (json_array_append_new(list, ip_json(conf, &att->addresses[i], interface)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *routes_json(const struct cni_conf *conf, const struct netd_attachment *att)
{
	json_t *list = inherited(conf, "routes");

	for (size_t i = 0; i < att->n_routes; i++) {
		const struct netd_route *route = &att->routes[i];

		if (json_array_append_new(list, json_pack("{s:s, s:s*}", "dst", route->dst, "gw",
							  route->gw)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Ours replace those of prevResult if there are any. */
static int set_dns(json_t *result, const struct cni_conf *conf)
{
	json_t *dns = gojson_get(&conf->prev, "dns");

	if (json_object_size(conf->dns) > 0)
		dns = conf->dns;
	if (json_object_size(dns) > 0)
		return json_object_set(result, "dns", dns);
	return conf->version < CNI_1_0_0 ? json_object_set_new(result, "dns", json_object()) : 0;
}

json_t *result_json(const struct cni_conf *conf, const struct netd_attachment *att,
		    const char *sandbox)
{
	json_t *result = json_pack("{s:s}", "cniVersion", version_name(conf->version));
	size_t first;

	if (!result)
		return NULL;
	if (set_list(result, "interfaces", interfaces_json(conf, att, sandbox, &first)) < 0 ||
	    set_list(result, "ips", ips_json(conf, att, first + CONTAINER_END)) < 0 ||
	    set_list(result, "routes", routes_json(conf, att)) < 0 || set_dns(result, conf) < 0) {
		json_decref(result);
		return NULL;
	}
	return result;
}
