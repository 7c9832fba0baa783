/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --subnet, --gateway and --ip-range to address ranges. Pure. */
#ifndef NETD_CLI_SUBNET_H
#define NETD_CLI_SUBNET_H

#include <netd.h>

#define SUBNET_MAX 16 /* subnets of one "network create"; more are for a network file */

struct subnet_options {
	const char *subnets[SUBNET_MAX];
	size_t n_subnets;
	const char *gateways[SUBNET_MAX];
	size_t n_gateways;
	const char *ip_ranges[SUBNET_MAX];
	size_t n_ip_ranges;
};

/* The ranges and the text that they point to. */
struct subnet_ranges {
	struct netd_range ranges[SUBNET_MAX];
	char start[SUBNET_MAX][NETD_IP_STRLEN];
	char end[SUBNET_MAX][NETD_IP_STRLEN];
	size_t n;
};

/*
 * Subnets of one family are alternatives (one set), the families are different sets; a gateway
 * belongs to the subnet that contains it, and so does an address range. ret borrows from options and
 * must not be copied: it points into itself.
 */
int subnet_ranges(const struct subnet_options *options, struct subnet_ranges *ret,
		  struct netd_error *err);

#endif
