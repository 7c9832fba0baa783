// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first connection, made the moment netd_attach() returns: is the container really ready? Each
 * cycle attaches a fresh namespace, opens six connections, each kind being the first in
 * turn, and detaches; the sockets are made before the attach. In odd cycles the container gets the address that the one before
 * it has just given back. Runs in the network namespace that plays the host.
 *
 *	first [-n CYCLES] [-l LIMIT_MS] [-s] STATE_DIR
 *
 * With -s sockets of the host go on sending to containers that are gone, to the address that the next
 * one gets.
 *
 * Prints per kind: failures, and median and largest microseconds as first and as later connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netd.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NETWORK "first"
#define PORT 7000
#define PUBLISHED 7001
#define HOST4 "10.91.0.1"
#define HOST6 "fd91::1"
#define FIXED4 "10.91.0.77"
#define FIXED6 "fd91::77"
#define MAX_CYCLES 100000

enum kind { IN4, IN6, OUT4, OUT6, PUBLISHED4, PUBLISHED6, N_KINDS };

static const char *const kind_name[N_KINDS] = {
	[IN4] = "host to container IPv4",  [IN6] = "host to container IPv6",
	[OUT4] = "container to host IPv4", [OUT6] = "container to host IPv6",
	[PUBLISHED4] = "127.0.0.1:PORT",   [PUBLISHED6] = "[::1]:PORT",
};

struct samples {
	long *us;
	size_t n;
};

static struct samples first_of[N_KINDS], later_of[N_KINDS];
static unsigned int failures[N_KINDS];
static unsigned int limit_ms = 100;
static bool stale_senders;

/* A fresh namespace with its listener and clients made inside before it has any interface. */
struct box {
	int netns;
	int listener;
	int out4;
	int out6;
};

static void die(const char *what, const struct netd_error *err)
{
	if (err)
		fprintf(stderr, "first: %s: %s %s\n", what, err->message, err->kernel);
	else
		fprintf(stderr, "first: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket", NULL);
	return fd;
}

static int new_listener(void)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	const int one = 1;
	int fd = new_socket(AF_INET6);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 64))
		die("listen", NULL);
	return fd;
}

static void box_open(struct box *box, int home)
{
	if (unshare(CLONE_NEWNET))
		die("unshare", NULL);
	box->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	box->listener = new_listener();
	box->out4 = new_socket(AF_INET);
	box->out6 = new_socket(AF_INET6);
	if (box->netns < 0 || setns(home, CLONE_NEWNET))
		die("namespace", NULL);
}

static void box_close(struct box *box)
{
	close(box->listener);
	close(box->out4);
	close(box->out6);
	close(box->netns);
}

static long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/*
 * Takes a connection off the listener. Ended by a reset unless senders are to stay: a socket that closes
 * in the ordinary way goes on sending FIN to a container that is gone, for a minute.
 */
static void drain(int listener)
{
	const struct linger reset = { .l_onoff = 1 };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!stale_senders)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

/* Microseconds until the connection stands, or -1. */
static long timed_connect(int fd, const char *text, uint16_t port)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const struct sockaddr *to = (const struct sockaddr *)&to4;
	socklen_t len = sizeof(to4);
	long start;
	int error = 0;
	int n;

	if (strchr(text, ':')) {
		inet_pton(AF_INET6, text, &to6.sin6_addr);
		to = (const struct sockaddr *)&to6;
		len = sizeof(to6);
	} else {
		inet_pton(AF_INET, text, &to4.sin_addr);
	}
	start = now_us();
	n = connect(fd, to, len);
	if (n && errno != EINPROGRESS)
		return -1;
	if (n && poll(&p, 1, 3000) != 1)
		return -1;
	len = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error ? -1 : now_us() - start;
}

static long connect_kind(enum kind kind, const struct box *box, int host_listener, const char *ip4,
			 const char *ip6)
{
	const char *const to[N_KINDS] = { ip4, ip6, HOST4, HOST6, "127.0.0.1", "::1" };
	bool out = kind == OUT4 || kind == OUT6;
	long us;
	int fd;

	if (out) {
		us = timed_connect(kind == OUT4 ? box->out4 : box->out6, to[kind], PORT);
	} else {
		fd = new_socket(strchr(to[kind], ':') ? AF_INET6 : AF_INET);
		us = timed_connect(fd, to[kind], kind >= PUBLISHED4 ? PUBLISHED : PORT);
		close(fd);
	}
	drain(out ? host_listener : box->listener);
	return us;
}

