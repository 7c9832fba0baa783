// SPDX-License-Identifier: GPL-2.0-or-later
#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "util.h"

/* An address as a number: arithmetic with carry, the same for both families. */
struct wide {
	uint64_t hi;
	uint64_t lo;
};

static struct wide wide_load(const struct ip *ip)
{
	struct wide w = { 0 };

	for (unsigned int i = 0; i < ip_bytes(ip->family); i++) {
		w.hi = w.hi << 8 | w.lo >> 56;
		w.lo = w.lo << 8 | ip->b[i];
	}
	return w;
}

static struct ip wide_store(uint8_t family, struct wide w)
{
	struct ip ip = { .family = family };

	for (unsigned int i = ip_bytes(family); i-- > 0;) {
		ip.b[i] = (uint8_t)w.lo;
		w.lo = w.lo >> 8 | w.hi << 56;
		w.hi >>= 8;
	}
	return ip;
}

/* ::ffff:0:0/96: the kernel treats such an address as IPv4, an IPv6 rule never matches it */
static bool is_v4_mapped(const struct ip *ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return ip->family == AF_INET6 && memcmp(ip->b, mapped, sizeof(mapped)) == 0;
}

int ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(ip.family, text, ip.b) != 1 || is_v4_mapped(&ip))
		return -EINVAL;
	*ret = ip;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	char addr[IP_STRLEN];
	struct ip ip;
	uint32_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (ip_parse(addr, &ip) < 0 || parse_u32(slash + 1, ip_bits(ip.family), &len) < 0)
		return -EINVAL;
	*ret = (struct prefix){ .ip = ip, .len = (uint8_t)len };
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *text, struct mac *ret)
{
	static const struct mac zero = { { 0 } };
	struct mac mac = zero;

	if (strnlen(text, MAC_STRLEN) != MAC_STRLEN - 1)
		return -EINVAL;
	for (unsigned int i = 0; i < sizeof(mac.b); i++, text += 3) {
		int hi = hex_digit(text[0]), lo = hex_digit(text[1]);

		if (hi < 0 || lo < 0 || text[2] != (i + 1 < sizeof(mac.b) ? ':' : '\0'))
			return -EINVAL;
		mac.b[i] = (uint8_t)(hi << 4 | lo);
	}
	if (mac.b[0] & 1 || memcmp(&mac, &zero, sizeof(mac)) == 0)
		return -EINVAL;
	*ret = mac;
	return 0;
}

const char *ip_format(const struct ip *ip, char buf[static IP_STRLEN])
{
	/* glibc's text is RFC 5952, with its section 5 for ::/96; only "none" has no text */
	if (!inet_ntop(ip->family, ip->b, buf, IP_STRLEN))
		buf[0] = '\0';
	return buf;
}

const char *prefix_format(const struct prefix *prefix, char buf[static PREFIX_STRLEN])
{
	char ip[IP_STRLEN];

	snprintf(buf, PREFIX_STRLEN, "%s/%u", ip_format(&prefix->ip, ip), prefix->len);
	return buf;
}

const char *mac_format(const struct mac *mac, char buf[static MAC_STRLEN])
{
	const uint8_t *b = mac->b;

	snprintf(buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return buf;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return ip_cmp(a, b) == 0;
}

bool ip_is_zero(const struct ip *ip)
{
	static const uint8_t zero[16];

	return ip->family != AF_UNSPEC && memcmp(ip->b, zero, sizeof(zero)) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->b[0] == 127;
	return ip->family == AF_INET6 && memcmp(ip->b, one, sizeof(one)) == 0;
}

bool ip_is_multicast(const struct ip *ip)
{
	if (ip->family == AF_INET)
		return (ip->b[0] & 0xf0) == 0xe0;
	return ip->family == AF_INET6 && ip->b[0] == 0xff;
}

bool ip_is_link_local(const struct ip *ip)
{
	if (ip->family == AF_INET)
		return ip->b[0] == 169 && ip->b[1] == 254;
	return ip->family == AF_INET6 && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool ip_add(const struct ip *ip, uint64_t n, struct ip *ret)
{
	struct wide w = wide_load(ip);
	uint64_t hi = w.hi;

	w.lo += n;
	w.hi += w.lo < n;
	if (w.hi < hi || (ip->family == AF_INET && (w.hi || w.lo > UINT32_MAX)))
		return false;
	*ret = wide_store(ip->family, w);
	return true;
}

bool ip_sub(const struct ip *ip, uint64_t n, struct ip *ret)
{
	struct wide w = wide_load(ip);

	if (w.lo < n && w.hi == 0)
		return false;
	w.hi -= w.lo < n;
	w.lo -= n;
	*ret = wide_store(ip->family, w);
	return true;
}

/* The bits of byte i of an address that belong to a prefix of len bits. */
static uint8_t mask_byte(unsigned int len, unsigned int i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - len));
}

bool prefix_contains(const struct prefix *prefix, const struct ip *ip)
{
	if (prefix->ip.family != ip->family)
		return false;
	for (unsigned int i = 0; i < ip_bytes(ip->family); i++)
		if ((prefix->ip.b[i] ^ ip->b[i]) & mask_byte(prefix->len, i))
			return false;
	return true;
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->ip) : prefix_contains(b, &a->ip);
}

bool prefix_has_host_bits(const struct prefix *prefix)
{
	struct ip first = prefix_first(prefix);

	return !ip_equal(&first, &prefix->ip);
}

struct ip prefix_first(const struct prefix *prefix)
{
	struct ip ip = prefix->ip;

	for (unsigned int i = 0; i < ip_bytes(ip.family); i++)
		ip.b[i] &= mask_byte(prefix->len, i);
	return ip;
}

struct ip prefix_last(const struct prefix *prefix)
{
	struct ip ip = prefix->ip;

	for (unsigned int i = 0; i < ip_bytes(ip.family); i++)
		ip.b[i] |= (uint8_t)~mask_byte(prefix->len, i);
	return ip;
}

struct mac mac_from_ip(const struct ip *ip)
{
	struct mac mac = { { 0x02, 0x42 } };
	uint64_t hash;

	if (ip->family == AF_INET) {
		memcpy(mac.b + 2, ip->b, 4);
		return mac;
	}
	hash = hash_bytes(HASH_INIT, ip->b, sizeof(ip->b));
	hash ^= hash >> 32;
	mac.b[1] = 0x43;
	for (unsigned int i = 0; i < 4; i++)
		mac.b[2 + i] = (uint8_t)(hash >> (24 - 8 * i));
	return mac;
}

struct ip ip_link_local(const struct mac *mac)
{
	const uint8_t *m = mac->b;

	return (struct ip){
		.family = AF_INET6,
		.b = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 0x02, m[1], m[2], 0xff, 0xfe, m[3],
		       m[4], m[5] },
	};
}
