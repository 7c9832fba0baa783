/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict parsing of numbers and names; names of transport protocols. Pure. */
#ifndef NETD_PARSE_H
#define NETD_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decimal digits only: no sign, no blank, whole string, at least one digit. -EINVAL if malformed,
 * -ERANGE above max; ret untouched on failure.
 */
int parse_u32(const char *text, uint32_t max, uint32_t *ret);
/* The same over the first len bytes. */
int parse_u32_n(const char *text, unsigned long len, uint32_t max, uint32_t *ret);

/* [a-zA-Z0-9][a-zA-Z0-9_.-]* of 1..max bytes: network names and container ids. */
bool name_valid(const char *text, unsigned long max);

/*
 * An interface name that Linux accepts and that is safe as a path component and in a sysctl path:
 * 1..15 bytes, printable ASCII without '/', ':', '%' and blanks; not ".", "..", "all", "default", "lo".
 */
bool ifname_valid(const char *text);

/* Whether ports of the protocol can be published: TCP, UDP, SCTP (IANA numbers). */
bool protocol_valid(uint8_t protocol);
/* "tcp", "udp", "sctp"; "?" for any other. */
const char *protocol_name(uint8_t protocol);

#endif
