"""What is shown of groups, queues, limits and engines on demand, in text, in JSON and as metrics, and what a file may not say."""

import re

import pytest
from harness.control import Control
from harness.groups import Clients
from harness.held import Held
from harness.places import free_port
from harness.waiting import eventually

GROUPS = {
    "gold": {"priority": 10, "weight": 3, "queue": {"length": 100, "bytes": "64MiB", "wait": "30s", "ageing": "5s",
                                                    "order": "lifo-under-overload", "comments": "10s"}},
    "kept": {"weight": 2}, "night": {"delivery": "batch"}, "default": {"weight": 1},
}


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "2ms", "--itl", "0ms", "--tokens", 4)


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", *GROUPS)


@pytest.fixture(scope="module")
def asleep():
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def broker(shared, engine, clients, asleep):
    details = {
        "m": {"endpoints": [{"url": engine.url, "maxInFlight": 2}], "health": "off", "maxInFlight": 64,
              "queue": {"length": 200, "wait": "30s", "ageing": "60s"}},
        "found": {"endpoints": [{"url": engine.url, "upstreamModel": "m"}], "health": "off"},
        "sleepy": {"endpoints": [{"url": asleep, "maxInFlight": {"adaptive": True, "initial": 12},
                                  "activate": {"exec": ["/bin/false"]}}]},
    }
    return shared.broker(details=details, clients=clients.section, more={"groups": GROUPS}).start()


@pytest.fixture
def held(broker, engine, clients):
    """Two under way, and one of each group waiting."""
    with Held(broker, engine, clients.fields("gold"), slots=2) as held:
        for group in GROUPS:
            held.send(f"{group}-0", clients.fields(group))
        yield held


def test_groups_are_listed(broker, held):
    groups = {group["name"]: group for group in broker.ask("group", "list")}
    assert set(groups) == set(GROUPS)
    gold, kept, night = groups["gold"], groups["kept"], groups["night"]
    assert (gold["priority"], gold["weight"], gold["isReclaimable"], gold["delivery"]) == (10, 3, True, "interactive")
    assert (kept["weight"], kept["isReclaimable"], night["delivery"]) == (2, True, "batch")
    assert gold["clients"] == ["gold"] and "plain" in groups["default"]["clients"]
    text = broker.cli("group", "list").stdout
    assert all(name in text for name in GROUPS), text


def test_a_group_is_shown_with_its_queues(broker, held):
    gold = broker.ask("group", "show", "gold")
    queue = next(queue for queue in gold["queues"] if queue["model"] == "m")
    assert (queue["inFlight"], queue["waiting"], queue["limit"]) == (2, 1, 2)
    assert queue["entitlement"] > 0 and queue["borrowed"] == pytest.approx(max(0, 2 - queue["entitlement"]), abs=0.01)
    text = broker.cli("group", "show", "gold").stdout
    assert "gold" in text and re.search(r"\bm\b", text), text
    refused = broker.cli("group", "show", "nobody", check=False)
    assert refused.returncode == 1 and "nobody" in refused.stderr


def test_queues_are_listed(broker, held):
    queues = {queue["group"]: queue for queue in broker.ask("queue", "list") if queue["model"] == "m"}
    assert {name: queue["waiting"] for name, queue in queues.items()} == dict.fromkeys(GROUPS, 1)
    assert all(queue["bytes"] > 0 for queue in queues.values())
    text = broker.cli("queue", "list").stdout
    assert all(re.search(rf"(?m)^m\s+.*\b{name}\b", text) for name in GROUPS), text


def test_endpoints_have_their_limit_and_state(broker, held, engine, asleep):
    endpoints = {endpoint["model"]: endpoint for endpoint in broker.ask("endpoint", "list")}
    m, sleepy = endpoints["m"], endpoints["sleepy"]
    assert (m["limit"], m["isAdaptive"], m["inFlight"]) == (2, False, 2) and m.get("phase") is None
    assert (sleepy["limit"], sleepy["isAdaptive"], sleepy["phase"]) == (12, True, "asleep")
    text = broker.cli("endpoint", "list").stdout
    assert "2/2" in text and "asleep" in text, text


def test_a_flow_that_waits_says_so(broker, held):
    states = [flow["state"] for flow in broker.ask("flow", "list")]
    assert states.count("queued") == len(GROUPS), states


