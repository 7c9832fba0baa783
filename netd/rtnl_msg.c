// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages that make up a batch. */
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>

#include "rtnl_internal.h"
#include "util.h"

#define MESSAGE_MAX 1024 /* bytes; a veth pair with the longest names takes 250 */

struct nl_msg *rtnl_message_new(int type, int flags, const void *header, size_t len)
{
	_cleanup_message_ struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_MAX);

	if (!msg || !nlmsg_put(msg, 0, 0, type, 0, NLM_F_REQUEST | flags) ||
	    nlmsg_append(msg, (void *)(uintptr_t)header, len, NLMSG_ALIGNTO))
		return NULL;
	return TAKE_PTR(msg);
}

/* Adds the message to the batch as (a further) part of its message number batch->count. */
static int append_part(struct rtnl_batch *batch, const struct nl_msg *msg)
{
	const struct nlmsghdr *nh = nlmsg_hdr((struct nl_msg *)(uintptr_t)msg);
	static const char padding[NLMSG_ALIGNTO];
	uint32_t number = (uint32_t)batch->count;

	buf_add(&batch->messages, nh, nh->nlmsg_len);
	buf_add(&batch->messages, padding, NLMSG_ALIGN(nh->nlmsg_len) - nh->nlmsg_len);
	buf_add(&batch->numbers, &number, sizeof(number));
	return batch->messages.failed || batch->numbers.failed ? -ENOMEM : 0;
}

static int append(struct rtnl_batch *batch, const struct nl_msg *msg)
{
	int r = append_part(batch, msg);

	return r ? r : (int)batch->count++;
}

static struct nl_msg *link_message(int type, int flags, const struct ifinfomsg *header)
{
	return rtnl_message_new(type, flags, header, sizeof(*header));
}

static bool link_name_valid(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);

	return len > 0 && len < IFNAMSIZ;
}

static int put_mtu(struct nl_msg *msg, uint32_t mtu)
{
	return mtu ? nla_put_u32(msg, IFLA_MTU, mtu) : 0;
}

static int put_mac(struct nl_msg *msg, const struct mac *mac)
{
	return nla_put(msg, IFLA_ADDRESS, sizeof(mac->b), mac->b);
}

int rtnl_add_bridge(struct rtnl_batch *batch, const struct rtnl_bridge *bridge)
{
	const struct ifinfomsg header = { .ifi_index = (int)bridge->ifindex };
	_cleanup_message_ struct nl_msg *msg =
		link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header);
	struct nlattr *info;

	if (!link_name_valid(bridge->name))
		return -EINVAL;
	if (!msg || nla_put_string(msg, IFLA_IFNAME, bridge->name) || put_mac(msg, &bridge->mac) ||
	    put_mtu(msg, bridge->mtu) || !(info = nla_nest_start(msg, IFLA_LINKINFO)) ||
	    nla_put_string(msg, IFLA_INFO_KIND, "bridge"))
		return -ENOMEM;
	nla_nest_end(msg, info);
	return append(batch, msg);
}

/* Of one end. One queue each way: the default is one for every possible CPU, for nothing. */
static int put_veth_end(struct nl_msg *msg, const char *name, const struct mac *mac, uint32_t mtu)
{
	return nla_put_string(msg, IFLA_IFNAME, name) || put_mac(msg, mac) || put_mtu(msg, mtu) ||
	       nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 1) || nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
}

static int put_veth_peer(struct nl_msg *msg, const struct rtnl_veth *veth)
{
	struct ifinfomsg header = { .ifi_index = (int)veth->peer_ifindex };
	struct nlattr *peer = nla_nest_start(msg, VETH_INFO_PEER);

	if (!peer || nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    put_veth_end(msg, veth->peer_name, &veth->peer_mac, veth->mtu) ||
	    nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns_fd))
		return -ENOMEM;
	nla_nest_end(msg, peer);
	return 0;
}

int rtnl_add_veth(struct rtnl_batch *batch, const struct rtnl_veth *veth)
{
	const struct ifinfomsg header = { .ifi_index = (int)veth->host_ifindex };
	_cleanup_message_ struct nl_msg *msg =
		link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header);
	struct nlattr *info, *data;

	/* the kernel honours the peer's index only beside one for the host's end */
	if (!link_name_valid(veth->host_name) || !link_name_valid(veth->peer_name) ||
	    veth->peer_netns_fd < 0 || (veth->peer_ifindex && !veth->host_ifindex))
		return -EINVAL;
	if (!msg || put_veth_end(msg, veth->host_name, &veth->host_mac, veth->mtu) ||
	    !(info = nla_nest_start(msg, IFLA_LINKINFO)) ||
	    nla_put_string(msg, IFLA_INFO_KIND, "veth") ||
	    !(data = nla_nest_start(msg, IFLA_INFO_DATA)) || put_veth_peer(msg, veth))
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return append(batch, msg);
}

