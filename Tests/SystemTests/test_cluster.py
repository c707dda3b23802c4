"""Configuration as custom resources, and endpoints from what a cluster says of its services and pools."""

import itertools
import threading

import pytest
from harness.cluster import POOLS, PODS, Cluster
from harness.http1 import Connection, chat
from harness.places import free_port
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
NODE = "n1"


@pytest.fixture
def cluster(local_stack):
    cluster = Cluster()
    local_stack.callback(cluster.close)
    return cluster


class Traffic(threading.Thread):
    """Requests for a model, one after the other, until it is told to end."""

    def __init__(self, address, model):
        super().__init__()
        self.address, self.model = address, model
        self.over, self.answers, self.failures = threading.Event(), [], []

    def run(self):
        while not self.over.is_set():
            try:
                with Connection.to(*self.address) as connection:
                    for _ in range(5):
                        answer = connection.request("POST", "/v1/chat/completions", chat(self.model))
                        self.answers.append(answer.header("x-engine"))
                        if answer.status != 200:
                            self.failures.append((answer.status, answer.body))
            except Exception as error:  # noqa: BLE001, handed to the test
                self.failures.append(error)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(10)

    def last(self, count: int = 8) -> set:
        return set(self.answers[-count:])


def status_of(broker, model):
    with Connection.to(*broker.gateway) as connection:
        return connection.request("POST", "/v1/chat/completions", chat(model)).status


def test_resources_and_endpoints_of_a_cluster(make, cluster):
    port = free_port()
    for last in (2, 3, 4):
        make.engine("--name", f"e{last}", *FAST, host=f"127.0.0.{last}", port=port)
    cluster.service("shop", "llama", port, {"127.0.0.2": "ready", "127.0.0.4": "unready"})
    cluster.custom("models", "llama", endpoints=[{"service": "shop/llama", "port": "http"}], health="off")
    cluster.custom("models", "bad", endpoints=[{"url": "http://127.0.0.2", "key": "${file:/etc/shadow}"}])
    broker = make.broker(
        node={"kubernetes": {"server": cluster.url, "node": NODE, "resources": True}},
        details={"filed": {"endpoints": [f"http://127.0.0.4:{port}"], "health": "off"}})
    broker.start()

    # A Model and a Pool appear, and serve; a bad one is told so.
    cluster.custom("pools", "talk", models=["llama"])
    eventually(lambda: status_of(broker, "talk") == 200, 20, "the pool serving", 0.1)
    assert status_of(broker, "llama") == 200 and status_of(broker, "filed") == 200 and status_of(broker, "bad") == 404
    eventually(lambda: all(cluster.condition(*what, NODE) for what in [("models", "llama"), ("models", "bad"), ("pools", "talk")]),
               20, "each status", 0.1)
    assert cluster.condition("models", "llama", NODE)["status"] == "True"
    assert cluster.condition("pools", "talk", NODE)["reason"] == "Accepted"
    refusal = cluster.condition("models", "bad", NODE)
    assert (refusal["status"], refusal["reason"]) == ("False", "Invalid")
    assert refusal["message"].startswith("spec.endpoints[0].key: cannot be given here"), refusal
    assert broker.model("llama")["resource"] == "Model/llama" and "resource" not in broker.model("filed")
    told = {entry["name"]: entry["isAccepted"] for entry in broker.status()["resources"]}
    assert told == {"Model/llama": True, "Model/bad": False, "Pool/talk": True}
    page = broker.admin_get("/metrics")[1]
    for line in ('resources{kind="Model",outcome="accepted"} 1', 'resources{kind="Model",outcome="refused"} 1',
                 'resources{kind="Pool",outcome="accepted"} 1', 'watch_synced{resource="models"} 1',
                 'watch_synced{resource="endpointslices of shop/llama"} 1'):
        assert f"modelbroker_kubernetes_{line}\n" in page, (line, page)
    assert "Model/llama" in broker.cli("model", "list").stdout and "2 in force, 1 refused" in broker.cli("status").stdout

    with Traffic(broker.gateway, "llama") as traffic:
        # The slice changes under traffic.
        eventually(lambda: traffic.last() == {"e2"}, 20, "answers of the first", 0.05)
        cluster.service("shop", "llama", port, {"127.0.0.2": "ready", "127.0.0.3": "ready"})
        eventually(lambda: traffic.last() == {"e2", "e3"}, 20, "answers of both", 0.05)
        cluster.service("shop", "llama", port, {"127.0.0.2": "ending", "127.0.0.3": "ready"})
        eventually(lambda: traffic.last() == {"e3"}, 20, "answers of the second", 0.05)
        assert traffic.failures == []

        # The API server goes away, and the agent is killed and starts again meanwhile.
        cluster.away()
        served = len(traffic.answers)
        # The file is written a moment after the change.
        eventually(lambda: '"terminating":true' in slices(broker), 10, "the slice being kept", 0.1)
        broker.kill_agent()
        broker.start()
        eventually(lambda: len(traffic.answers) > served + 20, 20, "traffic going on", 0.05)
        assert broker.model("llama")["resource"] == "Model/llama"
        eventually(lambda: all(f"complaints {what} of the cluster are as last known" in complaints(broker)
                               for what in ("custom resources", "services and pools")), 20, "the agent saying so", 0.1)
        assert traffic.failures == [] and traffic.last() == {"e3"}

        # It comes back with another history and other objects.
        cluster.custom("models", "bad", endpoints=[{"url": f"http://127.0.0.4:{port}"}], health="off")
        cluster.remove("pools", "talk")
        cluster.service("shop", "llama", port, {"127.0.0.4": "ready"})
        cluster.forget()
        cluster.back()
        eventually(lambda: traffic.last() == {"e4"}, 40, "the slice of after", 0.05)
        eventually(lambda: status_of(broker, "bad") == 200 and status_of(broker, "talk") == 404, 40, "the resources of after", 0.1)
        eventually(lambda: cluster.condition("models", "bad", NODE)["status"] == "True", 20, "the status", 0.1)
        # A version that is too old: 410, and a list.
        cluster.away()
        cluster.custom("pools", "late", models=["bad"])
        cluster.forget()
        cluster.back()
        eventually(lambda: status_of(broker, "late") == 200, 40, "the pool after a relist", 0.1)
        assert traffic.failures == []

    # No address is left: as a model without a usable endpoint.
    cluster.service("shop", "llama", port, {"127.0.0.4": "unready"})
    eventually(lambda: status_of(broker, "llama") == 503, 20, "no endpoint", 0.1)


