"""An API server that says again what a real one once said: the recordings of Tests/Recorded."""

import contextlib
import http.server
import pathlib
import threading
import urllib.parse

from .places import TESTS
from .recorder import Exchange

RECORDED = TESTS / "Recorded" / "kubernetes"
#: Parameters of requests that are by chance, or were changed by the recorder.
_FREE = ("timeoutSeconds", "limit")


def read(file: pathlib.Path) -> list[Exchange]:
    """The exchanges of a recording."""
    found, exchange = [], None
    for text in file.read_text().splitlines()[1:]:
        mark, rest = text[:2], text[2:]
        if mark == "> " and exchange is None:
            method, target = rest.split(" ")
            exchange = Exchange(method, target, None, "")
        elif mark == "< ":
            if not exchange.status:
                exchange.status = int(rest)
        elif mark == "= ":
            exchange.ending = rest
            found.append(exchange)
            exchange = None
        elif mark != "> ":
            exchange.body += text.encode() + b"\n"
    return found


def asked(target: str) -> list[tuple[str, str]]:
    """What a request says beside that."""
    return [(name, value) for name, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query) if name not in _FREE]


class Replay:
    """Answers each path's requests in the order in which they were answered then; the last watch stands."""

    def __init__(self, *names: str, piece: int = 1 << 16):
        self.piece = piece
        self.lock = threading.Lock()
        self.waiting = [exchange for name in names for exchange in read(RECORDED / f"{name}.http")]
        #: Requests for which there was no answer, or another one.
        self.strange: list[str] = []
        self.over = threading.Event()
        self._listener = _Listener(("127.0.0.1", 0), self)
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown()
        self._listener.server_close()

    def next(self, target: str) -> tuple[Exchange | None, bool]:
        """What was answered, and whether it was the last of its path."""
        path = target.partition("?")[0]
        with self.lock:
            mine = [exchange for exchange in self.waiting if exchange.path == path]
            if not mine or asked(mine[0].target) != asked(target):
                self.strange.append(target)
                return None, False
            self.waiting.remove(mine[0])
            return mine[0], len(mine) == 1


class _Listener(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, replay: Replay):
        self.replay = replay
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        """A caller that goes away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        replay, self.close_connection = self.server.replay, True
        exchange, is_last = replay.next(self.path)
        if exchange is None:
            return self.send_error(500)
        self.send_response(exchange.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for start in range(0, len(exchange.body), replay.piece):
                piece = exchange.body[start:start + replay.piece]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if exchange.is_watch:
                # A server that ends watches at once is one that cannot be used.
                replay.over.wait(None if is_last else 1.5)
            if exchange.ending == "end":
                self.wfile.write(b"0\r\n\r\n")
        return None
