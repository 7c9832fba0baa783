#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first connection, made the moment an attach returns, succeeds at once: no cycle may lose a packet.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/lab.sh"
lab_up
for nf in 1 0; do
	bridge_nf $nf
	out=$(first -n "${FIRST_CYCLES:-500}" -l "${FIRST_LIMIT:-100}" "$NETD_STATE_DIR" 2>&1)
	check_eq "bridge-nf $nf: every first connection within ${FIRST_LIMIT:-100} ms" 0 $?
	printf '%s\n' "$out"
	check_eq "bridge-nf $nf: nothing is left" "" "$(ip -o link show type bridge)"
done

section "while the host still sends to containers that are gone"
out=$(first -s -n 60 -l "${FIRST_LIMIT:-100}" "$NETD_STATE_DIR" 2>&1)
check_eq "stale senders: every first connection within ${FIRST_LIMIT:-100} ms" 0 $?
printf '%s\n' "$out"
