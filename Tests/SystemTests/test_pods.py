"""Callers in pods are who the cluster says they are, whether its API server is there or not."""

import errno
import json
import os
import signal

import pytest
from harness import cgroups, pods
from harness.api_server import APIServer, line
from harness.http1 import Connection, chat
from harness.pods import Pod
from harness.waiting import eventually

RULES = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"}]
DIALLED = ("127.64.0.10", 8000)
OUT, IN = {"modelbroker.io/capture": "disabled"}, {"modelbroker.io/capture": "enabled"}


@pytest.fixture
def api():
    server = APIServer()
    for name in ("shop", "batch", "quiet"):
        server.put(pods.NAMESPACES, pods.namespace(name, OUT if name == "quiet" else {}))
    yield server
    server.close()


@pytest.fixture
def broker(make, api, tmp_path):
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms")
    (tmp_path / "token").write_text(api.token)
    broker = make.broker(capture=RULES, models={"m": [engine.url]}, clients={
        "checkout": {"match": {"namespace": "shop", "labels": {"app": "checkout"}}},
        "trainer": {"match": [{"namespace": "kube-system", "labels": {"x": "y"}}, {"serviceAccount": "trainer"}]},
    })
    root = cgroups.below_mount(broker.cgroup)
    broker.config["node"]["kubernetes"] = {
        "server": api.url, "tokenFile": str(tmp_path / "token"), "node": "n1",
        "cgroups": [f"{root}/kubepods.slice", f"{root}/kubepods"]}
    broker.write_config()
    return broker


class Place:
    """A pod with a process in it."""

    def __init__(self, make, broker, pod: Pod, driver: str):
        self.pod, self.broker = pod, broker
        self.caller = make.caller(pod.cgroup(broker.cgroup, driver))

    def asks(self):
        """The status of a request, or `exempt`: the connection went its own way, where nobody listens."""
        dialled = self.caller.dial(*DIALLED)
        if dialled.errno:
            assert dialled.errno == errno.ECONNREFUSED
            return "exempt"
        with Connection(dialled.socket) as connection:
            return connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1)).status

    def flow(self) -> dict:
        """How it is shown while it is connected."""
        with Connection(self.caller.connect(*DIALLED)) as connection:
            connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1))
            return next(flow for flow in self.broker.ask("flow", "list") if flow.get("pid") == self.caller.pid)

    def becomes(self, what) -> None:
        eventually(lambda: self.asks() == what, 20, lambda: f"{self.pod.key} being {what}, it is {self.asks()}")


def cluster(broker) -> dict:
    return broker.status()["kubernetes"]


def knows(broker, count: int) -> None:
    eventually(
        lambda: cluster(broker)["state"] == "synced" and cluster(broker)["resources"][0]["objects"] == count, 20,
        lambda: f"{count} pods being known: {cluster(broker)}")


@pytest.mark.parametrize("driver", ["systemd", "cgroupfs"])
def test_a_pod_is_its_client_from_its_first_connection_on(make, broker, api, driver):
    known = [
        Pod("checkout-1", labels={"app": "checkout"}), Pod("other-1", labels={"app": "other"}),
        Pod("job-1", "batch", account="trainer"),
        Pod("static-n1", "kube-system", {"x": "y"}, {"kubernetes.io/config.hash": "0a" * 16, "kubernetes.io/config.mirror": "0a" * 16},
            cgroup_uid="0a" * 16),
    ]
    for pod in known:
        api.put(pods.PODS, pod.object())
    api.put(pods.PODS, Pod("elsewhere", labels={"app": "checkout"}, node="n2").object())
    broker.start()
    knows(broker, len(known))
    places = {pod.name: Place(make, broker, pod, driver) for pod in known}
    eventually(lambda: broker.status()["counts"]["workloads"] == 4, 10, "the broker and three pods being told to the kernel")
    assert [places[pod.name].asks() for pod in known] == [200, 401, 200, 200]
    flow = places["checkout-1"].flow()
    assert (flow["client"], flow["pod"], flow["container"]) == ("checkout", "shop/checkout-1", "app")
    assert places["job-1"].flow()["client"] == places["static-n1"].flow()["client"] == "trainer"
    # What calls itself a pod elsewhere is none.
    forged = make.caller(known[0].cgroup(broker.application_cgroup("user"), driver))
    with Connection(forged.connect(*DIALLED)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1)).status == 401
    # A pod that comes later, and labels that change.
    late = Pod("checkout-2", labels={"app": "checkout"})
    api.put(pods.PODS, late.object())
    knows(broker, len(known) + 1)
    Place(make, broker, late, driver).becomes(200)
    known[1].labels["app"] = "checkout"
    api.put(pods.PODS, known[1].object())
    places["other-1"].becomes(200)
    assert {event["pod"] for event in broker.events(kind="authentication-failed") if "pod" in event} == {known[1].key}
    assert "namespace shop, app=checkout" in broker.cli("client", "show", "checkout").stdout


