// SPDX-License-Identifier: GPL-2.0-or-later
#include "text.h"

#include <stdio.h>
#include <strings.h>

#include "parse.h"
#include "util.h"

#define COLUMN_GAP 2

void table_cell(struct table *table, const char *text)
{
	char **cells;

	if (table->failed)
		return;
	cells = reallocarray(table->cells, table->n_cells + 1, sizeof(*cells));
	if (!cells) {
		table->failed = true;
		return;
	}
	table->cells = cells;
	cells[table->n_cells] = strdup(text && *text ? text : "-");
	if (cells[table->n_cells])
		table->n_cells++;
	else
		table->failed = true;
}

static int column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n_cells; i += table->columns)
		width = MAX(width, strlen(table->cells[i]));
	return (int)width + COLUMN_GAP;
}

void table_print(const struct table *table, struct buf *out)
{
	int widths[TABLE_COLUMNS_MAX];

	if (table->failed || table->columns > TABLE_COLUMNS_MAX) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t row = 0; row < table->n_cells; row += table->columns) {
		char *const *cells = table->cells + row;

		for (size_t i = 0; i + 1 < table->columns; i++)
			buf_printf(out, "%-*s", widths[i], cells[i]);
		buf_printf(out, "%s\n", cells[table->columns - 1]);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
}

const char *text_protocol(uint8_t protocol)
{
	switch (protocol) {
	case NETD_TCP:
		return "tcp";
	case NETD_UDP:
		return "udp";
	case NETD_SCTP:
		return "sctp";
	}
	return "unknown";
}

static int compare_lines(const void *va, const void *vb)
{
	const struct port_line *a = va, *b = vb;

	if (a->container_port != b->container_port)
		return a->container_port - b->container_port;
	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	if ((a->host[0] == '[') != (b->host[0] == '['))
		return a->host[0] == '[' ? 1 : -1;
	if (strverscmp(a->host, b->host) != 0)
		return strverscmp(a->host, b->host);
	return a->host_port - b->host_port;
}

static bool has_family(const struct netd_attachment *att, bool ipv6)
{
	for (size_t i = 0; i < att->n_addresses; i++) {
		if (!strchr(att->addresses[i].address, ':') == !ipv6)
			return true;
	}
	return false;
}

/* Appends port on one host address to lines; returns how many that made. */
static size_t add_lines(struct port_line *lines, const struct netd_port *port, const char *host_ip,
			bool expand)
{
	uint16_t step = expand ? 1 : port->count;
	size_t n = 0;

	for (unsigned int i = 0; i < port->count; i += step) {
		struct port_line *line = &lines[n++];

		snprintf(line->host, sizeof(line->host), strchr(host_ip, ':') ? "[%s]" : "%s",
			 host_ip);
		line->host_port = (uint16_t)(port->host_port + i);
		line->container_port = (uint16_t)(port->container_port + i);
		line->count = step;
		line->protocol = port->protocol;
	}
	return n;
}

int text_port_lines(const struct netd_attachment *att, bool expand, struct port_line **ret,
		    size_t *ret_n)
{
	bool ipv4 = has_family(att, false), ipv6 = has_family(att, true);
	struct port_line *lines;
	size_t max = 0, n = 0;

	for (size_t i = 0; i < att->n_ports; i++)
		max += 2 * (size_t)(expand ? att->ports[i].count : 1);
	lines = calloc(MAX(max, 1), sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < att->n_ports; i++) {
		const struct netd_port *port = &att->ports[i];

		if (port->host_ip[0]) {
			n += add_lines(lines + n, port, port->host_ip, expand);
			continue;
		}
		if (ipv4)
			n += add_lines(lines + n, port, "0.0.0.0", expand);
		if (ipv6)
			n += add_lines(lines + n, port, "::", expand);
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	*ret = lines;
	*ret_n = n;
	return 0;
}

static void add_port(struct buf *out, uint16_t port, uint16_t count)
{
	buf_printf(out, "%u", port);
	if (count > 1)
		buf_printf(out, "-%u", port + count - 1U);
}

void text_ports(const struct netd_attachment *att, struct buf *out)
{
	_cleanup_free_ struct port_line *lines = NULL;
	size_t n;

	if (text_port_lines(att, false, &lines, &n) < 0) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s:", i ? "," : "", lines[i].host);
		add_port(out, lines[i].host_port, lines[i].count);
		buf_printf(out, "->");
		add_port(out, lines[i].container_port, lines[i].count);
		buf_printf(out, "/%s", text_protocol(lines[i].protocol));
	}
}

void text_addresses(const struct netd_attachment *att, struct buf *out)
{
	for (size_t i = 0; i < att->n_addresses; i++)
		buf_printf(out, "%s%s", i ? "," : "", att->addresses[i].address);
}

int text_parse_port(const char *text, uint16_t *ret_port, uint8_t *ret_protocol)
{
	static const uint8_t protocols[] = { NETD_TCP, NETD_UDP, NETD_SCTP };
	const char *slash = strchr(text, '/');
	uint8_t protocol = slash ? 0 : NETD_TCP;
	uint32_t port;

	for (size_t i = 0; slash && i < ARRAY_SIZE(protocols); i++) {
		if (!strcasecmp(slash + 1, text_protocol(protocols[i])))
			protocol = protocols[i];
	}
	if (!protocol)
		return -EINVAL;
	if (parse_u32_n(text, slash ? (size_t)(slash - text) : strlen(text), 65535, &port) < 0 ||
	    port == 0)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	*ret_protocol = protocol;
	return 0;
}

/* Length of the sequence that begins at s, by RFC 3629; 0: none. A NUL ends it early. */
static size_t utf8_sequence(const unsigned char *s)
{
	size_t len = 0;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xf4)
		len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* longer than needed, a surrogate, or beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return len;
}

static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* keep NULL: control characters stay. */
static void replace(char *text, const char *keep)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t len = utf8_sequence(s);

		if (!len || (keep && is_control(s) && !strchr(keep, *s)))
			memset(s, '?', MAX(len, (size_t)1));
		s += MAX(len, (size_t)1);
	}
}

void text_utf8(char *text)
{
	replace(text, NULL);
}

void text_printable(char *text, const char *keep)
{
	replace(text, keep);
}

#define SUGGEST_MAX 32 /* bytes; no command or option is longer */

/* Optimal string alignment distance: insert, delete, replace, swap neighbours. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[SUGGEST_MAX + 1][SUGGEST_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SUGGEST_MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, d[i - 1][j] + 1);
			best = MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

const char *text_suggest(const char *word, const char *const *candidates)
{
	/* one slip in short words, two in longer ones: more is no slip but another word */
	unsigned int limit = strlen(word) < 4 ? 1 : 2, best = limit + 1;
	const char *nearest = NULL;

	for (; *candidates; candidates++) {
		unsigned int d = distance(word, *candidates);

		if (d < best) {
			best = d;
			nearest = *candidates;
		}
	}
	return nearest;
}
