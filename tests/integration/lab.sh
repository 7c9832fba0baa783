# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A private world for one suite. Sourcing this file starts the suite again in network, mount and PID
# namespaces of its own: whatever it makes ends with it, and the machine's network is never touched.
#
#	lan  192.0.2.2, 2001:db8::2  ---- eth0  host  eth1 ----  198.51.100.2, 2001:db8:1::2  lan2
#	                                          |
#	                              bridges of netd, containers
#
# The suite's shell is inside "host". Containers are namespaces made by "ip netns add"; "at NAME CMD"
# runs a command in one. Everything is judged by ip, nft, curl, conntrack and the tools of tests/tools.
#
# The suite's environment: NETD_BUILD (build directory), LAB_TIMEOUT (seconds, default 150).

set -u
LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BUILD=${NETD_BUILD:-build}
case $LAB_BUILD in
/*) ;;
*) LAB_BUILD=$LAB_ROOT/$LAB_BUILD ;;
esac

if [ "${LAB_INSIDE:-}" != 1 ]; then
	export LAB_INSIDE=1
	# shellcheck disable=SC2086 # LAB_UNSHARE is a list of options
	exec timeout -k 5 "${LAB_TIMEOUT:-150}" unshare ${LAB_UNSHARE:-} --net --mount --pid --fork \
		--kill-child --mount-proc bash "$0" "$@"
fi

LAB_TMP=/run/lab
LAB_HOST4=192.0.2.1 LAB_HOST6=2001:db8::1
LAB_LAN4=192.0.2.2 LAB_LAN6=2001:db8::2
LAB_PASSED=0 LAB_FAILED=0 LAB_SKIPPED=0 LAB_PIDS=""
export LC_ALL=C PATH="$LAB_BUILD:$LAB_BUILD/tests/tools:/usr/sbin:/usr/bin:/sbin:/bin"
export NETD_STATE_DIR=$LAB_TMP/state NETD_CONFIG_DIR=$LAB_TMP/config
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}:log_path=$LAB_TMP/sanitizer"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}:log_path=$LAB_TMP/sanitizer"

# ---- judging ---------------------------------------------------------------------------------

ok() {
	LAB_PASSED=$((LAB_PASSED + 1))
	if [ -n "${VERBOSE:-}" ]; then printf 'ok      %s\n' "$1"; fi
}

# fail TEXT [DETAIL]
fail() {
	LAB_FAILED=$((LAB_FAILED + 1))
	printf 'FAILED  %s\n' "$1"
	if [ -n "${2:-}" ]; then printf '%s\n' "$2" | head -n 40 | sed 's/^/        | /'; fi
}

skip() {
	LAB_SKIPPED=$((LAB_SKIPPED + 1))
	printf 'SKIPPED %s\n' "$1"
}

section() {
	if [ -n "${VERBOSE:-}" ]; then printf -- '--- %s\n' "$1"; fi
}

# check TEXT CMD...: the command succeeds.
check() {
	local text=$1 out
	shift
	out=$("$@" 2>&1 </dev/null) && {
		ok "$text"
		return
	}
	fail "$text" "$* -> $?: $out"
}

# check_fails TEXT PATTERN CMD...: it fails in an orderly manner (status 1 or 2) and says PATTERN.
check_fails() {
	local text=$1 pattern=$2 out status=0
	shift 2
	out=$("$@" 2>&1 </dev/null) || status=$?
	if [ $status -ne 1 ] && [ $status -ne 2 ]; then
		fail "$text" "$* -> $status, expected 1 or 2: $out"
	elif ! printf '%s' "$out" | grep -Eqi -- "$pattern"; then
		fail "$text" "$*: does not say \"$pattern\": $out"
	else
		ok "$text"
	fi
}

# check_eq TEXT EXPECTED ACTUAL
check_eq() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		fail "$1" "$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))"
	fi
}

# check_match TEXT PATTERN ACTUAL
check_match() {
	if printf '%s' "$3" | grep -Eq -- "$2"; then ok "$1"; else fail "$1" "no \"$2\" in: $3"; fi
}

# need TEXT CMD...: without this the rest of the suite means nothing.
need() {
	local out
	out=$("${@:2}" 2>&1 </dev/null) && return
	fail "$1" "${*:2} -> $?: $out"
	exit 1
}

# until_true SECONDS CMD...: waits for a condition; never for a time.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then return 1; fi
		sleep 0.02
	done
}

lab_end() {
	local status=$? pid report
	trap - EXIT
	for pid in $LAB_PIDS; do kill -9 "$pid" 2>/dev/null; done
	for report in "$LAB_TMP"/sanitizer.*; do
		if [ -e "$report" ]; then fail "sanitizer report" "$(cat "$report")"; fi
	done
	if [ $status -ne 0 ] && [ $LAB_FAILED -eq 0 ]; then fail "the suite ended early: status $status"; fi
	printf '%d passed, %d failed' $LAB_PASSED $LAB_FAILED
	if [ $LAB_SKIPPED -ne 0 ]; then printf ', %d skipped' $LAB_SKIPPED; fi
	printf '\n'
	[ $LAB_FAILED -eq 0 ]
	exit
}

# ---- building --------------------------------------------------------------------------------

at() {
	local ns=$1
	shift
	if [ "$ns" = host ]; then "$@"; else nsenter --net="/run/netns/$ns" -- "$@"; fi
}

# Runs a program in the background; LAB_BG is its process.
bg() {
	"$@" >/dev/null 2>&1 </dev/null &
	LAB_BG=$!
	LAB_PIDS="$LAB_PIDS $LAB_BG"
}

set_sysctl() {
	printf '%s\n' "$2" 2>/dev/null >"/proc/sys/net/$1"
}

# bridge_nf 0|1: whether bridged packets pass through iptables and nftables of the IP families.
bridge_nf() {
	set_sysctl bridge/bridge-nf-call-iptables "$1" && set_sysctl bridge/bridge-nf-call-ip6tables "$1"
}

link_up() {
	at "$1" ip -o link show dev "$2" | grep -q 'state UP'
}

# neighbour NS HOSTIF NUMBER HOST4 NS4 HOST6 NS6
neighbour() {
	ip netns add "$1"
	ip link add "$2" address "02:00:00:00:0$3:01" type veth \
		peer name eth0 address "02:00:00:00:0$3:02" netns "$1"
	set_sysctl "ipv6/conf/$2/accept_dad" 0
	at "$1" bash -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
	ip addr add "$4/24" dev "$2"
	ip addr add "$6/64" dev "$2" nodad
	at "$1" ip addr add "$5/24" dev eth0
	at "$1" ip addr add "$7/64" dev eth0 nodad
	ip link set "$2" up
	at "$1" ip link set lo up
	at "$1" ip link set eth0 up
	until_true 5 link_up host "$2" && until_true 5 link_up "$1" eth0
}

lab_up() {
	trap lab_end EXIT
	umask 022
	mount -t tmpfs -o mode=0755 tmpfs /run
	mkdir -p /run/netns "$LAB_TMP" "$NETD_CONFIG_DIR"
	ip link set lo up
	# A new namespace may inherit these from the machine.
	set_sysctl ipv4/ip_forward 0
	set_sysctl ipv4/conf/all/rp_filter 0
	set_sysctl ipv4/conf/default/rp_filter 0
	set_sysctl ipv6/conf/all/forwarding 0
	set_sysctl ipv4/ping_group_range "0 0"
	need "lan" neighbour lan eth0 1 $LAB_HOST4 $LAB_LAN4 $LAB_HOST6 $LAB_LAN6
	at lan ip route add default via $LAB_HOST4
	at lan ip route add default via $LAB_HOST6
}

lab_lan2() {
	need "lan2" neighbour lan2 eth1 2 198.51.100.1 198.51.100.2 2001:db8:1::1 2001:db8:1::2
	at lan2 ip route add default via 198.51.100.1
	at lan2 ip route add default via 2001:db8:1::1
}

# box NAME...: namespaces for containers.
box() {
	local name
	for name in "$@"; do ip netns add "$name" || return 1; done
}

# attach NAME ARG...: the container of namespace NAME.
attach() {
	netd attach "$1" --netns "/run/netns/$1" "${@:2}"
}

detach() {
	netd detach "$@"
}

# dual NAME: a network with a subnet of each family; NUMBER makes it unique.
dual() {
	netd network create "$1" --subnet "10.89.$2.0/24" --subnet "fd89:$2::/64" "${@:3}"
}

# ip4 NAME [IF], ip6 NAME [IF]: the address as the kernel has it.
ip4() {
	at "$1" ip -j -4 addr show dev "${2:-eth0}" | jq -r '.[].addr_info[0].local // empty'
}

ip6() {
	at "$1" ip -j -6 addr show dev "${2:-eth0}" scope global |
		jq -r '[.[].addr_info[]?][0].local // empty'
}

# ---- servers and clients -----------------------------------------------------------------------

# serve NS NAME PROTO:[ADDR:]PORT...: answers every client with NAME and the address it comes from.
serve() {
	local ns=$1 ready=$LAB_TMP/ready.$RANDOM.$RANDOM enter=()
	shift
	if [ "$ns" != host ]; then enter=(nsenter --net="/run/netns/$ns" --); fi
	"${enter[@]}" echod -r "$ready" "$@" >/dev/null 2>&1 </dev/null &
	LAB_BG=$!
	LAB_PIDS="$LAB_PIDS $LAB_BG"
	if ! until_true 5 test -e "$ready"; then
		fail "server $* in $ns does not start"
		return 1
	fi
	rm -f "$ready"
}

stop() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# answers TEXT FROM PROTO ADDR PORT NAME [PEER]: the server NAME answers; it sees the client as PEER.
answers() {
	local out
	if ! out=$(at "$2" ask -t 2000 "$3" "$4" "$5" 2>&1); then
		fail "$1" "from $2: $3 $4 $5: $out"
	elif [ -n "${7:-}" ] && [ "${out#* }" != "$6 $7" ]; then
		fail "$1" "from $2: $3 $4 $5: \"${out#* }\", expected \"$6 $7\""
	elif ! printf '%s' "${out#* }" | grep -q "^$6 "; then
		fail "$1" "from $2: $3 $4 $5: \"${out#* }\", expected $6"
	else
		ok "$1"
	fi
}

# silent TEXT FROM PROTO ADDR PORT [CLIENT OPTION...]: nobody answers.
silent() {
	local out
	if out=$(at "$2" ask -t 250 "${@:6}" "$3" "$4" "$5" 2>&1); then
		fail "$1" "from $2: $3 $4 $5 answered: $out"
	else
		ok "$1"
	fi
}

# ---- kernel state ------------------------------------------------------------------------------

# Without what changes by itself: statistics, timers, carrier, and the numbers of namespaces.
links_state() {
	ip -j -d addr show | jq -S '[.[] | del(.linkinfo.info_data.hello_timer, .linkinfo.info_data.tcn_timer,
		.linkinfo.info_data.topology_change_timer, .linkinfo.info_data.gc_timer, .link_netnsid,
		.linkinfo.info_slave_data.hold_timer, .linkinfo.info_slave_data.message_age_timer,
		.linkinfo.info_slave_data.forward_delay_timer, .stats64, .stats, .operstate)
		| .flags -= ["NO-CARRIER", "LOWER_UP"] | .addr_info |= sort_by(.local)] | sort_by(.ifname)'
}

routes_state() {
	{
		ip -j -d route show table all
		ip -j -d -6 route show table all
	} | jq -S -s 'add | map(del(.cache, .expires) | .flags -= ["linkdown"]) | sort_by(tojson)'
	ip -j rule | jq -S .
	ip -j -6 rule | jq -S .
	ip -j neigh show nud permanent | jq -S 'map(select(.dst | test("^(ff|224|127|::1)") | not)) | sort_by(tojson)'
}

rules_state() {
	nft -j list ruleset | jq -S 'walk(if type == "object" then del(.handle) else . end)
		| .nftables | map(select(.metainfo | not) | if .set.elem then .set.elem |= sort_by(tojson)
		elif .map.elem then .map.elem |= sort_by(tojson) else . end)
		| sort_by(first(.[]) | [.family, .table // .name])'
}

sysctl_state() {
	(
		cd /proc/sys/net || exit 1
		grep -r . ipv4/conf ipv6/conf bridge ipv4/ip_forward ipv4/ping_group_range 2>/dev/null |
			grep -v stable_secret | sort
	)
}

# Everything of the namespace the shell is in.
kernel_state() {
	links_state
	routes_state
	rules_state
	sysctl_state
}

netd_state() {
	netd ls --json
	netd network ls --json
}

# unchanged TEXT FILE: kernel state, and netd's, equal to what snapshot put into FILE.
snapshot() {
	{
		kernel_state
		netd_state
	} >"$1"
}

unchanged() {
	snapshot "$2.now"
	if cmp -s "$2" "$2.now"; then ok "$1"; else fail "$1" "$(diff "$2" "$2.now")"; fi
}
