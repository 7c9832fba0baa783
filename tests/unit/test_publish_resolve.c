// SPDX-License-Identifier: GPL-2.0-or-later
/* The choice of host ports: netd/publish_resolve.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "parse.h"
#include "publish.h"
#include "util.h"

/* ---- a host ------------------------------------------------------------------------------- */

struct world {
	struct publish_host host;
	uint8_t reserved[8192];
	struct { /* taken by others; address "": any */
		const char *ip;
		uint8_t protocol;
		unsigned int first, last;
	} taken[4];
	size_t calls;
	int fail;    /* of the probe */
	bool silent; /* the failing probe explains nothing */
};

static int world_probe(void *user, const struct ip *host, uint8_t protocol, uint16_t port,
		       struct netd_error *err)
{
	struct world *w = user;
	char ip[IP_STRLEN];

	w->calls++;
	ip_format(host, ip);
	if (w->fail)
		return w->silent ? w->fail
				 : error_set(err, NETD_E_STATE, -w->fail, NULL, "probe failed");
	for (size_t i = 0; i < ARRAY_SIZE(w->taken) && w->taken[i].ip; i++)
		if (protocol == w->taken[i].protocol && port >= w->taken[i].first &&
		    port <= w->taken[i].last &&
		    (!w->taken[i].ip[0] || strcmp(w->taken[i].ip, ip) == 0))
			return error_set(err, NETD_E_CONFLICT, EADDRINUSE, ip,
					 "Bind for %s:%u failed: port is already allocated: web",
					 ip, port);
	return 0;
}

static void world_init(struct world *w, uint16_t first, uint16_t last, uint16_t cursor)
{
	*w = (struct world){ .host = { .probe = world_probe } };
	w->host.user = w;
	w->host.first = first;
	w->host.last = last;
	w->host.cursor = cursor;
}

static void world_reserve(struct world *w, unsigned int port)
{
	w->reserved[port / 8] |= (uint8_t)(1U << port % 8);
	w->host.reserved = w->reserved;
}

static int world_resolve(struct world *w, const char *specs, bool has4, bool has6,
			 struct mapping **ret, uint32_t *ret_n, struct netd_error *err)
{
	struct netd_port ports[32];
	char copy[512], *save = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", specs);
	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save))
		assert_int_equal(netd_port_parse(t, &ports[n++], NULL), 0);
	w->calls = 0;
	return publish_resolve(ports, n, has4, has6, &w->host, ret, ret_n, err);
}

static void expect_on(struct world *w, const char *specs, bool has4, bool has6,
		      const char *expected)
{
	_cleanup_free_ struct mapping *m = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	char text[2048] = "", ip[IP_STRLEN];
	size_t len = 0;
	uint32_t n;

	if (world_resolve(w, specs, has4, has6, &m, &n, &err) < 0)
		fail_msg("%s: %s", specs, err.message);
	assert_int_equal(err.code, NETD_OK);
	for (uint32_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s>%u:%u*%u%.1s",
					i ? " " : "", ip_format(&m[i].host, ip), m[i].host_port,
					m[i].container_port, m[i].count,
					protocol_name(m[i].protocol));
	assert_string_equal(text, expected);
}

static void expect(struct world *w, const char *specs, const char *expected)
{
	expect_on(w, specs, true, false, expected);
}

static void expect_error(struct world *w, const char *specs, bool has4, bool has6,
			 enum netd_code code, const char *part)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct mapping *m = (void *)w;
	uint16_t cursor = w->host.cursor;
	uint32_t n = 99;
	int rc = world_resolve(w, specs, has4, has6, &m, &n, &err);

	if (rc >= 0)
		fail_msg("accepted: %s", specs);
	assert_int_equal(rc, -err.errnum);
	if (err.code != code || !strstr(err.message, part))
		fail_msg("expected \"%s\" in: %s", part, err.message);
	assert_ptr_equal(m, w);
	assert_int_equal(n, 99);
	assert_int_equal(w->host.cursor, cursor);
}

/* ---- fixed ports -------------------------------------------------------------------------- */

