// SPDX-License-Identifier: GPL-2.0-or-later
/* The child of netd run: namespaces, /sys, /etc/resolv.conf, and then the command. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cli.h"
#include "resolv.h"
#include "run.h"
#include "util.h"

#define RESOLV_CONF "/etc/resolv.conf"
/* where systemd-resolved keeps the servers that its stub at 127.0.0.53 asks */
#define RESOLVED_CONF "/run/systemd/resolve/resolv.conf"
#define RESOLV_MAX 65536 /* bytes; what is behind is not used */

/* The file's text, or NULL. */
static char *read_text(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return NULL;
	text = malloc(RESOLV_MAX + 1);
	if (!text)
		return NULL;
	while ((n = read(fd, text + len, RESOLV_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return NULL;
	text[len] = '\0';
	return TAKE_PTR(text);
}

/* The text for the command's resolv.conf. */
static void resolv_text(struct buf *out)
{
	_cleanup_free_ char *text = read_text(RESOLV_CONF);
	_cleanup_free_ char *resolved = NULL;

	if (text && resolv_filter(text, out) > 0)
		return;
	resolved = read_text(RESOLVED_CONF);
	if (!resolved)
		return;
	buf_free(out);
	resolv_filter(resolved, out);
}

static int write_file(const char *path, const struct buf *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0644) < 0)
		return -errno;
	return front_write_all(fd, text->data, text->len);
}

/*
 * Binds a file of ours over resolv.conf. The file lives in a tmpfs that is mounted on /sys for the
 * moment, since sysfs is replaced anyway: nothing is left in any directory.
 */
static int replace_resolv_conf(void)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r;

	resolv_text(&text);
	if (text.failed)
		return -ENOMEM;
	if (mount("tmpfs", "/sys", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") < 0)
		return -errno;
	r = write_file("/sys/resolv.conf", &text);
	if (r == 0 && mount("/sys/resolv.conf", RESOLV_CONF, NULL, MS_BIND, NULL) < 0)
		r = -errno;
	if (umount2("/sys", MNT_DETACH) < 0 && r == 0)
		r = -errno;
	return r;
}

/* Below a read-only sysfs that the container around us imposes, only a read-only one is allowed. */
static int mount_sysfs(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount("sysfs", "/sys", "sysfs", flags, NULL) == 0 ||
	    mount("sysfs", "/sys", "sysfs", flags | MS_RDONLY, NULL) == 0)
		return 0;
	return -errno;
}

/* Without the mounts the command runs nearly as well: warn and go on. */
static void prepare_mounts(void)
{
	int r;

	if (access(RESOLV_CONF, F_OK) == 0) {
		r = replace_resolv_conf();
		if (r < 0)
			cli_warn("run", "cannot replace %s, it stays that of the host: %s",
				 RESOLV_CONF, strerrordesc_np(-r));
	}
	r = mount_sysfs();
	if (r < 0)
		cli_warn("run", "cannot mount sysfs, /sys stays that of the host: %s",
			 strerrordesc_np(-r));
}

static void die(const char *what)
{
	cli_warn("run", "%s: %m", what);
	_exit(CLI_FAILED);
}

static void execute(char *const *argv, const sigset_t *mask)
{
	int errnum;

	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	errnum = errno;
	if (errnum == ENOENT) {
		cli_warn("run", "%s: command not found", argv[0]);
		_exit(CLI_NOT_FOUND);
	}
	cli_warn("run", "%s: %s", argv[0], strerrordesc_np(errnum));
	_exit(CLI_NOT_EXECUTABLE);
}

static void child_main(pid_t parent, int sock, char *const *argv, const sigset_t *mask)
{
	char byte = 'r';

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("cannot ask for a signal at the parent's death");
	if (getppid() != parent)
		_exit(CLI_FAILED);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		die("cannot create network and mount namespaces");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("cannot make the mounts private");
	if (send(sock, &byte, 1, MSG_NOSIGNAL) != 1)
		_exit(CLI_FAILED);
	prepare_mounts();
	if (recv(sock, &byte, 1, 0) != 1)
		_exit(CLI_FAILED);
	execute(argv, mask);
}

int run_child_start(char *const *argv, const sigset_t *mask, struct run_child *ret,
		    struct netd_error *err)
{
	pid_t pid, parent = getpid();
	int socks[2], pidfd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return front_error(err, NETD_E_KERNEL, errno, NULL, "cannot create a socket: %m");
	pid = fork();
	if (pid == 0) {
		close(socks[0]);
		child_main(parent, socks[1], argv, mask);
	}
	close(socks[1]);
	if (pid < 0) {
		close(socks[0]);
		return front_error(err, NETD_E_KERNEL, errno, NULL, "cannot fork: %m");
	}
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		close(socks[0]); /* ends the child */
		return front_error(err, NETD_E_KERNEL, errno, NULL, "cannot open a pidfd: %m");
	}
	*ret = (struct run_child){ .pid = pid, .pidfd = pidfd, .sock = socks[0] };
	return 0;
}

bool run_child_wait_ready(const struct run_child *child)
{
	char byte;

	return recv(child->sock, &byte, 1, 0) == 1;
}

void run_child_go(const struct run_child *child)
{
	const char byte = 'g';

	/* one that has died meanwhile is noticed by waiting for it */
	send(child->sock, &byte, 1, MSG_NOSIGNAL);
}
