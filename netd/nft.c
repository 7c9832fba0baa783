// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation. A batch is a number of runs of messages: run 0 holds tables, chains and rules
 * in the order they were asked for, and each set has a run of its own, so that elements that come in
 * mixed order still travel as few, large messages (an element list takes up to 64 KiB). Whatever
 * touches tables first closes the sets' runs by moving them behind run 0. Sending numbers the
 * messages, puts them between BATCH_BEGIN and BATCH_END in one sendmsg, and reads the replies; the
 * kernel applies all or nothing. It reports each message that fails by number, and within it the
 * offset of the element or expression, from which the error text is made; nothing else needs to be
 * kept. A batch that fails as a whole is reported under the number of BATCH_BEGIN.
 */
#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "error.h"
#include "nft_expr.h"
#include "util.h"

#define LIST_MAX 60000	/* bytes of one list of elements: its length is a 16-bit field */
#define RESOLVE_TRIES 5 /* against others that delete between our look-up and our transaction */

struct run {
	struct nfsock_msgs msgs;
	bool open; /* the last message is a list of elements that may grow */
	size_t msg;
	size_t list; /* offsets of that message and of its list */
};

#define N_RUNS (1 + SET_COUNT_)

struct nft_batch {
	struct run runs[N_RUNS];
	bool deletes;  /* holds NFT_MSG_DESTROYSETELEM */
	bool rebuilds; /* deletes or creates the tables, so that no element outlives it */
	bool answer_lost;
};

int nft_open(struct nft **ret, struct netd_error *err)
{
	struct nft *nft = calloc(1, sizeof(*nft));
	int r;

	if (!nft)
		return error_nomem(err);
	r = nfsock_open(&nft->nl, err);
	if (r < 0) {
		free(nft);
		return r;
	}
	*ret = nft;
	return 0;
}

void nft_close(struct nft *nft)
{
	if (!nft)
		return;
	nfsock_close(&nft->nl);
	free(nft);
}

/* ---- building ------------------------------------------------------------------------------- */

int nft_batch_new(struct nft_batch **ret, struct netd_error *err)
{
	struct nft_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return error_nomem(err);
	*ret = batch;
	return 0;
}

static void batch_clear(struct nft_batch *batch)
{
	for (size_t i = 0; i < N_RUNS; i++)
		nfsock_msgs_free(&batch->runs[i].msgs);
}

void nft_batch_free(struct nft_batch *batch)
{
	if (!batch)
		return;
	batch_clear(batch);
	free(batch);
}

bool nft_batch_empty(const struct nft_batch *batch)
{
	for (size_t i = 0; i < N_RUNS; i++) {
		if (batch->runs[i].msgs.len)
			return false;
	}
	return true;
}

/* Moves the elements so far behind the tables so far: what follows comes after both. */
static struct nfsock_msgs *batch_head(struct nft_batch *batch)
{
	struct nfsock_msgs *head = &batch->runs[0].msgs;

	for (size_t i = 1; i < N_RUNS; i++) {
		struct run *run = &batch->runs[i];
		void *dst;

		run->open = false;
		if (!run->msgs.len)
			continue;
		dst = nfsock_msgs_room(head, run->msgs.len);
		if (!dst)
			return NULL;
		memcpy(dst, run->msgs.data, run->msgs.len);
		head->len += run->msgs.len;
		run->msgs.len = 0;
	}
	return head;
}

int nft_batch_ruleset(struct nft_batch *batch, bool replace, struct netd_error *err)
{
	struct nfsock_msgs *head = batch_head(batch);

	batch->rebuilds = true;
	if (!head || (replace && nft_expr_put_ruleset_del(head) < 0) ||
	    nft_expr_put_ruleset(head, !replace) < 0)
		return error_nomem(err);
	return 0;
}

int nft_batch_ruleset_del(struct nft_batch *batch, struct netd_error *err)
{
	struct nfsock_msgs *head = batch_head(batch);

	batch->rebuilds = true;
	return head && nft_expr_put_ruleset_del(head) >= 0 ? 0 : error_nomem(err);
}

static int check_bridge(const char *bridge, struct netd_error *err)
{
	if (bridge[0] && strnlen(bridge, IFNAMSIZ) < IFNAMSIZ)
		return 0;
	return error_set(err, NETD_E_INVALID, EINVAL, "bridge", "malformed name of a bridge");
}

