#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Detach, whatever happened before it: namespace, bridge or rules gone, twice, unknown. Nothing stays.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
box a b c
for ns in a b c; do serve $ns $ns tcp:80 udp:53; done
need "network" dual net 1
need "attach b, which stays" attach b --network net -p 8082:80
snapshot "$LAB_TMP/before"

up() {
	if ! ip netns list | grep -q '^a\b'; then
		box a
		serve a a tcp:80 udp:53
	fi
	need "attach a" attach a --network net -p 8080:80 -p 5353:53/udp
	answers "works" lan tcp $LAB_HOST4 8080 a
}

section "plain, twice, unknown"
up
need "detach" detach a
unchanged "plain: everything as before" "$LAB_TMP/before"
check "again: nothing to do, no error" detach a
check "unknown id: nothing to do, no error" detach nobody
check "with network and ifname" detach a --network net --ifname eth0
unchanged "again: everything as before" "$LAB_TMP/before"
check_eq "the container's interface is gone" "" "$(at a ip -o link show type veth)"

section "by network and interface"
need "second network" dual net2 2
need "attach a to net" attach a --network net
check "attach a to net2" attach a --network net2 --ifname eth1
check_eq "two interfaces" "eth0 eth1" "$(at a ip -j link show type veth | jq -r '.[].ifname' | sort | xargs)"
check "detach only eth1" detach a --ifname eth1
check_eq "eth0 stays" eth0 "$(at a ip -j link show type veth | jq -r '.[].ifname')"
check "attach a to net2 again" attach a --network net2 --ifname eth1
check "detach from net" detach a --network net
check_eq "eth1 stays" eth1 "$(at a ip -j link show type veth | jq -r '.[].ifname')"
need "detach all" detach a
check_eq "none is left" "" "$(at a ip -o link show type veth)"
need "rm net2" netd network rm net2
unchanged "everything as before" "$LAB_TMP/before"

section "the namespace is gone"
up
server=$LAB_BG
stop "$server"
ip netns del a
until_true 5 sh -c '! ip -o link show type veth | grep -q NO-CARRIER'
need "detach" detach a
unchanged "namespace gone: everything as before" "$LAB_TMP/before"

section "the path is stale"
up
umount /run/netns/a
need "detach" detach a
unchanged "path is an empty file: everything as before" "$LAB_TMP/before"
rm -f /run/netns/a
up
umount /run/netns/a
rm -f /run/netns/a
ip netns add a
need "detach, another namespace under the path" detach a
unchanged "another namespace under the path: everything as before" "$LAB_TMP/before"
check_eq "which was left alone" "lo" "$(at a ip -j link show | jq -r '.[].ifname')"
ip netns del a

section "the veth pair is gone"
up
at a ip link del eth0
need "detach" detach a
unchanged "interface deleted: everything as before" "$LAB_TMP/before"

section "the rules are gone"
up
nft flush ruleset
need "detach" detach a
answers "and what stays attached is served again or still" host tcp "$(ip4 b)" 80 b
need "another attach" attach a --network net -p 8080:80
answers "after the flush: new port" lan tcp $LAB_HOST4 8080 a
answers "after the flush: old port of another container" lan tcp $LAB_HOST4 8082 b
answers "after the flush: old port, localhost" host tcp ::1 8082 b
silent "after the flush: the guards are back" lan tcp "$(ip4 b)" 80
need "detach" detach a
unchanged "after flush and rebuild: everything as before" "$LAB_TMP/before"
up
nft delete table inet netd
need "detach without the table" detach a
check_eq "a is not listed" "" "$(netd ls --json | grep -o '"a"')"
need "attach" attach a --network net
need "detach" detach a
unchanged "after the table's deletion: everything as before" "$LAB_TMP/before"

section "the bridge is gone"
up
bridge=$(ip -j addr | jq -r '.[] | select(.addr_info[]?.local == "10.89.1.1") | .ifname')
ip link del "$bridge"
need "detach a" detach a
need "detach b" detach b
check_eq "no veth is left" "" "$(ip -j link show type veth | jq -r '.[].ifname | select(test("^eth") | not)')"
check_eq "no published port is left" "" \
	"$(nft -j list ruleset | jq -c '.nftables[].map | select(.name // "" | test("^publish")) | .elem // empty')"
need "attach afterwards makes the bridge again" attach a --network net -p 8080:80
answers "and works" lan tcp $LAB_HOST4 8080 a $LAB_LAN4
answers "and works for IPv6" lan tcp $LAB_HOST6 8080 a $LAB_LAN6
need "detach" detach a
need "network rm" netd network rm net
check_eq "no bridge is left" "" "$(ip -o link show type bridge)"
check_eq "nothing is listed" "[]" "$(netd ls --json | jq -c .)"

section "the last network is removed while its bridge is gone"
need "network" dual net 1
need "attach" attach a --network net
need "detach" detach a
ip link del "$(ip -j addr | jq -r '.[] | select(.addr_info[]?.local == "10.89.1.1") | .ifname')"
check "network rm" netd network rm net
