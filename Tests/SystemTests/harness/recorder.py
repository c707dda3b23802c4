"""Stands between the agent and an API server, and writes down what they say.

It changes nothing of what the server says. Of a request it changes, where it is told to, how many objects a page has, how long a
watch stands, and which version of a group is asked for.
"""

import contextlib
import http.client
import http.server
import pathlib
import re
import ssl
import threading
from dataclasses import dataclass, field

#: Of an answer's head these are kept: the others name the request, the moment or flow control.
KEPT = ("Content-Type", "Retry-After", "Warning")


@dataclass
class Exchange:
    """A request, as the server got it, and its answer."""

    method: str
    target: str
    content_type: str | None
    sent: str
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    #: How it ended: `end` as it should, `cut` otherwise, `silent` if nobody was asked; None: not yet.
    ending: str | None = None
    #: Nothing is passed on; the answer has a head, and no body until it is cut.
    is_silent: bool = False

    @property
    def is_watch(self) -> bool:
        return "watch=1" in self.target

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def text(self) -> str:
        """`>` what was sent, `<` the answer's head, then its body; `=` how it ended."""
        lines = [f"> {self.method} {self.target}"]
        if self.sent:
            lines += [f"> Content-Type: {self.content_type}", f"> {self.sent.rstrip()}"]
        lines += [f"< {self.status}", *(f"< {name}: {value}" for name, value in self.headers)]
        body = self.body.decode()
        lines += [body.rstrip("\n")] if body else []
        return "\n".join([*lines, f"= {self.ending or 'cut'}"]) + "\n"


class Recorder:
    """Listens on loopback without TLS; what it passes on goes to one server with TLS."""

    def __init__(self, port: int, context: ssl.SSLContext):
        self.upstream, self.context = port, context
        self.exchanges: list[Exchange] = []
        self.lock = threading.Lock()
        #: Objects of a page, and seconds that a watch stands; None: as asked.
        self.page: int | None = None
        self.seconds: int | None = None
        #: Beginnings of paths, and what the server has in their place.
        self.moved: dict[str, str] = {}
        #: Called with each request before it is passed on, in the request's own thread.
        self.before = lambda exchange: None
        self._open: set = set()
        self._listener = _Listener(("127.0.0.1", 0), self)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self.cut()

    def cut(self) -> None:
        """Ends all that is under way without a farewell."""
        with self.lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(2)

    def of(self, path: str) -> list[Exchange]:
        with self.lock:
            return [exchange for exchange in self.exchanges if exchange.path == path]

    def standing(self, path: str) -> bool:
        """Whether a watch has begun there and not ended."""
        return any(exchange.is_watch and exchange.status == 200 and exchange.ending is None for exchange in self.of(path))

    def write(self, file: pathlib.Path, title: str, exchanges: list[Exchange]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {title}\n" + "".join(exchange.text() for exchange in exchanges if exchange.status))

    def changed(self, target: str) -> str:
        for former, new in self.moved.items():
            target = target.replace(former, new, 1) if target.startswith(former) else target
        if self.page is not None:
            target = re.sub(r"([?&]limit=)\d+", rf"\g<1>{self.page}", target)
        if self.seconds is not None:
            target = re.sub(r"([?&]timeoutSeconds=)\d+", rf"\g<1>{self.seconds}", target)
        return target


class _Listener(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, recorder: Recorder):
        self.recorder = recorder
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        """A caller that goes away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.pass_on()

    do_PATCH = do_GET

    def pass_on(self):
        recorder = self.server.recorder
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        exchange = Exchange(self.command, recorder.changed(self.path), self.headers["Content-Type"], sent.decode())
        recorder.before(exchange)
        with recorder.lock:
            recorder.exchanges.append(exchange)
            recorder._open.add(self.connection)
        self.close_connection = True
        try:
            if exchange.is_silent:
                self.be_silent(exchange)
            else:
                self.answer(exchange, sent)
        except (OSError, http.client.HTTPException):
            exchange.ending = "cut"
        finally:
            with recorder.lock:
                recorder._open.discard(self.connection)
            # Without the last chunk: whoever reads knows that it was cut.
            with contextlib.suppress(OSError):
                self.connection.shutdown(2)

    def be_silent(self, exchange: Exchange) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        exchange.ending = "silent"
        self.connection.recv(1)

    def answer(self, exchange: Exchange, sent: bytes) -> None:
        recorder = self.server.recorder
        upstream = http.client.HTTPSConnection("127.0.0.1", recorder.upstream, context=recorder.context)
        with contextlib.closing(upstream):
            passed = {name: self.headers[name] for name in ("Authorization", "Accept", "User-Agent", "Content-Type") if self.headers[name]}
            upstream.request(exchange.method, exchange.target, sent or None, passed)
            answer = upstream.getresponse()
            exchange.headers = [(name, answer.headers[name]) for name in KEPT if answer.headers[name]]
            exchange.status = answer.status
            self.send_response(answer.status)
            for name, value in exchange.headers:
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := answer.read1(1 << 16):
                exchange.body += piece
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            exchange.ending = "end"
            self.wfile.write(b"0\r\n\r\n")
