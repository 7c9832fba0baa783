// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation. Two ways lead to the same entries:
 *
 * - Deletion by filter: one request a port, the kernel compares and deletes within one walk of the
 *   table (0.25 ms at 1,000 entries). Linux 6.10 and later. An older kernel ignores CTA_FILTER, sees a
 *   tuple that is incomplete and answers -EINVAL; that tuple is always sent, since without it such a
 *   kernel would read the request as "delete everything".
 * - Dump, compare here, delete each entry by its full original tuple, zone and id, so that another
 *   entry that has taken the same tuple meanwhile stays. The dump is filtered by the kernel as far as
 *   it can (Linux 5.8 and later; an older one sends more), but only the comparison here decides.
 *
 * What the kernel's filter cannot be trusted with (seen on Linux 6.18) stays out of it: IPv6 addresses,
 * whose comparison is inverted, so that exactly the others match; ports other than those of TCP and UDP,
 * which it does not compare. Filters that need these go the second way.
 */
#include "conntrack.h"

#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "error.h"
#include "nfsock.h"
#include "util.h"

/* The kernel's bits of CTA_FILTER_{ORIG,REPLY}_FLAGS; no uapi header names them. */
#define FILTER_IP_SRC (1U << 0)
#define FILTER_IP_DST (1U << 1)
#define FILTER_PROTO_NUM (1U << 3)
#define FILTER_DST_PORT (1U << 5)

/* Beyond this many ports one dump is cheaper than a walk of the table for each. */
#define FILTER_DELETES_MAX 16
#define DUMP_TRIES 5
#define REQUEST_ROOM 512

#define CT_TYPE(msg) ((uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | (msg)))

/* ---- requests ------------------------------------------------------------------------------- */

/* A tuple with those of address and port that are given; AF_UNSPEC, -1: leave it out. */
static void put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct ip *src,
		      const struct ip *dst, int protocol, int dst_port)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	if (src->family != AF_UNSPEC)
		mnl_attr_put(nlh, src->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
			     ip_bytes(src->family), src->b);
	if (dst->family != AF_UNSPEC)
		mnl_attr_put(nlh, dst->family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST,
			     ip_bytes(dst->family), dst->b);
	mnl_attr_nest_end(nlh, nest);
	if (protocol >= 0) {
		nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
		mnl_attr_put_u8(nlh, CTA_PROTO_NUM, (uint8_t)protocol);
		if (dst_port >= 0)
			mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htobe16((uint16_t)dst_port));
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, tuple);
}

/* The address if the kernel's filter compares it, else none. */
static struct ip filterable(const struct ip *ip)
{
	return ip->family == AF_INET && !ip_is_zero(ip) ? *ip : (struct ip){ .family = AF_UNSPEC };
}

/* As much of the filter as the kernel can be trusted with; dst_port -1: any. */
static void put_filter(struct nlmsghdr *nlh, const struct conntrack_filter *filter, int dst_port)
{
	static const struct ip none;
	struct ip host = filterable(&filter->host), container = filterable(&filter->container);
	uint32_t orig = FILTER_PROTO_NUM, reply = 0;
	struct nlattr *nest;

	if (dst_port >= 0)
		orig |= FILTER_DST_PORT;
	if (host.family != AF_UNSPEC)
		orig |= FILTER_IP_DST;
	if (container.family != AF_UNSPEC)
		reply |= FILTER_IP_SRC;
	put_tuple(nlh, CTA_TUPLE_ORIG, &none, &host, filter->protocol, dst_port);
	put_tuple(nlh, CTA_TUPLE_REPLY, &container, &none, -1, -1);
	nest = mnl_attr_nest_start(nlh, CTA_FILTER);
	mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, orig);
	mnl_attr_put_u32(nlh, CTA_FILTER_REPLY_FLAGS, reply);
	mnl_attr_nest_end(nlh, nest);
}

static int on_stats(const struct nlmsghdr *nlh, void *user)
{
	const void *count =
		nfsock_payload(nfsock_find(nlh, CTA_STATS_GLOBAL_ENTRIES), sizeof(uint32_t));

	if (count)
		memcpy(user, count, sizeof(uint32_t));
	return 0;
}

