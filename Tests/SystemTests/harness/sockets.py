"""What the kernel has set on TCP sockets: of our own by getsockopt, of others by ss."""

import re
import socket
from dataclasses import dataclass

from .processes import run

SO_MAX_PACING_RATE = 47
UNLIMITED = 0xFFFF_FFFF


@dataclass
class Marks:
    """`pacing` in bytes a second, None for none."""

    priority: int
    dscp: int
    pacing: int | None


def marks_of(connection: socket.socket) -> Marks:
    """Of a socket that we hold."""
    if connection.family == socket.AF_INET6:
        tos = connection.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
    else:
        tos = connection.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
    pacing = connection.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) & UNLIMITED
    return Marks(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY), tos >> 2, None if pacing == UNLIMITED else pacing)


def marks_seen(local_port: int, peer_port: int, netns: str | None = None) -> Marks | None:
    """Of whoever's connection between these ports, as `ss` shows it; None: there is no such connection."""
    filter_ = f"sport = :{local_port} and dport = :{peer_port}"
    text = run(["ss", "-HtinmO", "--tos", filter_], netns=netns).stdout
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    assert len(lines) == 1, text
    return _parsed(lines[0])


def _parsed(line: str) -> Marks:
    def number(name: str) -> int:
        found = re.search(rf"\b{name}:(0x[0-9a-f]+|\d+)", line)
        return int(found[1], 0) if found else 0

    # The rate now, and behind the slash the most that it may be.
    pacing = re.search(r"pacing_rate (\d+)bps(?:/(\d+)bps)?", line)
    most = int(pacing[2]) // 8 if pacing and pacing[2] else None
    return Marks(number("class_id"), (number("tclass") or number("tos")) >> 2, most)
