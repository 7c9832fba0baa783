// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How host ports are resolved: first every fixed port of the request is claimed, so that conflicts
 * inside the request show before anything else is looked at; then the host is asked about each of
 * them; then the open ones are chosen around them.
 *
 * Claims are kept so that 65,535 ports need no quadratic work. Per family and protocol one bitmap
 * holds the ports claimed on the wildcard, which exclude everything, and one those claimed on any
 * address, which exclude the wildcard. What is left, one address against itself, is a search tree of
 * disjoint intervals whose order calls overlapping intervals equal.
 */
#include "publish.h"

#include <search.h>
#include <stdio.h>

#include "error.h"
#include "parse.h"
#include "util.h"

#define N_PROTOCOLS 3UL
#define BITMAP_BYTES (65536 / 8)    /* one bit for each port number */
#define BIND_STRLEN (IP_STRLEN + 8) /* "[ip]:port" */

/* The host ports are given, none is to be chosen; host_port_end 0 is "not given". */
static bool is_fixed(const struct netd_port *port)
{
	return port->host_port && (port->count > 1 || port->host_port_end <= port->host_port);
}

/* ---- claims of one request ---------------------------------------------------------------- */

/* Host ports of one specific address; a node of the claim tree. */
struct claim {
	struct ip ip;
	uint8_t protocol;
	uint16_t first;
	uint16_t last;
};

/* How far the search in one given range has come: what it passed stays taken. Node of a tree. */
struct search {
	struct ip ip; /* family AF_UNSPEC: both */
	uint8_t protocol;
	uint16_t first;
	uint16_t last;
	uint32_t next;
};

/* The ports claimed in one family and protocol. */
struct bitmaps {
	uint8_t wildcard[BITMAP_BYTES]; /* on the wildcard address */
	uint8_t any[BITMAP_BYTES];	/* on any address, the wildcard included */
};

struct resolver {
	struct publish_host *host;
	bool has4, has6;
	struct ip *ips;		 /* owned; host address of each requested port */
	struct bitmaps *bitmaps; /* owned; [family][protocol] */
	void *claims;		 /* owned; tree of struct claim */
	void *searches;		 /* owned; tree of struct search */
	uint16_t cursor;
	struct mapping *mappings; /* owned */
	uint32_t n_mappings;
};

static void resolver_free(struct resolver *res)
{
	tdestroy(res->claims, free);
	tdestroy(res->searches, free);
	free(res->ips);
	free(res->bitmaps);
	free(res->mappings);
}

static bool bit_test(const uint8_t *bitmap, uint32_t bit)
{
	return bitmap[bit / 8] >> bit % 8 & 1;
}

static void bit_set(uint8_t *bitmap, uint32_t bit)
{
	bitmap[bit / 8] |= (uint8_t)(1U << bit % 8);
}

/* By address and protocol, then position; overlapping intervals are equal. */
static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = ip_cmp(&x->ip, &y->ip);

	if (order || x->protocol != y->protocol)
		return order ? order : x->protocol - y->protocol;
	if (x->last < y->first)
		return -1;
	return x->first > y->last;
}

static int search_cmp(const void *a, const void *b)
{
	const struct search *x = a, *y = b;
	int order = ip_cmp(&x->ip, &y->ip);

	if (order || x->protocol != y->protocol)
		return order ? order : x->protocol - y->protocol;
	return x->first != y->first ? x->first - y->first : x->last - y->last;
}

static struct bitmaps *bitmaps_of(const struct resolver *res, const struct claim *claim)
{
	size_t family = claim->ip.family == AF_INET6;
	size_t protocol = claim->protocol == NETD_TCP ? 0 : claim->protocol == NETD_UDP ? 1 : 2;

	return &res->bitmaps[family * N_PROTOCOLS + protocol];
}

/* The first port of the claim that this request has claimed already, or 0. */
static uint16_t claim_conflict(const struct resolver *res, const struct claim *claim)
{
	const struct bitmaps *maps = bitmaps_of(res, claim);
	bool wildcard = ip_is_zero(&claim->ip);
	struct claim *const *node;

	for (uint32_t port = claim->first; port <= claim->last; port++)
		if (bit_test(wildcard ? maps->any : maps->wildcard, port))
			return (uint16_t)port;
	node = wildcard ? NULL : tfind(claim, &res->claims, claim_cmp);
	return node ? MAX(claim->first, (*node)->first) : 0;
}

