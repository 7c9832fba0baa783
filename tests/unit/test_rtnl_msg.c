// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages and replies byte by byte, without a kernel. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtnl_fixture.h"
#include "rtnl_internal.h"

static void test_bad_arguments(void **state)
{
	struct rtnl_batch *batch = new_batch();
	struct rtnl_bridge bridge = { .name = "a-name-too-long0", .ifindex = 9, .mac = bridge_mac };
	struct rtnl_veth veth = {
		.host_name = "a", .peer_name = "b", .peer_netns_fd = 0, .peer_ifindex = 2
	};
	struct rtnl_link_change change = { .up = RTNL_ON };
	struct rtnl_address address = { .ifindex = 1 };
	struct rtnl_route route = { .dst = prefix_of("10.0.0.0/8"),
				    .gw = ip_of("::1"),
				    .ifindex = 1,
				    .table = RT_TABLE_MAIN,
				    .type = RTN_UNICAST };

	(void)state;
	assert_int_equal(rtnl_add_bridge(batch, &bridge), -EINVAL);
	bridge.name = "";
	assert_int_equal(rtnl_add_bridge(batch, &bridge), -EINVAL);
	assert_int_equal(rtnl_add_veth(batch, &veth), -EINVAL); /* peer index without the host's */
	veth.host_ifindex = 3;
	veth.peer_netns_fd = -1;
	assert_int_equal(rtnl_add_veth(batch, &veth), -EINVAL);
	assert_int_equal(rtnl_link_set(batch, &change), -EINVAL);
	assert_int_equal(rtnl_link_del(batch, 0), -EINVAL);
	assert_int_equal(rtnl_address_add(batch, &address), -EINVAL);
	address.address = prefix_of("10.0.0.1/8");
	address.address.len = 33;
	assert_int_equal(rtnl_address_add(batch, &address), -EINVAL);
	assert_int_equal(rtnl_route_add(batch, &route), -EINVAL);
	route.gw.family = AF_UNSPEC;
	route.dst.len = 33;
	assert_int_equal(rtnl_route_del(batch, &route), -EINVAL);
	assert_int_equal(batch->count, 0);
	assert_int_equal(batch->messages.len, 0);
	rtnl_batch_free(batch);
}

