/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network sysctls, read before they are written. System module. */
#ifndef NETD_SYSCTL_H
#define NETD_SYSCTL_H

#include <netd.h>

#define SYSCTL_VALUE_MAX 64

/*
 * A directory descriptor of /proc/sys/net as the calling thread's network namespace sees it, through
 * a private procfs instance (look-ups in the shared one grow with the number of namespaces); /proc
 * where the kernel or its policy refuses that. What is below "ipv4/" and "ipv6/" stays bound to the
 * namespace, interfaces made later included, so it may be used after leaving it; other paths
 * ("bridge/...", "netfilter/...") follow the thread that uses them.
 */
struct sysctl_net {
	int ipv4; /* <net>/ipv4 */
	int ipv6; /* <net>/ipv6, -1 where the kernel has no IPv6 */
	int root; /* <net>; valid only inside the namespace it was opened in */
};

#define SYSCTL_NET_INIT                                                                            \
	{                                                                                          \
		-1, -1, -1                                                                         \
	}

int sysctl_open(struct sysctl_net *ret, struct netd_error *err);
/*
 * The same for the namespace that the thread is in now, through the procfs instance that was opened
 * for another one: two look-ups instead of a mount. ret has no root: only paths below "ipv4/" and
 * "ipv6/".
 */
int sysctl_open_here(const struct sysctl_net *elsewhere, struct sysctl_net *ret,
		     struct netd_error *err);
void sysctl_close(struct sysctl_net *net); /* also a cleanup function */

/*
 * path is relative to /proc/sys/net, '/' separated: "ipv4/ip_forward",
 * "ipv6/conf/eth0/accept_ra". -ENOENT (err untouched) when there is no such sysctl. The trailing
 * newline is removed.
 */
int sysctl_read(const struct sysctl_net *net, const char *path, char ret[static SYSCTL_VALUE_MAX],
		struct netd_error *err);
/* The same for a value of any length, such as a list of ports; *ret is the caller's: free(3). */
int sysctl_read_list(const struct sysctl_net *net, const char *path, char **ret,
		     struct netd_error *err);
/*
 * Writes unless the value is there already. Returns 1 if it was changed (ret_old, which may be NULL,
 * then holds the former value), 0 if not. A missing sysctl is -ENOENT with err untouched.
 */
int sysctl_write(const struct sysctl_net *net, const char *path, const char *value, char *ret_old,
		 struct netd_error *err);

#endif
