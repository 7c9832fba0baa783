// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Against the kernel in private network namespaces, with nft(8) as the oracle; skipped where none can
 * be made. sendmsg() and recvmsg() below stand before those of libc, so that a test can play an older
 * kernel or a broken answer; the message tests need no privilege at all.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft.h"
#include "nl.h"
#include "util.h"

#define DESTROYSETELEM 30

/* ---- the seam ------------------------------------------------------------------------------- */

static struct {
	bool no_destroy;     /* the kernel does not know NFT_MSG_DESTROYSETELEM */
	const char *no_expr; /* nor this expression */
	bool capture;	     /* keep what is sent, send nothing */
	char *sent;
	size_t sent_len;
	char fake[2048]; /* answers instead of the kernel's, one datagram */
	size_t fake_len;
	uint32_t fake_pid;
	unsigned int overflows; /* answer that many times with ENOBUFS first */
	unsigned int batches;	/* sent so far */
} seam;

static void seam_reset(void)
{
	free(seam.sent);
	memset(&seam, 0, sizeof(seam));
}

static void tamper(struct nlmsghdr *nlh)
{
	char *at = NULL;

	if (seam.no_destroy && nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | DESTROYSETELEM))
		nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | 0xf7;
	if (seam.no_expr && nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		at = memmem(nlh, nlh->nlmsg_len, seam.no_expr, strlen(seam.no_expr) + 1);
	if (at)
		at[0] = '~';
	if (nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		seam.batches++;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr copy = *msg;
	struct iovec iov = { 0 };
	ssize_t r;
	char *p;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		iov.iov_len += msg->msg_iov[i].iov_len;
	p = iov.iov_base = malloc(iov.iov_len);
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		p = mempcpy(p, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
	for (p = iov.iov_base; p < (char *)iov.iov_base + iov.iov_len;
	     p += NLMSG_ALIGN(((struct nlmsghdr *)p)->nlmsg_len))
		tamper((struct nlmsghdr *)p);
	copy.msg_iov = &iov;
	copy.msg_iovlen = 1;
	if (seam.capture) {
		free(seam.sent);
		seam.sent = iov.iov_base;
		seam.sent_len = iov.iov_len;
		return (ssize_t)iov.iov_len;
	}
	r = syscall(SYS_sendmsg, fd, &copy, flags);
	free(iov.iov_base);
	return r;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	size_t len = seam.fake_len;

	if (seam.overflows) {
		seam.overflows--;
		errno = ENOBUFS;
		return -1;
	}
	if (!seam.capture)
		return syscall(SYS_recvmsg, fd, msg, flags);
	if (!len) {
		errno = EAGAIN;
		return -1;
	}
	if (msg->msg_name)
		((struct sockaddr_nl *)msg->msg_name)->nl_pid = seam.fake_pid;
	memcpy(msg->msg_iov[0].iov_base, seam.fake, len);
	msg->msg_flags = 0;
	seam.fake_len = 0;
	return (ssize_t)len;
}

/* ---- namespaces and nft(8) ------------------------------------------------------------------ */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

static bool new_netns(void)
{
	char map[64];
	unsigned int uid = geteuid();

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	return true;
}

#define NEED_NETNS()                                                                               \
	do {                                                                                       \
		if (!new_netns()) {                                                                \
			fprintf(stderr, "SKIPPED %s: no network namespace can be made here\n",     \
				__func__);                                                         \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

/* Runs a shell command, text on its stdin; what it wrote, for free(3). status NULL: must succeed. */
static char *run(const char *command, const char *text, int *status)
{
	char path[] = "/tmp/test_nft.XXXXXX", *line;
	int fd = mkstemp(path);
	char *out = NULL;
	size_t len = 0;
	FILE *pipe;
	int r;

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	assert_true(asprintf(&line, "{ %s; } < %s 2>&1", command, path) > 0);
	pipe = popen(line, "re");
	assert_non_null(pipe);
	if (getdelim(&out, &len, '\0', pipe) < 0) {
		free(out);
		out = strdup("");
	}
	r = pclose(pipe);
	unlink(path);
	if (!status && r != 0)
		fail_msg("%s: %s", command, out);
	if (status)
		*status = r;
	free(line);
	return out;
}

static void run_ok(const char *command)
{
	free(run(command, "", NULL));
}

/*
 * What nft(8) lists, and below it the expressions and elements as the kernel holds them, less rule
 * handles and the element that nft(8) itself puts before the first interval of a set.
 */
static char *listing(void)
{
	return run("nft list ruleset; nft --debug=netlink list ruleset | "
		   "sed -E -n '/^(inet|netdev) /s/ [0-9]+( [0-9]+)?$//p; "
		   "/element [0 ]+ : 1 \\[end\\]/d; /^\t(element|.*\\[)/p; /^  \\[/p' | sort",
		   "", NULL);
}

static struct nft *open_nft(void)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft = NULL;

	assert_int_equal(nft_open(&nft, &err), 0);
	return nft;
}

static struct nft_batch *new_batch(void)
{
	struct nft_batch *batch = NULL;

	assert_int_equal(nft_batch_new(&batch, NULL), 0);
	return batch;
}

static void send_ok(struct nft *nft, struct nft_batch *batch)
{
	struct netd_error err = NETD_ERROR_INIT;

	if (nft_batch_send(nft, batch, &err) != 0)
		fail_msg("%s (%s)", err.message, err.kernel);
	assert_int_equal(err.code, NETD_OK);
	nft_batch_free(batch);
}

static void send_fails(struct nft *nft, struct nft_batch *batch, int error, enum netd_code code,
		       const char *text)
{
	struct netd_error err = NETD_ERROR_INIT;

	assert_int_equal(nft_batch_send(nft, batch, &err), error);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, text))
		fail_msg("'%s' is not in '%s'", text, err.message);
	nft_batch_free(batch);
}

static void make_ruleset(struct nft *nft)
{
	struct nft_batch *batch = new_batch();

	assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
	send_ok(nft, batch);
}

/* ---- elements ------------------------------------------------------------------------------- */

static struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static struct elem publish(enum ruleset_set set, const char *host, const char *to, uint16_t port,
			   uint16_t count)
{
	return (struct elem){
		.set = set,
		.publish = { .host = ip(host),
			     .to = ip(to),
			     .protocol = IPPROTO_TCP,
			     .host_port = port,
			     .to_port = port == 1 ? 1 : 80,
			     .count = count },
		.owner = "net/box/eth0",
	};
}

#define N_SAMPLES 24

/* Every set, with and without owner, with the corner cases of intervals. */
static void samples(struct elem e[static N_SAMPLES])
{
	static char longest[201];
	size_t n = 0;

	memset(longest, 'o', sizeof(longest) - 1);
	e[n++] = publish(SET_PUBLISH_ADDR4, "127.0.0.1", "10.0.0.2", 8080, 1);
	e[n++] = publish(SET_PUBLISH_ADDR6, "::1", "fd00::2", 8080, 3);
	e[n++] = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 65534, 2);
	e[n] = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 53, 1);
	e[n++].publish.protocol = IPPROTO_UDP;
	e[n] = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 53, 1);
	e[n].owner = longest;
	e[n++].publish.protocol = IPPROTO_SCTP;
	e[n++] = (struct elem){ .set = SET_BRIDGES, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_BRIDGES, .ifname = "br-abcdefghijkl" };
	e[n++] = (struct elem){ .set = SET_SAME_BRIDGE, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_SAME_BRIDGE, .ifname = "br-abcdefghijkl" };
	e[n++] = (struct elem){ .set = SET_INTRA_BRIDGE, .ifname = "br0", .owner = "net" };
	e[n++] = (struct elem){ .set = SET_SELF4, .address = ip("10.0.0.2"), .owner = "net/a" };
	e[n++] = (struct elem){ .set = SET_SELF6, .address = ip("fd00::2"), .owner = longest };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 24 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4,
				.subnet = { ip("10.0.1.0"), 24 },
				.owner = "next" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("192.168.1.1"), 32 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4,
				.subnet = { ip("255.0.0.0"), 8 },
				.owner = "open" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6,
				.subnet = { ip("fd00::"), 64 },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6, .subnet = { ip("fd00:0:0:1::"), 64 } };
	e[n++] = (struct elem){ .set = SET_MASQUERADE6, .subnet = { ip("ff00::"), 8 } };
	e[n++] = (struct elem){ .set = SET_POLICY_FROM,
				.policy = { "br0", RULESET_DROP },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_POLICY_FROM, .policy = { "br1", RULESET_ACCEPT } };
	e[n++] = (struct elem){ .set = SET_POLICY_TO, .policy = { "br0", RULESET_DROP } };
	e[n++] = (struct elem){ .set = SET_POLICY_TO,
				.policy = { "br1", RULESET_ACCEPT },
				.owner = "net" };
	e[n++] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("0.0.0.0"), 8 } };
	assert_int_equal(n, N_SAMPLES);
}

