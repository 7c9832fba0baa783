// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"
#include "util.h"

static struct ip ip4(uint32_t v)
{
	struct ip ip = { .family = AF_INET };

	for (int i = 0; i < 4; i++)
		ip.b[i] = (uint8_t)(v >> (24 - 8 * i));
	return ip;
}

static struct ip ip6(uint8_t last)
{
	struct ip ip = { .family = AF_INET6, .b = { 0xfd, 0x6e, 0x65 } };

	ip.b[15] = last;
	return ip;
}

static struct network network_full(void)
{
	struct network n = {
		.n_ranges = MAX_RANGES,
		.n_routes = MAX_ROUTES,
		.mtu = 9000,
		.flags = NETWORK_READY | NETD_NETWORK_IPV6,
		.bridge_ifindex = 0x100000,
		.bridge_mac = { { 2, 0x42, 1, 2, 3, 4 } },
		.bridge_mtu = 1234,
		.bridge_created = true,
		.foreign_gateways = 0x80000005,
		.loopback6 = true,
	};

	memset(n.name, 'n', NETD_NAME_MAX);
	memset(n.bridge, 'b', IFNAMSIZ - 1);
	for (uint32_t i = 0; i < n.n_ranges; i++) {
		struct range *r = &n.ranges[i];

		r->subnet.ip = i % 2 ? ip4(0x0a900000 + (i << 8)) : ip6(0);
		r->subnet.len = i % 2 ? 24 : 64;
		r->start = i % 2 ? ip4(0x0a900002 + (i << 8)) : ip6(2);
		r->end = i % 2 ? ip4(0x0a9000fe + (i << 8)) : ip6(0xff);
		if (i % 3)
			r->gateway = i % 2 ? ip4(0x0a900001 + (i << 8)) : ip6(1);
		r->set = (uint8_t)i;
	}
	for (uint32_t i = 0; i < n.n_routes; i++) {
		n.routes[i].dst.ip = i % 2 ? ip4(i << 24) : ip6(0);
		n.routes[i].dst.len = (uint8_t)(i % 2 ? 8 : i);
		if (i % 3)
			n.routes[i].gw = i % 2 ? ip4(0x0a900001) : ip6(1);
	}
	return n;
}

static struct attachment *attachment_full(uint32_t n_mappings)
{
	struct attachment *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	memset(a->network, 'n', NETD_NAME_MAX);
	memset(a->id, 'i', NETD_ID_MAX);
	strcpy(a->ifname, "eth0");
	a->phase = PHASE_READY;
	strcpy(a->netns, "/run/netns/a b");
	a->netns_ino = UINT64_MAX - 1;
	strcpy(a->host_ifname, "nd0123456789ab");
	a->host_ifindex = 0x100002;
	a->ifindex = 0x100003;
	a->mac = (struct mac){ { 2, 0x42, 10, 144, 0, 2 } };
	a->mtu = 1400;
	a->n_leases = MAX_ADDRESSES;
	for (uint32_t i = 0; i < a->n_leases; i++) {
		a->leases[i].address.ip = i % 2 ? ip4(0x0a900002 + i) : ip6((uint8_t)(i + 2));
		a->leases[i].address.len = i % 2 ? 32 : 128;
		if (i % 3)
			a->leases[i].gateway = i % 2 ? ip4(0x0a900001) : ip6(1);
	}
	a->n_routes = MAX_ROUTES;
	for (uint32_t i = 0; i < a->n_routes; i++) {
		a->routes[i].dst.ip = i % 2 ? ip4(0) : ip6(0);
		a->routes[i].gw = i % 2 ? ip4(0x0a900001) : ip6(1);
	}
	a->n_mappings = n_mappings;
	a->mappings = calloc(n_mappings ? n_mappings : 1, sizeof(*a->mappings));
	assert_non_null(a->mappings);
	for (uint32_t i = 0; i < n_mappings; i++) {
		static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

		a->mappings[i] = (struct mapping){
			.host = i % 2 ? ip4(0) : ip6(0),
			.protocol = protocols[i % 3],
			.host_port = (uint16_t)(i % 65535 + 1),
			.container_port = 65535,
			.count = 1,
		};
	}
	return a;
}

