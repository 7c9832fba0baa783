// SPDX-License-Identifier: GPL-2.0-or-later
/* Set elements, straight as netlink attributes: one published port range may be 65,535 of them. */
#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "nft_expr.h"
#include "parse.h"
#include "util.h"

/* ---- from struct elem ----------------------------------------------------------------------- */

/* Appends a field of a concatenation, padded to a 32-bit register. */
static uint32_t put_field(uint8_t *dst, uint32_t at, const void *src, uint32_t len)
{
	memcpy(dst + at, src, len);
	return at + ((len + 3) & ~3U);
}

static uint32_t put_port(uint8_t *dst, uint32_t at, unsigned int port)
{
	uint16_t be = htobe16((uint16_t)port);

	return put_field(dst, at, &be, sizeof(be));
}

static uint32_t put_ifname(uint8_t *dst, uint32_t at, const char *name)
{
	(void)str_copy((char *)dst + at, IFNAMSIZ, name);
	return at + IFNAMSIZ;
}

static void encode_publish(const struct elem *elem, struct nft_elem *ret)
{
	uint32_t bytes = ip_bytes(elem->publish.to.family);

	if (ruleset_set_desc(elem->set)->key[0] != TYPE_PROTOCOL)
		ret->key_len = put_field(ret->key, 0, elem->publish.host.b, bytes);
	ret->key_len = put_field(ret->key, ret->key_len, &elem->publish.protocol, 1);
	ret->key_len = put_port(ret->key, ret->key_len, elem->publish.host_port);
	ret->data_len = put_field(ret->data, 0, elem->publish.to.b, bytes);
	ret->data_len = put_port(ret->data, ret->data_len, elem->publish.to_port);
}

/* First address behind the subnet; false if the subnet reaches the end of the address space. */
static bool subnet_end(const struct elem *elem, struct ip *ret)
{
	struct ip last = prefix_last(&elem->subnet);

	return ip_add(&last, 1, ret);
}

static void put_userdata(struct nft_elem *ret, uint8_t type, const void *data, size_t len)
{
	ret->userdata[ret->userdata_len] = type;
	ret->userdata[ret->userdata_len + 1] = (uint8_t)len;
	memcpy(ret->userdata + ret->userdata_len + 2, data, len);
	ret->userdata_len += 2 + (uint32_t)len;
}

static void encode_userdata(const struct elem *elem, struct nft_elem *ret)
{
	char owner[RULESET_OWNER_MAX + 1];
	uint32_t open = NFTNL_SET_ELEM_F_INTERVAL_OPEN;
	size_t len = ruleset_owner(elem, owner);
	struct ip end;

	if (len)
		put_userdata(ret, NFTNL_UDATA_SET_ELEM_COMMENT, owner, len + 1);
	if (ruleset_set_desc(elem->set)->interval && !subnet_end(elem, &end))
		put_userdata(ret, NFTNL_UDATA_SET_ELEM_FLAGS, &open, sizeof(open));
}

void nft_elem_first(const struct elem *elem, struct nft_elem *ret)
{
	uint32_t len = 0;

	memset(ret, 0, sizeof(*ret));
	switch (elem->set) {
	case SET_PUBLISH_ADDR4:
	case SET_PUBLISH_ADDR6:
	case SET_PUBLISH_ANY4:
	case SET_PUBLISH_ANY6:
		encode_publish(elem, ret);
		len = ret->key_len;
		break;
	case SET_BRIDGES:
		len = put_ifname(ret->key, 0, elem->ifname);
		break;
	case SET_SAME_BRIDGE:
	case SET_INTRA_BRIDGE:
		len = put_ifname(ret->key, put_ifname(ret->key, 0, elem->ifname), elem->ifname);
		break;
	case SET_SELF4:
	case SET_SELF6:
		len = put_field(ret->key, 0, elem->address.b, ip_bytes(elem->address.family));
		len = put_field(ret->key, len, elem->address.b, len);
		break;
	case SET_MASQUERADE4:
	case SET_MASQUERADE6:
		len = put_field(ret->key, 0, elem->subnet.ip.b, ip_bytes(elem->subnet.ip.family));
		break;
	case SET_POLICY_FROM:
	case SET_POLICY_TO:
		len = put_ifname(ret->key, 0, elem->policy.ifname);
		ret->verdict = elem->policy.verdict == RULESET_DROP ? NF_DROP : NF_ACCEPT;
		break;
	case SET_COUNT_:
		break;
	}
	ret->key_len = len;
	encode_userdata(elem, ret);
}

static bool next_port(const struct elem *elem, struct nft_elem *raw)
{
	if (raw->n + 1 >= elem->publish.count)
		return false;
	raw->n++;
	put_port(raw->key, raw->key_len - 4, elem->publish.host_port + raw->n);
	put_port(raw->data, raw->data_len - 4, elem->publish.to_port + raw->n);
	return true;
}

bool nft_elem_next(const struct elem *elem, struct nft_elem *raw)
{
	struct ip end;

	if (nft_elem_is_publish(elem->set))
		return next_port(elem, raw);
	if (!ruleset_set_desc(elem->set)->interval || raw->interval_end || !subnet_end(elem, &end))
		return false;
	raw->n++;
	raw->interval_end = true;
	raw->userdata_len = 0;
	put_field(raw->key, 0, end.b, raw->key_len);
	return true;
}

