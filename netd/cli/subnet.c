// SPDX-License-Identifier: GPL-2.0-or-later
#include "subnet.h"

#include <arpa/inet.h>
#include <stdbool.h>

#include "front/front.h"
#include "parse.h"
#include "util.h"

struct cidr {
	int family;
	uint8_t addr[16];
	unsigned int len; /* bits of the prefix */
};

static unsigned int family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* An address: a prefix of full length. */
static int parse_address(const char *text, struct cidr *ret)
{
	struct cidr c = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(c.family, text, c.addr) != 1)
		return -EINVAL;
	c.len = family_bits(c.family);
	*ret = c;
	return 0;
}

static int parse_cidr(const char *text, struct cidr *ret)
{
	const char *slash = strchr(text, '/');
	char addr[NETD_IP_STRLEN];
	uint32_t len;
	int r;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	r = parse_address(addr, ret);
	if (r == 0)
		r = parse_u32(slash + 1, ret->len, &len);
	if (r == 0)
		ret->len = len;
	return r;
}

/* The mask of byte i of a prefix of len bits. */
static uint8_t mask_byte(unsigned int len, unsigned int i)
{
	unsigned int mask = 0xff00;

	if (len > 8 * i)
		mask >>= MIN(len - 8 * i, 8);
	return mask & 0xff;
}

static bool contains(const struct cidr *outer, const struct cidr *inner)
{
	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	for (unsigned int i = 0; i < family_bits(outer->family) / 8; i++) {
		if ((outer->addr[i] ^ inner->addr[i]) & mask_byte(outer->len, i))
			return false;
	}
	return true;
}

/* First or last address of the prefix. */
static struct cidr edge(const struct cidr *c, bool last)
{
	struct cidr e = *c;

	e.len = family_bits(c->family);
	for (unsigned int i = 0; i < e.len / 8; i++) {
		uint8_t mask = mask_byte(c->len, i), host = last ? (uint8_t)~mask : 0;

		e.addr[i] = (c->addr[i] & mask) | host;
	}
	return e;
}

static bool same_address(const struct cidr *a, const struct cidr *b)
{
	return !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* The index of the subnet that contains c, or -1. */
static int find_subnet(const struct cidr *subnets, size_t n, const struct cidr *c)
{
	for (size_t i = 0; i < n; i++) {
		if (contains(&subnets[i], c))
			return (int)i;
	}
	return -1;
}

static int add_gateway(struct subnet_ranges *ret, const struct cidr *subnets, const char *text,
		       struct netd_error *err)
{
	struct cidr c;
	int i;

	if (parse_address(text, &c) < 0)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--gateway %s: not an IP address", text);
	i = find_subnet(subnets, ret->n, &c);
	if (i < 0)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--gateway %s: no --subnet contains it", text);
	if (ret->ranges[i].gateway)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--gateway %s: subnet %s has gateway %s already", text,
				   ret->ranges[i].subnet, ret->ranges[i].gateway);
	ret->ranges[i].gateway = text;
	return 0;
}

/*
 * Where the range ends with the subnet, the end is left to the library, which knows what is usable
 * there (not the network and broadcast addresses).
 */
static void set_limits(struct subnet_ranges *ret, int i, const struct cidr *subnet,
		       const struct cidr *c)
{
	struct cidr first = edge(c, false), last = edge(c, true);
	struct cidr subnet_first = edge(subnet, false), subnet_last = edge(subnet, true);

	if (!same_address(&first, &subnet_first)) {
		inet_ntop(c->family, first.addr, ret->start[i], NETD_IP_STRLEN);
		ret->ranges[i].start = ret->start[i];
	}
	if (!same_address(&last, &subnet_last)) {
		inet_ntop(c->family, last.addr, ret->end[i], NETD_IP_STRLEN);
		ret->ranges[i].end = ret->end[i];
	}
}

static int add_ip_range(struct subnet_ranges *ret, const struct cidr *subnets, const char *text,
			struct netd_error *err)
{
	struct cidr c, first;
	int i;

	if (parse_cidr(text, &c) < 0)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--ip-range %s: not ADDRESS/LENGTH", text);
	first = edge(&c, false);
	if (!same_address(&c, &first))
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--ip-range %s: bits are set behind the prefix", text);
	i = find_subnet(subnets, ret->n, &c);
	if (i < 0)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--ip-range %s: no --subnet contains it", text);
	if (ret->ranges[i].start || ret->ranges[i].end)
		return front_error(err, NETD_E_INVALID, EINVAL, text,
				   "--ip-range %s: subnet %s has a range already", text,
				   ret->ranges[i].subnet);
	set_limits(ret, i, &subnets[i], &c);
	return 0;
}

int subnet_ranges(const struct subnet_options *options, struct subnet_ranges *ret,
		  struct netd_error *err)
{
	struct cidr subnets[SUBNET_MAX] = { 0 };
	int r = 0;

	*ret = (struct subnet_ranges){ 0 };
	for (size_t i = 0; i < options->n_subnets; i++) {
		const char *text = options->subnets[i];

		if (parse_cidr(text, &subnets[i]) < 0)
			return front_error(err, NETD_E_INVALID, EINVAL, text,
					   "--subnet %s: not ADDRESS/LENGTH", text);
		ret->ranges[i].subnet = text;
		ret->ranges[i].set = subnets[i].family != subnets[0].family;
		ret->n++;
	}
	for (size_t i = 0; i < options->n_gateways && r == 0; i++)
		r = add_gateway(ret, subnets, options->gateways[i], err);
	for (size_t i = 0; i < options->n_ip_ranges && r == 0; i++)
		r = add_ip_range(ret, subnets, options->ip_ranges[i], err);
	return r;
}
