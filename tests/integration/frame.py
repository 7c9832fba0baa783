# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends one Ethernet frame that no kernel would: python3 frame.py IF DST_MAC SRC_MAC SRC DST KIND [PORT]

KIND: udp, syn, rst, ra (router advertisement; SRC is the router). Checksums are right."""
import ipaddress
import socket
import struct
import sys


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(kind, src, dst, port):
    """Returns protocol number and segment."""
    if kind == "udp":
        number, at, head = 17, 6, struct.pack("!HHHH", 40000, port, 8 + 4, 0) + b"test"
    elif kind == "ra":
        prefix = ipaddress.ip_address("fd66:6666::").packed
        head = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
        head += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + prefix
        number, at = 58, 2
    else:
        flags = 0x02 if kind == "syn" else 0x14
        head = struct.pack("!HHIIBBHHH", 40001, port, 1, 1, 5 << 4, flags, 1000, 0, 0)
        number, at = 6, 16
    pseudo = src.packed + dst.packed
    if src.version == 4:
        pseudo += struct.pack("!BBH", 0, number, len(head))
    else:
        pseudo += struct.pack("!IHBB", len(head), 0, 0, number)
    value = checksum(pseudo + head) or 0xFFFF
    return number, head[:at] + struct.pack("!H", value) + head[at + 2:]


def packet(src, dst, number, segment):
    if src.version == 6:
        return 0x86DD, struct.pack("!IHBB", 6 << 28, len(segment), number, 255) + src.packed + dst.packed + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, number, 0) + src.packed + dst.packed
    return 0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def main():
    interface, dst_mac, src_mac, src, dst, kind = sys.argv[1:7]
    port = int(sys.argv[7]) if len(sys.argv) > 7 else 0
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    number, segment = transport(kind, src, dst, port)
    ethertype, payload = packet(src, dst, number, segment)
    macs = bytes.fromhex(dst_mac.replace(":", "") + src_mac.replace(":", ""))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    sock.send(macs + struct.pack("!H", ethertype) + payload)


main()