static int put_addrgenmode_none(struct nl_msg *msg)
{
	struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC), *inet6;

	if (!spec || !(inet6 = nla_nest_start(msg, AF_INET6)) ||
	    nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE))
		return -ENOMEM;
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, spec);
	return 0;
}

/* Both before the link is up: the order within one message differs between kernels. */
static int append_enslave(struct rtnl_batch *batch, const struct rtnl_link_change *change)
{
	const struct ifinfomsg header = { .ifi_index = (int)change->ifindex };
	_cleanup_message_ struct nl_msg *msg = NULL;

	if (!change->master && !change->addrgenmode_none && !change->mtu && !change->mac)
		return 0;
	msg = link_message(RTM_SETLINK, 0, &header);
	if (!msg || (change->master && nla_put_u32(msg, IFLA_MASTER, change->master)) ||
	    (change->mac && put_mac(msg, change->mac)) || put_mtu(msg, change->mtu) ||
	    (change->addrgenmode_none && put_addrgenmode_none(msg)))
		return -ENOMEM;
	return append_part(batch, msg);
}

static int put_port_flag(struct nl_msg *msg, int type, enum rtnl_tristate state)
{
	return state == RTNL_KEEP ? 0 : nla_put_u8(msg, type, state == RTNL_ON);
}

static int append_port(struct rtnl_batch *batch, const struct rtnl_link_change *change)
{
	const struct ifinfomsg header = { .ifi_index = (int)change->ifindex };
	_cleanup_message_ struct nl_msg *msg = NULL;
	struct nlattr *info, *data;

	if (change->hairpin == RTNL_KEEP && change->isolated == RTNL_KEEP)
		return 0;
	msg = link_message(RTM_NEWLINK, 0, &header);
	if (!msg || !(info = nla_nest_start(msg, IFLA_LINKINFO)) ||
	    nla_put_string(msg, IFLA_INFO_SLAVE_KIND, "bridge") ||
	    !(data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA)) ||
	    put_port_flag(msg, IFLA_BRPORT_MODE, change->hairpin) ||
	    put_port_flag(msg, IFLA_BRPORT_ISOLATED, change->isolated))
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return append_part(batch, msg);
}

static void set_flag(struct ifinfomsg *header, unsigned int flag, enum rtnl_tristate state)
{
	if (state != RTNL_KEEP)
		header->ifi_change |= flag;
	if (state == RTNL_ON)
		header->ifi_flags |= flag;
}

static int append_flags(struct rtnl_batch *batch, const struct rtnl_link_change *change)
{
	struct ifinfomsg header = { .ifi_index = (int)change->ifindex };
	_cleanup_message_ struct nl_msg *msg = NULL;

	set_flag(&header, IFF_UP, change->up);
	set_flag(&header, IFF_PROMISC, change->promisc);
	if (!header.ifi_change)
		return 0;
	msg = link_message(RTM_SETLINK, 0, &header);
	return msg ? append_part(batch, msg) : -ENOMEM;
}

int rtnl_link_set(struct rtnl_batch *batch, const struct rtnl_link_change *change)
{
	size_t messages = batch->messages.len, numbers = batch->numbers.len;
	int r;

	if (!change->ifindex)
		return -EINVAL;
	r = append_enslave(batch, change);
	if (!r)
		r = append_port(batch, change);
	if (!r)
		r = append_flags(batch, change);
	if (!r && batch->messages.len == messages)
		r = -EINVAL; /* nothing to change */
	if (r) {
		batch->messages.len = messages;
		batch->numbers.len = numbers;
		return r;
	}
	return (int)batch->count++;
}

int rtnl_link_del(struct rtnl_batch *batch, uint32_t ifindex)
{
	const struct ifinfomsg header = { .ifi_index = (int)ifindex };
	_cleanup_message_ struct nl_msg *msg = link_message(RTM_DELLINK, 0, &header);

	/* without an index the kernel would look for a name or a group */
	if (!ifindex)
		return -EINVAL;
	return msg ? append(batch, msg) : -ENOMEM;
}

static int put_ip(struct nl_msg *msg, int type, const struct ip *ip)
{
	return nla_put(msg, type, (int)ip_bytes(ip->family), ip->b);
}

static bool prefix_valid(const struct prefix *prefix)
{
	return (prefix->ip.family == AF_INET || prefix->ip.family == AF_INET6) &&
	       prefix->len <= ip_bits(prefix->ip.family);
}

static int put_address(struct nl_msg *msg, const struct rtnl_address *address, bool add)
{
	const struct prefix *prefix = &address->address;
	struct ip broadcast = prefix_last(prefix);

	if (put_ip(msg, IFA_LOCAL, &prefix->ip) || put_ip(msg, IFA_ADDRESS, &prefix->ip))
		return -ENOMEM;
	/* /31 and /32 have none (RFC 3021) */
	if (add && prefix->ip.family == AF_INET && prefix->len < 31 &&
	    put_ip(msg, IFA_BROADCAST, &broadcast))
		return -ENOMEM;
	if (add && prefix->ip.family == AF_INET6 && address->nodad)
		return nla_put_u32(msg, IFA_FLAGS, IFA_F_NODAD);
	return 0;
}

