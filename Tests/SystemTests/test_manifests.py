"""The manifests against the schemas that Kubernetes publishes, and against what else says the same."""

import copy
import re

import kubernetes_validate
import pytest
import yaml
from harness import manifests
from harness.places import ROOT, binary
from harness.processes import run

#: The first has `appArmorProfile`.
VERSIONS = ["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", [*manifests.VARIANTS, "resources"])
def test_the_schemas_take_them(variant, version):
    for object in manifests.objects(variant):
        assert kubernetes_validate.validate(object, version, strict=True) == version


def test_the_schemas_would_find_a_wrong_word():
    wrong = copy.deepcopy(manifests.one("base", "DaemonSet"))
    wrong["spec"]["template"]["spec"]["hostNetwerk"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("variant", manifests.VARIANTS)
def test_names_fit_together(variant):
    objects, pod = manifests.objects(variant), manifests.pod(variant)
    named = {(object["kind"], object["metadata"]["name"]) for object in objects}
    assert {("Namespace", "modelbroker"), ("ServiceAccount", pod["serviceAccountName"])} <= named
    everywhere = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    assert {object["metadata"]["namespace"] for object in objects if object["kind"] not in everywhere} == {"modelbroker"}
    binding = manifests.one(variant, "ClusterRoleBinding")
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in named
    assert [(subject["kind"], subject["name"], subject["namespace"]) for subject in binding["subjects"]] == [
        ("ServiceAccount", pod["serviceAccountName"], "modelbroker")]
    daemon = manifests.one(variant, "DaemonSet")["spec"]
    assert daemon["selector"]["matchLabels"].items() <= daemon["template"]["metadata"]["labels"].items()
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in manifests.agent(variant)["volumeMounts"]} == set(volumes)
    assert ("ConfigMap", volumes["config"]["configMap"]["name"]) in named


@pytest.mark.parametrize("variant", manifests.VARIANTS)
def test_what_a_node_agent_must_say(variant):
    pod, security = manifests.pod(variant), manifests.agent(variant)["securityContext"]
    assert pod["hostNetwork"] and pod["priorityClassName"] == "system-node-critical"
    assert pod["tolerations"] == [{"operator": "Exists"}], "a tainted node has callers, too"
    assert pod["automountServiceAccountToken"] and "hostIPC" not in pod
    assert pod.get("hostPID", False) == (variant == "seamless"), "only where the proxy is to outlive its container"
    names = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in manifests.agent(variant)["env"]}
    assert names == {"NODE_NAME": "spec.nodeName"}
    assert security["readOnlyRootFilesystem"]
    if variant == "base":
        assert "privileged" not in security and not security["allowPrivilegeEscalation"]
        assert security["capabilities"]["drop"] == ["ALL"] and "SYS_ADMIN" not in security["capabilities"]["add"]
    else:
        assert security["privileged"] and "capabilities" not in security, "the API server refuses the two together"
        assert "allowPrivilegeEscalation" not in security


def test_the_agent_reads_and_writes_nothing():
    for rule in manifests.one("base", "ClusterRole")["rules"]:
        assert set(rule["verbs"]) == {"get", "list", "watch"} and "*" not in rule["resources"] + rule["apiGroups"]
    assert not manifests.one("base", "ServiceAccount")["automountServiceAccountToken"]


