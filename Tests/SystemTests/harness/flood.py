"""Thousands of connections that each send one large request, as far as they are let, from one thread."""

import resource
import select
import socket
import struct
import time

from .http1 import parse

#: Of what a caller has sent and nobody has read, so much is in its own kernel: 10,000 callers are not to fill the memory.
_SEND_BUFFER = 16 << 10
_ABORT = struct.pack("ii", 1, 0)


def raise_descriptor_limit(count: int) -> None:
    """So many for this process and those that it starts from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))


class _Caller:
    def __init__(self, address):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.socket.setblocking(False)
        self.socket.connect_ex(address)
        self.sent, self.answer = 0, b""


class Flood:
    """Nothing moves but within `pump` and what calls it."""

    def __init__(self, address, request: bytes):
        self.address, self.request = address, memoryview(request)
        self.callers: dict[int, _Caller] = {}
        self.poll = select.epoll()
        self.statuses: list[int] = []
        #: Connections that ended without an answer.
        self.broken = 0

    def __enter__(self) -> "Flood":
        return self

    def __exit__(self, *_):
        self.leave(len(self.callers))
        self.poll.close()

    def open(self, count: int, together: int = 200) -> None:
        """So many callers; few at a time, so that no listener overflows."""
        for start in range(0, count, together):
            for _ in range(min(together, count - start)):
                caller = _Caller(self.address)
                self.callers[caller.socket.fileno()] = caller
                self.poll.register(caller.socket.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            self.pump(0.005)

    def pump(self, seconds: float = 0.0) -> None:
        """Sends and receives what can be, until nothing can for the moment; at least for so long."""
        until = time.monotonic() + seconds
        while True:
            events = self.poll.poll(max(0.0, min(0.05, until - time.monotonic())), 1024)
            for number, event in events:
                if caller := self.callers.get(number):
                    self._move(caller, event)
            if not events and time.monotonic() >= until:
                return

    def _move(self, caller: _Caller, event: int) -> None:
        try:
            if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._receive(caller)
            while caller.sent < len(self.request) and caller.socket.fileno() >= 0:
                caller.sent += caller.socket.send(self.request[caller.sent : caller.sent + (64 << 10)])
        except BlockingIOError:
            pass
        except OSError:
            self._end(caller, 0)

    def _receive(self, caller: _Caller) -> None:
        try:
            while piece := caller.socket.recv(65536):
                caller.answer += piece
            ended = True
        except BlockingIOError:
            ended = False
        head, separator, body = caller.answer.partition(b"\r\n\r\n")
        if separator:
            parsed = parse(head + separator)
            length = int(parsed.header("content-length") or 0)
            if len(body) >= length:
                return self._end(caller, parsed.status)
        if ended:
            self._end(caller, 0)

    def _end(self, caller: _Caller, status: int) -> None:
        if self.callers.pop(caller.socket.fileno(), None):
            caller.socket.close()
            if status:
                self.statuses.append(status)
            else:
                self.broken += 1

    def leave(self, count: int) -> float:
        """The last so many end their connections with a reset; the time.

        A polite end stays behind what the caller has yet to send, which nobody reads: neither side could know of it.
        """
        for number in list(self.callers)[len(self.callers) - count :]:
            caller = self.callers.pop(number)
            caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            caller.socket.close()
        return time.monotonic()
