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
 * An interface name: 1..15 of [a-zA-Z0-9_.@+=-], the first not '-', and none of ".", "..", "all",
 * "default", "lo". Narrower than what Linux accepts: such a name is safe as a component of a path, of
 * a sysctl's name, of a shell command and of a line for nft(8).
 */
bool ifname_valid(const char *text);

/* Whether ports of the protocol can be published: TCP, UDP, SCTP (IANA numbers). */
bool protocol_valid(uint8_t protocol);
/* "tcp", "udp", "sctp"; "?" for any other. */
const char *protocol_name(uint8_t protocol);

#endif
