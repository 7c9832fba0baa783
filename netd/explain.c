// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "error.h"
#include "plan.h"

/* The text in single quotes, safe for sh(1). */
static void print_quoted(struct buf *buf, const char *text)
{
	buf_add(buf, "'", 1);
	for (; *text; text++) {
		if (*text == '\'')
			buf_printf(buf, "'\\''");
		else
			buf_add(buf, text, 1);
	}
	buf_add(buf, "'", 1);
}

/* What stands before a command that must run inside the container's namespace. */
static void print_where(struct buf *buf, const struct plan *plan, const struct step *step)
{
	if (step->where != CONTAINER)
		return;
	buf_printf(buf, "nsenter --net=");
	print_quoted(buf, plan->netns);
	buf_printf(buf, " ");
}

static void print_bridge(struct buf *buf, const struct step *step)
{
	char mac[MAC_STRLEN];

	buf_printf(buf, "ip link add %s index %u address %s", step->bridge.name,
		   step->bridge.ifindex, mac_format(&step->bridge.mac, mac));
	if (step->bridge.mtu)
		buf_printf(buf, " mtu %u", step->bridge.mtu);
	buf_printf(buf, " type bridge\n");
}

static void print_veth(struct buf *buf, const struct plan *plan, const struct step *step)
{
	char host[MAC_STRLEN], peer[MAC_STRLEN], mtu[24] = "";

	if (step->veth.mtu)
		snprintf(mtu, sizeof(mtu), " mtu %u", step->veth.mtu);
	buf_printf(buf,
		   "ip link add %s index %u address %s%s numtxqueues 1 numrxqueues 1 type veth "
		   "peer name %s "
		   "index %u address %s%s numtxqueues 1 numrxqueues 1 netns ",
		   step->veth.host_name, step->veth.host_ifindex,
		   mac_format(&step->veth.host_mac, host), mtu, step->veth.peer_name,
		   step->veth.peer_ifindex, mac_format(&step->veth.peer_mac, peer), mtu);
	print_quoted(buf, plan->netns);
	buf_printf(buf, "\n");
}

static void print_link(struct buf *buf, const struct plan *plan, const struct step *step)
{
	const char *name = step->link.name;
	char mac[MAC_STRLEN];

	if (step->link.master[0]) {
		print_where(buf, plan, step);
		buf_printf(buf, "ip link set %s master %s\n", name, step->link.master);
		print_where(buf, plan, step);
		buf_printf(buf, "ip link set %s type bridge_slave hairpin %s isolated %s\n", name,
			   step->link.hairpin ? "on" : "off", step->link.isolated ? "on" : "off");
	}
	if (step->link.addrgenmode_none) {
		print_where(buf, plan, step);
		buf_printf(buf, "ip link set %s addrgenmode none\n", name);
	}
	if (step->link.pin_mac)
		buf_printf(buf, "ip link set %s address %s\n", name,
			   mac_format(&step->link.mac, mac));
	if (step->link.mtu)
		buf_printf(buf, "ip link set %s mtu %u\n", name, step->link.mtu);
	print_where(buf, plan, step);
	buf_printf(buf, "ip link set %s%s%s\n", name, step->link.promisc ? " promisc on" : "",
		   step->link.up ? " up" : "");
}

static void print_address(struct buf *buf, const struct plan *plan, const struct step *step)
{
	const struct prefix *address = &step->address.address;
	bool four = address->ip.family == AF_INET;
	char text[PREFIX_STRLEN];

	print_where(buf, plan, step);
	if (step->kind == STEP_ADDRESS_DEL) {
		buf_printf(buf, "ip address del %s dev %s\n", prefix_format(address, text),
			   step->address.name);
		return;
	}
	/* the commands take over what stands there already where netd would */
	buf_printf(buf, "ip address %s %s%s dev %s%s\n", step->may_exist ? "replace" : "add",
		   prefix_format(address, text), four && address->len < 31 ? " broadcast +" : "",
		   step->address.name, four ? "" : " nodad");
}

static void print_route(struct buf *buf, const struct plan *plan, const struct step *step)
{
	char dst[PREFIX_STRLEN], gw[IP_STRLEN];

	print_where(buf, plan, step);
	buf_printf(buf, "ip %sroute %s %s%s", step->route.dst.ip.family == AF_INET6 ? "-6 " : "",
		   step->kind == STEP_ROUTE_DEL		    ? "del"
		   : step->may_exist && step->where == HOST ? "replace"
							    : "add",
		   step->route.local ? "local " : "", prefix_format(&step->route.dst, dst));
	if (step->route.gw.family != AF_UNSPEC)
		buf_printf(buf, " via %s", ip_format(&step->route.gw, gw));
	buf_printf(buf, " dev %s proto static", step->route.name);
	if (step->route.local)
		buf_printf(buf, " table local");
	if (step->route.metric)
		buf_printf(buf, " metric %u", step->route.metric);
	buf_printf(buf, "%s\n",
		   step->may_exist && step->where == CONTAINER
			   ? " || : # one that is there already stays"
			   : "");
}

