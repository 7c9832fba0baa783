// SPDX-License-Identifier: GPL-2.0-or-later
#include "model.h"

#include <stdlib.h>

#include "util.h"

void attachment_free(struct attachment *att)
{
	if (!att)
		return;
	free(att->mappings);
	free(att);
}

const struct lease *lease_of_family(const struct lease *leases, uint32_t n, uint8_t family)
{
	for (uint32_t i = 0; i < n; i++)
		if (leases[i].address.ip.family == family)
			return &leases[i];
	return NULL;
}

struct attachment_key attachment_key_of(const struct attachment *att)
{
	struct attachment_key key = { 0 };

	str_copy(key.network, sizeof(key.network), att->network);
	str_copy(key.id, sizeof(key.id), att->id);
	str_copy(key.ifname, sizeof(key.ifname), att->ifname);
	return key;
}
