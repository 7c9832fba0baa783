// SPDX-License-Identifier: GPL-2.0-or-later
/* What the host's addresses and routes say: prefixes in use, router advertisements. */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "error.h"
#include "rtnl_internal.h"
#include "util.h"

/* ---- prefixes in use ---------------------------------------------------------------------- */

struct prefix_list {
	struct prefix *items;
	size_t n, room;
	size_t kept; /* from finished dumps */
};

static int prefix_list_add(struct prefix_list *list, const struct ip *ip, uint8_t len)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct prefix *items = reallocarray(list->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	list->items[list->n++] = (struct prefix){ .ip = *ip, .len = len };
	return 0;
}

static void restart_list(void *arg)
{
	struct prefix_list *list = arg;

	list->n = list->kept;
}

static int visit_address(const struct nlmsghdr *nh, void *arg)
{
	const struct ifaddrmsg *header = nlmsg_data(nh);
	struct nlattr *tb[IFA_MAX + 1];
	struct ip local, address;
	int r = 0;

	if (nh->nlmsg_type != RTM_NEWADDR || rtnl_parse(nh, sizeof(*header), tb, IFA_MAX, NULL) ||
	    header->ifa_prefixlen > ip_bits(header->ifa_family))
		return -EBADMSG;
	local = rtnl_get_ip(tb[IFA_LOCAL], header->ifa_family);
	address = rtnl_get_ip(tb[IFA_ADDRESS], header->ifa_family);
	/* with a peer (IFA_ADDRESS) the prefix length is the peer's */
	if (local.family && !(address.family && ip_equal(&local, &address)))
		r = prefix_list_add(arg, &local, (uint8_t)ip_bits(local.family));
	if (!r && address.family)
		r = prefix_list_add(arg, &address, header->ifa_prefixlen);
	return r;
}

struct own_list {
	struct rtnl_address *items;
	size_t n;
};

static void restart_own(void *arg)
{
	struct own_list *list = arg;

	list->n = 0;
}

static int visit_own(const struct nlmsghdr *nh, void *arg)
{
	const struct ifaddrmsg *header = nlmsg_data(nh);
	struct own_list *list = arg;
	struct rtnl_address *items;
	struct nlattr *tb[IFA_MAX + 1];
	struct ip ip;

	if (nh->nlmsg_type != RTM_NEWADDR || rtnl_parse(nh, sizeof(*header), tb, IFA_MAX, NULL) ||
	    header->ifa_prefixlen > ip_bits(header->ifa_family))
		return -EBADMSG;
	ip = rtnl_get_ip(tb[tb[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS], header->ifa_family);
	if (!ip.family)
		return 0;
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->n++] = (struct rtnl_address){
		.ifindex = header->ifa_index,
		.address = { .ip = ip, .len = header->ifa_prefixlen },
	};
	return 0;
}

static const struct nla_policy route_policy[RTA_MAX + 1] = {
	[RTA_TABLE] = { .type = NLA_U32 },
	[RTA_OIF] = { .type = NLA_U32 },
};

/* 1 for a route as asked for, 0 for one to be left out; kernels before 4.20 do not filter. */
static int parse_route(const struct nlmsghdr *nh, uint32_t table, struct nlattr **tb)
{
	const struct rtmsg *header = nlmsg_data(nh);

	if (nh->nlmsg_type != RTM_NEWROUTE ||
	    rtnl_parse(nh, sizeof(*header), tb, RTA_MAX, route_policy) ||
	    header->rtm_dst_len > ip_bits(header->rtm_family))
		return -EBADMSG;
	return !(header->rtm_flags & RTM_F_CLONED) &&
	       (!table || rtnl_get_u32(tb[RTA_TABLE], header->rtm_table) == table);
}

static int visit_destination(const struct nlmsghdr *nh, void *arg)
{
	const struct rtmsg *header = nlmsg_data(nh);
	struct nlattr *tb[RTA_MAX + 1];
	struct ip dst;
	int r = parse_route(nh, RT_TABLE_MAIN, tb);

	if (r <= 0 || header->rtm_dst_len == 0)
		return MIN(r, 0);
	dst = rtnl_get_ip(tb[RTA_DST], header->rtm_family);
	return dst.family ? prefix_list_add(arg, &dst, header->rtm_dst_len) : -EBADMSG;
}