static void print_neighbour(struct buf *buf, const struct step *step)
{
	char ip[IP_STRLEN], mac[MAC_STRLEN];

	buf_printf(buf, "ip neighbour replace %s lladdr %s dev %s nud reachable\n",
		   ip_format(&step->neighbour.ip, ip), mac_format(&step->neighbour.mac, mac),
		   step->neighbour.name);
}

static void print_conntrack(struct buf *buf, const struct step *step)
{
	uint16_t first = step->conntrack.port;
	unsigned int last = first + step->conntrack.count - 1U;
	bool four = step->conntrack.host.family == AF_INET;
	bool every =
		ip_is_zero(&step->conntrack.host) && step->conntrack.container.family == AF_UNSPEC;
	char text[IP_STRLEN];

	buf_printf(buf, "# connections that still follow the old translation; none is fine\n");
	if (every)
		buf_printf(buf,
			   "for address in $(ip -o %s address | sed 's|.* %s \\([^/ "
			   "]*\\).*|\\1|'); do ",
			   four ? "-4" : "-6", four ? "inet" : "inet6");
	buf_printf(buf,
		   "for port in $(seq %u %u); do conntrack -D -f %s -p udp --orig-port-dst $port",
		   first, last, four ? "ipv4" : "ipv6");
	if (every)
		buf_printf(buf, " --orig-dst $address");
	else if (!ip_is_zero(&step->conntrack.host))
		buf_printf(buf, " --orig-dst %s", ip_format(&step->conntrack.host, text));
	if (step->conntrack.container.family != AF_UNSPEC)
		buf_printf(buf, " --reply-src %s", ip_format(&step->conntrack.container, text));
	buf_printf(buf, " 2>/dev/null || true; done%s\n", every ? "; done" : "");
}

/* Adding a table before deleting it makes the deletion succeed whether or not it was there. */
static void print_ruleset_del(struct buf *buf)
{
	buf_printf(buf, "table inet " RULESET_TABLE "\ndelete table inet " RULESET_TABLE "\n"
			"table netdev " RULESET_TABLE "\ndelete table netdev " RULESET_TABLE "\n");
}

static void print_step(struct buf *buf, const struct plan *plan, const struct step *step)
{
	switch (step->kind) {
	case STEP_SYSCTL:
		print_where(buf, plan, step);
		buf_printf(buf, "sysctl -q%s -w net/%s=%s\n", step->sysctl.may_lack ? " -e" : "",
			   step->sysctl.path, step->sysctl.value);
		break;
	case STEP_BRIDGE_ADD:
		print_bridge(buf, step);
		break;
	case STEP_VETH_ADD:
		print_veth(buf, plan, step);
		break;
	case STEP_LINK_SET:
		print_link(buf, plan, step);
		break;
	case STEP_LINK_DEL:
		buf_printf(buf, "ip link del %s\n", step->link.name);
		break;
	case STEP_ADDRESS_ADD:
	case STEP_ADDRESS_DEL:
		print_address(buf, plan, step);
		break;
	case STEP_ROUTE_ADD:
	case STEP_ROUTE_DEL:
		print_route(buf, plan, step);
		break;
	case STEP_NEIGHBOUR_SET:
		print_neighbour(buf, step);
		break;
	case STEP_WAIT_READY:
		buf_printf(buf, "# wait until both ends are up and the addresses answer\n");
		break;
	case STEP_RULESET_ADD:
		if (step->ruleset.replace)
			print_ruleset_del(buf);
		ruleset_print(buf);
		break;
	case STEP_RULESET_DEL:
		print_ruleset_del(buf);
		break;
	case STEP_ELEM_ADD:
	case STEP_ELEM_DEL:
		ruleset_print_elem(buf, &step->elem, step->kind == STEP_ELEM_ADD);
		break;
	case STEP_LOOPBACK6_ADD:
	case STEP_LOOPBACK6_DEL:
		ruleset_print_loopback6(buf, step->bridge_name, step->kind == STEP_LOOPBACK6_ADD);
		break;
	case STEP_CONNTRACK_FLUSH:
		print_conntrack(buf, step);
		break;
	}
}

/* Steps of nftables that stand together are one transaction, in the script as in the kernel. */
int explain_plan(const struct plan *plan, struct buf *buf, struct netd_error *err)
{
	bool nft = false;

	for (size_t i = 0; i < plan->n; i++) {
		bool now = step_is_nft(plan->steps[i].kind);

		if (now && !nft)
			buf_printf(buf, "nft -f - <<'END'\n");
		else if (!now && nft)
			buf_printf(buf, "END\n");
		nft = now;
		print_step(buf, plan, &plan->steps[i]);
	}
	if (nft)
		buf_printf(buf, "END\n");
	return buf->failed ? error_nomem(err) : 0;
}
