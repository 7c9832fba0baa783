// SPDX-License-Identifier: GPL-2.0-or-later
/* Queries and notifications against the real kernel in private namespaces. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "rtnl_fixture.h"
#include "rtnl_internal.h"

static bool have_ns;

/* ---- queries ------------------------------------------------------------------------------ */

static void test_link_get(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct rtnl_link link = { .ifindex = 99 };
	uint32_t max = 0;
	struct rtnl *rtnl;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	assert_int_equal(rtnl_link_get(rtnl, "nb0", 0, &link, &err), -ENODEV);
	assert_int_equal(rtnl_link_get(rtnl, NULL, 4711, &link, &err), -ENODEV);
	assert_int_equal(rtnl_link_get(rtnl, NULL, 0, &link, &err), -ENODEV);
	assert_int_equal(rtnl_link_get(rtnl, "", 1, &link, &err), -ENODEV);
	assert_int_equal(rtnl_link_get(rtnl, "a-name-too-long0", 1, &link, &err), -ENODEV);
	assert_int_equal(err.code, NETD_OK);
	assert_int_equal(link.ifindex, 99);
	ns = make_links(rtnl);
	assert_true(private_ns_run(-1, "ip link set nv0 master nb0 up && ip link set nb0 up"));
	assert_true(private_ns_run(ns, "ip link set eth0 up"));
	assert_int_equal(rtnl_link_get(rtnl, "nb0", 0, &link, &err), 0);
	assert_int_equal(link.ifindex, BRIDGE_INDEX);
	assert_string_equal(link.name, "nb0");
	assert_string_equal(link.kind, "bridge");
	assert_memory_equal(&link.mac, &bridge_mac, sizeof(bridge_mac));
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(link.master, 0);
	assert_int_equal(rtnl_link_get(rtnl, NULL, HOST_INDEX, &link, &err), 0);
	assert_string_equal(link.name, "nv0");
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.master, BRIDGE_INDEX);
	assert_int_equal(link.operstate, 6);
	assert_true(link.flags & IFF_UP);
	assert_int_equal(rtnl_max_ifindex(rtnl, &max, &err), 0);
	assert_int_equal(max, BRIDGE_INDEX);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

static bool contains(const struct prefix *list, size_t n, const char *text)
{
	struct prefix want = prefix_of(text);

	for (size_t i = 0; i < n; i++)
		if (list[i].len == want.len && ip_equal(&list[i].ip, &want.ip))
			return true;
	return false;
}

static bool owns(const struct rtnl_address *list, size_t n, const char *text)
{
	struct prefix wanted = prefix_of(text);

	for (size_t i = 0; i < n; i++)
		if (!memcmp(&list[i].address, &wanted, sizeof(wanted)) && list[i].ifindex)
			return true;
	return false;
}

static void test_busy_prefixes(void **state)
{
	struct rtnl_address *own = NULL;
	struct netd_error err = NETD_ERROR_INIT;
	struct prefix *list = NULL;
	struct rtnl *rtnl;
	size_t n = 0;
	int ns, off = 0;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	rtnl = open_in(ns, 0);
	assert_int_equal(rtnl_busy_prefixes(rtnl, &list, &n, &err),
			 0); /* nothing, not even tables */
	free(list);
	assert_true(private_ns_run(
		ns,
		"ip link add nbr type bridge && ip link set nbr up && ip link set lo up &&"
		"ip addr add 10.1.2.3/16 dev nbr && ip addr add 10.9.9.1 peer 10.8.0.0/24 dev nbr "
		"&&"
		"ip -6 addr add fd00:1::5/64 dev nbr nodad && ip route add 172.16.0.0/12 via "
		"10.1.0.1 &&"
		"ip route add default via 10.1.0.1 && ip -6 route add fd00:2::/48 dev nbr &&"
		"ip route add blackhole 198.51.100.0/24 && ip -6 route add default via fd00:1::1 &&"
		"ip route add 203.0.113.0/24 dev nbr table 100"));
	assert_int_equal(rtnl_busy_prefixes(rtnl, &list, &n, &err), 0);
	assert_true(contains(list, n, "10.1.2.3/16"));
	assert_true(contains(list, n, "10.9.9.1/32"));
	assert_true(contains(list, n, "10.8.0.0/24"));
	assert_true(contains(list, n, "127.0.0.1/8"));
	assert_true(contains(list, n, "172.16.0.0/12"));
	assert_true(contains(list, n, "198.51.100.0/24"));
	assert_true(contains(list, n, "fd00:1::5/64"));
	assert_true(contains(list, n, "fd00:2::/48"));
	assert_false(contains(list, n, "0.0.0.0/0"));
	assert_false(contains(list, n, "::/0"));
	assert_false(contains(list, n, "203.0.113.0/24"));
	free(list);
	/* a kernel that does not filter dumps leaves it to us */
	assert_int_equal(
		setsockopt(rtnl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &off, sizeof(off)), 0);
	assert_int_equal(rtnl_busy_prefixes(rtnl, &list, &n, &err), 0);
	assert_true(contains(list, n, "fd00:2::/48"));
	assert_false(contains(list, n, "203.0.113.0/24"));
	assert_false(contains(list, n, "ff00::/8"));
	free(list);
	assert_int_equal(rtnl_own_addresses(rtnl, AF_INET6, &own, &n, &err), 0);
	assert_true(owns(own, n, "fd00:1::5/64"));
	assert_true(owns(own, n, "::1/128"));
	assert_false(owns(own, n, "fd00:2::/48"));
	assert_false(owns(own, n, "10.1.2.3/16"));
	free(own);
	rtnl_close(rtnl);
	close(ns);
}