static struct nft_batch *elements(const struct elem *e, size_t n, bool add)
{
	struct nft_batch *batch = new_batch();

	for (size_t i = 0; i < n; i++)
		assert_int_equal(add ? nft_batch_elem_add(batch, &e[i], NULL)
				     : nft_batch_elem_del(batch, &e[i], NULL),
				 0);
	return batch;
}

static int has(struct nft *nft, const struct elem *e)
{
	return nft_has_elem(nft, e, NULL);
}

/* ---- the kernel's state equals what nft(8) makes of the text --------------------------------- */

static void test_same_as_nft(void **state)
{
	struct elem e[N_SAMPLES];
	char *built[3], *read[3], *text[3];
	struct buf buf = { 0 };
	struct nft *nft;

	(void)state;
	samples(e);
	ruleset_print(&buf);
	text[0] = buf_take(&buf);
	for (size_t i = 0; i < N_SAMPLES; i++)
		ruleset_print_elem(&buf, &e[i], true);
	ruleset_print_loopback6(&buf, "br-0", true);
	text[1] = buf_take(&buf);
	for (size_t i = 0; i < N_SAMPLES; i += 2)
		ruleset_print_elem(&buf, &e[i], false);
	ruleset_print_loopback6(&buf, "br-0", false);
	text[2] = buf_take(&buf);

	NEED_NETNS();
	run_ok("ip link add br-0 type bridge");
	nft = open_nft();
	for (int i = 0; i < 3; i++) {
		struct nft_batch *batch =
			i ? elements(e, i == 1 ? N_SAMPLES : 0, true) : new_batch();

		if (i == 0)
			assert_int_equal(nft_batch_ruleset(batch, false, NULL), 0);
		if (i == 1)
			assert_int_equal(nft_batch_loopback6_add(batch, "br-0", NULL), 0);
		for (size_t j = 0; j < N_SAMPLES && i == 2; j += 2)
			assert_int_equal(nft_batch_elem_del(batch, &e[j], NULL), 0);
		if (i == 2)
			assert_int_equal(nft_batch_loopback6_del(batch, "br-0", NULL), 0);
		send_ok(nft, batch);
		built[i] = listing();
		for (size_t j = 0; j < N_SAMPLES; j++)
			assert_int_equal(has(nft, &e[j]), i == 1 || (i == 2 && j % 2));
	}
	nft_close(nft);

	NEED_NETNS();
	run_ok("ip link add br-0 type bridge");
	for (int i = 0; i < 3; i++) {
		free(run("nft -f -", text[i], NULL));
		read[i] = listing();
		assert_string_equal(built[i], read[i]);
		free(built[i]);
		free(read[i]);
		free(text[i]);
	}
}

