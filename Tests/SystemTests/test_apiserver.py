"""The agent against a real API server with its etcd: `make apiserver KUBE_APISERVER=... ETCD=...`.

It may do there what the project's own manifests allow, with a token as the kubelet gets one. With RECORD what they say is kept in
that directory, for the Swift tests to hear again.
"""

import contextlib
import itertools
import os
import pathlib

import pytest
from harness import cgroups
from harness.control_plane import INFERENCE_POOLS, ControlPlane, Refused, available
from harness.http1 import Connection, chat
from harness.pods import Pod
from harness.recorder import Recorder
from harness.waiting import eventually
from test_cluster import FAST, status_of
from test_pods import IN, OUT, RULES, Place, cluster, knows

pytestmark = [
    pytest.mark.apiserver, pytest.mark.skipif(not available(), reason="needs KUBE_APISERVER and ETCD, the programs")]
PODS, NAMESPACES = "/api/v1/pods", "/api/v1/namespaces"
CUSTOM = "/apis/modelbroker.io/v1alpha1"
POOLS = "/apis/inference.networking.k8s.io/v1/namespaces/shop/inferencepools"
NODE = "worker-3"
CLIENTS = {
    "checkout": {"match": {"namespace": "shop", "labels": {"app": "checkout"}}},
    "trainer": {"match": [{"serviceAccount": "trainer"}]}}


@pytest.fixture(scope="module")
def control(module_directory, stack) -> ControlPlane:
    control = ControlPlane(module_directory / "control")
    stack.callback(control.stop)
    control.start()
    control.deploy("base", "resources")
    control.define(INFERENCE_POOLS)
    for node in (NODE, "worker-4"):
        control.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
    for name, labels in (("shop", {}), ("batch", {}), ("quiet", OUT)):
        control.namespace(name, labels)
    control.account("batch", "trainer")
    return control


@pytest.fixture
def recorder(control, local_stack) -> Recorder:
    recorder = Recorder(control.port, control.context)
    local_stack.callback(recorder.close)
    return recorder


@pytest.fixture
def access(control, tmp_path, local_stack):
    """How the agent of a node reaches the server: a pod of the DaemonSet's service account, and a token bound to it."""
    name = f"modelbroker-{NODE}"
    pod = control.pod("modelbroker", name, NODE, account="modelbroker")
    local_stack.callback(_quietly, control, f"/api/v1/namespaces/modelbroker/pods/{name}")
    file = tmp_path / "token"
    file.write_text(control.token("modelbroker", "modelbroker", pod))
    return {"server": control.url, "caFile": str(control.authority.certificate), "tokenFile": str(file), "node": NODE}


def heard(access: dict, recorder) -> dict:
    """The same by way of the recorder, which has no TLS."""
    return {key: value for key, value in access.items() if key != "caFile"} | {"server": recorder.url}


@pytest.fixture
def made(control, local_stack):
    """Creates what is taken away behind the test: of the names of `Pod` as the harness has it."""

    def make(pod: Pod, bound: bool = True) -> Pod:
        object = control.pod(pod.namespace, pod.name, pod.node if bound else None, pod.labels, pod.annotations, pod.account)
        pod.uid = object["metadata"]["uid"]
        local_stack.callback(_quietly, control, path(pod))
        return pod

    return make