static void assert_attachment_equal(const struct attachment *a, const struct attachment *b)
{
	assert_string_equal(a->network, b->network);
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->ifname, b->ifname);
	assert_int_equal(a->phase, b->phase);
	assert_string_equal(a->netns, b->netns);
	assert_true(a->netns_ino == b->netns_ino);
	assert_string_equal(a->host_ifname, b->host_ifname);
	assert_int_equal(a->host_ifindex, b->host_ifindex);
	assert_int_equal(a->ifindex, b->ifindex);
	assert_memory_equal(&a->mac, &b->mac, sizeof(a->mac));
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->n_leases, b->n_leases);
	assert_memory_equal(a->leases, b->leases, sizeof(a->leases));
	assert_int_equal(a->n_routes, b->n_routes);
	assert_memory_equal(a->routes, b->routes, sizeof(a->routes));
	assert_int_equal(a->n_mappings, b->n_mappings);
	if (a->n_mappings)
		assert_memory_equal(a->mappings, b->mappings, a->n_mappings * sizeof(*a->mappings));
}

/* A field added to the model must be added to its record, to the values here, and then to these. */
static void test_every_field(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip();
	assert_int_equal(sizeof(struct network), 4672);
	assert_int_equal(sizeof(struct attachment), 7376);
}

static void test_network(void **state)
{
	_cleanup_buf_ struct buf buf = { 0 };
	struct network in = network_full();
	struct network out;

	(void)state;
	assert_true(record_network_valid(&in));
	record_put_network(&buf, &in);
	assert_false(buf.failed);
	memset(&out, 0x5a, sizeof(out));
	assert_int_equal(record_get_network(buf.data, buf.len, &out), 0);
	assert_string_equal(in.name, out.name);
	assert_string_equal(in.bridge, out.bridge);
	assert_int_equal(in.mtu, out.mtu);
	assert_int_equal(in.flags, out.flags);
	assert_int_equal(in.bridge_ifindex, out.bridge_ifindex);
	assert_memory_equal(&in.bridge_mac, &out.bridge_mac, sizeof(in.bridge_mac));
	assert_int_equal(in.bridge_mtu, out.bridge_mtu);
	assert_true(out.bridge_created && out.loopback6);
	assert_true(in.foreign_gateways == out.foreign_gateways);
	assert_int_equal(in.n_ranges, out.n_ranges);
	assert_memory_equal(in.ranges, out.ranges, sizeof(in.ranges));
	assert_int_equal(in.n_routes, out.n_routes);
	assert_memory_equal(in.routes, out.routes, sizeof(in.routes));
}

static void test_attachment(void **state)
{
	static const uint32_t counts[] = { 0, 1, 1000, 2 * MAX_PORTS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		_cleanup_buf_ struct buf buf = { 0 };
		_cleanup_attachment_ struct attachment *in = attachment_full(counts[i]);
		_cleanup_attachment_ struct attachment *out = NULL;

		assert_true(record_attachment_valid(in));
		record_put_attachment(&buf, in);
		assert_int_equal(record_get_attachment(buf.data, buf.len, &out), 0);
		assert_attachment_equal(in, out);
	}
}

/* A range is one entry of the record, however many ports it has. */
static void test_compact(void **state)
{
	_cleanup_buf_ struct buf one = { 0 }, many = { 0 };
	_cleanup_attachment_ struct attachment *a = attachment_full(1);

	(void)state;
	record_put_attachment(&one, a);
	a->mappings[0].host_port = a->mappings[0].container_port = 1;
	a->mappings[0].count = 65535;
	assert_true(record_attachment_valid(a));
	record_put_attachment(&many, a);
	assert_int_equal(one.len, many.len);
}