static void test_replace(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct nft *nft;
	struct nft_batch *batch;
	char *first, *again;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	first = listing();
	send_fails(nft, (batch = new_batch(), nft_batch_ruleset(batch, false, NULL), batch),
		   -EEXIST, NETD_E_KERNEL, "table inet netd");
	run_ok("ip link add br0 type bridge");
	batch = elements(&e, 1, true);
	assert_int_equal(nft_batch_loopback6_add(batch, "br0", NULL), 0);
	assert_int_equal(nft_batch_loopback6_add(batch, "br0", NULL), 0);
	send_ok(nft, batch);
	again = run("nft list table netdev netd | grep -c fwd", "", NULL);
	assert_string_equal(again, "1\n");
	free(again);
	make_ruleset(nft);
	again = listing();
	assert_string_equal(first, again);
	/* a foreign table of that name goes, other tables stay */
	run_ok("nft delete table inet netd; nft add table inet netd; nft add chain inet netd x; "
	       "nft add table inet other");
	batch = new_batch();
	assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
	assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
	assert_int_equal(nft_batch_ruleset_del(batch, NULL), 0);
	nft_batch_free(batch);
	make_ruleset(nft);
	run_ok("nft list table inet other && nft delete table inet other");
	free(again);
	again = listing();
	assert_string_equal(first, again);
	for (int i = 0; i < 2; i++) {
		batch = new_batch();
		assert_int_equal(nft_batch_ruleset_del(batch, NULL), 0);
		send_ok(nft, batch);
		free(again);
		again = listing();
		assert_string_equal(again, "");
	}
	free(first);
	free(again);
	nft_close(nft);
}