static int append_address(struct rtnl_batch *batch, const struct rtnl_address *address, bool add)
{
	const struct prefix *prefix = &address->address;
	const struct ifaddrmsg header = {
		.ifa_family = prefix->ip.family,
		.ifa_prefixlen = prefix->len,
		.ifa_scope = prefix->ip.family == AF_INET6 && ip_is_link_local(&prefix->ip)
				     ? RT_SCOPE_LINK
				     : RT_SCOPE_UNIVERSE,
		.ifa_index = address->ifindex,
	};
	_cleanup_message_ struct nl_msg *msg = NULL;

	if (!prefix_valid(prefix) || !address->ifindex)
		return -EINVAL;
	msg = rtnl_message_new(add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
			       &header, sizeof(header));
	if (!msg || put_address(msg, address, add))
		return -ENOMEM;
	return append(batch, msg);
}

int rtnl_address_add(struct rtnl_batch *batch, const struct rtnl_address *address)
{
	return append_address(batch, address, true);
}

int rtnl_address_del(struct rtnl_batch *batch, const struct rtnl_address *address)
{
	return append_address(batch, address, false);
}

/* IPv6 has no scopes of routes; IPv4 deletion with RT_SCOPE_NOWHERE matches any. */
static uint8_t route_scope(const struct rtnl_route *route, bool add)
{
	if (!add)
		return RT_SCOPE_NOWHERE;
	if (route->dst.ip.family == AF_INET6)
		return RT_SCOPE_UNIVERSE;
	if (route->type == RTN_LOCAL)
		return RT_SCOPE_HOST;
	return route->type == RTN_UNICAST && route->gw.family == AF_UNSPEC ? RT_SCOPE_LINK
									   : RT_SCOPE_UNIVERSE;
}

static int append_route(struct rtnl_batch *batch, const struct rtnl_route *route, bool add)
{
	const struct rtmsg header = {
		.rtm_family = route->dst.ip.family,
		.rtm_dst_len = route->dst.len,
		.rtm_table = route->table < 256 ? (uint8_t)route->table : RT_TABLE_UNSPEC,
		/* RTPROT_BOOT, the default of ip(8), is what routing daemons purge when they start */
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route_scope(route, add),
		.rtm_type = route->type,
	};
	_cleanup_message_ struct nl_msg *msg = NULL;

	if (!prefix_valid(&route->dst) || !route->ifindex || !route->table ||
	    (route->gw.family != AF_UNSPEC && route->gw.family != route->dst.ip.family))
		return -EINVAL;
	msg = rtnl_message_new(add ? RTM_NEWROUTE : RTM_DELROUTE,
			       add ? NLM_F_CREATE | NLM_F_EXCL : 0, &header, sizeof(header));
	if (!msg || nla_put_u32(msg, RTA_TABLE, route->table) ||
	    nla_put_u32(msg, RTA_OIF, route->ifindex) ||
	    (route->dst.len && put_ip(msg, RTA_DST, &route->dst.ip)) ||
	    (route->gw.family != AF_UNSPEC && put_ip(msg, RTA_GATEWAY, &route->gw)) ||
	    (route->metric && nla_put_u32(msg, RTA_PRIORITY, route->metric)))
		return -ENOMEM;
	return append(batch, msg);
}

int rtnl_route_add(struct rtnl_batch *batch, const struct rtnl_route *route)
{
	return append_route(batch, route, true);
}

int rtnl_route_del(struct rtnl_batch *batch, const struct rtnl_route *route)
{
	return append_route(batch, route, false);
}

static int append_neighbour(struct rtnl_batch *batch, const struct rtnl_neighbour *neighbour,
			    bool add)
{
	const struct ndmsg header = {
		.ndm_family = neighbour->ip.family,
		.ndm_ifindex = (int)neighbour->ifindex,
		.ndm_state = add ? NUD_REACHABLE : 0,
	};
	_cleanup_message_ struct nl_msg *msg = NULL;

	if (neighbour->ip.family == AF_UNSPEC || !neighbour->ifindex)
		return -EINVAL;
	msg = rtnl_message_new(add ? RTM_NEWNEIGH : RTM_DELNEIGH,
			       add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &header, sizeof(header));
	if (!msg || put_ip(msg, NDA_DST, &neighbour->ip) ||
	    (add && nla_put(msg, NDA_LLADDR, sizeof(neighbour->mac.b), neighbour->mac.b)))
		return -ENOMEM;
	return append(batch, msg);
}

int rtnl_neighbour_set(struct rtnl_batch *batch, const struct rtnl_neighbour *neighbour)
{
	return append_neighbour(batch, neighbour, true);
}

int rtnl_neighbour_del(struct rtnl_batch *batch, const struct rtnl_neighbour *neighbour)
{
	return append_neighbour(batch, neighbour, false);
}
