// SPDX-License-Identifier: GPL-2.0-or-later
/* What nft.c sends and how it takes answers, without a kernel: needs no privilege. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfsock.h"
#include "nft.h"
#include "nft_fixture.h"
#include "nl_seam.h"
#include "util.h"

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
	/* what an earlier batch left over is nobody's failure */
	fake_reply(0, 0, -EINTR, NULL);
	fake_reply(seam.fake_len, 2, 0, NULL);
	assert_int_equal(send_to_fake(NULL), 0);
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

static int reset(void **state)
{
	(void)state;
	seam_reset();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages),
		TEST(test_answers),
		TEST(test_malformed),
	};

	return cmocka_run_group_tests_name("nft messages", tests, NULL, NULL);
}
