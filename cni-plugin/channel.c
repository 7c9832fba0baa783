// SPDX-License-Identifier: GPL-2.0-or-later
#include "channel.h"

#include <fcntl.h>
#include <signal.h>

#include "front/front.h"
#include "util.h"

int channel_secure(struct cni_fault *fault)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest free descriptor is this one */
		if (open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) < 0)
			return fault_set(fault, CNI_E_IO, NULL, "cannot open /dev/null: %s",
					 strerror(errno));
	}
	return 0;
}

int channel_read(int fd, size_t max, struct buf *ret, struct cni_fault *fault)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(fault, CNI_E_IO, NULL, "error reading from stdin: %s",
					 strerror(errno));
		if (ret->len + (size_t)n > max)
			return fault_set(fault, CNI_E_DECODE, NULL,
					 "error unmarshall network config: larger than %zu MiB",
					 max >> 20);
		buf_add(ret, chunk, (size_t)n);
	}
	if (ret->failed)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	return 0;
}

/*
 * SIGPIPE would end the process between making an attachment and undoing it; blocked, it stays
 * pending until exit, and the write fails with EPIPE.
 */
int channel_write(int fd, const json_t *json)
{
	_cleanup_buf_ struct buf line = { 0 };
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(4));
	sigset_t pipe;

	if (!text)
		return -ENOMEM;
	buf_printf(&line, "%s\n", text);
	if (line.failed)
		return -ENOMEM;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe, NULL);
	return front_write_all(fd, line.data, line.len);
}
