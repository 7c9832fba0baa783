#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks that container networking fell to before, replayed: by a neighbour of the host ("evil", which
# may add any route and send any frame) and by a container.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
lab_lan2
frame=$LAB_ROOT/tests/integration/frame.py

# An attacker whose own loopback does not get in the way: 127/8 is routed to the host.
evil_routes() {
	at lan2 bash -c '
		echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
		ip route flush table local dev lo
		ip route add 127.0.0.0/8 via 198.51.100.1 dev eth0 src 198.51.100.2'
}

# Counts what arrives, wherever it comes from and whatever answers: in NS, by hook, by port.
probe() {
	at "$1" nft -f - <<-RULES
		table inet probe {
			counter hits { }
			chain input { type filter hook input priority 300; th dport $2 iifname != "lo" counter name hits; }
		}
	RULES
}
hits() {
	at "$1" nft -j list counter inet probe hits | jq '.nftables[1].counter.packets'
}

# shoot NS DST_MAC SRC DST KIND PORT: one frame from eth0 of NS.
shoot() {
	local mac
	mac=$(at "$1" ip -j link show eth0 | jq -r '.[0].address')
	at "$1" python3 "$frame" eth0 "$2" "$mac" "$3" "$4" "$5" "${6:-0}"
}
# The MAC of the bridge that carries the gateway address $1.
bridge_mac() {
	ip -j addr | jq -r --arg ip "$1" '.[] | select(.addr_info[]?.local == $ip) | .address'
}

evil_routes
box a b c six
serve a a tcp:80 tcp:81 udp:53
serve b b tcp:80 udp:53
serve host local tcp:127.0.0.1:7777 udp:127.0.0.1:7777 "tcp:[::1]:7777" "udp:[::1]:7777"
serve lan lan tcp:80 tcp:8080 udp:53 udp:5353

for nf in 0 1; do
	bridge_nf $nf
	what="bridge-nf $nf:"
	need "network" dual front 1
	need "network" dual back 2
	need "attach a" attach a --network front -p 8080:80 -p 127.0.0.1:9090:80 -p '[::1]:9090:80' \
		-p 127.0.0.1:9053:53/udp -p '[::1]:9053:53/udp'
	need "attach b" attach b --network front -p $LAB_HOST4:8888:80
	need "attach c" attach c --network back
	a4=$(ip4 a) a6=$(ip6 a) c4=$(ip4 c)
	front_mac=$(bridge_mac 10.89.1.1) back_mac=$(bridge_mac 10.89.2.1)

	section "1: services of the host's loopback"
	answers "$what the host's loopback service works" host tcp 127.0.0.1 7777 local
	probe host 7777
	for ip in 127.0.0.1 127.0.0.2; do
		silent "$what evil to $ip:7777 tcp" lan2 tcp $ip 7777
		silent "$what evil to $ip:7777 udp" lan2 udp $ip 7777
	done
	shoot lan2 02:00:00:00:02:01 198.51.100.2 127.0.0.1 udp 7777
	shoot lan2 02:00:00:00:02:01 127.0.0.1 127.0.0.1 udp 7777
	shoot lan2 02:00:00:00:02:01 127.0.0.1 198.51.100.1 udp 7777
	shoot lan2 02:00:00:00:02:01 2001:db8:1::2 ::1 udp 7777
	shoot lan2 02:00:00:00:02:01 ::1 2001:db8:1::1 udp 7777
	shoot a "$front_mac" "$a4" 127.0.0.1 udp 7777
	shoot a "$front_mac" "$a4" 127.0.0.1 syn 7777
	shoot a "$front_mac" 127.0.0.1 10.89.1.1 udp 7777
	shoot a "$front_mac" "$a6" ::1 udp 7777
	shoot a "$front_mac" "$a6" ::1 syn 7777
	shoot a "$front_mac" ::1 fd89:1::1 udp 7777
	check_eq "$what no frame reaches the host's loopback" 0 "$(hits host)"
	at a bash -c "echo x >/dev/udp/10.89.1.1/7777"
	check_eq "$what (the probe counts an ordinary one)" 1 "$(hits host)"
	nft delete table inet probe

	section "2: ports published on loopback only"
	answers "$what the host reaches 127.0.0.1:9090" host tcp 127.0.0.1 9090 a
	answers "$what the host reaches [::1]:9090" host tcp ::1 9090 a
	answers "$what the host reaches 127.0.0.1:9053" host udp 127.0.0.1 9053 a
	answers "$what the host reaches [::1]:9053" host udp ::1 9053 a
	probe a "{ 53, 80 }"
	for ip in 127.0.0.1 127.0.0.2; do
		silent "$what evil to $ip:9090" lan2 tcp $ip 9090
		silent "$what evil to $ip:9053 udp" lan2 udp $ip 9053
	done
	silent "$what evil to the host's address" lan2 tcp 198.51.100.1 9090
	shoot lan2 02:00:00:00:02:01 2001:db8:1::2 ::1 syn 9090
	shoot lan2 02:00:00:00:02:01 2001:db8:1::2 ::1 udp 9053
	shoot b "$front_mac" "$(ip4 b)" 127.0.0.1 syn 9090
	shoot b "$front_mac" "$(ip4 b)" 127.0.0.1 udp 9053
	shoot b "$front_mac" "$(ip6 b)" ::1 syn 9090
	shoot b "$front_mac" "$(ip6 b)" ::1 udp 9053
	shoot c "$back_mac" "$c4" 127.0.0.1 syn 9090
	shoot c "$back_mac" "$(ip6 c)" ::1 syn 9090
	silent "$what a neighbour to the host's address" b tcp $LAB_HOST4 9090
	silent "$what another network to the host's address" c tcp $LAB_HOST6 9090
	check_eq "$what nothing reaches the container" 0 "$(hits a)"

	section "3: direct routing"
	for ip in "$a4" "$a6"; do
		silent "$what LAN to $ip:80" lan tcp "$ip" 80
		silent "$what LAN to $ip:81" lan tcp "$ip" 81
		silent "$what LAN to $ip:53 udp" lan udp "$ip" 53
		silent "$what another network to $ip:80" c tcp "$ip" 80
	done
	check_eq "$what nothing reaches the container" 0 "$(hits a)"
	answers "$what (the published port does)" lan tcp $LAB_HOST4 8080 a $LAB_LAN4
	check "$what (and the probe counts)" test "$(hits a)" -gt 0
	at a nft delete table inet probe

	section "4: foreign addresses, other addresses of the host"
	answers "$what outwards to a published port's number" a tcp $LAB_LAN4 8080 lan
	answers "$what outwards, UDP" a udp $LAB_LAN6 5353 lan
	answers "$what port bound to one address, there" lan tcp $LAB_HOST4 8888 b
	silent "$what port bound to one address, at another" lan2 tcp 198.51.100.1 8888
	silent "$what port bound to one address, at loopback" host tcp 127.0.0.1 8888

	section "15: packets without a connection"
	at lan nft -f - <<-RULES
		table inet leak {
			counter private { }
			chain input { type filter hook prerouting priority -300;
				ip saddr 10.89.0.0/16 counter name private
				ip6 saddr fd89::/16 counter name private; }
		}
	RULES
	shoot a "$front_mac" "$a4" $LAB_LAN4 rst 80
	shoot a "$front_mac" "$a6" $LAB_LAN6 rst 80
	answers "$what (ordinary traffic passes)" a tcp $LAB_LAN4 80 lan $LAB_HOST4
	answers "$what (ordinary traffic passes)" a tcp $LAB_LAN6 80 lan $LAB_HOST6
	check_eq "$what no container address leaves the host" 0 \
		"$(at lan nft -j list counter inet leak private | jq '.nftables[1].counter.packets')"
	at lan nft delete table inet leak

	section "5: router advertisements"
	routes_before=$(ip -6 route; at b ip -6 route)
	at a ip addr add fe80::66/64 dev eth0 nodad
	shoot a 33:33:00:00:00:01 fe80::66 \
		ff02::1 ra
	answers "$what (traffic goes on)" b tcp "$a6" 80 a
	check_eq "$what host and neighbour take no route from it" "$routes_before" \
		"$(ip -6 route; at b ip -6 route)"

	for name in a b c; do need "detach $name" detach $name; done
	need "network rm" netd network rm front
	need "network rm" netd network rm back