def complaints(broker) -> str:
    """What `status` complains of, the word in front of each line."""
    _, found, text = broker.cli("status").stdout.partition("\ncomplaints ")
    lines = text.partition("\n\n")[0].splitlines() if found else []
    return "\n".join(f"complaints {line.strip()}" for line in lines)


def slices(broker) -> str:
    return (broker.state_directory / "kubernetes-service-shop-llama.json").read_text()


def test_resources_are_told_what_use_is_made_of_them(make, cluster):
    engine = make.engine(*FAST)
    cluster.custom("models", "llama", endpoints=[{"url": engine.url}], health="off")
    cluster.custom("models", "idle", endpoints=[{"url": engine.url}], health="off")
    cluster.custom("pools", "talk", models=["llama"])
    cluster.custom("qosclaims", "little", model="llama", qos={"requests": "1/m", "burst": 3})
    kubernetes = {"server": cluster.url, "node": NODE, "resources": True, "usage": "5s"}
    broker = make.broker(node={"kubernetes": kubernetes})
    broker.start()
    eventually(lambda: cluster.condition("qosclaims", "little", NODE), 20, "the claim being in force", 0.1)
    eventually(lambda: status_of(broker, "talk") == 200, 20, "the pool serving", 0.1)
    statuses = [status_of(broker, "llama") for _ in range(4)]
    used = cluster_use(broker, "llama")
    assert statuses.count(429) >= 1 and used["refused"] == statuses.count(429)

    def observed(plural, name):
        return cluster.entry(plural, name, NODE).get("observed")

    def told():
        return observed("models", "llama") == observed("qosclaims", "little") == used and observed("pools", "talk")

    eventually(told, 30, lambda: f"{used} being told: {[observed('models', 'llama'), observed('qosclaims', 'little')]}", 0.1)
    assert observed("pools", "talk") == {"requests": used["requests"] - 4, "refused": 0}
    assert cluster.condition("models", "llama", NODE)["status"] == "True" and observed("models", "idle") is None
    # More of it later, and not before its time.
    assert status_of(broker, "llama") == 429
    more = used | {"requests": used["requests"] + 1, "refused": used["refused"] + 1}
    eventually(lambda: observed("models", "llama") == more, 30, "the next being told", 0.1)
    times = [when for when, plural, name in cluster.written if (plural, name) == ("models", "llama")]
    assert len(times) >= 3 and all(later - earlier > 4.5 for earlier, later in itertools.pairwise(times)), times
    # An agent that comes anew says its verdict again, and does not forget the rest about it.
    count = len(cluster.written)
    broker.kill_agent()
    broker.start()
    eventually(lambda: any(name == "llama" for _, _, name in cluster.written[count:]), 20, "the new agent writing", 0.1)
    assert observed("models", "llama") == more


def cluster_use(broker, name) -> dict:
    """What the proxy counts of a model."""
    model = broker.model(name)
    refused = model["rateLimited"] + model["tokenLimited"] + model["accessRefused"]
    return {"requests": model["requests"], "tokens": model["tokens"], "refused": refused}


def test_an_inference_pool_is_its_ready_pods(make, cluster):
    port = free_port()
    for last in (2, 3):
        make.engine("--name", f"e{last}", *FAST, host=f"127.0.0.{last}", port=port)

    def pod(name, address, app, ready):
        status = {"phase": "Running", "podIP": address, "conditions": [{"type": "Ready", "status": str(ready)}]}
        cluster.make(PODS, name, "shop", {"app": app}, status=status)

    def pool(app):
        cluster.make(POOLS, "p", "shop", spec={"selector": {"matchLabels": {"app": app}}, "targetPorts": [{"number": port}]})

    pod("a", "127.0.0.2", "old", True)
    pod("b", "127.0.0.3", "new", True)
    pool("old")
    broker = make.broker(
        node={"kubernetes": {"server": cluster.url, "node": NODE}},
        details={"m": {"endpoints": [{"inferencePool": "shop/p"}], "health": "off"}})
    broker.start()
    with Traffic(broker.gateway, "m") as traffic:
        eventually(lambda: traffic.last() == {"e2"}, 20, "the pod that the pool selects", 0.05)
        traffic.failures.clear()
        pool("new")
        eventually(lambda: traffic.last() == {"e3"}, 20, "the pod that it selects now", 0.05)
        assert traffic.failures == []
    pod("b", "127.0.0.3", "new", False)
    eventually(lambda: status_of(broker, "m") == 503, 20, "no pod being ready", 0.1)
