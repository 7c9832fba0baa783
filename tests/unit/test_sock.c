// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "netns.h"
#include "private_ns.h"
#include "sock.h"
#include "sysctl.h"

static bool have_ns;

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

/* A socket of somebody else's. flags: */
enum { LISTEN = 1, REUSE = 2, V6ONLY = 4 };
static int occupy(const char *address, int type, uint16_t port, int flags)
{
	struct ip ip = ip_of(address);
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(ip.family, type | SOCK_CLOEXEC, 0), on = 1, off = 0, r;

	memcpy(&v4.sin_addr, ip.b, 4);
	memcpy(&v6.sin6_addr, ip.b, 16);
	if (flags & REUSE)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ip.family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, flags & V6ONLY ? &on : &off, sizeof(on));
	r = ip.family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
				 : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	assert_int_equal(r, 0);
	if (flags & LISTEN)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void expect_free(const char *address, uint8_t protocol, uint16_t port)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = ip_of(address);

	if (sock_probe(&ip, protocol, port, &err))
		fail_msg("%s:%u: %s", address, port, err.message);
	assert_int_equal(err.code, NETD_OK);
}

static void expect_error(const char *address, uint8_t protocol, uint16_t port, int errnum,
			 enum netd_code code, const char *part)
{
	struct netd_error err = NETD_ERROR_INIT;
	int fds = private_ns_count_fds();
	struct ip ip = ip_of(address);

	assert_int_equal(sock_probe(&ip, protocol, port, &err), -errnum);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" lacks \"%s\"", err.message, part);
	assert_int_equal(private_ns_count_fds(), fds);
}

static void expect_taken(const char *address, uint8_t protocol, uint16_t port, const char *part)
{
	expect_error(address, protocol, port, EADDRINUSE, NETD_E_CONFLICT, part);
}

static int setup(void **state)
{
	(void)state;
	if (!have_ns)
		return 0;
	private_ns_run(-1, "ip link set lo up && ip addr add 192.0.2.1/32 dev lo && "
			   "ip addr add 2001:db8::1/128 dev lo nodad");
	prctl(PR_SET_NAME, "ngi\tnx");
	return 0;
}

static void test_port_is_free(void **state)
{
	(void)state;
	if (!have_ns)
		skip();
	for (int i = 0; i < 2; i++) { /* a probe leaves nothing behind that the next one meets */
		expect_free("0.0.0.0", NETD_TCP, 80);
		expect_free("::", NETD_TCP, 80);
		expect_free("127.0.0.1", NETD_TCP, 80);
		expect_free("::1", NETD_UDP, 53);
		expect_free("192.0.2.1", NETD_UDP, 53);
		expect_free("2001:db8::1", NETD_TCP, 65535);
		expect_free("0.0.0.0", NETD_SCTP, 3868);
	}
}

static void test_tcp_taken(void **state)
{
	char who[64];
	int fd;

	(void)state;
	if (!have_ns)
		skip();
	fd = occupy("192.0.2.1", SOCK_STREAM, 8080, LISTEN | REUSE);
	snprintf(who, sizeof(who), "by process ngi?nx (pid %d);", (int)getpid());
	expect_taken("192.0.2.1", NETD_TCP, 8080, who);
	expect_taken(
		"0.0.0.0", NETD_TCP, 8080,
		"failed to bind host port 0.0.0.0:8080/tcp: address already in use by process");
	expect_free("127.0.0.1", NETD_TCP, 8080);
	expect_free("::", NETD_TCP, 8080);
	expect_free("0.0.0.0", NETD_UDP, 8080);
	expect_free("0.0.0.0", NETD_TCP, 8081);
	close(fd);
	expect_free("0.0.0.0", NETD_TCP, 8080);
}

static void test_dual_stack_taken(void **state)
{
	int fd;

	(void)state;
	if (!have_ns)
		skip();
	fd = occupy("::", SOCK_STREAM, 8080, LISTEN | REUSE);
	expect_taken("0.0.0.0", NETD_TCP, 8080, "in use by process ngi?nx");
	expect_taken("192.0.2.1", NETD_TCP, 8080, "in use by process ngi?nx");
	expect_taken("::", NETD_TCP, 8080, "host port [::]:8080/tcp: address already in use by");
	expect_taken("::1", NETD_TCP, 8080, "[::1]:8080/tcp");
	close(fd);
	fd = occupy("::", SOCK_STREAM, 8080, LISTEN | REUSE | V6ONLY);
	expect_free("0.0.0.0", NETD_TCP, 8080);
	expect_taken("::1", NETD_TCP, 8080, "in use by");
	close(fd);
	fd = occupy("0.0.0.0", SOCK_STREAM, 8080, LISTEN);
	expect_free("::", NETD_TCP, 8080);
	close(fd);
}

/* Java and others serve IPv4 through IPv6 sockets: ::ffff:127.0.0.1 */
static void test_mapped_taken(void **state)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(8081) };
	int fd, off = 0;

	(void)state;
	if (!have_ns)
		skip();
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 1);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 8), 0);
	expect_taken("127.0.0.1", NETD_TCP, 8081, "by process ngi?nx");
	expect_taken("0.0.0.0", NETD_TCP, 8081, "by process ngi?nx");
	expect_free("192.0.2.1", NETD_TCP, 8081);
	close(fd);
}

