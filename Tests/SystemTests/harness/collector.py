"""A receiver of what the broker tells others by itself: remote write, OTLP and events. What comes is taken apart by hand, from
the descriptions of the formats, so that nothing of the broker's own reading is trusted."""

import http.server
import json
import struct
import threading
import time
from dataclasses import dataclass, field


def unsnap(data: bytes) -> bytes:
    """Snappy's block format."""
    size, position = varint(data, 0)
    out = bytearray()
    while position < len(data):
        tag = data[position]
        position += 1
        kind, top = tag & 3, tag >> 2
        if kind == 0:
            if top >= 60:
                extra = top - 59
                top = int.from_bytes(data[position:position + extra], "little")
                position += extra
            assert position + top + 1 <= len(data), "a literal beyond the end"
            out += data[position:position + top + 1]
            position += top + 1
            continue
        if kind == 1:
            length, offset = 4 + (top & 7), (tag >> 5) << 8 | data[position]
            position += 1
        else:
            length, width = top + 1, 2 if kind == 2 else 4
            offset = int.from_bytes(data[position:position + width], "little")
            position += width
        assert 0 < offset <= len(out), "a copy from before the beginning"
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size, (len(out), size)
    return bytes(out)


def varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def fields(data: bytes):
    """(number, value) of each field of a message: integers, or bytes."""
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        match tag & 7:
            case 0:
                value, position = varint(data, position)
            case 1:
                value, position = struct.unpack_from("<Q", data, position)[0], position + 8
            case 2:
                size, position = varint(data, position)
                assert position + size <= len(data), "a field beyond the end"
                value, position = data[position:position + size], position + size
            case 5:
                value, position = struct.unpack_from("<I", data, position)[0], position + 4
            case other:
                raise ValueError(f"wire type {other}")
        yield tag >> 3, value


def every(data: bytes, *path: int) -> list:
    """All values at a path of field numbers."""
    found = [data]
    for number in path:
        found = [value for message in found for key, value in fields(message) if key == number]
    return found


def only(data: bytes, *path: int):
    values = every(data, *path)
    return values[-1] if values else None


def double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def signed(bits: int) -> int:
    return bits - (1 << 64) if bits >> 63 else bits


def attributes(message: bytes, number: int) -> dict:
    """The attributes of an OTLP message."""
    result = {}
    for pair in every(message, number):
        (kind, value), = fields(only(pair, 2))
        name = only(pair, 1).decode()
        assert name not in result, f"{name} twice"
        result[name] = {1: lambda v: v.decode(), 2: bool, 3: signed, 4: double}[kind](value)
    return result


@dataclass
class Span:
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: int
    end: int
    attributes: dict
    resource: dict
    status: int
    state: str
    events: list = field(default_factory=list)


def spans(body: bytes) -> list[Span]:
    """Those of an ExportTraceServiceRequest."""
    found = []
    for resources in every(body, 1):
        resource = attributes(only(resources, 1), 1)
        assert only(resources, 2, 1, 1) == b"modelbroker"
        for span in every(resources, 2, 2):
            found.append(Span(
                trace=only(span, 1).hex(), id=only(span, 2).hex(), parent=(only(span, 4) or b"").hex(), name=only(span, 5).decode(),
                kind=only(span, 6), start=only(span, 7), end=only(span, 8), attributes=attributes(span, 9), resource=resource,
                status=only(span, 15, 3) or 0, state=(only(span, 3) or b"").decode(),
                events=[only(event, 2).decode() for event in every(span, 11)]))
    return found


def series(body: bytes) -> dict[tuple, list[tuple[float, int]]]:
    """Samples of a WriteRequest, as (value, time), by labels."""
    found = {}
    for entry in every(unsnap(body), 1):
        labels = tuple((only(label, 1).decode(), only(label, 2).decode()) for label in every(entry, 1))
        names = [name for name, _ in labels]
        assert names == sorted(set(names)) and all(value for _, value in labels), labels
        samples = [(double(only(sample, 1) or 0), signed(only(sample, 2))) for sample in every(entry, 2)]
        found.setdefault(labels, []).extend(samples)
    return found


def metrics(body: bytes) -> dict[str, dict]:
    """Metrics of an ExportMetricsServiceRequest by name: kind, unit, and of each point attributes and value."""
    found = {}
    for metric in every(body, 1, 2, 2):
        kind, data = next((number, value) for number, value in fields(metric) if number in (5, 7, 9))
        points = []
        for point in every(data, 1):
            value = next((double(v) if n == 4 else signed(v) for n, v in fields(point) if n in (4, 6)), None)
            if kind == 9:
                counts = [int.from_bytes(only(point, 6)[index:index + 8], "little") for index in range(0, len(only(point, 6)), 8)]
                assert len(counts) == len(only(point, 7)) // 8 + 1 and sum(counts) == only(point, 4)
                value = only(point, 4)
            points.append((attributes(point, 9 if kind == 9 else 7), value))
        name = only(metric, 1).decode()
        assert kind == 5 or only(data, 2) == 2, "not cumulative"
        found.setdefault(name, {"kind": {5: "gauge", 7: "sum", 9: "histogram"}[kind], "unit": (only(metric, 3) or b"").decode(),
                                "points": []})["points"] += points
    return found


class Collector:
    """Takes what is posted to it by path. `status` is what it answers, `more` fields beside it; `hold` keeps answers back."""

    def __init__(self, port: int = 0):
        self.posts: list[tuple[str, dict, bytes, float]] = []
        self.turned_away: list[tuple[str, float]] = []
        self.status = 200
        self.more: dict[str, str] = {}
        self.hold = threading.Event()
        self.hold.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.hold.wait(60)
                if collector.status < 300:
                    head = {name.lower(): value for name, value in self.headers.items()}
                    collector.posts.append((self.path, head, body, time.monotonic()))
                else:
                    collector.turned_away.append((self.path, time.monotonic()))
                self.send_response(collector.status)
                for name, value in collector.more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self, path: str) -> list[bytes]:
        return [body for where, _, body, _ in list(self.posts) if where == path]

    def heads(self, path: str) -> list[dict]:
        return [head for where, head, _, _ in list(self.posts) if where == path]

    def spans(self) -> list[Span]:
        return [span for body in self.bodies("/v1/traces") for span in spans(body)]

    def events(self) -> list[dict]:
        return [event for body in self.bodies("/events") for event in json.loads(body)["events"]]

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