static struct nl_msg *address_request(uint8_t family)
{
	const struct ifaddrmsg header = { .ifa_family = family };

	return rtnl_message_new(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
}

/* table 0: all; protocol 0: any */
static struct nl_msg *route_request(uint8_t family, uint8_t table, uint8_t protocol)
{
	const struct rtmsg header = { .rtm_family = family,
				      .rtm_table = table,
				      .rtm_protocol = protocol };

	return rtnl_message_new(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
}

static int list_family(struct rtnl *rtnl, uint8_t family, struct prefix_list *list,
		       struct netd_error *err)
{
	struct rtnl_answer addresses = { .visit = visit_address, .arg = list };
	struct rtnl_answer routes = { .visit = visit_destination, .arg = list };
	_cleanup_message_ struct nl_msg *get_addresses = address_request(family);
	_cleanup_message_ struct nl_msg *get_routes = route_request(family, RT_TABLE_MAIN, 0);
	int r = rtnl_dump(rtnl, &addresses, get_addresses, restart_list, "addresses", err);

	list->kept = list->n;
	if (!r)
		r = rtnl_dump(rtnl, &routes, get_routes, restart_list, "routes", err);
	list->kept = list->n;
	return r;
}

int rtnl_own_addresses(struct rtnl *rtnl, uint8_t family, struct rtnl_address **ret, size_t *ret_n,
		       struct netd_error *err)
{
	struct own_list list = { .items = NULL };
	struct rtnl_answer answer = { .visit = visit_own, .arg = &list };
	_cleanup_message_ struct nl_msg *request = address_request(family);
	int r = rtnl_dump(rtnl, &answer, request, restart_own, "addresses", err);

	if (r) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	*ret_n = list.n;
	return 0;
}

int rtnl_busy_prefixes(struct rtnl *rtnl, struct prefix **ret, size_t *ret_n,
		       struct netd_error *err)
{
	struct prefix_list list = { .items = NULL };
	int r = list_family(rtnl, AF_INET, &list, err);

	if (!r)
		r = list_family(rtnl, AF_INET6, &list, err);
	if (r) {
		free(list.items);
		return r;
	}
	*ret = list.items;
	*ret_n = list.n;
	return 0;
}

/* ---- router advertisements ---------------------------------------------------------------- */

struct index_list {
	uint32_t *items;
	size_t n, max;
};

static void index_list_add(struct index_list *list, uint32_t ifindex)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == ifindex)
			return;
	if (list->n < list->max)
		list->items[list->n++] = ifindex;
}

/* Adds each interface that the route leads out of. */
static void add_interfaces(struct index_list *list, struct nlattr *const *tb)
{
	const struct rtnexthop *hop;
	int left;

	if (tb[RTA_OIF])
		index_list_add(list, nla_get_u32(tb[RTA_OIF]));
	if (tb[RTA_OIF] || !tb[RTA_MULTIPATH])
		return;
	hop = nla_data(tb[RTA_MULTIPATH]);
	left = nla_len(tb[RTA_MULTIPATH]);
	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		index_list_add(list, (uint32_t)hop->rtnh_ifindex);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void restart_indexes(void *arg)
{
	struct index_list *list = arg;

	list->n = 0;
}

static int visit_ra(const struct nlmsghdr *nh, void *arg)
{
	const struct rtmsg *header = nlmsg_data(nh);
	struct nlattr *tb[RTA_MAX + 1];
	int r = parse_route(nh, 0, tb);

	if (r <= 0 || header->rtm_protocol != RTPROT_RA || header->rtm_dst_len != 0)
		return MIN(r, 0);
	add_interfaces(arg, tb);
	return 0;
}

int rtnl_ra_interfaces(struct rtnl *rtnl, uint32_t *ret, size_t max, size_t *ret_n,
		       struct netd_error *err)
{
	_cleanup_message_ struct nl_msg *msg = route_request(AF_INET6, 0, RTPROT_RA);
	struct index_list list = { .items = ret, .max = max };
	struct rtnl_answer answer = { .visit = visit_ra, .arg = &list };
	int r = rtnl_dump(rtnl, &answer, msg, restart_indexes, "routes", err);

	if (!r)
		*ret_n = list.n;
	return r;
}
