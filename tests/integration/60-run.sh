#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd run: a process in a fresh, networked namespace, and nothing left when it ends, however it ends.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
mkdir "$LAB_TMP/www"
echo "hello from the container" >"$LAB_TMP/www/index.html"
serve lan lan tcp:80

# Leftovers of any run: links, published elements, attachments, namespaces.
left() {
	ip -j link | jq -r '.[] | select(.linkinfo.info_kind != "bridge") | .ifname' |
		grep -Ev '^(lo|eth[0-9]+|netd.*br.*)$' | grep -v -x -F "$(ip -j link show type bridge | jq -r '.[].ifname')"
	nft -j list ruleset | jq -c '.nftables[] | (.map // .set) | select(. and (.name | test("publish|self"))) | .elem // empty'
	netd ls --json | jq -c '.[]'
}
gone() { [ -z "$(left)" ]; }
soon_nothing_left() {
	if until_true 5 gone; then ok "$1: nothing is left"; else fail "$1: nothing is left" "$(left)"; fi
}

section "status and streams"
check_eq "exit status 0" 0 "$(netd run -- true; echo $?)"
check_eq "exit status 7" 7 "$(netd run -- sh -c 'exit 7'; echo $?)"
check_eq "killed by a signal: 128 + number" 137 "$(netd run -- sh -c 'kill -9 $$'; echo $?)"
check_eq "missing command: 127" 127 "$(netd run -- /no/such/command 2>/dev/null; echo $?)"
check_eq "not executable: 126" 126 "$(netd run -- "$LAB_TMP/www/index.html" 2>/dev/null; echo $?)"
check_eq "usage error: 2" 2 "$(netd run 2>/dev/null; echo $?)"
check_eq "bad port: no command is run" "" "$(netd run -p x:y -- echo ran 2>/dev/null)"
soon_nothing_left "after plain runs"
check_eq "standard input and output" "a b c" "$(echo "a b c" | netd run -- cat)"
check_eq "a megabyte through the pipe" "$(head -c 1000000 /dev/zero | cksum)" \
	"$(head -c 1000000 /dev/zero | netd run -- cat | cksum)"
check_eq "standard error is the command's" "oops" "$(netd run -- sh -c 'echo oops >&2' 2>&1 >/dev/null)"
check_eq "nothing but the command's output" "out" "$(netd run -- echo out 2>&1)"
check_eq "arguments pass unchanged" "[a b][][*]" "$(netd run -- printf '[%s]' 'a b' '' '*')"
check_eq "no descriptor beyond those given" "$(sh -c 'echo /proc/self/fd/*')" \
	"$(netd run -- sh -c 'echo /proc/self/fd/*')"

section "inside"
check_eq "interfaces" "eth0 lo" "$(netd run -- ls /sys/class/net | sort | xargs)"
check_eq "lo and eth0 are up" "2" "$(netd run -- ip -o link show up | wc -l)"
check_match "an address" "inet 10\." "$(netd run -- ip -o -4 addr show dev eth0)"
check_match "a default route" "default via" "$(netd run -- ip route)"
check_eq "its own namespace" 0 "$(netd run -- sh -c "[ \$(readlink /proc/self/ns/net) != $(readlink /proc/self/ns/net) ]"; echo $?)"
check_eq "reaches the LAN" 0 "$(netd run -- ask tcp $LAB_LAN4 80 >/dev/null; echo $?)"
check_match "resolv.conf can be read" "." "$(netd run -- cat /etc/resolv.conf; echo end)"
check_eq "resolv.conf names no loopback resolver" "" \
	"$(netd run -- grep -E '^nameserver[[:space:]]+(127\.|::1)' /etc/resolv.conf)"
check_eq "--ip" "10.77.0.9" "$(netd network create runs --subnet 10.77.0.0/24 >/dev/null
	netd run --network runs --ip 10.77.0.9 -- ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local')"
soon_nothing_left "after looking inside"

section "a web server"
bg netd run --name web -p 8080:80 -- busybox httpd -f -p 80 -h "$LAB_TMP/www"
run=$LAB_BG
check "the page from the LAN" until_true 5 at lan curl -sf -m 2 http://$LAB_HOST4:8080/
for url in 127.0.0.1 '[::1]' $LAB_HOST4 "[$LAB_HOST6]"; do
	check_eq "the page from $url" "hello from the container" "$(curl -sf -m 2 "http://$url:8080/")"
done
check_eq "the page from another run" "hello from the container" \
	"$(netd run -- curl -sf -m 2 http://$LAB_HOST4:8080/)"
check_match "netd ls shows the name" "web" "$(netd ls)"
check_fails "the name is taken" "web" netd run --name web -- true
check_fails "the port is taken" "8080.*web" netd run -p 8080:80 -- true
kill -TERM "$run"
wait "$run"
check_eq "SIGTERM ends it" 143 $?
soon_nothing_left "after SIGTERM"
# A shell starts background commands with SIGINT ignored; they must not inherit that here.
for sig in INT HUP QUIT; do
	bg env --default-signal netd run --name web -p 8080:80 -- sh -c "touch $LAB_TMP/up; exec sleep 60"
	check "up again" until_true 5 test -e "$LAB_TMP/up"
	rm -f "$LAB_TMP/up"
	kill -$sig "$LAB_BG"
	wait "$LAB_BG"
	status=$?
	check_eq "SIG$sig ends it" $((128 + $(kill -l $sig))) $status
	soon_nothing_left "after SIG$sig"
done

section "kill -9 of netd run"
bg netd run --name web -p 8080:80 -- busybox httpd -f -p 80 -h "$LAB_TMP/www"
check "up" until_true 5 curl -sf -m 2 http://127.0.0.1:8080/
kill -9 $LAB_BG
wait $LAB_BG 2>/dev/null
soon_nothing_left "after kill -9 of netd run"
check_eq "and nobody answers" 7 "$(curl -sf -m 1 http://127.0.0.1:8080/; echo $?)"
check_eq "the command is gone, too" "" "$(ps -eo args | grep '[b]usybox httpd' || true)"
check_eq "the name and port can be used at once" 0 "$(netd run --name web -p 8080:80 -- true; echo $?)"
soon_nothing_left "at the end"

section "many at once"
pids=""
for i in 1 2 3 4 5 6 7 8; do
	netd run -p "81${i}0:80" -- sh -c 'exit 3' >/dev/null 2>&1 &
	pids="$pids $!"
done
bad=0
for pid in $pids; do
	wait "$pid"
	[ $? -eq 3 ] || bad=$((bad + 1))
done
check_eq "eight runs at once" 0 $bad
soon_nothing_left "after eight at once"
