// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Socket, batches and the replies to them.
 *
 * The kernel handles the messages of one sendmsg in order, goes on after one that fails, and answers
 * each failure in a datagram of its own; only the last message asks for an acknowledgement. So reading
 * ends at the reply to the last sequence number, and no reply to an earlier one means success.
 */
#include "rtnl.h"

#include <netlink/attr.h>
#include <sys/socket.h>

#include "error.h"
#include "rtnl_internal.h"
#include "util.h"

/*
 * Messages sent at once. Their bytes stay below the send buffer, and 128 failures, each charged about
 * 1 KiB, below the receive buffer (208 KiB both, and not to be raised in a user namespace).
 */
#define SEND_MESSAGES_MAX 128
#define REPLY_TIMEOUT_S 10
#define NOTICE_BUFFER (1 << 20) /* bytes; other people's changes arrive as well */

/* ---- socket ------------------------------------------------------------------------------- */

static void set_options(int fd, uint32_t groups)
{
	static const struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_S };
	static const int on = 1, room = NOTICE_BUFFER;

	/* Each may be missing on an old kernel: its text, speed or room is, too, nothing else. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (groups && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

int rtnl_open(uint32_t groups, struct rtnl **ret, struct netd_error *err)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = groups };
	socklen_t len = sizeof(self);
	struct rtnl *rtnl;

	if (fd < 0)
		return error_sys(err, errno, NULL, "cannot open an rtnetlink socket");
	set_options(fd, groups);
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) ||
	    getsockname(fd, (struct sockaddr *)&self, &len))
		return error_sys(err, errno, NULL, "cannot bind an rtnetlink socket");
	rtnl = malloc(sizeof(*rtnl));
	if (!rtnl)
		return error_nomem(err);
	rtnl->fd = take_fd(&fd);
	rtnl->port_id = self.nl_pid;
	rtnl->seq = 0;
	rtnl->notices_lost = false;
	*ret = rtnl;
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	close(rtnl->fd);
	free(rtnl);
}

uint64_t rtnl_netns_cookie(const struct rtnl *rtnl)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(rtnl->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) ? 0 : cookie;
}

int rtnl_send(struct rtnl *rtnl, const void *data, size_t len, struct netd_error *err)
{
	ssize_t n;

	do
		n = send(rtnl->fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_sys(err, errno, NULL, "cannot send to rtnetlink");
	return 0;
}

static int receive_error(int errnum, int flags, struct netd_error *err)
{
	if (errnum == ENOBUFS || (errnum == EAGAIN && (flags & MSG_DONTWAIT)))
		return -errnum;
	if (errnum == EAGAIN)
		return error_set(err, NETD_E_KERNEL, ETIMEDOUT, NULL,
				 "no reply from rtnetlink within %d s", REPLY_TIMEOUT_S);
	return error_sys(err, errnum, NULL, "cannot receive from rtnetlink");
}

int rtnl_receive(struct rtnl *rtnl, enum rtnl_kind kind, int flags, struct netd_error *err)
{
	struct iovec iov = { .iov_base = rtnl->data, .iov_len = sizeof(rtnl->data) };

	for (;;) {
		struct sockaddr_nl from = { .nl_family = AF_UNSPEC };
		struct msghdr msg = { .msg_name = &from,
				      .msg_namelen = sizeof(from),
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };
		ssize_t n = recvmsg(rtnl->fd, &msg, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return receive_error(errno, flags, err);
		if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue; /* not from the kernel */
		if (kind == RTNL_REPLIES && from.nl_groups) {
			rtnl->notices_lost = true;
			continue;
		}
		if (kind == RTNL_NOTICES && !from.nl_groups)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return error_set(err, NETD_E_KERNEL, EMSGSIZE, NULL,
					 "a message of rtnetlink is longer than %d bytes",
					 RTNL_DATAGRAM_MAX);
		return (int)n;
	}
}

/* ---- batches ------------------------------------------------------------------------------ */

int rtnl_batch_new(struct rtnl_batch **ret, struct netd_error *err)
{
	struct rtnl_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return error_nomem(err);
	*ret = batch;
	return 0;
}

void rtnl_batch_free(struct rtnl_batch *batch)
{
	if (!batch)
		return;
	buf_free(&batch->messages);
	buf_free(&batch->numbers);
	free(batch);
}

