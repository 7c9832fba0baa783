// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps and their failures in words. */
#include <stdio.h>

#include "apply_internal.h"
#include "error.h"
#include "util.h"

const char *step_text(const struct step *step, char *buf, size_t size)
{
	char text[PREFIX_STRLEN];

	switch (step->kind) {
	case STEP_SYSCTL:
		snprintf(buf, size, "set sysctl net/%s to %s", step->sysctl.path,
			 step->sysctl.value);
		break;
	case STEP_BRIDGE_ADD:
		snprintf(buf, size, "create bridge %s", step->bridge.name);
		break;
	case STEP_VETH_ADD:
		snprintf(buf, size, "create veth pair %s and %s", step->veth.host_name,
			 step->veth.peer_name);
		break;
	case STEP_LINK_SET:
		snprintf(buf, size, "set up interface %s%s%s", step->link.name,
			 step->link.master[0] ? " on bridge " : "", step->link.master);
		break;
	case STEP_LINK_DEL:
		snprintf(buf, size, "delete interface %s", step->link.name);
		break;
	case STEP_ADDRESS_ADD:
		snprintf(buf, size, "add address %s to %s",
			 prefix_format(&step->address.address, text), step->address.name);
		break;
	case STEP_ADDRESS_DEL:
		snprintf(buf, size, "delete address %s of %s",
			 prefix_format(&step->address.address, text), step->address.name);
		break;
	case STEP_ROUTE_DEL:
		snprintf(buf, size, "delete route to %s on %s",
			 prefix_format(&step->route.dst, text), step->route.name);
		break;
	case STEP_ROUTE_ADD:
		snprintf(buf, size, "add route to %s on %s", prefix_format(&step->route.dst, text),
			 step->route.name);
		break;
	case STEP_NEIGHBOUR_SET:
		snprintf(buf, size, "add neighbour %s to %s", ip_format(&step->neighbour.ip, text),
			 step->neighbour.name);
		break;
	case STEP_WAIT_READY:
	case STEP_RULESET_ADD:
	case STEP_RULESET_DEL:
	case STEP_ELEM_ADD:
	case STEP_ELEM_DEL:
	case STEP_LOOPBACK6_ADD:
	case STEP_LOOPBACK6_DEL:
	case STEP_CONNTRACK_FLUSH:
		snprintf(buf, size, "change the host");
		break;
	}
	return buf;
}

/* The caller tries again with other indexes; this is what is said when it gives up. */
static int index_taken(uint32_t ifindex, struct netd_error *err)
{
	return error_set(err, NETD_E_BUSY, EBUSY, NULL,
			 "interface index %u or %u, which netd chose, is taken: try again", ifindex,
			 ifindex + 1);
}

static int veth_error(const struct applied *a, const struct step *step, int errnum,
		      struct netd_error *err)
{
	struct rtnl_link link;

	if (errnum == EOPNOTSUPP)
		return error_set(
			err, NETD_E_UNSUPPORTED, errnum, step->veth.host_name,
			"cannot create veth pair: this kernel has no veth support (CONFIG_VETH)");
	if (errnum == EBUSY)
		return index_taken(step->veth.host_ifindex, err);
	if (errnum != EEXIST)
		return 0;
	if (rtnl_link_get(a->container, step->veth.peer_name, 0, &link, NULL) >= 0)
		return error_set(
			err, NETD_E_EXISTS, errnum, step->veth.peer_name,
			"interface %s exists already in the container's namespace %s: detach "
			"first, or choose another interface name",
			step->veth.peer_name, a->plan->netns);
	if (rtnl_link_get(a->tools->host, step->veth.host_name, 0, &link, NULL) < 0)
		return index_taken(step->veth.host_ifindex, err);
	return error_set(
		err, NETD_E_EXISTS, errnum, step->veth.host_name,
		"interface %s exists already on the host: remove it (ip link del %s) and try "
		"again",
		step->veth.host_name, step->veth.host_name);
}

/* Failures that deserve more than the kernel's word; 0 if this is none of them. */
static int known_error(const struct applied *a, const struct step *step, int errnum,
		       struct netd_error *err)
{
	struct rtnl_link link;

	if (step->kind == STEP_VETH_ADD)
		return veth_error(a, step, errnum, err);
	if (step->kind == STEP_BRIDGE_ADD && errnum == EOPNOTSUPP)
		return error_set(err, NETD_E_UNSUPPORTED, errnum, step->bridge.name,
				 "cannot create bridge %s: this kernel has no bridge support "
				 "(CONFIG_BRIDGE)",
				 step->bridge.name);
	if (step->kind == STEP_BRIDGE_ADD && (errnum == EBUSY || errnum == EEXIST) &&
	    rtnl_link_get(a->tools->host, step->bridge.name, 0, &link, NULL) < 0)
		return index_taken(step->bridge.ifindex, err);
	if (step->kind == STEP_LINK_SET && errnum == EXFULL)
		return error_set(
			err, NETD_E_EXHAUSTED, errnum, step->link.master,
			"bridge %s is full: Linux gives a bridge at most 1023 ports; attach to "
			"another network",
			step->link.master);
	if (step->kind == STEP_ADDRESS_ADD && errnum == EEXIST)
		return error_set(err, NETD_E_EXISTS, errnum, step->address.name,
				 "interface %s has that address already", step->address.name);
	return 0;
}

int step_error(const struct applied *a, const struct step *step, int errnum, const char *kernel,
	       struct netd_error *err)
{
	char text[160];
	int r = known_error(a, step, errnum, err);

	if (r == 0)
		r = error_sys(err, errnum, step_text(step, text, sizeof(text)), "cannot %s%s",
			      step_text(step, text, sizeof(text)),
			      step->where == CONTAINER ? " in the container" : "");
	if (kernel && kernel[0])
		error_kernel(err, kernel);
	return r;
}
