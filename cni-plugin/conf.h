/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network configuration that comes on stdin, translated into a request to the library. */
#ifndef CNI_CONF_H
#define CNI_CONF_H

#include <jansson.h>
#include <netd.h>

#include "env.h"
#include "fault.h"
#include "gojson.h"
#include "version.h"

struct cni_conf {
	struct gojson top; /* top.object is owned: everything borrowed below lives in it */
	const char *name;
	enum cni_version version;
	struct netd_network network; /* .ranges and .routes are the two arrays below */
	struct netd_range *ranges;   /* owned, like the other arrays */
	struct netd_route *routes;
	const char **ips;
	size_t n_ips;
	const char *mac; /* NULL: none requested */
	struct netd_port *ports;
	size_t n_ports;
	json_t *dns;	    /* owned; for the result: no key if there is nothing to tell */
	struct gojson prev; /* .object is NULL unless other plugins ran before */
};

/*
 * Parses and finds a valid name. All that DEL needs: the rest may be of any content. Zero-initialise
 * and release with conf_close() whatever it returned. version is that of the configuration if it is
 * one of ours, else the latest.
 */
int conf_open(const char *data, size_t len, struct cni_conf *conf, struct cni_fault *fault);
/* Is cniVersion one of ours? lenient (DEL) minds only one that is given and not. */
int conf_version(const struct cni_conf *conf, bool lenient, struct cni_fault *fault);
/* All the rest. args is borrowed for as long as conf lives. */
int conf_load(struct cni_conf *conf, const struct cni_args *args, struct cni_fault *fault);
void conf_close(struct cni_conf *conf); /* also a cleanup function */

#endif