/* Every size at its limit: fits a message, and comes back as it went in. */
static void test_veth_message(void **state)
{
	const struct rtnl_veth veth = { .host_name = "host-name-15chr",
					.host_ifindex = 0x7ffffffe,
					.host_mac = host_mac,
					.peer_name = "peer-name-15chr",
					.peer_ifindex = 0x7fffffff,
					.peer_netns_fd = 1023,
					.peer_mac = peer_mac,
					.mtu = 65535 };
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[VETH_INFO_PEER + 1];
	struct rtnl_batch *batch = new_batch();
	struct ifinfomsg *header;
	struct nlmsghdr *nh;

	(void)state;
	assert_int_equal(rtnl_add_veth(batch, &veth), 0);
	nh = (struct nlmsghdr *)(void *)batch->messages.data;
	assert_int_equal(nh->nlmsg_len, batch->messages.len);
	assert_int_equal(nh->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(nh->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(nlmsg_parse(nh, sizeof(*header), tb, IFLA_MAX, NULL), 0);
	header = nlmsg_data(nh);
	assert_int_equal(header->ifi_index, 0x7ffffffe);
	assert_int_equal(header->ifi_flags, 0);
	assert_string_equal(nla_get_string(tb[IFLA_IFNAME]), "host-name-15chr");
	assert_int_equal(nla_get_u32(tb[IFLA_MTU]), 65535);
	assert_int_equal(nla_get_u32(tb[IFLA_NUM_TX_QUEUES]), 1);
	assert_int_equal(nla_get_u32(tb[IFLA_NUM_RX_QUEUES]), 1);
	assert_memory_equal(nla_data(tb[IFLA_ADDRESS]), &host_mac, sizeof(host_mac));
	assert_null(tb[IFLA_MASTER]);
	assert_int_equal(nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL), 0);
	assert_string_equal(nla_get_string(info[IFLA_INFO_KIND]), "veth");
	assert_int_equal(nla_parse_nested(data, VETH_INFO_PEER, info[IFLA_INFO_DATA], NULL), 0);
	header = nla_data(data[VETH_INFO_PEER]);
	assert_int_equal(header->ifi_index, 0x7fffffff);
	assert_int_equal(nla_parse(tb, IFLA_MAX, (struct nlattr *)(void *)(header + 1),
				   nla_len(data[VETH_INFO_PEER]) - (int)sizeof(*header), NULL),
			 0);
	assert_string_equal(nla_get_string(tb[IFLA_IFNAME]), "peer-name-15chr");
	assert_int_equal(nla_get_u32(tb[IFLA_MTU]), 65535);
	assert_int_equal(nla_get_u32(tb[IFLA_NET_NS_FD]), 1023);
	assert_int_equal(nla_get_u32(tb[IFLA_NUM_TX_QUEUES]), 1);
	assert_memory_equal(nla_data(tb[IFLA_ADDRESS]), &peer_mac, sizeof(peer_mac));
	rtnl_batch_free(batch);
}

/* Order: master while down, then port flags, then up. */
static void test_link_set_messages(void **state)
{
	const struct rtnl_link_change change = {
		.ifindex = 5, .up = RTNL_ON, .promisc = RTNL_OFF, .master = 9, .isolated = RTNL_ON
	};
	struct rtnl_batch *batch = new_batch();
	const struct nlmsghdr *nh;
	const struct ifinfomsg *header;
	struct nlattr *tb[IFLA_MAX + 1];
	size_t len;

	(void)state;
	assert_int_equal(rtnl_link_set(batch, &change), 0);
	len = batch->messages.len;
	nh = rtnl_message_at(batch->messages.data, len);
	assert_int_equal(rtnl_parse(nh, sizeof(*header), tb, IFLA_MAX, NULL), 0);
	assert_int_equal(nla_get_u32(tb[IFLA_MASTER]), 9);
	assert_null(tb[IFLA_AF_SPEC]); /* not asked for: a kernel without IPv6 would refuse it */
	header = nlmsg_data(nh);
	assert_int_equal(header->ifi_change, 0);
	nh = rtnl_message_next(nh, &len);
	assert_int_equal(nh->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(rtnl_parse(nh, sizeof(*header), tb, IFLA_MAX, NULL), 0);
	assert_non_null(tb[IFLA_LINKINFO]);
	nh = rtnl_message_next(nh, &len);
	header = nlmsg_data(nh);
	assert_int_equal(header->ifi_flags, IFF_UP);
	assert_int_equal(header->ifi_change, IFF_UP | IFF_PROMISC);
	assert_null(rtnl_message_next(nh, &len));
	rtnl_batch_free(batch);
}

/* An NLMSG_ERROR as the kernel builds it with NETLINK_CAP_ACK; len bytes of it are sent */
struct reply {
	struct nlmsghdr header;
	struct nlmsgerr error;
	struct nlattr attribute;
	char text[60];
	size_t len;
};

static struct reply reply_of(uint32_t pid, uint32_t seq, int error, const char *text)
{
	struct reply reply = {
		.header = { .nlmsg_type = NLMSG_ERROR,
			    .nlmsg_flags = NLM_F_CAPPED,
			    .nlmsg_pid = pid,
			    .nlmsg_seq = seq },
		/* capped: the 500 bytes of the request are not there */
		.error = { .error = error, .msg.nlmsg_len = 500 },
		.attribute.nla_type = NLMSGERR_ATTR_MSG,
		.len = offsetof(struct reply, attribute),
	};

	if (text) {
		size_t len = sizeof(reply.attribute) + strlen(text) + 1;

		strcpy(reply.text, text);
		reply.header.nlmsg_flags |= NLM_F_ACK_TLVS;
		reply.attribute.nla_len = (uint16_t)len;
		reply.len += NLMSG_ALIGN(len);
	}
	reply.header.nlmsg_len = (uint32_t)reply.len;
	return reply;
}

static const uint32_t numbers[] = { 0, 1, 1, 2 };

static struct rtnl_replies expecting(int *results, char *text)
{
	memset(results, 0, 3 * sizeof(*results));
	text[0] = '\0';
	return (struct rtnl_replies){ .port_id = 77,
				      .first_seq = 100,
				      .count = 4,
				      .numbers = numbers,
				      .results = results,
				      .kernel_text = text };
}

static int take(struct rtnl_replies *replies, struct reply reply)
{
	return rtnl_replies_take(replies, &reply, reply.len);
}

static void test_replies(void **state)
{
	char text[RTNL_TEXT_MAX];
	int results[3];
	struct rtnl_replies replies = expecting(results, text);
	struct reply reply;

	(void)state;
	/* success is the last reply's alone */
	assert_int_equal(take(&replies, reply_of(77, 100, 0, NULL)), 0);
	assert_int_equal(take(&replies, reply_of(77, 103, 0, NULL)), 1);
	assert_int_equal(results[0] | results[1] | results[2], 0);
	/* not ours: other sequence numbers (before, after), other port */
	assert_int_equal(take(&replies, reply_of(77, 99, -EPERM, NULL)), 0);
	assert_int_equal(take(&replies, reply_of(77, 104, -EPERM, NULL)), 0);
	assert_int_equal(take(&replies, reply_of(78, 103, -EPERM, "foreign")), 0);
	assert_int_equal(results[0] | results[1] | results[2], 0);
	assert_string_equal(text, "");
	/* the first error of two kernel messages that count as one; the first text */
	assert_int_equal(take(&replies, reply_of(77, 101, -EBUSY, "why not")), 0);
	assert_int_equal(take(&replies, reply_of(77, 102, -EEXIST, "later")), 0);
	assert_int_equal(take(&replies, reply_of(77, 103, -ENODEV, NULL)), 1);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], -EBUSY);
	assert_int_equal(results[2], -ENODEV);
	assert_string_equal(text, "why not");
	/* cut short at every length, in a buffer of exactly that length */
	reply = reply_of(77, 103, -EBUSY, "why not");
	for (size_t len = 0; len < reply.len; len++) {
		unsigned char *cut = malloc(len ? len : 1);

		replies = expecting(results, text);
		memcpy(cut, &reply, len);
		assert_int_equal(rtnl_replies_take(&replies, cut, len), -EBADMSG);
		if (len >= sizeof(struct nlmsghdr)) { /* the header agrees with the cut */
			((struct nlmsghdr *)(void *)cut)->nlmsg_len = (uint32_t)len;
			assert_int_equal(rtnl_replies_take(&replies, cut, len),
					 len < 36 ? -EBADMSG : 1);
			assert_string_equal(text, "");
		}
		free(cut);
	}
	assert_int_equal(take(&replies, reply_of(77, 103, 5, NULL)), -EBADMSG); /* positive */
}

