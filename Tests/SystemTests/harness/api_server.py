"""A small API server of Kubernetes: lists and watches, and everything that can go wrong with these.

Objects are given to it as the real one sends them. It asks for a token if it has one, keeps a history for watches to go on
from, and notes each request.
"""

import contextlib
import http.server
import json
import queue
import threading
import urllib.parse


class APIServer:
    """`put` and `delete` objects; the rest is trouble."""

    #: A version that is forgotten is told by an event of the watch, and not by its status.
    gone_by_event = False

    def __init__(self, token: str | None = "t0"):
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
            if watch.wanted.collection == collection and watch.wanted.has(object):
                watch.tell(line(kind, object))

    def patch(self, path: str, query: dict, kind: str, body: dict) -> dict | None:
        """The object as it is then; None: there is none."""
        return None

    # Trouble

    def away(self) -> None:
        """Nobody listens any more, and all watches end in the middle."""
        if self._listener:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        self.cut()

    def back(self) -> None:
        """At the same port each time."""
        self._listener = _Listener(("127.0.0.1", self.port), self)
        self.port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    close = away

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


def line(kind: str, object: dict) -> bytes:
    return json.dumps({"type": kind, "object": object}).encode() + b"\n"


def status(code: int, reason: str) -> dict:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": reason}


class Wanted:
    """The objects that a request is about: of a resource, of one namespace if the path names one, that the selectors want."""

    FIELDS = {"metadata.name": ("metadata", "name"), "spec.nodeName": ("spec", "nodeName")}

    def __init__(self, path: str, query: dict):
        prefix, _, rest = path.partition("/namespaces/")
        self.namespace, _, plural = rest.partition("/")
        self.collection = f"{prefix}/{plural}" if rest else path
        self.labels = self._pairs(query.get("labelSelector", ""))
        self.fields = self._pairs(query.get("fieldSelector", ""))

    @staticmethod
    def _pairs(text: str) -> dict:
        return dict(item.split("=", 1) for item in text.split(",") if item)

    def has(self, object: dict) -> bool:
        metadata = object["metadata"]
        return self.namespace in ("", metadata.get("namespace", "")) and self.labels.items() <= metadata.get(
            "labels", {}).items() and all(
                object[part].get(name) == self.fields[field] for field, (part, name) in self.FIELDS.items()
                if field in self.fields)


class Watch:
    """A watch that stands."""

    def __init__(self, wanted: Wanted):
        self.wanted = wanted
        self.lines: queue.Queue = queue.Queue()

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

    @property
    def api(self) -> APIServer:
        return self.server.server

    def do_GET(self):
        path, query = self.asked()
        if query is None:
            return None
        wanted = Wanted(path, query)
        if query.get("watch") == "1":
            return self.watch(wanted, int(query["resourceVersion"]))
        if query.get("limit") and query.get("resourceVersion", "0") != "0" and int(query["resourceVersion"]) < self.api.version:
            # Both together ask for just that version, which is no longer there.
            return self.answer(410, status(410, "Expired"))
        with self.api.lock:
            known = sorted(self.api.objects.get(wanted.collection, {}).items())
            body = {
                "kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": str(self.api.version)},
                "items": [object for _, object in known if wanted.has(object)]}
        return self.answer(200, body)

    def do_PATCH(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, query = self.asked()
        if query is not None:
            object = self.api.patch(path, query, self.headers["Content-Type"], body)
            self.answer(200 if object else 404, object or status(404, "NotFound"))

    def asked(self) -> tuple[str, dict | None]:
        """The path and the query; without a query the caller has been refused."""
        parts = urllib.parse.urlsplit(self.path)
        if self.api.token is not None and self.headers["authorization"] != f"Bearer {self.api.token}":
            self.answer(401, status(401, "Unauthorized"))
            return parts.path, None
        return parts.path, dict(urllib.parse.parse_qsl(parts.query))

    def answer(self, code: int, body: dict) -> None:
        self.api.requests.append((self.command, self.path, code))
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        for start in range(0, len(text), self.api.piece):
            self.wfile.write(text[start:start + self.api.piece])
            if self.api.delay:
                threading.Event().wait(self.api.delay)

    def watch(self, wanted: Wanted, since: int) -> None:
        api, watch = self.api, Watch(wanted)
        with api.lock:
            if since < api.oldest:
                if not api.gone_by_event:
                    return self.answer(410, status(410, "Expired"))
                watch.tell(line("ERROR", status(410, "Expired")))
                watch.end()
            else:
                for version, kind, object in api.history.get(wanted.collection, []):
                    if version > since and wanted.has(object):
                        watch.tell(line(kind, object))
                api.watches.append(watch)
            api.requests.append((self.command, self.path, 200))
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
        with api.lock, contextlib.suppress(ValueError):
            api.watches.remove(watch)
        self.close_connection = True
        return None
