// SPDX-License-Identifier: GPL-2.0-or-later
#include "sock.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "error.h"
#include "parse.h"
#include "sysctl.h"
#include "util.h"

/* How much of /proc is searched for the owner of a port before giving up: about 0.2 s. */
#define OWNER_SOCKETS_MAX 100000
#define OWNER_FDS_MAX 100000

#define TCP_LISTEN_STATE 0x0a /* as in /proc/net/tcp */

/* ---- the owner of a port, for the error message ------------------------------------------- */

/* One line of /proc/net/{tcp,udp}{,6}: addresses are 32-bit words in the machine's byte order. */
struct socket_line {
	struct ip local;
	unsigned int port;
	unsigned int state;
	unsigned long inode;
};

static bool socket_line_parse(const char *line, uint8_t family, struct socket_line *ret)
{
	unsigned int words = ip_bytes(family) / 4;
	int at = 0;

	memset(ret, 0, sizeof(*ret));
	if (sscanf(line, " %*d: %n", &at) < 0 || !at)
		return false;
	ret->local.family = family;
	for (unsigned int i = 0; i < words; i++) {
		unsigned int word;

		if (sscanf(line + at, "%8x", &word) != 1)
			return false;
		memcpy(ret->local.b + 4 * (size_t)i, &word, 4);
		at += 8;
	}
	return sscanf(line + at, ":%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &ret->port,
		      &ret->state, &ret->inode) == 3;
}

/* The IPv4 address of an IPv4-mapped one */
static struct ip unmap(struct ip ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip v4 = { .family = AF_INET };

	if (ip.family != AF_INET6 || memcmp(ip.b, mapped, sizeof(mapped)) != 0)
		return ip;
	memcpy(v4.b, ip.b + sizeof(mapped), 4);
	return v4;
}

static bool in_the_way(const struct socket_line *line, const struct ip *host, uint16_t port)
{
	struct ip local = unmap(line->local);

	return line->inode && line->port == port &&
	       (ip_is_zero(&local) ||
		(local.family == host->family && (ip_is_zero(host) || ip_equal(&local, host))));
}

/* Inode of the socket that holds the port, 0 if the file shows none; a listener is preferred. */
static unsigned long find_inode(const char *file, uint8_t family, const struct ip *host,
				uint16_t port)
{
	char path[64], text[512];
	unsigned long inode = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
	f = fopen(path, "re");
	if (!f)
		return 0;
	for (int i = 0; i < OWNER_SOCKETS_MAX && fgets(text, sizeof(text), f); i++) {
		struct socket_line line;

		if (!socket_line_parse(text, family, &line) || !in_the_way(&line, host, port))
			continue;
		inode = line.inode;
		if (line.state == TCP_LISTEN_STATE)
			break;
	}
	fclose(f);
	return inode;
}

/* Does a descriptor of the process refer to the socket? *budget counts descriptors down. */
static bool holds_socket(int proc, const char *pid, unsigned long inode, int *budget)
{
	char path[64], want[64], link[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		cleanup_close(&fd);
		return false;
	}
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	while (!found && (*budget)-- > 0 && (entry = readdir(dir))) {
		ssize_t n = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);

		link[MAX(n, 0)] = '\0';
		found = !strcmp(link, want);
	}
	closedir(dir);
	return found;
}

/* " by process NAME (pid N)" into ret */
static void describe(int proc, const char *pid, char *ret, size_t size)
{
	char path[64], name[17] = "";
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
	name[MAX(n, 0)] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	snprintf(ret, size, " by process %s (pid %.20s)", name, pid);
}

static void find_process(unsigned long inode, char *ret, size_t size)
{
	int budget = OWNER_FDS_MAX;
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir)
		return;
	while (budget > 0 && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !holds_socket(dirfd(dir), entry->d_name, inode, &budget))
			continue;
		describe(dirfd(dir), entry->d_name, ret, size);
		break;
	}
	closedir(dir);
}

/* Leaves ret empty where /proc does not tell. */
static void find_owner(const struct ip *host, uint8_t protocol, uint16_t port, char *ret,
		       size_t size)
{
	unsigned long inode = 0;
	char file[8];

	ret[0] = '\0';
	if (protocol == NETD_SCTP)
		return;
	if (host->family == AF_INET)
		inode = find_inode(protocol_name(protocol), AF_INET, host, port);
	if (!inode) {
		/* for IPv4 as well: a socket on [::] may take both families */
		snprintf(file, sizeof(file), "%s6", protocol_name(protocol));
		inode = find_inode(file, AF_INET6, host, port);
	}
	if (inode)
		find_process(inode, ret, size);
}

/* ---- probe -------------------------------------------------------------------------------- */

#define ENDPOINT_STRLEN (IP_STRLEN + 16)

static const char *endpoint_format(const struct ip *host, uint8_t protocol, uint16_t port,
				   char buf[static ENDPOINT_STRLEN])
{
	bool v6 = host->family == AF_INET6;
	char text[IP_STRLEN];

	snprintf(buf, ENDPOINT_STRLEN, "%s%s%s:%u/%s", v6 ? "[" : "", ip_format(host, text),
		 v6 ? "]" : "", port, protocol_name(protocol));
	return buf;
}

static int bind_to(int fd, const struct ip *host, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (host->family == AF_INET) {
		memcpy(&v4.sin_addr, host->b, sizeof(v4.sin_addr));
		return bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	}
	memcpy(&v6.sin6_addr, host->b, sizeof(v6.sin6_addr));
	return bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
}