static void test_udp_taken(void **state)
{
	int fd;

	(void)state;
	if (!have_ns)
		skip();
	fd = occupy("127.0.0.1", SOCK_DGRAM, 53, REUSE);
	expect_taken("127.0.0.1", NETD_UDP, 53,
		     "127.0.0.1:53/udp: address already in use by process");
	expect_taken("0.0.0.0", NETD_UDP, 53, "by process ngi?nx");
	expect_free("192.0.2.1", NETD_UDP, 53);
	expect_free("::", NETD_UDP, 53);
	close(fd);
	fd = occupy("::1", SOCK_DGRAM, 53, 0);
	expect_taken("::", NETD_UDP, 53, "by process ngi?nx");
	close(fd);
}

/* The server closes first, so its port is left in TIME_WAIT; that is no reason to refuse. */
static void test_time_wait(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int server, client, conn;
	char c;

	(void)state;
	if (!have_ns)
		skip();
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = occupy("0.0.0.0", SOCK_STREAM, 8080, LISTEN | REUSE);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	conn = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(conn >= 0);
	close(conn);
	assert_int_equal(read(client, &c, 1), 0);
	close(client);
	close(server);
	assert_true(private_ns_run(-1, "test -n \"$(ss -Htan state time-wait sport = :8080)\""));
	expect_free("0.0.0.0", NETD_TCP, 8080);
	expect_free("127.0.0.1", NETD_TCP, 8080);
}

static void test_owner_is_another_process(void **state)
{
	char who[64];
	pid_t pid;
	int pipes[2], status;
	char c;

	(void)state;
	if (!have_ns)
		skip();
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "web server");
		occupy("127.0.0.1", SOCK_STREAM, 9090, LISTEN);
		if (write(pipes[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &c, 1), 1);
	snprintf(who, sizeof(who), "by process web server (pid %d);", (int)pid);
	expect_taken("127.0.0.1", NETD_TCP, 9090, who);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_refused(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = ip_of("0.0.0.0"), none = { .family = AF_UNSPEC };

	(void)state;
	if (!have_ns)
		skip();
	expect_error("198.51.100.7", NETD_TCP, 80, EADDRNOTAVAIL, NETD_E_INVALID,
		     "198.51.100.7 is not an address of this host");
	expect_error("2001:db8::7", NETD_UDP, 80, EADDRNOTAVAIL, NETD_E_INVALID,
		     "host port [2001:db8::7]:80/udp: 2001:db8::7 is not an address");
	expect_error("fe80::1", NETD_TCP, 80, EINVAL, NETD_E_INVALID, "fe80::1");
	assert_int_equal(sock_probe(&ip, 1, 80, &err), -EINVAL);
	assert_int_equal(sock_probe(&ip, NETD_TCP, 0, NULL), -EINVAL);
	assert_int_equal(sock_probe(&none, NETD_TCP, 80, NULL), -EINVAL);
	assert_int_equal(err.code, NETD_E_INVALID);
}

static void test_privileged_port(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (!have_ns || getuid() != 0)
		skip();
	pid = fork();
	if (!pid) {
		struct netd_error err = NETD_ERROR_INIT;
		struct ip ip = { .family = AF_INET };

		if (setresuid(65534, 65534, 65534))
			_exit(9);
		_exit(sock_probe(&ip, NETD_TCP, 80, &err) == -EACCES &&
				      err.code == NETD_E_PERMISSION &&
				      strstr(err.message, "ip_unprivileged_port_start")
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	if (status == 9 << 8) {
		fprintf(stderr, "SKIPPED: no second user in this user namespace\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static bool reserved_is(const uint8_t *bits, unsigned int port)
{
	return bits[port / 8] & (1U << (port % 8));
}

static void test_port_range(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;
	uint16_t first = 0, last = 0;
	static uint8_t bits[8192];
	unsigned int n = 0;

	(void)state;
	if (!have_ns)
		skip();
	memset(bits, 0xff, sizeof(bits));
	assert_int_equal(sysctl_open(&net, &err), 0);
	assert_int_equal(sock_port_range(&net, &first, &last, bits, &err), 0);
	assert_int_equal(first, 32768);
	assert_int_equal(last, 60999);
	for (unsigned int i = 0; i < 65536; i++)
		n += reserved_is(bits, i);
	assert_int_equal(n, 0);
	assert_int_equal(sysctl_write(&net, "ipv4/ip_local_port_range", "40000 40100", NULL, &err),
			 1);
	assert_int_equal(sysctl_write(&net, "ipv4/ip_local_reserved_ports",
				      "40001,40010-40020,65535", NULL, &err),
			 1);
	assert_int_equal(sock_port_range(&net, &first, &last, bits, &err), 0);
	assert_int_equal(first, 40000);
	assert_int_equal(last, 40100);
	for (unsigned int i = 0; i < 65536; i++)
		assert_int_equal(reserved_is(bits, i),
				 i == 40001 || (i >= 40010 && i <= 40020) || i == 65535);
	sysctl_write(&net, "ipv4/ip_local_port_range", "32768 60999", NULL, &err);
	sysctl_close(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_is_free),
		cmocka_unit_test(test_tcp_taken),
		cmocka_unit_test(test_dual_stack_taken),
		cmocka_unit_test(test_mapped_taken),
		cmocka_unit_test(test_udp_taken),
		cmocka_unit_test(test_time_wait),
		cmocka_unit_test(test_owner_is_another_process),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_privileged_port),
		cmocka_unit_test(test_port_range),
	};

	have_ns = private_ns_enter();
	return cmocka_run_group_tests(tests, setup, NULL);
}
