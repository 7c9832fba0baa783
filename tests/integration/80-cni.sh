#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The CNI plugin as a runtime calls it: environment, JSON on stdin, result or error on stdout.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
plugin=$LAB_BUILD/cni/netd
: >"$LAB_TMP/cni.err"
box a b
serve a a tcp:80 udp:53
serve b b tcp:80

# conf VERSION [JQ FILTER]: a network configuration.
conf() {
	jq -n --arg v "$1" '{cniVersion: $v, name: "cninet", type: "netd", bridge: "cni7", isGateway: true,
		isDefaultGateway: true, ipMasq: true, ipam: {type: "host-local",
		ranges: [[{subnet: "10.66.0.0/24"}], [{subnet: "fd66::/64"}]]}}' | jq -c "${2:-.}"
}

# cni COMMAND ID NETNS IFNAME: configuration on stdin; output in $out, status in $status.
cni() {
	out=$(CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=$3 CNI_IFNAME=$4 CNI_PATH=$LAB_BUILD/cni \
		CNI_ARGS=${CNI_ARGS:-} "$plugin" 2>"$LAB_TMP/cni.err")
	status=$?
}
add() { cni ADD "$1" "/run/netns/$1" eth0; }
del() { cni DEL "$1" "/run/netns/$1" eth0; }

# json TEXT FILTER: the output is JSON and the filter is true for it.
json() {
	if printf '%s' "$out" | jq -e "$2" >/dev/null 2>&1; then
		ok "$1"
	else
		fail "$1" "not ($2): $out$(cat "$LAB_TMP/cni.err")"
	fi
}
# error TEXT CODE PATTERN
error() {
	check_eq "$1: exit status" 1 $status
	json "$1: code $2" "(.code | tostring | test(\"^($2)$\")) and (.msg | type == \"string\") and (.cniVersion | type == \"string\")"
	check_match "$1: message" "$3" "$out"
}

section "VERSION"
out=$(CNI_COMMAND=VERSION CNI_NETNS=dummy CNI_IFNAME=dummy CNI_PATH=dummy "$plugin" <<<'{"cniVersion":"1.0.0"}')
json "VERSION" '.cniVersion and (["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] - .supportedVersions == [])'
versions=$(jq -r '.supportedVersions[]' <<<"$out")
check_eq "no environment: usage and success" 0 "$(env -i "$plugin" </dev/null >/dev/null 2>&1; echo $?)"

section "ADD and DEL in every version"
# One use of everything that stays (bridge, rules, sysctls).
add a < <(conf 1.1.0)
check_eq "first ADD" 0 $status
del a < <(conf 1.1.0)
snapshot "$LAB_TMP/before"
for version in $versions; do
	add a < <(conf $version)
	check_eq "$version: ADD" 0 $status
	json "$version: names its version" ".cniVersion == \"$version\""
	a4=$(ip4 a) a6=$(ip6 a) mac=$(at a ip -j link show eth0 | jq -r '.[0].address')
	case $version in
	0.[12].0)
		json "$version: shape" ".ip4.ip == \"$a4/24\" and .ip6.ip == \"$a6/64\" and .ip4.gateway == \"10.66.0.1\""
		;;
	*)
		json "$version: addresses" "[.ips[].address] == [\"$a4/24\", \"$a6/64\"]"
		json "$version: gateways" '[.ips[].gateway] == ["10.66.0.1", "fd66::1"]'
		json "$version: interface of the addresses" '.interfaces[.ips[0].interface].name == "eth0"'
		json "$version: sandbox" '.interfaces[.ips[0].interface].sandbox == "/run/netns/a"'
		json "$version: MAC" ".interfaces[.ips[0].interface].mac == \"$mac\""
		json "$version: bridge" '.interfaces[0].name == "cni7" and (.interfaces[0].sandbox // "") == ""'
		json "$version: host end exists" ".interfaces[1].name as \$n | [$(ip -j link | jq -c '.[].ifname' | paste -sd,)] | index(\$n)"
		;;
	esac
	case $version in
	0.[34].*) json "$version: ips[].version" '[.ips[].version] == ["4", "6"]' ;;
	1.*) json "$version: no ips[].version" '[.ips[].version] == [null, null]' ;;
	esac
	previous=$out
	del a < <(conf $version | jq --argjson p "$previous" '.prevResult = $p')
	check_eq "$version: DEL" "0 " "$status $out"
	del a < <(conf $version)
	check_eq "$version: DEL again, no prevResult" "0 " "$status $out"
	unchanged "$version: everything as before" "$LAB_TMP/before"
done

section "capabilities and arguments"
add a < <(conf 1.0.0 '.runtimeConfig = {portMappings: [
	{hostPort: 8080, containerPort: 80, protocol: "tcp"},
	{hostPort: 5353, containerPort: 53, protocol: "UDP"},
	{hostPort: 9090, containerPort: 80, hostIP: "127.0.0.1"}],
	ips: ["10.66.0.77", "fd66::77/64"], mac: "c2:11:22:33:44:55"}')
