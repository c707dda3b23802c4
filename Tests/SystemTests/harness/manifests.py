"""The manifests of deploy/kubernetes as kubectl would send them."""

import pathlib

import yaml

from .places import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
VARIANTS = ["base", "privileged", "seamless", "detach"]


def objects(variant: str) -> list[dict]:
    """What a kustomization makes, of the few fields that ours use; another field is an error."""
    return _objects(KUBERNETES / variant)


def _objects(directory: pathlib.Path) -> list[dict]:
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text())
    assert set(kustomization) <= {"apiVersion", "kind", "resources", "patches"}, kustomization
    found = []
    for resource in kustomization["resources"]:
        path = (directory / resource).resolve()
        found += _objects(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    for patch in kustomization.get("patches", []):
        assert set(patch) == {"path"}, patch
        changes = yaml.safe_load((directory / patch["path"]).read_text())
        index = [_identity(object) for object in found].index(_identity(changes))
        found[index] = merged(found[index], changes)
    return found


def _identity(object: dict) -> tuple:
    return object["apiVersion"], object["kind"], object["metadata"].get("namespace"), object["metadata"]["name"]


def merged(value, change):
    """Strategic merge: objects by key, lists of named things by name, null takes away, anything else replaces."""
    if isinstance(value, dict) and isinstance(change, dict):
        result = {key: merged(value.get(key), new) for key, new in change.items() if new is not None}
        return {key: old for key, old in value.items() if key not in change} | result
    if isinstance(value, list) and isinstance(change, list) and all("name" in entry for entry in [*value, *change]):
        changes = {entry["name"]: entry for entry in change}
        known = [merged(entry, changes.pop(entry["name"], {})) for entry in value]
        return known + list(changes.values())
    return change


def one(variant: str, kind: str) -> dict:
    found = [object for object in objects(variant) if object["kind"] == kind]
    assert len(found) == 1, found
    return found[0]


def pod(variant: str) -> dict:
    """The pod of the DaemonSet."""
    return one(variant, "DaemonSet")["spec"]["template"]["spec"]


def agent(variant: str) -> dict:
    """The agent's container in it."""
    containers = pod(variant)["containers"]
    assert [container["name"] for container in containers] == ["agent"]
    return containers[0]
