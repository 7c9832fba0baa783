// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions to the kernel, and waiting for its notifications. */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "error.h"
#include "rtnl_internal.h"
#include "util.h"

#define TRIES_MAX 5
#define ASK_INTERVAL_MS 5 /* between questions, once notifications were lost */

/* ---- answers ------------------------------------------------------------------------------ */

/* Of NLMSG_ERROR and NLMSG_DONE alike: a negative errno or 0; a bare NLMSG_DONE is 0. */
static int final_status(const struct nlmsghdr *nh)
{
	int status = 0;

	if (nh->nlmsg_len < NLMSG_LENGTH(sizeof(status)))
		return nh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&status, nlmsg_data(nh), sizeof(status));
	return status > 0 ? -EBADMSG : status;
}

int rtnl_answer_take(struct rtnl_answer *answer, const void *data, size_t len)
{
	const struct nlmsghdr *nh = rtnl_message_at(data, len);

	if (!nh)
		return -EBADMSG;
	for (; nh; nh = rtnl_message_next(nh, &len)) {
		int r;

		if (nh->nlmsg_seq != answer->seq || nh->nlmsg_pid != answer->port_id)
			continue;
		if (nh->nlmsg_flags & NLM_F_DUMP_INTR)
			answer->interrupted = true;
		if (nh->nlmsg_type == NLMSG_ERROR || nh->nlmsg_type == NLMSG_DONE) {
			r = final_status(nh);
			if (r)
				rtnl_kernel_text(nh, answer->kernel_text);
			return r ? r : 1;
		}
		if (nh->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		r = answer->visit(nh, answer->arg);
		if (r < 0)
			return r;
		if (!answer->dump)
			return 1;
	}
	return 0;
}

/*
 * After an overrun the kernel drops every reply, too, and without a further error, until the queue has
 * been empty: a question asked before that would wait for its answer in vain.
 */
static void make_room(struct rtnl *rtnl)
{
	int r;

	rtnl->notices_lost = true;
	do
		r = rtnl_receive(rtnl, RTNL_REPLIES, MSG_DONTWAIT, NULL);
	while (r >= 0 || r == -ENOBUFS);
}

/*
 * One request and its answer; err is set by failures of the socket only, so that the caller can judge
 * the kernel's own errors (-ENODEV, ...). The header is that of the message.
 */
static int ask_once(struct rtnl *rtnl, struct rtnl_answer *answer, struct nl_msg *msg,
		    struct netd_error *err)
{
	struct nlmsghdr *nh = nlmsg_hdr(msg);
	int r;

	answer->port_id = rtnl->port_id;
	answer->seq = nh->nlmsg_seq = ++rtnl->seq;
	answer->dump = (nh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	answer->interrupted = false;
	answer->kernel_text[0] = '\0';
	r = rtnl_send(rtnl, nh, nh->nlmsg_len, err);
	while (!r) {
		r = rtnl_receive(rtnl, RTNL_REPLIES, 0, err);
		if (r >= 0)
			r = rtnl_answer_take(answer, rtnl->data, (size_t)r);
	}
	if (r == -ENOBUFS)
		make_room(rtnl);
	return r < 0 ? r : 0;
}

/* Records what the kernel said, unless the socket's failure is recorded already. */
static int refused(const struct rtnl_answer *answer, int r, const char *what,
		   struct netd_error *err)
{
	error_sys(err, -r, NULL, "cannot read %s from the kernel", what);
	error_kernel(err, answer->kernel_text);
	return r;
}

int rtnl_dump(struct rtnl *rtnl, struct rtnl_answer *answer, struct nl_msg *msg,
	      void (*restart)(void *arg), const char *what, struct netd_error *err)
{
	if (!msg)
		return error_nomem(err);
	for (int i = 0; i < TRIES_MAX; i++) {
		int r;

		restart(answer->arg);
		r = ask_once(rtnl, answer, msg, err);
		if (r == -ENOBUFS)
			continue;
		if (r < 0)
			return r == -ENOENT ? 0 : refused(answer, r, what, err);
		if (!answer->interrupted)
			return 0;
	}
	return error_set(err, NETD_E_BUSY, EAGAIN, NULL,
			 "cannot read %s from the kernel: they changed during each of %d attempts",
			 what, TRIES_MAX);
}

int rtnl_parse(const struct nlmsghdr *nh, size_t header, struct nlattr **tb, int max,
	       const struct nla_policy *policy)
{
	if (nh->nlmsg_len < NLMSG_LENGTH(header) ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)nh, (int)header, tb, max, policy))
		return -EBADMSG;
	return 0;
}

