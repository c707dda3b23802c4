"""A small API server of Kubernetes: lists and watches, and everything that can go wrong with these.

Objects are given to it as the real one sends them. It asks for a token, keeps a history for watches to go on from, and notes
each request.
"""

import contextlib
import http.server
import json
import queue
import socket
import threading
import urllib.parse


class APIServer:
    """`put` and `delete` objects; the rest is trouble."""

    def __init__(self, token: str = "t0"):
        self.token = token
        self.lock = threading.RLock()
        self.version = 100
        #: By collection, as `/api/v1/pods`, and then by namespace and name.
        self.objects: dict[str, dict[tuple, dict]] = {}
        #: Of each collection: (version, type, object).
        self.history: dict[str, list[tuple]] = {}
        #: Versions before this one are forgotten.
        self.oldest = 0
        #: Method, target, and the status that it was answered with.
        self.requests: list[tuple[str, str, int]] = []
        self.watches: list["Watch"] = []
        #: Seconds between the pieces of an answer, of `piece` bytes each.
        self.delay, self.piece = 0.0, 1 << 20
        self.port = 0
        self._listener = None
        self._connections: set[socket.socket] = set()
        self.back()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # The cluster

    def put(self, collection: str, object: dict) -> dict:
        with self.lock:
            self.version += 1
            known = self.objects.setdefault(collection, {})
            key = (object["metadata"].get("namespace", ""), object["metadata"]["name"])
            object = json.loads(json.dumps(object))
            object["metadata"]["resourceVersion"] = str(self.version)
            kind = "MODIFIED" if key in known else "ADDED"
            known[key] = object
            self._happened(collection, kind, object)
            return object

    def delete(self, collection: str, namespace: str, name: str) -> None:
        with self.lock:
            self.version += 1
            object = self.objects[collection].pop((namespace, name))
            object["metadata"]["resourceVersion"] = str(self.version)
            self._happened(collection, "DELETED", object)

    def _happened(self, collection: str, kind: str, object: dict) -> None:
        self.history.setdefault(collection, []).append((self.version, kind, object))
        for watch in self.watches:
            if watch.collection == collection and watch.wants(object):
                watch.tell(line(kind, object))

    # Trouble

    def away(self) -> None:
        """Nobody listens any more, and all connections are reset."""
        self._listener.shutdown()
        self._listener.server_close()
        self._listener = None
        self.cut()

    def back(self) -> None:
        self._listener = _Listener(("127.0.0.1", self.port), self)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def cut(self, text: bytes = b"") -> None:
        """Ends all watches without a farewell, perhaps behind a piece of an event."""
        with self.lock:
            for watch in self.watches:
                watch.tell(text)
                watch.end()
            self.watches.clear()

    def bookmark(self) -> None:
        """Tells all watches how far they are."""
        with self.lock:
            self.version += 1
            for watch in self.watches:
                watch.tell(line("BOOKMARK", {"kind": "X", "metadata": {"resourceVersion": str(self.version)}}))

    def forget(self) -> None:
        """From now on nobody can watch from what was before: 410 Gone."""
        with self.lock:
            self.version += 1
            self.oldest = self.version

    def close(self) -> None:
        if self._listener:
            self.away()


def line(kind: str, object: dict) -> bytes:
    return json.dumps({"type": kind, "object": object}).encode() + b"\n"


def status(code: int, reason: str) -> dict:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason}


class Watch:
    """A watch that stands."""

    def __init__(self, collection: str, selector: dict):
        self.collection, self.selector = collection, selector
        self.lines: queue.Queue = queue.Queue()

    def wants(self, object: dict) -> bool:
        return "spec.nodeName" not in self.selector or self.selector["spec.nodeName"] == object["spec"].get("nodeName")

    def tell(self, text: bytes) -> None:
        self.lines.put(text)

    def end(self) -> None:
        self.lines.put(None)


class _Listener(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, server: APIServer):
        self.server = server
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        """A caller that goes away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        api: APIServer = self.server.server
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        selector = dict(item.split("=", 1) for item in query.get("fieldSelector", "").split(",") if item)
        if self.headers["authorization"] != f"Bearer {api.token}":
            return self.answer(api, 401, status(401, "Unauthorized"))
        if query.get("watch") == "1":
            return self.watch(api, parts.path, query, selector)
        with api.lock:
            found = Watch(parts.path, selector)
            items = [object for _, object in sorted(api.objects.get(parts.path, {}).items()) if found.wants(object)]
            body = {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": str(api.version)}, "items": items}
        return self.answer(api, 200, body)

    def answer(self, api: APIServer, code: int, body: dict) -> None:
        api.requests.append((self.command, self.path, code))
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        for start in range(0, len(text), api.piece):
            self.wfile.write(text[start:start + api.piece])
            if api.delay:
                threading.Event().wait(api.delay)

    def watch(self, api: APIServer, collection: str, query: dict, selector: dict) -> None:
        watch = Watch(collection, selector)
        since = int(query["resourceVersion"])
        with api.lock:
            if since < api.oldest:
                return self.answer(api, 410, status(410, "Expired"))
            api.requests.append((self.command, self.path, 200))
            for version, kind, object in api.history.get(collection, []):
                if version > since and watch.wants(object):
                    watch.tell(line(kind, object))
            api.watches.append(watch)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            while (text := watch.lines.get()) is not None:
                for start in range(0, len(text), api.piece):
                    piece = text[start:start + api.piece]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    if api.delay:
                        threading.Event().wait(api.delay)
        self.close_connection = True