/* Moves the first address to the end of the list, as fast as possible, until it is killed. */
static pid_t churn(int ns)
{
	pid_t pid = fork();

	if (!pid) {
		struct rtnl_address address = { 1, prefix_of("10.1.1.1/32"), false };
		struct rtnl *rtnl = open_in(ns, 0);

		alarm(20);
		for (unsigned int i = 0;; i++) {
			struct rtnl_batch *batch = new_batch();

			address.address.ip.b[1] = (uint8_t)(1 + i / 250 % 8);
			address.address.ip.b[2] = (uint8_t)(1 + i % 250);
			rtnl_address_del(batch, &address);
			rtnl_address_add(batch, &address);
			commit(rtnl, batch);
		}
	}
	return pid;
}

/*
 * Dumps that change under our hands are begun anew, so that nothing is listed twice or missed. The
 * kernel changes its list and its counter one after the other, which once in some 1,000 dumps shows;
 * without our second attempts 30 to 90 of the 150 are wrong.
 */
static void test_interrupted_dump(void **state)
{
	struct rtnl *rtnl;
	int ns, done = 0, busy = 0, odd = 0;
	pid_t pid;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	assert_true(private_ns_run(ns, "ip link set lo up; for i in 1 2 3 4 5 6 7 8; do "
				       "for j in $(seq 250); do echo addr add 10.$i.$j.1/32 dev lo;"
				       "done; done | ip -batch -"));
	rtnl = open_in(ns, 0);
	pid = churn(ns);
	for (int i = 0; i < 150; i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct rtnl_address *list = NULL;
		size_t n = 0;
		int r = rtnl_own_addresses(rtnl, AF_INET, &list, &n, &err);

		if (r) {
			assert_int_equal(r, -EAGAIN);
			assert_int_equal(err.code, NETD_E_BUSY);
			busy++;
			continue;
		}
		done++;
		odd += n != 2000 && n != 2001; /* with 127.0.0.1; one may be on its way */
		free(list);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	print_message("dumps under change: %d read, %d of them odd, %d given up\n", done, odd,
		      busy);
	assert_true(odd <= 5);
	rtnl_close(rtnl);
	close(ns);
}

static void test_default_routes(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	uint32_t indexes[4] = { 0 };
	struct rtnl *rtnl;
	size_t n = 99;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	rtnl = open_in(ns, 0);
	assert_int_equal(rtnl_ra_interfaces(rtnl, indexes, 4, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_true(private_ns_run(
		ns, "for i in 2 3 4; do ip link add br$i index 10$i mtu 1${i}80 type bridge;"
		    "ip link set br$i up; ip addr add 10.$i.0.2/24 dev br$i;"
		    "ip addr add fd00:$i::2/64 dev br$i nodad; done;"
		    "ip -6 route add default via fd00:3::1 proto ra metric 1024;"
		    "ip -6 route add fd00:9::/64 via fd00:2::1 proto ra"));
	assert_true(private_ns_run(ns,
				   "ip route add default via 10.4.0.1 metric 200;"
				   "ip route add default nexthop via 10.2.0.1 nexthop via 10.4.0.1;"
				   "ip -6 route add default via fd00:4::1 metric 7"));
	assert_int_equal(rtnl_ra_interfaces(rtnl, indexes, 4, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(indexes[0], 103);
	assert_int_equal(rtnl_ra_interfaces(rtnl, indexes, 0, &n, &err), 0);
	assert_int_equal(n, 0);
	rtnl_close(rtnl);
	close(ns);
}

static int is_local(struct rtnl *rtnl, const char *text)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = ip_of(text);
	int r = rtnl_is_local(rtnl, &ip, &err);

	if (r < 0)
		fail_msg("%s: %s", text, err.message);
	return r;
}

static void test_is_local(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip none = { .family = AF_UNSPEC };
	struct rtnl *rtnl;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	rtnl = open_in(ns, 0);
	assert_int_equal(is_local(rtnl, "10.1.2.3"), 0); /* unreachable */
	assert_int_equal(is_local(rtnl, "fd00::1"), 0);
	assert_true(private_ns_run(ns,
				   "ip link add nbr type bridge && ip link set nbr up &&"
				   "ip link set lo up && ip addr add 10.1.2.3/16 brd + dev nbr &&"
				   "ip addr add fd00::1/64 dev nbr nodad &&"
				   "ip route add blackhole 198.51.100.0/24 &&"
				   "ip route add prohibit 203.0.113.0/24 &&"
				   "ip -6 route add blackhole 2001:db8::/32"));
	/* the kernel makes the local route of an IPv6 address without DAD a moment later */
	for (int i = 0; i < 1000 && is_local(rtnl, "fd00::1") == 0; i++)
		usleep(1000);
	assert_int_equal(is_local(rtnl, "10.1.2.3"), 1);
	assert_int_equal(is_local(rtnl, "10.1.2.4"), 0);
	assert_int_equal(is_local(rtnl, "10.1.255.255"), 0); /* broadcast */
	assert_int_equal(is_local(rtnl, "127.0.0.1"), 1);
	assert_int_equal(is_local(rtnl, "127.1.2.3"), 1);
	assert_int_equal(is_local(rtnl, "198.51.100.1"), 0);
	assert_int_equal(is_local(rtnl, "203.0.113.1"), 0);
	assert_int_equal(is_local(rtnl, "::1"), 1);
	assert_int_equal(is_local(rtnl, "fd00::1"), 1);
	assert_int_equal(is_local(rtnl, "fd00::2"), 0);
	assert_int_equal(is_local(rtnl, "2001:db8::1"), 0);
	assert_int_equal(is_local(rtnl, "224.0.0.1"), 0);
	assert_int_equal(rtnl_is_local(rtnl, &none, &err), -EINVAL);
	rtnl_close(rtnl);
	close(ns);
}

static void test_cookie(void **state)
{
	struct rtnl *a, *b, *c;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	ns = private_ns_new();
	a = open_in(-1, 0);
	b = open_in(-1, 0);
	c = open_in(ns, 0);
	assert_true(rtnl_netns_cookie(a) != 0);
	assert_true(rtnl_netns_cookie(a) == rtnl_netns_cookie(b));
	assert_true(rtnl_netns_cookie(a) != rtnl_netns_cookie(c));
	rtnl_close(a);
	rtnl_close(b);
	rtnl_close(c);
	rtnl_close(NULL);
	close(ns);
}

/* ---- notifications ------------------------------------------------------------------------ */

static void test_wait_address(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = ip_of("fd00::2"), other = ip_of("fd00::3"), elsewhere = ip_of("fd00::4");
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl, *inner, *notices;
	double t0;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	inner = open_in(ns, 0);
	notices = open_in(ns, 1 << (RTNLGRP_IPV6_IFADDR - 1));
	set_up(batch, 1);
	set_up(batch, 7);
	add_address(batch, 7, "fe80::42/64");
	add_address(batch, 7, "fd00::2/64");
	commit(inner, batch);
	set_up((batch = new_batch()), HOST_INDEX);
	commit(rtnl, batch);
	assert_int_equal(rtnl_wait_address(notices, 7, &ip, 2000, &err), 0);
	assert_false(notices->notices_lost);
	assert_int_equal(is_local(inner, "fd00::2"), 1);
	/* on another interface: not what is waited for */
	set_up((batch = new_batch()), 1);
	add_address(batch, 1, "fd00::4/64");
	commit(inner, batch);
	t0 = now_us();
	rtnl_wait_address(notices, 7, &elsewhere, 40, &err);
	assert_true(now_us() - t0 > 39e3);
	t0 = now_us();
	assert_int_equal(rtnl_wait_address(notices, 7, &other, 80, &err), -ETIME);
	assert_true(now_us() - t0 > 79e3 && now_us() - t0 < 1e6);
	assert_int_equal(err.code, NETD_OK);
	assert_int_equal(rtnl_wait_address(notices, 7, &other, 0, &err), -ETIME);
	rtnl_close(notices);
	rtnl_close(inner);
	drop_links(rtnl, ns);
	rtnl_close(rtnl);
}

/* Deletes the veth pair from another process, some time later. */
static pid_t delete_later(unsigned int ms)
{
	pid_t pid = fork();

	if (!pid) {
		struct rtnl_batch *batch = new_batch();
		struct rtnl *rtnl = open_in(-1, 0);
		int result;

		usleep(ms * 1000);
		rtnl_link_del(batch, HOST_INDEX);
		_exit(rtnl_batch_send(rtnl, batch, &result, NULL, NULL) || result);
	}
	return pid;
}

static void test_wait_link_gone(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl, *notices;
	int ns, status;
	double t0, gone;
	pid_t pid;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	notices = open_in(-1, 1 << (RTNLGRP_LINK - 1));
	/* leaving a bridge sends RTM_DELLINK of family AF_BRIDGE: not the end */
	assert_true(private_ns_run(-1, "ip link set nv0 master nb0 && ip link set nv0 nomaster"));
	t0 = now_us();
	assert_int_equal(rtnl_wait_link_gone(notices, HOST_INDEX, 50, &err), -ETIME);
	assert_true(now_us() - t0 > 49e3);
	assert_int_equal(err.code, NETD_OK);
	pid = delete_later(20);
	t0 = now_us();
	assert_int_equal(rtnl_wait_link_gone(notices, HOST_INDEX, 5000, &err), 0);
	gone = now_us();
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_false(notices->notices_lost);
	print_message("link gone: notified after %.2f ms, deletion returned after %.2f ms\n",
		      (gone - t0) / 1e3 - 20, (now_us() - t0) / 1e3 - 20);
	/* gone before anyone listened */
	rtnl_close(notices);
	notices = open_in(-1, 1 << (RTNLGRP_LINK - 1));
	assert_int_equal(rtnl_wait_link_gone(notices, HOST_INDEX, 10, &err), 0);
	rtnl_close(notices);
	rtnl_link_del(batch, BRIDGE_INDEX);
	commit(rtnl, batch);
	rtnl_close(rtnl);
	close(ns);
}

/* The notification is lost with the rest: the receive buffer is tiny and the changes are many. */
static void test_overrun(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct ip ip = ip_of("fd00::2");
	struct rtnl *rtnl, *links, *addresses;
	struct rtnl_link link;
	int ns, tiny = 1, status;
	pid_t pid;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 0);
	ns = make_links(rtnl);
	links = open_in(-1, 1 << (RTNLGRP_LINK - 1));
	addresses = open_in(ns, 1 << (RTNLGRP_IPV6_IFADDR - 1));
	setsockopt(links->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	setsockopt(addresses->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	assert_true(private_ns_run(ns, "ip link set lo up; ip link set eth0 up;"
				       "for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4 5 6 7 8; do "
				       "echo addr add fd00:1::$i$j/64 dev lo nodad; done; done"
				       " | ip -batch -;"
				       "ip addr add fd00::2/64 dev eth0 nodad"));
	assert_true(private_ns_run(-1,
				   "for i in $(seq 40); do echo link set nb0 mtu $((1400+i)); done"
				   " | ip -batch -"));
	/* a question on a socket that has overrun: its first reply is lost, too */
	assert_int_equal(rtnl_link_get(links, NULL, HOST_INDEX, &link, &err), 0);
	assert_string_equal(link.name, "nv0");
	pid = delete_later(30);
	assert_int_equal(rtnl_wait_address(addresses, 7, &ip, 2000, &err), 0);
	assert_true(addresses->notices_lost);
	assert_int_equal(rtnl_wait_link_gone(links, HOST_INDEX, 5000, &err), 0);
	assert_true(links->notices_lost);
	waitpid(pid, &status, 0);
	rtnl_close(links);
	rtnl_close(addresses);
	private_ns_run(-1, "ip link del nb0");
	rtnl_close(rtnl);
	close(ns);
}

/* A batch on the very socket that also listens: its own notifications do not confuse it. */
static void test_batch_on_listening_socket(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct rtnl_batch *batch = new_batch();
	struct rtnl *rtnl;
	int ns;

	(void)state;
	if (!have_ns)
		skip();
	rtnl = open_in(-1, 1 << (RTNLGRP_LINK - 1));
	ns = make_links(rtnl);
	assert_true(rtnl->notices_lost);
	rtnl_link_del(batch, HOST_INDEX);
	commit(rtnl, batch);
	assert_int_equal(rtnl_wait_link_gone(rtnl, HOST_INDEX, 1000, &err), 0);
	batch = new_batch();
	rtnl_link_del(batch, BRIDGE_INDEX);
	commit(rtnl, batch);
	rtnl_close(rtnl);
	close(ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_get),
		cmocka_unit_test(test_busy_prefixes),
		cmocka_unit_test(test_interrupted_dump),
		cmocka_unit_test(test_default_routes),
		cmocka_unit_test(test_is_local),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_wait_address),
		cmocka_unit_test(test_wait_link_gone),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_batch_on_listening_socket),
	};

	have_ns = private_ns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