static void test_families(void **state)
{
	static const struct {
		const char *spec;
		bool has4, has6;
		const char *expected; /* NULL: refused */
	} cases[] = {
		{ "8080:80", true, false, "0.0.0.0>8080:80*1t" },
		{ "8080:80", false, true, "::>8080:80*1t" },
		{ "8080:80", true, true, "0.0.0.0>8080:80*1t ::>8080:80*1t" },
		{ "8080:80", false, false, NULL },
		{ "0.0.0.0:8080:80", true, true, "0.0.0.0>8080:80*1t" },
		{ "0.0.0.0:8080:80", false, true, NULL },
		{ "[::]:8080:80", true, true, "::>8080:80*1t" },
		{ "[::]:8080:80", true, false, NULL },
		{ "127.0.0.1:8080:80/udp", true, true, "127.0.0.1>8080:80*1u" },
		{ "127.0.0.1::80", false, true, NULL },
		{ "[::1]:8080:80", true, true, "::1>8080:80*1t" },
		{ "[::1]:8080:80", true, false, NULL },
		{ "8000-8010:80-90/sctp", true, true, "0.0.0.0>8000:80*11s ::>8000:80*11s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world w;

		world_init(&w, 32768, 60999, 0);
		if (cases[i].expected)
			expect_on(&w, cases[i].spec, cases[i].has4, cases[i].has6,
				  cases[i].expected);
		else
			expect_error(&w, cases[i].spec, cases[i].has4, cases[i].has6,
				     NETD_E_INVALID, "no address of that family");
	}
}

static void test_nothing(void **state)
{
	struct world w;
	struct mapping *m = (void *)&w;
	uint32_t n = 99;

	(void)state;
	world_init(&w, 32768, 60999, 7);
	assert_int_equal(publish_resolve(NULL, 0, false, false, &w.host, &m, &n, NULL), 0);
	assert_null(m);
	assert_int_equal(n, 0);
	assert_int_equal(w.host.cursor, 7);
}

static void test_every_fixed_port_is_probed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 32768, 60999, 0);
	expect_on(&w, "8000-8010:80-90", true, true, "0.0.0.0>8000:80*11t ::>8000:80*11t");
	assert_int_equal(w.calls, 22);
	w.taken[0].ip = "::";
	w.taken[0].protocol = NETD_TCP;
	w.taken[0].first = w.taken[0].last = 8010;
	expect_error(&w, "8000-8010:80-90", true, true, NETD_E_CONFLICT,
		     "Bind for :::8010 failed: port is already allocated: web");
	expect(&w, "8000-8010:80-90", "0.0.0.0>8000:80*11t");
	expect_on(&w, "8000-8010:80-90/udp", true, true, "0.0.0.0>8000:80*11u ::>8000:80*11u");
}