int nft_batch_loopback6_add(struct nft_batch *batch, const char *bridge, struct netd_error *err)
{
	struct nfsock_msgs *head = batch_head(batch);
	int r = check_bridge(bridge, err);

	if (r < 0)
		return r;
	return head && nft_expr_put_loopback6(head, bridge) >= 0 ? 0 : error_nomem(err);
}

int nft_batch_loopback6_del(struct nft_batch *batch, const char *bridge, struct netd_error *err)
{
	struct nfsock_msgs *head = batch_head(batch);
	int r = check_bridge(bridge, err);

	if (r < 0)
		return r;
	return head && nft_expr_put_loopback6_del(head, bridge) >= 0 ? 0 : error_nomem(err);
}

static void put_set_names(struct nlmsghdr *nlh, enum ruleset_set set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, ruleset_set_name(set));
}

/*
 * The last message of the run, or a new one, with room for an element. may_split false: it belongs to
 * the one before it.
 */
static struct nlmsghdr *open_list(struct run *run, enum ruleset_set set, uint16_t type,
				  uint16_t flags, bool may_split)
{
	const struct nlmsghdr *last;
	struct nlmsghdr *nlh;
	char *room = nfsock_msgs_room(&run->msgs, 128 + NFT_ELEM_ROOM);

	if (!room)
		return NULL;
	last = (const struct nlmsghdr *)(run->msgs.data + run->msg);
	if (run->open && last->nlmsg_type == type && (last->nlmsg_len < LIST_MAX || !may_split))
		return (struct nlmsghdr *)(run->msgs.data + run->msg);
	nlh = nfsock_put_header(room, type, flags, NFPROTO_INET);
	put_set_names(nlh, set);
	run->msg = run->msgs.len;
	run->list = run->msg + nlh->nlmsg_len;
	mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	run->msgs.len += nlh->nlmsg_len;
	run->open = true;
	return nlh;
}

/* Takes what was appended behind the list into it. */
static void close_list(struct run *run, struct nlmsghdr *nlh)
{
	run->msgs.len = run->msg + nlh->nlmsg_len;
	mnl_attr_nest_end(nlh, (struct nlattr *)(run->msgs.data + run->list));
}

static int batch_elem(struct nft_batch *batch, const struct elem *elem, uint16_t msg,
		      uint16_t flags, struct netd_error *err)
{
	struct run *run = &batch->runs[1 + elem->set];
	struct nft_elem raw;

	nft_elem_first(elem, &raw);
	do {
		struct nlmsghdr *nlh =
			open_list(run, elem->set, NFT_EXPR_TYPE(msg), flags, !raw.interval_end);

		if (!nlh)
			return error_nomem(err);
		nft_elem_put(nlh, elem->set, &raw, msg == NFT_MSG_NEWSETELEM);
		close_list(run, nlh);
	} while (nft_elem_next(elem, &raw));
	return 0;
}

static int check_elem(const struct elem *elem, struct netd_error *err)
{
	const char *name = elem->set < SET_COUNT_ ? ruleset_set_name(elem->set) : "?";

	if (elem->set < SET_COUNT_ && ruleset_elem_check(elem) >= 0)
		return 0;
	return error_set(err, NETD_E_INVALID, EINVAL, name, "malformed element for nftables set %s",
			 name);
}

int nft_batch_elem_add(struct nft_batch *batch, const struct elem *elem, struct netd_error *err)
{
	int r = check_elem(elem, err);

	if (r < 0)
		return r;
	return batch_elem(batch, elem, NFT_MSG_NEWSETELEM,
			  NLM_F_CREATE | (nft_elem_is_publish(elem->set) ? NLM_F_EXCL : 0), err);
}

