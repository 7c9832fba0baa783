/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netd.h - container networking for Linux: the C interface of libnetd.
 *
 * Given a container's network namespace, libnetd creates the bridge and the veth pair, assigns
 * addresses and publishes ports by nftables DNAT. A program uses it in this order:
 *
 *	struct netd_error err = NETD_ERROR_INIT;
 *	struct netd *netd;
 *	struct netd_attachment *att;
 *	struct netd_port port;
 *
 *	netd_open(NULL, &netd, &err);
 *	netd_port_parse("8080:80", &port, &err);
 *	struct netd_attach_request req = {
 *		.size = sizeof(req), .id = "web", .netns = "/proc/1234/ns/net",
 *		.ports = &port, .n_ports = 1,
 *	};
 *	netd_attach(netd, &req, &att, &err);
 *	...
 *	struct netd_detach_request bye = { .size = sizeof(bye), .id = "web" };
 *	netd_detach(netd, &bye, &err);
 *
 * Return values. Every function that can fail returns 0 (or a count) on success and a negative errno
 * on failure, and fills *err, which may be NULL. Outputs named ret_* are written on success only.
 *
 * Ownership. Inputs are borrowed for the duration of the call. Outputs are allocated by the library,
 * belong to the caller and are released by the matching netd_*_free(), which accepts NULL.
 *
 * Threads. A struct netd may be used by any number of threads at once; operations on different
 * attachments run in parallel, operations on the same one wait for each other. Any number of
 * processes may use the same state directory. An attach or detach changes the network namespace of
 * the calling thread for some microseconds with all signals blocked and always returns to the first;
 * no other thread is affected. Operations wait for others' locks without a limit of time; the kernel
 * drops the locks of a process that dies. netd_close() must not run beside other calls on the same
 * context, and a struct netd must not be used in a child after fork(2).
 *
 * Privileges. CAP_NET_ADMIN and CAP_SYS_ADMIN over the host's and the container's network
 * namespaces; root of a user namespace that owns both is enough.
 *
 * The library prints nothing, executes no program, never forks, reads no environment variable,
 * installs no signal handler and keeps no global state.
 */
#ifndef NETD_H
#define NETD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NETD_VERSION_MAJOR 0
#define NETD_VERSION_MINOR 1
#define NETD_VERSION_PATCH 0
#define NETD_VERSION_STRING "0.1.0"
#define NETD_VERSION_NUMBER                                                                        \
	(NETD_VERSION_MAJOR * 10000 + NETD_VERSION_MINOR * 100 + NETD_VERSION_PATCH)

#define NETD_API __attribute__((visibility("default")))

/* Version of the library that is running, "MAJOR.MINOR.PATCH"; static storage. */
NETD_API const char *netd_version(void);

/* ---- limits ------------------------------------------------------------------------------- */

#define NETD_NAME_MAX 128  /* bytes of a network name, without the terminating NUL */
#define NETD_ID_MAX 256	   /* bytes of a container id */
#define NETD_IFNAME_MAX 15 /* bytes of an interface name: IFNAMSIZ - 1 */

/* ---- errors ------------------------------------------------------------------------------- */

/* What kind of failure it is; finer than errno, for programs that must react or translate. */
enum netd_code {
	NETD_OK = 0,
	NETD_E_INVALID, /* the request is malformed; nothing was tried */
	/* taken, the message names by whom: a host port (errnum EADDRINUSE), or an address, subnet or
	   bridge (EEXIST) */
	NETD_E_CONFLICT,
	NETD_E_EXHAUSTED,   /* no free address, host port or bridge port is left */
	NETD_E_NOT_FOUND,   /* no such network or attachment */
	NETD_E_EXISTS,	    /* the network, attachment or interface exists already */
	NETD_E_NETNS,	    /* not a network namespace, vanished, or the host's own */
	NETD_E_PERMISSION,  /* a capability or file permission is missing */
	NETD_E_UNSUPPORTED, /* this kernel lacks a feature; the message names it */
	NETD_E_KERNEL,	    /* the kernel refused a change */
	NETD_E_STATE,	    /* the state file is unusable */
	NETD_E_NOMEM,	    /* out of memory */
	NETD_E_BUSY,	    /* another operation is in the way; trying again may help */
};

