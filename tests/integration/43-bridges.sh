#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bridges that others made, or share, or change: nothing of theirs is taken away, nothing of netd's is left.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
bridge_nf 0
box c1 c2 c3 c4 keep nb
for ns in c1 c2 c3 c4; do serve $ns $ns tcp:80; done
serve lan lan tcp:7001
serve host host tcp:7002

# cni COMMAND ID NETWORK BRIDGE SUBNET [JQ FILTER]
cni() {
	jq -nc --arg n "$3" --arg b "$4" --arg s "$5" '{cniVersion: "1.0.0", name: $n, type: "netd", bridge: $b,
		ipMasq: true, isDefaultGateway: true,
		ipam: {type: "host-local", ranges: [[{subnet: $s}]]}} | '"${6:-.}" >"$LAB_TMP/conf"
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=/nowhere \
		"$LAB_BUILD/cni/netd" <"$LAB_TMP/conf"
}

# addresses IF: as the kernel has them.
addresses() {
	ip -j addr show dev "$1" 2>/dev/null | jq -r '[.[].addr_info[] | "\(.local)/\(.prefixlen)"] | sort | join(" ")'
}

is_up() {
	ip -j link show dev "$1" | jq -e 'any(.[].flags[]; . == "UP")' >/dev/null
}

localnet() {
	cat "/proc/sys/net/ipv4/conf/$1/route_localnet"
}

gone() {
	! ip link show dev "$1" 2>/dev/null
}

# whole TEXT NS GATEWAY: the container has its gateway and is masqueraded; nobody outside reaches it.
whole() {
	answers "$1: gateway" "$2" tcp "$3" 7002 host
	answers "$1: out, masqueraded" "$2" tcp $LAB_LAN4 7001 lan $LAB_HOST4
	silent "$1: not reachable from outside" lan tcp "$(ip4 "$2")" 80
}

# nothing TEXT: netd has nothing, and the kernel is as the file tells.
nothing() {
	check_eq "$1: no attachment" "[]" "$(netd ls --json)"
	unchanged "$1: everything as before" "$LAB_TMP/before"
}

# Once, for the sysctls that stay.
need "network" dual once 1
need "attach" attach c1 --network once
need "detach" detach c1
need "rm" netd network rm once

section "bridge of somebody else"
# A port that has come and gone leaves routes and limits of the kernel behind, and what netd sets to
# keep containers from advertising routes to the host is not set back.
foreign_bridge() {
	ip link add "$1" address 02:00:00:00:0f:01 type bridge
	set_sysctl "ipv6/conf/$1/accept_ra" 0
	set_sysctl "ipv6/conf/$1/addr_gen_mode" 1
	ip link add port0 master "$1" up type veth peer name port1
	ip link set port1 up
	ip link set "$1" up
	until_true 5 link_up host "$1"
	ip link del port0
	ip link set "$1" "$2"
}

# foreign TEXT ADDRESS...: a network on a bridge with these addresses; used, detached, removed.
foreign() {
	local text=$1 state address
	shift
	for state in up down; do
		foreign_bridge fbr $state
		for address in "$@"; do
			case $address in
			*:*) ip addr add "$address" dev fbr nodad ;;
			*) ip addr add "$address" dev fbr ;;
			esac
		done
		snapshot "$LAB_TMP/before"
		need "$text, $state: network" netd network create f --bridge fbr --subnet 10.77.0.0/24 \
			--subnet fd77::/64
		check "$text, $state: attach" attach c1 --network f -p 8081:80 -p 127.0.0.1:8082:80
		whole "$text, $state" c1 10.77.0.1
		answers "$text, $state: port" lan tcp $LAB_HOST4 8081 c1
		answers "$text, $state: port on loopback" host tcp 127.0.0.1 8082 c1
		answers "$text, $state: gateway, IPv6" c1 tcp fd77::1 7002 host
		check "$text, $state: detach" detach c1
		check "$text, $state: attach again" attach c1 --network f
		check "$text, $state: detach again" detach c1
		check "$text, $state: rm" netd network rm f
		check_eq "$text, $state: route_localnet" 0 "$(localnet fbr)"
		for address in "$@"; do
			check_match "$text, $state: $address stays" "(^| )$address( |\$)" "$(addresses fbr)"
		done
		check_eq "$text, $state: no address is left" "" \
			"$(comm -13 <(printf '%s\n' "$@" | sort) <(addresses fbr | tr ' ' '\n' | grep -v ^fe80 | sort))"
		if [ $state = up ]; then
			check "$text, $state: still up" is_up fbr
			nothing "$text, $state"
		fi
		ip link del fbr
	done
}
foreign "without addresses"
foreign "with the gateway's addresses" 10.77.0.1/24 fd77::1/64
foreign "with one of the two" 10.77.0.1/24