static int socket_open(const struct ip *host, uint8_t protocol)
{
	static const int on = 1;
	int type = protocol == NETD_UDP ? SOCK_DGRAM : SOCK_STREAM;
	_cleanup_close_ int fd = socket(host->family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	/* TIME_WAIT does not stand in the way of a published port, a listener does */
	if (protocol == NETD_TCP && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (host->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	return take_fd(&fd);
}

static int explain(int errnum, const struct ip *host, uint8_t protocol, uint16_t port,
		   struct netd_error *err)
{
	char what[ENDPOINT_STRLEN], address[IP_STRLEN], owner[64];

	endpoint_format(host, protocol, port, what);
	switch (errnum) {
	case EADDRINUSE:
		find_owner(host, protocol, port, owner, sizeof(owner));
		return error_set(err, NETD_E_CONFLICT, errnum, what,
				 "failed to bind host port %s: address already in use%s; stop what "
				 "uses it or publish another host port",
				 what, owner);
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return error_set(err, NETD_E_INVALID, errnum, what,
				 "failed to bind host port %s: %s is not an address of this host",
				 what, ip_format(host, address));
	case EINVAL: /* link-local addresses want an interface beside them */
		return error_set(
			err, NETD_E_INVALID, errnum, what,
			"failed to bind host port %s: nothing can be published on the address "
			"%s",
			what, ip_format(host, address));
	case EACCES:
	case EPERM:
		return error_set(err, NETD_E_PERMISSION, errnum, what,
				 "failed to bind host port %s: permission denied; ports below "
				 "net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE",
				 what);
	default:
		return error_sys(err, errnum, what, "failed to bind host port %s", what);
	}
}

/*
 * Asking for a socket would load the kernel's SCTP module. Where it is not loaded nobody holds a port,
 * and /proc/net has no directory of that name.
 */
static bool protocol_absent(uint8_t protocol)
{
	return protocol == NETD_SCTP && access("/proc/thread-self/net/sctp", F_OK) &&
	       errno == ENOENT;
}

int sock_probe(const struct ip *host, uint8_t protocol, uint16_t port, struct netd_error *err)
{
	_cleanup_close_ int fd = -1;

	if (!protocol_valid(protocol) || !port ||
	    (host->family != AF_INET && host->family != AF_INET6))
		return error_set(
			err, NETD_E_INVALID, EINVAL, NULL,
			"a host port needs an address, a number and one of tcp, udp, sctp");
	if (protocol_absent(protocol))
		return 0;
	fd = socket_open(host, protocol);
	if (fd == -EPROTONOSUPPORT || fd == -ESOCKTNOSUPPORT ||
	    (fd == -EAFNOSUPPORT && ip_is_zero(host)))
		return 0;
	if (fd < 0)
		return explain(-fd, host, protocol, port, err);
	if (bind_to(fd, host, port))
		return explain(errno, host, protocol, port, err);
	return 0;
}

/* ---- ports that the kernel gives out ------------------------------------------------------ */

static int malformed(const char *name, const char *value, struct netd_error *err)
{
	return error_set(err, NETD_E_KERNEL, EBADMSG, name,
			 "cannot understand sysctl net/ipv4/%s: %.64s", name, value);
}

static int read_range(const struct sysctl_net *net, uint32_t range[static 2],
		      struct netd_error *err)
{
	static const char name[] = "ip_local_port_range";
	char value[SYSCTL_VALUE_MAX];
	size_t first, blank;
	int r = sysctl_read(net, "ipv4/ip_local_port_range", value, err);

	if (r == -ENOENT)
		return error_set(err, NETD_E_UNSUPPORTED, ENOENT, name, "no sysctl net/ipv4/%s",
				 name);
	if (r)
		return r;
	first = strcspn(value, " \t");
	blank = strspn(value + first, " \t");
	if (parse_u32_n(value, first, UINT16_MAX, &range[0]) ||
	    parse_u32(value + first + blank, UINT16_MAX, &range[1]) || range[0] > range[1])
		return malformed(name, value, err);
	return 0;
}

/* One item, "N" or "N-M", of len bytes */
static bool mark_reserved(const char *item, size_t len, uint8_t *reserved)
{
	const char *dash = memchr(item, '-', len);
	size_t n = dash ? (size_t)(dash - item) : len;
	uint32_t first, last;

	if (parse_u32_n(item, n, UINT16_MAX, &first))
		return false;
	last = first;
	if (dash && parse_u32_n(dash + 1, len - n - 1, UINT16_MAX, &last))
		return false;
	for (uint32_t port = first; port <= last; port++)
		reserved[port / 8] |= (uint8_t)(1U << (port % 8));
	return first <= last;
}

static int read_reserved(const struct sysctl_net *net, uint8_t *reserved, struct netd_error *err)
{
	static const char name[] = "ip_local_reserved_ports";
	_cleanup_free_ char *value = NULL;
	int r = sysctl_read_list(net, "ipv4/ip_local_reserved_ports", &value, err);

	if (r)
		return r == -ENOENT ? 0 : r;
	for (const char *item = value; *item;) {
		size_t len = strcspn(item, ",");

		if (!mark_reserved(item, len, reserved))
			return malformed(name, item, err);
		item += len;
		if (*item)
			item++;
	}
	return 0;
}

int sock_port_range(const struct sysctl_net *net, uint16_t *ret_first, uint16_t *ret_last,
		    uint8_t reserved[static 8192], struct netd_error *err)
{
	uint8_t bits[8192] = { 0 };
	uint32_t range[2] = { 0 };
	int r = read_range(net, range, err);

	if (!r)
		r = read_reserved(net, bits, err);
	if (r)
		return r;
	*ret_first = (uint16_t)range[0];
	*ret_last = (uint16_t)range[1];
	memcpy(reserved, bits, sizeof(bits));
	return 0;
}
