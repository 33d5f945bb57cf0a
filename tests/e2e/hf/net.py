"""Addresses that no other test uses at the same time."""

import itertools
import os
import socket
import sys
from pathlib import Path

_count = itertools.count(1)


def own_host():
    """A loopback address of this process alone: all of 127/8 is the machine's own.

    Process ids have at most 22 bits; 127.0.0.0/12 stays free for everybody else.
    """
    pid = os.getpid() & 0x3FFFFF
    return f"127.{16 + (pid >> 16)}.{(pid >> 8) & 0xFF}.{max(1, (pid & 0xFF) % 255)}"


def free_port(host):
    """A port of `host` that nobody listens on, below the range that clients are given."""
    while True:
        port = 20000 + (os.getpid() * 7 + next(_count)) % 10000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port


def free_address(host):
    return f"{host}:{free_port(host)}"


def connections_to(address):
    """How many connections an IPv4 address of this machine has accepted."""
    host, _, port = address.rpartition(":")
    number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    local, established = f"{number:08X}:{int(port):04X}", "01"
    lines = map(str.split, Path("/proc/net/tcp").read_text().splitlines())
    return sum(line[1] == local and line[3] == established for line in lines)