static void test_many(void **state)
{
	struct elem four = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 1, 65535);
	struct elem six = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 1, 1);
	struct nft_batch *batch = new_batch();
	struct nft *nft;
	char *text;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	for (uint16_t i = 0; i < 10000; i++) {
		struct elem e = publish(SET_PUBLISH_ADDR4, "192.0.2.1", "10.0.0.2", i + 1, 1);

		assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
		six.publish.host_port = i + 1;
		assert_int_equal(nft_batch_elem_add(batch, &six, NULL), 0);
	}
	assert_int_equal(nft_batch_elem_add(batch, &four, NULL), 0);
	send_ok(nft, batch);
	text = run("for m in publish_addr4 publish_any6 publish_any4; do "
		   "nft list map inet netd $m | grep -o 'tcp . ' | wc -l; done",
		   "", NULL);
	assert_string_equal(text, "10000\n10000\n65535\n");
	free(text);
	send_ok(nft, elements(&four, 1, false));
	text = run("nft list map inet netd publish_any4 | grep -c tcp || true", "", NULL);
	assert_string_equal(text, "0\n");
	free(text);
	nft_close(nft);
}

/* ---- conflicts and absence ------------------------------------------------------------------ */

static void test_conflict(void **state)
{
	struct elem e[] = {
		publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 8000, 50),
		publish(SET_PUBLISH_ADDR6, "2001:db8::1", "fd00::2", 8000, 50),
		{ .set = SET_BRIDGES, .ifname = "br0" },
	};
	struct elem one = publish(SET_PUBLISH_ADDR6, "2001:db8::1", "fd00::9", 8033, 1);
	struct nft *nft;
	char *before, *after;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	make_ruleset(nft);
	send_ok(nft, elements(&one, 1, true));
	before = listing();
	send_fails(nft, elements(e, 3, true), -EEXIST, NETD_E_CONFLICT, "tcp [2001:db8::1]:8033");
	after = listing();
	assert_string_equal(before, after);
	free(before);
	free(after);
	one.publish.to = e[1].publish.to;
	assert_int_equal(has(nft, &one), 2);
	/* what is not a port tolerates an identical element, not another verdict */
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2] = (struct elem){ .set = SET_POLICY_TO, .policy = { "br0", RULESET_DROP } };
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2].policy.verdict = RULESET_ACCEPT;
	send_fails(nft, elements(&e[2], 1, true), -EEXIST, NETD_E_KERNEL, "br0");
	e[2] = (struct elem){ .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 24 } };
	send_ok(nft, elements(&e[2], 1, true));
	send_ok(nft, elements(&e[2], 1, true));
	e[2].subnet.len = 25;
	assert_int_equal(has(nft, &e[2]), 0);
	e[2].subnet = (struct prefix){ ip("10.0.0.128"), 25 };
	assert_int_equal(has(nft, &e[2]), 0);
	nft_close(nft);
}

static void deletes_absent(bool old_kernel)
{
	struct elem e[N_SAMPLES];
	struct nft *nft;
	char *before, *after;

	NEED_NETNS();
	seam.no_destroy = old_kernel;
	samples(e);
	nft = open_nft();
	make_ruleset(nft);
	before = listing();
	send_ok(nft, elements(e, N_SAMPLES, false));
	send_ok(nft, elements(e, N_SAMPLES, true));
	/* half of what is asked for is there */
	send_ok(nft, elements(e, N_SAMPLES / 2, false));
	for (size_t i = 0; i < N_SAMPLES; i++)
		assert_int_equal(has(nft, &e[i]), i >= N_SAMPLES / 2);
	send_ok(nft, elements(e, N_SAMPLES, false));
	after = listing();
	assert_string_equal(before, after);
	free(before);
	free(after);
	/* replacing in one transaction */
	send_ok(nft, elements(e, 1, true));
	{
		struct nft_batch *batch = elements(e, 1, false);

		e[0].publish.to = ip("10.0.0.7");
		assert_int_equal(nft_batch_elem_add(batch, &e[0], NULL), 0);
		send_ok(nft, batch);
	}
	assert_int_equal(has(nft, &e[0]), 1);
	run_ok("nft delete table inet netd");
	send_fails(nft, elements(e, 1, false), -ENOENT, NETD_E_KERNEL, "gone");
	nft_close(nft);
}

