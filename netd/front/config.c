// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON text to network definitions and pools, and back. Pure. */
#include "front/config.h"

#include <limits.h>
#include <stdio.h>

#include "front/front.h"
#include "util.h"

/* Network flags and the keys that stand for them. */
static const struct {
	const char *key;
	unsigned int flag;
} config_flags[] = {
	{ "ipv6", NETD_NETWORK_IPV6 },
	{ "internal", NETD_NETWORK_INTERNAL },
	{ "isolated", NETD_NETWORK_ISOLATED },
	{ "routed", NETD_NETWORK_ROUTED },
	{ "no_gateway", NETD_NETWORK_NO_GATEWAY },
	{ "no_default_route", NETD_NETWORK_NO_DEFAULT_ROUTE },
	{ "no_address", NETD_NETWORK_NO_ADDRESS },
	{ "hairpin", NETD_NETWORK_HAIRPIN },
	{ "promisc", NETD_NETWORK_PROMISC },
};

/* An object being read, and where it stands: "" at the top of the file, else "ranges[0]" */
struct object {
	const char *file;
	char where[32];
	json_t *json;
	struct netd_error *err;
};

static int object_fail(const struct object *obj, const char *key, const char *what)
{
	return front_error(obj->err, NETD_E_INVALID, EINVAL, obj->file, "%s: \"%s%s%s\" %s",
			   obj->file, obj->where, obj->where[0] ? "." : "", key, what);
}

/* Refuses keys that are not among keys (NULL-terminated) nor, at the top, flags. */
static int object_check_keys(const struct object *obj, const char *const *keys, bool flags)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj->json))
		return front_error(obj->err, NETD_E_INVALID, EINVAL, obj->file,
				   "%s: %s must be an object", obj->file,
				   obj->where[0] ? obj->where : "the file");
	json_object_foreach(obj->json, key, value)
	{
		bool known = false;

		for (size_t i = 0; keys[i] && !known; i++)
			known = !strcmp(key, keys[i]);
		for (size_t i = 0; flags && i < ARRAY_SIZE(config_flags) && !known; i++)
			known = !strcmp(key, config_flags[i].key);
		if (!known)
			return object_fail(obj, key, "is not a known key");
	}
	return 0;
}

/* *ret stays as it is when the key is absent and not required. */
static int object_string(const struct object *obj, const char *key, bool required, const char **ret)
{
	const json_t *value = json_object_get(obj->json, key);
	const char *text = json_string_value(value);

	if (!value)
		return required ? object_fail(obj, key, "is missing") : 0;
	if (!text)
		return object_fail(obj, key, "must be a string");
	*ret = text;
	return 0;
}

static int object_uint(const struct object *obj, const char *key, bool required, unsigned int *ret)
{
	const json_t *value = json_object_get(obj->json, key);

	if (!value)
		return required ? object_fail(obj, key, "is missing") : 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > INT_MAX)
		return object_fail(obj, key, "must be a whole number that is not negative");
	*ret = (unsigned int)json_integer_value(value);
	return 0;
}

/* The array of the key into *ret, NULL when absent, and its length. */
static int object_array(const struct object *obj, const char *key, json_t **ret, size_t *ret_n)
{
	json_t *value = json_object_get(obj->json, key);

	if (value && !json_is_array(value))
		return object_fail(obj, key, "must be an array");
	*ret = value;
	*ret_n = json_array_size(value);
	return 0;
}

static struct object object_element(const struct object *obj, const char *key, json_t *array,
				    size_t i)
{
	struct object element = { .file = obj->file, .err = obj->err };

	element.json = json_array_get(array, i);
	snprintf(element.where, sizeof(element.where), "%s[%zu]", key, i);
	return element;
}

static int parse_flags(const struct object *obj, unsigned int *ret)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(config_flags); i++) {
		const json_t *value = json_object_get(obj->json, config_flags[i].key);

		if (value && !json_is_boolean(value))
			return object_fail(obj, config_flags[i].key, "must be true or false");
		if (json_is_true(value))
			flags |= config_flags[i].flag;
	}
	*ret = flags;
	return 0;
}

