// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers every client with a name and the client's address: an independent peer for the integration
 * tests. Serves both families of each PROTO:PORT, or one address: PROTO:ADDR:PORT.
 *
 *	echod [-r READYFILE] NAME tcp:80 udp:53 tcp:127.0.0.1:90 tcp:[::1]:90 ...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_SOCKETS 4096

static struct pollfd sockets[MAX_SOCKETS];
static bool is_tcp[MAX_SOCKETS];
static nfds_t n_sockets;

static int bind_one(const struct addrinfo *ai)
{
	const int one = 1;
	int fd;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) ||
	    (ai->ai_socktype == SOCK_STREAM && listen(fd, 512))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void listen_on(char *spec)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list;
	char *addr = strchr(spec, ':');
	char *port = strrchr(spec, ':');
	bool tcp = strncmp(spec, "tcp:", 4) == 0;
	int bound = 0;

	if (!addr || (!tcp && strncmp(spec, "udp:", 4) != 0)) {
		fprintf(stderr, "echod: not PROTO:[ADDR:]PORT: %s\n", spec);
		exit(2);
	}
	*port++ = '\0';
	if (addr < port - 1) {
		addr++;
		if (*addr == '[') {
			addr++;
			addr[strcspn(addr, "]")] = '\0';
		}
	} else {
		addr = NULL;
	}
	hints.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM;
	if (getaddrinfo(addr, port, &hints, &list)) {
		fprintf(stderr, "echod: bad address or port in %s\n", spec);
		exit(2);
	}
	for (struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		int fd = n_sockets < MAX_SOCKETS ? bind_one(ai) : -1;

		if (fd < 0)
			continue;
		sockets[n_sockets] = (struct pollfd){ .fd = fd, .events = POLLIN };
		is_tcp[n_sockets++] = tcp;
		bound++;
	}
	freeaddrinfo(list);
	if (!bound) {
		fprintf(stderr, "echod: %s: %s\n", port, strerror(errno));
		exit(1);
	}
}

static int format_answer(const char *name, const struct sockaddr_storage *peer, char *out,
			 size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";

	getnameinfo((const struct sockaddr *)peer, sizeof(*peer), host, sizeof(host), NULL, 0,
		    NI_NUMERICHOST);
	return snprintf(out, size, "%s %s\n", name, host);
}

static void answer(int fd, bool tcp, const char *name)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	char text[512];
	char request[2048];
	int conn = -1;
	int n;

	if (tcp)
		conn = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	else if (recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&peer, &len) < 0)
		return;
	if (tcp && conn < 0)
		return;
	n = format_answer(name, &peer, text, sizeof(text));
	if (tcp) {
		(void)!write(conn, text, (size_t)n);
		close(conn);
	} else {
		sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&peer, len);
	}
}

int main(int argc, char **argv)
{
	const char *ready = NULL;
	const char *name;
	int opt;

	while ((opt = getopt(argc, argv, "r:")) != -1) {
		if (opt != 'r')
			return 2;
		ready = optarg;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: echod [-r READYFILE] NAME PROTO:[ADDR:]PORT...\n");
		return 2;
	}
	name = argv[optind];
	for (int i = optind + 1; i < argc; i++)
		listen_on(argv[i]);
	if (ready)
		close(open(ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	while (poll(sockets, n_sockets, -1) > 0 || errno == EINTR) {
		for (nfds_t i = 0; i < n_sockets; i++) {
			if (sockets[i].revents)
				answer(sockets[i].fd, is_tcp[i], name);
		}
	}
	return 1;
}