int nft_batch_elem_del(struct nft_batch *batch, const struct elem *elem, struct netd_error *err)
{
	int r = check_elem(elem, err);

	if (r < 0)
		return r;
	batch->deletes = true;
	return batch_elem(batch, elem, NFT_EXPR_MSG_DESTROYSETELEM, 0, err);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Next message of the batch behind (*run, *at), which start at 0; NULL at the end. */
static struct nlmsghdr *next_message(const struct nft_batch *batch, size_t *run, size_t *at)
{
	struct nlmsghdr *nlh;

	while (*run < N_RUNS && *at >= batch->runs[*run].msgs.len) {
		++*run;
		*at = 0;
	}
	if (*run == N_RUNS)
		return NULL;
	nlh = (struct nlmsghdr *)(batch->runs[*run].msgs.data + *at);
	*at += nlh->nlmsg_len;
	return nlh;
}

/* Numbers the messages from seq on and asks for an answer to the last; returns its number. */
static uint32_t number_messages(struct nft_batch *batch, uint32_t seq)
{
	struct nlmsghdr *nlh, *last = NULL;
	size_t run = 0, at = 0;

	while ((nlh = next_message(batch, &run, &at))) {
		nlh->nlmsg_seq = seq++;
		nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		last = nlh;
	}
	if (last)
		last->nlmsg_flags |= NLM_F_ACK;
	return seq - 1;
}

static const struct nlmsghdr *find_message(const struct nft_batch *batch, uint32_t seq)
{
	const struct nlmsghdr *nlh;
	size_t run = 0, at = 0;

	while ((nlh = next_message(batch, &run, &at))) {
		if (nlh->nlmsg_seq == seq)
			return nlh;
	}
	return NULL;
}

static void put_frame(void *buf, uint16_t type, uint32_t seq)
{
	struct nlmsghdr *nlh = nfsock_put_header(buf, type, 0, AF_UNSPEC);
	struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	nlh->nlmsg_seq = seq;
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

#define FRAME_SIZE (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg)))

static int transmit(struct nft *nft, const struct nft_batch *batch, uint32_t begin, uint32_t end)
{
	struct {
		char data[FRAME_SIZE] __attribute__((aligned(4)));
	} frames[2];
	struct iovec iov[N_RUNS + 2];
	size_t n = 0;

	put_frame(frames[0].data, NFNL_MSG_BATCH_BEGIN, begin);
	put_frame(frames[1].data, NFNL_MSG_BATCH_END, end);
	iov[n++] = (struct iovec){ frames[0].data, FRAME_SIZE };
	for (size_t i = 0; i < N_RUNS; i++) {
		if (batch->runs[i].msgs.len)
			iov[n++] =
				(struct iovec){ batch->runs[i].msgs.data, batch->runs[i].msgs.len };
	}
	iov[n++] = (struct iovec){ frames[1].data, FRAME_SIZE };
	return nfsock_send(&nft->nl, iov, n);
}

/* Takes one reply; true when it was the last that the batch gets. */
static bool take_reply(const struct nlmsghdr *nlh, uint32_t begin, uint32_t last,
		       struct nfsock_reply *first)
{
	struct nfsock_reply reply;

	if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq - begin > last - begin ||
	    nfsock_parse_reply(nlh, &reply) < 0)
		return false;
	if (reply.error && !first->error)
		*first = reply;
	return reply.seq == last || (reply.seq == begin && reply.error);
}

/*
 * Reads the replies to messages begin to last; the first error stays in ret_first. Replies that the
 * socket had no room for (-ENOBUFS) are all errors behind the first, which came before them.
 */
static int collect(struct nft *nft, uint32_t begin, uint32_t last, struct nfsock_reply *ret_first)
{
	char buf[NL_RECV_SIZE] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	bool done = false;

	ret_first->error = 0;
	while (!done) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int r = nfsock_recv(&nft->nl, buf, sizeof(buf));

		if (r == -ENOBUFS)
			continue;
		if (r < 0)
			return ret_first->error ? 0 : r;
		for (; mnl_nlmsg_ok(nlh, r); nlh = mnl_nlmsg_next(nlh, &r))
			done = take_reply(nlh, begin, last, ret_first) || done;
	}
	return 0;
}

static int send_batch(struct nft *nft, struct nft_batch *batch, struct netd_error *err)
{
	struct nfsock_reply first;
	uint32_t begin = nft->nl.seq + 1;
	uint32_t last;
	int r;

	if (nft_batch_empty(batch))
		return 0;
	last = number_messages(batch, begin + 1);
	nft->nl.seq = last + 1;
	r = transmit(nft, batch, begin, last + 1);
	if (r < 0)
		return error_sys(err, -r, "nftables", "cannot send a transaction to nftables");
	r = collect(nft, begin, last, &first);
	batch->answer_lost = r < 0;
	if (r < 0)
		return error_sys(err, -r, "nftables", "no answer from nftables");
	return first.error ? nft_refuse(find_message(batch, first.seq), &first, err) : 0;
}

/* ---- questions ------------------------------------------------------------------------------ */

/* Compares the element in an answer with the one that was meant. */
struct question {
	enum ruleset_set set;
	const struct nft_elem *want;
	bool data;  /* compare the value too */
	int answer; /* 0, 1, or 2: present with another value */
};