static void test_delete_absent(void **state)
{
	(void)state;
	deletes_absent(false);
}

static void test_delete_absent_old_kernel(void **state)
{
	(void)state;
	deletes_absent(true);
	assert_true(seam.batches > 0);
}

static void test_missing_table(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct elem subnet = { .set = SET_MASQUERADE4, .subnet = { ip("10.0.0.0"), 8 } };
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	send_fails(nft, elements(&e, 1, true), -ENOENT, NETD_E_KERNEL, "publish_any4");
	send_fails(nft, elements(&subnet, 1, true), -ENOENT, NETD_E_KERNEL, "masq4");
	assert_int_equal(has(nft, &e), 0);
	assert_int_equal(has(nft, &subnet), 0);
	make_ruleset(nft);
	run_ok("nft flush ruleset");
	send_fails(nft, elements(&e, 1, true), -ENOENT, NETD_E_KERNEL, "publish_any4");
	nft_close(nft);
}

static void test_table_state(void **state)
{
	static const struct {
		const char *command;
		enum nft_table_state want;
	} cases[] = {
		{ "true", NFT_TABLE_MISSING },
		{ "nft add table ip netd", NFT_TABLE_MISSING },
		{ "nft add table inet netd", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"netd 0\"; }'", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"netd 12\"; }'", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"firewall\"; }'", NFT_TABLE_OTHER },
		{ "nft add table inet netd '{ comment \"netd 1\"; }'", NFT_TABLE_CURRENT },
	};
	struct nft *nft;
	enum nft_table_state got;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_ok(cases[i].command);
		assert_int_equal(nft_table_state(nft, &got, NULL), 0);
		assert_int_equal(got, cases[i].want);
		if (i > 1) {
			make_ruleset(nft);
			assert_int_equal(nft_table_state(nft, &got, NULL), 0);
			assert_int_equal(got, NFT_TABLE_CURRENT);
		}
		run_ok("nft flush ruleset");
	}
	nft_close(nft);
}

/* ---- other refusals ------------------------------------------------------------------------- */

static void test_unsupported(void **state)
{
	static const struct {
		const char *expr, *text;
	} cases[] = {
		{ "fib", "'~ib'" }, { "nat", "'~at'" }, { "masq", "'~asq'" }, { "ct", "'~t'" }
	};
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netd_error err = NETD_ERROR_INIT;
		struct nft_batch *batch = new_batch();
		char *text;

		seam.no_expr = cases[i].expr;
		assert_int_equal(nft_batch_ruleset(batch, true, NULL), 0);
		assert_int_equal(nft_batch_send(nft, batch, &err), -ENOENT);
		assert_int_equal(err.code, NETD_E_UNSUPPORTED);
		/* the text is made from what we built, which the seam did not touch */
		assert_non_null(strstr(err.message, cases[i].expr));
		nft_batch_free(batch);
		text = listing();
		assert_string_equal(text, "");
		free(text);
	}
	nft_close(nft);
}

static void test_bad_bridge(void **state)
{
	struct nft_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	assert_int_equal(nft_batch_loopback6_add(batch, "", NULL), -EINVAL);
	assert_int_equal(nft_batch_loopback6_add(batch, "sixteen-letters-", NULL), -EINVAL);
	assert_true(nft_batch_empty(batch));
	assert_int_equal(nft_batch_loopback6_del(batch, "nosuch", NULL), 0);
	send_ok(nft, batch);
	/* since Linux 6.16 a chain may wait for its device; before that it is an error */
	batch = new_batch();
	assert_int_equal(nft_batch_loopback6_add(batch, "nosuch", NULL), 0);
	if (nft_batch_send(nft, batch, &err) != 0)
		assert_non_null(strstr(err.message, "nosuch"));
	nft_batch_free(batch);
	nft_close(nft);
}

