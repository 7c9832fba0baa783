/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values that travel through the pipe: networks, attachments, published mappings. Pure data. */
#ifndef NETD_MODEL_H
#define NETD_MODEL_H

#include <limits.h>
#include <netd.h>

#include "addr.h"

/* Limits keep records and messages bounded; each is far above what container networks use. */
#define MAX_RANGES 32	 /* ranges of one network, all sets together */
#define MAX_ADDRESSES 16 /* addresses of one attachment: range sets */
#define MAX_ROUTES 64	 /* routes given to one container */
#define MAX_PORTS                                                                                  \
	65536 /* mappings of one attachment, counted port by port and family by family * 2 */
#define NETNS_PATH_MAX PATH_MAX

/* A range that no address is taken from any more, but which containers still have addresses of. */
#define RANGE_RETIRED 255

struct range {
	struct prefix subnet; /* no host bits */
	struct ip start;
	struct ip end;
	struct ip gateway; /* family AF_UNSPEC: none */
	uint8_t set;	   /* one address is taken from each set */
};

struct route {
	struct prefix dst;
	struct ip gw; /* family AF_UNSPEC: none given (on-link) */
};

/* State bits kept beside the public flags of a network. */
#define NETWORK_READY (1U << 31) /* bridge, addresses and elements are in place */
#define NETWORK_AUTO (1U << 30)	 /* its subnets were chosen by netd */

struct network {
	char name[NETD_NAME_MAX + 1];
	char bridge[IFNAMSIZ];
	struct range ranges[MAX_RANGES];
	uint32_t n_ranges;
	struct route routes[MAX_ROUTES];
	uint32_t n_routes;
	uint32_t mtu;	/* 0: kernel default */
	uint32_t flags; /* enum netd_network_flag, NETWORK_* */
	/* what netd made of it; zero until first use */
	uint32_t bridge_ifindex; /* chosen when the bridge is about to be made */
	struct mac bridge_mac;
	uint32_t
		bridge_mtu; /* that of the network, or as seen of a bridge that netd did not make */
	bool bridge_created; /* by netd, so that network rm deletes it */
	uint32_t
		foreign_gateways; /* bit i: the gateway of range i stood on the bridge before netd */
	bool loopback6; /* the netdev chain that serves [::1] under br_netfilter is in place */
};

/*
 * A published mapping of one family: count consecutive host ports to as many container ports.
 * host with all bytes zero is the wildcard; its family is always set.
 */
struct mapping {
	struct ip host;
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t host_port;
	uint16_t container_port;
	uint16_t count; /* 1 or more; neither side passes 65535 */
};

struct lease {
	struct prefix address; /* with the subnet's length */
	struct ip gateway;     /* family AF_UNSPEC: none */
};

/* The first lease of that family, or NULL. */
const struct lease *lease_of_family(const struct lease *leases, uint32_t n, uint8_t family);

enum phase {
	PHASE_PENDING = 1, /* reserved; an operation is under way, or died */
	PHASE_READY = 2,
};

struct attachment {
	char network[NETD_NAME_MAX + 1];
	char id[NETD_ID_MAX + 1];
	char ifname[IFNAMSIZ];
	enum phase phase;
	char netns[NETNS_PATH_MAX]; /* path as given */
	uint64_t netns_ino; /* inode of the namespace: tells a replaced path while it lives */
	char host_ifname[IFNAMSIZ];
	uint32_t host_ifindex; /* chosen by netd; even */
	uint32_t ifindex;      /* chosen by netd; host_ifindex + 1 */
	struct mac mac;
	uint32_t mtu; /* 0: kernel default */
	struct lease leases[MAX_ADDRESSES];
	uint32_t n_leases;
	struct route routes[MAX_ROUTES]; /* all of them, default routes included */
	uint32_t n_routes;
	struct mapping *mappings; /* owned */
	uint32_t n_mappings;
};

void attachment_free(struct attachment *att); /* frees att and what it owns; accepts NULL */
static inline void attachment_cleanup(struct attachment **att)
{
	attachment_free(*att);
}
#define _cleanup_attachment_ __attribute__((cleanup(attachment_cleanup)))

#define LOOPBACK_IFINDEX 1 /* of every namespace, net/net_namespace.h in the kernel */

/* The key of an attachment: what (network, id, ifname) are bound to everywhere. */
struct attachment_key {
	char network[NETD_NAME_MAX + 1];
	char id[NETD_ID_MAX + 1];
	char ifname[IFNAMSIZ];
};

struct attachment_key attachment_key_of(const struct attachment *att);

#endif
