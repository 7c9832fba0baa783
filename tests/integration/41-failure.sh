#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An attach that fails leaves kernel and state exactly as before: on a host that never had netd, and
# beside a container that is attached.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
box a b c stay
serve stay stay tcp:80
mkfifo "$LAB_TMP/fifo"
echo text >"$LAB_TMP/file"
printf 'x%.0s' {1..5000} >"$LAB_TMP/long"

# refused TEXT PATTERN ARG...: netd attach fails, says PATTERN, changes neither host nor namespace a.
refused() {
	local inside
	inside=$(at a ip -j -d addr | jq -S 'map(del(.stats64, .qdisc))')
	snapshot "$LAB_TMP/before"
	check_fails "$1" "$2" netd attach "${@:3}"
	unchanged "$1: unchanged" "$LAB_TMP/before"
	check_eq "$1: container unchanged" "$inside" "$(at a ip -j -d addr | jq -S 'map(del(.stats64, .qdisc))')"
}

all_refusals() {
	local where=$1
	refused "$where: path does not exist" "/run/netns/none" x --netns /run/netns/none
	refused "$where: a regular file" "namespace" x --netns "$LAB_TMP/file"
	refused "$where: a directory" "namespace" x --netns /run
	refused "$where: a fifo" "namespace" x --netns "$LAB_TMP/fifo"
	refused "$where: another kind of namespace" "namespace" x --netns /proc/self/ns/mnt
	refused "$where: the host's own namespace" "host|own" x --netns /proc/self/ns/net
	refused "$where: a process of the host" "host|own" x --pid 1
	refused "$where: no such process" "999999" x --pid 999999
	refused "$where: a path far too long" "." x --netns "/$(cat "$LAB_TMP/long")"
	refused "$where: bad id" "." "../x" --netns /run/netns/a
	refused "$where: id with a newline" "." $'x\ny' --netns /run/netns/a
	refused "$where: id too long" "." "$(printf 'x%.0s' {1..300})" --netns /run/netns/a
	refused "$where: bad ifname" "." x --netns /run/netns/a --ifname 'a/b'
	refused "$where: ifname lo" "lo" x --netns /run/netns/a --ifname lo
	refused "$where: ifname too long" "." x --netns /run/netns/a --ifname abcdefghijklmnop
	refused "$where: bad MAC" "." x --netns /run/netns/a --mac 02:00:00:00:00
	refused "$where: multicast MAC" "." x --netns /run/netns/a --mac 01:00:00:00:00:01
	at a ip link add eth0 type veth peer name other
	refused "$where: the interface exists" "eth0" x --netns /run/netns/a -p 8080:80
	at a ip link del eth0
}

section "on a host that never had netd"
all_refusals "fresh host"

section "beside an attached container"
need "network" dual net 1
need "attach" attach stay --network net -p 8888:80
all_refusals "in use"
refused "the same attachment again" "stay" stay --netns /run/netns/a --network net
refused "the id again, same interface" "stay" stay --netns /run/netns/stay --network net

section "objects of others in the way"
nft add element inet netd publish_any4 '{ tcp . 7777 : 10.1.1.1 . 1 }'
refused "port held by a foreign element" "7777" x --netns /run/netns/a --network net -p 7777:80
nft delete element inet netd publish_any4 '{ tcp . 7777 }'
nft add element inet netd publish_any6 '{ tcp . 7779 : fd00::1 . 1 }'
refused "last of many ports held" "7779" x --netns /run/netns/a --network net -p 7770-7779:70-79
nft delete element inet netd publish_any6 '{ tcp . 7779 }'
ip link add notbridge type veth peer name notbridge1
netd network create wrong --subnet 10.70.0.0/24 --bridge notbridge >/dev/null 2>&1
refused "the bridge's name is taken by another kind of link" "notbridge" x --netns /run/netns/a \
	--network wrong
ip link del notbridge
need "the same attach once it is out of the way" netd attach x --netns /run/netns/a --network wrong
need "detach" detach x
need "rm" netd network rm wrong

section "state that cannot be written"
mount -o remount,ro /run 2>/dev/null && {
	mount -o remount,rw /run
	mkdir -p "$LAB_TMP/ro"
	mount -t tmpfs tmpfs "$LAB_TMP/ro"
	cp -a "$NETD_STATE_DIR/." "$LAB_TMP/ro/"
	mount -o remount,ro "$LAB_TMP/ro"
	before=$(kernel_state)
	check_fails "read-only file system" "." env NETD_STATE_DIR="$LAB_TMP/ro" \
		netd attach x --netns /run/netns/a --network net
	check_eq "read-only: kernel unchanged" "$before" "$(kernel_state)"
	umount "$LAB_TMP/ro"
}
mkdir -p "$LAB_TMP/tiny"
mount -t tmpfs -o size=256k,mode=0700 tmpfs "$LAB_TMP/tiny"
cp -a "$NETD_STATE_DIR/." "$LAB_TMP/tiny/"
dd if=/dev/zero of="$LAB_TMP/tiny/fill" bs=4k 2>/dev/null
before=$(kernel_state)
check_fails "full file system" "." env NETD_STATE_DIR="$LAB_TMP/tiny" \
	netd attach x --netns /run/netns/a --network net -p 9000-9499:9000-9499
check_eq "full: kernel unchanged" "$before" "$(kernel_state)"
rm "$LAB_TMP/tiny/fill"
check "works when there is room again" env NETD_STATE_DIR="$LAB_TMP/tiny" \
	netd attach x --netns /run/netns/a --network net
check "and can be detached" env NETD_STATE_DIR="$LAB_TMP/tiny" netd detach x
umount -l "$LAB_TMP/tiny"

section "state that must not be trusted"
bad_state() {
	local before
	before=$(kernel_state)
	check_fails "$1" "." env NETD_STATE_DIR="$LAB_TMP/bad" netd attach x --netns /run/netns/a
	check_eq "$1: kernel unchanged" "$before" "$(kernel_state)"
	rm -rf "$LAB_TMP/bad"
}
mkdir -m 0777 "$LAB_TMP/bad"
bad_state "directory writable by others"
mkdir -m 0700 "$LAB_TMP/bad" && chown 12345 "$LAB_TMP/bad"
bad_state "directory of another user"
mkdir -m 0700 "$LAB_TMP/real" && ln -s "$LAB_TMP/real" "$LAB_TMP/bad"
bad_state "directory is a symbolic link"
mkdir -m 0700 "$LAB_TMP/bad" && head -c 100000 /dev/urandom >"$LAB_TMP/bad/netd.db" &&
	chmod 0600 "$LAB_TMP/bad/netd.db"
bad_state "random bytes"
mkdir -m 0700 "$LAB_TMP/bad" && head -c 5000 "$NETD_STATE_DIR/netd.db" >"$LAB_TMP/bad/netd.db" &&
	chmod 0600 "$LAB_TMP/bad/netd.db"
bad_state "truncated"

section "a table of that name that is not netd's"
need "detach" detach stay
need "rm" netd network rm net
nft flush ruleset
nft -f - <<-RULES
	table inet netd {
		chain mine { type filter hook input priority 0; counter; }
	}
RULES
serve a a tcp:80
need "network" dual net 1
out=$(netd attach x --netns /run/netns/a --network net -p 8080:80 2>&1)
status=$?
if [ $status -eq 0 ]; then
	answers "foreign table: replaced, and the port works" lan tcp $LAB_HOST4 8080 a
	need "detach" detach x
else
	check_match "foreign table: refused and named" "table" "$out"
	check_match "foreign table: untouched" "chain mine" "$(nft list ruleset)"
fi
