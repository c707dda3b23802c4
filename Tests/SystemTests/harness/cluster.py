"""A small API server of a cluster: lists, watches and server-side apply of a status, over plain HTTP."""

import functools
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import yaml

from .places import ROOT, free_port

CUSTOM = "/apis/modelbroker.io/v1alpha1"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
POOLS = "/apis/inference.networking.k8s.io/v1/inferencepools"
PODS = "/api/v1/pods"


class Cluster:
    """Objects by the path of their resource, and all that has happened to them since the oldest version still known."""

    def __init__(self):
        self.port = free_port()
        self.changed = threading.Condition()
        self.version = 100
        self.oldest = 100
        self.objects: dict[tuple, dict] = {}
        self.events: list[tuple[int, tuple, dict]] = []
        #: Requests as `METHOD target`.
        self.asked: list[str] = []
        #: When a node wrote into the status of what, on the monotonic clock.
        self.written: list[tuple[float, str, str]] = []
        self.server = None
        self.births = itertools.count()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Begins to answer; at the same port each time."""
        self.epoch = object()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Goes away: nobody listens any more, and open watches end in the middle."""
        if self.server:
            with self.changed:
                self.epoch = None
                self.changed.notify_all()
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def forget(self):
        """Versions of before are too old from now on."""
        with self.changed:
            self.version += 1
            self.oldest, self.events = self.version, []

    # Objects

    def put(self, resource: str, name: str, namespace: str = "", labels=None, **content):
        with self.changed:
            key = (resource, namespace, name)
            former = self.objects.get(key)
            self.version += 1
            metadata = (former or {}).get("metadata") or {
                "name": name, "uid": f"u{self.version}", "generation": 0,
                "creationTimestamp": f"2026-01-01T00:00:{next(self.births):02}Z"} | ({"namespace": namespace} if namespace else {})
            metadata = metadata | {"resourceVersion": str(self.version), "generation": metadata["generation"] + 1}
            if labels:
                metadata["labels"] = labels
            status = {"status": former["status"]} if former and "status" in former else {}
            self._tell("MODIFIED" if former else "ADDED", key, {"metadata": metadata} | status | content)

    def remove(self, resource: str, name: str, namespace: str = ""):
        with self.changed:
            key = (resource, namespace, name)
            self.version += 1
            object = self.objects[key] | {"metadata": self.objects[key]["metadata"] | {"resourceVersion": str(self.version)}}
            self._tell("DELETED", key, object)
            del self.objects[key]

    def _tell(self, kind, key, object):
        self.objects[key] = object
        self.events.append((self.version, key, {"type": kind, "object": object}))
        self.changed.notify_all()

    def custom(self, plural: str, name: str, **spec):
        self.put(f"{CUSTOM}/{plural}", name, spec=spec)

    def service(self, namespace: str, name: str, port: int, addresses: dict[str, str]):
        """One slice: addresses with `ready`, `ending` or `unready`."""
        conditions = {"ready": {"ready": True}, "unready": {"ready": False, "serving": False},
                      "ending": {"ready": False, "serving": True, "terminating": True}}
        self.put(SLICES, f"{name}-1", namespace, {"kubernetes.io/service-name": name}, addressType="IPv4",
                 endpoints=[{"addresses": [address], "conditions": conditions[state]} for address, state in addresses.items()],
                 ports=[{"name": "http", "port": port, "protocol": "TCP"}])

    def entry(self, plural: str, name: str, node: str) -> dict:
        """What a node has said of a custom resource; empty: nothing yet."""
        with self.changed:
            nodes = self.objects[f"{CUSTOM}/{plural}", "", name].get("status", {}).get("nodes", [])
            return next((entry for entry in nodes if entry["name"] == node), {})

    def condition(self, plural: str, name: str, node: str) -> dict | None:
        """Of that, whether it accepts it."""
        return next(iter(self.entry(plural, name, node).get("conditions", [])), None)

    # Answers

    def selected(self, path: str, query: dict, entries):
        """Those of a resource, of one namespace if the path names one, that the selectors want."""
        prefix, _, rest = path.partition("/namespaces/")
        namespace, _, plural = rest.partition("/")
        resource = f"{prefix}/{plural}" if rest else path
        labels = dict(pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if pair)
        names = [pair.split("=")[1] for pair in query.get("fieldSelector", [""])[0].split(",") if pair.startswith("metadata.name=")]
        for (where, space, name), object in entries:
            has = (object.get("object") or object)["metadata"].get("labels", {})
            if where == resource and namespace in ("", space) and labels.items() <= has.items() and (not names or name in names):
                yield object

    def apply_status(self, path: str, manager: str, patch: dict) -> dict | None:
        """Server-side apply of a list that is a map by name: what another manager has said stays."""
        resource, _, name = path.removesuffix("/status").rpartition("/")
        with self.changed:
            key = (resource, "", name)
            former = self.objects.get(key)
            if former is None:
                return None
            assert manager == f"modelbroker-{patch['status']['nodes'][0]['name']}", manager
            self.written.append((time.monotonic(), resource.rpartition("/")[2], name))
            said = _pruned(patch["status"], _status_schema(resource.rpartition("/")[2]))
            nodes = {entry["name"]: entry for entry in former.get("status", {}).get("nodes", []) + said["nodes"]}
            self.version += 1
            metadata = former["metadata"] | {"resourceVersion": str(self.version)}
            self._tell("MODIFIED", key, former | {"metadata": metadata, "status": {"nodes": list(nodes.values())}})
            return self.objects[key]