static int on_elem(const struct nlmsghdr *nlh, void *user)
{
	struct question *q = user;
	const struct nlattr *elem =
		nfsock_find_nested(nfsock_find(nlh, NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM);
	const uint8_t *key = elem ? nft_elem_key(q->set, elem) : NULL;

	if (key && memcmp(key, q->want->key, q->want->key_len) == 0)
		q->answer = !q->data || nft_elem_same_data(q->set, elem, q->want) ? 1 : 2;
	return 0;
}

/* Asks the set for a key. Is the answer the element that is wanted? */
static int ask(struct nft *nft, enum ruleset_set set, const uint8_t *key,
	       const struct nft_elem *want, bool data, struct netd_error *err)
{
	char buf[128 + NFT_ELEM_ROOM] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh =
		nfsock_put_header(buf, NFT_EXPR_TYPE(NFT_MSG_GETSETELEM), 0, NFPROTO_INET);
	struct question q = { .set = set, .want = want, .data = data };
	struct nft_elem asked = { .key_len = want->key_len };
	struct nfsock_reply reply;
	struct nlattr *list;
	int r;

	memcpy(asked.key, key, asked.key_len);
	put_set_names(nlh, set);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	nft_elem_put(nlh, set, &asked, false);
	mnl_attr_nest_end(nlh, list);
	r = nfsock_talk(&nft->nl, nlh, on_elem, &q, &reply);
	if (r < 0 && r != -ENOENT)
		return nft_refuse_question(r, &reply, ruleset_set_name(set), err);
	return q.answer;
}

/*
 * Is the interval from start up to but without end (NULL: up to the end of the address space) there?
 * The kernel answers with the start of the interval around a key. It does not find the end of an
 * interval reliably where another one begins, so ask for the last address and the one behind it.
 */
static int ask_interval(struct nft *nft, enum ruleset_set set, const struct nft_elem *start,
			const uint8_t *end, struct netd_error *err)
{
	uint8_t last[sizeof(start->key)];
	size_t i = start->key_len;
	int r = ask(nft, set, start->key, start, false, err);

	if (r <= 0)
		return r;
	memset(last, 0xff, sizeof(last));
	if (end)
		memcpy(last, end, start->key_len);
	while (end && i > 0 && last[--i]-- == 0)
		;
	r = ask(nft, set, last, start, false, err);
	if (r <= 0 || !end)
		return r;
	r = ask(nft, set, end, start, false, err);
	return r < 0 ? r : !r;
}

int nft_has_elem(struct nft *nft, const struct elem *elem, struct netd_error *err)
{
	struct nft_elem raw, end;
	int r = check_elem(elem, err);

	if (r < 0)
		return r;
	nft_elem_first(elem, &raw);
	if (!ruleset_set_desc(elem->set)->interval)
		return ask(nft, elem->set, raw.key, &raw, true, err);
	end = raw;
	return ask_interval(nft, elem->set, &raw, nft_elem_next(elem, &end) ? end.key : NULL, err);
}

/* ---- deletion where the kernel has no NFT_MSG_DESTROYSETELEM -------------------------------- */

/*
 * A transaction that fails costs milliseconds, so ask beforehand: outside of a transaction the kernel
 * checks the attributes of messages that it knows (here a table name that is too long: -ERANGE) before
 * it refuses them, and answers -EINVAL at once to those that it does not know.
 */
static bool can_destroy(struct nft *nft)
{
	static const char name[NFT_NAME_MAXLEN + 1];
	char buf[NFT_NAME_MAXLEN + 64] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	struct nlmsghdr *nlh;

	if (nft->destroy == UNKNOWN) {
		nlh = nfsock_put_header(buf, NFT_EXPR_TYPE(NFT_EXPR_MSG_DESTROYSETELEM), NLM_F_ACK,
					NFPROTO_INET);
		mnl_attr_put(nlh, NFTA_SET_ELEM_LIST_TABLE, sizeof(name), name);
		nft->destroy = nfsock_talk(&nft->nl, nlh, NULL, NULL, NULL) == -EINVAL ? NO : YES;
	}
	return nft->destroy == YES;
}

static bool is_end(const struct nlattr *elem)
{
	return nfsock_find_nested(elem, NFTA_SET_ELEM_FLAGS) != NULL;
}

/* Is this member of a list present? next: the one behind it, or NULL. */
static int is_present(struct nft *nft, enum ruleset_set set, const struct nlattr *elem,
		      const struct nlattr *next, struct netd_error *err)
{
	const uint8_t *key = nft_elem_key(set, elem);
	struct nft_elem raw = { 0 };

	if (!key)
		return 0;
	raw.key_len = nft_expr_bytes(ruleset_set_desc(set)->key, RULESET_KEY_FIELDS);
	memcpy(raw.key, key, raw.key_len);
	if (!ruleset_set_desc(set)->interval)
		return ask(nft, set, raw.key, &raw, false, err);
	return ask_interval(nft, set, &raw, next && is_end(next) ? nft_elem_key(set, next) : NULL,
			    err);
}

static const struct nlattr *next_in(const struct nlattr *list, const struct nlattr *elem)
{
	const struct nlattr *next = mnl_attr_next(elem);
	const char *end = (const char *)mnl_attr_get_payload(list) + mnl_attr_get_payload_len(list);

	return mnl_attr_ok(next, (int)(end - (const char *)next)) ? next : NULL;
}

/* Appends to the run a DELSETELEM of those elements of a DESTROYSETELEM that are present. */
static int resolve_message(struct nft *nft, const struct nlmsghdr *nlh, struct run *out,
			   struct netd_error *err)
{
	const struct nlattr *elem, *list = nfsock_find(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	enum ruleset_set set = nft_elem_set(nlh);
	struct nlmsghdr *dst;
	int r = 0;

	if (!list || set == SET_COUNT_)
		return 0;
	NL_FOR_EACH_NESTED(elem, list)
	{
		/* the end of an interval stands behind its start and shares its fate */
		if (!is_end(elem))
			r = is_present(nft, set, elem, next_in(list, elem), err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		dst = open_list(out, set, NFT_EXPR_TYPE(NFT_MSG_DELSETELEM), 0, true);
		if (!dst)
			return error_nomem(err);
		mnl_attr_put(dst, elem->nla_type, mnl_attr_get_payload_len(elem),
			     mnl_attr_get_payload(elem));
		close_list(out, dst);
	}
	return 0;
}

static int copy_message(const struct nlmsghdr *nlh, struct run *out, struct netd_error *err)
{
	void *dst = nfsock_msgs_room(&out->msgs, nlh->nlmsg_len);

	if (!dst)
		return error_nomem(err);
	memcpy(dst, nlh, nlh->nlmsg_len);
	out->msgs.len += nlh->nlmsg_len;
	out->open = false;
	return 0;
}

static int resolve(struct nft *nft, const struct nft_batch *batch, struct nft_batch *out,
		   struct netd_error *err)
{
	const struct nlmsghdr *nlh;
	size_t run = 0, at = 0;
	int r = 0;

	while (r >= 0 && (nlh = next_message(batch, &run, &at))) {
		if (NFT_EXPR_MSG(nlh) != NFT_EXPR_MSG_DESTROYSETELEM)
			r = copy_message(nlh, &out->runs[run], err);
		else if (!batch->rebuilds)
			r = resolve_message(nft, nlh, &out->runs[run], err);
	}
	return r;
}

static int send_resolved_once(struct nft *nft, const struct nft_batch *batch,
			      struct netd_error *err)
{
	struct nft_batch out = { 0 };
	int r = resolve(nft, batch, &out, err);

	if (r >= 0)
		r = send_batch(nft, &out, err);
	batch_clear(&out);
	return r;
}

static int send_resolved(struct nft *nft, const struct nft_batch *batch, struct netd_error *err)
{
	enum nft_table_state state = NFT_TABLE_OTHER;
	int r = batch->rebuilds ? 0 : nft_table_state(nft, &state, err);

	if (r < 0)
		return r;
	if (state == NFT_TABLE_MISSING)
		return error_set(err, NETD_E_KERNEL, ENOENT, RULESET_TABLE,
				 "nftables table inet " RULESET_TABLE " is gone");
	for (int i = 1; i < RESOLVE_TRIES; i++) {
		struct netd_error why = NETD_ERROR_INIT;

		r = send_resolved_once(nft, batch, &why);
		if (r >= 0)
			return r;
		if (r != -ENOENT)
			break;
	}
	return send_resolved_once(nft, batch, err);
}

bool nft_batch_answer_lost(const struct nft_batch *batch)
{
	return batch->answer_lost;
}

int nft_batch_send(struct nft *nft, struct nft_batch *batch, struct netd_error *err)
{
	if (batch->deletes && !can_destroy(nft))
		return send_resolved(nft, batch, err);
	return send_batch(nft, batch, err);
}