done

section "9: IPv4-only network"
need "network" netd network create four --subnet 10.89.4.0/24
need "attach" attach six --network four
check_eq "no IPv6 address at all" "" "$(at six ip -6 -o addr show dev eth0)"
check_eq "IPv6 is off on the interface" 1 "$(at six cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6)"
need "detach" detach six

section "12: an address that is not the host's"
before=$(kernel_state)
check_fails "publish on a foreign IPv4 address" "192\.0\.2\.77" attach six -p 192.0.2.77:80:80
check_fails "publish on a foreign IPv6 address" "2001:db8::77" attach six -p '[2001:db8::77]:80:80'
check_eq "nothing changed" "$before" "$(kernel_state)"

section "16: stale UDP flows when a container is replaced"
need "network" dual flow 5
box old new
serve old old udp:53
serve new new udp:53
need "attach old" attach old --network flow -p 5353:53/udp
cat >"$LAB_TMP/flow.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.connect((sys.argv[1], 5353))
def once():
    try:
        s.send(b"x")
        return s.recv(100).decode().split()[0]
    except OSError as e:
        return "nobody"
print(once(), flush=True)
sys.stdin.readline()
print(once(), flush=True)
PY
for to in $LAB_HOST4 $LAB_HOST6; do
	mkfifo "$LAB_TMP/go"
	at lan python3 "$LAB_TMP/flow.py" $to <"$LAB_TMP/go" >"$LAB_TMP/flow.out" &
	LAB_PIDS="$LAB_PIDS $!"
	exec 9>"$LAB_TMP/go"
	check "first answer" until_true 5 grep -q . "$LAB_TMP/flow.out"
	need "detach old" detach old
	need "attach new" attach new --network flow -p 5353:53/udp
	exec 9>&-
	wait $!
	check_eq "the same flow to $to reaches the new container" "old new" "$(xargs <"$LAB_TMP/flow.out")"
	need "detach new" detach new
	need "attach old" attach old --network flow -p 5353:53/udp
	rm "$LAB_TMP/go"
done
