// SPDX-License-Identifier: GPL-2.0-or-later
#include "front/front.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "front/config.h"
#include "util.h"

int front_error(struct netd_error *err, enum netd_code code, int errnum, const char *subject,
		const char *fmt, ...)
{
	va_list ap;

	if (err && err->code == NETD_OK) {
		err->code = code;
		err->errnum = errnum;
		snprintf(err->subject, sizeof(err->subject), "%s", subject ? subject : "");
		va_start(ap, fmt);
		vsnprintf(err->message, sizeof(err->message), fmt, ap);
		va_end(ap);
	}
	return -errnum;
}

/*
 * The child is left as a zombie: its parent ends soon, and a second fork would cost as much as the
 * first. Its own session keeps the terminal's signals away from a deletion that is under way.
 */
int front_spawn(void (*fn)(void *arg), void *arg, void *user)
{
	sigset_t none;
	pid_t pid;
	int fd;

	(void)user;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		return 0;

	setsid();
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int std = 0; std <= 2; std++) {
		if (fd < 0)
			close(std);
		else
			dup2(fd, std);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fn(arg);
	_exit(0);
}

int front_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

const char *front_state_dir(void)
{
	const char *dir = getenv("NETD_STATE_DIR");

	return dir && *dir ? dir : NETD_DEFAULT_STATE_DIR;
}

const char *front_config_dir(void)
{
	const char *dir = getenv("NETD_CONFIG_DIR");

	return dir && *dir ? dir : "/etc/netd";
}

int front_open(struct netd **ret, struct netd_error *err)
{
	const struct netd_options options = {
		.size = sizeof(options),
		.state_dir = front_state_dir(),
	};

	return netd_open(&options, ret, err);
}

int front_open_pools(struct netd **ret, struct netd_error *err)
{
	_cleanup_(config_pools_free) struct config_pools pools = { 0 };
	struct netd_options options = { .size = sizeof(options), .state_dir = front_state_dir() };
	int r;

	r = config_pools_load(&pools, err);
	if (r < 0)
		return r;
	options.pools = pools.pools;
	options.n_pools = pools.n;
	return netd_open(&options, ret, err);
}
