#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd killed at every system call, errors of the kernel at every one, rules flushed by somebody else:
# the next request works, others stay untouched, and in the end nothing is left.
LAB_TIMEOUT=${LAB_TIMEOUT:-300} # a busy machine doubles its minute and a half
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
bridge_nf 0
PORTS=(-p 8080:80 -p 5353:53/udp)
ACTING=sendmsg,sendto,pwrite64,setns # what changes something
LOOKING=fcntl,openat                 # what locks and opens
LIMIT=400                            # system calls, to end if a command never completes

box c1 c2 c3 stay
for ns in c1 c2 c3 stay; do serve $ns $ns tcp:80 udp:53; done
serve lan lan tcp:7001
serve host host tcp:7002

TURNED=""

# ---- tools -------------------------------------------------------------------------------------

# inject SET WHAT CMD...: strace does WHAT to a system call of the SET.
inject() {
	{
		# a process that is traced cannot look for leaks
		ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" timeout -k 5 30 strace -f -o "$LAB_TMP/trace" \
			-e "trace=$1" -e "inject=$1:$2" "${@:3}" >"$LAB_TMP/out" 2>&1 </dev/null
	} 2>/dev/null
}

# The number of the first call that netd itself makes, behind those of the loader.
first_call() {
	inject "$1" when=65535:delay_enter=0 "${@:2}"
	grep -n "$LAB_TMP" "$LAB_TMP/trace" | head -n 1 | cut -d: -f1
}

# killed SET K CMD...: succeeds if the command was killed at its K-th call, fails if it came to its end.
killed() {
	local status=0
	inject "$1" "signal=KILL:when=$2" "${@:3}" || status=$?
	case $status in
	0) return 1 ;;
	137) return 0 ;;
	esac
	fail "$3 $4, killed at call $2: status $status" "$(tail -n 3 "$LAB_TMP/out" "$LAB_TMP/trace")"
	[ "$2" -lt $LIMIT ]
}

# Where the killed process was.
where() {
	grep -v -e '+++' -e '---' "$LAB_TMP/trace" | tail -n 1 | cut -c1-90
}

