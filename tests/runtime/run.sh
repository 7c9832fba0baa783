#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A container runtime against the installed library: make install into a fresh directory, compile with
# pkg-config alone, run with the shared library.
# shellcheck source=tests/integration/lab.sh
. "$(dirname "$0")/../integration/lab.sh"
lab_up

dest=$LAB_TMP/dest
need "make install" make -s -C "$LAB_ROOT" BUILD="$LAB_BUILD" DESTDIR="$dest" PREFIX=/usr/local install
for file in bin/netd lib/libnetd.so lib/libnetd.a lib/pkgconfig/netd.pc include/netd.h \
	share/man/man1/netd.1 share/bash-completion/completions/netd; do
	check "installs $file" test -s "$dest/usr/local/$file"
done
check "installs the CNI plugin" test -x "$dest/opt/cni/bin/netd"

export PKG_CONFIG_PATH=$dest/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
export LD_LIBRARY_PATH=$dest/usr/local/lib
read -ra flags <<<"$(pkg-config --cflags --libs netd)"
san=()
if nm -D "$dest/usr/local/lib/libnetd.so" | grep -q __asan_init; then
	san=(-fsanitize="address,undefined")
fi
need "compiles with pkg-config --cflags --libs netd" "${CC:-cc}" -D_GNU_SOURCE -Wall -Wextra -Werror \
	-O1 -g "${san[@]}" "$LAB_ROOT/tests/runtime/runtime.c" "${flags[@]}" -o "$LAB_TMP/runtime"
check_match "uses the shared library" "libnetd.so.0 => $dest" "$(ldd "$LAB_TMP/runtime")"
check "exports only netd_*" sh -c \
	"! nm -D --defined-only '$dest/usr/local/lib/libnetd.so' | grep -v ' A ' | grep -v ' netd_'"

out=$("$LAB_TMP/runtime" "$NETD_STATE_DIR" echod web tcp:80 tcp:81 2>&1)
status=$?
while IFS= read -r line; do
	case $line in
	"ok "*) ok "${line#ok      }" ;;
	"FAILED "*) fail "${line#FAILED  }" ;;
	esac
done <<<"$out"
check_eq "the runtime's own verdict" 0 $status
if [ $status -ne 0 ]; then printf '%s\n' "$out"; fi

mkdir "$LAB_TMP/www"
echo "page" >"$LAB_TMP/www/index.html"
out=$("$LAB_TMP/runtime" "$NETD_STATE_DIR" sh -c \
	"busybox httpd -p 80 -h $LAB_TMP/www; exec busybox httpd -f -p 81 -h $LAB_TMP/www" 2>&1)
check_eq "the same with busybox httpd" 0 $?
check_eq "no link is left" "" "$(ip -o link show type veth | grep -v 'eth0' || true)"
