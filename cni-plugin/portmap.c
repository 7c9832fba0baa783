// SPDX-License-Identifier: GPL-2.0-or-later
#include "portmap.h"

#include <strings.h>

#include "addr.h"
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

/* In the one form that every address has, so that equal ones compare as equal. */
static int load_host_ip(const struct gojson *in, char ret[static IP_STRLEN])
{
	const char *text = "";
	struct ip ip;

	if (gojson_string(in, "hostIP", &text) < 0)
		return -EINVAL;
	if (!text[0])
		return 0;
	if (ip_parse(text, &ip) < 0)
		return fault_set(in->fault, CNI_E_CONFIG, NULL,
				 "invalid IP address: \"%shostIP\": \"%s\"", in->where, text);
	ip_format(&ip, ret);
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

/* Is it in the range, to the same port of the container? */
static bool covers(const struct netd_port *range, const struct netd_port *port)
{
	return port->host_port >= range->host_port && port->host_port <= range->host_port_end &&
	       port->container_port - range->container_port == port->host_port - range->host_port &&
	       port->protocol == range->protocol && strcmp(port->host_ip, range->host_ip) == 0;
}

/* conf->ports has room for it. A mapping that is given twice is one, as with the reference. */
static void add_port(struct cni_conf *conf, const struct netd_port *port)
{
	for (size_t i = 0; i < conf->n_ports; i++)
		if (covers(&conf->ports[i], port))
			return;
	if (!conf->n_ports || !extend(&conf->ports[conf->n_ports - 1], port))
		conf->ports[conf->n_ports++] = *port;
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
		add_port(conf, &port);
	}
	if (conf->network.flags & NETD_NETWORK_NO_ADDRESS)
		return fault_set(fault, CNI_E_CONFIG, NULL,
				 "\"runtimeConfig.portMappings\" needs a network with \"ipam\"");
	return 0;
}