def test_the_audit_and_explain_name_pods(make, broker, api, tmp_path):
    lines = tmp_path / "audit.jsonl"
    broker.config["audit"] = {"level": "metadata", "file": {"path": str(lines)}}
    broker.config["capture"].append({"name": "closed", "to": ["127.66.0.0/16:*"], "path": "deny"})
    broker.write_config()
    checkout = Pod("checkout-1", labels={"app": "checkout"}, account="till")
    other, out = Pod("other-1"), Pod("out-1", labels=dict(OUT, app="checkout"))
    for pod in (checkout, other, out):
        api.put(pods.PODS, pod.object())
    broker.start()
    knows(broker, 3)
    places = {pod.name: Place(make, broker, pod, "systemd") for pod in (checkout, other, out)}
    places["checkout-1"].becomes(200)
    places["out-1"].becomes("exempt")

    def line(**wanted) -> dict:
        """The last of those that have these values."""
        def found():
            all_ = [json.loads(text) for text in lines.read_text().split("\n")[:-1]] if lines.exists() else []
            return [entry for entry in all_ if wanted.items() <= entry.items()][-1:]
        return eventually(found, 20, lambda: f"a line with {wanted} in {lines.read_text()}")[0]

    def named(place, status) -> dict:
        """A line of one of its requests, once the proxy knows its pod: the kernel is told of it a moment before."""
        def told():
            assert place.asks() == status
            return line(pid=place.caller.pid) if "pod" in line(pid=place.caller.pid) else None
        return eventually(told, 20, "the proxy knowing the pod")

    told = named(places["checkout-1"], 200)
    assert (told["pod"], told["service_account"], told["client"]) == ("shop/checkout-1", "till", "checkout")
    assert told["workload"] == str(places["checkout-1"].caller.cgroup.stat().st_ino)
    told = named(places["other-1"], 401)
    assert (told["pod"], told["service_account"]) == ("shop/other-1", "default") and "client" not in told
    with places["checkout-1"].caller.dial("127.66.0.9", 80) as call:
        assert call.errno == errno.ECONNREFUSED
    told = line(layer="kernel", pid=places["checkout-1"].caller.pid)
    assert (told["pod"], told["service_account"]) == ("shop/checkout-1", "till")
    assert places["checkout-1"].flow()["serviceAccount"] == "till"

    # A proxy that starts anew, and an agent that does, know it from the first request on.
    former = broker.proxy_pid
    os.kill(former, signal.SIGKILL)
    eventually(lambda: broker.proxy_pid not in (0, former) and broker.ready(), 20, "another proxy")
    assert named(places["checkout-1"], 200)["pod"] == "shop/checkout-1"
    broker.kill_agent()
    assert places["checkout-1"].asks() == 200 and line(pid=places["checkout-1"].caller.pid)["pod"] == "shop/checkout-1"
    broker.launch()
    broker.wait_ready()
    knows(broker, 3)
    eventually(lambda: broker.cli("explain", "--model", "m", "--pod", "shop/checkout-1", check=False).returncode == 0, 20,
               "the new agent having looked at the cgroups")

    def explained(*options) -> list:
        report = broker.ask("explain", "--model", "m", *options)
        return [(pod["name"], pod["serviceAccount"], pod.get("client"), pod["isExempt"]) for pod in report["pods"]], report
    pods_, report = explained("--pod", "shop/checkout-1")
    assert pods_ == [("shop/checkout-1", "till", "checkout", False)] and "client: checkout" in report["stages"]
    pods_, report = explained("--pod", "shop/other-1")
    assert pods_ == [("shop/other-1", "default", None, False)]
    assert any(stage.startswith("client: nobody") for stage in report["stages"]), report["stages"]
    assert explained("--pod", "shop/out-1")[0] == [("shop/out-1", "default", None, True)]
    assert explained("--client", "checkout")[0] == [("shop/checkout-1", "till", "checkout", False)]
    assert "made by      shop/checkout-1, service account till, client checkout\n" in broker.cli(
        "explain", "--model", "m", "--client", "checkout").stdout
    refused = broker.cli("explain", "--model", "m", "--pod", "shop/nobody", check=False)
    assert refused.returncode == 1 and "no pod shop/nobody is known" in refused.stderr