section "a failed attach leaves it as it was"
for state in up down; do
	foreign_bridge fbr $state
	need "network" netd network create f --bridge fbr --subnet 10.77.0.0/24
	at c1 ip link add eth0 type veth peer name other
	snapshot "$LAB_TMP/before"
	check_fails "$state: attach" eth0 netd attach c1 --netns /run/netns/c1 --network f
	unchanged "$state: as before" "$LAB_TMP/before"
	at c1 ip link del eth0
	ip link del fbr
	need "rm" netd network rm f
done

section "loopback services of the host, seen from a neighbour on a bridge of somebody else"
foreign_bridge brl up
ip link add lp type veth peer name eth0 netns nb
set_sysctl ipv6/conf/lp/disable_ipv6 1
ip link set lp master brl
ip link set lp up
at nb ip link set eth0 up
ip addr add 10.61.0.1/24 dev brl
at nb ip addr add 10.61.0.9/24 dev eth0
at nb bash -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
	ip link set lo up; ip addr del 127.0.0.1/8 dev lo; ip route del table local local 127.0.0.0/8 dev lo
	ip route add 127.0.0.0/8 via 10.61.0.1 dev eth0' 2>/dev/null
serve host secret tcp:127.0.0.1:7777
until_true 5 link_up host brl
answers "the neighbour reaches the host" nb tcp 10.61.0.1 7002 host
set_sysctl ipv4/conf/brl/route_localnet 1
answers "and would reach loopback" nb tcp 127.0.0.1 7777 secret
set_sysctl ipv4/conf/brl/route_localnet 0
silent "before netd" nb tcp 127.0.0.1 7777
snapshot "$LAB_TMP/before"
lan_network() {
	netd network create y --bridge brl --subnet 10.61.0.0/24 --ip-range 10.61.0.64/26
}
for others in 0 1; do
	if [ $others -eq 1 ]; then
		need "another network" dual other 9
		need "attach" attach keep --network other
	fi
	need "network" lan_network
	check "attach" attach c1 --network y -p 127.0.0.1:8080:80
	answers "published on loopback" host tcp 127.0.0.1 8080 c1
	silent "$others others: with the network" nb tcp 127.0.0.1 7777
	silent "$others others: a port published on loopback" nb tcp 127.0.0.1 8080
	nft flush table inet netd
	check "$others others: attach after a flush" attach c2 --network y
	silent "$others others: after a flush and an attach" nb tcp 127.0.0.1 7777
	check "detach" detach c1
	check "detach" detach c2
	silent "$others others: after detach" nb tcp 127.0.0.1 7777
	check "rm" netd network rm y
	check_eq "$others others: route_localnet" 0 "$(localnet brl)"
	silent "$others others: after network rm" nb tcp 127.0.0.1 7777
	answers "$others others: the neighbour still reaches the host" nb tcp 10.61.0.1 7002 host
done
need "detach" detach keep
need "rm" netd network rm other
nothing "loopback services"
ip link del brl

