// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries are made by conntrack(8), and it tells what is left; in a private network namespace. Each
 * test runs three times: as the kernel is, as one that does not know CTA_FILTER (before Linux 5.8), and
 * as one that knows it for dumps only (before 6.10).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "buf.h"
#include "conntrack.h"
#include "nfsock.h"
#include "nl_seam.h"
#include "private_ns.h"
#include "run_command.h"
#include "util.h"

enum kernel { KERNEL_AS_IS, KERNEL_NO_FILTER, KERNEL_DUMP_FILTER, KERNELS };

static enum kernel kernel;
static unsigned int filters_sent, deletes_sent;

static void play_kernel(struct nlmsghdr *nlh)
{
	struct nlattr *attr = (struct nlattr *)nfsock_find(nlh, CTA_FILTER);
	bool delete = nlh->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE);

	/* no kernel may ever read a request as "delete everything" */
	if (delete)
		assert_true(nfsock_find(nlh, CTA_TUPLE_ORIG) || nfsock_find(nlh, CTA_TUPLE_REPLY));
	deletes_sent += delete;
	filters_sent += attr != NULL;
	if (attr && (kernel == KERNEL_NO_FILTER || (kernel == KERNEL_DUMP_FILTER && delete)))
		attr->nla_type = 0x3000;
}

/* ---- entries -------------------------------------------------------------------------------- */

struct entry {
	const char *protocol;
	const char *src; /* client */
	const char *host;
	int port;
	const char *container; /* reply source */
	int zone;
};

static int next_port = 20000; /* distinct client ports keep reply tuples apart */

static void add_entry(const struct entry *e)
{
	char *line;

	next_port++;
	assert_true(asprintf(&line,
			     "conntrack -I -p %s -s %s -d %s --sport %d --dport %d -r %s -q %s "
			     "--reply-port-src 53 --reply-port-dst %d -t 600%s -w %d",
			     e->protocol, e->src, e->host, next_port, e->port, e->container, e->src,
			     next_port,
			     strcmp(e->protocol, "tcp") == 0 ? " --state ESTABLISHED"
			     : strcmp(e->protocol, "sctp") == 0
				     ? " --state ESTABLISHED --orig-vtag 1 --reply-vtag 2"
				     : "",
			     e->zone) > 0);
	run_ok(line);
	free(line);
}

/* "protocol host port container" of every entry, sorted. */
static char *left(void)
{
	return run("for f in ipv4 ipv6; do conntrack -f $f -L 2>/dev/null; done | "
		   "sed -E 's/^([a-z0-9]+) .* dst=([^ ]+) sport=[0-9]+ dport=([0-9]+).*src=([^ ]+) "
		   "dst=.*/\\1 \\2 \\3 \\4/; s/^.*(tcp|udp|sctp)/\\1/' | sort",
		   "");
}

static struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static void flush_ok(const struct conntrack_filter *filters, size_t n)
{
	struct netd_error err = NETD_ERROR_INIT;

	if (conntrack_flush(filters, n, &err) != 0)
		fail_msg("%s", err.message);
	assert_int_equal(err.code, NETD_OK);
}

/* A change of one thing from the first entry each, so that a filter that overlooks it is caught. */
static const struct entry entries[] = {
	{ "udp", "198.51.100.1", "192.0.2.1", 5300, "10.0.0.2", 0 },
	{ "udp", "198.51.100.2", "192.0.2.1", 5300, "10.0.0.2", 0 },
	{ "udp", "198.51.100.1", "192.0.2.1", 5300, "10.0.0.3", 0 },
	{ "udp", "198.51.100.1", "192.0.2.2", 5300, "10.0.0.2", 0 },
	{ "udp", "198.51.100.1", "192.0.2.1", 5299, "10.0.0.2", 0 },
	{ "udp", "198.51.100.1", "192.0.2.1", 5301, "10.0.0.2", 0 },
	{ "udp", "198.51.100.1", "192.0.2.1", 5399, "10.0.0.2", 0 },
	{ "tcp", "198.51.100.1", "192.0.2.1", 5300, "10.0.0.2", 0 },
	{ "sctp", "198.51.100.1", "192.0.2.1", 5300, "10.0.0.2", 0 },
	{ "sctp", "198.51.100.1", "192.0.2.1", 5301, "10.0.0.2", 0 },
	{ "udp", "2001:db8::1", "2001:db8::2", 5300, "fd00::2", 0 },
	{ "udp", "2001:db8::1", "2001:db8::3", 5300, "fd00::2", 0 },
	{ "udp", "2001:db8::1", "2001:db8::2", 5300, "fd00::3", 0 },
	{ "udp", "198.51.100.1", "192.0.2.1", 5300, "10.0.0.2", 7 },
};

