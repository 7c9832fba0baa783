// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "netns.h"
#include "private_ns.h"
#include "sysctl.h"

static bool have_ns;

/* What another process, inside the namespace, with the ordinary /proc reads */
static void expect_sysctl(int ns, const char *path, const char *value)
{
	char command[256];

	snprintf(command, sizeof(command), "test \"$(cat /proc/sys/net/%s)\" = \"%s\"", path,
		 value);
	if (!private_ns_run(ns, command))
		fail_msg("net/%s is not %s", path, value);
}

/* elsewhere: another namespace's, whose procfs instance is used; or NULL */
static struct sysctl_net open_inside(int ns, const struct sysctl_net *elsewhere)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;
	struct netns_visit visit;

	assert_int_equal(netns_enter(ns, &visit, &err), 0);
	if (elsewhere)
		assert_int_equal(sysctl_open_here(elsewhere, &net, &err), 0);
	else
		assert_int_equal(sysctl_open(&net, &err), 0);
	netns_leave(&visit);
	return net;
}

static void test_paths(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"ipv4",
		"/ipv4/ip_forward",
		"ipv4//ip_forward",
		"ipv4/../ipv4/ip_forward",
		"ipv4/./ip_forward",
		"ipv4/ip_forward/",
		"../net/ipv4/ip_forward",
		"ipv4/conf/..",
		"./ipv4/ip_forward",
	};
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;
	char value[SYSCTL_VALUE_MAX] = "untouched", longest[400], *list = NULL;

	(void)state;
	assert_int_equal(sysctl_open(&net, &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct netd_error)NETD_ERROR_INIT;
		assert_int_equal(sysctl_read(&net, bad[i], value, &err), -EINVAL);
		assert_int_equal(err.code, NETD_E_INVALID);
		assert_int_equal(sysctl_read_list(&net, bad[i], &list, NULL), -EINVAL);
		assert_int_equal(sysctl_write(&net, bad[i], "1", NULL, NULL), -EINVAL);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "ipv4/", 5);
	assert_int_equal(sysctl_read(&net, longest, value, NULL), -EINVAL);
	assert_string_equal(value, "untouched");
	assert_null(list);
	sysctl_close(&net);
	assert_int_equal(net.root, -1);
}

static void test_missing(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT, without = SYSCTL_NET_INIT;
	char value[SYSCTL_VALUE_MAX];

	(void)state;
	assert_int_equal(sysctl_open(&net, &err), 0);
	assert_int_equal(sysctl_read(&net, "ipv4/no_such", value, &err), -ENOENT);
	assert_int_equal(sysctl_read(&net, "none/no_such", value, &err), -ENOENT);
	assert_int_equal(sysctl_write(&net, "ipv6/conf/nope/accept_ra", "0", NULL, &err), -ENOENT);
	assert_int_equal(sysctl_read(&without, "ipv6/conf/lo/accept_ra", value, &err), -ENOENT);
	assert_int_equal(err.code, NETD_OK);
	sysctl_close(&net);
}

static void test_write(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	char old[SYSCTL_VALUE_MAX] = "", value[SYSCTL_VALUE_MAX], longest[SYSCTL_VALUE_MAX + 1];
	struct sysctl_net net;
	int ns, fds = private_ns_count_fds();

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	net = open_inside(ns, NULL);
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "2", old, &err), 1);
	assert_string_equal(old, "0");
	expect_sysctl(ns, "ipv4/conf/lo/rp_filter", "2");
	strcpy(old, "untouched");
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "2", old, &err), 0);
	assert_string_equal(old, "untouched");
	assert_int_equal(sysctl_read(&net, "ipv4/conf/lo/rp_filter", value, &err), 0);
	assert_string_equal(value, "2");
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "", NULL, NULL), -EINVAL);
	memset(longest, '1', sizeof(longest));
	longest[SYSCTL_VALUE_MAX] = '\0';
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", longest, NULL, NULL),
			 -EINVAL);
	assert_int_equal(err.code, NETD_OK);
	assert_int_equal(sysctl_write(&net, "ipv6/conf/lo/disable_ipv6", "no", NULL, &err),
			 -EINVAL);
	assert_int_equal(err.code, NETD_E_KERNEL);
	assert_string_equal(err.message,
			    "cannot write sysctl net/ipv6/conf/lo/disable_ipv6: Invalid "
			    "argument");
	expect_sysctl(ns, "ipv6/conf/lo/disable_ipv6", "0");
	sysctl_close(&net);
	close(ns);
	assert_int_equal(private_ns_count_fds(), fds);
}

