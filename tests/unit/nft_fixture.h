/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of nft.c share; cmocka.h comes first. */
#ifndef NFT_FIXTURE_H
#define NFT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nft.h"

static inline struct nft *open_nft(void)
{
	struct netd_error err = NETD_ERROR_INIT;
	struct nft *nft = NULL;

	assert_int_equal(nft_open(&nft, &err), 0);
	return nft;
}

static inline struct nft_batch *new_batch(void)
{
	struct nft_batch *batch = NULL;

	assert_int_equal(nft_batch_new(&batch, NULL), 0);
	return batch;
}

static inline struct ip ip(const char *text)
{
	struct ip ret = { 0 };

	assert_int_equal(ip_parse(text, &ret), 0);
	return ret;
}

static inline struct elem publish(enum ruleset_set set, const char *host, const char *to,
				  uint16_t port, uint16_t count)
{
	return (struct elem){
		.set = set,
		.publish = { .host = ip(host),
			     .to = ip(to),
			     .protocol = IPPROTO_TCP,
			     .host_port = port,
			     .to_port = port == 1 ? 1 : 80,
			     .count = count },
		.owner = "net/box/eth0",
	};
}

static inline struct nft_batch *elements(const struct elem *e, size_t n, bool add)
{
	struct nft_batch *batch = new_batch();

	for (size_t i = 0; i < n; i++)
		assert_int_equal(add ? nft_batch_elem_add(batch, &e[i], NULL)
				     : nft_batch_elem_del(batch, &e[i], NULL),
				 0);
	return batch;
}

#endif