static bool should_go(const struct entry *e, const struct conntrack_filter *f)
{
	static const char *const names[] = { [6] = "tcp", [17] = "udp", [132] = "sctp" };
	struct ip host = ip(e->host), container = ip(e->container);

	return strcmp(e->protocol, names[f->protocol]) == 0 && host.family == f->host.family &&
	       e->port >= f->port && e->port < f->port + f->count &&
	       (ip_is_zero(&f->host) || ip_equal(&host, &f->host)) &&
	       (f->container.family == AF_UNSPEC || ip_equal(&container, &f->container));
}

static void check_flush(const struct conntrack_filter *filters, size_t n)
{
	struct buf want = { 0 };
	char *expected, *sorted, *got;

	run_ok("conntrack -F");
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		bool goes = false;

		add_entry(&entries[i]);
		for (size_t j = 0; j < n; j++)
			goes = goes || should_go(&entries[i], &filters[j]);
		if (!goes)
			buf_printf(&want, "%s %s %d %s\n", entries[i].protocol, entries[i].host,
				   entries[i].port, entries[i].container);
	}
	flush_ok(filters, n);
	expected = buf_take(&want);
	sorted = run("sort", expected);
	got = left();
	assert_string_equal(got, sorted);
	free(expected);
	free(sorted);
	free(got);
}

#define HOST4 .host = ip("192.0.2.1")
#define ANY4 .host = ip("0.0.0.0")
#define BOX4 .container = ip("10.0.0.2")
#define PORTS(p, n) .port = (p), .count = (n)

static void test_exact(void **state)
{
	const struct conntrack_filter filters[] = {
		{ HOST4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ HOST4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ ANY4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ ANY4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ ANY4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 2) },
		{ ANY4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 99) },
		{ HOST4, .protocol = IPPROTO_UDP, PORTS(1, 65535) },
		{ ANY4, BOX4, .protocol = IPPROTO_TCP, PORTS(5300, 1) },
		{ ANY4, BOX4, .protocol = IPPROTO_SCTP, PORTS(5300, 1) },
		{ .host = ip("::"), .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ .host = ip("2001:db8::2"),
		  .container = ip("fd00::2"),
		  .protocol = IPPROTO_UDP,
		  PORTS(5300, 1) },
		{ .host = ip("2001:db8::2"),
		  .container = ip("fd00::2"),
		  .protocol = IPPROTO_UDP,
		  PORTS(5000, 500) },
		{ HOST4, .container = ip("10.0.0.9"), .protocol = IPPROTO_UDP, PORTS(5300, 1) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		check_flush(&filters[i], 1);
}