def test_pods_opt_out_and_in(make, broker, api):
    plain, out, quiet, loud = known = [
        Pod("plain", account="trainer"), Pod("out", labels=dict(OUT), account="trainer"), Pod("quiet", "quiet", account="trainer"),
        Pod("loud", "quiet", annotations=IN, account="trainer")]
    for pod in known:
        api.put(pods.PODS, pod.object())
    broker.start()
    knows(broker, 4)
    places = {pod.name: Place(make, broker, pod, "systemd") for pod in known}
    for name, what in (("plain", 200), ("out", "exempt"), ("quiet", "exempt"), ("loud", 200)):
        places[name].becomes(what)
    out.labels.clear()
    api.put(pods.PODS, out.object())
    api.put(pods.NAMESPACES, pods.namespace("quiet"))
    places["out"].becomes(200)
    places["quiet"].becomes(200)
    # Only who says so; a process of the host is as before.
    broker.config["node"]["kubernetes"]["capture"] = "labelled"
    broker.config["clients"]["host"] = {"workloads": [cgroups.below_mount(broker.application_cgroup())]}
    broker.write_config()
    broker.reload()
    for name, what in (("plain", "exempt"), ("out", "exempt"), ("loud", 200)):
        places[name].becomes(what)
    host = make.caller(broker.application_cgroup())
    with Connection(host.connect(*DIALLED)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1)).status == 200
    plain.labels.update(IN)
    api.put(pods.PODS, plain.object())
    places["plain"].becomes(200)


def test_what_was_known_stays_while_the_server_is_away(make, broker, api):
    first, second = Pod("checkout-1", labels={"app": "checkout"}), Pod("job-1", "batch", account="trainer")
    for pod in (first, second):
        api.put(pods.PODS, pod.object())
    broker.start()
    knows(broker, 2)
    places = [Place(make, broker, pod, driver) for pod, driver in ((first, "systemd"), (second, "cgroupfs"))]
    for place in places:
        place.becomes(200)
    assert "modelbroker_kubernetes_synced 1" in broker.admin_get("/metrics")[1]
    eventually(lambda: (broker.run_directory / "pods.json").exists(), 10, "what is known being kept")
    api.away()
    eventually(lambda: cluster(broker)["state"] == "away", 20, "the agent seeing that")
    assert [place.asks() for place in places] == [200, 200]
    assert "AWAY since" in broker.cli("status").stdout
    assert "modelbroker_kubernetes_synced 0" in broker.admin_get("/metrics")[1]
    # An agent that comes anew knows what the one before it knew, and a cgroup of a known pod that is made only now.
    broker.kill_agent()
    assert places[0].asks() == 200
    broker.launch()
    broker.wait_ready()
    assert [place.asks() for place in places] == [200, 200]
    assert places[0].flow()["pod"] == first.key
    eventually(lambda: cluster(broker)["state"] == "away", 20, "the new agent seeing that")
    again = Pod("checkout-1", labels=first.labels, uid=first.uid)
    Place(make, broker, again, "systemd").becomes(200)
    # Meanwhile the one has changed and the other is gone.
    first.labels = {"app": "other"}
    api.put(pods.PODS, first.object())
    api.delete(pods.PODS, second.namespace, second.name)
    api.back()
    for place in places:
        place.becomes(401)
    knows(broker, 1)
    kinds = [event["kind"] for event in broker.events()]
    assert kinds.count("kubernetes-away") == 1 and kinds[-1] != "kubernetes-away" and "kubernetes-synced" in kinds


def test_the_watch_survives_everything(broker, api, tmp_path):
    broker.start()
    knows(broker, 0)
    count = 0

    def comes() -> None:
        nonlocal count
        count += 1
        api.put(pods.PODS, Pod(f"pod-{count}").object())
        knows(broker, count)

    def stands() -> None:
        eventually(lambda: len(api.watches) == 2, 20, "both watches standing")

    def lists() -> int:
        return sum(target.startswith(pods.PODS) and "watch=1" not in target for _, target, _ in api.requests)

    stands()
    comes()
    listed = lists()
    assert listed == 1, "an event is no reason for another list"
    # Cut in the middle of a line: it goes on where it was.
    api.cut(line("ADDED", Pod("never").object())[:200])
    stands()
    comes()
    assert lists() == listed
    # A bookmark saves it from a list when the history is forgotten.
    api.bookmark()
    api.cut()
    stands()
    comes()
    # Without one it has to ask for everything.
    with api.lock:
        api.forget()
        api.cut()
    stands()
    assert (410 in {status for _, _, status in api.requests}) and lists() > listed
    comes()
    # As an event of the watch.
    api.cut(line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))
    stands()
    comes()
    api.cut(b"<html>502 Bad Gateway</html>\n")
    stands()
    comes()
    # Byte by byte.
    api.piece, api.delay = 64, 0.002
    comes()
    api.piece, api.delay = 1 << 20, 0
    # The token is exchanged: the next request carries the new one.
    api.token = "t1"
    (tmp_path / "token").write_text("t1")
    api.cut()
    stands()
    comes()
    # The wrong one, until it is right.
    api.token = "t2"
    api.cut()
    eventually(lambda: cluster(broker)["state"] == "away", 20, "the agent being refused")
    assert "401" in cluster(broker)["reason"]
    (tmp_path / "token").write_text("t2")
    comes()