static int parse_range(const struct object *obj, struct netd_range *ret)
{
	static const char *const keys[] = { "subnet", "start", "end", "gateway", "set", NULL };
	int r;

	r = object_check_keys(obj, keys, false);
	if (r == 0)
		r = object_string(obj, "subnet", true, &ret->subnet);
	if (r == 0)
		r = object_string(obj, "start", false, &ret->start);
	if (r == 0)
		r = object_string(obj, "end", false, &ret->end);
	if (r == 0)
		r = object_string(obj, "gateway", false, &ret->gateway);
	if (r == 0)
		r = object_uint(obj, "set", false, &ret->set);
	return r;
}

static int parse_ranges(const struct object *obj, struct config_network *network)
{
	json_t *array = NULL;
	size_t n = 0;
	int r;

	r = object_array(obj, "ranges", &array, &n);
	if (r < 0 || n == 0)
		return r;
	network->ranges = calloc(n, sizeof(*network->ranges));
	if (!network->ranges)
		return front_error(obj->err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct object element = object_element(obj, "ranges", array, i);

		r = parse_range(&element, &network->ranges[i]);
		if (r < 0)
			return r;
	}
	network->net.ranges = network->ranges;
	network->net.n_ranges = n;
	return 0;
}

static int parse_routes(const struct object *obj, struct config_network *network)
{
	static const char *const keys[] = { "dst", "gw", NULL };
	json_t *array = NULL;
	size_t n = 0;
	int r;

	r = object_array(obj, "routes", &array, &n);
	if (r < 0 || n == 0)
		return r;
	network->routes = calloc(n, sizeof(*network->routes));
	if (!network->routes)
		return front_error(obj->err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct object element = object_element(obj, "routes", array, i);

		r = object_check_keys(&element, keys, false);
		if (r == 0)
			r = object_string(&element, "dst", true, &network->routes[i].dst);
		if (r == 0)
			r = object_string(&element, "gw", false, &network->routes[i].gw);
		if (r < 0)
			return r;
	}
	network->net.routes = network->routes;
	network->net.n_routes = n;
	return 0;
}

static int parse_network(const struct object *obj, const char *name, struct config_network *network)
{
	static const char *const keys[] = { "name", "bridge", "ranges", "routes", "mtu", NULL };
	const char *own = "";
	int r;

	network->net.size = sizeof(network->net);
	r = object_check_keys(obj, keys, true);
	if (r == 0)
		r = object_string(obj, "name", true, &own);
	if (r == 0 && strcmp(own, name) != 0)
		r = front_error(
			obj->err, NETD_E_INVALID, EINVAL, obj->file,
			"%s: \"name\" is \"%s\", but the file is that of \"%s\"; rename one",
			obj->file, own, name);
	network->net.name = own;
	if (r == 0)
		r = object_string(obj, "bridge", false, &network->net.bridge);
	if (r == 0)
		r = object_uint(obj, "mtu", false, &network->net.mtu);
	if (r == 0)
		r = parse_flags(obj, &network->net.flags);
	if (r == 0)
		r = parse_ranges(obj, network);
	if (r == 0)
		r = parse_routes(obj, network);
	return r;
}

static int parse_text(const char *text, size_t len, const char *file, json_t **ret,
		      struct netd_error *err)
{
	json_error_t je;

	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!*ret)
		return front_error(err, NETD_E_INVALID, EINVAL, file, "%s: line %d: %s", file,
				   je.line, je.text);
	return 0;
}

void config_network_free(struct config_network *network)
{
	if (!network)
		return;
	json_decref(network->json);
	free(network->ranges);
	free(network->routes);
	free(network);
}

int config_network_parse(const char *text, size_t len, const char *file, const char *name,
			 struct config_network **ret, struct netd_error *err)
{
	struct object obj = { .file = file, .err = err };
	struct config_network *network;
	int r;

