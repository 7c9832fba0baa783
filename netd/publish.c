// SPDX-License-Identifier: GPL-2.0-or-later
#include "publish.h"

#include <stdio.h>

#include "error.h"
#include "parse.h"
#include "util.h"

#define SPEC_MAX 256	  /* bytes of a spec; the longest sensible one has about 70 */
#define PORT_MAX 65535U	  /* largest port number */
#define SUBJECT_STRLEN 16 /* "65535/sctp" */

static const struct protocol {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ NETD_TCP, "tcp" },
	{ NETD_UDP, "udp" },
	{ NETD_SCTP, "sctp" },
};

/* ---- grammar ------------------------------------------------------------------------------ */

/* A part of a spec. */
struct span {
	const char *p;
	size_t len;
};

/* For "%.*s"; a span is never longer than SPEC_MAX. */
#define SPAN(s) (int)(s).len, (s).p

/* Messages repeat what was given: it must not carry line breaks or escape sequences along. */
static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* Cuts the last field off *rest: what follows its last ':', or all of it. */
static struct span cut_last(struct span *rest)
{
	const char *colon = memrchr(rest->p, ':', rest->len);
	struct span field = *rest;

	rest->len = 0;
	if (colon) {
		rest->len = (size_t)(colon - rest->p);
		field.p = colon + 1;
		field.len -= rest->len + 1;
	}
	return field;
}

/* NUM or NUM-NUM; what is "containerPort" or "hostPort". */
static int parse_range(const char *spec, const char *what, struct span text, uint16_t *ret_first,
		       uint16_t *ret_last, struct netd_error *err)
{
	const char *dash = memchr(text.p, '-', text.len);
	size_t len = dash ? (size_t)(dash - text.p) : text.len;
	uint32_t first, last;
	int rc = parse_u32_n(text.p, len, PORT_MAX, &first), rc_last = 0;

	last = first;
	if (dash)
		rc_last = parse_u32_n(dash + 1, text.len - len - 1, PORT_MAX, &last);
	if (rc == -EINVAL || rc_last == -EINVAL)
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "invalid %s: %.*s: not a port number; write NUMBER or FIRST-LAST",
				 what, SPAN(text));
	if (rc < 0 || rc_last < 0)
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "invalid %s: %.*s: value out of range (0-65535)", what,
				 SPAN(text));
	if (first > last)
		return error_set(
			err, NETD_E_INVALID, EINVAL, spec,
			"invalid %s: %.*s: invalid port range: %.*s; write the lower number "
			"first",
			what, SPAN(text), SPAN(text));
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
	return 0;
}

/* Takes "/proto" off the container field. */
static int parse_protocol(const char *spec, struct span *container, uint8_t *ret,
			  struct netd_error *err)
{
	const char *slash = memchr(container->p, '/', container->len);
	struct span name;

	if (!slash) {
		*ret = NETD_TCP;
		return 0;
	}
	name = (struct span){ slash + 1, container->len - (size_t)(slash + 1 - container->p) };
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strlen(protocols[i].name) == name.len &&
		    strncasecmp(protocols[i].name, name.p, name.len) == 0) {
			container->len = (size_t)(slash - container->p);
			*ret = protocols[i].number;
			return 0;
		}
	}
	return error_set(err, NETD_E_INVALID, EINVAL, spec,
			 "invalid proto: %.*s: write tcp, udp or sctp after the '/'", SPAN(name));
}

/* An address to publish on; "" gives family AF_UNSPEC: both families. */
static int parse_host_ip(const char *subject, struct span text, struct ip *ret,
			 struct netd_error *err)
{
	static const uint8_t broadcast[16] = { 255, 255, 255, 255 };
	struct ip ip = { .family = AF_UNSPEC };
	char copy[NETD_IP_STRLEN] = "";

	if (text.len < sizeof(copy))
		memcpy(copy, text.p, text.len);
	if (text.len && ip_parse(copy, &ip) < 0)
		return error_set(
			err, NETD_E_INVALID, EINVAL, subject,
			"invalid IP address: %.*s: write an IPv4 address, or an IPv6 address "
			"in brackets (not IPv4-mapped, no zone), before HOSTPORT:PORT",
			SPAN(text));
	if (ip_is_multicast(&ip) ||
	    (ip.family == AF_INET && memcmp(ip.b, broadcast, sizeof(broadcast)) == 0))
		return error_set(
			err, NETD_E_INVALID, EINVAL, subject,
			"invalid IP address: %.*s: a multicast or broadcast address cannot be "
			"published on; use an address of the host",
			SPAN(text));
	*ret = ip;
	return 0;
}

static int parse_bracketed_ip(const char *spec, struct span text, struct ip *ret,
			      struct netd_error *err)
{
	if (!text.len || text.p[0] != '[')
		return parse_host_ip(spec, text, ret, err);
	if (text.len < 3 || text.p[text.len - 1] != ']')
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "invalid IP address: %.*s: write [IPV6]:HOSTPORT:PORT, or "
				 "[IPV6]::PORT to have the host port chosen",
				 SPAN(text));
	return parse_host_ip(spec, (struct span){ text.p + 1, text.len - 2 }, ret, err);
}

/* Relates the host range to the container range, both given as first and last. */
static int fill_ports(const char *spec, struct span container, struct span host,
		      struct netd_port *port, struct netd_error *err)
{
	uint16_t first = 0, last = 0, host_first = 0, host_last = 0;
	int rc = parse_range(spec, "containerPort", container, &first, &last, err);

