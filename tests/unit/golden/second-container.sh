ip link add veth5d461f42f31 index 1048578 address 02:45:db:d0:97:14 numtxqueues 1 numrxqueues 1 type veth peer name eth0 index 1048579 address 02:42:0a:01:00:02 numtxqueues 1 numrxqueues 1 netns '/run/netns/it'\''s'
sysctl -q -e -w net/ipv6/conf/veth5d461f42f31/disable_ipv6=1
ip link set veth5d461f42f31 master nd-lab
ip link set veth5d461f42f31 type bridge_slave hairpin on isolated off
ip link set veth5d461f42f31 up
ip neighbour replace 10.1.0.2 lladdr 02:42:0a:01:00:02 dev nd-lab nud reachable
nsenter --net='/run/netns/it'\''s' sysctl -q -e -w net/ipv6/conf/eth0/disable_ipv6=1
nsenter --net='/run/netns/it'\''s' ip link set lo up
nsenter --net='/run/netns/it'\''s' ip link set eth0 up
nsenter --net='/run/netns/it'\''s' ip address add 10.1.0.2/24 broadcast + dev eth0
nsenter --net='/run/netns/it'\''s' ip route add 0.0.0.0/0 via 10.1.0.1 dev eth0 proto static || : # one that is there already stays
# wait until both ends are up and the addresses answer
nft -f - <<'END'
add element inet netd publish_any4 { tcp . 8080 comment "lab/web/eth0" : 10.1.0.2 . 80 }
add element inet netd self4 { 10.1.0.2 . 10.1.0.2 comment "lab/web/eth0" }
END