check_eq "ADD" 0 $status
json "requested addresses" '[.ips[].address] == ["10.66.0.77/24", "fd66::77/64"]'
json "requested MAC" '.interfaces[2].mac == "c2:11:22:33:44:55"'
check_eq "MAC in the kernel" "c2:11:22:33:44:55" "$(at a ip -j link show eth0 | jq -r '.[0].address')"
answers "mapped port from the LAN" lan tcp $LAB_HOST4 8080 a $LAB_LAN4
answers "mapped port, IPv6" lan tcp $LAB_HOST6 8080 a $LAB_LAN6
answers "mapped UDP port" lan udp $LAB_HOST4 5353 a
answers "mapped on 127.0.0.1" host tcp 127.0.0.1 9090 a
silent "mapped on 127.0.0.1: not from the LAN" lan tcp $LAB_HOST4 9090
silent "unpublished port" lan tcp 10.66.0.77 80
add b < <(conf 1.0.0 '.runtimeConfig.ips = ["10.66.0.77"]')
error "address taken" "[0-9]+" "10.66.0.77"
add b < <(conf 1.0.0 '.runtimeConfig.portMappings = [{hostPort: 8080, containerPort: 80, protocol: "tcp"}]')
error "port taken" "[0-9]+" "8080"
check_match "port taken: by whom" "\\ba\\b" "$out"
CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAME=x;IP=10.66.0.99" add b < <(conf 1.0.0)
check_eq "CNI_ARGS IP" 10.66.0.99 "$(ip4 b)"
del b < <(conf 1.0.0)
add b < <(conf 1.0.0 '.runtimeConfig.ipRanges = [[{subnet: "10.67.0.0/24", rangeStart: "10.67.0.50", rangeEnd: "10.67.0.51"}]]
	| del(.ipam.ranges)')
json "ipRanges" '.ips[0].address == "10.67.0.50/24"'
del b < <(conf 1.0.0 'del(.ipam.ranges)')
del a < <(conf 1.0.0)
check_eq "DEL without runtimeConfig" 0 $status
check_eq "no published port is left" "" \
	"$(nft -j list ruleset | jq -c '.nftables[].map | select(.name // "" | test("^publish")) | .elem // empty')"
check_eq "nothing is listed" "[]" "$(netd ls --json | jq -c .)"

section "errors, with nothing changed"
before=$(kernel_state; netd_state)
refused() { # TEXT CODE PATTERN; configuration on stdin; COMMAND etc. from the environment
	cni "${C:-ADD}" "${ID:-a}" "${NS-/run/netns/a}" "${IF:-eth0}"
	error "$1" "$2" "$3"
}
refused "unknown version" 1 "9.9.9" < <(conf 9.9.9)
refused "no JSON" 6 "." <<<"this is not JSON"
refused "empty" 6 "." </dev/null
refused "trailing garbage" 6 "." < <(conf 1.0.0; echo "}")
refused "no name" 7 "network name" < <(conf 1.0.0 'del(.name)')
refused "bad name" 7 "network name" < <(conf 1.0.0 '.name = "a/b"')
C=FROB refused "unknown command" 4 "FROB" < <(conf 1.0.0)
ID="a b" refused "bad id" 4 "containerID" < <(conf 1.0.0)
IF="a/b" refused "bad ifname" 4 "interface" < <(conf 1.0.0)
IF=toolonginterfacename refused "long ifname" 4 "interface" < <(conf 1.0.0)
NS="" refused "no netns" 4 "CNI_NETNS" < <(conf 1.0.0)
NS=/run/netns/none refused "netns missing" "[0-9]+" "none" < <(conf 1.0.0)
NS=/etc/passwd refused "netns is a file" "[0-9]+" "." < <(conf 1.0.0)
NS=/proc/self/ns/net refused "the host's own netns" 8 "." < <(conf 1.0.0)
refused "ipam.type with a path" "[0-9]+" "." < <(conf 1.0.0 '.ipam.type = "../../bin/reboot"')
refused "bad protocol" "[27]" "frob" < <(conf 1.0.0 '.runtimeConfig.portMappings = [{hostPort: 80, containerPort: 80, protocol: "frob"}]')
refused "host port 0" "[27]" "." < <(conf 1.0.0 '.runtimeConfig.portMappings = [{hostPort: 0, containerPort: 80, protocol: "tcp"}]')
refused "port 65536" "[27]" "." < <(conf 1.0.0 '.runtimeConfig.portMappings = [{hostPort: 65536, containerPort: 80, protocol: "tcp"}]')
refused "bad hostIP" "[27]" "1.2.3" < <(conf 1.0.0 '.runtimeConfig.portMappings = [{hostPort: 80, containerPort: 80, hostIP: "1.2.3"}]')
refused "no ranges" "[0-9]+" "." < <(conf 1.0.0 'del(.ipam.ranges)')
refused "bad subnet" 7 "10.66.0.1/24" < <(conf 1.0.0 '.ipam.ranges = [[{subnet: "10.66.0.1/24"}]]')
check_eq "no refused call changed anything" "$before" "$(kernel_state; netd_state)"
check_eq "the interface that exists" 0 "$(at a ip link add eth0 type veth peer name o; echo $?)"
refused "ifname exists in the container" "[0-9]+" "eth0" < <(conf 1.0.0)
at a ip link del eth0
add a < <(conf 1.0.0)
refused "ADD twice" "[0-9]+" "a" < <(conf 1.0.0)
check_eq "still attached" "10.66" "$(ip4 a | cut -d. -f1-2)"

section "DEL of what is gone"
cni DEL a "" eth0 < <(conf 1.0.0)
check_eq "empty CNI_NETNS" "0 " "$status $out"
check_eq "detached all the same" "[]" "$(netd ls --json | jq -c .)"
cni DEL nobody /run/netns/none eth0 < <(conf 1.0.0)
check_eq "unknown container, missing netns" "0 " "$status $out"
add a < <(conf 1.0.0)
umount /run/netns/a && rm /run/netns/a
del a < <(conf 1.0.0)
check_eq "stale netns path" "0 " "$status $out"
check_eq "nothing is listed" "[]" "$(netd ls --json | jq -c .)"

section "the caller sees the end of the output at once"
box z
add z < <(conf 1.0.0)
start=$EPOCHREALTIME
del z < <(conf 1.0.0)
took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
check "DEL returns before its background work ends (took $took ms)" test $took -lt 2000
check_eq "nothing is listed" "[]" "$(netd ls --json | jq -c .)"