struct ip rtnl_get_ip(const struct nlattr *nla, uint8_t family)
{
	struct ip ip = { .family = AF_UNSPEC };

	if (!nla || (family != AF_INET && family != AF_INET6) ||
	    nla_len(nla) != (int)ip_bytes(family))
		return ip;
	ip.family = family;
	memcpy(ip.b, nla_data(nla), ip_bytes(family));
	return ip;
}

/* ---- links -------------------------------------------------------------------------------- */

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
	[IFLA_MTU] = { .type = NLA_U32 },
	[IFLA_MASTER] = { .type = NLA_U32 },
	[IFLA_OPERSTATE] = { .type = NLA_U8 },
	[IFLA_LINKINFO] = { .type = NLA_NESTED },
};

static struct nl_msg *link_request(uint32_t ifindex, int flags)
{
	const struct ifinfomsg header = { .ifi_index = (int)ifindex };
	_cleanup_message_ struct nl_msg *msg =
		rtnl_message_new(RTM_GETLINK, flags, &header, sizeof(header));

	if (!msg || nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))
		return NULL;
	return TAKE_PTR(msg);
}

static int parse_kind(struct nlattr *info, char *ret, size_t size)
{
	static const struct nla_policy policy[IFLA_INFO_MAX + 1] = {
		[IFLA_INFO_KIND] = { .type = NLA_STRING },
	};
	struct nlattr *tb[IFLA_INFO_MAX + 1];

	if (!info)
		return 0;
	if (nla_parse_nested(tb, IFLA_INFO_MAX, info, policy))
		return -EBADMSG;
	if (tb[IFLA_INFO_KIND])
		nla_strlcpy(ret, tb[IFLA_INFO_KIND], size);
	return 0;
}

static int visit_link(const struct nlmsghdr *nh, void *arg)
{
	const struct ifinfomsg *header = nlmsg_data(nh);
	struct nlattr *tb[IFLA_MAX + 1];
	struct rtnl_link *ret = arg;

	if (nh->nlmsg_type != RTM_NEWLINK ||
	    rtnl_parse(nh, sizeof(*header), tb, IFLA_MAX, link_policy) || !tb[IFLA_IFNAME])
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)header->ifi_index;
	ret->flags = header->ifi_flags;
	ret->master = rtnl_get_u32(tb[IFLA_MASTER], 0);
	ret->mtu = rtnl_get_u32(tb[IFLA_MTU], 0);
	ret->operstate = tb[IFLA_OPERSTATE] ? nla_get_u8(tb[IFLA_OPERSTATE]) : 0;
	nla_strlcpy(ret->name, tb[IFLA_IFNAME], sizeof(ret->name));
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(ret->mac.b))
		memcpy(ret->mac.b, nla_data(tb[IFLA_ADDRESS]), sizeof(ret->mac.b));
	return parse_kind(tb[IFLA_LINKINFO], ret->kind, sizeof(ret->kind));
}

int rtnl_link_get(struct rtnl *rtnl, const char *name, uint32_t ifindex, struct rtnl_link *ret,
		  struct netd_error *err)
{
	_cleanup_message_ struct nl_msg *msg = link_request(name ? 0 : ifindex, 0);
	struct rtnl_link link;
	struct rtnl_answer answer = { .visit = visit_link, .arg = &link };
	int r = -ENOBUFS;

