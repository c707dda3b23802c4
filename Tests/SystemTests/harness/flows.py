"""Flows that go on while something happens, each in a thread of its own; afterwards each says whether it lost a byte."""

import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable

from .http1 import Broken, Connection, chat, request_bytes


class Flow(threading.Thread):
    """Begins with `start`; ends by itself. It may be cut, but never altered."""

    def __init__(self, way: str):
        super().__init__(daemon=True)
        self.way = way
        #: Something of it has arrived, or it has ended.
        self.began = threading.Event()
        #: Why it was cut; None: it was not.
        self.failure: Exception | None = None
        #: Bytes that were compared.
        self.size = 0

    def run(self):
        try:
            self.flow()
        except (Broken, OSError) as failure:
            self.failure = failure
        finally:
            self.began.set()

    def flow(self) -> None:
        raise NotImplementedError

    def is_whole(self, sent: set[str]) -> bool:
        """False: it was cut, visibly. AssertionError: it lost something. `sent`: SHA-256 of what engines have sent."""
        raise NotImplementedError


class Stream(Flow):
    """A stream of events."""

    def __init__(self, way: str, connection: socket.socket, model: str):
        super().__init__(way)
        self.connection, self.model = Connection(connection, timeout=60), model
        self.response = None

    def flow(self):
        with self.connection:
            # What it used belongs to the bytes compared: nobody takes the event that says so out.
            body = chat(self.model, stream=True, stream_options={"include_usage": True})
            self.connection.send(request_bytes("POST", "/v1/chat/completions", body))
            self.response = self.connection.response(sink=lambda _: self.began.set())

    def is_whole(self, sent):
        if self.failure or not self.response:
            return False
        self.size = len(self.response.body)
        assert hashlib.sha256(self.response.body).hexdigest() in sent, f"{self.way}: altered: {self.response.body[-300:]}"
        return True


class Echo(Flow):
    """Bytes that no protocol knows, there and back."""

    PIECE, PIECES, PAUSE = 4096, 120, 0.01

    def __init__(self, way: str, connection: socket.socket, seed: int):
        super().__init__(way)
        self.connection, self.bytes = connection, random.Random(seed)
        self.altered = ""
        self.over = threading.Event()

    def flow(self):
        with self.connection:
            self.connection.settimeout(60)
            for number in range(self.PIECES):
                # No line of HTTP begins so.
                piece = b"\0" + self.bytes.randbytes(self.PIECE - 1)
                self.connection.sendall(piece)
                if (back := self._read(len(piece))) != piece:
                    self.altered = f"piece {number}: {back[:50]!r} for {piece[:50]!r}"
                    return
                self.size += 2 * len(piece)
                self.began.set()
                self.over.wait(self.PAUSE)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise ConnectionError(f"{len(data)} of {count} bytes")
            data += more
        return data

    def is_whole(self, sent):
        assert not self.altered, f"{self.way}: altered: {self.altered}"
        return not self.failure


class Requests(threading.Thread):
    """Short requests on every way, again and again, so that whatever happens happens to one of them; notes which failed."""

    PAUSE = 0.005

    def __init__(self, ways: dict[str, Callable[[], int]]):
        super().__init__(daemon=True)
        self.ways, self.over, self.count = ways, threading.Event(), 0
        #: From when to when each went on, by the steady clock; its way, and its status.
        self.failed: list[tuple[float, float, str, int]] = []
        #: From when to when they may fail: those that have anything to do with that time.
        self.excused: list[tuple[float, float]] = []

    def run(self):
        while not self.over.wait(self.PAUSE):
            for way, ask in self.ways.items():
                began = time.monotonic()
                if (status := ask()) != 200:
                    self.failed.append((began, time.monotonic(), way, status))
                self.count += 1

    @property
    def unexcused(self) -> list[tuple[float, float, str, int]]:
        return [(began, ended, way, status) for began, ended, way, status in list(self.failed)
                if not any(began < until and since <= ended for since, until in self.excused)]

    def close(self):
        self.over.set()
        self.join(30)