/* ---- attributes ----------------------------------------------------------------------------- */

static void put_value(struct nlmsghdr *nlh, uint16_t type, const void *data, uint32_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, data);
	mnl_attr_nest_end(nlh, nest);
}

static void put_verdict(struct nlmsghdr *nlh, int32_t code)
{
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);

	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl((uint32_t)code));
	mnl_attr_nest_end(nlh, verdict);
	mnl_attr_nest_end(nlh, data);
}

void nft_elem_put(struct nlmsghdr *nlh, enum ruleset_set set, const struct nft_elem *raw, bool full)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	if (raw->interval_end)
		mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_value(nlh, NFTA_SET_ELEM_KEY, raw->key, raw->key_len);
	if (full && raw->data_len)
		put_value(nlh, NFTA_SET_ELEM_DATA, raw->data, raw->data_len);
	else if (full && ruleset_set_desc(set)->data[0] == TYPE_VERDICT)
		put_verdict(nlh, raw->verdict);
	if (full && raw->userdata_len)
		mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, raw->userdata_len, raw->userdata);
	mnl_attr_nest_end(nlh, nest);
}

const uint8_t *nft_elem_key(enum ruleset_set set, const struct nlattr *elem)
{
	const struct nlattr *key = nfsock_find_nested(elem, NFTA_SET_ELEM_KEY);

	return nfsock_payload(nfsock_find_nested(key, NFTA_DATA_VALUE),
			      nft_expr_bytes(ruleset_set_desc(set)->key, RULESET_KEY_FIELDS));
}

bool nft_elem_same_data(enum ruleset_set set, const struct nlattr *elem, const struct nft_elem *raw)
{
	const struct nlattr *data = nfsock_find_nested(elem, NFTA_SET_ELEM_DATA);
	uint32_t code = htonl((uint32_t)raw->verdict);
	const void *value;

	if (ruleset_set_desc(set)->data[0] == TYPE_NONE)
		return true;
	if (raw->data_len) {
		value = nfsock_payload(nfsock_find_nested(data, NFTA_DATA_VALUE), raw->data_len);
		return value && memcmp(value, raw->data, raw->data_len) == 0;
	}
	value = nfsock_payload(
		nfsock_find_nested(nfsock_find_nested(data, NFTA_DATA_VERDICT), NFTA_VERDICT_CODE),
		sizeof(code));
	return value && memcmp(value, &code, sizeof(code)) == 0;
}

enum ruleset_set nft_elem_set(const struct nlmsghdr *nlh)
{
	const char *name = nfsock_string(nfsock_find(nlh, NFTA_SET_ELEM_LIST_SET));
	enum ruleset_set set = 0;

	while (set < SET_COUNT_ && strcmp(name, ruleset_set_name(set)) != 0)
		set++;
	return set;
}

bool nft_elem_is_publish(enum ruleset_set set)
{
	enum ruleset_type data = ruleset_set_desc(set)->data[0];

	return data != TYPE_NONE && data != TYPE_VERDICT;
}

static void describe_publish(enum ruleset_set set, const uint8_t *key,
			     char ret[static NFT_ELEM_TEXT_SIZE])
{
	struct ip host = { .family = ruleset_set_family(set) };
	char text[IP_STRLEN];
	bool v6 = host.family == AF_INET6;
	uint16_t port;

	if (ruleset_set_desc(set)->key[0] != TYPE_PROTOCOL) {
		memcpy(host.b, key, ip_bytes(host.family));
		key += ip_bytes(host.family);
	}
	memcpy(&port, key + 4, sizeof(port));
	snprintf(ret, NFT_ELEM_TEXT_SIZE, "%s %s%s%s:%u", protocol_name(key[0]), v6 ? "[" : "",
		 ip_format(&host, text), v6 ? "]" : "", be16toh(port));
}

const char *nft_elem_describe(enum ruleset_set set, const uint8_t *key,
			      char ret[static NFT_ELEM_TEXT_SIZE])
{
	struct ip ip = { .family = ruleset_set_family(set) };

	switch (set) {
	case SET_PUBLISH_ADDR4:
	case SET_PUBLISH_ADDR6:
	case SET_PUBLISH_ANY4:
	case SET_PUBLISH_ANY6:
		describe_publish(set, key, ret);
		break;
	case SET_BRIDGES:
	case SET_SAME_BRIDGE:
	case SET_INTRA_BRIDGE:
	case SET_POLICY_FROM:
	case SET_POLICY_TO:
		snprintf(ret, NFT_ELEM_TEXT_SIZE, "%.*s", IFNAMSIZ, (const char *)key);
		break;
	case SET_SELF4:
	case SET_SELF6:
	case SET_MASQUERADE4:
	case SET_MASQUERADE6:
		memcpy(ip.b, key, ip_bytes(ip.family));
		ip_format(&ip, ret);
		break;
	case SET_COUNT_:
		ret[0] = '\0';
		break;
	}
	return ret;
}
