"""A real API server of Kubernetes with its etcd, on loopback: programs that KUBE_APISERVER and ETCD name.

No controller, no scheduler and no kubelet: what these write, the tests write.
"""

import base64
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import ssl

from . import manifests
from .places import free_port
from .processes import Process
from .tls import Authority
from .waiting import eventually

PROGRAMS = ("KUBE_APISERVER", "ETCD")
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
#: Where objects of a kind are, by the group that they come from.
PLURALS = {"NetworkPolicy": "networkpolicies", "InferencePool": "inferencepools"}
#: Kinds that belong to no namespace.
EVERYWHERE = {
    "Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Model", "Pool", "QoSClaim", "AccessControl"}


def available() -> bool:
    return all(name in os.environ for name in PROGRAMS)


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, body: str):
        super().__init__(f"{code}: {body[:500]}")
        self.code, self.body = code, body


class ControlPlane:
    """Started with an administrator's token; `stop` ends both programs."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.authority = Authority(directory / "authority")
        self.certificate, self.key = self.authority.issue("kube-apiserver", "IP:127.0.0.1,DNS:localhost")
        self.admin = base64.urlsafe_b64encode(os.urandom(24)).decode()
        (directory / "tokens.csv").write_text(f"{self.admin},admin,admin,system:masters\n")
        self.port, self.etcd_port = free_port(), free_port()
        self.context = ssl.create_default_context(cafile=str(self.authority.certificate))
        self.etcd = self.server = None
        self.started = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    # The programs

    def start(self) -> "ControlPlane":
        url, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        self.etcd = Process(
            [os.environ["ETCD"], "--name=test", f"--data-dir={self.directory / 'etcd'}", f"--listen-client-urls={url}",
             f"--advertise-client-urls={url}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
             f"--initial-cluster=test={peer}"], self.directory / "etcd.log")
        self.launch()
        return self

    def launch(self) -> None:
        """Starts the API server and waits until it is ready."""
        self.started += 1
        self.server = Process(
            [os.environ["KUBE_APISERVER"], f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", "--etcd-compaction-interval=0",
             "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}",
             f"--tls-cert-file={self.certificate}", f"--tls-private-key-file={self.key}",
             f"--token-auth-file={self.directory / 'tokens.csv'}", "--authorization-mode=RBAC", "--allow-privileged=true",
             "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={self.key}",
             f"--service-account-signing-key-file={self.key}", "--service-cluster-ip-range=10.96.0.0/24",
             # Loopback is no address for an endpoint of the service `kubernetes`.
             "--endpoint-reconciler-type=none", f"--cert-dir={self.directory}"],
            self.directory / f"kube-apiserver-{self.started}.log")
        eventually(self._is_ready, 120, lambda: f"the API server being ready; its log ends\n{self.server.output()[-3000:]}\n", 0.2)

    def _is_ready(self) -> bool:
        assert self.server.running, f"the API server ended:\n{self.server.output()[-3000:]}"
        with contextlib.suppress(OSError, Refused, http.client.HTTPException):
            self.ask("GET", "/readyz")
            return True
        return False

    def halt(self) -> None:
        """The API server ends; etcd keeps what it knew."""
        self.server.kill()

    def forget(self) -> None:
        """The API server ends with everything that stands, and a new one knows no version of before, nor does etcd."""
        for number in range(3):
            self.change("/api/v1/namespaces/modelbroker/configmaps/modelbroker", {"data": {"touched": str(number)}})
        self.halt()
        self.compact()

    def stop(self) -> None:
        for process in (self.server, self.etcd):
            if process:
                process.stop()

    @property
    def version(self) -> str:
        return self.ask("GET", "/version")["gitVersion"]

    @property
    def discovery(self) -> str:
        """The newest version of EndpointSlices that it has: `v1` since 1.21."""
        return "v1" if self.knows("/apis/discovery.k8s.io/v1") else "v1beta1"

    @property
    def etcd_version(self) -> str:
        return self._etcd("GET", "/version")["etcdserver"]

    # Requests

    def ask(self, method: str, target: str, body=None, kind: str = "application/json", token: str | None = None,
            accept: str = "application/json"):
        """The answer's JSON, or its text. Raises Refused."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=30)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {token or self.admin}", "Content-Type": kind, "Accept": accept}
            connection.request(method, target, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status >= 300:
            raise Refused(answer.status, text)
        return json.loads(text) if text.startswith("{") else text

    def place(self, object: dict) -> str:
        """The collection that an object belongs to."""
        version, kind = object["apiVersion"], object["kind"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural = PLURALS.get(kind, kind.lower() + "s")
        return f"{root}/{plural}" if kind in EVERYWHERE else f"{root}/namespaces/{object['metadata']['namespace']}/{plural}"

    def create(self, object: dict) -> dict:
        return self.ask("POST", self.place(object), object)

    def change(self, path: str, patch: dict) -> dict:
        """A JSON merge patch of an object, or of its `/status`."""
        return self.ask("PATCH", path, patch, MERGE)

    def table(self, path: str) -> dict[str, dict]:
        """What `kubectl get -o wide` shows: by name, the columns."""
        table = self.ask("GET", path, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        names = [column["name"] for column in table["columnDefinitions"]]
        return {row["cells"][0]: dict(zip(names, row["cells"])) for row in table["rows"]}

    def delete(self, path: str, grace: int | None = 0) -> dict:
        options = {"kind": "DeleteOptions", "apiVersion": "v1"} | ({} if grace is None else {"gracePeriodSeconds": grace})
        return self.ask("DELETE", path, options)

    def deploy(self, *variants: str) -> None:
        """As `kubectl apply -k` of the project's own manifests; the definitions among them are served then."""
        for variant in variants:
            for object in manifests.objects(variant):
                self.create(object)
                if object["kind"] == "CustomResourceDefinition":
                    self.serves(object)

    def define(self, definition: dict) -> None:
        self.create(definition)
        self.serves(definition)

    def serves(self, definition: dict) -> None:
        spec = definition["spec"]
        target = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        eventually(lambda: self.knows(target), 30, f"{target} being served", 0.1)

    def knows(self, target: str) -> bool:
        try:
            self.ask("GET", target)
        except Refused as refused:
            assert refused.code == 404, refused
            return False
        return True

    def token(self, namespace: str, account: str, pod: dict | None = None) -> str:
        """As the kubelet asks for one, for a pod."""
        spec = {"expirationSeconds": 3600}
        if pod:
            spec["boundObjectRef"] = {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        request = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec}
        return self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", request)["status"]["token"]

    # What controllers, the scheduler and the kubelet would do

    def namespace(self, name: str, labels: dict | None = None) -> None:
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        self.account(name, "default")

    def account(self, namespace: str, name: str) -> None:
        self.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace},
                     "automountServiceAccountToken": False})

    def pod(self, namespace: str, name: str, node: str | None, labels=None, annotations=None, account: str = "default") -> dict:
        return self.create({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels or {}, "annotations": annotations or {}},
            "spec": {"serviceAccountName": account, "containers": [{"name": "app", "image": "app:1"}]} | (
                {"nodeName": node} if node else {})})

    def bind(self, namespace: str, name: str, node: str) -> None:
        """What the scheduler does."""
        self.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"apiVersion": "v1", "kind": "Node", "name": node}})

    def runs(self, namespace: str, name: str, container: str, address: str = "10.244.0.7", ready: bool = True) -> dict:
        """What the kubelet says when the pod's container runs."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = str(ready)
        return self.change(f"/api/v1/namespaces/{namespace}/pods/{name}/status", {"status": {
            "phase": "Running", "hostIP": "172.20.0.2", "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
            "conditions": [{"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": now}
                           for kind, value in (("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready), ("PodScheduled", "True"))],
            "containerStatuses": [{
                "name": "app", "ready": ready == "True", "started": True, "restartCount": 0, "image": "app:1", "imageID": "app@sha256:add4",
                "containerID": f"containerd://{container}", "lastState": {}, "state": {"running": {"startedAt": now}}}]}})

    # etcd

    def revision(self) -> int:
        key = base64.b64encode(b"/").decode()
        return int(self._etcd("POST", "/v3/kv/range", {"key": key})["header"]["revision"])

    def compact(self) -> int:
        """Forgets what was before the newest revision, as the API server lets etcd do every five minutes."""
        revision = self.revision()
        self._etcd("POST", "/v3/kv/compaction", {"revision": revision, "physical": True})
        return revision

    def _etcd(self, method: str, path: str, body=None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.etcd_port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            text = answer.read().decode()
        assert answer.status == 200, (answer.status, text)
        return json.loads(text)


def definition(group: str, version: str, kind: str, plural: str, schema: dict, scope: str = "Namespaced") -> dict:
    """A custom resource's definition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
        "spec": {"group": group, "scope": scope, "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
                 "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}


#: What the Gateway API's inference extension installs, shortened.
INFERENCE_POOLS = definition(
    "inference.networking.k8s.io", "v1", "InferencePool", "inferencepools",
    {"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}})
