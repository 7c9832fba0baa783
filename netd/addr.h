/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses, prefixes and MAC addresses as values. Pure. */
#ifndef NETD_ADDR_H
#define NETD_ADDR_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* family is AF_INET, AF_INET6, or AF_UNSPEC for "none"; unused bytes are zero, so memcmp compares. */
struct ip {
	uint8_t family;
	uint8_t b[16]; /* network byte order; IPv4 in the first 4 */
};

struct prefix {
	struct ip ip; /* may carry host bits: an interface address */
	uint8_t len;
};

struct mac {
	uint8_t b[6];
};

#define IP_STRLEN INET6_ADDRSTRLEN
#define PREFIX_STRLEN (INET6_ADDRSTRLEN + 4)
#define MAC_STRLEN 18

static inline unsigned int ip_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}
static inline unsigned int ip_bytes(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/*
 * Strict: dotted quad without leading zeros, or RFC 4291 text; no scope, no blank. IPv4-mapped IPv6
 * is refused. -EINVAL without touching ret.
 */
int ip_parse(const char *text, struct ip *ret);
/* ADDR/LEN; the length is required and decimal. Host bits are kept. */
int prefix_parse(const char *text, struct prefix *ret);
/* Six colon-separated hex pairs of a unicast address, not all zero. */
int mac_parse(const char *text, struct mac *ret);

/* Write into buf and return it. RFC 5952 form for IPv6. */
const char *ip_format(const struct ip *ip, char buf[static IP_STRLEN]);
const char *prefix_format(const struct prefix *prefix, char buf[static PREFIX_STRLEN]);
const char *mac_format(const struct mac *mac, char buf[static MAC_STRLEN]);

int ip_cmp(const struct ip *a, const struct ip *b); /* by family, then numerically */
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_zero(const struct ip *ip);	  /* 0.0.0.0 or :: */
bool ip_is_loopback(const struct ip *ip); /* 127.0.0.0/8 or ::1 */
bool ip_is_multicast(const struct ip *ip);
bool ip_is_link_local(const struct ip *ip);

/* ip + n or ip - n with carry; false (ret untouched) on wrap around the address space. */
bool ip_add(const struct ip *ip, uint64_t n, struct ip *ret);
bool ip_sub(const struct ip *ip, uint64_t n, struct ip *ret);

bool prefix_contains(const struct prefix *prefix, const struct ip *ip);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
bool prefix_has_host_bits(const struct prefix *prefix);
struct ip prefix_first(const struct prefix *prefix); /* network address: host bits zero */
struct ip prefix_last(const struct prefix *prefix);  /* host bits one */

/*
 * MAC addresses are derived from the address, so that neighbours' caches stay right when an address
 * is reused: 02:42:a:b:c:d for IPv4 a.b.c.d, 02:43 and a hash for IPv6.
 */
struct mac mac_from_ip(const struct ip *ip);
/* The link-local address of modified EUI-64 (RFC 4291 appendix A). */
struct ip ip_link_local(const struct mac *mac);

#endif
