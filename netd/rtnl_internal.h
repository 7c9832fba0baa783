/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of rtnl share; for them and their unit test only. */
#ifndef NETD_RTNL_INTERNAL_H
#define NETD_RTNL_INTERNAL_H

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "buf.h"
#include "rtnl.h"

/* The kernel fills datagrams of a dump up to 32 KiB; one that is larger is reported as truncated. */
#define RTNL_DATAGRAM_MAX 32768

struct rtnl {
	int fd;
	uint32_t port_id;
	uint32_t seq;	   /* last used */
	bool notices_lost; /* notifications were dropped: whoever waits for one must ask */
	_Alignas(struct nlmsghdr) unsigned char data[RTNL_DATAGRAM_MAX];
};

struct rtnl_batch {
	struct buf messages; /* nlmsghdr after nlmsghdr, each padded */
	struct buf
		numbers; /* uint32_t for each of them: the message of the batch that it belongs to */
	size_t count;	 /* messages of the batch */
};

/* A message without attributes; NULL when out of memory. Release with nlmsg_free(). */
struct nl_msg *rtnl_message_new(int type, int flags, const void *header, size_t len);

static inline void rtnl_message_cleanup(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}
#define _cleanup_message_ __attribute__((cleanup(rtnl_message_cleanup)))

int rtnl_send(struct rtnl *rtnl, const void *data, size_t len, struct netd_error *err);

enum rtnl_kind {
	RTNL_REPLIES, /* notifications are dropped, which is noted */
	RTNL_NOTICES, /* late replies are dropped */
};

/*
 * The next datagram from the kernel, in rtnl->data; returns its length. Lost datagrams are -ENOBUFS
 * (err untouched); with MSG_DONTWAIT in flags an empty queue is -EAGAIN (err untouched).
 */
int rtnl_receive(struct rtnl *rtnl, enum rtnl_kind kind, int flags, struct netd_error *err);

/* Copies the extended-ack text of an NLMSG_ERROR or NLMSG_DONE message, or "", to RTNL_TEXT_MAX bytes. */
void rtnl_kernel_text(const struct nlmsghdr *nh, char *ret);

/* What is collected from the replies to one sendmsg */
struct rtnl_replies {
	uint32_t port_id;
	uint32_t first_seq; /* of kernel message 0 */
	uint32_t count;	    /* kernel messages sent */
	const uint32_t *numbers;
	int *results;
	char *kernel_text; /* may be NULL */
};

/* One datagram: 1 after the reply to the last message, 0 when more must come, -EBADMSG. */
int rtnl_replies_take(struct rtnl_replies *replies, const void *data, size_t len);

/* The answer to one request */
struct rtnl_answer {
	uint32_t port_id;
	uint32_t seq;
	bool dump;
	bool interrupted; /* out: the dump is inconsistent (NLM_F_DUMP_INTR) */
	/* Called for each message of the answer; a negative errno ends it */
	int (*visit)(const struct nlmsghdr *nh, void *arg);
	void *arg;
	char kernel_text[RTNL_TEXT_MAX]; /* out, beside a negative errno from the kernel */
};

/* One datagram: 1 when the answer is complete, 0 when more must come, negative errno. */
int rtnl_answer_take(struct rtnl_answer *answer, const void *data, size_t len);

/*
 * Sends the dump request and collects the answer until it is a consistent one, 5 times at most;
 * restart(arg) is called before each attempt. A table that does not exist is an empty one. msg may be
 * NULL (out of memory). what, such as "routes", is for the error message.
 */
int rtnl_dump(struct rtnl *rtnl, struct rtnl_answer *answer, struct nl_msg *msg,
	      void (*restart)(void *arg), const char *what, struct netd_error *err);

/* Attributes after a header of that many bytes, checked against the policy (may be NULL): -EBADMSG. */
int rtnl_parse(const struct nlmsghdr *nh, size_t header, struct nlattr **tb, int max,
	       const struct nla_policy *policy);

/* An address of exactly the family's size, else one of family AF_UNSPEC */
struct ip rtnl_get_ip(const struct nlattr *nla, uint8_t family);

static inline uint32_t rtnl_get_u32(const struct nlattr *nla, uint32_t otherwise)
{
	return nla ? nla_get_u32(nla) : otherwise;
}

/* The first whole message of a datagram of len bytes, or NULL; then the next (*len: bytes left). */
static inline const struct nlmsghdr *rtnl_message_at(const void *data, size_t len)
{
	const struct nlmsghdr *nh = data;

	return len >= sizeof(*nh) && nh->nlmsg_len >= sizeof(*nh) && nh->nlmsg_len <= len ? nh
											  : NULL;
}
static inline const struct nlmsghdr *rtnl_message_next(const struct nlmsghdr *nh, size_t *len)
{
	size_t step = NLMSG_ALIGN(nh->nlmsg_len);

	*len = step < *len ? *len - step : 0;
	return rtnl_message_at((const char *)nh + step, *len);
}

#endif