/* Where in the pipe an operation failed. */
enum netd_stage {
	NETD_STAGE_NONE = 0,
	NETD_STAGE_OPEN,
	NETD_STAGE_VALIDATE,
	NETD_STAGE_RESERVE,
	NETD_STAGE_OBSERVE,
	NETD_STAGE_PLAN,
	NETD_STAGE_APPLY,
	NETD_STAGE_COMMIT,
};

/*
 * The first error of a call. Start with NETD_ERROR_INIT; a call that succeeds does not touch it,
 * and an error already recorded is not overwritten, so reset it before reuse.
 */
struct netd_error {
	enum netd_code code;
	enum netd_stage stage;
	int errnum;	   /* positive errno */
	char subject[128]; /* the thing concerned: a name, an address, a file */
	char message[640]; /* what failed, on what, why, and what to do: one or two sentences */
	char kernel[256];  /* the kernel's own explanation (extended ack), or empty */
	char undo[256];	   /* what could not be undone after the failure, or empty */
};

#ifdef __cplusplus
#define NETD_ERROR_INIT                                                                            \
	{                                                                                          \
	}
#else
#define NETD_ERROR_INIT                                                                            \
	{                                                                                          \
		.code = NETD_OK                                                                    \
	}
#endif

/* "invalid", "conflict", ...: a stable word for the code; static storage. */
NETD_API const char *netd_code_name(enum netd_code code);
/* "open", "validate", ...: a stable word for the stage; static storage. */
NETD_API const char *netd_stage_name(enum netd_stage stage);

/* ---- context ------------------------------------------------------------------------------ */

struct netd;

/* A pool from which networks without explicit subnet take one: BASE cut into subnets of LENGTH. */
struct netd_pool {
	const char *base;    /* CIDR, IPv4 or IPv6 */
	unsigned int length; /* prefix length of each subnet taken from it */
};

#define NETD_DEFAULT_STATE_DIR "/run/netd"

struct netd_options {
	size_t size;	       /* sizeof(struct netd_options) */
	const char *state_dir; /* directory of the state file; NULL: NETD_DEFAULT_STATE_DIR */
	const struct netd_pool *pools; /* tried in order; NULL: 10.144.0.0/12 cut into /24 and
					  fd6e:6574:6400::/48 cut into /64 */
	size_t n_pools;
};

/*
 * Opens the state directory, creating it (mode 0700) when missing, and the state file in it. The
 * calling thread's network namespace becomes "the host" of the context. State of an earlier boot is
 * discarded, since the kernel objects it describes are gone. options may be NULL.
 * Errors: NETD_E_STATE (owned by someone else, writable by others, a symbolic link, corrupt, or
 * belonging to another network namespace), NETD_E_PERMISSION.
 */
NETD_API int netd_open(const struct netd_options *options, struct netd **ret_netd,
		       struct netd_error *err);
NETD_API void netd_close(struct netd *netd);

/* ---- networks ----------------------------------------------------------------------------- */

/*
 * A range of addresses. Ranges with the same set number are alternatives: one address is taken from
 * each set. start, end and gateway may be NULL: the first and last usable address of the subnet, and
 * the subnet's first address. In subnets of /31 and /127 both addresses are usable (RFC 3021,
 * RFC 6164); a /32 or /128 is refused.
 */
struct netd_range {
	const char *subnet; /* CIDR without host bits */
	const char *start;
	const char *end;
	const char *gateway;
	unsigned int set;
};

struct netd_route {
	const char *dst; /* CIDR */
	const char *gw;	 /* NULL: the network's gateway of that family */
};

enum netd_network_flag {
	NETD_NETWORK_IPV6 = 1 << 0,	/* choose an IPv6 subnet if none is among the ranges */
	NETD_NETWORK_INTERNAL = 1 << 1, /* nothing enters or leaves; no default route */
	NETD_NETWORK_ISOLATED = 1 << 2, /* containers of the network cannot reach each other */
	NETD_NETWORK_ROUTED = 1 << 3,	/* no masquerade; container addresses reachable directly */
	NETD_NETWORK_NO_GATEWAY = 1 << 4,	/* the bridge gets no address */
	NETD_NETWORK_NO_DEFAULT_ROUTE = 1 << 5, /* containers get no default route */
	NETD_NETWORK_NO_ADDRESS = 1 << 6,	/* layer 2 only: no address management */
	NETD_NETWORK_HAIRPIN = 1 << 7, /* hairpin mode on every port, not only on publishing ones */
	NETD_NETWORK_PROMISC = 1 << 8, /* bridge in promiscuous mode */
};

