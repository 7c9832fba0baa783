/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people: tables, published ports, suggestions. Pure. */
#ifndef NETD_CLI_TEXT_H
#define NETD_CLI_TEXT_H

#include <netd.h>

#include "buf.h"

#define TABLE_COLUMNS_MAX 8

/* Aligned columns, the last one as long as it likes. Zero-initialise except for columns. */
struct table {
	size_t columns; /* at most TABLE_COLUMNS_MAX */
	char **cells;
	size_t n_cells;
	bool failed; /* out of memory */
};

/* One cell after the other, row by row; NULL and "" show as "-". Copies. */
void table_cell(struct table *table, const char *text);
void table_print(const struct table *table, struct buf *out);
void table_free(struct table *table);

/* One published port, or count of them, on one host address. */
struct port_line {
	char host[NETD_IP_STRLEN + 2]; /* "0.0.0.0", "[::]" */
	uint16_t host_port;
	uint16_t container_port;
	uint16_t count;
	uint8_t protocol;
};

/*
 * The published ports of an attachment, sorted by container port, protocol and host address. One
 * that is published on both families becomes a line for each family that the container has an
 * address of. expand: every port of a range by itself. Returns -ENOMEM or 0; free(*ret).
 */
int text_port_lines(const struct netd_attachment *att, bool expand, struct port_line **ret,
		    size_t *ret_n);

/* "tcp", "udp", "sctp" */
const char *text_protocol(uint8_t protocol);

/* "0.0.0.0:8000-8010->80-90/tcp,[::]:53->53/udp": without blanks, so that it is one column. */
void text_ports(const struct netd_attachment *att, struct buf *out);
/* "10.144.0.2/24,fd6e::2/64" */
void text_addresses(const struct netd_attachment *att, struct buf *out);

/* "PORT[/PROTO]", tcp unless given. -EINVAL if malformed. */
int text_parse_port(const char *text, uint16_t *ret_port, uint8_t *ret_protocol);

/* In place: '?' for every byte that is not part of valid UTF-8. */
void text_utf8(char *text);
/* The same, and for the control characters (those of Unicode's second block, too) not in keep. */
void text_printable(char *text, const char *keep);

/* The candidate nearest to word, or NULL if none is near; candidates end with NULL. */
const char *text_suggest(const char *word, const char *const *candidates);

#endif
