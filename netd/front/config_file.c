// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of the configuration directory: read bounded, written whole or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "front/config.h"
#include "front/front.h"
#include "parse.h"
#include "util.h"

/* A network of a thousand ranges takes about 100 KiB. */
#define FILE_MAX (1024UL * 1024)
#define SUFFIX ".json"

static int file_error(struct netd_error *err, int errnum, const char *path, const char *what)
{
	enum netd_code code = NETD_E_KERNEL;

	if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
		code = NETD_E_PERMISSION;
	else if (errnum == ENOENT)
		code = NETD_E_NOT_FOUND;
	return front_error(err, code, errnum, path, "%s %s: %s", what, path,
			   strerrordesc_np(errnum));
}

static int read_all(int fd, const char *path, char **ret, size_t *ret_len, struct netd_error *err)
{
	_cleanup_free_ char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return front_error(err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	while (len <= FILE_MAX) {
		n = read(fd, text + len, FILE_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error(err, errno, path, "cannot read");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > FILE_MAX)
		return front_error(err, NETD_E_INVALID, EFBIG, path, "%s is larger than 1 MiB",
				   path);
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* -ENOENT without an error recorded when the file does not exist. */
static int read_file(const char *path, char **ret, size_t *ret_len, struct netd_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : file_error(err, errno, path, "cannot open");
	if (fstat(fd, &st) < 0)
		return file_error(err, errno, path, "cannot inspect");
	if (!S_ISREG(st.st_mode))
		return front_error(err, NETD_E_INVALID, EINVAL, path, "%s is not a regular file",
				   path);
	return read_all(fd, path, ret, ret_len, err);
}

/* The configuration directory's path with the three parts after it. */
static int format_path(char *path, size_t size, struct netd_error *err, const char *dir,
		       const char *name, const char *suffix)
{
	int n = snprintf(path, size, "%s/%s%s%s", front_config_dir(), dir, name, suffix);

	if (n < 0 || (size_t)n >= size)
		return front_error(err, NETD_E_INVALID, ENAMETOOLONG, front_config_dir(),
				   "the configuration directory's path is too long");
	return 0;
}

int config_network_path(const char *name, char *path, size_t size, struct netd_error *err)
{
	if (!name_valid(name, NETD_NAME_MAX))
		return front_error(err, NETD_E_INVALID, EINVAL, name,
				   "\"%s\" is not a valid network name: letters, digits, and after "
				   "the first also _ . -, at most %d",
				   name, NETD_NAME_MAX);
	return format_path(path, size, err, "networks/", name, SUFFIX);
}

int config_pools_load(struct config_pools *ret, struct netd_error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	int r;

	r = format_path(path, sizeof(path), err, "", "netd.json", "");
	if (r < 0)
		return r;
	r = read_file(path, &text, &len, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return config_pools_parse(text, len, path, ret, err);
}

int config_network_load(const char *name, struct config_network **ret, struct netd_error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	int r;

	r = config_network_path(name, path, sizeof(path), err);
	if (r < 0)
		return r;
	r = read_file(path, &text, &len, err);
	if (r >= 0 && !strcmp(name, NETD_DEFAULT_NETWORK))
		return front_error(err, NETD_E_INVALID, EINVAL, path,
				   "%s is not used: the network \"%s\" takes its subnets from the "
				   "pools of netd.json; choose another name",
				   path, name);
	if (r == -ENOENT)
		return front_error(err, NETD_E_NOT_FOUND, ENOENT, name,
				   "there is no network \"%s\"; create it with \"netd network "
				   "create %s\"",
				   name, name);
	if (r < 0)
		return r;
	return config_network_parse(text, len, path, name, ret, err);
}

bool config_network_exists(const char *name)
{
	char path[PATH_MAX];

	return config_network_path(name, path, sizeof(path), NULL) == 0 && !access(path, F_OK);
}

int config_network_delete(const char *name, struct netd_error *err)
{
	char path[PATH_MAX];
	int r;

	r = config_network_path(name, path, sizeof(path), err);
	if (r < 0)
		return r;
	if (unlink(path) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0
						   : file_error(err, errno, path, "cannot remove");
}

/* The directory of the network files, made when missing, as a descriptor. */
static int open_networks_dir(struct netd_error *err)
{
	char path[PATH_MAX];
	int fd, r;

	if (mkdir(front_config_dir(), 0755) < 0 && errno != EEXIST)
		return file_error(err, errno, front_config_dir(), "cannot create");
	r = format_path(path, sizeof(path), err, "", "networks", "");
	if (r < 0)
		return r;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return file_error(err, errno, path, "cannot create");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? file_error(err, errno, path, "cannot open") : fd;
}

/*
 * A new file in dir with the text, on disk. A file of that name is left from a process that had our
 * pid and died, since the name carries the pid.
 */
static int write_new(int dir, const char *tmp, const char *text)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (unlinkat(dir, tmp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	r = front_write_all(fd, text, strlen(text));
	if (r == 0)
		r = front_write_all(fd, "\n", 1);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, tmp, 0);
	return r;
}

/*
 * Gives the file its name unless that is taken: two creators must not overwrite each other. After a
 * failure nothing of ours is left.
 */
static int publish_file(int dir, const char *tmp, const char *file)
{
	int r = 0;

	/* link(2) does not overwrite, either */
	if (renameat2(dir, tmp, dir, file, RENAME_NOREPLACE) < 0)
		r = errno == EINVAL && linkat(dir, tmp, dir, file, 0) == 0 ? 1 : -errno;
	if (r != 0)
		unlinkat(dir, tmp, 0);
	if (r < 0)
		return r;
	if (fsync(dir) == 0)
		return 0;
	r = -errno;
	unlinkat(dir, file, 0);
	return r;
}

int config_network_save(const struct netd_network *network, struct netd_error *err)
{
	char path[PATH_MAX], file[NETD_NAME_MAX + 8], tmp[NETD_NAME_MAX + 24];
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *text = NULL;
	json_t *json;
	int r;

	r = config_network_path(network->name, path, sizeof(path), err);
	if (r < 0)
		return r;
	json = config_network_json(network);
	if (json)
		text = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	if (!text)
		return front_error(err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	dir = open_networks_dir(err);
	if (dir < 0)
		return dir;
	snprintf(file, sizeof(file), "%s" SUFFIX, network->name);
	snprintf(tmp, sizeof(tmp), ".%s.%d", file, (int)getpid());
	r = write_new(dir, tmp, text);
	if (r == 0)
		r = publish_file(dir, tmp, file);
	if (r == -EEXIST)
		return front_error(err, NETD_E_EXISTS, EEXIST, network->name,
				   "%s exists; remove the network first", path);
	return r < 0 ? file_error(err, -r, path, "cannot write") : 0;
}

void config_names_free(char ***names)
{
	for (size_t i = 0; *names && (*names)[i]; i++)
		free((*names)[i]);
	free(*names);
}

static int network_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	char name[NETD_NAME_MAX + 1];

	if (!dot || strcmp(dot, SUFFIX) != 0 || dot - entry->d_name > NETD_NAME_MAX)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
	return name_valid(name, NETD_NAME_MAX);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in the entries, which it releases; NULL if out of memory. */
static char **take_names(struct dirent **entries, size_t n)
{
	char **names = calloc(n + 1, sizeof(*names));
	bool nomem = !names;

	for (size_t i = 0; i < n; i++) {
		if (!nomem) {
			names[i] = strndup(entries[i]->d_name,
					   strlen(entries[i]->d_name) - strlen(SUFFIX));
			nomem = !names[i];
		}
		free(entries[i]);
	}
	free(entries);
	if (nomem)
		config_names_free(&names);
	return nomem ? NULL : names;
}

int config_network_names(char ***ret, struct netd_error *err)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	char **names;
	int n;

	n = format_path(path, sizeof(path), err, "", "networks", "");
	if (n < 0)
		return n;
	n = scandir(path, &entries, network_file, NULL);
	if (n < 0 && errno != ENOENT)
		return file_error(err, errno, path, "cannot list");
	n = MAX(n, 0);
	names = take_names(entries, (size_t)n);
	if (!names)
		return front_error(err, NETD_E_NOMEM, ENOMEM, NULL, "out of memory");
	qsort(names, (size_t)n, sizeof(*names), compare_names);
	*ret = names;
	return 0;
}