def test_the_same_capabilities_everywhere():
    given = set(manifests.agent("base")["securityContext"]["capabilities"]["add"])
    unit = (ROOT / "deploy/systemd/modelbrokerd.service").read_text()
    bounding = re.findall(r"^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)
    assert [set(line.split()) for line in bounding] == [{f"CAP_{name}" for name in given}]
    rows = re.findall(r"^\| `CAP_(\w+)` \|", (ROOT / "deploy/README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(given)


def test_the_configuration_is_one(tmp_path):
    file = tmp_path / "modelbroker.yaml"
    for text in manifests.one("base", "ConfigMap")["data"].values():
        file.write_text(text)
        run([binary("modelbroker"), "config", "check", file])
        # What is commented out, too: what a reader is invited to try.
        file.write_text(re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE))
        run([binary("modelbroker"), "config", "check", file])
        assert yaml.safe_load(file.read_text())["capture"]


def test_the_image_is_the_one_that_is_made():
    version = run([binary("modelbroker"), "--version"]).stdout.strip()
    assert manifests.agent("base")["image"] == f"localhost/modelbroker:{version}"


# Custom resources

#: By the file that has the definition: where a configuration has the same thing, beside which keys of the resource's own,
#: and which of its keys a resource does not have.
KINDS = {
    "model": ("models: {m: {ZZZZZZ: 1}}", {"name"}, {"forwardCredentials"}),
    "pool": ("pools: {p: {ZZZZZZ: 1}}", {"name"}, set()),
    "accesscontrol": ("clients: {c: {ZZZZZZ: 1}}", {"client"}, {"keys", "limits", "quotas", "models", "perSession", "perAddress"}),
}
OF_THE_NODE = {"key", "activate", "forwardCredentials"}


def definition(name):
    return yaml.safe_load((manifests.KUBERNETES / "resources" / f"{name}.yaml").read_text())


def properties(name):
    return definition(name)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def known_keys(tmp_path, text):
    """What the configuration says that it takes where it is given a key that it does not know."""
    file = tmp_path / "probe.yaml"
    file.write_text(text)
    result = run([binary("modelbroker"), "config", "check", file], check=False)
    return set(re.search(r"ZZZZZZ: is not a known key; accepted here: ([\w, ]+)", result.stdout + result.stderr)[1].split(", "))


@pytest.mark.parametrize("name", KINDS)
def test_definitions_know_the_configurations_keys(name, tmp_path):
    text, own, without = KINDS[name]
    assert set(properties(name)) - own == known_keys(tmp_path, text) - without
    if name != "accesscontrol":
        endpoint = properties(name)["fallback"]["items"]["properties"]
        accepted = known_keys(tmp_path, "models: {m: {endpoints: [{ZZZZZZ: 1}]}}")
        assert set(endpoint) == accepted - OF_THE_NODE and "ca" not in endpoint["tls"]["properties"]
    qos = known_keys(tmp_path, "models: {m: {qos: {ZZZZZZ: 1}}}")
    assert set(properties("qosclaim")["qos"]["properties"]) == qos == set(properties("model")["qos"]["properties"])


def structural(schema, path="spec"):
    """What the API server asks of a schema: each place has a type, or says that it has none."""
    assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), path
    # Before 1.21 it makes the server forget the whole schema for server-side apply: each node's status would replace the others'.
    assert "x-kubernetes-int-or-string" not in schema, path
    for name, inner in schema.get("properties", {}).items():
        structural(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            structural(schema[key], f"{path}.{key}")
    for key in schema.get("x-kubernetes-list-map-keys", []):
        assert key in schema["items"]["required"], path


def test_definitions_are_structural():
    for object in manifests.objects("resources"):
        if object["kind"] == "CustomResourceDefinition":
            names, version = object["spec"]["names"], object["spec"]["versions"][0]
            assert object["metadata"]["name"] == f"{names['plural']}.{object['spec']['group']}"
            assert version["subresources"] == {"status": {}}
            structural(version["schema"]["openAPIV3Schema"])
            node = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["nodes"]["items"]["properties"]
            # An entry of a resource that is refused has none any more. Of what is not atomic the server would keep a null, and refuse
            # the whole entry for it.
            assert node["observed"]["x-kubernetes-map-type"] == "atomic"


def test_the_role_is_what_is_asked_for():
    objects = {object["kind"]: object for object in manifests.objects("resources")}
    binding, role = objects["ClusterRoleBinding"], objects["ClusterRole"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    account = manifests.one("base", "ServiceAccount")["metadata"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}]
    plurals = {object["spec"]["names"]["plural"] for object in manifests.objects("resources")
               if object["kind"] == "CustomResourceDefinition"}
    granted = {(group, resource, verb) for rule in role["rules"] for group in rule["apiGroups"]
               for resource in rule["resources"] for verb in rule["verbs"]}
    assert granted == {("modelbroker.io", plural, verb) for plural in plurals for verb in ("list", "watch")} | {
        ("modelbroker.io", f"{plural}/status", "patch") for plural in plurals} | {
        (group, resource, verb) for verb in ("list", "watch") for group, resource in [
            ("discovery.k8s.io", "endpointslices"), ("inference.networking.k8s.io", "inferencepools"), ("", "pods")]}
