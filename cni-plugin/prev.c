// SPDX-License-Identifier: GPL-2.0-or-later
#include "prev.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "dns.h"
#include "parse.h"
#include "util.h"

/* An address, with prefix length if cidr; absent is an error only if required. */
static int check_address(const struct gojson *in, const char *key, bool cidr, bool required)
{
	const char *text = "";
	const char *slash;
	char ip[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	uint32_t len;
	bool six;

	if (gojson_string(in, key, &text) < 0)
		return -EINVAL;
	if (!text[0] && !required)
		return 0;
	six = strchr(text, ':') != NULL;
	slash = strchrnul(text, '/');
	snprintf(ip, sizeof(ip), "%.*s", (int)MIN(slash - text, (ptrdiff_t)sizeof(ip)), text);
	if (inet_pton(six ? AF_INET6 : AF_INET, ip, raw) != 1 || cidr != (*slash == '/') ||
	    (cidr && parse_u32(slash + 1, six ? 128 : 32, &len) < 0))
		return fault_set(in->fault, CNI_E_CONFIG, NULL, "invalid \"%s%s\": \"%s\" is no %s",
				 in->where, key, text,
				 cidr ? "address in CIDR notation" : "IP address");
	return 0;
}

static int check_interface(const struct gojson *in, size_t n)
{
	const char *name = "";
	const char *text;

	(void)n;
	if (gojson_string(in, "name", &name) < 0 || gojson_string(in, "mac", &text) < 0 ||
	    gojson_string(in, "sandbox", &text) < 0)
		return -EINVAL;
	if (!name[0])
		return fault_set(in->fault, CNI_E_CONFIG, NULL, "missing \"%sname\"", in->where);
	return 0;
}

static int check_ip(const struct gojson *in, size_t n_interfaces)
{
	json_int_t index = 0;
	int r = gojson_int(in, "interface", &index);

	if (r < 0)
		return r;
	if (r > 0 && (index < 0 || (size_t)index >= n_interfaces))
		return fault_set(in->fault, CNI_E_CONFIG, NULL,
				 "invalid \"%sinterface\": %" JSON_INTEGER_FORMAT
				 " is no index into the %zu interfaces",
				 in->where, index, n_interfaces);
	if (check_address(in, "address", true, true) < 0)
		return -EINVAL;
	return check_address(in, "gateway", false, false);
}

static int check_route(const struct gojson *in, size_t n)
{
	(void)n;
	if (check_address(in, "dst", true, true) < 0)
		return -EINVAL;
	return check_address(in, "gw", false, false);
}

static int check_list(const struct gojson *prev, const char *key, size_t n_interfaces,
		      int (*check)(const struct gojson *in, size_t n_interfaces))
{
	json_t *list = NULL;
	struct gojson element;

	if (gojson_array(prev, key, &list) < 0)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (gojson_element(prev, key, list, i, &element) < 0 ||
		    check(&element, n_interfaces) < 0)
			return -EINVAL;
	return 0;
}

int prev_load(struct cni_conf *conf)
{
	struct gojson *prev = &conf->prev;
	json_t *checked = NULL;
	struct gojson dns;

	if (gojson_object(&conf->top, "prevResult", prev) < 0 ||
	    check_list(prev, "interfaces", 0, check_interface) < 0 ||
	    check_list(prev, "ips", json_array_size(gojson_get(prev, "interfaces")), check_ip) <
		    0 ||
	    check_list(prev, "routes", 0, check_route) < 0 ||
	    gojson_object(prev, "dns", &dns) < 0 || dns_read(&dns, &checked) < 0)
		return -EINVAL;
	json_decref(checked);
	return 0;
}
