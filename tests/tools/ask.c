// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks a server once, within a time limit, and prints the microseconds it took and the answer. A lost
 * datagram is a failure: nothing is sent twice.
 *
 *	ask [-t MILLISECONDS] [-s SOURCE] [-i INTERFACE] tcp|udp ADDRESS PORT
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct question {
	const char *source;
	const char *interface;
	bool tcp;
	long limit_us;
	struct timespec start;
};

static long elapsed_us(const struct question *q)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - q->start.tv_sec) * 1000000 + (now.tv_nsec - q->start.tv_nsec) / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "ask: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void wait_for(const struct question *q, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	long left = (q->limit_us - elapsed_us(q)) / 1000;
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0)
		die("poll");
	if (n == 0) {
		errno = ETIMEDOUT;
		die(events == POLLOUT ? "connect" : "answer");
	}
}

static struct addrinfo *resolve(const struct question *q, const char *addr, const char *port,
				int family)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_family = family,
		.ai_socktype = q->tcp ? SOCK_STREAM : SOCK_DGRAM,
	};
	struct addrinfo *ai;

	if (getaddrinfo(addr, port, &hints, &ai)) {
		fprintf(stderr, "ask: not an address and port: %s %s\n", addr, port ? port : "");
		exit(2);
	}
	return ai;
}

static int open_socket(const struct question *q, const struct addrinfo *to)
{
	int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket");
	if (q->interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, q->interface,
				       (socklen_t)strlen(q->interface)))
		die(q->interface);
	if (q->source) {
		struct addrinfo *from = resolve(q, q->source, NULL, to->ai_family);

		if (bind(fd, from->ai_addr, from->ai_addrlen))
			die(q->source);
		freeaddrinfo(from);
	}
	return fd;
}

static void finish_connect(const struct question *q, int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	wait_for(q, fd, POLLOUT);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		errno = error;
		die("connect");
	}
}

int main(int argc, char **argv)
{
	struct question q = { .limit_us = 1000000 };
	struct addrinfo *to;
	char text[512];
	ssize_t n;
	int opt;
	int fd;

	while ((opt = getopt(argc, argv, "t:s:i:")) != -1) {
		if (opt == 't')
			q.limit_us = strtol(optarg, NULL, 10) * 1000;
		else if (opt == 's')
			q.source = optarg;
		else if (opt == 'i')
			q.interface = optarg;
		else
			return 2;
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: ask [-t MS] [-s SOURCE] [-i IF] tcp|udp ADDRESS PORT\n");
		return 2;
	}
	q.tcp = strcmp(argv[optind], "tcp") == 0;
	to = resolve(&q, argv[optind + 1], argv[optind + 2], AF_UNSPEC);
	fd = open_socket(&q, to);
	clock_gettime(CLOCK_MONOTONIC, &q.start);
	if (connect(fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS)
		die("connect");
	if (q.tcp)
		finish_connect(&q, fd);
	else if (send(fd, "ask", 3, 0) != 3)
		die("send");
	wait_for(&q, fd, POLLIN);
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		die("answer");
	text[n] = '\0';
	printf("%ld %s", elapsed_us(&q), text);
	freeaddrinfo(to);
	close(fd);
	return 0;
}
