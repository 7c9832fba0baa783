/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, batches and ip(8) as a witness, for the tests of rtnl. Include after <cmocka.h>. */
#ifndef RTNL_FIXTURE_H
#define RTNL_FIXTURE_H

#include <jansson.h>
#include <time.h>

#include "netns.h"
#include "private_ns.h"
#include "rtnl_internal.h"

#define HOST_INDEX 0x100001
#define BRIDGE_INDEX 0x200001

static const struct mac bridge_mac = { { 0x02, 0x42, 0, 0, 0, 1 } };
static const struct mac host_mac = { { 0x02, 0x42, 0, 0, 0, 2 } };
static const struct mac peer_mac = { { 0x02, 0x42, 10, 144, 0, 2 } };

static inline struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static inline struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static inline struct rtnl *open_in(int ns, uint32_t groups)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct netns_visit visit;
	struct rtnl *rtnl = NULL;

	if (ns >= 0)
		assert_int_equal(netns_enter(ns, &visit, &err), 0);
	assert_int_equal(rtnl_open(groups, &rtnl, &err), 0);
	if (ns >= 0)
		netns_leave(&visit);
	return rtnl;
}

static inline struct rtnl_batch *new_batch(void)
{
	struct rtnl_batch *batch = NULL;

	assert_int_equal(rtnl_batch_new(&batch, NULL), 0);
	return batch;
}

/* Sends and frees the batch; every message must succeed. */
static inline void commit(struct rtnl *rtnl, struct rtnl_batch *batch)
{
	struct netd_error err = NETD_ERROR_INIT;
	int results[512];
	char text[RTNL_TEXT_MAX];

	if (rtnl_batch_send(rtnl, batch, results, text, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < batch->count; i++)
		if (results[i])
			fail_msg("message %zu: %s (%s)", i, strerror(-results[i]), text);
	assert_string_equal(text, "");
	rtnl_batch_free(batch);
}

static inline void add_address(struct rtnl_batch *batch, uint32_t ifindex, const char *text)
{
	const struct rtnl_address address = { ifindex, prefix_of(text), true };

	assert_true(rtnl_address_add(batch, &address) >= 0);
}

static inline void add_route(struct rtnl_batch *batch, uint32_t ifindex, const char *dst,
			     const char *gw)
{
	struct rtnl_route route = { .dst = prefix_of(dst),
				    .ifindex = ifindex,
				    .table = RT_TABLE_MAIN,
				    .type = RTN_UNICAST };

	if (gw)
		route.gw = ip_of(gw);
	assert_true(rtnl_route_add(batch, &route) >= 0);
}

/* What "ip -j -d ARGS" prints inside the namespace (-1: here); [] when it fails. Caller: json_decref. */
static inline json_t *ip_json(int ns, const char *args)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	char command[160];
	json_t *ret;
	FILE *f;

	snprintf(command, sizeof(command), "ip -j -d %s 2>/dev/null", args);
	if (ns >= 0)
		assert_int_equal(setns(ns, CLONE_NEWNET), 0);
	f = popen(command, "re"); /* NOLINT(cert-env33-c) */
	assert_non_null(f);
	ret = json_loadf(f, 0, NULL);
	pclose(f);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	return ret ? ret : json_array();
}

/* The value at a path such as "0.linkinfo.info_kind" as text; "" if there is none */
static inline const char *at(json_t *json, const char *path, char *ret)
{
	const char *p = path;
	char key[64];

	ret[0] = '\0';
	for (;;) {
		size_t len = strcspn(p, ".");

		snprintf(key, sizeof(key), "%.*s", (int)len, p);
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
					   : json_object_get(json, key);
		if (!p[len])
			break;
		p += len + 1;
	}
	if (json_is_string(json))
		snprintf(ret, 64, "%s", json_string_value(json));
	else if (json_is_integer(json))
		snprintf(ret, 64, "%lld", (long long)json_integer_value(json));
	else if (json_is_boolean(json))
		snprintf(ret, 64, "%s", json_is_true(json) ? "true" : "false");
	return ret;
}

static inline void expect_json(json_t *json, const char *path, const char *value)
{
	char text[64];

	if (strcmp(at(json, path, text), value) != 0)
		fail_msg("%s is \"%s\", not \"%s\"", path, text, value);
}

static inline bool has_flag(json_t *json, const char *flag)
{
	json_t *flags = json_object_get(json_array_get(json, 0), "flags");

	for (size_t i = 0; i < json_array_size(flags); i++)
		if (!strcmp(json_string_value(json_array_get(flags, i)), flag))
			return true;
	return false;
}

static inline void add_bridge(struct rtnl_batch *batch)
{
	const struct rtnl_bridge bridge = {
		.name = "nb0", .ifindex = BRIDGE_INDEX, .mac = bridge_mac, .mtu = 1400
	};

	int number = (int)batch->count;

	assert_int_equal(rtnl_add_bridge(batch, &bridge), number);
}

static inline void add_veth(struct rtnl_batch *batch, int ns)
{
	const struct rtnl_veth veth = { .host_name = "nv0",
					.host_ifindex = HOST_INDEX,
					.host_mac = host_mac,
					.peer_name = "eth0",
					.peer_ifindex = 7,
					.peer_netns_fd = ns,
					.peer_mac = peer_mac,
					.mtu = 1400 };

	int number = (int)batch->count;

	assert_int_equal(rtnl_add_veth(batch, &veth), number);
}

static inline void set_up(struct rtnl_batch *batch, uint32_t ifindex)
{
	const struct rtnl_link_change change = { .ifindex = ifindex, .up = RTNL_ON };

	assert_true(rtnl_link_set(batch, &change) >= 0);
}

/* A bridge nb0 and a veth pair nv0 - eth0 whose peer is in the returned namespace, all down */
static inline int make_links(struct rtnl *rtnl)
{
	struct rtnl_batch *batch = new_batch();
	int ns = private_ns_new();

	add_bridge(batch);
	add_veth(batch, ns);
	commit(rtnl, batch);
	return ns;
}

static inline void drop_links(struct rtnl *rtnl, int ns)
{
	struct rtnl_batch *batch = new_batch();

	assert_int_equal(rtnl_link_del(batch, HOST_INDEX), 0);
	assert_int_equal(rtnl_link_del(batch, BRIDGE_INDEX), 1);
	commit(rtnl, batch);
	close(ns);
}

static inline double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

#endif