	if (name ? !*name || strlen(name) >= IFNAMSIZ : !ifindex)
		return -ENODEV;
	if (!msg || (name && nla_put_string(msg, IFLA_IFNAME, name)))
		return error_nomem(err);
	for (int i = 0; i < TRIES_MAX && r == -ENOBUFS; i++)
		r = ask_once(rtnl, &answer, msg, err);
	if (r == -ENODEV)
		return r;
	if (r)
		return refused(&answer, r, "a link", err);
	*ret = link;
	return 0;
}

static void restart_max(void *arg)
{
	*(uint32_t *)arg = 0;
}

static int visit_max(const struct nlmsghdr *nh, void *arg)
{
	const struct ifinfomsg *header = nlmsg_data(nh);
	uint32_t *max = arg;

	if (nh->nlmsg_type != RTM_NEWLINK || nh->nlmsg_len < NLMSG_LENGTH(sizeof(*header)))
		return -EBADMSG;
	*max = MAX(*max, (uint32_t)header->ifi_index);
	return 0;
}

int rtnl_max_ifindex(struct rtnl *rtnl, uint32_t *ret, struct netd_error *err)
{
	_cleanup_message_ struct nl_msg *msg = link_request(0, NLM_F_DUMP);
	uint32_t max = 0;
	struct rtnl_answer answer = { .visit = visit_max, .arg = &max };
	int r = rtnl_dump(rtnl, &answer, msg, restart_max, "the links", err);

	if (!r)
		*ret = max;
	return r;
}

/* ---- the host's own addresses ------------------------------------------------------------- */

static int visit_route_type(const struct nlmsghdr *nh, void *arg)
{
	const struct rtmsg *header = nlmsg_data(nh);

	if (nh->nlmsg_type != RTM_NEWROUTE || nh->nlmsg_len < NLMSG_LENGTH(sizeof(*header)))
		return -EBADMSG;
	*(uint8_t *)arg = header->rtm_type;
	return 0;
}

/* What a route look-up says of an address to which nothing can be sent; EOPNOTSUPP: no such family */
static bool means_unreachable(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL ||
	       r == -EOPNOTSUPP;
}

int rtnl_is_local(struct rtnl *rtnl, const struct ip *ip, struct netd_error *err)
{
	const struct rtmsg header = { .rtm_family = ip->family,
				      .rtm_dst_len = (uint8_t)ip_bits(ip->family) };
	_cleanup_message_ struct nl_msg *msg =
		rtnl_message_new(RTM_GETROUTE, 0, &header, sizeof(header));
	uint8_t type = RTN_UNSPEC;
	struct rtnl_answer answer = { .visit = visit_route_type, .arg = &type };
	int r = -ENOBUFS;

	if (ip->family != AF_INET && ip->family != AF_INET6)
		return error_set(err, NETD_E_INVALID, EINVAL, NULL, "not an IP address");
	if (!msg || nla_put(msg, RTA_DST, (int)ip_bytes(ip->family), ip->b))
		return error_nomem(err);
	for (int i = 0; i < TRIES_MAX && r == -ENOBUFS; i++)
		r = ask_once(rtnl, &answer, msg, err);
	if (means_unreachable(r))
		return 0;
	return r ? refused(&answer, r, "a route", err) : type == RTN_LOCAL;
}

/* ---- notifications ------------------------------------------------------------------------ */