@pytest.fixture
def custom(control, local_stack):
    """Creates a custom resource, or another generation of it."""

    def make(kind: str, name: str, **spec) -> dict:
        plural = f"{kind.lower()}s"
        object = {"apiVersion": "modelbroker.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        if control.knows(f"{CUSTOM}/{plural}/{name}"):
            return control.change(f"{CUSTOM}/{plural}/{name}", {"spec": spec})
        local_stack.callback(_quietly, control, f"{CUSTOM}/{plural}/{name}", None)
        return control.create(object)

    return make


def _quietly(control, path: str, grace: int | None = 0) -> None:
    """Takes something away that may be gone."""
    with contextlib.suppress(Refused):
        control.delete(path, grace)


def path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"


def slices(control) -> str:
    return f"/apis/discovery.k8s.io/{control.discovery}/namespaces/shop/endpointslices"


def running(control, pod: Pod) -> None:
    control.runs(pod.namespace, pod.name, pod.container)


def mine(name: str, namespace: str = "shop", **options) -> Pod:
    return Pod(name, namespace, node=NODE, **options)


def pods_broker(make, access):
    """A broker that captures pods of the node, as test_pods has it."""
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms")
    broker = make.broker(capture=RULES, models={"m": [engine.url]}, clients=CLIENTS)
    root = cgroups.below_mount(broker.cgroup)
    broker.config["node"]["kubernetes"] = access | {"cgroups": [f"{root}/kubepods.slice", f"{root}/kubepods"]}
    broker.write_config()
    return broker


def test_the_manifests_allow_what_the_agent_does_and_no_more(control, access):
    token = pathlib.Path(access["tokenFile"]).read_text()

    def may(method: str, target: str, body=None, kind: str = "application/json") -> bool:
        try:
            control.ask(method, target, body, kind, token=token)
        except Refused as refused:
            assert refused.code in (403, 404), refused
            return refused.code != 403
        return True

    for target in (f"{PODS}?fieldSelector=spec.nodeName%3D{NODE}&limit=500", f"{NAMESPACES}?limit=500", slices(control), POOLS,
                   *(f"{CUSTOM}/{plural}" for plural in ("models", "pools", "qosclaims", "accesscontrols"))):
        assert may("GET", target), target
    for target in ("/api/v1/secrets", "/api/v1/nodes", "/api/v1/namespaces/modelbroker/configmaps", f"{CUSTOM}/models/m"):
        assert not may("GET", target), target
    assert not may("DELETE", f"{path(mine('x'))}") and not may("POST", f"{CUSTOM}/models", {})
    assert not may("PATCH", f"{CUSTOM}/models/m", {}, "application/merge-patch+json")
    assert may("PATCH", f"{CUSTOM}/models/m/status", {}, "application/merge-patch+json"), "there is none, but it may"


def test_pods_over_tls(make, control, access, made):
    known = [made(mine("checkout-1", labels={"app": "checkout"})), made(mine("other-1", labels={"app": "other"})),
             made(mine("job-1", "batch", account="trainer")), made(mine("out-1", labels=dict(OUT, app="checkout"))),
             made(mine("quiet-1", "quiet", account="default")), made(mine("loud-1", "quiet", annotations=dict(IN)))]
    made(Pod("elsewhere", node="worker-4"))
    broker = pods_broker(make, access)
    broker.config["clients"]["trainer"]["match"].append({"namespace": "quiet"})
    broker.write_config()
    broker.start()
    knows(broker, len(known) + 1)  # its own
    places = {pod.name: Place(make, broker, pod, driver) for pod, driver in zip(known, itertools.cycle(("systemd", "cgroupfs")))}
    for pod in known:
        running(control, pod)
    wanted = {"checkout-1": 200, "other-1": 401, "job-1": 200, "out-1": "exempt", "quiet-1": "exempt", "loud-1": 200}
    for name, what in wanted.items():
        places[name].becomes(what)
    eventually(lambda: places["checkout-1"].flow().get("container") == "app", 20, "the container's name being known")
    assert places["job-1"].flow()["serviceAccount"] == "trainer"

    # Labels change, of pods and of a namespace.
    control.change(path(known[1]), {"metadata": {"labels": {"app": "checkout"}}})
    places["other-1"].becomes(200)
    control.change(path(known[3]), {"metadata": {"labels": {"modelbroker.io/capture": None}}})
    places["out-1"].becomes(200)
    control.change(f"{NAMESPACES}/quiet", {"metadata": {"labels": {"modelbroker.io/capture": None}}})
    places["quiet-1"].becomes(200)
    control.change(f"{NAMESPACES}/quiet", {"metadata": {"labels": OUT}})
    places["quiet-1"].becomes("exempt")

    # One that the scheduler binds later.
    late = made(mine("late-1", labels={"app": "checkout"}), bound=False)
    place = Place(make, broker, late, "systemd")
    assert place.asks() == 401
    control.bind(late.namespace, late.name, NODE)
    place.becomes(200)
    running(control, late)
    knows(broker, len(known) + 2)

    # One that goes, first asked to and then gone.
    control.delete(path(known[0]), 30)
    assert control.ask("GET", path(known[0]))["metadata"]["deletionTimestamp"]
    assert places["checkout-1"].asks() == 200, "while it ends it is who it was"
    control.delete(path(known[0]))
    places["checkout-1"].becomes(401)
    knows(broker, len(known) + 1)
    assert [event["kind"] for event in broker.events() if event["kind"].startswith("kubernetes-")] == ["kubernetes-synced"]


def test_a_token_ends_with_its_pod(make, control, access, tmp_path):
    name = control.pod("modelbroker", "modelbroker-short", NODE, account="modelbroker")
    file = pathlib.Path(access["tokenFile"])
    again = file.read_text()
    file.write_text(control.token("modelbroker", "modelbroker", name))
    broker = pods_broker(make, access)
    broker.start()
    knows(broker, 2)
    control.delete("/api/v1/namespaces/modelbroker/pods/modelbroker-short")
    knows(broker, 1)
    # A watch that stands goes on; the next request is refused.
    control.halt()
    control.launch()
    eventually(lambda: "401" in cluster(broker).get("reason", ""), 60, lambda: f"a refusal: {cluster(broker)}")
    file.write_text(again)
    knows(broker, 1)


def test_a_conversation(make, control, access, made, recorder):
    """All that a watch goes through; `pods.http` and `namespaces.http` are what was said."""
    first = made(mine("checkout-7d9f-x2x9k", labels={"app": "checkout"}, container="9d0e41" * 10 + "abcd"))
    second = made(mine("job-1", "batch", account="trainer"))
    made(mine("out-1", labels=dict(OUT)))
    running(control, first)
    recorder.page, recorder.seconds = 2, 6
    broker = pods_broker(make, heard(access, recorder))
    broker.start()
    knows(broker, 4)
    count = 4

    def stands() -> None:
        eventually(lambda: recorder.standing(PODS) and recorder.standing(NAMESPACES), 60, "both watches standing", 0.05)

    def ended(how: str) -> int:
        return sum(exchange.is_watch and exchange.ending == how for exchange in recorder.of(PODS))

    def lists() -> list:
        return [exchange for exchange in recorder.of(PODS) if not exchange.is_watch]

    # A pod comes and its container starts; labels change; one ends.
    stands()
    place = Place(make, broker, first, "systemd")
    place.becomes(200)
    late = made(mine("search-0", labels={"app": "search"}, container="5ea4c4" * 10 + "abcd"), bound=False)
    control.bind(late.namespace, late.name, NODE)
    running(control, late)
    control.change(path(late), {"metadata": {"labels": {"app": "checkout"}, "annotations": IN}})
    knows(broker, count := count + 1)
    Place(make, broker, late, "systemd").becomes(200)
    control.delete(path(second), 30)
    control.delete(path(second))
    knows(broker, count := count - 1)

    # The server ends the watch in time, behind a bookmark; the next one goes on without a list.
    eventually(lambda: ended("end") >= 2, 60, "watches that the server ends", 0.05)
    bookmarks = [exchange for exchange in recorder.of(PODS) if b'"BOOKMARK"' in exchange.body]
    assert bookmarks, [exchange.text()[-300:] for exchange in recorder.of(PODS)]
    assert len(lists()) == 1

    # It dies with watches standing, and comes back knowing nothing of the versions before: 410 in the watch, and a list in pages.
    stands()
    control.forget()
    eventually(lambda: cluster(broker)["state"] == "away", 60, "the agent seeing that")
    assert place.asks() == 200
    control.launch()
    made(mine("after-0"))
    knows(broker, count := count + 1)
    stands()
    gone = [exchange for exchange in recorder.of(PODS) if b'"code":410' in exchange.body]
    assert gone and all(exchange.is_watch for exchange in gone), gone
    assert any("&continue=" in exchange.target for exchange in lists()), [exchange.target for exchange in lists()]
    assert place.asks() == 200

    # The token of a page is forgotten while it is on its way: 410, and a list in one piece.
    compacted = []

    def forgets(exchange):
        if "&continue=" in exchange.target and exchange.path == PODS and not compacted:
            control.change(f"{NAMESPACES}/batch", {"metadata": {"labels": {"touched": "yes"}}})
            compacted.append(control.compact())

    recorder.before = forgets
    control.forget()
    control.launch()
    made(mine("after-1"))
    knows(broker, count := count + 1)
    stands()
    refused = [exchange for exchange in lists() if exchange.status == 410]
    assert compacted and len(refused) == 1 and '"reason":"Expired"' in refused[0].body.decode(), refused
    assert "limit=" not in lists()[-1].target and lists()[-1].status == 200
    keep(control, recorder, "pods", recorder.of(PODS))
    keep(control, recorder, "namespaces", recorder.of(NAMESPACES))


def test_watches_that_break(make, control, access, made, recorder):
    """They go on where they were, and what breaks again is listed: as it is now, and not as it was."""
    broker = pods_broker(make, heard(access, recorder))
    broker.start()
    knows(broker, 1)
    made(mine("first"))
    knows(broker, 2)
    eventually(lambda: recorder.standing(PODS), 20, "the watch standing", 0.05)
    # What comes meanwhile is kept from the watch.
    recorder.before = lambda exchange: setattr(exchange, "is_silent", exchange.is_watch)
    recorder.cut()
    eventually(lambda: recorder.of(PODS)[-1].ending == "silent", 20, "the next watch", 0.05)
    made(mine("second"))
    recorder.before = lambda exchange: None
    recorder.cut()
    knows(broker, 3)
    listed = [exchange for exchange in recorder.of(PODS) if not exchange.is_watch]
    targets = [exchange.target for exchange in listed]
    assert len(listed) == 2 and listed[1].status == 200 and "limit=" not in listed[1].target, targets
    assert b'"second"' in listed[1].body, "it came behind the version that is asked for"


def test_more_objects_than_a_page_has(make, control, access, recorder):
    """Over 500 namespaces, as many as the agent asks for at once."""
    names = [f"many-{number}" for number in range(1, 621)]
    for name in names:
        control.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        total = len(control.ask("GET", NAMESPACES)["items"])
        recorder.seconds = 6
        broker = pods_broker(make, heard(access, recorder))
        broker.start()

        def has(count: int) -> None:
            eventually(lambda: cluster(broker)["state"] == "synced" and cluster(broker)["resources"][1]["objects"] == count, 60,
                       lambda: f"{count} namespaces being known: {cluster(broker)}")

        has(total)
        # At first it takes what the server has at hand, which has no pages.
        assert not any("&continue=" in exchange.target for exchange in recorder.of(NAMESPACES))
        control.forget()
        control.launch()
        control.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many-0"}})
        names.append("many-0")
        has(total + 1)
        assert any("limit=500&continue=" in exchange.target and exchange.status == 200 for exchange in recorder.of(NAMESPACES))
        # A namespace that goes.
        gone = names.pop()
        finalized(control, gone)
        has(total)
    finally:
        for name in names:
            finalized(control, name)


def finalized(control, name: str) -> None:
    """What the namespace controller does when all in it is gone."""
    control.delete(f"{NAMESPACES}/{name}", None)
    with contextlib.suppress(Refused):
        object = control.ask("GET", f"{NAMESPACES}/{name}")
        control.ask("PUT", f"{NAMESPACES}/{name}/finalize", object | {"spec": {"finalizers": []}})


def entry(control, plural: str, name: str, node: str = NODE) -> dict:
    nodes = control.ask("GET", f"{CUSTOM}/{plural}/{name}").get("status", {}).get("nodes", [])
    return next((entry for entry in nodes if entry["name"] == node), {})


def condition(control, plural: str, name: str, node: str = NODE) -> dict:
    return next(iter(entry(control, plural, name, node).get("conditions", [])), {})


def test_resources_get_their_verdicts(make, control, access, custom, recorder):
    engine = make.engine(*FAST)
    endpoints = [{"url": engine.url}]
    custom("Model", "llama", endpoints=endpoints, health="off")
    custom("Model", "bad", endpoints=[{"url": "http://127.0.0.2", "key": "x"}], queue={"maxWait": "soon"})
    custom("Pool", "talk", models=["llama"])
    custom("QoSClaim", "little", model="llama", qos={"requests": "1000/m", "burst": 30})
    custom("AccessControl", "shop", client="checkout", allow=["llama"])
    recorder.seconds = 10
    more = {"resources": True, "usage": "5s"}
    brokers = [make.broker(node={"kubernetes": heard(access, recorder) | more | {"node": node}},
                           details={"filed": {"endpoints": endpoints, "health": "off"}}) for node in (NODE, "worker-4")]
    for broker in brokers:
        broker.start()
    eventually(lambda: all(status_of(broker, "talk") == 200 for broker in brokers), 30, "the pool serving", 0.1)
    resources = [("models", "llama"), ("models", "bad"), ("pools", "talk"), ("qosclaims", "little"), ("accesscontrols", "shop")]

    def said() -> dict:
        return {(*what, node): condition(control, *what, node) for what in resources for node in (NODE, "worker-4")}

    eventually(lambda: all(said().values()), 40, lambda: f"each status: {said()}", 0.2)
    assert condition(control, "models", "llama")["status"] == condition(control, "pools", "talk")["status"] == "True"
    assert condition(control, "qosclaims", "little")["reason"] == "Accepted"
    assert (condition(control, "models", "bad")["status"], condition(control, "models", "bad")["reason"]) == ("False", "Invalid")
    assert condition(control, "accesscontrols", "shop")["reason"] == "NotFound"
    shown = control.table(f"{CUSTOM}/models")
    assert (shown["llama"]["Accepted"], shown["llama"]["Refused"]) == ("True", None), shown
    assert shown["bad"]["Accepted"] == "False" and shown["bad"]["Refused"] in (NODE, "worker-4") and shown["bad"]["Why"], shown
    llama = control.ask("GET", f"{CUSTOM}/models/llama")
    owners = {owner["manager"]: owner["operation"] for owner in llama["metadata"]["managedFields"]}
    assert {f"modelbroker-{NODE}": "Apply", "modelbroker-worker-4": "Apply"}.items() <= owners.items(), owners
    assert llama["metadata"]["generation"] == 1, "a status is no other generation"

    # What use is made of it, and a generation that is refused.
    assert status_of(brokers[0], "llama") == 200
    eventually(lambda: entry(control, "models", "llama").get("observed", {}).get("requests", 0) >= 2, 40, "its use being told", 0.2)
    custom("Model", "llama", endpoints=endpoints, health="off", qos={"requests": "many"})
    eventually(lambda: condition(control, "models", "llama").get("status") == "False", 40,
               lambda: f"the refusal: {[exchange.text() for exchange in recorder.exchanges if exchange.method == 'PATCH'][-2:]}", 0.2)
    # What is not said any more is gone, and leaves no null that the server would refuse.
    assert "observed" not in entry(control, "models", "llama")
    told = condition(control, "models", "llama")
    assert (told["reason"], told["observedGeneration"]) == ("Invalid", 2) and "qos" in told["message"]
    custom("Model", "llama", endpoints=endpoints, health="off", qos=None)
    eventually(lambda: condition(control, "models", "llama").get("status") == "True", 40, "the third generation", 0.2)
    assert all(node["conditions"][0]["observedGeneration"] == 3 for node in control.ask("GET", f"{CUSTOM}/models/llama")["status"]["nodes"]
               if node["name"] == NODE)

    # An agent that comes anew replaces its own entry and no other.
    brokers[0].kill_agent()
    brokers[0].start()
    eventually(lambda: entry(control, "models", "llama").get("observed"), 40, "the new agent's entry", 0.2)
    assert {node["name"] for node in control.ask("GET", f"{CUSTOM}/models/llama")["status"]["nodes"]} == {NODE, "worker-4"}
    control.delete(f"{CUSTOM}/pools/talk", None)
    eventually(lambda: all(status_of(broker, "talk") == 404 for broker in brokers), 30, "the pool being gone", 0.1)
    refused = [exchange for exchange in recorder.exchanges if exchange.status >= 400]
    assert not refused, [exchange.text() for exchange in refused]
    eventually(lambda: any(b'"BOOKMARK"' in exchange.body for exchange in recorder.of(f"{CUSTOM}/models")), 40, "a bookmark", 0.1)


def test_a_recording_of_resources(make, control, access, custom, recorder):
    """`models.http` and `status.http`: one node, little said."""
    endpoints = [{"url": make.engine(*FAST).url}]
    custom("Model", "llama", endpoints=endpoints, health="off")
    recorder.seconds = 6
    broker = make.broker(node={"kubernetes": heard(access, recorder) | {"resources": True, "usage": "off"}})
    broker.start()
    eventually(lambda: condition(control, "models", "llama").get("status") == "True", 30,
               lambda: f"the first verdict: {[exchange.text() for exchange in recorder.exchanges if exchange.method == 'PATCH']}", 0.1)
    custom("Model", "bad", endpoints=[{"url": "http://127.0.0.2", "labels": {"a": "b"}}], qos={"requests": "many", "burst": 3})
    eventually(lambda: condition(control, "models", "bad").get("status") == "False", 30, "the second", 0.1)
    custom("Model", "bad", endpoints=endpoints, qos=None)
    eventually(lambda: condition(control, "models", "bad").get("status") == "True", 30, "the third", 0.1)
    control.delete(f"{CUSTOM}/models/bad", None)
    models = f"{CUSTOM}/models"
    eventually(lambda: any(b'"DELETED"' in exchange.body for exchange in recorder.of(models)), 20, "the end of it", 0.1)
    eventually(lambda: any(b'"BOOKMARK"' in exchange.body for exchange in recorder.of(models)), 20, "a bookmark", 0.1)
    keep(control, recorder, "models", recorder.of(models))
    keep(control, recorder, "status", [exchange for exchange in recorder.exchanges if exchange.method == "PATCH"])


def addresses(broker, model: str) -> list[str]:
    return sorted(address for endpoint in broker.model(model)["endpoints"] for address in endpoint["addresses"])


def test_endpoints_from_services_and_pools(make, control, access, recorder, made, local_stack):
    """Where endpoints are. Nobody listens there: the server takes no loopback address for a service's.

    Servers before 1.21 have EndpointSlices as v1beta1 alone: what the agent reads of them is the same."""
    at = slices(control)
    recorder.moved = {"/apis/discovery.k8s.io/v1/": f"/apis/discovery.k8s.io/{control.discovery}/"}

    def slice_(**conditions) -> dict:
        return {"apiVersion": f"discovery.k8s.io/{control.discovery}", "kind": "EndpointSlice",
                "metadata": {"name": "llama-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "llama"}},
                "addressType": "IPv4", "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}],
                "endpoints": [{"addresses": [f"10.244.7.{last}"], "conditions": {"ready": ready, "serving": ready, "terminating": False}}
                              for last, ready in conditions.items()]}

    pool = {"apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool", "metadata": {"name": "p", "namespace": "shop"},
            "spec": {"selector": {"matchLabels": {"app": "vllm"}}, "targetPorts": [{"number": 8000}]}}
    control.create(slice_(**{"2": True, "3": False}))
    local_stack.callback(control.delete, f"{at}/llama-1")
    recorder.seconds = 6
    details = {"s": {"endpoints": [{"service": "shop/llama", "port": "http"}], "health": "off"},
               "p": {"endpoints": [{"inferencePool": "shop/p"}], "health": "off"}}
    broker = make.broker(node={"kubernetes": heard(access, recorder)}, details=details)
    broker.start()

    def are(model: str, *wanted: str) -> None:
        eventually(lambda: addresses(broker, model) == [f"{address}:8000" for address in wanted], 30,
                   lambda: f"{model} at {wanted}: {addresses(broker, model)}", 0.1)

    are("s", "10.244.7.2")
    control.change(f"{at}/llama-1", {"endpoints": slice_(**{"2": True, "3": True})["endpoints"]})
    are("s", "10.244.7.2", "10.244.7.3")
    # A pool that comes later, its pods, and another selector.
    are("p")
    pods_ = [made(mine("vllm-0", labels={"app": "vllm"})), made(mine("vllm-1", labels={"app": "vllm-2"}))]
    control.create(pool)
    local_stack.callback(_quietly, control, f"{POOLS}/p")
    for last, pod in enumerate(pods_, 5):
        control.runs(pod.namespace, pod.name, pod.container, f"10.244.7.{last}")
    are("p", "10.244.7.5")
    control.change(f"{POOLS}/p", {"spec": {"selector": {"matchLabels": {"app": "vllm-2"}}}})
    are("p", "10.244.7.6")
    control.runs(pods_[1].namespace, pods_[1].name, pods_[1].container, "10.244.7.6", ready=False)
    are("p")
    control.runs(pods_[1].namespace, pods_[1].name, pods_[1].container, "10.244.7.6")
    are("p", "10.244.7.6")
    # What was known stays while the server is away, and what has changed meanwhile is heard of.
    control.halt()
    control.launch()
    control.change(f"{at}/llama-1", {"endpoints": slice_(**{"3": True})["endpoints"]})
    are("s", "10.244.7.3")
    are("p", "10.244.7.6")
    eventually(lambda: recorder.standing(at) and recorder.standing(POOLS), 30, "the watches standing", 0.1)
    control.delete(f"{POOLS}/p")
    are("p")
    eventually(lambda: any(b'"BOOKMARK"' in exchange.body for exchange in recorder.of(at)), 40, "a bookmark", 0.1)
    keep(control, recorder, "endpointslices", recorder.of(at))
    keep(control, recorder, "inferencepools", recorder.of(POOLS))
    keep(control, recorder, "serving-pods", recorder.of("/api/v1/namespaces/shop/pods"))


def keep(control, recorder, name: str, exchanges: list) -> None:
    """Writes a recording, if one is wanted."""
    if directory := os.environ.get("RECORD"):
        title = f"kube-apiserver {control.version}, etcd {control.etcd_version}; made by `make record-apiserver`"
        recorder.write(pathlib.Path(directory) / f"{name}.http", title, exchanges)