@functools.cache
def _status_schema(plural: str) -> dict:
    """As its definition has it."""
    for file in (ROOT / "deploy" / "kubernetes" / "resources").glob("*.yaml"):
        definition = yaml.safe_load(file.read_text())
        if definition["kind"] == "CustomResourceDefinition" and definition["spec"]["names"]["plural"] == plural:
            return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    raise KeyError(plural)


def _pruned(value, schema: dict):
    """What is left of a value: the real server drops what the definition does not have, and says nothing."""
    types = {"object": dict, "array": list, "string": str, "integer": int}
    assert isinstance(value, types[schema["type"]]) and value in schema.get("enum", [value]), (value, schema)
    if isinstance(value, dict):
        assert set(schema.get("required", [])) <= value.keys(), (value, schema)
        return {name: _pruned(value[name], inner) for name, inner in schema["properties"].items() if name in value}
    return [_pruned(element, schema["items"]) for element in value] if isinstance(value, list) else value


def _handler(cluster: Cluster):
    epoch = cluster.epoch

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle(self):
            try:
                super().handle()
            except OSError:
                # The agent ends, and its connections with it.
                pass

        def do_GET(self):
            cluster.asked.append(f"GET {self.path}")
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if "watch" in query:
                self.watch(url.path, query)
            else:
                with cluster.changed:
                    items = list(cluster.selected(url.path, query, cluster.objects.items()))
                    self.answer(200, {"metadata": {"resourceVersion": str(cluster.version)}, "items": items})

        def do_PATCH(self):
            cluster.asked.append(f"PATCH {self.path}")
            url = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/apply-patch+yaml" and url.path.endswith("/status")
            object = cluster.apply_status(url.path, parse_qs(url.query)["fieldManager"][0], body)
            self.answer(200 if object else 404, object or {"kind": "Status", "code": 404, "reason": "NotFound"})

        def answer(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def watch(self, path, query):
            seen = int(query["resourceVersion"][0])
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            try:
                if seen < cluster.oldest:
                    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
                    self.line({"type": "ERROR", "object": gone})
                    self.wfile.write(b"0\r\n\r\n")
                    return
                while cluster.epoch is epoch:
                    with cluster.changed:
                        news = [(key, event) for version, key, event in cluster.events if version > seen]
                        if not news:
                            cluster.changed.wait(0.5)
                            continue
                        seen = cluster.version
                    for event in cluster.selected(path, query, news):
                        self.line(event)
            except OSError:
                pass

        def line(self, event):
            data = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    return Handler