static void record(enum kind kind, bool is_first, long us)
{
	struct samples *s = is_first ? &first_of[kind] : &later_of[kind];

	if (us < 0 || us > (long)limit_ms * 1000)
		failures[kind]++;
	if (us >= 0)
		s->us[s->n++] = us;
}

static void strip_prefix(const char *address, char out[NETD_IP_STRLEN])
{
	snprintf(out, NETD_IP_STRLEN, "%.*s", (int)strcspn(address, "/"), address);
}

static void cycle(struct netd *netd, unsigned int number, int home, int host_listener)
{
	static const char *const fixed[] = { FIXED4, FIXED6 };
	const struct netd_port port = {
		.host_port = PUBLISHED, .container_port = PORT, .count = 1, .protocol = NETD_TCP
	};
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_attachment *att;
	char path[64], id[32], ip4[NETD_IP_STRLEN], ip6[NETD_IP_STRLEN];
	struct box box;

	box_open(&box, home);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", box.netns);
	snprintf(id, sizeof(id), "box%u", number);
	const struct netd_attach_request request = {
		.size = sizeof(request),
		.network = NETWORK,
		.id = id,
		.netns = path,
		.ips = fixed,
		.n_ips = number & 1 ? 2 : 0,
		.ports = &port,
		.n_ports = 1,
	};
	const struct netd_detach_request bye = { .size = sizeof(bye), .id = id };

	if (netd_attach(netd, &request, &att, &err))
		die("attach", &err);
	strip_prefix(att->addresses[0].address, ip4);
	strip_prefix(att->addresses[1].address, ip6);
	for (unsigned int i = 0; i < N_KINDS; i++) {
		enum kind kind = (enum kind)((number / 2 + i) % N_KINDS);

		record(kind, i == 0, connect_kind(kind, &box, host_listener, ip4, ip6));
	}
	netd_attachment_free(att);
	if (netd_detach(netd, &bye, &err) != 1)
		die("detach", &err);
	box_close(&box);
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static void print_samples(struct samples *s)
{
	qsort(s->us, s->n, sizeof(*s->us), compare);
	if (s->n)
		printf(" %8ld %8ld", s->us[s->n / 2], s->us[s->n - 1]);
	else
		printf(" %8s %8s", "-", "-");
}

static unsigned int print_table(unsigned int cycles)
{
	unsigned int total = 0;

	printf("%u cycles; microseconds    fails   first median, max   later median, max\n",
	       cycles);
	for (unsigned int k = 0; k < N_KINDS; k++) {
		printf("%-26s %5u", kind_name[k], failures[k]);
		print_samples(&first_of[k]);
		print_samples(&later_of[k]);
		printf("\n");
		total += failures[k];
		free(first_of[k].us);
		free(later_of[k].us);
	}
	return total;
}

static void make_network(struct netd *netd)
{
	const struct netd_range ranges[] = {
		{ .subnet = "10.91.0.0/24", .set = 0 },
		{ .subnet = "fd91::/64", .set = 1 },
	};
	const struct netd_network network = {
		.size = sizeof(network), .name = NETWORK, .ranges = ranges, .n_ranges = 2
	};
	struct netd_error err = NETD_ERROR_INIT;

	if (netd_network_set(netd, &network, &err))
		die("network", &err);
}

int main(int argc, char **argv)
{
	struct netd_options options = { .size = sizeof(options) };
	struct netd_error err = NETD_ERROR_INIT;
	unsigned int cycles = 500;
	struct netd *netd;
	int host_listener;
	int home;
	int opt;

	while ((opt = getopt(argc, argv, "n:l:s")) != -1) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 1;

		stale_senders |= opt == 's';
		if (opt == '?' || value < 1 || value > MAX_CYCLES)
			return 2;
		if (opt == 'n')
			cycles = (unsigned int)value;
		else if (opt == 'l')
			limit_ms = (unsigned int)value;
	}
	if (argc - optind != 1)
		return 2;
	options.state_dir = argv[optind];
	for (unsigned int k = 0; k < N_KINDS; k++) {
		first_of[k].us = calloc(cycles, sizeof(long));
		later_of[k].us = calloc(cycles, sizeof(long));
	}
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	host_listener = new_listener();
	if (netd_open(&options, &netd, &err))
		die("open", &err);
	make_network(netd);
	for (unsigned int i = 0; i < cycles; i++)
		cycle(netd, i, home, host_listener);
	if (netd_network_remove(netd, NETWORK, &err))
		die("network remove", &err);
	netd_close(netd);
	close(host_listener);
	close(home);
	return print_table(cycles) ? 1 : 0;
}
