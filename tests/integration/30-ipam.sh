#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses: rotation, requests, exhaustion, small subnets, automatic subnets; a refusal changes nothing.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
box a b c d e f

# next NAME ARG...: attach, print the address, leave attached.
next() {
	attach "$1" "${@:2}" >/dev/null && ip4 "$1"
}

section "rotation and exhaustion: /29"
need "network" netd network create small --subnet 10.50.0.0/29
for host in 2 3 4 5 6 2 3; do
	check_eq "rotation: 10.50.0.$host" 10.50.0.$host "$(next a --network small)"
	need "detach" detach a
done
for box in a b c d e; do need "attach $box" attach $box --network small; done
check_eq "all five are distinct" 5 "$(for box in a b c d e; do ip4 $box; done | sort -u | wc -l)"
before=$(kernel_state; netd_state)
check_fails "exhausted" "10\.50\.0\.|small" attach f --network small
check_fails "exhausted for a published port, too" "." attach f --network small -p 8080:80
check_eq "nothing changed" "$before" "$(kernel_state; netd_state)"
freed=$(ip4 c)
need "detach c" detach c
check_eq "the only free one" "$freed" "$(next f --network small)"
for box in a b d e f; do need "detach $box" detach $box; done

section "requested addresses"
need "network" dual dual 1
check_eq "requested IPv4" 10.89.1.50 "$(next a --network dual --ip 10.89.1.50)"
check_match "the other family is chosen" "^fd89:1::" "$(ip6 a)"
need "attach b" attach b --network dual --ip fd89:1::beef --ip 10.89.1.60
check_eq "requested IPv6" fd89:1::beef "$(ip6 b)"
check_eq "requested both" 10.89.1.60 "$(ip4 b)"
before=$(kernel_state; netd_state)
check_fails "taken: the owner is named" "10\.89\.1\.50.*\ba\b" attach c --network dual --ip 10.89.1.50
check_fails "taken IPv6" "fd89:1::beef.*\bb\b" attach c --network dual --ip fd89:1::beef
check_fails "the gateway's" "10\.89\.1\.1" attach c --network dual --ip 10.89.1.1
check_fails "the network's" "10\.89\.1\.0" attach c --network dual --ip 10.89.1.0
check_fails "the broadcast" "10\.89\.1\.255" attach c --network dual --ip 10.89.1.255
check_fails "outside" "10\.89\.2\.5" attach c --network dual --ip 10.89.2.5
check_fails "two of one range" "10\.89\.1\." attach c --network dual --ip 10.89.1.70 --ip 10.89.1.71
check_fails "not an address" "banana" attach c --network dual --ip banana
check_fails "leading zeros" "010" attach c --network dual --ip 10.89.1.010
check_eq "nothing changed" "$before" "$(kernel_state; netd_state)"
need "detach a" detach a
check_eq "a freed address can be requested at once" 10.89.1.50 "$(next c --network dual --ip 10.89.1.50)"
check_eq "with prefix length" 10.89.1.51 "$(next a --network dual --ip 10.89.1.51/24)"
for box in a b c; do need "detach $box" detach $box; done

section "range and gateway"
need "network" netd network create ranged --subnet 10.51.0.0/24 --ip-range 10.51.0.64/30 --gateway 10.51.0.200
check_match "from the range" "^10\.51\.0\.6[4-7]\$" "$(next a --network ranged)"
check_eq "default route by the gateway" 10.51.0.200 "$(at a ip -j route show default | jq -r '.[0].gateway')"
check_match "the bridge holds it" "." "$(ip -o addr show | grep '10.51.0.200/24')"
for box in b c d; do need "attach $box" attach $box --network ranged; done
check_fails "the range is exhausted" "." attach e --network ranged
check_eq "ping through the gateway" 0 "$(serve host gw tcp:10.51.0.200:99; at a ask tcp 10.51.0.200 99 >/dev/null; echo $?)"
for box in a b c d; do need "detach $box" detach $box; done