section "two networks on one bridge"
snapshot "$LAB_TMP/before"
for first in a b; do
	for made in netd somebody; do
		text="bridge of $made, $first removed first"
		if [ $made = somebody ]; then
			foreign_bridge shbr up
		fi
		check "$text: ADD" cni ADD c1 a shbr 10.78.0.0/24
		check "$text: ADD to the second" cni ADD c2 b shbr 10.79.0.0/24
		whole "$text, a" c1 10.78.0.1
		whole "$text, b" c2 10.79.0.1
		if [ $first = a ]; then
			cni DEL c1 a shbr 10.78.0.0/24
			second=b left=c2 gateway=10.79.0.1 lost=10.78.0.1
		else
			cni DEL c2 b shbr 10.79.0.0/24
			second=a left=c1 gateway=10.78.0.1 lost=10.79.0.1
		fi
		check "$text: rm" netd network rm $first
		whole "$text, the other" $left $gateway
		check_eq "$text: its gateway is gone" "" "$(addresses shbr | tr ' ' '\n' | grep "^$lost/")"
		check "$text: DEL" cni DEL $left $second shbr "${gateway%.1}.0/24"
		check "$text: rm the other" netd network rm $second
		if [ $made = somebody ]; then
			check "$text: the bridge stays" is_up shbr
			check_eq "$text: without addresses" "" "$(addresses shbr | tr ' ' '\n' | grep -v ^fe80)"
			check_eq "$text: route_localnet" 0 "$(localnet shbr)"
			ip link del shbr
		fi
		check "$text: no bridge is left" gone shbr
		nothing "$text"
	done
done
need "network" netd network create a --bridge sh --subnet 10.70.0.0/24
check_fails "the same subnet on the same bridge" "overlap" netd network create b --bridge sh --subnet 10.70.0.0/24
check_fails "another policy on the same bridge" "policy" netd network create b --bridge sh --subnet 10.71.0.0/24 \
	--routed
need "rm" netd network rm a
need "halves: first" netd network create a --bridge sh --subnet 10.70.0.0/24 --ip-range 10.70.0.0/25
check "halves of a subnet on the same bridge" netd network create b --bridge sh --subnet 10.70.0.0/24 \
	--ip-range 10.70.0.128/25
check "halves: attach" attach c1 --network a -p 81:80
check "halves: attach the other" attach c2 --network b -p 82:80
check_eq "halves: different addresses" 2 "$(printf '%s\n' "$(ip4 c1)" "$(ip4 c2)" | sort -u | wc -l)"
check "halves: detach" detach c1
answers "halves: the other's port" lan tcp $LAB_HOST4 82 c2
check "halves: rm" netd network rm a
whole "halves: the other alone" c2 10.70.0.1
check "halves: detach" detach c2
check "halves: rm" netd network rm b
check "halves: no bridge is left" gone sh
nothing "halves"

section "[::1] of the first network on a bridge when the first attach of a second fails"
if bridge_nf 1 && strace -o /dev/null -e trace=pwrite64 -e inject=pwrite64:error=EIO:when=99 true 2>/dev/null; then
	snapshot "$LAB_TMP/before"
	need "a" netd network create a --bridge shb --subnet 10.71.0.0/24 --subnet fd71::/64
	need "b" netd network create b --bridge shb --subnet 10.72.0.0/24 --subnet fd72::/64
	need "attach" attach c1 --network a -p 8081:80
	answers "before" host tcp ::1 8081 c1
	failed=0
	for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		if ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -o /dev/null -e trace=pwrite64 \
			-e inject=pwrite64:error=EIO:when=$k netd attach c2 --netns /run/netns/c2 --network b \
			>/dev/null 2>&1; then
			break
		fi
		failed=$((failed + 1))
		answers "EIO at $k: [::1] of the first" host tcp ::1 8081 c1
		check_match "EIO at $k: its chain" 'device "shb"' "$(nft list table netdev netd 2>&1)"
	done
	if [ $failed -gt 2 ]; then ok "failed $failed times"; else fail "the attach failed only $failed times"; fi
	for ns in c1 c2; do check "detach" detach $ns; done
	for net in b a; do check "rm" netd network rm $net; done
	nothing "[::1]"
