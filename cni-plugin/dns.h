/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DNS settings that the result passes on to the runtime; netd acts on none of them. */
#ifndef CNI_DNS_H
#define CNI_DNS_H

#include "conf.h"

/* Fills conf->dns: "dns" if it says anything, else the file named by "ipam.resolvConf". */
int dns_load(struct cni_conf *conf);
/* The non-empty members of a dns object, as a new object; checks their types. */
int dns_read(const struct gojson *dns, json_t **ret);
/* resolv.conf(5) text to the same form; NULL if out of memory. Pure. Cuts text up. */
json_t *dns_resolv_conf(char *text);

#endif
