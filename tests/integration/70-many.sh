#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 200 containers with five published ports each, attached by one long-running program with four
# threads; all reachable; and afterwards everything is as before. Then the same by 40 processes at once.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
N=${MANY:-200}
names=() paths=()
for ((i = 0; i < N; i++)); do
	names+=("m$i")
	paths+=("/run/netns/m$i")
done
need "namespaces" box "${names[@]}"
need "network" netd network create crowd --subnet 10.90.0.0/22 --subnet fd90::/64
# The first use makes bridge, rules and sysctls, which stay.
need "first use" attach m0 --network crowd
need "first use" detach m0
snapshot "$LAB_TMP/before"

for ((i = 0; i < N; i++)); do
	nsenter --net="/run/netns/m$i" -- echod "m$i" tcp:9000 tcp:9001 tcp:9002 tcp:9003 tcp:9004 >/dev/null 2>&1 </dev/null &
	LAB_PIDS="$LAB_PIDS $!"
done
mkfifo "$LAB_TMP/end"
crowd -n crowd -p 5 -f 20000 -t 4 "$NETD_STATE_DIR" "$LAB_TMP/ready" "${paths[@]}" \
	<"$LAB_TMP/end" >"$LAB_TMP/crowd.out" 2>&1 &
crowd=$!
exec 8>"$LAB_TMP/end"
need "all are attached" until_true 60 test -e "$LAB_TMP/ready"
check_eq "all are listed" "$N" "$(netd ls --json | jq length)"
check_eq "a bridge port each" "$N" "$(ip -j link show type veth | jq '[.[] | select(.master)] | length')"
check_eq "addresses are distinct" "$N" "$(netd ls --json | jq -r '.[].addresses[].address | select(test("^10"))' | sort -u | wc -l)"

# every HOST4 HOST6 FROM: each of the N * 5 ports answers with the right name; prints those that do not.
every() {
	local i p
	for ((i = 0; i < N; i++)); do
		for p in 0 1 2 3 4; do
			case $(ask -t 2000 tcp "$1" $((20000 + i * 5 + p)) 2>&1) in
			*" m$i "*) ;;
			*) echo "m$i port $p at $1" ;;
			esac
		done
	done
}
export N
check_eq "every port answers the LAN" "" "$(nsenter --net=/run/netns/lan bash -c "$(declare -f every); every $LAB_HOST4")"
check_eq "every port answers the LAN by IPv6" "" \
	"$(nsenter --net=/run/netns/lan bash -c "$(declare -f every); every $LAB_HOST6")"
check_eq "every port answers at 127.0.0.1" "" "$(every 127.0.0.1)"
exec 8>&-
wait $crowd
check_eq "detached without failure or open descriptor" 0 $?
check_match "descriptors as before" "0 failures" "$(cat "$LAB_TMP/crowd.out")"
for pid in $LAB_PIDS; do kill "$pid" 2>/dev/null; done
check "every host link is gone" until_true 10 sh -c "! ip -o link show type veth | grep -qv ': eth0'"
unchanged "everything as before" "$LAB_TMP/before"

section "many processes at once"
pids="" bad=0
for ((i = 0; i < 40; i++)); do
	attach "m$i" --network crowd -p "$((20000 + i)):80" -p 81 >"$LAB_TMP/many.$i" 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
check_eq "40 attaches at once" 0 $bad
if [ $bad -ne 0 ]; then cat "$LAB_TMP"/many.*; fi
check_eq "40 addresses" 40 "$(for ((i = 0; i < 40; i++)); do ip4 "m$i"; done | sort -u | wc -l)"
check_eq "40 chosen ports" 40 "$(for ((i = 0; i < 40; i++)); do netd port "m$i" 81 | head -n 1; done | sort -u | wc -l)"
pids="" bad=0
for ((i = 0; i < 40; i++)); do
	detach "m$i" >/dev/null 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid" || bad=$((bad + 1)); done
check_eq "40 detaches at once" 0 $bad
unchanged "everything as before" "$LAB_TMP/before"

section "one port, twenty competitors"
pids="" won=0
for ((i = 0; i < 20; i++)); do
	attach "m$i" --network crowd -p 8080:80 >/dev/null 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid" && won=$((won + 1)); done
check_eq "exactly one wins" 1 $won
check_eq "exactly one is attached" 1 "$(netd ls --json | jq length)"
for ((i = 0; i < 20; i++)); do detach "m$i" >/dev/null 2>&1; done
unchanged "everything as before" "$LAB_TMP/before"

section "attach and detach of one container at once"
pids=""
for ((i = 0; i < 10; i++)); do
	attach m0 --network crowd -p 8080:80 >/dev/null 2>&1 &
	pids="$pids $!"
	detach m0 >/dev/null 2>&1 &
	pids="$pids $!"
	detach m0 >/dev/null 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
need "last detach" detach m0
unchanged "everything as before" "$LAB_TMP/before"

need "network rm" netd network rm crowd
check_eq "no bridge is left" "" "$(ip -o link show type bridge)"