static void test_conflicts_in_the_request(void **state)
{
	static const struct {
		const char *specs;
		const char *bind; /* NULL: no conflict */
	} cases[] = {
		{ "8080:80 8080:81", "0.0.0.0:8080" },
		{ "8080:80 8080:80", "0.0.0.0:8080" },
		{ "8080:80 8080:80/udp", NULL },
		{ "8080:80 8081:80", NULL },
		{ "0.0.0.0:8080:80 [::]:8080:80", NULL },
		{ "8080:80 0.0.0.0:8080:81", "0.0.0.0:8080" },
		{ "[::]:8080:80 8080:81", "[::]:8080" },
		{ "8080:80 127.0.0.1:8080:81", "127.0.0.1:8080" },
		{ "127.0.0.1:8080:81 8080:80", "0.0.0.0:8080" },
		{ "127.0.0.1:8080:80 127.0.0.2:8080:80", NULL },
		{ "127.0.0.1:8080:80 127.0.0.1:8080:81", "127.0.0.1:8080" },
		{ "127.0.0.1:8080:80 127.0.0.1:8080:81/udp", NULL },
		{ "127.0.0.1:8080:80 [::]:8080:80 [::1]:8081:80", NULL },
		{ "[::1]:8080:80 [::1]:8080:81", "[::1]:8080" },
		{ "[::1]:8080:80 [0:0::1]:8080:81", "[::1]:8080" },
		{ "8000-8010:80-90 8005:85", "0.0.0.0:8005" },
		{ "8005:85 8000-8010:80-90", "0.0.0.0:8005" },
		{ "127.0.0.1:8000-8010:80-90 127.0.0.1:8010-8020:80-90", "127.0.0.1:8010" },
		{ "127.0.0.1:8010-8020:80-90 127.0.0.1:8000-8010:80-90", "127.0.0.1:8010" },
		{ "127.0.0.1:8000-8010:80-90 127.0.0.1:8011-8021:80-90", NULL },
		{ "127.0.0.1:8000-8020:80-100 127.0.0.1:8010:1", "127.0.0.1:8010" },
		{ "127.0.0.1:8010:1 127.0.0.1:8000-8020:80-100", "127.0.0.1:8010" },
		{ "1-65535:1-65535 65535:80", "0.0.0.0:65535" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct mapping *m = NULL;
		char text[128];
		struct world w;
		uint32_t n;

		world_init(&w, 32768, 60999, 0);
		if (!cases[i].bind) {
			assert_int_equal(
				world_resolve(&w, cases[i].specs, true, true, &m, &n, NULL), 0);
			continue;
		}
		snprintf(text, sizeof(text),
			 "Bind for %s failed: port is already allocated: this request",
			 cases[i].bind);
		expect_error(&w, cases[i].specs, true, true, NETD_E_CONFLICT, text);
		assert_int_equal(w.calls, 0); /* found before the host is asked */
	}
}

/* ---- chosen ports ------------------------------------------------------------------------- */

static void test_chosen(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 40000, 40003, 0);
	expect(&w, "80", "0.0.0.0>40000:80*1t");
	assert_int_equal(w.host.cursor, 40000);
	expect(&w, "80", "0.0.0.0>40001:80*1t"); /* not the same again, though it is free */
	expect(&w, "80-81 90/udp", "0.0.0.0>40002:80*1t 0.0.0.0>40003:81*1t 0.0.0.0>40000:90*1u");
	expect(&w, "127.0.0.1::80", "127.0.0.1>40001:80*1t");
	expect_on(&w, "80-81", true, true,
		  "0.0.0.0>40002:80*1t ::>40002:80*1t 0.0.0.0>40003:81*1t ::>40003:81*1t");
}

static void test_cursor(void **state)
{
	static const struct {
		uint16_t cursor, expected;
	} cases[] = {
		{ 0, 40000 },	  { 1, 40000 },	    { 39999, 40000 }, { 40000, 40001 },
		{ 40008, 40009 }, { 40009, 40000 }, { 40010, 40000 }, { 65535, 40000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct mapping *m = NULL;
		struct world w;
		uint32_t n;

		world_init(&w, 40000, 40009, cases[i].cursor);
		assert_int_equal(world_resolve(&w, "80", true, true, &m, &n, NULL), 0);
		assert_int_equal(m[0].host_port, cases[i].expected);
		assert_int_equal(w.host.cursor, cases[i].expected);
	}
	/* the last port number does not wrap to 0 */
	for (int i = 0; i < 4; i++) {
		static struct world w;

		if (i == 0)
			world_init(&w, 65534, 65535, 0);
		expect(&w, "80", i % 2 ? "0.0.0.0>65535:80*1t" : "0.0.0.0>65534:80*1t");
	}
}

static void test_reserved(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 40000, 40007, 40005);
	world_reserve(&w, 40006);
	world_reserve(&w, 40007);
	world_reserve(&w, 40000);
	world_reserve(&w, 40002);
	expect(&w, "80-82", "0.0.0.0>40001:80*1t 0.0.0.0>40003:81*1t 0.0.0.0>40004:82*1t");
	assert_int_equal(w.calls, 3);
	/* what is reserved may be asked for by number or by range */
	expect(&w, "40000:80", "0.0.0.0>40000:80*1t");
	expect(&w, "40006-40007:80", "0.0.0.0>40006:80*1t");
}