/* Records a claim without conflict. */
static int claim_add(struct resolver *res, const struct claim *claim, struct netd_error *err)
{
	struct bitmaps *maps = bitmaps_of(res, claim);
	bool wildcard = ip_is_zero(&claim->ip);
	struct claim *node;

	for (uint32_t port = claim->first; port <= claim->last; port++) {
		bit_set(maps->any, port);
		if (wildcard)
			bit_set(maps->wildcard, port);
	}
	if (wildcard)
		return 0;
	node = malloc(sizeof(*node));
	if (!node)
		return error_nomem(err);
	*node = *claim;
	if (!tsearch(node, &res->claims, claim_cmp)) {
		free(node);
		return error_nomem(err);
	}
	return 0;
}

/* ---- resolving ---------------------------------------------------------------------------- */

/* The addresses that a port is mapped on, by family; returns how many. */
static unsigned int host_ips(const struct resolver *res, const struct ip *ip,
			     struct ip ret[static 2])
{
	unsigned int n = 0;

	if (ip->family == AF_UNSPEC && res->has4)
		ret[n++] = (struct ip){ .family = AF_INET };
	if (ip->family == AF_UNSPEC && res->has6)
		ret[n++] = (struct ip){ .family = AF_INET6 };
	if ((ip->family == AF_INET && res->has4) || (ip->family == AF_INET6 && res->has6))
		ret[n++] = *ip;
	return n;
}

static const char *bind_format(const struct ip *ip, uint16_t port, char buf[static BIND_STRLEN])
{
	bool brackets = ip->family == AF_INET6;
	char text[IP_STRLEN];

	snprintf(buf, BIND_STRLEN, "%s%s%s:%u", brackets ? "[" : "", ip_format(ip, text),
		 brackets ? "]" : "", port);
	return buf;
}

/* Checks all ports, keeps their addresses, and counts the mappings that they need. */
static int check_ports(struct resolver *res, const struct netd_port *ports, size_t n_ports,
		       size_t *ret_n, struct netd_error *err)
{
	size_t mapped[2] = { 0 }, n_mappings = 0;

	for (size_t i = 0; i < n_ports; i++) {
		struct ip ips[2];
		unsigned int n;
		int rc = publish_check(&ports[i], err);

		if (rc < 0)
			return rc;
		if (ports[i].host_ip[0])
			ip_parse(ports[i].host_ip, &res->ips[i]);
		n = host_ips(res, &res->ips[i], ips);
		if (!n)
			return error_set(
				err, NETD_E_INVALID, EINVAL, ports[i].host_ip,
				"cannot publish port %u/%s on %s: the container has no address "
				"of that family; use a network that has it, or another address",
				ports[i].container_port, protocol_name(ports[i].protocol),
				ports[i].host_ip[0] ? ports[i].host_ip : "any address");
		for (unsigned int k = 0; k < n; k++)
			mapped[ips[k].family == AF_INET6] += ports[i].count;
		if (MAX(mapped[0], mapped[1]) > MAX_PORTS)
			return error_set(
				err, NETD_E_INVALID, E2BIG, NULL,
				"more than %d published ports: publish fewer, or split the "
				"service over several containers",
				MAX_PORTS);
		n_mappings += n * (is_fixed(&ports[i]) ? (size_t)1 : ports[i].count);
	}
	*ret_n = n_mappings;
	return 0;
}

static struct claim fixed_claim(const struct netd_port *port, const struct ip *ip)
{
	return (struct claim){
		.ip = *ip,
		.protocol = port->protocol,
		.first = port->host_port,
		.last = (uint16_t)(port->host_port + port->count - 1),
	};
}

static int claim_fixed(struct resolver *res, const struct claim *claim, struct netd_error *err)
{
	uint16_t port = claim_conflict(res, claim);
	char text[BIND_STRLEN];

	if (!port)
		return claim_add(res, claim, err);
	bind_format(&claim->ip, port, text);
	return error_set(
		err, NETD_E_CONFLICT, EADDRINUSE, text,
		"Bind for %s failed: port is already allocated: this request publishes %u/%s "
		"on that address more than once; give each published port its own host port",
		text, port, protocol_name(claim->protocol));
}