static void test_several(void **state)
{
	const struct conntrack_filter mixed[] = {
		{ HOST4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ .host = ip("::"),
		  .container = ip("fd00::3"),
		  .protocol = IPPROTO_UDP,
		  PORTS(5300, 1) },
		{ ANY4, .container = ip("10.0.0.3"), .protocol = IPPROTO_TCP, PORTS(5300, 1) },
	};
	const struct conntrack_filter wide[] = {
		{ HOST4, BOX4, .protocol = IPPROTO_UDP, PORTS(5301, 99) },
		{ .host = ip("192.0.2.2"), BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ HOST4, .container = ip("10.0.0.3"), .protocol = IPPROTO_UDP, PORTS(5300, 1) },
	};
	const struct conntrack_filter both[] = {
		{ HOST4, BOX4, .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ HOST4, BOX4, .protocol = IPPROTO_SCTP, PORTS(5300, 1) },
		{ .host = ip("2001:db8::2"), .protocol = IPPROTO_UDP, PORTS(5300, 1) },
		{ .host = ip("2001:db8::3"), .protocol = IPPROTO_UDP, PORTS(5300, 1) },
	};

	(void)state;
	check_flush(mixed, ARRAY_SIZE(mixed));
	check_flush(wide, ARRAY_SIZE(wide));
	filters_sent = 0;
	check_flush(both, ARRAY_SIZE(both));
	if (kernel == KERNEL_AS_IS)
		assert_int_equal(filters_sent, 1 + 2); /* one deletion, a dump of each family */
}

/* Which way was taken: a test that never met the filter would prove little. */
static void test_way(void **state)
{
	const struct conntrack_filter filter = { HOST4, BOX4, .protocol = IPPROTO_UDP,
						 PORTS(5300, 1) };

	(void)state;
	run_ok("conntrack -F");
	filters_sent = deletes_sent = 0;
	flush_ok(&filter, 1);
	assert_int_equal(filters_sent, 0); /* nothing there, nothing asked */
	check_flush(&filter, 1);
	if (kernel == KERNEL_AS_IS && filters_sent == 1)
		assert_int_equal(deletes_sent, 1);
	else
		assert_int_equal(deletes_sent, 1 + 3); /* refused; zone 0 twice, zone 7 */
}

static void test_many(void **state)
{
	const struct conntrack_filter filter = { ANY4, BOX4, .protocol = IPPROTO_UDP,
						 PORTS(1, 65535) };
	char *got;

	(void)state;
	run_ok("conntrack -F");
	run_ok("f=$(mktemp) && for i in $(seq 300); do echo -I -p udp -s 198.51.100.1 "
	       "-d 192.0.2.1 --sport $i --dport $i -r 10.0.0.2 "
	       "-q 198.51.100.1 --reply-port-src 53 --reply-port-dst $i -t 600;"
	       "done > $f; conntrack -R $f; r=$?; rm $f; exit $r");
	add_entry(&entries[2]);
	flush_ok(&filter, 1);
	got = left();
	assert_string_equal(got, "udp 192.0.2.1 5300 10.0.0.3\n");
	free(got);
}

static void test_malformed(void **state)
{
	const struct conntrack_filter bad[] = {
		{ .protocol = IPPROTO_UDP, PORTS(1, 1) },
		{ HOST4, .container = ip("fd00::2"), .protocol = IPPROTO_UDP, PORTS(1, 1) },
		{ HOST4, .protocol = IPPROTO_UDP, PORTS(1, 0) },
		{ HOST4, .protocol = IPPROTO_UDP, PORTS(65535, 2) },
		{ HOST4, PORTS(1, 1) },
	};
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(conntrack_flush(&bad[i], 1, NULL), -EINVAL);
	assert_int_equal(conntrack_flush(bad, 1, &err), -EINVAL);
	assert_int_equal(err.code, NETD_E_INVALID);
	assert_int_equal(conntrack_flush(NULL, 0, NULL), 0);
}

static int setup(void **state)
{
	*state = (void *)(intptr_t)private_ns_count_fds();
	seam_reset();
	seam.tamper = play_kernel;
	return 0;
}

static int teardown(void **state)
{
	seam_reset();
	return private_ns_count_fds() == (int)(intptr_t)*state ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const char *const names[] = { "conntrack", "conntrack without filter",
					     "conntrack with dump filter" };
	const struct CMUnitTest tests[] = {
		TEST(test_malformed), TEST(test_exact), TEST(test_several),
		TEST(test_way),	      TEST(test_many),
	};
	int failed = 0;

	if (!private_ns_enter())
		return 0;
	for (kernel = KERNEL_AS_IS; kernel < KERNELS; kernel++)
		failed += cmocka_run_group_tests_name(names[kernel], tests, NULL, NULL);
	return failed;
}
