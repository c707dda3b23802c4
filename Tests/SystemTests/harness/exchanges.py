"""Connections of endless.py: each has one request under way, and tells the load what came of it."""

import errno
import hashlib
import select
import socket
import time

from http1 import chat, request_bytes

TARGET = "/v1/chat/completions"


class Failed(Exception):
    pass


class Exchange:
    """A connection, and the request that is under way on it."""

    def __init__(self, load: "Load", kind: str, where: tuple):
        self.load, self.kind = load, kind
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number, self.request, self.heard = self.socket.fileno(), b"", time.monotonic()
        self.begin()
        load.counts[f"{kind}-connects"] += 1
        self.refused = self.socket.connect_ex(where)
        load.exchanges[self.number] = self
        load.waiting.register(self.number, select.EPOLLOUT)
        self.connecting = True

    def begin(self) -> None:
        """Forgets the answer before."""
        self.buffer, self.head, self.left, self.chunked = bytearray(), None, 0, False

    def ask(self, request: bytes, due: float) -> None:
        self.request, self.due, self.heard = request, due, time.monotonic()
        self.begin()
        if self.refused not in (0, errno.EINPROGRESS):
            raise OSError(self.refused, "connect")
        if not self.connecting:
            self._send()

    def _send(self) -> None:
        if self.socket.send(self.request) != len(self.request):
            raise Failed("a short request was not taken at once")

    def move(self) -> None:
        self.heard = time.monotonic()
        if self.connecting:
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "connect")
            self.connecting = False
            self.load.waiting.modify(self.number, select.EPOLLIN)
            if self.request:
                self._send()
            return
        piece = self.socket.recv(1 << 16)
        if not piece and not self.request:
            return self.load.left(self)
        if not piece:
            raise Failed(f"the connection ended, with {len(self.buffer)} bytes that were not an answer's")
        if not self.request:
            raise Failed(f"{piece[:40]!r} came unasked")
        self.buffer += piece
        if self.read():
            self.over()

    def read(self) -> bool:
        """Whether the answer is there to its last byte."""
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.head = bytes(self.buffer[:end]).lower()
            del self.buffer[: end + 4]
            if not self.head.startswith(b"http/1.1 200 "):
                raise Failed(f"{self.head[:40]!r}: {bytes(self.buffer[:200])!r}")
            self.chunked = b"transfer-encoding: chunked" in self.head
            if not self.chunked:
                self.left = int(self.head.split(b"content-length:")[1].split(b"\r\n")[0])
        return self.stream() if self.chunked else len(self.buffer) >= self.left

    def stream(self) -> bool:
        """Takes whole chunks off."""
        while True:
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return False
            size = int(self.buffer[:end], 16)
            if len(self.buffer) < end + 4 + size:
                return False
            data = bytes(self.buffer[end + 2 : end + 2 + size])
            del self.buffer[: end + 4 + size]
            if not size:
                return True
            self.take(data)

    def take(self, data: bytes) -> None:
        raise Failed("a stream nobody asked for")

    @property
    def closes(self) -> bool:
        return b"\r\nconnection: close" in self.head

    def close(self) -> None:
        self.load.exchanges.pop(self.number, None)
        self.socket.close()


class Request(Exchange):
    """Asks one after the other, if its kind keeps connections."""

    def over(self) -> None:
        if len(self.buffer) > self.left or not self.buffer.endswith(b"}"):
            raise Failed(f"not an answer: {bytes(self.buffer[-80:])!r}")
        self.load.answered(self.kind, time.monotonic() - self.due)
        self.request = b""
        if self.closes or not self.load.kinds[self.kind]["keeps"]:
            self.close()
            self.load.freed(self.kind, None)
        else:
            self.load.freed(self.kind, self)


class Stream(Exchange):
    """Begins its successor when it has ended."""

    def __init__(self, load, kind, where):
        super().__init__(load, kind, where)
        self.digest, self.tail, self.bytes = hashlib.sha256(), b"", 0

    def take(self, data: bytes) -> None:
        if not self.bytes:
            self.load.began_streaming()
        self.digest.update(data)
        self.bytes += len(data)
        self.tail = (self.tail + data)[-16:]

    def over(self) -> None:
        done = self.tail.endswith(b"data: [DONE]\n\n")
        self.load.streamed.append([self.digest.hexdigest(), self.bytes, done])
        self.close()
        self.load.stream_ended(self.kind)