else
	skip "[::1] on a shared bridge: needs br_netfilter and strace"
fi
bridge_nf 0

section "networks that change"
need "another network" dual other 9
need "attach" attach keep --network other
for made in netd somebody; do
	if [ $made = somebody ]; then
		foreign_bridge br0 up
	fi
	snapshot "$LAB_TMP/before"
	check "$made: ADD" cni ADD c1 n br0 10.77.0.0/24
	check "$made: DEL" cni DEL c1 n br0 10.77.0.0/24
	check "$made: ADD with another MTU" cni ADD c1 n br0 10.77.0.0/24 '.mtu = 1400'
	check_eq "$made: MTU" 1400 "$(at c1 ip -j link show eth0 | jq '.[0].mtu')"
	whole "$made: another MTU" c1 10.77.0.1
	check "$made: DEL" cni DEL c1 n br0 10.77.0.0/24
	check "$made: ADD with another gateway" cni ADD c1 n br0 10.77.0.0/24 \
		'.ipam.ranges[0][0].gateway = "10.77.0.254"'
	whole "$made: another gateway" c1 10.77.0.254
	check_eq "$made: the former gateway is gone" "" "$(addresses br0 | tr ' ' '\n' | grep ^10.77.0.1/)"
	check "$made: DEL" cni DEL c1 n br0 10.77.0.0/24
	check "$made: ADD with another subnet" cni ADD c1 n br0 10.78.0.0/24
	whole "$made: another subnet" c1 10.78.0.1
	check_eq "$made: only its gateway is left" "10.78.0.1/24" \
		"$(addresses br0 | tr ' ' '\n' | grep -v ^fe80 | xargs)"
	check "$made: ADD with another subnet while in use" cni ADD c2 n br0 10.79.0.0/24
	whole "$made: in use, the new one" c2 10.79.0.1
	whole "$made: in use, the old one" c1 10.78.0.1
	check_fails "$made: another bridge while in use" "in use" cni ADD c3 n br1 10.79.0.0/24
	check_fails "$made: no masquerading while in use" "in use" cni ADD c3 n br0 10.79.0.0/24 '.ipMasq = false'
	whole "$made: after refusals, the new one" c2 10.79.0.1
	check "$made: DEL" cni DEL c1 n br0 10.78.0.0/24
	check "$made: DEL" cni DEL c2 n br0 10.79.0.0/24
	check "$made: rm" netd network rm n
	unchanged "$made: everything as before" "$LAB_TMP/before"
done
ip link del br0
snapshot "$LAB_TMP/before"
check "two on a bridge: ADD" cni ADD c1 a shbr 10.78.0.0/24
check "two on a bridge: ADD to the second" cni ADD c2 b shbr 10.79.0.0/24
check "two on a bridge: DEL" cni DEL c2 b shbr 10.79.0.0/24
check "two on a bridge: ADD with another MTU" cni ADD c2 b shbr 10.79.0.0/24 '.mtu = 1400'
whole "two on a bridge: the changed one" c2 10.79.0.1
whole "two on a bridge: the other" c1 10.78.0.1
check "two on a bridge: DEL" cni DEL c2 b shbr 10.79.0.0/24
check "two on a bridge: DEL" cni DEL c1 a shbr 10.78.0.0/24
for net in a b; do check "two on a bridge: rm" netd network rm $net; done
unchanged "two on a bridge: everything as before" "$LAB_TMP/before"
section "bridges that somebody changes"
need "network" dual net 1
check "attach" attach c1 --network net -p 8081:80
for how in "link set nd-net down" "addr flush dev nd-net" "-4 addr flush dev nd-net" "-6 addr flush dev nd-net"; do
	# shellcheck disable=SC2086 # the words of the command
	need "ip $how" ip $how
	check "ip $how: attach" attach c2 --network net -p 8082:80
	whole "ip $how" c2 10.89.1.1
	answers "ip $how: gateway, IPv6" c2 tcp fd89:1::1 7002 host
	answers "ip $how: port, IPv6" lan tcp $LAB_HOST6 8082 c2
	whole "ip $how: the older" c1 10.89.1.1
	answers "ip $how: port of the older, IPv6" lan tcp $LAB_HOST6 8081 c1
	check "ip $how: detach" detach c2