void rtnl_kernel_text(const struct nlmsghdr *nh, char *ret)
{
	static const struct nla_policy policy[NLMSGERR_ATTR_MSG + 1] = {
		[NLMSGERR_ATTR_MSG] = { .type = NLA_STRING },
	};
	struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
	size_t skip = sizeof(int);

	ret[0] = '\0';
	if (!(nh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (nh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = nlmsg_data(nh);

		skip = sizeof(*e);
		if (!(nh->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
			skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	}
	if (nh->nlmsg_len < NLMSG_HDRLEN + skip ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)nh, (int)skip, tb, NLMSGERR_ATTR_MSG, policy))
		return;
	if (tb[NLMSGERR_ATTR_MSG])
		nla_strlcpy(ret, tb[NLMSGERR_ATTR_MSG], RTNL_TEXT_MAX);
}

int rtnl_replies_take(struct rtnl_replies *replies, const void *data, size_t len)
{
	const struct nlmsghdr *nh = rtnl_message_at(data, len);
	bool last = false;

	if (!nh)
		return -EBADMSG;
	for (; nh; nh = rtnl_message_next(nh, &len)) {
		uint32_t i = nh->nlmsg_seq - replies->first_seq;
		const struct nlmsgerr *e = nlmsg_data(nh);

		if (nh->nlmsg_pid != replies->port_id || i >= replies->count ||
		    nh->nlmsg_type != NLMSG_ERROR)
			continue;
		if (nh->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) || e->error > 0)
			return -EBADMSG;
		if (e->error && !replies->results[replies->numbers[i]])
			replies->results[replies->numbers[i]] = e->error;
		if (e->error && replies->kernel_text) {
			rtnl_kernel_text(nh, replies->kernel_text);
			replies->kernel_text = NULL; /* the first failure's is wanted */
		}
		if (i == replies->count - 1)
			last = true;
	}
	return last;
}

/* Numbers up to SEND_MESSAGES_MAX messages from data; returns their bytes, *ret_count is how many. */
static size_t number_messages(struct rtnl *rtnl, char *data, size_t len, uint32_t *ret_count)
{
	struct nlmsghdr *last = NULL;
	uint32_t count = 0;
	size_t used = 0;

	while (used < len && count < SEND_MESSAGES_MAX) {
		last = (struct nlmsghdr *)(void *)(data + used);
		last->nlmsg_seq = ++rtnl->seq;
		last->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		used += NLMSG_ALIGN(last->nlmsg_len);
		count++;
	}
	if (last)
		last->nlmsg_flags |= NLM_F_ACK;
	*ret_count = count;
	return used;
}

static int receive_replies(struct rtnl *rtnl, struct rtnl_replies *replies, struct netd_error *err)
{
	int r;

	do {
		r = rtnl_receive(rtnl, RTNL_REPLIES, 0, err);
		if (r == -ENOBUFS)
			return error_set(
				err, NETD_E_KERNEL, ENOBUFS, NULL,
				"replies of rtnetlink were lost: its receive buffer is full");
		if (r < 0)
			return r;
		r = rtnl_replies_take(replies, rtnl->data, (size_t)r);
		if (r < 0)
			return error_set(err, NETD_E_KERNEL, -r, NULL,
					 "rtnetlink sent a malformed reply");
	} while (!r);
	return 0;
}

int rtnl_batch_send(struct rtnl *rtnl, struct rtnl_batch *batch, int *results, char *kernel_text,
		    struct netd_error *err)
{
	struct rtnl_replies replies = {
		.port_id = rtnl->port_id,
		.numbers = (const uint32_t *)(const void *)batch->numbers.data,
		.results = results,
		.kernel_text = kernel_text,
	};

	if (kernel_text)
		kernel_text[0] = '\0';
	if (batch->messages.failed || batch->numbers.failed)
		return error_nomem(err);
	if (batch->count)
		memset(results, 0, batch->count * sizeof(*results));
	for (size_t sent = 0; sent < batch->messages.len;) {
		char *data = batch->messages.data + sent;
		size_t len =
			number_messages(rtnl, data, batch->messages.len - sent, &replies.count);
		int r;

		replies.first_seq = rtnl->seq - replies.count + 1;
		r = rtnl_send(rtnl, data, len, err);
		if (!r)
			r = receive_replies(rtnl, &replies, err);
		if (r)
			return r;
		replies.numbers += replies.count;
		sent += len;
	}
	return 0;
}
