/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfnetlink sockets and message buffers, shared by nft.c and conntrack.c. System module. */
#ifndef NETD_NFSOCK_H
#define NETD_NFSOCK_H

#include <libmnl/libmnl.h>
#include <netd.h>
#include <sys/uio.h>

/* One socket. The kernel answers within sendmsg(2), so that nothing here ever waits. */
struct nfsock {
	int fd;
	uint32_t seq; /* last one used */
};

/* NETLINK_NETFILTER, in the calling thread's namespace. NETD_E_UNSUPPORTED: no nfnetlink. */
int nfsock_open(struct nfsock *ret, struct netd_error *err);
void nfsock_close(struct nfsock *nl);

/* What the kernel said about one message. */
struct nfsock_reply {
	uint32_t seq;
	int error;	 /* 0 or negative errno */
	uint32_t offset; /* of the offending attribute within the message; 0: not told */
	char text[256];	 /* extended ack, or "" */
};

/* Raises the send buffer when the data does not fit it. Returns 0 or negative errno. */
int nfsock_send(struct nfsock *nl, const struct iovec *iov, size_t n);

/*
 * One datagram from the kernel into buf. Returns its length, -EAGAIN when there is none, -ENOBUFS
 * once after replies were dropped.
 */
int nfsock_recv(struct nfsock *nl, void *buf, size_t size);

/* Reads an NLMSG_ERROR message, acks included. Returns 0, or -EBADMSG. */
int nfsock_parse_reply(const struct nlmsghdr *nlh, struct nfsock_reply *ret);

#define NL_RECV_SIZE 32768 /* the kernel's dumps fill at most this much at once */

/*
 * Sends one request (sequence number and NLM_F_REQUEST are set here) and hands every data message
 * of the answer to cb, which returns 0 or a negative errno. Returns what the kernel or cb said.
 * -EINTR: a dump that was interrupted by a change. reply, cb may be NULL.
 */
int nfsock_talk(struct nfsock *nl, struct nlmsghdr *nlh,
		int (*cb)(const struct nlmsghdr *nlh, void *user), void *user,
		struct nfsock_reply *reply);

/* A growing run of netlink messages. Zero-initialise. */
struct nfsock_msgs {
	char *data;
	size_t len;
	size_t cap;
};

void nfsock_msgs_free(struct nfsock_msgs *msgs);
/* Room for at least that many bytes at data + len; NULL when out of memory. */
void *nfsock_msgs_room(struct nfsock_msgs *msgs, size_t room);
/* Starts an nfnetlink message in room for at least that many bytes; count it in with nfsock_msgs_end. */
struct nlmsghdr *nfsock_msgs_start(struct nfsock_msgs *msgs, uint16_t type, uint16_t flags,
				   uint8_t family, size_t room);
void nfsock_msgs_end(struct nfsock_msgs *msgs, const struct nlmsghdr *nlh);

struct nlmsghdr *nfsock_put_header(void *buf, uint16_t type, uint16_t flags, uint8_t family);
/* Attributes of a message behind skip bytes of fixed header, and of a nest. */
#define NL_FOR_EACH(attr, nlh, skip)                                                               \
	for ((attr) = mnl_nlmsg_get_payload_offset((nlh), (skip));                                 \
	     mnl_attr_ok((attr), (int)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)(attr))); \
	     (attr) = mnl_attr_next(attr))
#define NL_FOR_EACH_NESTED(attr, nest)                                                             \
	for ((attr) = mnl_attr_get_payload(nest);                                                  \
	     mnl_attr_ok((attr), (int)((char *)mnl_attr_get_payload(nest) +                        \
				       mnl_attr_get_payload_len(nest) - (char *)(attr)));          \
	     (attr) = mnl_attr_next(attr))
/* First attribute of a type in a message behind struct nfgenmsg, or in a nest; NULL if absent. */
const struct nlattr *nfsock_find(const struct nlmsghdr *nlh, uint16_t type);
const struct nlattr *nfsock_find_nested(const struct nlattr *nest, uint16_t type);
/* The bytes of a nested value of exactly that length; NULL if absent or of another length. */
const void *nfsock_payload(const struct nlattr *attr, size_t len);
/* A string attribute, "" if it is absent or not terminated. */
const char *nfsock_string(const struct nlattr *attr);

#endif