static void test_permission(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	if (seteuid(65534) < 0)
		skip(); /* a user namespace that maps one user only */
	nft = open_nft();
	send_fails(nft, elements(&e, 1, true), -EPERM, NETD_E_PERMISSION, "CAP_NET_ADMIN");
	nft_close(nft);
	assert_int_equal(seteuid(0), 0);
}

/* More errors than the socket has room for: the first is still the one told. */
static void test_overflow(void **state)
{
	struct nft_batch *batch = new_batch();
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 80, 1);
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft;

	(void)state;
	NEED_NETNS();
	nft = open_nft();
	assert_int_equal(nft_batch_elem_add(batch, &e, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		struct elem bridge = { .set = SET_BRIDGES, .ifname = "br0" };

		/* alternating kinds cannot share a message */
		assert_int_equal(i % 2 ? nft_batch_elem_add(batch, &bridge, NULL)
				       : nft_batch_elem_del(batch, &bridge, NULL),
				 0);
	}
	/* run by run, so the set with the smaller number comes first */
	assert_int_equal(nft_batch_send(nft, batch, &err), -ENOENT);
	assert_non_null(strstr(err.message, "publish_any4"));
	nft_batch_free(batch);
	/* nothing of it is left to confuse the next one */
	make_ruleset(nft);
	send_ok(nft, elements(&e, 1, true));
	nft_close(nft);
}

/* ---- messages and answers, no privilege needed ---------------------------------------------- */

static struct nlmsghdr *fake_reply(size_t at, uint32_t seq, int error, const char *text)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(seam.fake + at);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_flags = NLM_F_CAPPED | (text ? NLM_F_ACK_TLVS : 0);
	nlh->nlmsg_seq = seq;
	e->error = error;
	if (text)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	seam.fake_len = at + nlh->nlmsg_len;
	return nlh;
}

static struct nft *open_captured(void)
{
	struct nft *nft = open_nft();

	seam.capture = true;
	return nft;
}

/* Elements in a message; checks its lengths on the way. */
static size_t count_elements(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *elem;
	size_t n = 0, covered = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);

	NL_FOR_EACH(attr, nlh, sizeof(struct nfgenmsg))
	{
		covered += ((size_t)attr->nla_len + 3) & ~(size_t)3;
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		NL_FOR_EACH_NESTED(elem, attr)
		n++;
	}
	assert_int_equal(covered, nlh->nlmsg_len);
	return n;
}

static void test_messages(void **state)
{
	struct elem ports = publish(SET_PUBLISH_ANY6, "::", "fd00::2", 1, 65535);
	struct elem bridge = { .set = SET_BRIDGES, .ifname = "br0" };
	char owner[RULESET_OWNER_MAX + 1] = "";
	struct nft *nft = open_captured();
	struct nft_batch *batch = new_batch();
	const struct nlmsghdr *nlh, *last = NULL;
	size_t n = 0, acks = 0;
	uint32_t seq;
	int left;

	(void)state;
	memset(owner, 'o', RULESET_OWNER_MAX);
	ports.owner = owner;
	assert_int_equal(nft_batch_elem_add(batch, &ports, NULL), 0);
	assert_int_equal(nft_batch_elem_add(batch, &bridge, NULL), 0);
	nft_batch_send(nft, batch, NULL);
	nlh = (const struct nlmsghdr *)seam.sent;
	seq = nlh->nlmsg_seq;
	assert_int_equal(nlh->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	left = (int)seam.sent_len;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		assert_int_equal(nlh->nlmsg_seq, seq++);
		acks += (nlh->nlmsg_flags & NLM_F_ACK) != 0;
		if (nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN ||
		    nlh->nlmsg_type == NFNL_MSG_BATCH_END)
			continue;
		assert_true(nlh->nlmsg_len < 65536);
		assert_int_equal(nlh->nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
		n += count_elements(nlh);
		last = nlh;
	}
	assert_int_equal(left, 0);
	assert_int_equal(n, 65536);
	assert_int_equal(acks, 1);
	assert_true(last->nlmsg_flags & NLM_F_ACK);
	assert_false(last->nlmsg_flags & NLM_F_EXCL);
	nft_batch_free(batch);
	nft_close(nft);
}

/* Sends one element on a fresh socket, where BATCH_BEGIN is 1 and the element 2. */
static int send_to_fake(struct netd_error *err)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "0.0.0.0", "10.0.0.2", 8080, 1);
	struct nft *nft = open_captured();
	struct nft_batch *batch = elements(&e, 1, true);
	int r = nft_batch_send(nft, batch, err);

	nft_batch_free(batch);
	nft_close(nft);
	return r;
}

