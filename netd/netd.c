// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening and closing a context. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "operation.h"
#include "util.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

const char *netd_version(void)
{
	return NETD_VERSION_STRING;
}

static int read_boot_id(char *ret, size_t size, struct netd_error *err)
{
	_cleanup_close_ int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n <= 0)
		return error_sys(err, n < 0 ? errno : EIO, BOOT_ID, "cannot read %s", BOOT_ID);
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int max_ifindex(void *user, uint32_t *ret, struct netd_error *err)
{
	return rtnl_max_ifindex(user, ret, err);
}

static int open_state(struct netd *netd, const char *dir, struct netd_error *err)
{
	_cleanup_rtnl_ struct rtnl *rtnl = NULL;
	struct store_identity identity = { 0 };
	int r = rtnl_open(0, &rtnl, err);

	if (r >= 0)
		r = read_boot_id(identity.boot_id, sizeof(identity.boot_id), err);
	if (r < 0)
		return r;
	identity.netns_cookie = rtnl_netns_cookie(rtnl);
	identity.want_max_ifindex = max_ifindex;
	identity.user = rtnl;
	return store_open(dir, &identity, &netd->store, err);
}

int netd_open(const struct netd_options *options, struct netd **ret_netd, struct netd_error *err)
{
	const char *dir =
		options && options->state_dir ? options->state_dir : NETD_DEFAULT_STATE_DIR;
	struct netd *netd;
	int r = 0;

	if (options)
		r = spec_check_size("netd_options", options->size, sizeof(*options), err);
	if (r < 0)
		return r;
	netd = calloc(1, sizeof(*netd));
	if (!netd)
		return error_nomem(err);
	r = spec_pools(options ? options->pools : NULL, options ? options->n_pools : 0, netd->pools,
		       &netd->n_pools, err);
	if (r >= 0)
		r = open_state(netd, dir, err);
	if (r < 0) {
		error_stage(err, NETD_STAGE_OPEN);
		netd_close(netd);
		return r;
	}
	*ret_netd = netd;
	return 0;
}

void netd_close(struct netd *netd)
{
	if (!netd)
		return;
	store_close(netd->store);
	free(netd);
}
