// SPDX-License-Identifier: GPL-2.0-or-later
#include "nfsock.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>

#include "error.h"
#include "util.h"

int nfsock_open(struct nfsock *ret, struct netd_error *err)
{
	int one = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT))
		return error_set(err, NETD_E_UNSUPPORTED, errno, "nfnetlink",
				 "this kernel has no nfnetlink (CONFIG_NETFILTER_NETLINK), which "
				 "nftables needs");
	if (fd < 0)
		return error_sys(err, errno, "nfnetlink", "cannot open a netfilter netlink socket");
	/* both are comforts: the kernel's reason as text, and no echo of the request with it */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	*ret = (struct nfsock){ .fd = fd };
	return 0;
}

void nfsock_close(struct nfsock *nl)
{
	cleanup_close(&nl->fd);
	nl->fd = -1;
}

static int send_once(struct nfsock *nl, const struct iovec *iov, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = n,
	};
	ssize_t r;

	do {
		r = sendmsg(nl->fd, &msg, 0);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int nfsock_send(struct nfsock *nl, const struct iovec *iov, size_t n)
{
	size_t total = 0;
	int size;
	int r = send_once(nl, iov, n);

	if (r != -EMSGSIZE)
		return r;
	for (size_t i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (total > INT32_MAX / 2)
		return r;
	/* the kernel doubles it, which leaves room for its own bookkeeping */
	size = (int)total;
	if (setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return send_once(nl, iov, n);
}

int nfsock_recv(struct nfsock *nl, void *buf, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t r;

	for (;;) {
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};

		r = recvmsg(nl->fd, &msg, MSG_DONTWAIT);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		if (from.nl_pid == 0)
			return (int)r;
	}
}

int nfsock_parse_reply(const struct nlmsghdr *nlh, struct nfsock_reply *ret)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	const struct nlattr *attr;

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*e)) || e->error > 0)
		return -EBADMSG;
	ret->seq = nlh->nlmsg_seq;
	ret->error = e->error;
	ret->offset = 0;
	ret->text[0] = '\0';
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return -EBADMSG;
	NL_FOR_EACH(attr, nlh, skip)
	{
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(ret->text, sizeof(ret->text), "%.*s", (int)len,
				 (const char *)mnl_attr_get_payload(attr));
		else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS && len == sizeof(uint32_t))
			ret->offset = mnl_attr_get_u32(attr);
	}
	return 0;
}

/* State of a conversation of one request. */
struct talk {
	uint32_t seq;
	int (*cb)(const struct nlmsghdr *nlh, void *user);
	void *user;
	struct nfsock_reply *reply;
	int result;
	bool done;
};

static void talk_message(struct talk *talk, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq != talk->seq)
		return;
	if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) && !talk->result)
		talk->result = -EINTR;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		int r = nfsock_parse_reply(nlh, talk->reply);

		talk->done = true;
		if (!talk->result)
			talk->result = r < 0 ? r : talk->reply->error;
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		talk->done = true;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		talk->done = !(nlh->nlmsg_flags & NLM_F_MULTI);
		if (!talk->result && talk->cb)
			talk->result = talk->cb(nlh, talk->user);
	}
}

int nfsock_talk(struct nfsock *nl, struct nlmsghdr *nlh,
		int (*cb)(const struct nlmsghdr *nlh, void *user), void *user,
		struct nfsock_reply *reply)
{
	char buf[NL_RECV_SIZE] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nfsock_reply own;
	struct talk talk = {
		.seq = ++nl->seq, .cb = cb, .user = user, .reply = reply ? reply : &own
	};
	struct iovec iov = { .iov_base = nlh, .iov_len = nlh->nlmsg_len };
	int r;

	talk.reply->text[0] = '\0';
	nlh->nlmsg_seq = talk.seq;
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	r = nfsock_send(nl, &iov, 1);
	while (r >= 0 && !talk.done) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;

		r = nfsock_recv(nl, buf, sizeof(buf));
		for (int left = r; left > 0 && mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left))
			talk_message(&talk, msg);
	}
	return r < 0 ? r : talk.result;
}

void nfsock_msgs_free(struct nfsock_msgs *msgs)
{
	free(msgs->data);
	*msgs = (struct nfsock_msgs){ 0 };
}

void *nfsock_msgs_room(struct nfsock_msgs *msgs, size_t room)
{
	size_t cap = msgs->cap ? msgs->cap : 1024;
	char *data;

	while (cap - msgs->len < room)
		cap *= 2;
	if (cap != msgs->cap) {
		data = realloc(msgs->data, cap);
		if (!data)
			return NULL;
		msgs->data = data;
		msgs->cap = cap;
	}
	return msgs->data + msgs->len;
}

struct nlmsghdr *nfsock_put_header(void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

struct nlmsghdr *nfsock_msgs_start(struct nfsock_msgs *msgs, uint16_t type, uint16_t flags,
				   uint8_t family, size_t room)
{
	void *buf = nfsock_msgs_room(msgs, room);

	return buf ? nfsock_put_header(buf, type, flags, family) : NULL;
}

void nfsock_msgs_end(struct nfsock_msgs *msgs, const struct nlmsghdr *nlh)
{
	msgs->len += nlh->nlmsg_len;
}

const struct nlattr *nfsock_find(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	NL_FOR_EACH(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

const struct nlattr *nfsock_find_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (!nest)
		return NULL;
	NL_FOR_EACH_NESTED(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

const void *nfsock_payload(const struct nlattr *attr, size_t len)
{
	return attr && mnl_attr_get_payload_len(attr) == len ? mnl_attr_get_payload(attr) : NULL;
}

const char *nfsock_string(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr)
									 : "";
}
