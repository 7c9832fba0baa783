#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The core as root of a user namespace that owns the network namespaces, without any privilege outside.
LAB_UNSHARE="--user --map-root-user"
if [ "${LAB_INSIDE:-}" != 1 ] && ! unshare --user --map-root-user --net --mount true 2>/dev/null; then
	echo "SKIPPED rootless: this kernel does not let an unprivileged user make user namespaces"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
box a b
serve a a tcp:80 udp:53
serve b b tcp:80
serve lan lan tcp:80
need "network" dual net 1
snapshot "$LAB_TMP/fresh"
need "attach a" attach a --network net -p 8080:80 -p 5353:53/udp
need "attach b" attach b --network net
for to in $LAB_HOST4 $LAB_HOST6; do
	answers "LAN to $to" lan tcp $to 8080 a
	answers "LAN to $to, UDP" lan udp $to 5353 a
	answers "host to $to" host tcp $to 8080 a
	answers "neighbour to $to" b tcp $to 8080 a
	answers "itself to $to" a tcp $to 8080 a
done
answers "127.0.0.1" host tcp 127.0.0.1 8080 a
answers "::1" host tcp ::1 8080 a
answers "outwards" a tcp $LAB_LAN4 80 lan $LAB_HOST4
answers "outwards IPv6" a tcp $LAB_LAN6 80 lan $LAB_HOST6
silent "LAN directly" lan tcp "$(ip4 a)" 80
silent "LAN directly, IPv6" lan tcp "$(ip6 a)" 80
check_fails "port taken" "8080" attach b --network net --ifname eth1 -p 8080:80
need "detach a" detach a
need "detach b" detach b
check_eq "nothing is listed" "[]" "$(netd ls --json | jq -c .)"
check_eq "netd run" "eth0 lo" "$(netd run -- ls /sys/class/net | xargs)"
need "network rm" netd network rm net
