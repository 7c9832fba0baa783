#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The -p grammar from the command line to the packet: addresses, ranges, chosen ports, conflicts.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
lab_lan2
box web other extra
serve web web tcp:80 tcp:81 tcp:82 tcp:83 udp:53 udp:80
serve other other tcp:80
need "network" dual net 1

# with TEXT SPEC...: attach web with these; detached by without.
with() {
	local spec args=()
	for spec in "$@"; do args+=(-p "$spec"); done
	need "attach -p $*" attach web --network net "${args[@]}"
}
without() {
	need "detach" detach web
}

section "families and addresses"
with 8080:80
answers "any: IPv4" lan tcp $LAB_HOST4 8080 web $LAB_LAN4
answers "any: IPv6" lan tcp $LAB_HOST6 8080 web $LAB_LAN6
silent "tcp only" lan udp $LAB_HOST4 8080
check_eq "netd port" "80/tcp -> 0.0.0.0:8080
80/tcp -> [::]:8080" "$(netd port web)"
check_eq "netd port ID PORT" "0.0.0.0:8080
[::]:8080" "$(netd port web 80)"
check_eq "netd port ID PORT/PROTO" "0.0.0.0:8080
[::]:8080" "$(netd port web 80/tcp)"
check_fails "netd port of one that is not published" "81" netd port web 81/tcp
without
with 0.0.0.0:8080:80
answers "0.0.0.0: IPv4" lan tcp $LAB_HOST4 8080 web
silent "0.0.0.0: not IPv6" lan tcp $LAB_HOST6 8080
silent "0.0.0.0: not ::1" host tcp ::1 8080
without
with '[::]:8080:80'
silent "[::]: not IPv4" lan tcp $LAB_HOST4 8080
answers "[::]: IPv6" lan tcp $LAB_HOST6 8080 web
answers "[::]: ::1" host tcp ::1 8080 web
without
with 127.0.0.1:8080:80 '[::1]:8081:80'
answers "127.0.0.1: local" host tcp 127.0.0.1 8080 web
silent "127.0.0.1: not the host's address" host tcp $LAB_HOST4 8080
silent "127.0.0.1: not from the LAN" lan tcp $LAB_HOST4 8080
answers "::1: local" host tcp ::1 8081 web
silent "::1: not IPv4" host tcp 127.0.0.1 8081
silent "::1: not from the LAN" lan tcp $LAB_HOST6 8081
without
with ::1:8080:80
answers "unbracketed ::1" host tcp ::1 8080 web
without
with $LAB_HOST4:8080:80 "[$LAB_HOST6]:8080:80"
answers "one address: IPv4" lan tcp $LAB_HOST4 8080 web
answers "one address: IPv6" lan tcp $LAB_HOST6 8080 web
silent "one address: not another" lan2 tcp 198.51.100.1 8080
without

section "protocols"
with 53:53/udp 80:80/UDP 80:80/tcp 9999:99/sctp
answers "udp" lan udp $LAB_HOST4 53 web
answers "udp, same number as tcp" lan udp $LAB_HOST6 80 web
answers "tcp, same number as udp" lan tcp $LAB_HOST6 80 web
check_match "sctp has its element" "sctp . 9999 .*: $(ip4 web) . 99" "$(nft list map inet netd publish_any4)"
check_match "sctp has its IPv6 element" "sctp . 9999 .*: $(ip6 web) . 99" \
	"$(nft list map inet netd publish_any6)"
without
check_eq "no element is left" 0 "$(nft list ruleset | grep -c "$(printf 'tcp \\. \\|udp \\. \\|sctp \\. ')")"

section "ranges"
with 8000-8003:80-83
for i in 0 1 2 3; do answers "range, port $i" lan tcp $LAB_HOST4 800$i web; done
silent "behind the range" lan tcp $LAB_HOST4 8004
without
with 80-81:82-83
answers "range shifted" lan tcp $LAB_HOST6 81 web
without
with 80-82
ports=$(netd port web | sed -n 's/.*0\.0\.0\.0://p')
check_eq "container range gives as many host ports" 3 "$(printf '%s\n' "$ports" | wc -l)"
for port in $ports; do answers "chosen port $port" lan tcp $LAB_HOST4 "$port" web; done
without

