// SPDX-License-Identifier: GPL-2.0-or-later
#include "portmap.h"

#include <arpa/inet.h>
#include <strings.h>

#include "util.h"

#define KEY "portMappings"

static int load_number(const struct gojson *in, const char *key, const char *what, uint16_t *ret)
{
	json_int_t n = 0;

	if (gojson_int(in, key, &n) < 0)
		return -EINVAL;
	if (n < 1 || n > UINT16_MAX)
		return fault_set(in->fault, CNI_E_CONFIG, "ports are 1 to 65535",
				 "Invalid %s port number: %" JSON_INTEGER_FORMAT " (\"%s%s\")",
				 what, n, in->where, key);
	*ret = (uint16_t)n;
	return 0;
}

static int load_protocol(const struct gojson *in, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = { { "tcp", NETD_TCP }, { "udp", NETD_UDP }, { "sctp", NETD_SCTP } };
	const char *name = "";

	if (gojson_string(in, "protocol", &name) < 0)
		return -EINVAL;
	if (!name[0])
		name = "tcp";
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcasecmp(name, protocols[i].name) == 0) {
			*ret = protocols[i].number;
			return 0;
		}
	}
	return fault_set(in->fault, CNI_E_UNSUPPORTED, "use tcp, udp or sctp",
			 "unsupported field: \"%sprotocol\": \"%s\"", in->where, name);
}

static int load_host_ip(const struct gojson *in, char ret[static NETD_IP_STRLEN])
{
	const char *ip = "";
	unsigned char raw[16];

	if (gojson_string(in, "hostIP", &ip) < 0)
		return -EINVAL;
	if ((ip[0] && inet_pton(strchr(ip, ':') ? AF_INET6 : AF_INET, ip, raw) != 1) ||
	    str_copy(ret, NETD_IP_STRLEN, ip) < 0)
		return fault_set(in->fault, CNI_E_CONFIG, NULL,
				 "invalid IP address: \"%shostIP\": \"%s\"", in->where, ip);
	return 0;
}

static int load_port(const struct gojson *in, struct netd_port *ret)
{
	struct netd_port port = { .count = 1 };

	if (load_number(in, "hostPort", "host", &port.host_port) < 0 ||
	    load_number(in, "containerPort", "container", &port.container_port) < 0 ||
	    load_protocol(in, &port.protocol) < 0 || load_host_ip(in, port.host_ip) < 0)
		return -EINVAL;
	port.host_port_end = port.host_port;
	*ret = port;
	return 0;
}

/* Does next carry on where last ends? Then last takes it in. */
static bool extend(struct netd_port *last, const struct netd_port *next)
{
	if (last->host_port + last->count != next->host_port ||
	    last->container_port + last->count != next->container_port ||
	    last->protocol != next->protocol || strcmp(last->host_ip, next->host_ip) != 0)
		return false;
	last->count++;
	last->host_port_end = next->host_port;
	return true;
}

int portmap_load(struct cni_conf *conf, struct cni_fault *fault)
{
	json_t *list = NULL;
	struct gojson runtime, element;
	struct netd_port port;

	if (gojson_object(&conf->top, "runtimeConfig", &runtime) < 0 ||
	    gojson_array(&runtime, KEY, &list) < 0)
		return -EINVAL;
	if (json_array_size(list) == 0)
		return 0;
	conf->ports = calloc(json_array_size(list), sizeof(*conf->ports));
	if (!conf->ports)
		return fault_set(fault, CNI_E_RETRY, NULL, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (gojson_element(&runtime, KEY, list, i, &element) < 0 ||
		    load_port(&element, &port) < 0)
			return -EINVAL;
		if (!conf->n_ports || !extend(&conf->ports[conf->n_ports - 1], &port))
			conf->ports[conf->n_ports++] = port;
	}
	if (conf->network.flags & NETD_NETWORK_NO_ADDRESS)
		return fault_set(fault, CNI_E_CONFIG, NULL,
				 "\"runtimeConfig.portMappings\" needs a network with \"ipam\"");
	return 0;
}
