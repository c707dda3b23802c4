"""Pods as the API server has them and as the kubelet lays their cgroups out, below a cgroup of the test's own."""

import pathlib
import uuid
from dataclasses import dataclass, field

PODS, NAMESPACES = "/api/v1/pods", "/api/v1/namespaces"


@dataclass
class Pod:
    """One container runs in it, `app`."""

    name: str
    namespace: str = "shop"
    labels: dict = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)
    account: str = "default"
    node: str = "n1"
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    container: str = field(default_factory=lambda: uuid.uuid4().hex * 2)
    #: What its cgroup is called by; of static pods it is another one than the API server's.
    cgroup_uid: str | None = None

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    def object(self) -> dict:
        """As the real server sends it, shortened."""
        return {
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "uid": self.uid, "creationTimestamp": "2026-11-20T10:00:00Z",
                "labels": self.labels, "annotations": {"kubernetes.io/config.seen": "x", **self.annotations},
                "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:status": {}}}]},
            "spec": {
                "nodeName": self.node, "serviceAccountName": self.account, "restartPolicy": "Always",
                "containers": [{"name": "app", "image": "app:1", "resources": {}}]},
            "status": {
                "phase": "Running", "podIP": "10.0.0.7", "qosClass": "Burstable",
                "containerStatuses": [{
                    "name": "app", "ready": True, "restartCount": 0, "containerID": f"containerd://{self.container}",
                    "state": {"running": {"startedAt": "2026-11-20T10:00:01Z"}}}]}}

    def cgroup(self, root: pathlib.Path, driver: str) -> pathlib.Path:
        """Its container's, made as the kubelet and the runtime make it with a cgroup driver."""
        uid = self.cgroup_uid or self.uid
        if driver == "systemd":
            slice_ = f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
            path = root / "kubepods.slice" / "kubepods-burstable.slice" / slice_ / f"cri-containerd-{self.container}.scope"
        else:
            path = root / "kubepods" / "burstable" / f"pod{uid}" / self.container
        path.mkdir(parents=True)
        return path


def namespace(name: str, labels: dict | None = None) -> dict:
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": name, "labels": labels or {}}}