done
ip link set nd-net down
ip link set nd-net up
check "down and up: attach" attach c2 --network net
answers "down and up: gateway, IPv6" c2 tcp fd89:1::1 7002 host
check "down and up: detach" detach c2
ip link set nd-net down
ip link set nd-net name other-name
ip link set other-name up
links=$(ip -j link | jq -c '[.[].ifname] | sort')
check_fails "renamed" "renamed to other-name" netd attach c2 --netns /run/netns/c2 --network net
check_eq "renamed: no second bridge" "$links" "$(ip -j link | jq -c '[.[].ifname] | sort')"
ip link set other-name down
ip link set other-name name nd-net
check "named back: attach" attach c2 --network net
whole "named back" c2 10.89.1.1
check "named back: detach" detach c2
check "named back: detach the older" detach c1
check "named back: rm" netd network rm net
unchanged "changed by somebody: everything as before" "$LAB_TMP/before"

section "a table of that name that is not netd's"
need "detach" detach keep
need "rm" netd network rm other
for mine in 'comment "mine";' ''; do
	nft flush ruleset
	nft -f - <<-RULES
		table inet netd { $mine
			chain mine { type filter hook input priority 0; tcp dport 1 drop; }
			set bridges { type ifname; elements = { "x" }; }
		}
	RULES
	table=$(nft list ruleset)
	need "network" dual net 1
	snapshot "$LAB_TMP/before"
	check_fails "foreign table: attach" "table" netd attach c1 --netns /run/netns/c1 --network net -p 8080:80
	unchanged "foreign table: everything as before" "$LAB_TMP/before"
	check "foreign table: detach" detach c1
	check "foreign table: rm" netd network rm net
	check_eq "foreign table: untouched" "$table" "$(nft list ruleset)"
	nft flush ruleset
done
need "network" dual net 1
need "attach" attach c1 --network net
nft delete table inet netd
nft add table inet netd
nft add chain inet netd mine
check_fails "it came while a container is attached" "table" netd attach c2 --netns /run/netns/c2 --network net
check "it came: detach" detach c1
check "it came: rm" netd network rm net
check_match "it came: untouched" "chain mine" "$(nft list ruleset)"
nft flush ruleset

section "the host's own networks"
lab_lan2
for subnet in 192.0.2.0/24 192.0.2.0/25 192.0.0.0/16 2001:db8::/64 2001:db8::/48 198.51.100.0/24; do
	snapshot "$LAB_TMP/before"
	check_fails "$subnet" "." netd network create tt --subnet "$subnet"
	netd attach c1 --netns /run/netns/c1 --network tt >/dev/null 2>&1
	check_fails "$subnet by CNI" "." cni ADD c1 tt ttbr "$subnet"
	unchanged "$subnet: everything as before" "$LAB_TMP/before"
done
check_fails "a gateway that is the host's" "." netd network create tt --subnet 192.0.2.0/24 --gateway 192.0.2.1
check_fails "with a bridge that exists" "." netd network create tt --subnet 192.0.2.0/24 --bridge lo
answers "the host still reaches its neighbour" host tcp $LAB_LAN4 7001 lan $LAB_HOST4
