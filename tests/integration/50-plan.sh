#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The printed plan is the truth: run by hand with ip, nft and sysctl in an identical world it gives the
# kernel state that the real attach gives, on the host and in the container; and it changes nothing by
# itself.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"

# The part that runs in the second world: the script, then the state of host and container.
if [ "${1:-}" = second ]; then
	lab_up
	trap - EXIT
	bridge_nf "$2"
	box a
	set -e
	sh -eu "$3" >"$4.log" 2>&1 || { cat "$4.log"; exit 1; }
	{ kernel_state; at a bash -c "$(declare -f links_state routes_state sysctl_state); links_state; routes_state; sysctl_state"; } >"$4"
	exit 0
fi
lab_up

both_states() {
	kernel_state
	at a bash -c "$(declare -f links_state routes_state sysctl_state)
		links_state; routes_state; sysctl_state"
}

# What a second, identical world looks like after SCRIPT: in namespaces of its own below this one.
second_world() {
	unshare --net --mount bash "$0" second "$nf" "$1" "$2"
}

# plan TEXT NETWORK-ARGS -- ATTACH-ARGS
plan() {
	local text="$1, bridge-nf $nf" net=() script=$OUT/plan.sh
	shift
	while [ "$1" != -- ]; do
		net+=("$1")
		shift
	done
	shift
	need "$text: network" netd network create plan "${net[@]}"
	box a
	snapshot "$LAB_TMP/before"
	if ! attach a --network plan "$@" --dry-run >"$script" 2>"$LAB_TMP/err"; then
		fail "$text: dry run" "$(cat "$LAB_TMP/err")"
	fi
	unchanged "$text: a dry run changes nothing" "$LAB_TMP/before"
	check "$text: is a shell script" sh -n "$script"
	need "$text: attach" attach a --network plan "$@"
	both_states >"$OUT/real"
	netd explain a >"$OUT/explained.sh"
	check "$text: explain is a shell script" sh -n "$OUT/explained.sh"
	check "$text: the printed plan runs" second_world "$script" "$OUT/dry"
	check "$text: dry run = attach" diff "$OUT/real" "$OUT/dry"
	check "$text: the explanation runs" second_world "$OUT/explained.sh" "$OUT/explained"
	check "$text: explain = attach" diff "$OUT/real" "$OUT/explained"
	need "$text: detach" detach a
	need "$text: rm" netd network rm plan
	ip netns del a
	nft flush ruleset
	set_sysctl ipv4/ip_forward 0
	set_sysctl ipv6/conf/all/forwarding 0
	rm -f $OUT/*
}

# Both worlds see this; each has a /run of its own.
OUT=/mnt
mount -t tmpfs tmpfs $OUT

for nf in 0 1; do
	bridge_nf $nf
	plan "dual stack, ports" --subnet 10.89.1.0/24 --subnet fd89:1::/64 -- \
		-p 8080:80 -p 5353:53/udp -p 127.0.0.1:9090:90 -p '[::1]:9090:90' -p 7000-7004:70-74
	plan "IPv4 only" --subnet 10.89.1.0/24 -- -p 8080:80
	plan "internal" --subnet 10.89.1.0/24 --subnet fd89:1::/64 --internal --
	plan "isolated" --subnet 10.89.1.0/24 --subnet fd89:1::/64 --isolated -- -p 8080:80
	plan "routed, mtu, bridge, gateway" --subnet 10.89.1.0/24 --gateway 10.89.1.9 --routed --mtu 1400 \
		--bridge mybr0 -- --ip 10.89.1.20 --mac 02:11:22:33:44:55 --ifname net0
done

section "plans of what would fail"
check_fails "a dry run reports errors" "none" netd attach x --netns /run/netns/none --dry-run
check_fails "explain of nobody" "nobody" netd explain nobody
