ip link add nd-lab index 1048576 address 02:42:0a:01:00:01 type bridge
sysctl -q -e -w net/ipv6/conf/nd-lab/disable_ipv6=0
sysctl -q -e -w net/ipv6/conf/nd-lab/accept_ra=0
ip link set nd-lab addrgenmode none
ip link set nd-lab up
ip address replace fe80::1/64 dev nd-lab nodad
ip address replace 10.1.0.1/24 broadcast + dev nd-lab
ip address replace fd00:1::1/64 dev nd-lab nodad
ip -6 route replace local ::1/128 dev nd-lab proto static table local metric 1049600
ip link add veth5d461f42f31 index 1048578 address 02:45:db:d0:97:14 numtxqueues 1 numrxqueues 1 type veth peer name eth0 index 1048579 address 02:42:0a:01:00:02 numtxqueues 1 numrxqueues 1 netns '/run/netns/it'\''s'
sysctl -q -e -w net/ipv6/conf/veth5d461f42f31/disable_ipv6=1
ip link set veth5d461f42f31 master nd-lab
ip link set veth5d461f42f31 type bridge_slave hairpin on isolated off
ip link set veth5d461f42f31 up
ip neighbour replace 10.1.0.2 lladdr 02:42:0a:01:00:02 dev nd-lab nud reachable
ip neighbour replace fd00:1::2 lladdr 02:42:0a:01:00:02 dev nd-lab nud reachable
nsenter --net='/run/netns/it'\''s' sysctl -q -e -w net/ipv6/conf/lo/disable_ipv6=0
nsenter --net='/run/netns/it'\''s' sysctl -q -e -w net/ipv6/conf/eth0/disable_ipv6=0
nsenter --net='/run/netns/it'\''s' sysctl -q -e -w net/ipv6/conf/eth0/accept_ra=0
nsenter --net='/run/netns/it'\''s' ip link set lo up
nsenter --net='/run/netns/it'\''s' ip link set eth0 addrgenmode none
nsenter --net='/run/netns/it'\''s' ip link set eth0 up
nsenter --net='/run/netns/it'\''s' ip address add fe80::42:aff:fe01:2/64 dev eth0 nodad
nsenter --net='/run/netns/it'\''s' ip address add 10.1.0.2/24 broadcast + dev eth0
nsenter --net='/run/netns/it'\''s' ip address add fd00:1::2/64 dev eth0 nodad
nsenter --net='/run/netns/it'\''s' ip route add 0.0.0.0/0 via 10.1.0.1 dev eth0 proto static || : # one that is there already stays
nsenter --net='/run/netns/it'\''s' ip -6 route add ::/0 via fd00:1::1 dev eth0 proto static || : # one that is there already stays
# wait until both ends are up and the addresses answer
nft -f - <<'END'
table inet netd {
	comment "netd 1"
	map publish_addr4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
	map publish_addr6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
	map publish_any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
	map publish_any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
	set bridges { type ifname; }
	set same_bridge { type ifname . ifname; }
	set intra_bridge { type ifname . ifname; }
	set self4 { type ipv4_addr . ipv4_addr; }
	set self6 { type ipv6_addr . ipv6_addr; }
	set masq4 { type ipv4_addr; flags interval; }
	set masq6 { type ipv6_addr; flags interval; }
	map policy_from { type ifname : verdict; }
	map policy_to { type ifname : verdict; }
	chain guard {
		type filter hook prerouting priority raw; policy accept;
		iifname "lo" accept
		ip daddr 127.0.0.0/8 drop
		ip saddr 127.0.0.0/8 drop
		ip6 daddr ::1 drop
		ip6 saddr ::1 drop
	}
	chain publish {
		dnat ip to ip daddr . meta l4proto . th dport map @publish_addr4
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @publish_addr6
		dnat ip to meta l4proto . th dport map @publish_any4
		dnat ip6 to meta l4proto . th dport map @publish_any6
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local jump publish
	}
	chain output {
		type nat hook output priority -100; policy accept;
		fib daddr type local jump publish
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat oifname @bridges ip saddr 127.0.0.0/8 masquerade
		ct status dnat oifname @bridges ip6 saddr ::1 masquerade
		ct status dnat iifname . oifname @same_bridge masquerade
		ct status dnat ip saddr . ip daddr @self4 masquerade
		ct status dnat ip6 saddr . ip6 daddr @self6 masquerade
		oifname @bridges return
		ip saddr @masq4 masquerade
		ip6 saddr @masq6 masquerade
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname != @bridges oifname != @bridges accept
		ct state invalid drop
		ct state established,related accept
		iifname . oifname @intra_bridge accept
		iifname vmap @policy_from
		ct status dnat accept
		oifname vmap @policy_to
	}
	chain loopback6 {
		type filter hook prerouting priority -90; policy accept;
		iifname @bridges ip6 daddr ::1 ct direction reply ct status dnat meta mark set meta mark | 0x10000000
	}
}
add element inet netd bridges { "nd-lab" }
add element inet netd same_bridge { "nd-lab" . "nd-lab" }
add element inet netd intra_bridge { "nd-lab" . "nd-lab" }
add element inet netd policy_to { "nd-lab" : drop }
add element inet netd masq4 { 10.1.0.0/24 }
add element inet netd masq6 { fd00:1::/64 }
table netdev netd {
	chain lo6_nd_lab-8712e4bd {
		type filter hook ingress device "nd-lab" priority 0; policy accept;
		meta mark & 0x10000000 != 0 ip6 daddr ::1 ether daddr set 00:00:00:00:00:00 fwd to "lo"
	}
}
add element inet netd publish_any4 { tcp . 8080 comment "lab/web/eth0" : 10.1.0.2 . 80 }
add element inet netd publish_any6 { tcp . 8080 comment "lab/web/eth0" : fd00:1::2 . 80 }
add element inet netd publish_addr4 { 127.0.0.1 . tcp . 9000 comment "lab/web/eth0" : 10.1.0.2 . 90, 127.0.0.1 . tcp . 9001 comment "lab/web/eth0" : 10.1.0.2 . 91, 127.0.0.1 . tcp . 9002 comment "lab/web/eth0" : 10.1.0.2 . 92 }
add element inet netd publish_any4 { udp . 53 comment "lab/web/eth0" : 10.1.0.2 . 5353 }
add element inet netd self4 { 10.1.0.2 . 10.1.0.2 comment "lab/web/eth0" }
add element inet netd self6 { fd00:1::2 . fd00:1::2 comment "lab/web/eth0" }
END
sysctl -q -w net/ipv4/conf/nd-lab/route_localnet=1
sysctl -q -w net/ipv4/ip_forward=1
sysctl -q -e -w net/ipv6/conf/wan0/accept_ra=2
sysctl -q -e -w net/ipv6/conf/all/forwarding=1
# connections that still follow the old translation; none is fine
for address in $(ip -o -4 address | sed 's|.* inet \([^/ ]*\).*|\1|'); do for port in $(seq 53 53); do conntrack -D -f ipv4 -p udp --orig-port-dst $port --orig-dst $address 2>/dev/null || true; done; done
