// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why the descriptors stay bound. The directory "net" is one for all namespaces; its entries are links
 * that the kernel follows into the table of the namespace of whoever looks them up. From "net/ipv4" and
 * "net/ipv6" downwards there are no links any more: every look-up goes to the table of that namespace,
 * from wherever it is made, and finds directories of interfaces that were made later.
 */
#include "sysctl.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

#include "error.h"
#include "util.h"

#define SYSCTL_PATH_MAX 256
#define OPEN_DIR (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* glibc has these wrappers from 2.36 on, and its header clashes with the kernel's; hence syscall(2). */
static int private_proc(void)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static int open_root(void)
{
	_cleanup_close_ int proc = private_proc();
	int fd = proc < 0 ? -1 : openat(proc, "sys/net", OPEN_DIR);

	return fd < 0 ? open("/proc/sys/net", OPEN_DIR) : fd;
}

/* root: directory "net" of any procfs */
static int open_families(struct sysctl_net *net, int root, struct netd_error *err)
{
	net->ipv4 = openat(root, "ipv4", OPEN_DIR);
	if (net->ipv4 < 0)
		return error_sys(err, errno, "/proc/sys/net/ipv4",
				 "cannot open /proc/sys/net/ipv4");
	net->ipv6 = openat(root, "ipv6", OPEN_DIR);
	if (net->ipv6 < 0 && errno != ENOENT)
		return error_sys(err, errno, "/proc/sys/net/ipv6",
				 "cannot open /proc/sys/net/ipv6");
	return 0;
}

int sysctl_open(struct sysctl_net *ret, struct netd_error *err)
{
	struct sysctl_net net = SYSCTL_NET_INIT;
	int r;

	net.root = open_root();
	if (net.root < 0)
		return error_sys(err, errno, "/proc/sys/net", "cannot open /proc/sys/net");
	r = open_families(&net, net.root, err);
	if (r)
		sysctl_close(&net);
	else
		*ret = net;
	return r;
}

int sysctl_open_here(const struct sysctl_net *elsewhere, struct sysctl_net *ret,
		     struct netd_error *err)
{
	struct sysctl_net net = SYSCTL_NET_INIT;
	int r = open_families(&net, elsewhere->root, err);

	if (r)
		sysctl_close(&net);
	else
		*ret = net;
	return r;
}

void sysctl_close(struct sysctl_net *net)
{
	cleanup_close(&net->ipv4);
	cleanup_close(&net->ipv6);
	cleanup_close(&net->root);
	*net = (struct sysctl_net)SYSCTL_NET_INIT;
}