static int probe_fixed(struct resolver *res, const struct claim *claim, struct netd_error *err)
{
	for (uint32_t port = claim->first; port <= claim->last; port++) {
		int rc = res->host->probe(res->host->user, &claim->ip, claim->protocol,
					  (uint16_t)port, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Calls fn for every claim of the request's fixed ports. */
static int each_fixed(struct resolver *res, const struct netd_port *ports, size_t n_ports,
		      int (*fn)(struct resolver *res, const struct claim *claim,
				struct netd_error *err),
		      struct netd_error *err)
{
	for (size_t i = 0; i < n_ports; i++) {
		struct ip ips[2];
		unsigned int n = is_fixed(&ports[i]) ? host_ips(res, &res->ips[i], ips) : 0;

		for (unsigned int k = 0; k < n; k++) {
			struct claim claim = fixed_claim(&ports[i], &ips[k]);
			int rc = fn(res, &claim, err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void push_mapping(struct resolver *res, const struct ip *ip, const struct netd_port *port,
			 uint16_t host_port, uint16_t container_port, uint16_t count)
{
	res->mappings[res->n_mappings++] = (struct mapping){
		.host = *ip,
		.protocol = port->protocol,
		.host_port = host_port,
		.container_port = container_port,
		.count = count,
	};
}

/* Hands on an error that was recorded apart. */
static int error_forward(struct netd_error *err, const struct netd_error *from)
{
	if (err && err->code == NETD_OK)
		*err = *from;
	return -from->errnum;
}

/*
 * Is the number free on each of the addresses? 1 or 0. That it is taken is no error here, so the
 * callback's explanation is dropped.
 */
static int is_free(const struct resolver *res, const struct ip *ips, unsigned int n_ips,
		   uint8_t protocol, uint16_t port, struct netd_error *err)
{
	struct claim claim = { .protocol = protocol, .first = port, .last = port };

	for (unsigned int k = 0; k < n_ips; k++) {
		claim.ip = ips[k];
		if (claim_conflict(res, &claim))
			return 0;
	}
	for (unsigned int k = 0; k < n_ips; k++) {
		struct netd_error why = NETD_ERROR_INIT;
		int rc = res->host->probe(res->host->user, &ips[k], protocol, port, &why);

		if (rc == -EADDRINUSE)
			return 0;
		if (rc < 0)
			return why.code == NETD_OK ? rc : error_forward(err, &why);
	}
	return 1;
}

/* A free port of the range that the user gave, the lowest first: 1 and *ret, or 0. */
static int choose_in_range(struct resolver *res, const struct netd_port *port, const struct ip *ip,
			   const struct ip *ips, unsigned int n_ips, uint16_t *ret,
			   struct netd_error *err)
{
	struct search *search = malloc(sizeof(*search)), **node;

	if (!search)
		return error_nomem(err);
	*search = (struct search){
		.ip = *ip,
		.protocol = port->protocol,
		.first = port->host_port,
		.last = port->host_port_end,
		.next = port->host_port,
	};
	node = tsearch(search, &res->searches, search_cmp);
	if (!node || *node != search)
		free(search);
	if (!node)
		return error_nomem(err);
	for (search = *node; search->next <= search->last;) {
		uint16_t candidate = (uint16_t)search->next++;
		int rc = is_free(res, ips, n_ips, port->protocol, candidate, err);

		if (rc > 0)
			*ret = candidate;
		if (rc)
			return rc;
	}
	return 0;
}

/* The next free port after the cursor, wrapping: 1 and *ret, or 0. */
static int choose_any(struct resolver *res, uint8_t protocol, const struct ip *ips,
		      unsigned int n_ips, uint16_t *ret, struct netd_error *err)
{
	const struct publish_host *host = res->host;
	uint32_t first = MAX(host->first, 1), last = host->last, port = res->cursor;

	for (uint32_t left = last < first ? 0 : last - first + 1; left > 0; left--) {
		int rc;

		port = port < first || port >= last ? first : port + 1;
		if (host->reserved && bit_test(host->reserved, port))
			continue;
		rc = is_free(res, ips, n_ips, protocol, (uint16_t)port, err);
		if (rc > 0)
			*ret = res->cursor = (uint16_t)port;
		if (rc)
			return rc;
	}
	return 0;
}

static int error_exhausted(const struct resolver *res, const struct netd_port *port,
			   struct netd_error *err)
{
	bool ranged = port->host_port != 0;
	char subject[16]; /* "65535/sctp" */

	snprintf(subject, sizeof(subject), "%u/%s", port->container_port,
		 protocol_name(port->protocol));
	return error_set(
		err, NETD_E_EXHAUSTED, EADDRINUSE, subject,
		"all ports are allocated: no %s port from %u to %u is free on %s; free one "
		"or widen %s",
		protocol_name(port->protocol), ranged ? port->host_port : res->host->first,
		ranged ? port->host_port_end : res->host->last,
		port->host_ip[0] ? port->host_ip : "any address",
		ranged ? "the range" : "net.ipv4.ip_local_port_range");
}

/* Chooses the host port of one container port, claims it and maps it. */
static int choose_one(struct resolver *res, const struct netd_port *port, const struct ip *ip,
		      uint16_t container_port, struct netd_error *err)
{
	struct ip ips[2];
	unsigned int n = host_ips(res, ip, ips);
	uint16_t number = 0;
	int rc;

	rc = port->host_port ? choose_in_range(res, port, ip, ips, n, &number, err)
			     : choose_any(res, port->protocol, ips, n, &number, err);
	if (rc == 0)
		return error_exhausted(res, port, err);
	for (unsigned int k = 0; rc > 0 && k < n; k++) {
		struct claim claim = { .ip = ips[k], .protocol = port->protocol };

		claim.first = claim.last = number;
		push_mapping(res, &ips[k], port, number, container_port, 1);
		if (claim_add(res, &claim, err) < 0)
			return -ENOMEM;
	}
	return MIN(rc, 0);
}

/* Maps one requested port, fixed or chosen. */
static int map_port(struct resolver *res, const struct netd_port *port, const struct ip *ip,
		    struct netd_error *err)
{
	struct ip ips[2];
	unsigned int n = host_ips(res, ip, ips);
	int rc = 0;

	if (is_fixed(port)) {
		for (unsigned int k = 0; k < n; k++)
			push_mapping(res, &ips[k], port, port->host_port, port->container_port,
				     port->count);
		return 0;
	}
	for (unsigned int i = 0; rc == 0 && i < port->count; i++)
		rc = choose_one(res, port, ip, (uint16_t)(port->container_port + i), err);
	return rc;
}

static int resolve(struct resolver *res, const struct netd_port *ports, size_t n_ports,
		   struct netd_error *err)
{
	size_t n_mappings = 0;
	int rc;

	res->ips = calloc(n_ports, sizeof(*res->ips));
	res->bitmaps = calloc(2 * N_PROTOCOLS, sizeof(*res->bitmaps));
	if (!res->ips || !res->bitmaps)
		return error_nomem(err);
	rc = check_ports(res, ports, n_ports, &n_mappings, err);
	if (rc < 0)
		return rc;
	res->mappings = calloc(MAX(n_mappings, 1UL), sizeof(*res->mappings));
	if (!res->mappings)
		return error_nomem(err);
	rc = each_fixed(res, ports, n_ports, claim_fixed, err);
	if (rc == 0)
		rc = each_fixed(res, ports, n_ports, probe_fixed, err);
	for (size_t i = 0; rc == 0 && i < n_ports; i++)
		/* the analyzer forgets what res owns once tsearch(3) has seen a part of it */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		rc = map_port(res, &ports[i], &res->ips[i], err);
	return rc;
}

int publish_resolve(const struct netd_port *ports, size_t n_ports, bool has4, bool has6,
		    struct publish_host *host, struct mapping **ret_mappings, uint32_t *ret_n,
		    struct netd_error *err)
{
	struct resolver res = { .host = host, .has4 = has4, .has6 = has6, .cursor = host->cursor };
	int rc = n_ports ? resolve(&res, ports, n_ports, err) : 0;

	if (rc == 0) {
		host->cursor = res.cursor;
		*ret_n = res.n_mappings;
		*ret_mappings = TAKE_PTR(res.mappings);
	}
	resolver_free(&res);
	return rc;
}
