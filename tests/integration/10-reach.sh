#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who reaches a published port, and whom the container sees: every row of the reachability table, both
# families, TCP and UDP, with bridged packets passing through the IP families' hooks and without.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
lab_lan2
box a b c
for ns in a b c lan lan2; do
	serve "$ns" "$ns" tcp:80 tcp:81 tcp:8080 udp:53 udp:54 udp:5353
done

# The table for one protocol and family; v holds this family's addresses.
rows() {
	local proto=$1 v=$2 pub=$3 port=$4 closed=$5 any=$6 what="$1 IPv$2, bridge-nf $nf:"
	local host=$LAB_HOST4 lan=$LAB_LAN4 lan2=198.51.100.2 lo=127.0.0.1 a=$a4 b=$b4 c=$c4
	if [ "$v" = 6 ]; then
		host=$LAB_HOST6 lan=$LAB_LAN6 lan2=2001:db8:1::2 lo=::1 a=$a6 b=$b6 c=$c6
	fi
	answers "$what LAN client, seen with its own address" lan "$proto" $host "$pub" a "$lan"
	answers "$what client of another LAN, own address" lan2 "$proto" $host "$pub" a "$lan2"
	answers "$what the host to $lo" host "$proto" $lo "$pub" a
	answers "$what the host to its own address" host "$proto" $host "$pub" a
	answers "$what neighbour on the same network" b "$proto" $host "$pub" a
	answers "$what the container itself" a "$proto" $host "$pub" a
	answers "$what container of another network" c "$proto" $host "$pub" a "$c"
	answers "$what neighbour directly" b "$proto" "$a" "$port" a "$b"
	answers "$what host directly" host "$proto" "$a" "$port" a
	silent "$what LAN directly to the published port" lan "$proto" "$a" "$port"
	silent "$what LAN directly to another port" lan "$proto" "$a" "$closed"
	silent "$what another network directly to the published port" c "$proto" "$a" "$port"
	silent "$what another network directly to another port" c "$proto" "$a" "$closed"
	answers "$what passing through to a foreign address" lan "$proto" $lan2 "$any" lan2 "$lan"
	answers "$what from a container to a foreign address" a "$proto" $lan "$any" lan $host
	answers "$what from another network to a foreign address" c "$proto" $lan "$any" lan $host
	answers "$what from the host to a foreign address" host "$proto" $lan "$any" lan $host
}

for nf in 0 1; do
	need "bridge-nf $nf" bridge_nf $nf
	need "network front" dual front 1
	need "network back" dual back 2
	need "attach a" attach a --network front -p 8080:80 -p 5353:53/udp
	need "attach b" attach b --network front
	need "attach c" attach c --network back
	a4=$(ip4 a) b4=$(ip4 b) c4=$(ip4 c) a6=$(ip6 a) b6=$(ip6 b) c6=$(ip6 c)
	rows tcp 4 8080 80 81 8080
	rows tcp 6 8080 80 81 8080
	rows udp 4 5353 53 54 5353
	rows udp 6 5353 53 54 5353
	check_eq "route_localnet of all stays 0" 0 "$(cat /proc/sys/net/ipv4/conf/all/route_localnet)"
	check_eq "route_localnet of the uplink stays 0" 0 \
		"$(cat /proc/sys/net/ipv4/conf/eth0/route_localnet)"
	for name in a b c; do need "detach $name" detach $name; done
	silent "nobody answers after detach" lan tcp $LAB_HOST4 8080
	need "network rm" netd network rm front
	need "network rm" netd network rm back
done

section "bridge-nf switched while a container is attached"
need "network" dual front 1
need "attach a" attach a --network front -p 8080:80
need "attach b" attach b --network front
for nf in 0 1; do
	bridge_nf $nf
	for to in $LAB_HOST4 $LAB_HOST6; do
		answers "bridge-nf now $nf: LAN to $to" lan tcp $to 8080 a
		answers "bridge-nf now $nf: neighbour to $to" b tcp $to 8080 a
		answers "bridge-nf now $nf: itself to $to" a tcp $to 8080 a
	done
	answers "bridge-nf now $nf: host to 127.0.0.1" host tcp 127.0.0.1 8080 a
	answers "bridge-nf now $nf: host to ::1" host tcp ::1 8080 a
done

section "strict reverse path filtering"
set_sysctl ipv4/conf/all/rp_filter 1
for to in 127.0.0.1 $LAB_HOST4; do
	answers "rp_filter 1: host to $to" host tcp $to 8080 a
done
answers "rp_filter 1: LAN" lan tcp $LAB_HOST4 8080 a $LAB_LAN4
answers "rp_filter 1: neighbour" b tcp $LAB_HOST4 8080 a
answers "rp_filter 1: itself" a tcp $LAB_HOST4 8080 a
answers "rp_filter 1: outwards" a tcp $LAB_LAN4 8080 lan $LAB_HOST4
