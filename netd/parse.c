// SPDX-License-Identifier: GPL-2.0-or-later
#include "parse.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "util.h"

/* Spelt out, not isalnum(3): the answer must not depend on the caller's locale. */
#define ALNUM_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME_CHARS ALNUM_CHARS "_.-"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_u32_n(const char *text, unsigned long len, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (!len)
		return -EINVAL;
	for (unsigned long i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return -EINVAL;
		/* saturated, so that a malformed tail is still told from a large number */
		if (value <= max)
			value = value * 10 + (uint64_t)(text[i] - '0');
	}
	if (value > max)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

int parse_u32(const char *text, uint32_t max, uint32_t *ret)
{
	return parse_u32_n(text, strlen(text), max, ret);
}

bool name_valid(const char *text, unsigned long max)
{
	size_t len = strnlen(text, max + 1);

	return len && len <= max && strchr(ALNUM_CHARS, text[0]) && !text[strspn(text, NAME_CHARS)];
}

bool ifname_valid(const char *text)
{
	static const char *const taken[] = { ".", "..", "all", "default", "lo" };
	size_t len = strnlen(text, IFNAMSIZ);

	if (!len || len >= IFNAMSIZ)
		return false;
	if (text[0] == '-' || text[strspn(text, NAME_CHARS "@+=")])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcmp(text, taken[i]) == 0)
			return false;
	return true;
}

const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	default:
		return "?";
	}
}

bool protocol_valid(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}
