"""What the broker reads of a cluster: custom resources with their status, services and pools."""

import functools
import itertools
import time

import yaml

from .api_server import APIServer
from .places import ROOT

CUSTOM = "/apis/modelbroker.io/v1alpha1"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
POOLS = "/apis/inference.networking.k8s.io/v1/inferencepools"
PODS = "/api/v1/pods"


class Cluster(APIServer):
    """An API server that asks nobody who he is, and lets status be applied."""

    gone_by_event = True

    def __init__(self):
        #: When a node wrote into the status of what, on the monotonic clock.
        self.written: list[tuple[float, str, str]] = []
        self.births = itertools.count()
        super().__init__(token=None)

    # Objects

    def make(self, resource: str, name: str, namespace: str = "", labels=None, **content):
        """An object, or another generation of it; its status stays."""
        with self.lock:
            former = self.objects.get(resource, {}).get((namespace, name), {})
            metadata = former.get("metadata") or {
                "name": name, "uid": f"u{self.version}", "generation": 0,
                "creationTimestamp": f"2026-01-01T00:00:{next(self.births):02}Z"} | ({"namespace": namespace} if namespace else {})
            metadata = metadata | {"generation": metadata["generation"] + 1} | ({"labels": labels} if labels else {})
            self.put(resource, {"metadata": metadata} | {key: former[key] for key in ("status",) if key in former} | content)

    def custom(self, plural: str, name: str, **spec):
        self.make(f"{CUSTOM}/{plural}", name, spec=spec)

    def remove(self, plural: str, name: str):
        self.delete(f"{CUSTOM}/{plural}", "", name)

    def service(self, namespace: str, name: str, port: int, addresses: dict[str, str]):
        """One slice: addresses with `ready`, `ending` or `unready`."""
        conditions = {"ready": {"ready": True}, "unready": {"ready": False, "serving": False},
                      "ending": {"ready": False, "serving": True, "terminating": True}}
        self.make(SLICES, f"{name}-1", namespace, {"kubernetes.io/service-name": name}, addressType="IPv4",
                  endpoints=[{"addresses": [address], "conditions": conditions[state]} for address, state in addresses.items()],
                  ports=[{"name": "http", "port": port, "protocol": "TCP"}])

    # Status

    def entry(self, plural: str, name: str, node: str) -> dict:
        """What a node has said of a custom resource; empty: nothing yet."""
        with self.lock:
            nodes = self.objects[f"{CUSTOM}/{plural}"]["", name].get("status", {}).get("nodes", [])
            return next((entry for entry in nodes if entry["name"] == node), {})

    def condition(self, plural: str, name: str, node: str) -> dict | None:
        """Of that, whether it accepts it."""
        return next(iter(self.entry(plural, name, node).get("conditions", [])), None)

    def patch(self, path: str, query: dict, kind: str, body: dict) -> dict | None:
        """Server-side apply of a list that is a map by name: what another manager has said stays."""
        assert kind == "application/apply-patch+yaml" and path.endswith("/status"), (kind, path)
        assert query["fieldManager"] == f"modelbroker-{body['status']['nodes'][0]['name']}", query
        resource, _, name = path.removesuffix("/status").rpartition("/")
        plural = resource.rpartition("/")[2]
        with self.lock:
            former = self.objects.get(resource, {}).get(("", name))
            if former is None:
                return None
            self.written.append((time.monotonic(), plural, name))
            said = _pruned(body["status"], _status_schema(plural))
            nodes = {entry["name"]: entry for entry in former.get("status", {}).get("nodes", []) + said["nodes"]}
            return self.put(resource, former | {"status": {"nodes": list(nodes.values())}})


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
