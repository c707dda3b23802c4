"""What a real API server once said, said again to the agent."""

import json

import pytest
from harness import cgroups
from harness.pods import Pod
from harness.replay import Replay
from harness.waiting import eventually
from test_pods import RULES, Place, cluster

KNOWN = ["after-0", "after-1", "checkout-7d9f-x2x9k", "out-1", "search-0"]


@pytest.mark.parametrize("piece", [1 << 16, 97])
def test_the_agent_understands_the_recordings(make, local_stack, piece):
    replay = Replay("pods", "namespaces", piece=piece)
    local_stack.callback(replay.close)
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms")
    broker = make.broker(capture=RULES, models={"m": [engine.url]}, clients={
        "checkout": {"match": {"namespace": "shop", "labels": {"app": "checkout"}}}})
    root = cgroups.below_mount(broker.cgroup)
    broker.config["node"]["kubernetes"] = {"server": replay.url, "node": "worker-3", "cgroups": [f"{root}/kubepods.slice"]}
    broker.write_config()
    broker.start()
    eventually(lambda: not replay.waiting or replay.strange, 120, lambda: f"{len(replay.waiting)} answers being asked for", 0.1)
    assert replay.strange == []
    eventually(lambda: [resource["objects"] for resource in cluster(broker)["resources"]] == [len(KNOWN) + 1, 8], 20,
               lambda: f"all being known: {cluster(broker)}")
    known = json.loads((broker.run_directory / "pods.json").read_text())["items"]
    uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in known}
    search = Pod("search-0", uid=uids["search-0"], container="5ea4c4" * 10 + "abcd", node="worker-3")
    place = Place(make, broker, search, "systemd")
    place.becomes(200)
    assert (place.flow()["pod"], place.flow()["container"]) == ("shop/search-0", "app")
    Place(make, broker, Pod("out-1", uid=uids["out-1"]), "systemd").becomes("exempt")
    assert replay.strange == []
