// SPDX-License-Identifier: GPL-2.0-or-later
#include "version.h"

#include <stdio.h>

#include "util.h"

static const char *const names[CNI_VERSIONS] = {
	[CNI_0_3_0] = "0.3.0", [CNI_0_3_1] = "0.3.1", [CNI_0_4_0] = "0.4.0",
	[CNI_1_0_0] = "1.0.0", [CNI_1_1_0] = "1.1.0",
};

const char *version_name(enum cni_version version)
{
	return names[version];
}

enum cni_version version_find(const char *text)
{
	unsigned int i = 0;

	while (i < CNI_VERSIONS && strcmp(text, names[i]) != 0)
		i++;
	return (enum cni_version)i;
}

int version_refuse(const char *text, struct cni_fault *fault)
{
	char details[256];

	snprintf(details, sizeof(details),
		 "config is \"%.64s\", plugin supports [\"0.3.0\" \"0.3.1\" \"0.4.0\" \"1.0.0\" "
		 "\"1.1.0\"]",
		 text);
	return fault_set(fault, CNI_E_VERSION, details, "incompatible CNI versions");
}

const char *version_list(void)
{
	return "0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0";
}

json_t *version_json(void)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < CNI_VERSIONS; i++)
		json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:s, s:o}", "cniVersion", CNI_VERSION_LATEST, "supportedVersions", list);
}