static void test_chosen_avoid_taken(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 40000, 40005, 0);
	/* the request's own fixed ports, wherever they stand in it */
	expect(&w, "80 40000:81", "0.0.0.0>40001:80*1t 0.0.0.0>40000:81*1t");
	w.host.cursor = 0;
	expect(&w, "80 127.0.0.1:40000:81", "0.0.0.0>40001:80*1t 127.0.0.1>40000:81*1t");
	w.host.cursor = 0;
	expect(&w, "127.0.0.1::80 40000:81", "127.0.0.1>40001:80*1t 0.0.0.0>40000:81*1t");
	w.host.cursor = 0;
	expect(&w, "80/udp 40000:81", "0.0.0.0>40000:80*1u 0.0.0.0>40000:81*1t");
	w.host.cursor = 0;
	expect(&w, "127.0.0.2::80 127.0.0.1:40000:81",
	       "127.0.0.2>40000:80*1t 127.0.0.1>40000:81*1t");
	/* other people's: one number must be free in both families */
	w.host.cursor = 0;
	w.taken[0].ip = "::";
	w.taken[0].protocol = NETD_TCP;
	w.taken[0].first = 40000;
	w.taken[0].last = 40001;
	expect_on(&w, "80", true, true, "0.0.0.0>40002:80*1t ::>40002:80*1t");
	w.host.cursor = 0;
	expect_on(&w, "0.0.0.0::80", true, true, "0.0.0.0>40000:80*1t");
	w.host.cursor = 0;
	expect_on(&w, "80/udp", true, true, "0.0.0.0>40000:80*1u ::>40000:80*1u");
}

static void test_exhausted(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 40000, 40002, 40001);
	expect_error(&w, "80-83", true, false, NETD_E_EXHAUSTED, "all ports are allocated");
	assert_int_equal(w.calls, 3);
	expect_error(&w, "80-82 40001:90", true, true, NETD_E_EXHAUSTED, "all ports are allocated");
	w.taken[0].ip = "";
	w.taken[0].protocol = NETD_TCP;
	w.taken[0].first = 1;
	w.taken[0].last = 65535;
	expect_error(&w, "80", true, true, NETD_E_EXHAUSTED,
		     "all ports are allocated: no tcp port from 40000 to 40002 is free");
	assert_int_equal(w.calls, 3);
	expect_on(&w, "80/udp", true, false, "0.0.0.0>40002:80*1u");
	world_init(&w, 40000, 40001, 0);
	world_reserve(&w, 40000);
	world_reserve(&w, 40001);
	expect_error(&w, "80", true, false, NETD_E_EXHAUSTED, "all ports are allocated");
	world_init(&w, 40001, 40000, 0);
	expect_error(&w, "80", true, false, NETD_E_EXHAUSTED, "all ports are allocated");
	world_init(&w, 0, 0, 0);
	expect_error(&w, "80", true, false, NETD_E_EXHAUSTED, "all ports are allocated");
	world_init(&w, 0, 1, 0);
	expect(&w, "80", "0.0.0.0>1:80*1t");
}

static void test_one_of_a_range(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 40000, 40009, 40005);
	w.taken[0].ip = "";
	w.taken[0].protocol = NETD_TCP;
	w.taken[0].first = 8000;
	w.taken[0].last = 8001;
	expect_on(&w, "8000-9000:80", true, true, "0.0.0.0>8002:80*1t ::>8002:80*1t");
	assert_int_equal(w.host.cursor, 40005); /* of no concern to the rotation */
	expect(&w, "8000-8003:80 8000-8003:81", "0.0.0.0>8002:80*1t 0.0.0.0>8003:81*1t");
	expect(&w, "8000-8003:80 8002:81", "0.0.0.0>8003:80*1t 0.0.0.0>8002:81*1t");
	expect(&w, "127.0.0.1:8002-8003:80 127.0.0.2:8002-8003:81 127.0.0.1:8002-8003:82",
	       "127.0.0.1>8002:80*1t 127.0.0.2>8002:81*1t 127.0.0.1>8003:82*1t");
	expect(&w, "8000-8003:80 8000-8003:80/udp", "0.0.0.0>8002:80*1t 0.0.0.0>8000:80*1u");
	expect_error(&w, "8000-8003:80 8000-8003:81 8000-8003:82", true, true, NETD_E_EXHAUSTED,
		     "all ports are allocated: no tcp port from 8000 to 8003 is free");
	expect_error(&w, "8000-8001:80", true, true, NETD_E_EXHAUSTED, "all ports are allocated");
	expect(&w, "65534-65535:80 65534-65535:81", "0.0.0.0>65534:80*1t 0.0.0.0>65535:81*1t");
}

