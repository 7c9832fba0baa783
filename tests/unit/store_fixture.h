/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the store share: a state directory for each test, shorthands, a small attachment. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store.h"
#include "util.h"

#define BOOT "11111111-2222-3333-4444-555555555555"

/* Each test has its own directory for a state directory. */
struct fixture {
	char base[64];
	char dir[80];
	char file[96];
};

static const struct store_identity identity = { .boot_id = BOOT, .netns_cookie = 7 };

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->base, "/tmp/netd-store-XXXXXX");
	if (!mkdtemp(f->base)) {
		free(f);
		return -1;
	}
	snprintf(f->dir, sizeof(f->dir), "%s/state", f->base);
	snprintf(f->file, sizeof(f->file), "%s/netd.db", f->dir);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	unlink(f->file);
	snprintf(path, sizeof(path), "%s.new", f->file);
	unlink(path);
	if (rmdir(f->dir) < 0)
		unlink(f->dir);
	snprintf(path, sizeof(path), "%s/real", f->base);
	rmdir(path);
	if (rmdir(f->base) < 0)
		return -1; /* something was left that nobody should have made */
	free(f);
	return 0;
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- shorthands --------------------------------------------------------------------------- */

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct netd_error err = NETD_ERROR_INIT;                                           \
		int r_ = (call);                                                                   \
		if (r_ != 0)                                                                       \
			fail_msg("%s: %d: %s", #call, r_, err.message);                            \
	} while (0)

/* Fails with the code, and with text in its message. */
#define FAILS(call, want, text)                                                                    \
	do {                                                                                       \
		struct netd_error err = NETD_ERROR_INIT;                                           \
		int r_ = (call);                                                                   \
		assert_true(r_ < 0);                                                               \
		assert_int_equal(err.code, want);                                                  \
		assert_int_equal(err.errnum, -r_);                                                 \
		if (!strstr(err.message, text))                                                    \
			fail_msg("message: %s", err.message);                                      \
	} while (0)

/* -ENOENT without a word. */
#define NONE(call)                                                                                 \
	do {                                                                                       \
		struct netd_error err = NETD_ERROR_INIT;                                           \
		assert_int_equal(call, -ENOENT);                                                   \
		assert_int_equal(err.code, NETD_OK);                                               \
	} while (0)

static inline struct store *open_store(const char *dir)
{
	struct store *store = NULL;

	OK(store_open(dir, &identity, &store, &err));
	return store;
}

static inline struct store_session *open_session(struct store *store)
{
	struct store_session *session = NULL;

	OK(store_session_open(store, &session, &err));
	return session;
}

static inline struct store_txn *begin(struct store_session *session, bool write)
{
	struct store_txn *txn = NULL;

	OK(store_begin(session, write, &txn, &err));
	return txn;
}

static inline struct ip v4(uint32_t v)
{
	struct ip ip = { .family = AF_INET };

	for (int i = 0; i < 4; i++)
		ip.b[i] = (uint8_t)(v >> (24 - 8 * i));
	return ip;
}

static inline struct ip v6(uint32_t v)
{
	struct ip ip = { .family = AF_INET6 };

	for (int i = 0; i < 4; i++)
		ip.b[12 + i] = (uint8_t)(v >> (24 - 8 * i));
	return ip;
}

static inline struct attachment_key key(const char *network, const char *id)
{
	struct attachment_key k = { 0 };

	snprintf(k.network, sizeof(k.network), "%s", network);
	snprintf(k.id, sizeof(k.id), "%s", id);
	strcpy(k.ifname, "eth0");
	return k;
}

/* One IPv4 address (0: none) and one mapping (port 0: none). */
static inline struct attachment *att_new(const char *network, const char *id, uint32_t addr,
					 const struct ip *host, uint16_t port, uint16_t count)
{
	struct attachment *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	strcpy(a->network, network);
	strcpy(a->id, id);
	strcpy(a->ifname, "eth0");
	strcpy(a->netns, "/proc/1/ns/net");
	a->phase = PHASE_PENDING;
	if (addr) {
		a->leases[0].address = (struct prefix){ v4(addr), 24 };
		a->n_leases = 1;
	}
	if (port) {
		a->mappings = calloc(1, sizeof(*a->mappings));
		assert_non_null(a->mappings);
		a->mappings[0] = (struct mapping){ *host, IPPROTO_TCP, port, port, count };
		a->n_mappings = 1;
	}
	return a;
}

static inline int put(struct store_txn *txn, const char *network, const char *id, uint32_t addr,
		      const struct ip *host, uint16_t port, uint16_t count, struct netd_error *err)
{
	_cleanup_attachment_ struct attachment *a = att_new(network, id, addr, host, port, count);

	return store_attachment_put(txn, a, err);
}

static inline void assert_port(struct store_txn *txn, const struct ip *ip, uint8_t protocol,
			       uint16_t port, const char *owner)
{
	struct attachment_key k = { 0 };
	struct netd_error err = NETD_ERROR_INIT;
	int r = store_port_owner(txn, ip, protocol, port, &k, &err);

	assert_int_equal(r, owner ? 1 : 0);
	if (owner)
		assert_string_equal(k.id, owner);
}

static inline void assert_lease(struct store_txn *txn, const char *network, uint32_t addr,
				const char *owner)
{
	struct attachment_key k = { 0 };
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = v4(addr);
	int r = store_lease_owner(txn, network, &ip, &k, &err);

	assert_int_equal(r, owner ? 1 : 0);
	if (owner) {
		assert_string_equal(k.network, network);
		assert_string_equal(k.id, owner);
		assert_string_equal(k.ifname, "eth0");
	}
}

struct env {
	struct store *store;
	struct store_session *session;
	struct store_txn *txn;
};

static inline struct env env_open(const struct fixture *f)
{
	struct env e;

	e.store = open_store(f->dir);
	e.session = open_session(e.store);
	e.txn = begin(e.session, true);
	return e;
}

static inline void env_next(struct env *e, bool write)
{
	OK(store_commit(e->txn, &err));
	e->txn = begin(e->session, write);
}

static inline void env_close(struct env *e)
{
	store_abort(e->txn);
	store_session_close(e->session);
	store_close(e->store);
}

#endif
