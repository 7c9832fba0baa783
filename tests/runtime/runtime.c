// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A container runtime in one page: gives a program a network namespace, networks it with libnetd,
 * runs it, asks it through its published ports, and takes everything away again. Knows nothing of
 * netd but the installed <netd.h>.
 *
 *	runtime STATE_DIR SERVER ARG...	the server must answer on TCP 80 and 81 in its namespace
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

static void check(const char *what, int good, const struct netd_error *err)
{
	printf("%-7s %s\n", good ? "ok" : "FAILED", what);
	if (!good)
		failures++;
	if (!good && err)
		printf("        %s error in stage %s: %s\n", netd_code_name(err->code),
		       netd_stage_name(err->stage), err->message);
}

/* The container: a namespace, then a wait until it is networked, then the server. */
static pid_t start_container(char **argv, int ret_go[2], int ret_there[2])
{
	char byte;
	pid_t pid;

	if (pipe(ret_go) || pipe(ret_there))
		exit(1);
	pid = fork();
	if (pid) {
		close(ret_go[0]);
		close(ret_there[1]);
		return pid;
	}
	close(ret_go[1]);
	if (unshare(CLONE_NEWNET) || write(ret_there[1], "", 1) != 1)
		_exit(126);
	if (read(ret_go[0], &byte, 1) != 1)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static int try_connect(int family, const char *ip, uint16_t port)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct timeval limit = { .tv_sec = 1 };
	const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char answer[64];
	ssize_t n = -1;
	int fd = socket(family, SOCK_STREAM, 0);

	inet_pton(family, ip, family == AF_INET ? (void *)&to4.sin_addr : (void *)&to6.sin6_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, family == AF_INET ? (void *)&to4 : (void *)&to6,
		    family == AF_INET ? sizeof(to4) : sizeof(to6)) == 0 &&
	    write(fd, request, sizeof(request) - 1) > 0)
		n = read(fd, answer, sizeof(answer));
	close(fd);
	return n > 0;
}

/* The server needs a moment to listen after its exec: up to 5 s. */
static int served(int family, const char *ip, uint16_t port)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < 500; i++) {
		if (try_connect(family, ip, port))
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static size_t count(struct netd *netd, struct netd_error *err)
{
	struct netd_attachment **list;
	size_t n;

	if (netd_attachment_list(netd, NULL, &list, &n, err))
		return (size_t)-1;
	netd_attachment_list_free(list, n);
	return n;
}

static void use(struct netd *netd, pid_t pid, int go)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct netd_port ports[2];
	struct netd_attachment *att;
	char path[64];
	const struct netd_attach_request request = {
		.size = sizeof(request),
		.id = "web",
		.netns = path,
		.ports = ports,
		.n_ports = 2,
	};
	const struct netd_detach_request bye = { .size = sizeof(bye), .id = "web" };

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	check("port 8080:80 parses", netd_port_parse("8080:80", &ports[0], &err) == 0, &err);
	check("port 8081:81/tcp parses", netd_port_parse("8081:81/tcp", &ports[1], &err) == 0,
	      &err);
	if (netd_attach(netd, &request, &att, &err)) {
		check("attach", 0, &err);
		return;
	}
	check("attach", att->ready && att->n_addresses >= 1 && att->n_ports >= 2, NULL);
	printf("        %s on %s, address %s\n", att->host_ifname, att->bridge,
	       att->addresses[0].address);
	netd_attachment_free(att);
	(void)!write(go, "", 1);
	check("127.0.0.1:8080 answers", served(AF_INET, "127.0.0.1", 8080), NULL);
	check("127.0.0.1:8081 answers", served(AF_INET, "127.0.0.1", 8081), NULL);
	check("192.0.2.1:8080 answers", served(AF_INET, "192.0.2.1", 8080), NULL);
	check("[::1]:8080 answers", served(AF_INET6, "::1", 8080), NULL);
	check("one attachment is listed", count(netd, &err) == 1, &err);
	check("a second attach of the same id is refused",
	      netd_attach(netd, &request, NULL, &err) < 0 && err.code == NETD_E_EXISTS, &err);
	err = (struct netd_error)NETD_ERROR_INIT;
	check("detach removes one", netd_detach(netd, &bye, &err) == 1, &err);
	check("detach again removes none", netd_detach(netd, &bye, &err) == 0, &err);
	check("nothing is listed", count(netd, &err) == 0, &err);
	check("127.0.0.1:8080 is silent", !try_connect(AF_INET, "127.0.0.1", 8080), NULL);
}

int main(int argc, char **argv)
{
	struct netd_options options = { .size = sizeof(options) };
	struct netd_error err = NETD_ERROR_INIT;
	struct netd *netd;
	int go[2], there[2];
	char byte;
	pid_t pid;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	options.state_dir = argv[1];
	check("library and header are of one version",
	      strcmp(netd_version(), NETD_VERSION_STRING) == 0, NULL);
	pid = start_container(argv + 2, go, there);
	if (pid < 0 || read(there[0], &byte, 1) != 1)
		return 1;
	if (netd_open(&options, &netd, &err)) {
		check("open", 0, &err);
	} else {
		use(netd, pid, go[1]);
		netd_close(netd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return failures ? 1 : 0;
}