# Quick to take; the words of the ruleset are sorted because sets have no order.
kernel_brief() {
	ip -o link | awk '{ print $2 }'
	ip -o addr | sed 's/.*: //; s/valid_lft.*//; s/\\//'
	{
		ip route show table all
		ip -6 route show table all
	} | sed 's/ linkdown//' | sort
	ip neigh show nud permanent | sort
	nft list ruleset | tr -s ',{}\t ' '\n' | sort
	cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding
	grep . /proc/sys/net/ipv4/conf/*/route_localnet
	for ns in c1 c2; do at $ns ip -o addr | grep -v ': lo'; done
}

brief() {
	kernel_brief
	if [ "${1:-}" != kernel ]; then netd_state; fi
}

# as_before TEXT [kernel]: equal to what "brief" has put into the file of that name.
as_before() {
	local brief
	brief "${2:-}" >"$LAB_TMP/brief.now"
	if [ "${2:-}" = kernel ]; then brief=$LAB_TMP/brief.kernel; else brief=$LAB_TMP/brief; fi
	if cmp -s "$brief" "$LAB_TMP/brief.now"; then
		ok "$1"
	else
		fail "$1" "$(diff "$brief" "$LAB_TMP/brief.now")"
	fi
}

ready() {
	netd ls --json | jq -e --arg id "$1" 'any(.[]; .id == $id and .ready)' >/dev/null
}

usable() {
	answers "$2: IPv4" lan tcp $LAB_HOST4 8080 "$1"
	answers "$2: IPv6" lan tcp $LAB_HOST6 8080 "$1"
}

closed() {
	local out
	if out=$(at lan ask -t 40 tcp "$(ip4 "$1")" 80 2>&1); then
		fail "$2: not reachable from outside but by its ports" "$out"
	else
		ok "$2: not reachable from outside but by its ports"
	fi
}

# What is recorded as attached works, however its netd ended; else it is not in anybody's way.
next_again() {
	if ready c1; then
		usable c1 "$1: recorded as attached"
	else
		check "$1: the same attach" attach c1 --network n1 "${PORTS[@]}"
		usable c1 "$1: the same attach"
		closed c1 "$1: the same attach"
	fi
}

next_other() {
	if ready c1; then
		usable c1 "$1: recorded as attached"
		check "$1: detach" detach c1
	fi
	check "$1: another on its ports" attach c2 --network n1 "${PORTS[@]}"
	usable c2 "$1: another on its ports"
}

next_rm() {
	if ready c1; then check "$1: detach" detach c1; fi
	check "$1: network rm" netd network rm n1
}

next_detach() {
	check "$1: detach" detach c1
}

# all_kills TEXT BEFORE AFTER NEXTS CMD...: CMD killed at every call; what comes next is each of NEXTS for
# the calls that change something, and one of them in turn for the others.
all_kills() {
	local text=$1 before=$2 after=$3 nexts cmd=("${@:5}") k next label start step n=0
	read -ra nexts <<<"$4"
	brief >"$LAB_TMP/brief"
	for next in "${nexts[@]}" turn; do
		local set=$ACTING
		start=1 step=1
		if [ "$next" = turn ]; then
			set=$LOOKING
			$before
			start=$(first_call $set "${cmd[@]}")
			$after
			# locks are taken in pairs; once all calls, from then on one of each pair
			if [ -n "$TURNED" ]; then step=2; fi
			TURNED=yes
		fi
		for ((k = ${start:-1}; k < LIMIT; k += step)); do
			$before
			if ! killed $set $k "${cmd[@]}"; then
				$after
				break
			fi
			n=$((n + 1))
			label="$text killed at $k ($(where))"
			if [ "$next" = turn ]; then
				"next_${nexts[$((n % ${#nexts[@]}))]}" "$label"
			else
				"next_$next" "$label"
			fi
			$after
			as_before "$label: nothing is left"
		done
		if [ $k -ge $LIMIT ]; then fail "$text: still not complete after $LIMIT calls"; fi
	done
	if [ $n -gt 10 ]; then ok "$text: killed $n times"; else fail "$text: killed only $n times"; fi
}

tidy() {
	check "detach" detach c1
	check "detach" detach c2
}

# ---- killed ------------------------------------------------------------------------------------

attach_c1=(netd attach c1 --netns /run/netns/c1 --network n1 "${PORTS[@]}")
tracing=yes
if ! inject openat "error=EIO:when=65535" true || ! killed openat 1 true; then
	tracing=""
	skip "strace cannot inject here: nothing is killed and no errors are made"
fi

# Once, for the sysctls that stay.
need "network" dual n1 1
need "attach" attach c1 --network n1
need "attach" attach c2 --network n1
need "detach" detach c1
need "detach" detach c2
need "rm" netd network rm n1
snapshot "$LAB_TMP/never"

make_n1() { dual n1 1 >/dev/null; }
remove_n1() {
	if [ "$(netd ls --json)" != "[]" ]; then tidy; fi
	if netd network inspect n1 >/dev/null 2>&1; then check "network rm" netd network rm n1; fi
}
make_attached() { "${attach_c1[@]}" >/dev/null 2>&1 || fail "attach before detach" "$(netd ls)"; }
# On a bridge that stays, a network is left half way that looks as if it were whole.
make_used() {
	dual n1 1 --bridge fbr >/dev/null
	make_attached
	detach c1
}
rules_of_c1() { rules_state | sed -E "s/\"($(ip4 c1)|$(ip6 c1))\"/C1/"; }
next_use() {
	dual n1 1 --bridge fbr >/dev/null 2>&1 # unless it is still there
	next_again "$1"
	rules_of_c1 >"$LAB_TMP/rules.now"
	check_eq "$1: all rules of the network" "$(<"$LAB_TMP/rules")" "$(<"$LAB_TMP/rules.now")"
	detach c1
	netd network rm n1
}
next_rm_again() {
	if netd network inspect n1 >/dev/null 2>&1; then check "$1: again" netd network rm n1; fi
}

if [ -n "$tracing" ]; then
	section "attach, first use, killed"
	all_kills "first attach" make_n1 remove_n1 "again other rm" "${attach_c1[@]}"
	unchanged "first attach killed: everything as before" "$LAB_TMP/never"

	section "network rm killed"
	ip link add fbr address 02:00:00:00:0f:01 type bridge
	set_sysctl ipv6/conf/fbr/addr_gen_mode 1
	ip link set fbr up
	need "another network" dual other 9
	need "attach" attach stay --network other
	make_used
	make_attached
	rules_of_c1 >"$LAB_TMP/rules"
	detach c1
	netd network rm n1
	all_kills "network rm" make_used true "rm_again use" netd network rm n1
	need "detach" detach stay
	need "rm" netd network rm other
	ip link del fbr
	unchanged "network rm killed: everything as before" "$LAB_TMP/never"

	section "attach and detach killed, beside another container"
	need "network" dual n1 1
	need "attach" attach stay --network n1 -p 8888:80
	all_kills "attach" true tidy "again other" "${attach_c1[@]}"
	all_kills "detach" make_attached tidy "again other detach" netd detach c1
	answers "the container beside them works" lan tcp $LAB_HOST4 8888 stay
	need "detach" detach stay
	need "rm" netd network rm n1
	unchanged "attach and detach killed: everything as before" "$LAB_TMP/never"
fi

# ---- errors ------------------------------------------------------------------------------------

# all_errors TEXT BEFORE AFTER: the attach fails at every call and leaves nothing, so that it can be tried
# again, or gets over it.
all_errors() {
	local text=$1 call set error k label what
	for call in recvmsg:ENOMEM sendmsg:ENOMEM pwrite64:EIO; do
		set=${call%:*} error=${call#*:}
		what=""
		# the record itself may refuse to be taken back: it stays until the next request comes
		if [ $set = pwrite64 ]; then what=kernel; fi
		$2
		brief >"$LAB_TMP/brief"
		kernel_brief >"$LAB_TMP/brief.kernel"
		for ((k = 1; k < LIMIT; k++)); do
			label="$text, $error at $set $k"
			if inject $set "error=$error:when=$k" "${attach_c1[@]}"; then
				usable c1 "$label: successful"
				$3
				if ! grep -q INJECTED "$LAB_TMP/trace"; then break; fi
				$2
			else
				as_before "$label: $(head -c 120 "$LAB_TMP/out" | head -n 1): as before" $what
				if ready c1; then fail "$label: not recorded as attached"; fi
				if ! grep -q INJECTED "$LAB_TMP/trace"; then
					fail "$label: works when no call fails" "$(cat "$LAB_TMP/out")"
					$3
					break
				fi
			fi
		done
		if [ $k -gt 2 ] && [ $k -lt $LIMIT ]; then ok "$label"; else fail "$label: $k tries"; fi
	done
}

if [ -n "$tracing" ]; then
	section "errors"
	all_errors "first attach" make_n1 remove_n1
	unchanged "errors of a first attach: everything as before" "$LAB_TMP/never"
	need "network" dual n1 1
	need "attach" attach stay --network n1 -p 8888:80
	all_errors "attach" true tidy
	answers "the container beside it works" lan tcp $LAB_HOST4 8888 stay

	section "a failed attach that had to build the ruleset anew"
	need "second network" dual other 9
	need "attach" attach c2 --network other -p 8889:80
	stays=0
	for ((k = 1; k < LIMIT; k++)); do
		nft flush ruleset
		set_sysctl ipv4/ip_forward 0
		if inject pwrite64 "error=EIO:when=$k" "${attach_c1[@]}"; then break; fi
		if nft list table inet netd >/dev/null 2>&1; then
			stays=$((stays + 1))
			answers "EIO at $k: rules are there, with those of the others" host tcp $LAB_HOST4 8889 c2
			set_sysctl ipv4/ip_forward 1
			closed c2 "EIO at $k: rules are there"
			answers "EIO at $k: rules are there, with those of the same network" lan tcp $LAB_HOST4 8888 stay
		fi
		check "EIO at $k: the next attach" "${attach_c1[@]}"
		answers "EIO at $k: the port of another network" lan tcp $LAB_HOST4 8889 c2
		answers "EIO at $k: the port of the same network" lan tcp $LAB_HOST4 8888 stay
		check "detach" detach c1
	done
	if [ $stays -eq 0 ] || [ $k -ge $LIMIT ]; then
		fail "a failed attach that built the ruleset: $k tries, the rules were there after $stays"
	fi
	for ns in c1 c2 stay; do need "detach" detach $ns; done
	for net in n1 other; do need "rm" netd network rm $net; done
	unchanged "errors: everything as before" "$LAB_TMP/never"
fi

# ---- a network that changes --------------------------------------------------------------------

# redefined COMMAND ID SUBNET: network n by CNI.
redefined() {
	jq -nc --arg s "$3" '{cniVersion: "1.0.0", name: "n", type: "netd", bridge: "nbr", ipMasq: true,
		isDefaultGateway: true, ipam: {type: "host-local", ranges: [[{subnet: $s}]]}}' >"$LAB_TMP/conf"
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=/nowhere \
		"${@:4}" "$LAB_BUILD/cni/netd" <"$LAB_TMP/conf"
}

redefined_connects() {
	answers "$2: gateway" "$1" tcp "$3" 7002 host
	answers "$2: out, masqueraded" "$1" tcp $LAB_LAN4 7001 lan $LAB_HOST4
}

if [ -n "$tracing" ]; then
	section "redefinition of a network in use killed"
	need "another network" dual other 9
	need "attach" attach stay --network other
	for ((k = 1; k < LIMIT; k++)); do
		check "ADD c1" redefined ADD c1 10.77.0.0/24
		status=0
		{
			redefined ADD c2 10.78.0.0/24 env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f \
				-o "$LAB_TMP/trace" -e trace=$ACTING -e inject="$ACTING:signal=KILL:when=$k" \
				>"$LAB_TMP/out" 2>&1 || status=$?
		} 2>/dev/null
		label="redefinition killed at $k"
		check "$label: DEL" redefined DEL c2 10.78.0.0/24
		check "$label: ADD again" redefined ADD c2 10.78.0.0/24
		redefined_connects c2 "$label: the new subnet" 10.78.0.1
		redefined_connects c1 "$label: the old subnet" 10.77.0.1
		closed c2 "$label"
		check "$label: DEL c2" redefined DEL c2 10.78.0.0/24
		check "$label: DEL c1" redefined DEL c1 10.77.0.0/24
		check "$label: rm" netd network rm n
		if [ $status -eq 0 ]; then break; fi
	done
	if [ $k -gt 8 ] && [ $k -lt $LIMIT ]; then ok "redefinition"; else fail "redefinition: $k tries"; fi
	need "detach" detach stay
	need "rm" netd network rm other
	unchanged "redefinition killed: everything as before" "$LAB_TMP/never"
fi

# ---- rules flushed by others -------------------------------------------------------------------

section "rules flushed"
need "network" dual n1 1
need "attach" attach c1 --network n1 -p 8081:80
need "second network" dual n2 2
need "attach" attach c2 --network n2 -p 8082:80
for how in "flush ruleset" "delete table inet netd" "flush table inet netd" "flush chain inet netd guard" \
	"flush chain inet netd forward"; do
	# shellcheck disable=SC2086 # the words of the command
	need "nft $how" nft $how
	check "$how: attach" attach c3 --network n1 -p 8083:80
	n=1
	for ns in c1 c2 c3; do
		answers "$how: port of $ns" lan tcp $LAB_HOST4 808$n $ns
		answers "$how: port of $ns, IPv6" lan tcp $LAB_HOST6 808$n $ns
		closed $ns "$how: $ns"
		n=$((n + 1))
	done
	answers "$how: masqueraded" c1 tcp $LAB_LAN4 7001 lan $LAB_HOST4
	check "$how: detach" detach c3
done

section "flushed while an attach is under way"
if [ -n "$tracing" ]; then
	for how in "flush ruleset" "delete table inet netd"; do
		rm -f "$LAB_TMP/trace"
		(
			inject setns delay_enter=400000:when=1 netd attach c3 --netns /run/netns/c3 --network n1 \
				-p 8083:80
			echo $? >"$LAB_TMP/status"
		) &
		until_true 5 sh -c "netd ls --json | jq -e 'any(.[]; .id == \"c3\")'"
		# shellcheck disable=SC2086
		nft $how
		wait $!
		check_eq "$how between reservation and rules: attach" 0 "$(cat "$LAB_TMP/status")"
		answers "$how: the port of it" lan tcp $LAB_HOST4 8083 c3
		answers "$how: the port of another" lan tcp $LAB_HOST4 8082 c2
		closed c2 "$how: another"
		check "$how: detach" detach c3
	done
fi
crowd=(s1 s2 s3 s4 s5 s6 s7 s8 s9 s10)
box "${crowd[@]}"
for ns in "${crowd[@]}"; do serve $ns $ns tcp:80; done
for round in 1 2 3 4 5 6 7 8; do
	rm -f "$LAB_TMP"/failed.*
	pids=""
	for ns in "${crowd[@]}"; do
		{ attach $ns --network n$((round % 2 + 1)) -p "90${ns#s}:80" >"$LAB_TMP/out.$ns" 2>&1 ||
			mv "$LAB_TMP/out.$ns" "$LAB_TMP/failed.$ns"; } &
		pids="$pids $!"
	done
	sleep 0.0$((round * 9 % 10))
	nft flush ruleset
	# shellcheck disable=SC2086
	wait $pids
	check_eq "round $round: all attaches succeed" "" "$(cat "$LAB_TMP"/failed.* 2>/dev/null)"
	check "round $round: one more" attach c3 --network n1
	for ns in "${crowd[@]}"; do
		answers "round $round: port of $ns" lan tcp $LAB_HOST4 "90${ns#s}" $ns
	done
	answers "round $round: port of one that was there" lan tcp $LAB_HOST4 8082 c2
	for ns in "${crowd[@]}" c3; do check "round $round: detach $ns" detach $ns; done
done
for ns in c1 c2; do need "detach" detach $ns; done
for net in n1 n2; do need "rm" netd network rm $net; done
unchanged "rules flushed: everything as before" "$LAB_TMP/never"
