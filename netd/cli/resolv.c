// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "util.h"

#define BLANKS " \t"

static bool usable4(const struct in_addr *addr)
{
	uint32_t a = ntohl(addr->s_addr);

	return a != INADDR_ANY && a >> 24 != IN_LOOPBACKNET;
}

static bool usable6(const struct in6_addr *addr)
{
	struct in_addr mapped;

	if (IN6_IS_ADDR_V4MAPPED(addr)) {
		memcpy(&mapped, &addr->s6_addr[12], sizeof(mapped));
		return usable4(&mapped);
	}
	return !IN6_IS_ADDR_LOOPBACK(addr) && !IN6_IS_ADDR_UNSPECIFIED(addr) &&
	       !IN6_IS_ADDR_LINKLOCAL(addr);
}

/* A server that does not parse is none for the resolver either. */
static bool usable(const char *server)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, server, &v4) == 1)
		return usable4(&v4);
	return inet_pton(AF_INET6, server, &v6) == 1 && usable6(&v6);
}

/* The address of a "nameserver" line into server; false for other lines. */
static bool nameserver(const char *line, size_t len, char *server, size_t size)
{
	static const char word[] = "nameserver";
	size_t n = sizeof(word) - 1, skip;

	if (len <= n || memcmp(line, word, n) != 0 || !strchr(BLANKS, line[n]))
		return false;
	skip = n + strspn(line + n, BLANKS);
	snprintf(server, size, "%.*s", (int)strcspn(line + skip, BLANKS "\r\n"), line + skip);
	return true;
}

int resolv_filter(const char *text, struct buf *out)
{
	char server[64];
	int n = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (!nameserver(text, len, server, sizeof(server))) {
			buf_add(out, text, len);
			buf_add(out, "\n", 1);
		} else if (usable(server)) {
			buf_printf(out, "nameserver %s\n", server);
			n++;
		}
		text += len + (text[len] == '\n');
	}
	return n;
}