/* The heart: descriptors act on the namespace they were opened in, from wherever they are used. */
static void test_bound_to_namespace(void **state)
{
	static const char path[] = "ipv6/conf/late/accept_ra", v4[] = "ipv4/conf/late/arp_ignore";
	struct netd_error err = NETD_ERROR_INIT;
	char value[SYSCTL_VALUE_MAX];
	struct sysctl_net a_net, b_net, home = SYSCTL_NET_INIT;
	int a, b;

	(void)state;
	if (!have_ns)
		skip();
	a = private_ns_new();
	b = private_ns_new();
	assert_int_equal(sysctl_open(&home, &err), 0);
	a_net = open_inside(a, NULL);
	b_net = open_inside(b, &home);
	/* an interface that comes after the descriptors, in all three namespaces */
	assert_true(private_ns_run(a, "ip link add late type bridge"));
	assert_true(private_ns_run(b, "ip link add late type bridge"));
	assert_true(private_ns_run(-1, "ip link add late type bridge"));
	assert_int_equal(sysctl_write(&a_net, path, "0", NULL, &err), 1);
	assert_int_equal(sysctl_write(&b_net, path, "2", NULL, &err), 1);
	assert_int_equal(sysctl_write(&a_net, v4, "2", NULL, &err), 1);
	expect_sysctl(a, path, "0");
	expect_sysctl(b, path, "2");
	expect_sysctl(-1, path, "1");
	expect_sysctl(a, v4, "2");
	expect_sysctl(b, v4, "0");
	expect_sysctl(-1, v4, "0");
	assert_int_equal(sysctl_write(&a_net, "ipv4/ip_forward", "1", NULL, &err), 1);
	expect_sysctl(a, "ipv4/ip_forward", "1");
	expect_sysctl(b, "ipv4/ip_forward", "0");
	expect_sysctl(-1, "ipv4/ip_forward", "0");
	assert_int_equal(sysctl_read(&home, path, value, &err), 0);
	assert_string_equal(value, "1");
	assert_int_equal(sysctl_read(&b_net, path, value, &err), 0);
	assert_string_equal(value, "2");
	/* one that only a has, and one that is gone again */
	assert_true(private_ns_run(a, "ip link add only type bridge"));
	assert_int_equal(sysctl_write(&a_net, "ipv6/conf/only/disable_ipv6", "1", NULL, &err), 1);
	assert_int_equal(sysctl_read(&b_net, "ipv6/conf/only/disable_ipv6", value, &err), -ENOENT);
	assert_true(private_ns_run(a, "ip link del only"));
	assert_int_equal(sysctl_read(&a_net, "ipv6/conf/only/disable_ipv6", value, &err), -ENOENT);
	private_ns_run(-1, "ip link del late");
	sysctl_close(&home);
	sysctl_close(&a_net);
	sysctl_close(&b_net);
	close(a);
	close(b);
}

/* Refused to an unprivileged user whose /proc is partly hidden; root gets one. */
static void test_private_instance(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;
	struct stat shared, ours;

	(void)state;
	if (!have_ns)
		skip();
	assert_int_equal(sysctl_open(&net, &err), 0);
	assert_int_equal(stat("/proc/sys/net", &shared), 0);
	assert_int_equal(fstat(net.root, &ours), 0);
	if (shared.st_dev == ours.st_dev)
		fprintf(stderr, "note: no private procfs here, the shared one was tested\n");
	else
		assert_true(geteuid() == 0);
	sysctl_close(&net);
}

static void test_read_only(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;

	(void)state;
	if (!have_ns)
		skip();
	if (mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL) ||
	    mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL))
		skip();
	net.root = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
	net.ipv4 = open("/proc/sys/net/ipv4", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "0", NULL, &err), 0);
	assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "1", NULL, &err), -EROFS);
	assert_int_equal(err.code, NETD_E_PERMISSION);
	assert_non_null(strstr(err.message, "read-only"));
	sysctl_close(&net);
	assert_int_equal(umount("/proc/sys"), 0);
}

static void test_list(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net;
	char value[SYSCTL_VALUE_MAX], *list = NULL;
	size_t items = 1;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	net = open_inside(ns, NULL);
	assert_int_equal(sysctl_read_list(&net, "ipv4/ip_local_reserved_ports", &list, &err), 0);
	assert_string_equal(list, "");
	free(list);
	assert_true(private_ns_run(ns, "seq -s, 20001 2 40001 | dd bs=1M iflag=fullblock "
				       "of=/proc/sys/net/ipv4/ip_local_reserved_ports "
				       "2>/dev/null"));
	assert_int_equal(sysctl_read(&net, "ipv4/ip_local_reserved_ports", value, &err), -EMSGSIZE);
	assert_int_equal(sysctl_read_list(&net, "ipv4/ip_local_reserved_ports", &list, NULL), 0);
	for (const char *c = list; *c; c++)
		items += *c == ',';
	assert_int_equal(items, 10001);
	free(list);
	sysctl_close(&net);
	close(ns);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void test_speed(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct sysctl_net net = SYSCTL_NET_INIT;
	double t0, opened, written, same;
	int rounds = 200;

	(void)state;
	if (!have_ns)
		skip();
	t0 = now_us();
	for (int i = 0; i < rounds; i++) {
		sysctl_close(&net);
		assert_int_equal(sysctl_open(&net, &err), 0);
	}
	opened = now_us();
	for (int i = 0; i < rounds; i++)
		assert_true(sysctl_write(&net, "ipv4/conf/lo/rp_filter", i % 2 ? "0" : "1", NULL,
					 &err) == 1);
	written = now_us();
	for (int i = 0; i < rounds; i++)
		assert_int_equal(sysctl_write(&net, "ipv4/conf/lo/rp_filter", "0", NULL, &err), 0);
	same = now_us();
	print_message("sysctl: open %.1f us, write %.1f us, already there %.1f us\n",
		      (opened - t0) / rounds, (written - opened) / rounds,
		      (same - written) / rounds);
	sysctl_close(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_bound_to_namespace),
		cmocka_unit_test(test_private_instance),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_speed),
	};

	have_ns = private_ns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