static void test_probe_failure(void **state)
{
	static const char *const specs[] = { "8080:80", "80", "8000-9000:80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		_cleanup_free_ struct mapping *m = NULL;
		struct world w;
		uint32_t n;

		world_init(&w, 40000, 40009, 0);
		w.fail = -EIO;
		expect_error(&w, specs[i], true, true, NETD_E_STATE, "probe failed");
		assert_int_equal(w.calls, 1);
		assert_int_equal(world_resolve(&w, specs[i], true, true, &m, &n, NULL), -EIO);
		w.silent = true;
		assert_int_equal(world_resolve(&w, specs[i], true, true, &m, &n, NULL), -EIO);
	}
}

/* ---- size --------------------------------------------------------------------------------- */

static void fill(struct netd_port *ports, size_t n, const char *spec)
{
	assert_int_equal(netd_port_parse(spec, &ports[0], NULL), 0);
	for (size_t i = 1; i < n; i++)
		ports[i] = ports[0];
}

/* As many single ports as there are numbers; quadratic work would run into the alarm of main(). */
static void test_all_ports(void **state)
{
	static const struct {
		const char *spec;
		bool fixed;
		size_t probes; /* at most, a family */
	} cases[] = {
		{ "1:80", true, 65535 },	{ "127.0.0.1:1:80", true, 65535 },
		{ "80", false, 65535 },		{ "127.0.0.1::80", false, 65535 },
		{ "1-65535:80", false, 65535 }, { "127.0.0.1:1-65535:80", false, 65535 },
	};
	_cleanup_free_ struct netd_port *ports = calloc(65536, sizeof(*ports));

	(void)state;
	assert_non_null(ports);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct mapping *m = NULL, *none = NULL;
		_cleanup_free_ uint8_t *seen = calloc(65536, 1);
		struct netd_error err = NETD_ERROR_INIT;
		bool both = !strchr(cases[i].spec, '.');
		struct world w;
		uint32_t n;

		assert_non_null(seen);
		world_init(&w, 1, 65535, 0);
		fill(ports, 65536, cases[i].spec);
		for (size_t k = 0; cases[i].fixed && k < 65535; k++)
			ports[k].host_port = ports[k].host_port_end = (uint16_t)(65535 - k);
		assert_int_equal(publish_resolve(ports, 65535, true, true, &w.host, &m, &n, NULL),
				 0);
		assert_int_equal(n, both ? 2 * 65535 : 65535);
		assert_true(w.calls <= cases[i].probes * (both ? 2 : 1));
		for (uint32_t k = 0; k < n; k++)
			seen[m[k].host_port]++;
		for (uint32_t k = 1; k < 65536; k++)
			assert_int_equal(seen[k], both ? 2 : 1);
		/* and one more than there are */
		assert_int_equal(
			publish_resolve(ports, 65536, true, true, &w.host, &none, &n, &err),
			-EADDRINUSE);
		assert_int_equal(err.code, cases[i].fixed ? NETD_E_CONFLICT : NETD_E_EXHAUSTED);
	}
}

static void test_too_many(void **state)
{
	static const struct {
		const char *specs;
		bool ok;
	} cases[] = {
		{ "1-65535:1-65535", true },
		{ "1-65535:1-65535 1:1/udp", true }, /* 65536 */
		{ "1-65535:1-65535 1-2:1-2/udp", false },
		{ "1-65535:1-65535 0.0.0.0:1:1/udp [::]:1:1/udp", true },
		{ "1-65535:1-65535 [::]:1-2:1-2/udp", false },
		{ "1-65535 1-65535/udp", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ struct mapping *m = NULL;
		struct world w;
		uint32_t n;

		world_init(&w, 1, 65535, 0);
		if (cases[i].ok)
			assert_int_equal(
				world_resolve(&w, cases[i].specs, true, true, &m, &n, NULL), 0);
		else
			expect_error(&w, cases[i].specs, true, true, NETD_E_INVALID,
				     "more than 65536 published ports");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_every_fixed_port_is_probed),
		cmocka_unit_test(test_conflicts_in_the_request),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_chosen_avoid_taken),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_one_of_a_range),
		cmocka_unit_test(test_probe_failure),
		cmocka_unit_test(test_all_ports),
		cmocka_unit_test(test_too_many),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
