// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin.h"

int main(void)
{
	return plugin_run();
}