/* Copies to the exact size, so that AddressSanitizer sees any read beyond the end. */
static int decode_network(const void *data, size_t len)
{
	_cleanup_free_ void *copy = malloc(len ? len : 1);
	struct network out, untouched;
	int r;

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	memset(&out, 0x5a, sizeof(out));
	untouched = out;
	r = record_get_network(copy, len, &out);
	assert_true(r == 0 || r == -EBADMSG);
	if (r == 0)
		assert_true(record_network_valid(&out));
	else
		assert_memory_equal(&out, &untouched, sizeof(out));
	return r;
}

static int decode_attachment(const void *data, size_t len)
{
	_cleanup_free_ void *copy = malloc(len ? len : 1);
	struct attachment *out = NULL;
	int r;

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	r = record_get_attachment(copy, len, &out);
	assert_true(r == 0 || r == -EBADMSG);
	assert_true((r == 0) == (out != NULL));
	if (out)
		assert_true(record_attachment_valid(out));
	attachment_free(out);
	return r;
}

static void test_truncated(void **state)
{
	_cleanup_buf_ struct buf net = { 0 }, att = { 0 };
	_cleanup_attachment_ struct attachment *a = attachment_full(40);
	struct network n = network_full();

	(void)state;
	record_put_network(&net, &n);
	record_put_attachment(&att, a);
	for (size_t len = 0; len < net.len; len++)
		assert_int_equal(decode_network(net.data, len), -EBADMSG);
	for (size_t len = 0; len < att.len; len++)
		assert_int_equal(decode_attachment(att.data, len), -EBADMSG);
	assert_int_equal(decode_network(net.data, net.len), 0);
	assert_int_equal(decode_attachment(att.data, att.len), 0);
	/* and one byte too many */
	buf_put_u8(&net, 0);
	buf_put_u8(&att, 0);
	assert_int_equal(decode_network(net.data, net.len), -EBADMSG);
	assert_int_equal(decode_attachment(att.data, att.len), -EBADMSG);
}

static uint64_t rng = 88172645463325252ULL;

static uint32_t rnd(uint32_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 32) % below;
}

/* Interesting values in interesting places: lengths and counts are 32-bit. */
static void mutate(uint8_t *data, size_t *len)
{
	static const uint32_t values[] = { 0,	  1,	      2,	  16,	     17,     32,
					   33,	  64,	      65,	  128,	     131072, 131073,
					   65535, 0x7fffffff, 0x80000000, UINT32_MAX };
	uint32_t times = 1 + rnd(4);

	for (uint32_t t = 0; t < times && *len >= 4; t++) {
		size_t at = rnd((uint32_t)*len - 3);
		uint32_t v = values[rnd(ARRAY_SIZE(values))];

		switch (rnd(4)) {
		case 0:
			data[at] ^= (uint8_t)(1U << rnd(8));
			break;
		case 1:
			data[at] = (uint8_t)rnd(256);
			break;
		case 2:
			for (int i = 0; i < 4; i++)
				data[at + (size_t)i] = (uint8_t)(v >> (24 - 8 * i));
			break;
		case 3:
			*len -= rnd(8) < *len ? 1 : 0;
			break;
		}
	}
}

static void mutations(const struct buf *buf, int (*decode)(const void *data, size_t len))
{
	_cleanup_free_ uint8_t *copy = malloc(buf->len);
	unsigned int accepted = 0;

	assert_non_null(copy);
	for (int i = 0; i < 50000; i++) {
		size_t len = buf->len;

		memcpy(copy, buf->data, len);
		mutate(copy, &len);
		accepted += decode(copy, len) == 0;
	}
	/* most mutations hit a length, a name or a count; many only change a value */
	assert_in_range(accepted, 1000, 49000);
}

static void test_mutated(void **state)
{
	_cleanup_buf_ struct buf net = { 0 }, att = { 0 };
	_cleanup_attachment_ struct attachment *a = attachment_full(20);
	struct network n = network_full();

	(void)state;
	record_put_network(&net, &n);
	record_put_attachment(&att, a);
	mutations(&net, decode_network);
	mutations(&att, decode_attachment);
}

static void test_noise(void **state)
{
	uint8_t data[512];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = rnd(sizeof(data));

		for (size_t j = 0; j < len; j++)
			data[j] = (uint8_t)(rnd(3) ? 0 : rnd(256));
		decode_network(data, len);
		decode_attachment(data, len);
	}
}