static void test_answers(void **state)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct nlmsghdr *nlh;

	(void)state;
	fake_reply(0, 2, 0, NULL);
	assert_int_equal(send_to_fake(&err), 0);
	/* none, of another batch, not from the kernel, cut off: no success */
	assert_int_equal(send_to_fake(NULL), -EAGAIN);
	fake_reply(0, 7, 0, NULL);
	assert_int_equal(send_to_fake(NULL), -EAGAIN);
	fake_reply(0, 2, 0, NULL);
	seam.fake_pid = 4711;
	assert_int_equal(send_to_fake(NULL), -EAGAIN);
	seam.fake_pid = 0;
	nlh = fake_reply(0, 2, 0, NULL);
	seam.fake_len -= 4;
	assert_int_equal(send_to_fake(NULL), -EAGAIN);
	nlh = fake_reply(0, 2, 0, NULL);
	nlh->nlmsg_len = sizeof(*nlh) + 4;
	assert_int_equal(send_to_fake(NULL), -EAGAIN);
	/* the acknowledgement of the last message does not hide the failure of another */
	nlh = fake_reply(0, 1, -EINTR, NULL);
	fake_reply(seam.fake_len, 2, 0, NULL);
	assert_int_equal(send_to_fake(NULL), -EINTR);
	/* answers were dropped, the first was not */
	fake_reply(0, 2, -EBUSY, "some reason");
	seam.overflows = 1;
	assert_int_equal(send_to_fake(&err), -EBUSY);
	assert_string_equal(err.kernel, "some reason");
	assert_non_null(strstr(err.message, "tcp 0.0.0.0:8080"));
	/* an attribute that is longer than its message is not read */
	nlh = fake_reply(0, 2, -EBUSY, "some reason");
	((struct nlattr *)(seam.fake + sizeof(*nlh) + sizeof(struct nlmsgerr)))->nla_len = 60000;
	err = (struct netd_error)NETD_ERROR_INIT;
	assert_int_equal(send_to_fake(&err), -EBUSY);
	assert_string_equal(err.kernel, "");
}

static void test_malformed(void **state)
{
	struct elem e = publish(SET_PUBLISH_ANY4, "::", "10.0.0.2", 8080, 1);
	struct nft_batch *batch = new_batch();
	struct netd_error err = NETD_ERROR_INIT;

	(void)state;
	assert_int_equal(nft_batch_elem_add(batch, &e, &err), -EINVAL);
	assert_int_equal(err.code, NETD_E_INVALID);
	e.set = SET_COUNT_;
	assert_int_equal(nft_batch_elem_del(batch, &e, NULL), -EINVAL);
	assert_true(nft_batch_empty(batch));
	nft_batch_free(batch);
	nft_batch_free(NULL);
	nft_close(NULL);
}

/* ---- every test: no descriptor is left open -------------------------------------------------- */

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int setup(void **state)
{
	seam_reset();
	*state = (void *)(intptr_t)count_fds();
	return 0;
}

static int teardown(void **state)
{
	seam_reset();
	return count_fds() == (int)(intptr_t)*state ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages),	  TEST(test_answers),
		TEST(test_malformed),	  TEST(test_same_as_nft),
		TEST(test_replace),	  TEST(test_many),
		TEST(test_conflict),	  TEST(test_delete_absent),
		TEST(test_missing_table), TEST(test_delete_absent_old_kernel),
		TEST(test_table_state),	  TEST(test_unsupported),
		TEST(test_bad_bridge),	  TEST(test_permission),
		TEST(test_overflow),
	};

	return cmocka_run_group_tests_name("nft", tests, NULL, NULL);
}
