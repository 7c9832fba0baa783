/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendmsg() and recvmsg() that stand before those of libc, so that a test of netlink code can play an
 * older kernel or a broken answer.
 */
#ifndef NL_SEAM_H
#define NL_SEAM_H

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	void (*tamper)(struct nlmsghdr *nlh); /* changes what is sent, or only looks */
	bool capture;			      /* keep what is sent, send nothing */
	char *sent;
	size_t sent_len;
	char fake[2048]; /* answers instead of the kernel's, one datagram */
	size_t fake_len;
	uint32_t fake_pid;
	unsigned int overflows; /* answer that many times with ENOBUFS first */
} seam;

static inline void seam_reset(void)
{
	free(seam.sent);
	memset(&seam, 0, sizeof(seam));
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
		if (seam.tamper)
			seam.tamper((struct nlmsghdr *)p);
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

#endif