/* Each makes one thing wrong; what cannot be read back must not be written either. */
static void test_network_invalid(void **state)
{
	struct network good = network_full();

	(void)state;
#define BAD(change)                                                                                \
	do {                                                                                       \
		_cleanup_buf_ struct buf buf = { 0 };                                              \
		struct network n = good;                                                           \
		change;                                                                            \
		assert_false(record_network_valid(&n));                                            \
		record_put_network(&buf, &n);                                                      \
		assert_int_equal(decode_network(buf.data, buf.len), -EBADMSG);                     \
	} while (0)
	BAD(n.name[0] = '\0');
	BAD(n.name[3] = '/');
	BAD(n.name[3] = '\n');
	BAD(n.bridge[1] = '/');
	BAD(n.bridge[1] = ' ');
	BAD(n.ranges[1].subnet.len = 33);
	BAD(n.ranges[0].subnet.len = 129);
	BAD(n.ranges[0].subnet.ip.family = AF_UNSPEC);
	BAD(n.ranges[1].start = ip6(1));
	BAD(n.ranges[1].end.family = AF_UNSPEC);
	BAD(n.ranges[1].gateway = ip6(1));
	BAD(n.routes[1].dst.len = 33);
	BAD(n.routes[1].gw = ip6(1));
#undef BAD
	good.bridge[0] = '\0';
	assert_true(record_network_valid(&good));
	good.n_ranges = MAX_RANGES + 1;
	assert_false(record_network_valid(&good));
	good.n_ranges = 0;
	good.n_routes = MAX_ROUTES + 1;
	assert_false(record_network_valid(&good));
}

static void test_attachment_invalid(void **state)
{
	(void)state;
#define BAD(change)                                                                                \
	do {                                                                                       \
		_cleanup_buf_ struct buf buf = { 0 };                                              \
		_cleanup_attachment_ struct attachment *a = attachment_full(4);                    \
		change;                                                                            \
		assert_false(record_attachment_valid(a));                                          \
		record_put_attachment(&buf, a);                                                    \
		assert_int_equal(decode_attachment(buf.data, buf.len), -EBADMSG);                  \
	} while (0)
	BAD(a->network[0] = '.');
	BAD(a->id[0] = '\0');
	BAD(a->id[7] = '\n');
	BAD(strcpy(a->ifname, "lo"));
	BAD(a->ifname[0] = '\0');
	BAD(strcpy(a->host_ifname, "a/b"));
	BAD(a->phase = 0);
	BAD(a->phase = 3);
	BAD(a->leases[1].address.len = 33);
	BAD(a->leases[1].address.ip.family = AF_UNSPEC);
	BAD(a->leases[1].gateway = ip6(1));
	BAD(a->routes[0].dst.len = 129);
	BAD(a->mappings[0].host.family = AF_UNSPEC);
	BAD(a->mappings[0].protocol = IPPROTO_ICMP);
	BAD(a->mappings[0].host_port = 0);
	BAD(a->mappings[0].container_port = 0);
	BAD(a->mappings[0].count = 0);
	BAD(a->mappings[0].count = 2); /* container_port is 65535 */
	BAD((a->mappings[0].container_port = 1, a->mappings[0].host_port = 65535,
	     a->mappings[0].count = 2));
	BAD(for (int i = 0; i < 4; i++) a->mappings[i] =
		    ((struct mapping){ .host = ip4(0), .protocol = 6, 1, 1, 65535 }));
#undef BAD
	{
		_cleanup_attachment_ struct attachment *a = attachment_full(2 * MAX_PORTS + 1);

		assert_false(record_attachment_valid(a));
		a->n_mappings = 0;
		a->n_leases = MAX_ADDRESSES + 1;
		assert_false(record_attachment_valid(a));
		a->n_leases = 0;
		a->n_routes = MAX_ROUTES + 1;
		assert_false(record_attachment_valid(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_attachment),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_network_invalid),
		cmocka_unit_test(test_attachment_invalid),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