/* Relative, of at least two components, none of them empty, "." or ".." */
static bool path_valid(const char *path)
{
	const char *p = path;
	size_t components = 0;

	if (strlen(path) >= SYSCTL_PATH_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') ||
		    (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		components++;
		if (!p[len])
			return components > 1;
		p += len + 1;
	}
}

/* The descriptor that the path starts from; *path moves to what is below it. */
static int start_of(const struct sysctl_net *net, const char **path)
{
	if (!strncmp(*path, "ipv4/", 5)) {
		*path += 5;
		return net->ipv4;
	}
	if (!strncmp(*path, "ipv6/", 5)) {
		*path += 5;
		return net->ipv6;
	}
	return net->root;
}

/* An open file, or a negative errno with err untouched. */
static int open_file(const struct sysctl_net *net, const char *path, int flags)
{
	int dir = start_of(net, &path), fd;

	if (dir < 0)
		return -ENOENT;
	fd = openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int fail(struct netd_error *err, int errnum, const char *path, const char *verb)
{
	if (errnum == ENOENT)
		return -ENOENT;
	if (errnum == EROFS)
		return error_set(
			err, NETD_E_PERMISSION, errnum, path,
			"cannot %s sysctl net/%s: /proc/sys is mounted read-only; mount it "
			"writable or set the value by hand",
			verb, path);
	return error_sys(err, errnum, path, "cannot %s sysctl net/%s", verb, path);
}

static int refuse_path(struct netd_error *err, const char *path)
{
	return error_set(err, NETD_E_INVALID, EINVAL, path, "\"%s\" is not the path of a sysctl",
			 path);
}

static int read_value(int fd, const char *path, char value[static SYSCTL_VALUE_MAX],
		      struct netd_error *err)
{
	ssize_t n = pread(fd, value, SYSCTL_VALUE_MAX, 0);

	if (n < 0)
		return fail(err, errno, path, "read");
	if (n == SYSCTL_VALUE_MAX)
		return error_set(err, NETD_E_KERNEL, EMSGSIZE, path,
				 "the value of sysctl net/%s is longer than %d bytes", path,
				 SYSCTL_VALUE_MAX - 1);
	while (n > 0 && value[n - 1] == '\n')
		n--;
	value[n] = '\0';
	return 0;
}

int sysctl_read(const struct sysctl_net *net, const char *path, char ret[static SYSCTL_VALUE_MAX],
		struct netd_error *err)
{
	_cleanup_close_ int fd = -1;
	char value[SYSCTL_VALUE_MAX];
	int r;

	if (!path_valid(path))
		return refuse_path(err, path);
	fd = open_file(net, path, O_RDONLY);
	if (fd < 0)
		return fail(err, -fd, path, "read");
	r = read_value(fd, path, value, err);
	if (!r)
		memcpy(ret, value, sizeof(value));
	return r;
}

int sysctl_read_list(const struct sysctl_net *net, const char *path, char **ret,
		     struct netd_error *err)
{
	_cleanup_close_ int fd = -1;

	if (!path_valid(path))
		return refuse_path(err, path);
	fd = open_file(net, path, O_RDONLY);
	if (fd < 0)
		return fail(err, -fd, path, "read");
	/* One read must take it all: the kernel gives nothing at an offset. 2^15 items of 6 bytes at most. */
	for (size_t size = 4096; size <= 1U << 18; size *= 8) {
		_cleanup_free_ char *text = malloc(size);
		ssize_t n = text ? pread(fd, text, size, 0) : 0;

		if (!text)
			return error_nomem(err);
		if (n < 0)
			return fail(err, errno, path, "read");
		if ((size_t)n == size)
			continue;
		while (n > 0 && text[n - 1] == '\n')
			n--;
		text[n] = '\0';
		*ret = TAKE_PTR(text);
		return 0;
	}
	return error_set(err, NETD_E_KERNEL, EMSGSIZE, path,
			 "the value of sysctl net/%s is too long", path);
}

int sysctl_write(const struct sysctl_net *net, const char *path, const char *value, char *ret_old,
		 struct netd_error *err)
{
	_cleanup_close_ int fd = -1;
	char old[SYSCTL_VALUE_MAX];
	size_t len = strlen(value);
	int denied = 0, r;

	if (!path_valid(path))
		return refuse_path(err, path);
	if (len == 0 || len >= SYSCTL_VALUE_MAX)
		return error_set(err, NETD_E_INVALID, EINVAL, path,
				 "a value for sysctl net/%s has 1 to %d bytes", path,
				 SYSCTL_VALUE_MAX - 1);
	fd = open_file(net, path, O_RDWR);
	if (fd == -EACCES || fd == -EPERM || fd == -EROFS) {
		/* not an error where the value is there already */
		denied = -fd;
		fd = open_file(net, path, O_RDONLY);
	}
	if (fd < 0)
		return fail(err, -fd, path, "write");
	r = read_value(fd, path, old, err);
	if (r || !strcmp(old, value))
		return r;
	if (denied || pwrite(fd, value, len, 0) < 0)
		return fail(err, denied ? denied : errno, path, "write");
	if (ret_old)
		memcpy(ret_old, old, sizeof(old));
	return 1;
}