/* What is waited for */
struct wish {
	uint32_t ifindex;
	const struct ip *ip;
	bool (*matches)(const struct nlmsghdr *nh, const struct wish *wish);
	/* 1 when it has come true, 0, or negative errno; for when notifications were lost */
	int (*ask)(struct rtnl *rtnl, const struct wish *wish, struct netd_error *err);
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what is queued: 1 when the wish came true, 0, or negative errno. */
static int drain(struct rtnl *rtnl, const struct wish *wish, struct netd_error *err)
{
	for (;;) {
		int r = rtnl_receive(rtnl, RTNL_NOTICES, MSG_DONTWAIT, err);
		const struct nlmsghdr *nh;
		size_t len = (size_t)MAX(r, 0);

		if (r == -EAGAIN)
			return 0;
		if (r == -ENOBUFS) {
			rtnl->notices_lost = true;
			continue;
		}
		if (r < 0)
			return r;
		for (nh = rtnl_message_at(rtnl->data, len); nh; nh = rtnl_message_next(nh, &len))
			if (wish->matches(nh, wish))
				return 1;
	}
}

static int wait_for(struct rtnl *rtnl, const struct wish *wish, int timeout_ms,
		    struct netd_error *err)
{
	const int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd pfd = { .fd = rtnl->fd, .events = POLLIN };
		int r = drain(rtnl, wish, err);
		int64_t left = deadline - now_ms();

		/* at the end in any case: the event may be older than the subscription */
		if (!r && (rtnl->notices_lost || left <= 0))
			r = wish->ask(rtnl, wish, err);
		if (r)
			return MIN(r, 0);
		if (left <= 0)
			return -ETIME;
		if (rtnl->notices_lost)
			left = MIN(left, ASK_INTERVAL_MS);
		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return error_sys(err, errno, NULL, "cannot wait for rtnetlink");
	}
}

static bool is_address(const struct nlmsghdr *nh, const struct wish *wish)
{
	static const struct nla_policy policy[IFA_MAX + 1] = { [IFA_FLAGS] = { .type = NLA_U32 } };
	const struct ifaddrmsg *header = nlmsg_data(nh);
	struct nlattr *tb[IFA_MAX + 1];
	struct ip ip;

	if (nh->nlmsg_type != RTM_NEWADDR || rtnl_parse(nh, sizeof(*header), tb, IFA_MAX, policy) ||
	    header->ifa_index != wish->ifindex ||
	    rtnl_get_u32(tb[IFA_FLAGS], header->ifa_flags) & IFA_F_TENTATIVE)
		return false;
	ip = rtnl_get_ip(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], header->ifa_family);
	return ip_equal(&ip, wish->ip);
}

/* The local route of an IPv6 address is made right after the notification; it names no interface. */
static int ask_address(struct rtnl *rtnl, const struct wish *wish, struct netd_error *err)
{
	return rtnl_is_local(rtnl, wish->ip, err);
}

int rtnl_wait_address(struct rtnl *rtnl, uint32_t ifindex, const struct ip *ip, int timeout_ms,
		      struct netd_error *err)
{
	const struct wish wish = {
		.ifindex = ifindex, .ip = ip, .matches = is_address, .ask = ask_address
	};

	return wait_for(rtnl, &wish, timeout_ms, err);
}

/* The bridge announces the end of a port by RTM_DELLINK, too, with family AF_BRIDGE. */
static bool is_link_gone(const struct nlmsghdr *nh, const struct wish *wish)
{
	const struct ifinfomsg *header = nlmsg_data(nh);

	return nh->nlmsg_type == RTM_DELLINK && nh->nlmsg_len >= NLMSG_LENGTH(sizeof(*header)) &&
	       header->ifi_family == AF_UNSPEC && (uint32_t)header->ifi_index == wish->ifindex;
}

static int ask_link_gone(struct rtnl *rtnl, const struct wish *wish, struct netd_error *err)
{
	struct rtnl_link link;
	int r = rtnl_link_get(rtnl, NULL, wish->ifindex, &link, err);

	return r == -ENODEV ? 1 : r;
}

int rtnl_wait_link_gone(struct rtnl *rtnl, uint32_t ifindex, int timeout_ms, struct netd_error *err)
{
	const struct wish wish = { .ifindex = ifindex,
				   .matches = is_link_gone,
				   .ask = ask_link_gone };

	return wait_for(rtnl, &wish, timeout_ms, err);
}
