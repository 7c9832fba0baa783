#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Wall time of CNI ADD and DEL beside the reference plugins of the Debian package
# containernetworking-plugins (which need iptables), with 0 and with PRESENT containers.
#
#	tests/bench/cni.sh [ROUNDS [PRESENT]]		default 50 and 500; as root
#
# Everything happens in private namespaces.
set -eu
cd "$(dirname "$0")/../.."

rounds=${1:-50}
present=${2:-500}
build=${BUILD:-build}
reference=${REFERENCE:-/usr/lib/cni}

for need in "$build/cni/netd" "$build/tests/bench/cni" "$reference/bridge"; do
	if [ ! -x "$need" ]; then
		echo "$need is missing: make bench-build, apt-get install containernetworking-plugins iptables" >&2
		exit 1
	fi
done
command -v iptables >/dev/null || { echo "iptables is missing: the reference plugins execute it" >&2; exit 1; }

for n in 0 "$present"; do
	echo "containers present: $n, rounds: $rounds"
	unshare -n -m sh -ec '
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /var/lib # the reference keeps its leases in /var/lib/cni
		NETD_STATE_DIR=/run/netd exec "$@"
	' sh "$build/tests/bench/cni" "$build/cni" "$reference" "$rounds" "$n"
done
