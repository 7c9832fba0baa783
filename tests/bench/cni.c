// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wall time of CNI ADD and DEL as whole processes: netd's plugin beside the reference chain (bridge,
 * host-local, portmap, firewall), interleaved in one run, each in a host namespace of its own.
 *
 *	cni NETD_DIR REFERENCE_DIR ROUNDS PRESENT
 *
 * PRESENT containers are attached beforehand by each side and stay. Prints one line per side and verb:
 * median, 95th percentile, peak resident set of the largest process. Run by tests/bench/cni.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTPUT 65536

struct side {
	const char *name;
	const char *dir;
	const char *const *types; /* plugins of the chain, in order */
	const char *const *configs;
	size_t n;
	int host_fd; /* namespace that plays the host */
	double *add, *del;
	long rss; /* KiB, largest process of all */
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* A process that holds a fresh network namespace and ends with us. */
static pid_t hold_namespace(void)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("cannot make a network namespace");
	close(ready[0]);
	return pid;
}

static void drop_namespace(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int open_namespace(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

/* ---- one plugin process ------------------------------------------------------------------- */

static pid_t start_plugin(const struct side *side, const char *type, int in, int out)
{
	char path[256];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", side->dir, type);
	pid = fork();
	if (pid != 0)
		return pid;
	if (setns(side->host_fd, CLONE_NEWNET) < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(127);
	execl(path, path, (char *)NULL);
	_exit(127);
}

static void write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	if (write(fd, text, len) != (ssize_t)len)
		die("write: %s", strerror(errno));
}

static void run_plugin(struct side *side, const char *type, const char *config, char *output)
{
	int in[2], out[2], status;
	struct rusage usage;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	pid = start_plugin(side, type, in[0], out[1]);
	if (pid < 0)
		die("fork: %s", strerror(errno));
	close(in[0]);
	close(out[1]);
	write_all(in[1], config);
	close(in[1]);
	while ((n = read(out[0], output + len, MAX_OUTPUT - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(out[0]);
	if (wait4(pid, &status, 0, &usage) != pid || status != 0)
		die("%s %s failed: %s", side->name, type, output);
	if (usage.ru_maxrss > side->rss)
		side->rss = usage.ru_maxrss;
}

/* ---- one operation ------------------------------------------------------------------------ */

static void set_env(const char *verb, size_t id, pid_t container, const char *dir)
{
	char text[64];

	setenv("CNI_COMMAND", verb, 1);
	snprintf(text, sizeof(text), "bench-%zu", id);
	setenv("CNI_CONTAINERID", text, 1);
	snprintf(text, sizeof(text), "/proc/%d/ns/net", container);
	setenv("CNI_NETNS", text, 1);
	setenv("CNI_IFNAME", "eth0", 1);
	setenv("CNI_PATH", dir, 1);
}

static void make_config(char *buf, size_t size, const char *keys, size_t id, const char *prev)
{
	snprintf(buf, size,
		 "{\"cniVersion\":\"1.0.0\",\"name\":\"bench\",%s,\"runtimeConfig\":{"
		 "\"portMappings\":["
		 "{\"hostPort\":%zu,\"containerPort\":80,\"protocol\":\"tcp\"}]}%s%s}",
		 keys, 10000 + id, prev[0] ? ",\"prevResult\":" : "", prev);
}

/* The chain in order for ADD, in reverse for DEL, as a runtime calls it. Returns microseconds. */
static double operate(struct side *side, bool add, size_t id, pid_t container, char *result)
{
	static char config[2 * MAX_OUTPUT], output[MAX_OUTPUT];
	double start = now_us();

	set_env(add ? "ADD" : "DEL", id, container, side->dir);
	if (add)
		result[0] = '\0';
	for (size_t i = 0; i < side->n; i++) {
		size_t k = add ? i : side->n - 1 - i;

		make_config(config, sizeof(config), side->configs[k], id, result);
		run_plugin(side, side->types[k], config, add ? result : output);
	}
	return now_us() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_times(const struct side *side, const char *verb, double *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare);
	printf("%-10s %-4s median %9.0f us   p95 %9.0f us   peak RSS %6ld KiB\n", side->name, verb,
	       times[n / 2], times[n * 95 / 100], side->rss);
}

static void populate(struct side *side, size_t present)
{
	static char result[MAX_OUTPUT];

	for (size_t i = 0; i < present; i++)
		operate(side, true, 1000 + i, hold_namespace(), result);
}

static void measure(struct side *side, size_t round)
{
	static char result[MAX_OUTPUT];
	pid_t container = hold_namespace();

	side->add[round] = operate(side, true, round, container, result);
	side->del[round] = operate(side, false, round, container, result);
	drop_namespace(container);
	/* the kernel takes the namespace apart on its own time, holding locks that the next would wait for */
	nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL);
}

#define BRIDGE_KEYS                                                                                \
	"\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,"                           \
	"\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.88.0.0/16\"}]]}"
#define PORTMAP_KEYS "\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}"

static const char *const netd_types[] = { "netd" };
static const char *const netd_configs[] = { "\"type\":\"netd\"," BRIDGE_KEYS };
static const char *const reference_types[] = { "bridge", "portmap", "firewall" };
static const char *const reference_configs[] = { "\"type\":\"bridge\"," BRIDGE_KEYS, PORTMAP_KEYS,
						 "\"type\":\"firewall\"" };

int main(int argc, char **argv)
{
	struct side sides[] = {
		{ .name = "netd", .types = netd_types, .configs = netd_configs, .n = 1 },
		{ .name = "reference",
		  .types = reference_types,
		  .configs = reference_configs,
		  .n = 3 },
	};
	size_t rounds, present;

	if (argc != 5)
		die("usage: cni NETD_DIR REFERENCE_DIR ROUNDS PRESENT");
	rounds = strtoul(argv[3], NULL, 10);
	present = strtoul(argv[4], NULL, 10);
	for (size_t i = 0; i < 2; i++) {
		sides[i].dir = argv[1 + i];
		sides[i].host_fd = open_namespace(hold_namespace());
		sides[i].add = calloc(rounds + 1, sizeof(double));
		sides[i].del = calloc(rounds + 1, sizeof(double));
		if (!sides[i].add || !sides[i].del)
			die("out of memory");
		populate(&sides[i], present);
		measure(&sides[i], rounds); /* first use: bridge and rules are made, not counted */
	}
	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < 2; i++)
			measure(&sides[(r + i) % 2], r);
	for (size_t i = 0; i < 2; i++) {
		print_times(&sides[i], "ADD", sides[i].add, rounds);
		print_times(&sides[i], "DEL", sides[i].del, rounds);
	}
	printf("reference / netd: ADD %.1f, DEL %.1f\n",
	       sides[1].add[rounds / 2] / sides[0].add[rounds / 2],
	       sides[1].del[rounds / 2] / sides[0].del[rounds / 2]);
	return 0;
}