section "small subnets"
need "/30" netd network create thirty --subnet 10.52.0.0/30
check_eq "/30: one address" 10.52.0.2 "$(next a --network thirty)"
check_fails "/30: no second" "." attach b --network thirty
need "/31" netd network create thirtyone --subnet 10.53.0.0/31
check_eq "/31: the address beside the gateway" 10.53.0.1 "$(next c --network thirtyone)"
check_fails "/31: no second" "." attach b --network thirtyone
serve lan lan tcp:80
answers "/31: works" c tcp $LAB_LAN4 80 lan
need "/127" netd network create six --subnet fd52::/127
need "attach d" attach d --network six
check_eq "/127" fd52::1 "$(ip6 d)"
answers "/127, no IPv4: works" d tcp $LAB_LAN6 80 lan
check_fails "/32 is refused" "/32" netd network create thirtytwo --subnet 10.54.0.0/32
check_fails "/128 is refused" "/128" netd network create x --subnet fd53::1/128
for box in a c d; do need "detach $box" detach $box; done

section "mtu"
need "network" netd network create jumbo --subnet 10.55.0.0/24 --mtu 1400
need "attach" attach a --network jumbo
check_eq "container end" 1400 "$(at a ip -j link show eth0 | jq '.[0].mtu')"
bridge=$(ip -j addr | jq -r '.[] | select(.addr_info[]?.local == "10.55.0.1") | .ifname')
check_eq "host end" 1400 "$(ip -j link show master "$bridge" | jq '.[0].mtu')"
check_eq "bridge" 1400 "$(ip -j link show "$bridge" | jq '.[0].mtu')"
need "detach" detach a

section "automatic subnets avoid the host's addresses and routes"
ip addr add 10.144.0.1/24 dev eth0
ip route add 10.144.1.0/24 via $LAB_LAN4
ip route add 10.144.2.128/25 via $LAB_LAN4
ip route add blackhole 10.144.3.0/25
need "network" netd network create auto
address=$(next a --network auto)
check_match "not one of the busy ones" "^10\.1(4[4-9]|5[0-9])\.[0-9]+\.[0-9]+\$" "$address"
check "not one of the busy ones" sh -c "! echo $address | grep -Eq '^10\.144\.[0123]\.'"
need "network with IPv6" netd network create auto6 --ipv6
need "attach" attach b --network auto6
check_match "IPv4 elsewhere" "^10\.1[45]" "$(ip4 b)"
check_match "IPv6 from the pool" "^fd6e:6574:64" "$(ip6 b)"
check "other subnet than the first" test "$(ip4 b | cut -d. -f3)" != "$(echo "$address" | cut -d. -f3)"
need "default network" attach c
check_match "default network has IPv4" "^10\." "$(ip4 c)"
for box in a b c; do need "detach $box" detach $box; done

section "refused definitions"
before=$(kernel_state; netd_state)
refuse() {
	check_fails "refused: $*" "." netd network create "$@"
}
refuse over --subnet 10.89.1.128/25
refuse over --subnet 10.89.0.0/16
refuse bits --subnet 10.60.0.1/24
refuse bad --subnet 10.60.0.0/33
refuse bad --subnet 10.60.0.0
refuse bad --subnet 010.60.0.0/24
refuse bad --subnet 10.60.0.0/24 --gateway 10.61.0.1
refuse bad --subnet 10.60.0.0/24 --gateway 10.60.0.255
refuse bad --subnet 10.60.0.0/24 --ip-range 10.61.0.0/25
refuse bad --subnet 10.60.0.0/24 --mtu 5
refuse bad --subnet 10.60.0.0/24 --mtu 99999999999
refuse ../bad --subnet 10.60.0.0/24
refuse "" --subnet 10.60.0.0/24
refuse "$(printf 'n%.0s' {1..300})" --subnet 10.60.0.0/24
refuse bad --subnet 10.60.0.0/24 --bridge 'with/slash'
refuse bad --subnet 10.60.0.0/24 --bridge sixteen-bytes-xx
refuse dual --subnet 10.60.0.0/24
check_eq "nothing changed" "$before" "$(kernel_state; netd_state)"