/* Definition of a network; also what netd_network_get() and _list() report. */
struct netd_network {
	size_t size;			 /* sizeof(struct netd_network) */
	const char *name;		 /* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most NETD_NAME_MAX */
	const char *bridge;		 /* interface name; NULL: derived from the name */
	const struct netd_range *ranges; /* none: automatic subnets, see struct netd_options */
	size_t n_ranges;
	const struct netd_route *routes; /* for the containers, beside the default route */
	size_t n_routes;
	unsigned int mtu;	     /* bytes; 0: that of the kernel (1500) */
	unsigned int flags;	     /* enum netd_network_flag */
	size_t n_attachments;	     /* output: attachments that exist */
	unsigned int bridge_ifindex; /* output: 0 while the bridge does not exist */
};

/* The network that exists without being created: automatic subnets, IPv6 where the host has it. */
#define NETD_DEFAULT_NETWORK "default"

/*
 * Creates the network, or changes it while nothing is attached; the bridge is made on first use.
 * Setting an identical definition again is no change. Subnets are chosen where none are given,
 * avoiding every address and route of the host and every other network.
 * Errors: NETD_E_INVALID, NETD_E_CONFLICT (subnet overlaps), NETD_E_EXISTS (in use and different),
 * NETD_E_EXHAUSTED (pools).
 */
NETD_API int netd_network_set(struct netd *netd, const struct netd_network *network,
			      struct netd_error *err);
/* NETD_E_NOT_FOUND when there is none of that name. Release with netd_network_free(). */
NETD_API int netd_network_get(struct netd *netd, const char *name,
			      struct netd_network **ret_network, struct netd_error *err);
/* All networks, sorted by name, as an array of *ret_n pointers; release with _list_free(). */
NETD_API int netd_network_list(struct netd *netd, struct netd_network ***ret_list, size_t *ret_n,
			       struct netd_error *err);
/*
 * Removes the network, its bridge (if netd made it) and its elements. NETD_E_BUSY while something is
 * attached, NETD_E_NOT_FOUND if there is none of that name.
 */
NETD_API int netd_network_remove(struct netd *netd, const char *name, struct netd_error *err);
NETD_API void netd_network_free(struct netd_network *network);
NETD_API void netd_network_list_free(struct netd_network **list, size_t n);

/* ---- published ports ---------------------------------------------------------------------- */

enum netd_protocol { /* IANA protocol numbers */
		     NETD_TCP = 6,
		     NETD_UDP = 17,
		     NETD_SCTP = 132,
};

#define NETD_IP_STRLEN 46

/*
 * One published port or range of ports: count consecutive container ports. In a request host_port 0
 * lets netd choose, and host_port_end greater than host_port + count - 1 (with count 1) lets it
 * choose within [host_port, host_port_end]; host_port_end 0 means what the other two say. In a
 * result host_port is what was assigned.
 */
struct netd_port {
	char host_ip[NETD_IP_STRLEN]; /* "" both families, "0.0.0.0" any IPv4, "::" any IPv6 */
	uint16_t host_port;
	uint16_t host_port_end;
	uint16_t container_port;
	uint16_t count;
	uint8_t protocol; /* enum netd_protocol */
};

/*
 * Parses the form known from "docker run -p":
 * [[IP:][HOSTPORT[-END]]:]PORT[-END][/tcp|udp|sctp]. Pure: checks nothing on the host.
 * Errors: NETD_E_INVALID.
 */
NETD_API int netd_port_parse(const char *spec, struct netd_port *ret_port, struct netd_error *err);

/* ---- attachments -------------------------------------------------------------------------- */

struct netd_attach_request {
	size_t size;		/* sizeof(struct netd_attach_request) */
	const char *network;	/* NULL: "default" */
	const char *id;		/* container id: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most NETD_ID_MAX */
	const char *ifname;	/* interface in the container; NULL: "eth0" */
	const char *netns;	/* path of the container's network namespace */
	const char *const *ips; /* requested addresses, with or without prefix length */
	size_t n_ips;
	const char *mac; /* requested MAC address; NULL: derived from the address */
	const struct netd_port *ports;
	size_t n_ports;
	/*
	 * Definition of the network for callers that bring it with each request (CNI); its name must
	 * equal .network. The network is created or updated in the same transaction. NULL: the
	 * network must exist, or be "default".
	 */
	const struct netd_network *definition;
	unsigned int mtu; /* of the veth pair; 0: that of the network */
};