/* Is there any entry? 1, 0 (also where the kernel has no ctnetlink), or negative errno. */
static int any_entry(struct nfsock *nl)
{
	char buf[REQUEST_ROOM] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh =
		nfsock_put_header(buf, CT_TYPE(IPCTNL_MSG_CT_GET_STATS), NLM_F_ACK, AF_UNSPEC);
	uint32_t count = 1; /* a kernel that does not tell */
	int r = nfsock_talk(nl, nlh, on_stats, &count, NULL);

	if (r == -EINVAL || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r : count != 0;
}

/* ---- deletion by filter --------------------------------------------------------------------- */

/* Would the kernel's filter match exactly the entries that this one means? */
static bool is_exact(const struct conntrack_filter *filter)
{
	if (filter->protocol != IPPROTO_TCP && filter->protocol != IPPROTO_UDP)
		return false;
	return filter->host.family == AF_INET ||
	       (ip_is_zero(&filter->host) && filter->container.family == AF_UNSPEC);
}

/* Do the filters that can go this way have few enough ports for it to pay? */
static bool wants_filter(const struct conntrack_filter *filters, size_t n)
{
	size_t ports = 0;

	for (size_t i = 0; i < n; i++)
		ports += is_exact(&filters[i]) ? filters[i].count : 0;
	return ports <= FILTER_DELETES_MAX;
}

static int delete_by_filter(struct nfsock *nl, const struct conntrack_filter *filter)
{
	char buf[REQUEST_ROOM] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	int r = 0;

	for (int i = 0; i < filter->count && r >= 0; i++) {
		struct nlmsghdr *nlh = nfsock_put_header(buf, CT_TYPE(IPCTNL_MSG_CT_DELETE),
							 NLM_F_ACK, filter->host.family);

		put_filter(nlh, filter, filter->port + i);
		r = nfsock_talk(nl, nlh, NULL, NULL, NULL);
	}
	return r;
}

/* ---- dump, compare, delete ------------------------------------------------------------------ */

struct dump {
	const struct conntrack_filter *filters;
	size_t n;
	uint8_t family;
	struct nfsock_msgs deletes; /* ready messages */
};

static bool tuple_ip_is(const struct nlattr *tuple, uint16_t type4, uint16_t type6,
			const struct ip *ip)
{
	const struct nlattr *nest = nfsock_find_nested(tuple, CTA_TUPLE_IP);
	const void *b =
		nfsock_payload(nfsock_find_nested(nest, ip->family == AF_INET ? type4 : type6),
			       ip_bytes(ip->family));

	return b && memcmp(b, ip->b, ip_bytes(ip->family)) == 0;
}

static bool matches(const struct conntrack_filter *filter, uint8_t family,
		    const struct nlattr *orig, const struct nlattr *reply)
{
	const struct nlattr *proto = nfsock_find_nested(orig, CTA_TUPLE_PROTO);
	const uint8_t *num = nfsock_payload(nfsock_find_nested(proto, CTA_PROTO_NUM), sizeof(*num));
	const void *payload =
		nfsock_payload(nfsock_find_nested(proto, CTA_PROTO_DST_PORT), sizeof(uint16_t));
	uint16_t port;

	if (!num || !payload || *num != filter->protocol || filter->host.family != family)
		return false;
	memcpy(&port, payload, sizeof(port));
	port = be16toh(port);
	return port >= filter->port && port - filter->port < filter->count &&
	       (ip_is_zero(&filter->host) ||
		tuple_ip_is(orig, CTA_IP_V4_DST, CTA_IP_V6_DST, &filter->host)) &&
	       (filter->container.family == AF_UNSPEC ||
		tuple_ip_is(reply, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &filter->container));
}

/* Copies an attribute, nested ones as they are. */
static void copy_attr(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(nlh, attr->nla_type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
}

static int on_entry(const struct nlmsghdr *nlh, void *user)
{
	struct dump *dump = user;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *orig = nfsock_find(nlh, CTA_TUPLE_ORIG);
	const struct nlattr *reply = nfsock_find(nlh, CTA_TUPLE_REPLY);
	const struct nlattr *id = nfsock_find(nlh, CTA_ID);
	struct nlmsghdr *out;
	bool match = false;

	for (size_t i = 0; i < dump->n && !match; i++)
		match = matches(&dump->filters[i], nfg->nfgen_family, orig, reply);
	if (!match || !id)
		return 0;
	out = nfsock_msgs_start(&dump->deletes, CT_TYPE(IPCTNL_MSG_CT_DELETE), NLM_F_ACK,
				nfg->nfgen_family, REQUEST_ROOM);
	if (!out || mnl_attr_get_len(orig) > REQUEST_ROOM / 2)
		return -ENOMEM;
	copy_attr(out, orig);
	copy_attr(out, nfsock_find(nlh, CTA_ZONE));
	copy_attr(out, id);
	nfsock_msgs_end(&dump->deletes, out);
	return 0;
}

/* Makes common cover filter as well; false if nothing that the kernel can compare does. */
static bool widen(struct conntrack_filter *common, const struct conntrack_filter *filter)
{
	if (filter->protocol != common->protocol)
		return false;
	if (!ip_equal(&filter->host, &common->host))
		common->host = (struct ip){ .family = common->host.family };
	if (!ip_equal(&filter->container, &common->container))
		common->container = (struct ip){ .family = AF_UNSPEC };
	return true;
}

/* Narrows the dump by what all the filters of its family have in common. */
static void put_common(struct nlmsghdr *nlh, const struct dump *dump)
{
	struct conntrack_filter common = { 0 };

	for (size_t i = 0; i < dump->n; i++) {
		const struct conntrack_filter *filter = &dump->filters[i];

		if (filter->host.family != dump->family)
			continue;
		if (!common.protocol)
			common = *filter;
		else if (!widen(&common, filter))
			return;
	}
	put_filter(nlh, &common, -1);
}

static int dump_once(struct nfsock *nl, struct dump *dump)
{
	char buf[REQUEST_ROOM] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh =
		nfsock_put_header(buf, CT_TYPE(IPCTNL_MSG_CT_GET), NLM_F_DUMP, dump->family);

	put_common(nlh, dump);
	dump->deletes.len = 0;
	return nfsock_talk(nl, nlh, on_entry, dump, NULL);
}

static int delete_each(struct nfsock *nl, const struct nfsock_msgs *deletes)
{
	for (size_t at = 0; at < deletes->len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(deletes->data + at);
		int r;

		at += nlh->nlmsg_len;
		r = nfsock_talk(nl, nlh, NULL, NULL, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int delete_by_dump(struct nfsock *nl, const struct conntrack_filter *filters, size_t n,
			  uint8_t family)
{
	struct dump dump = { .filters = filters, .n = n, .family = family };
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++)
		r = dump_once(nl, &dump);
	if (r >= 0)
		r = delete_each(nl, &dump.deletes);
	nfsock_msgs_free(&dump.deletes);
	return r;
}

/* ---- both ---------------------------------------------------------------------------------- */

static bool has_family(const struct conntrack_filter *filters, size_t n, uint8_t family)
{
	for (size_t i = 0; i < n; i++) {
		if (filters[i].host.family == family)
			return true;
	}
	return false;
}

/*
 * Deletes by filter what can be; the others go to rest, of room for n, and their number to ret_rest.
 * So do those that the kernel refuses, not knowing deletion by filter.
 */
static int flush_exact(struct nfsock *nl, const struct conntrack_filter *filters, size_t n,
		       struct conntrack_filter *rest, size_t *ret_rest)
{
	bool wanted = wants_filter(filters, n);
	size_t n_rest = 0;

	for (size_t i = 0; i < n; i++) {
		int r = -EINVAL;

		if (wanted && is_exact(&filters[i]))
			r = delete_by_filter(nl, &filters[i]);
		if (r == -EINVAL || r == -EOPNOTSUPP)
			rest[n_rest++] = filters[i];
		else if (r < 0)
			return r;
	}
	*ret_rest = n_rest;
	return 0;
}

static int flush(struct nfsock *nl, const struct conntrack_filter *filters, size_t n)
{
	_cleanup_free_ struct conntrack_filter *rest = NULL;
	size_t n_rest = 0;
	int r = any_entry(nl);

	if (r <= 0)
		return r;
	rest = calloc(n, sizeof(*rest));
	if (!rest)
		return -ENOMEM;
	r = flush_exact(nl, filters, n, rest, &n_rest);
	if (r >= 0 && has_family(rest, n_rest, AF_INET))
		r = delete_by_dump(nl, rest, n_rest, AF_INET);
	if (r >= 0 && has_family(rest, n_rest, AF_INET6))
		r = delete_by_dump(nl, rest, n_rest, AF_INET6);
	return r;
}

static bool filter_ok(const struct conntrack_filter *filter)
{
	uint8_t family = filter->host.family;

	return (family == AF_INET || family == AF_INET6) && filter->protocol && filter->count &&
	       filter->port + filter->count - 1 <= UINT16_MAX &&
	       (filter->container.family == AF_UNSPEC || filter->container.family == family);
}

int conntrack_flush(const struct conntrack_filter *filters, size_t n, struct netd_error *err)
{
	struct nfsock nl;
	int r;

	for (size_t i = 0; i < n; i++) {
		if (!filter_ok(&filters[i]))
			return error_set(err, NETD_E_INVALID, EINVAL, "conntrack",
					 "malformed filter of connections to forget");
	}
	if (n == 0)
		return 0;
	r = nfsock_open(&nl, err);
	if (r < 0)
		return r;
	r = flush(&nl, filters, n);
	nfsock_close(&nl);
	if (r < 0)
		return error_sys(err, -r, "conntrack", "cannot delete connection tracking entries");
	return 0;
}