def test_explain_says_what_is_full(broker, held, clients):
    """One of each group waits already."""
    text = broker.cli("explain", "--model", "m", "--client", "gold").stdout
    assert "no slot is free" in text and "is refused" not in text, "it waits, and is not refused: " + text
    assert re.search(r"waits\s+at place 2 of the group gold for m", text), text
    line = broker.ask("explain", "--model", "m", "--client", "night")["waitsIn"]
    assert (line["group"], line["model"], line["place"]) == ("night", "m", 2)
    held.send("gold-1", clients.fields("gold"))
    assert broker.ask("explain", "--model", "m", "--client", "gold")["waitsIn"]["place"] == 3
    assert broker.ask("explain", "--model", "sleepy", "--client", "gold")["waitsIn"]["place"] == 1


def test_explain_says_that_a_line_is_full(make, engine, clients):
    queue = {"length": 1, "wait": "30s"}
    details = {"m": {"endpoints": [{"url": engine.url, "maxInFlight": 2}], "health": "off", "queue": queue}}
    broker = make.broker(details=details, clients=clients.section, more={"groups": GROUPS}).start()
    with Held(broker, engine, clients.fields("default"), slots=2) as held:
        assert broker.ask("explain", "--model", "m", "--client", "plain")["waitsIn"]["place"] == 1
        held.send("default-0", clients.fields("default"))
        text = broker.cli("explain", "--model", "m", "--client", "plain").stdout
        assert re.search(r"is refused\s+429 As many requests wait for the model 'm' as may", text), text
        # Another group has a line of its own.
        assert broker.ask("explain", "--model", "m", "--client", "gold")["waitsIn"]["place"] == 1


def test_metrics(broker, held, asleep):
    def value(text, name, *labels) -> float:
        lines = [line for line in text.splitlines()
                 if line.startswith(name + "{") and all(f'"{label}"' in line for label in labels)]
        assert len(lines) == 1, (name, labels, lines)
        return float(lines[0].rsplit(" ", 1)[1])

    status, text = broker.admin_get("/metrics")
    assert status == 200
    for group in GROUPS:
        assert value(text, "modelbroker_queue_waiting_requests", "m", group) == 1
    assert value(text, "modelbroker_queue_active_requests", "m", "gold") == 2
    assert value(text, "modelbroker_queue_slots", "m") == 2
    assert value(text, "modelbroker_engine_phase", asleep, "asleep") == 1
    assert value(text, "modelbroker_endpoint_request_limit", held.engine.url, "fixed") == 2


def test_what_happened_is_counted(broker, held, clients):
    before = broker.ask("group", "show", "night")["queues"][0]
    held.connections["night-0"].close()
    held.eventually(lambda: held.control.queues("m")["night"]["left"] == before["left"] + 1, "the one that left")
    held.release(2)
    held.order(len(GROUPS) - 1)
    with Control(broker.run_directory) as control:
        queue = eventually(lambda: (queue := control.queues("m")["gold"])["inFlight"] == 0 and queue, 5, "all having ended")
    assert queue["granted"] >= 1 and queue["tokens"] > 0 and queue["waitP50Milliseconds"] > 0


@pytest.mark.parametrize("change, key, word", [
    ({"groups": {"gold": {"weight": 0}}}, "groups.gold.weight", "0"),
    ({"groups": {"gold": {"priority": 1001}}}, "groups.gold.priority", "1000"),
    ({"groups": {"gold": {"queue": {"wait": 0}}}}, "groups.gold.queue.wait", ""),
    ({"groups": {"gold": {"queue": {"order": "random"}}}}, "groups.gold.queue.order", "fifo"),
    ({"clients": {"one": {"workloads": ["/x"], "group": "nobody"}}}, "clients.one.group", "nobody"),
    ({"models": {"m": {"endpoints": [{"url": "http://127.0.0.1:1", "maxInFlight": 0}]}}}, "maxInFlight", ""),
    ({"models": {"m": {"endpoints": [{"url": "http://127.0.0.1:1", "maxInFlight": {"adaptive": True, "min": 9, "max": 3}}]}}},
     "maxInFlight", ""),
    ({"models": {"m": {"endpoints": [{"url": "http://127.0.0.1:1", "activate": {"exec": []}}]}}}, "activate.exec", ""),
    ({"models": {"m": {"endpoints": [{"url": "http://127.0.0.1:1", "activate": {"idleAfter": "1m"}}]}}}, "activate", ""),
], ids=["weight", "priority", "wait", "order", "group", "none in flight", "bounds", "no program", "no method"])
def test_what_is_wrong_is_said_by_line_and_key(make, change, key, word):
    broker = make.broker()
    broker.config |= change
    broker.write_config()
    result = broker.cli("config", "check", broker.config_file, check=False)
    text = result.stdout + result.stderr
    assert result.returncode != 0 and re.search(r"line \d+", text) and key in text and word in text, text
