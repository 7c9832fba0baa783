// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A long-running program with many containers: attaches every namespace given, with PORTS published
 * ports each, waits for the end of its standard input, detaches them all and compares its own open
 * descriptors with those of the start.
 *
 *	crowd [-n NETWORK] [-p PORTS] [-f FIRST_HOST_PORT] [-t THREADS] STATE_DIR READYFILE NETNS_PATH...
 *
 * Container K is "crowd-K"; its ports are FIRST + K * PORTS and following, onto 9000 and following.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 64

static struct netd *netd;
static const char *network = "default";
static char **paths;
static unsigned int n_paths;
static unsigned int n_ports = 5;
static unsigned int first_port = 20000;
static atomic_uint next_path;
static atomic_uint n_failed;

static void report(const char *what, const char *id, const struct netd_error *err)
{
	fprintf(stderr, "crowd: %s %s: %s %s\n", what, id, err->message, err->kernel);
	atomic_fetch_add(&n_failed, 1);
}

static void attach_one(unsigned int k)
{
	struct netd_error err = NETD_ERROR_INIT;
	const struct netd_port ports = {
		.host_port = (uint16_t)(first_port + k * n_ports),
		.container_port = 9000,
		.count = (uint16_t)n_ports,
		.protocol = NETD_TCP,
	};
	char id[32];
	const struct netd_attach_request request = {
		.size = sizeof(request),
		.network = network,
		.id = id,
		.netns = paths[k],
		.ports = &ports,
		.n_ports = n_ports ? 1 : 0,
	};

	snprintf(id, sizeof(id), "crowd-%u", k);
	if (netd_attach(netd, &request, NULL, &err))
		report("attach", id, &err);
}

static void detach_one(unsigned int k)
{
	struct netd_error err = NETD_ERROR_INIT;
	char id[32];
	const struct netd_detach_request request = { .size = sizeof(request), .id = id };

	snprintf(id, sizeof(id), "crowd-%u", k);
	if (netd_detach(netd, &request, &err) < 0)
		report("detach", id, &err);
}

static void *work(void *arg)
{
	void (*const *one)(unsigned int k) = arg;
	unsigned int k;

	while ((k = atomic_fetch_add(&next_path, 1)) < n_paths)
		(*one)(k);
	return NULL;
}

static void for_all(void (*one)(unsigned int k), unsigned int n_threads)
{
	pthread_t threads[MAX_THREADS];

	atomic_store(&next_path, 0);
	for (unsigned int i = 0; i < n_threads; i++) {
		if (pthread_create(&threads[i], NULL, work, &one))
			exit(1);
	}
	for (unsigned int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
}

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!dir)
		exit(1);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned int number(const char *text, unsigned long max)
{
	unsigned long value = strtoul(text, NULL, 10);

	if (value > max)
		exit(2);
	return (unsigned int)value;
}

int main(int argc, char **argv)
{
	struct netd_options options = { .size = sizeof(options) };
	struct netd_error err = NETD_ERROR_INIT;
	unsigned int n_threads = 4;
	unsigned int before, after;
	char byte;
	int opt;

	while ((opt = getopt(argc, argv, "n:p:f:t:")) != -1) {
		if (opt == 'n')
			network = optarg;
		else if (opt == 'p')
			n_ports = number(optarg, 1000);
		else if (opt == 'f')
			first_port = number(optarg, 65535);
		else if (opt == 't')
			n_threads = number(optarg, MAX_THREADS);
		else
			return 2;
	}
	if (argc - optind < 3)
		return 2;
	options.state_dir = argv[optind];
	paths = argv + optind + 2;
	n_paths = (unsigned int)(argc - optind - 2);
	if (netd_open(&options, &netd, &err)) {
		report("open", argv[optind], &err);
		return 1;
	}
	before = count_fds();
	for_all(attach_one, n_threads);
	close(open(argv[optind + 1], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for_all(detach_one, n_threads);
	after = count_fds();
	netd_close(netd);
	printf("descriptors %u before, %u after, %u failures\n", before, after, n_failed);
	return n_failed || before != after;
}
