#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a network lets through: internal, isolated, routed, and an explicit bridge.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
lab_lan2
box a b c
for ns in a b c lan; do serve "$ns" "$ns" tcp:80 udp:53; done

for nf in 0 1; do
	bridge_nf $nf
	what="bridge-nf $nf:"
	need "ordinary network" dual plain 3
	need "attach c" attach c --network plain -p 8300:80

	section "internal"
	need "network" dual inner 1 --internal
	need "attach a" attach a --network inner
	need "attach b" attach b --network inner
	check_eq "$what internal: no default route" "" \
		"$(at a ip route show default; at a ip -6 route show default)"
	answers "$what internal: neighbour" b tcp "$(ip4 a)" 80 a "$(ip4 b)"
	answers "$what internal: neighbour IPv6" b udp "$(ip6 a)" 53 a "$(ip6 b)"
	# An insider with a route of its own: still nothing leaves or enters.
	for ns in a b; do
		at $ns ip route add default via 10.89.1.1
		at $ns ip -6 route add default via fd89:1::1
	done
	for to in $LAB_LAN4 $LAB_LAN6 "$(ip4 c)" "$(ip6 c)"; do
		silent "$what internal: outwards to $to" a tcp "$to" 80
		silent "$what internal: outwards to $to udp" a udp "$to" 53
	done
	for to in "$(ip4 a)" "$(ip6 a)"; do
		silent "$what internal: inwards from LAN to $to" lan tcp "$to" 80
		silent "$what internal: inwards from another network to $to" c tcp "$to" 80
	done
	answers "$what (the ordinary one reaches out)" c tcp $LAB_LAN4 80 lan $LAB_HOST4
	need "detach a" detach a
	need "detach b" detach b
	need "rm" netd network rm inner

	section "isolated"
	need "network" dual apart 1 --isolated
	need "attach a" attach a --network apart -p 8100:80
	need "attach b" attach b --network apart
	for to in "$(ip4 a)" "$(ip6 a)"; do
		silent "$what isolated: neighbour to $to" b tcp "$to" 80
		silent "$what isolated: neighbour to $to udp" b udp "$to" 53
		# By way of the gateway, as a container with NET_ADMIN may try.
		case $to in
		*:*) at b ip -6 route add "$to/128" via fd89:1::1 ;;
		*) at b ip route add "$to/32" via 10.89.1.1 ;;
		esac
		silent "$what isolated: by the gateway to $to" b tcp "$to" 80
	done
	for to in $LAB_HOST4 $LAB_HOST6; do
		answers "$what isolated: published port from the LAN at $to" lan tcp $to 8100 a
		answers "$what isolated: the host at $to" host tcp $to 8100 a
	done
	answers "$what isolated: outwards" b tcp $LAB_LAN4 80 lan $LAB_HOST4
	answers "$what isolated: outwards IPv6" b udp $LAB_LAN6 53 lan $LAB_HOST6
	need "detach a" detach a
	need "detach b" detach b
	need "rm" netd network rm apart

	section "routed"
	need "network" dual open 1 --routed
	need "attach a" attach a --network open -p 8100:80
	for to in "$(ip4 a)" "$(ip6 a)"; do
		answers "$what routed: LAN directly to $to" lan tcp "$to" 80 a
		answers "$what routed: LAN directly to $to udp" lan udp "$to" 53 a
	done
	answers "$what routed: outwards with its own address" a tcp $LAB_LAN4 80 lan "$(ip4 a)"
	answers "$what routed: outwards with its own address, IPv6" a tcp $LAB_LAN6 80 lan "$(ip6 a)"
	answers "$what routed: published port" lan tcp $LAB_HOST4 8100 a $LAB_LAN4
	answers "$what routed: 127.0.0.1" host tcp 127.0.0.1 8100 a
	silent "$what routed network beside: the ordinary one stays closed" lan tcp "$(ip4 c)" 80
	need "detach a" detach a
	need "rm" netd network rm open

	need "detach c" detach c
	need "rm" netd network rm plain
done

section "a bridge of one's own name"
need "network" dual named 1 --bridge mybr0
need "attach" attach a --network named -p 8100:80
check_eq "made under that name" bridge "$(ip -j -d link show mybr0 | jq -r '.[0].linkinfo.info_kind')"
answers "works" lan tcp $LAB_HOST4 8100 a
need "detach" detach a
need "rm" netd network rm named
check_fails "removed with the network" "mybr0" ip link show mybr0

section "network rm"
need "network" dual busy 1
need "attach" attach a --network busy
check_fails "refused while something is attached" "busy" netd network rm busy
need "detach" detach a
need "rm" netd network rm busy
check_fails "unknown network" "nosuch" netd network rm nosuch
check_fails "attach to an unknown network" "nosuch" attach a --network nosuch