	if (rc == 0 && host.len)
		rc = parse_range(spec, "hostPort", host, &host_first, &host_last, err);
	if (rc < 0)
		return rc;
	if (!first)
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "invalid containerPort: %.*s: container ports are 1 to 65535",
				 SPAN(container));
	if (!host_first && host_last)
		return error_set(
			err, NETD_E_INVALID, EINVAL, spec,
			"invalid hostPort: %.*s: a range starts at 1 or above; write 0 alone, "
			"or nothing, to have the port chosen",
			SPAN(host));
	if (host_first && last != first && host_last - host_first != last - first)
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "invalid ranges specified for container and host Ports: %.*s and "
				 "%.*s: give both the same length, or one container port",
				 SPAN(container), SPAN(host));
	port->host_port = host_first;
	port->host_port_end = host_last;
	port->container_port = first;
	port->count = (uint16_t)(last - first + 1);
	return 0;
}

int netd_port_parse(const char *spec, struct netd_port *ret_port, struct netd_error *err)
{
	struct netd_port port = { 0 };
	struct span rest, container, host;
	struct ip ip;
	int rc;

	if (!spec)
		spec = "";
	rest = (struct span){ spec, strnlen(spec, SPEC_MAX + 1) };
	if (rest.len > SPEC_MAX)
		return error_set(err, NETD_E_INVALID, EINVAL, NULL,
				 "port specification longer than %d bytes: write "
				 "[[IP:][HOSTPORT]:]PORT[/PROTO]",
				 SPEC_MAX);
	if (!is_printable(rest.p, rest.len))
		return error_set(
			err, NETD_E_INVALID, EINVAL, NULL,
			"port specification with bytes that are not printable ASCII: write "
			"[[IP:][HOSTPORT]:]PORT[/PROTO]");
	container = cut_last(&rest);
	host = cut_last(&rest);
	rc = parse_protocol(spec, &container, &port.protocol, err);
	if (rc == 0)
		rc = parse_bracketed_ip(spec, rest, &ip, err);
	if (rc < 0)
		return rc;
	if (!container.len)
		return error_set(err, NETD_E_INVALID, EINVAL, spec,
				 "no port specified: %s<empty>: write the container port last",
				 spec);
	rc = fill_ports(spec, container, host, &port, err);
	if (rc < 0)
		return rc;
	ip_format(&ip, port.host_ip);
	*ret_port = port;
	return 0;
}

/* ---- requests and reports ----------------------------------------------------------------- */

int publish_check(const struct netd_port *port, struct netd_error *err)
{
	size_t ip_len = strnlen(port->host_ip, sizeof(port->host_ip));
	uint32_t last = port->host_port + (uint32_t)port->count - 1;
	char subject[SUBJECT_STRLEN];
	struct ip ip;

	snprintf(subject, sizeof(subject), "%u/%s", port->container_port,
		 protocol_name(port->protocol));
	if (!protocol_valid(port->protocol))
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid proto: %u: use tcp (6), udp (17) or sctp (132)",
				 port->protocol);
	if (ip_len == sizeof(port->host_ip) || !is_printable(port->host_ip, ip_len))
		return error_set(
			err, NETD_E_INVALID, EINVAL, subject,
			"invalid IP address: not printable ASCII; give the host address as text");
	if (!port->container_port)
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid containerPort: 0: container ports are 1 to 65535");
	if (!port->count || port->container_port + port->count - 1U > PORT_MAX)
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid containerPort: %u with a count of %u: value out of range "
				 "(0-65535); count is 1 or more and the last port at most 65535",
				 port->container_port, port->count);
	if ((!port->host_port && port->host_port_end) || (port->host_port && last > PORT_MAX))
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid hostPort: %u-%u for %u ports: value out of range "
				 "(0-65535); keep it in 1-65535",
				 port->host_port, port->host_port_end, port->count);
	if (port->host_port && port->host_port_end && port->host_port_end < port->host_port)
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid hostPort: %u-%u: invalid port range: %u-%u; give the "
				 "lower number first",
				 port->host_port, port->host_port_end, port->host_port,
				 port->host_port_end);
	if (port->host_port_end && port->count > 1 && port->host_port_end != last)
		return error_set(err, NETD_E_INVALID, EINVAL, subject,
				 "invalid ranges specified for container and host Ports: %u-%u and "
				 "%u-%u: give both the same length, or one container port",
				 port->container_port, port->container_port + port->count - 1,
				 port->host_port, port->host_port_end);
	return parse_host_ip(subject, (struct span){ port->host_ip, ip_len }, &ip, err);
}

int publish_report(const struct mapping *mappings, uint32_t n, struct netd_port **ret,
		   size_t *ret_n, struct netd_error *err)
{
	struct netd_port *ports = NULL;

	if (n) {
		ports = calloc(n, sizeof(*ports));
		if (!ports)
			return error_nomem(err);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct mapping *m = &mappings[i];

		ip_format(&m->host, ports[i].host_ip);
		ports[i].host_port = m->host_port;
		ports[i].host_port_end = (uint16_t)(m->host_port + m->count - 1);
		ports[i].container_port = m->container_port;
		ports[i].count = m->count;
		ports[i].protocol = m->protocol;
	}
	*ret = ports;
	*ret_n = n;
	return 0;
}
