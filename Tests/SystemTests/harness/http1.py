"""A small HTTP/1.1 client that sees everything: interim answers, framing, and how a connection ended."""

import json
import socket
from dataclasses import dataclass, field


class Broken(Exception):
    """The connection ended inside an answer; `response` holds what came."""

    def __init__(self, response, reason):
        super().__init__(f"{reason} after {len(response.body) if response else 0} bytes of body")
        self.response = response
        self.reason = reason


@dataclass
class Response:
    status: int
    reason: str
    fields: list
    body: bytes = b""
    framing: str = "none"
    interim: list = field(default_factory=list)
    head: bytes = b""

    def header(self, name: str):
        """The value of a field, None without it."""
        values = [value for key, value in self.fields if key == name.lower()]
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self) -> dict:
        """The error object, after a check of its form."""
        assert self.header("content-type").startswith("application/json"), self.fields
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        assert isinstance(error["message"], str) and error["message"], error
        assert isinstance(error["type"], str), error
        return error


class Connection:
    """One client connection."""

    def __init__(self, connection: socket.socket, timeout: float = 15):
        self.socket = connection
        self.socket.settimeout(timeout)
        if connection.type == socket.SOCK_STREAM:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.ended = False
        self.reset = False

    @classmethod
    def to(cls, host: str, port: int, **options):
        return cls(socket.create_connection((host, port), 10), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, target: str, body: bytes | dict | None = None, fields: dict | None = None) -> "Response":
        """Sends a request and reads its answer."""
        self.send(request_bytes(method, target, body, fields))
        return self.response(method)

    def _more(self) -> bool:
        """Reads once; False at the end of the stream, however it came."""
        if self.ended:
            return False
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece, self.reset = b"", True
        if not piece:
            self.ended = True
            return False
        self.buffer += piece
        return True

    def at_end(self) -> bool:
        """Waits for the peer to end the connection; False if bytes come instead."""
        while not self.buffer and self._more():
            pass
        return not self.buffer

    def rest(self) -> bytes:
        """Everything until the end of the stream."""
        while self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._more():
                raise Broken(None, "end of stream")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            if not self._more():
                raise Broken(None, "end of stream")
        end = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def response(self, method: str = "GET", sink=None) -> "Response":
        """The next final answer. `sink` is called with each piece of its body as it arrives."""
        interim = []
        while True:
            head = self.until(b"\r\n\r\n")
            response = parse(head)
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response.status)
        response.interim = interim
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        try:
            self._body(response, sink or (lambda piece: None))
        except Broken as broken:
            raise Broken(response, broken.reason) from None
        return response

    def _body(self, response, sink):
        def add(piece):
            response.body += piece
            if piece:
                sink(piece)

        coding, length = response.header("transfer-encoding"), response.header("content-length")
        if coding is not None:
            assert coding.lower() == "chunked" and length is None, response.fields
            response.framing = "chunked"
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                self._pass(size, add)
                assert self.take(2) == b"\r\n"
            while self.until(b"\r\n") != b"\r\n":
                pass
        elif length is not None:
            response.framing = "length"
            self._pass(int(length), add)
        else:
            response.framing = "close"
            while self.buffer or self._more():
                piece, self.buffer = self.buffer, b""
                add(piece)
            if self.reset:
                raise Broken(None, "reset")

    def _pass(self, count: int, add) -> None:
        while count:
            if not self.buffer and not self._more():
                raise Broken(None, "end of stream")
            piece, self.buffer = self.buffer[:count], self.buffer[count:]
            count -= len(piece)
            add(piece)


def parse(head: bytes) -> Response:
    lines = head[:-4].decode("latin-1").split("\r\n")
    version, status, reason = (lines[0] + " ").split(" ", 2)
    assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon, line
        fields.append((name.lower(), value.strip()))
    return Response(int(status), reason.strip(), fields, head=head)


def request_bytes(method: str, target: str, body=None, fields: dict | None = None) -> bytes:
    """A request with Host and, where it has a body, its type and length; a dict becomes JSON."""
    all_fields = {"Host": "test"}
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        all_fields["Content-Type"] = "application/json"
    if body is not None:
        all_fields["Content-Length"] = str(len(body))
    all_fields |= fields or {}
    lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in all_fields.items() if value is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chat(model: str = "m", content: str = "hello", **more) -> dict:
    """The body of a chat request."""
    return {"model": model, "messages": [{"role": "user", "content": content}]} | more