static int count_visits(const struct nlmsghdr *nh, void *arg)
{
	(void)nh;
	++*(int *)arg;
	return 0;
}

static void test_answers(void **state)
{
	int visits = 0;
	struct rtnl_answer answer = {
		.port_id = 77, .seq = 100, .dump = true, .visit = count_visits, .arg = &visits
	};
	struct nlmsghdr messages[3] = {
		{ .nlmsg_len = 16, .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 100, .nlmsg_pid = 77 },
		{ .nlmsg_len = 16, .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 99, .nlmsg_pid = 77 },
		{ .nlmsg_len = 16, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = 100, .nlmsg_pid = 77 },
	};
	struct reply reply = reply_of(77, 100, -EPERM, "no");

	(void)state;
	assert_int_equal(rtnl_answer_take(&answer, messages, 32), 0);
	assert_int_equal(visits, 1);
	assert_int_equal(rtnl_answer_take(&answer, messages, 48), 1);
	assert_int_equal(visits, 2);
	assert_false(answer.interrupted);
	messages[0].nlmsg_flags = NLM_F_DUMP_INTR;
	assert_int_equal(rtnl_answer_take(&answer, messages, 48), 1);
	assert_true(answer.interrupted);
	assert_int_equal(rtnl_answer_take(&answer, &reply, reply.len), -EPERM);
	assert_string_equal(answer.kernel_text, "no");
	answer.dump = false;
	assert_int_equal(rtnl_answer_take(&answer, messages, 16), 1);
	assert_int_equal(rtnl_answer_take(&answer, messages, 15), -EBADMSG);
	reply.header.nlmsg_type = NLMSG_DONE; /* a dump that ends with an error */
	reply.header.nlmsg_flags = 0;
	reply.header.nlmsg_len = NLMSG_LENGTH(sizeof(reply.error.error));
	reply.error.error = -ENOENT;
	assert_int_equal(rtnl_answer_take(&answer, &reply, reply.header.nlmsg_len), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_arguments),	  cmocka_unit_test(test_veth_message),
		cmocka_unit_test(test_link_set_messages), cmocka_unit_test(test_replies),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