struct netd_attachment_address {
	const char *address; /* with prefix length: "10.144.0.2/24" */
	const char *gateway; /* NULL: none */
};

struct netd_attachment {
	const char *network;
	const char *id;
	const char *ifname;
	const char *netns; /* as given in the request */
	const char *bridge;
	const char *bridge_mac;
	const char *host_ifname; /* host end of the veth pair */
	const char *host_mac;
	const char *mac;  /* container end */
	unsigned int mtu; /* 0: the kernel's default */
	unsigned int bridge_mtu;
	unsigned int host_ifindex;
	unsigned int ifindex;
	const struct netd_attachment_address *addresses;
	size_t n_addresses;
	const struct netd_route *routes; /* as installed, default routes included */
	size_t n_routes;
	const struct netd_port *ports; /* as published, host ports assigned */
	size_t n_ports;
	bool ready; /* false: an attach is under way, or died half way */
};

/*
 * Attaches a container: reserves addresses and ports, makes bridge and veth pair, publishes. Returns
 * when the container can be reached and can reach others. On failure kernel and state are as before.
 * ret_attachment may be NULL.
 * Errors: all codes; NETD_E_EXISTS when (network, id, ifname) is attached already.
 */
NETD_API int netd_attach(struct netd *netd, const struct netd_attach_request *request,
			 struct netd_attachment **ret_attachment, struct netd_error *err);

/*
 * What netd_attach() would do now, as a shell script of ip, nft and sysctl commands that really
 * runs; nothing is changed. The text is the caller's: free(3).
 */
NETD_API int netd_attach_plan(struct netd *netd, const struct netd_attach_request *request,
			      char **ret_script, struct netd_error *err);

struct netd_detach_request {
	size_t size;	     /* sizeof(struct netd_detach_request) */
	const char *network; /* NULL: every network */
	const char *id;
	const char *ifname; /* NULL: every interface */
	/*
	 * Deleting a veth pair makes the caller wait 10 to 20 ms for an RCU grace period after the
	 * pair is already gone from the host. A caller that can fork passes spawn: it must arrange
	 * that fn(arg) runs in another process (not thread) and return 0 at once, or a negative
	 * errno. fn closes nothing and returns when done. NULL: the calling thread waits.
	 */
	int (*spawn)(void (*fn)(void *arg), void *arg, void *user);
	void *spawn_user;
};

/*
 * Detaches: withdraws the published ports, deletes the veth pair, frees addresses. Works when the
 * namespace, the bridge or the rules are gone, and when called again. Returns the number of
 * attachments removed: 0 means that there was nothing to do.
 */
NETD_API int netd_detach(struct netd *netd, const struct netd_detach_request *request,
			 struct netd_error *err);

/*
 * One attachment; network or ifname NULL: any. NETD_E_NOT_FOUND if none matches, NETD_E_INVALID if
 * several do.
 */
NETD_API int netd_attachment_get(struct netd *netd, const char *network, const char *id,
				 const char *ifname, struct netd_attachment **ret_attachment,
				 struct netd_error *err);
/* All attachments (of one network, unless NULL), sorted by network, id and interface. */
NETD_API int netd_attachment_list(struct netd *netd, const char *network,
				  struct netd_attachment ***ret_list, size_t *ret_n,
				  struct netd_error *err);
NETD_API void netd_attachment_free(struct netd_attachment *attachment);
NETD_API void netd_attachment_list_free(struct netd_attachment **list, size_t n);

/*
 * Explains existing attachments: the commands that would, on an empty host, give the kernel state
 * that netd made for (network, id, ifname); NULL is a wildcard for network and ifname. free(3).
 * Errors: NETD_E_NOT_FOUND, NETD_E_INVALID.
 */
NETD_API int netd_explain(struct netd *netd, const char *network, const char *id,
			  const char *ifname, char **ret_script, struct netd_error *err);

#ifdef __cplusplus
}
#endif

#endif