section "chosen ports"
printf '40000 40003\n' >/proc/sys/net/ipv4/ip_local_port_range
printf '40001\n' >/proc/sys/net/ipv4/ip_local_reserved_ports
with 80
one=$(netd port web 80 | head -n 1) two=$(netd port web 80 | tail -n 1)
check_eq "both families get the same number" "${one##*:}" "${two##*:}"
check_match "from the local range, not a reserved one" ":4000[023]\$" "$one"
answers "chosen port answers" lan tcp $LAB_HOST4 "${one##*:}" web
without
with 80
check "a freed port is not handed out at once" test "$(netd port web 80 | head -n 1)" != "$one"
without
with 127.0.0.1::80
one=$(netd port web 80)
check_match "chosen on one address" "^127\.0\.0\.1:4000[023]\$" "$one"
answers "chosen on one address, answers" host tcp 127.0.0.1 "${one##*:}" web
without
# fresh numbers: connections made above may still hold some of the others
printf '41000 41003\n' >/proc/sys/net/ipv4/ip_local_port_range
printf '41001\n' >/proc/sys/net/ipv4/ip_local_reserved_ports
with 80 81 82
before=$(kernel_state)
check_fails "all chosen" "all ports are allocated" attach other --network net -p 80
check_eq "nothing changed" "$before" "$(kernel_state)"
without
serve host squatter tcp:8500
squatter=$LAB_BG
with 8500-8510:80
one=$(netd port web 80/tcp | head -n 1)
check_match "any free port of a range, past a host listener" ":85(0[1-9]|10)\$" "$one"
answers "port of the range answers" lan tcp $LAB_HOST4 "${one##*:}" web
without

section "conflicts"
with 8080:80 127.0.0.1:7000:80 1053:53/udp
before=$(kernel_state; netd_state)
conflict() {
	check_fails "conflict: $1" "Bind for .*$2 failed: port is already allocated.*web" \
		attach other --network net -p "$1"
}
conflict 8080:80 8080
conflict 0.0.0.0:8080:80 0.0.0.0:8080
conflict '[::]:8080:80' '\[?::\]?:8080'
conflict 127.0.0.1:8080:80 127.0.0.1:8080
conflict 7000:80 7000
conflict 1053:53/udp 1053
conflict 8079-8081:80-82 8080
check_fails "conflict with a listener of the host" \
	"failed to bind host port 0\.0\.0\.0:8500/tcp: address already in use" \
	attach other --network net -p 8500:80
check_fails "the listener is named" "echod" attach other --network net -p 8500:80
check_fails "conflict inside one request" "8600" attach other --network net -p 8600:80 -p 8600:81
check_eq "no refused attach changed anything" "$before" "$(kernel_state; netd_state)"
answers "the owner of the port still has it" lan tcp $LAB_HOST4 8080 web
need "other protocol and other loopback address are no conflict" attach other --network net \
	-p 8080:80/udp -p 127.0.0.2:7000:80 -p 8083:80
answers "127.0.0.1:7000 is web's" host tcp 127.0.0.1 7000 web
answers "127.0.0.2:7000 is other's" host tcp 127.0.0.2 7000 other
need "detach" detach other
without
stop "$squatter"
with 8500:80
answers "free once the listener is gone" lan tcp $LAB_HOST4 8500 web
without

section "refused specifications"
before=$(kernel_state; netd_state)
refuse() {
	check_fails "refused: $1" "$2" attach extra --network net -p "$1"
}
refuse "80:" "no port specified: 80:<empty>"
refuse "80/foo" "invalid proto: foo"
refuse "1.2.3:80:80" "invalid IP address: 1.2.3"
refuse "80:x" "invalid containerPort: x"
refuse "x:80" "invalid hostPort: x"
refuse "80-81:90-93" "invalid ranges specified for container and host Ports: 90-93 and 80-81"
refuse "90-80" "invalid port range: 90-80"
refuse "65536:80" "value out of range \(0-65535\)"
refuse "-1:80" "."
refuse " 80:80" "."
refuse "80:80 " "."
refuse "+80:80" "."
refuse "" "."
check_eq "no refused specification changed anything" "$before" "$(kernel_state; netd_state)"