	network = calloc(1, sizeof(*network));
	if (!network)
		return front_error(err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	r = parse_text(text, len, file, &network->json, err);
	if (r == 0) {
		obj.json = network->json;
		r = parse_network(&obj, name, network);
	}
	if (r < 0) {
		config_network_free(network);
		return r;
	}
	*ret = network;
	return 0;
}

void config_pools_free(struct config_pools *pools)
{
	json_decref(pools->json);
	free(pools->pools);
	*pools = (struct config_pools){ 0 };
}

static int parse_pools(const struct object *obj, struct config_pools *pools)
{
	static const char *const keys[] = { "pools", NULL };
	static const char *const pool_keys[] = { "base", "length", NULL };
	json_t *array = NULL;
	int r;

	r = object_check_keys(obj, keys, false);
	if (r == 0)
		r = object_array(obj, "pools", &array, &pools->n);
	if (r < 0 || !array)
		return r;
	if (pools->n == 0)
		return object_fail(obj, "pools", "must not be empty");
	pools->pools = calloc(pools->n, sizeof(*pools->pools));
	if (!pools->pools)
		return front_error(obj->err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < pools->n && r == 0; i++) {
		struct object element = object_element(obj, "pools", array, i);

		r = object_check_keys(&element, pool_keys, false);
		if (r == 0)
			r = object_string(&element, "base", true, &pools->pools[i].base);
		if (r == 0)
			r = object_uint(&element, "length", true, &pools->pools[i].length);
	}
	return r;
}

int config_pools_parse(const char *text, size_t len, const char *file, struct config_pools *ret,
		       struct netd_error *err)
{
	struct object obj = { .file = file, .err = err };
	struct config_pools pools = { 0 };
	int r;

	r = parse_text(text, len, file, &pools.json, err);
	if (r == 0) {
		obj.json = pools.json;
		r = parse_pools(&obj, &pools);
	}
	if (r < 0)
		config_pools_free(&pools);
	else
		*ret = pools;
	return r;
}

/* json_object_set_new() passes NULL on as a failure, so that one test at the end is enough. */
static int set_string(json_t *obj, const char *key, const char *value)
{
	return value ? json_object_set_new(obj, key, json_string(value)) : 0;
}

static json_t *ranges_json(const struct netd_network *network)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < network->n_ranges; i++) {
		const struct netd_range *range = &network->ranges[i];
		json_t *obj = json_object();

		bad |= set_string(obj, "subnet", range->subnet);
		bad |= set_string(obj, "start", range->start);
		bad |= set_string(obj, "end", range->end);
		bad |= set_string(obj, "gateway", range->gateway);
		bad |= json_object_set_new(obj, "set", json_integer(range->set));
		bad |= json_array_append_new(array, obj);
	}
	if (bad) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static json_t *routes_json(const struct netd_network *network)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < network->n_routes; i++) {
		json_t *obj = json_object();

		bad |= set_string(obj, "dst", network->routes[i].dst);
		bad |= set_string(obj, "gw", network->routes[i].gw);
		bad |= json_array_append_new(array, obj);
	}
	if (bad) {
		json_decref(array);
		return NULL;
	}
	return array;
}

json_t *config_network_json(const struct netd_network *network)
{
	json_t *obj = json_object();
	int bad = 0;

	bad |= set_string(obj, "name", network->name);
	bad |= set_string(obj, "bridge", network->bridge);
	bad |= json_object_set_new(obj, "ranges", ranges_json(network));
	bad |= json_object_set_new(obj, "routes", routes_json(network));
	bad |= json_object_set_new(obj, "mtu", json_integer(network->mtu));
	for (size_t i = 0; i < ARRAY_SIZE(config_flags); i++)
		bad |= json_object_set_new(obj, config_flags[i].key,
					   json_boolean(network->flags & config_flags[i].flag));
	if (bad) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}
