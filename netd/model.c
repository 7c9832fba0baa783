// SPDX-License-Identifier: GPL-2.0-or-later
#include "model.h"

#include <stdlib.h>

void attachment_free(struct attachment *att)
{
	if (!att)
		return;
	free(att->mappings);
	free(att);
}
