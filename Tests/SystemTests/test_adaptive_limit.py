"""A limit that is found: how many requests an engine really serves at once, also after that has changed; and what engines say
themselves of how busy they are.

By default each capacity has ten seconds to be found, and is left as soon as it is; with QOS_FULL=1 all ten pass.
"""

import os
import time

import pytest
from harness.control import Control
from harness.crowd import Crowd
from harness.groups import Clients
from harness.http1 import Connection, chat, request_bytes
from harness.places import free_port
from harness.stalls import measured
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
SECONDS = 10
#: Over which the limit is averaged: it looks for a better one all the time.
WINDOW = 2
CAPACITIES = (8, 32, 4)
SERVICE = 0.1
LANES = 96


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", "default")


def model(url, limit, **more):
    return {"endpoints": [{"url": url, "maxInFlight": limit} | more], "health": "off",
            "queue": {"length": 1000, "wait": "60s", "ageing": "60s"}}


def body(_):
    return chat("m", max_tokens=1)


def find(control, url: str, capacity: int) -> tuple[float, list[int]]:
    """The limit's mean in the last of ten seconds, or as soon as it is near what is true; and how it came there."""
    began, seen = time.monotonic(), []
    while (now := time.monotonic()) < began + SECONDS:
        endpoint = control.endpoint(url)
        assert endpoint["isAdaptive"] is True
        seen.append((now, endpoint["limit"]))
        last = [limit for at, limit in seen if at > now - WINDOW]
        if not FULL and now > began + WINDOW and all(abs(limit / capacity - 1) <= 0.25 for limit in last):
            break
        time.sleep(0.05)
    limits = [limit for at, limit in seen if at > seen[-1][0] - WINDOW]
    return sum(limits) / len(limits), [limit for _, limit in seen[::5]]


@measured
def test_it_finds_what_the_engine_can_do(make, clients):
    engine = make.engine("--models", "*", "--capacity", CAPACITIES[0], "--ttft", f"{SERVICE * 1000:.0f}ms", "--tokens", 1)
    limit = {"adaptive": True, "min": 1, "max": 256, "initial": 16}
    broker = make.broker(details={"m": model(engine.url, limit)}, clients=clients.section).start()
    found = {}
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.lanes("callers", LANES, body, clients.fields("default"))
        for capacity in CAPACITIES:
            engine.capacity(capacity)
            began = time.monotonic_ns()
            found[capacity], way = find(control, engine.url, capacity)
            ended = time.monotonic_ns()
            rate = len(callers.within(ended - 2_000_000_000, ended)) / 2
            print(f"{capacity}: {found[capacity]:.1f} after {(ended - began) / 1e9:.1f} s, {rate:.0f} answers a second of "
                  f"{capacity / SERVICE:.0f}; {way}")
        statuses = callers.statuses
    assert set(statuses) == {200}, statuses
    assert all(abs(limit / capacity - 1) <= 0.2 for capacity, limit in found.items()), found


@measured
def test_it_stays_within_its_bounds(make, clients):
    """The engine could do more, and then less, than it is allowed to be asked for."""
    engine = make.engine("--models", "*", "--capacity", 32, "--ttft", "20ms", "--tokens", 1)
    limit = {"adaptive": True, "min": 4, "max": 6, "initial": 5}
    broker = make.broker(details={"m": model(engine.url, limit)}, clients=clients.section).start()
    limits = set()
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.lanes("callers", 32, body, clients.fields("default"))
        for capacity in (32, 1):
            engine.capacity(capacity)
            until = time.monotonic() + (4 if FULL else 2)
            while time.monotonic() < until:
                limits.add(control.endpoint(engine.url)["limit"])
                time.sleep(0.05)
        engine.capacity(32)
    assert limits and limits <= {4, 5, 6}, limits
    assert set(callers.statuses) == {200} and engine.service()["most"] <= 6


def test_a_limit_that_is_not_reached_does_not_grow(make, clients):
    engine = make.engine("--models", "*", "--ttft", "20ms", "--tokens", 1)
    limit = {"adaptive": True, "initial": 8}
    broker = make.broker(details={"m": model(engine.url, limit)}, clients=clients.section).start()
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.lanes("callers", 2, body, clients.fields("default"))
        eventually(lambda: callers.statuses[200] > 100, 20, "some answers")
        assert control.endpoint(engine.url)["limit"] <= 8


# What engines say

def ask(broker, fields) -> int:
    with Connection.to(*broker.gateway) as connection:
        return connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1), fields).status


def slots(control) -> int:
    """Requests that the model's endpoint may have at once of those that come through the broker."""
    return control.queues("m")["default"]["limit"]


@pytest.mark.parametrize("names", ["vllm", "sglang", "triton"])
def test_what_others_ask_of_the_engine_counts(make, clients, names):
    """Four requests of somebody else's fill it: one of ours may always be there, the other waits until there is less."""
    engine = make.engine("--models", "*", "--metric-names", names, "--capacity", 0, "--ttft", "0ms", "--tokens", 1)
    metrics = {"path": "/metrics", "period": "100ms", "staleAfter": "10s"}
    broker = make.broker(details={"m": model(engine.url, 4, metrics=metrics)}, clients=clients.section).start()
    with Crowd((engine.host, engine.port)) as others, Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        foreign = others.once("foreign", 4, body, {})
        ours = [crowd.once("first", 1, body, clients.fields("default"))]
        eventually(lambda: engine.service()["waiting"] == 5, 10, "the engine being full")
        eventually(lambda: slots(control) == 1, 10, lambda: f"less that is asked of it: {slots(control)}")
        ours.append(crowd.once("second", 1, body, clients.fields("default")))
        eventually(lambda: control.waiting("m") == 1, 10, "one of ours waiting in the broker")
        assert engine.service()["waiting"] == 5
        engine.capacity(8)
        eventually(lambda: [each.statuses for each in [*ours, foreign]] == [{200: 1}, {200: 1}, {200: 4}], 10,
                   lambda: f"all being answered: {[each.statuses for each in [*ours, foreign]]}")
        eventually(lambda: slots(control) == 4, 10, "all of it being ours again")


@pytest.mark.parametrize("fault", ["hang", "500", "404"])
def test_no_request_fails_because_a_metric_is_late(make, clients, fault):
    """What was said last was that the engine is full: after a while that says nothing any more."""
    engine = make.engine("--models", "*", "--capacity", 0, "--ttft", "0ms", "--tokens", 1)
    metrics = {"path": "/metrics", "period": "100ms", "staleAfter": "2s"}
    broker = make.broker(details={"m": model(engine.url, 4, metrics=metrics)}, clients=clients.section).start()
    with Crowd((engine.host, engine.port)) as others, Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        others.once("foreign", 4, body, {})
        ours = [crowd.once("first", 1, body, clients.fields("default"))]
        eventually(lambda: engine.service()["waiting"] == 5, 10, "the engine being full")
        eventually(lambda: slots(control) == 1, 10, "less that is asked of it")
        ours.append(crowd.once("second", 1, body, clients.fields("default")))
        eventually(lambda: control.waiting("m") == 1, 10, "one of ours waiting in the broker")
        engine.fault(metrics=fault)
        eventually(lambda: engine.service()["waiting"] == 6, 10, "it going there all the same")
        engine.capacity(None)
        eventually(lambda: all(each.results for each in ours), 10, "ours being answered")
        assert [each.statuses for each in ours] == [{200: 1}, {200: 1}]
        # And as long as nothing is said, the requests of our own are what counts.
        lanes = crowd.lanes("lanes", 8, body, clients.fields("default"))
        eventually(lambda: lanes.statuses[200] > 200, 20, "requests being answered")
        assert set(lanes.statuses) == {200}


def test_metrics_that_were_never_there_hurt_nobody(make, clients):
    engine = make.engine("--models", "*", "--ttft", "0ms", "--tokens", 1)
    engine.fault(metrics="404")
    broker = make.broker(details={"m": model(engine.url, 2, metrics=True)}, clients=clients.section).start()
    assert [ask(broker, clients.fields("default")) for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("status", [429, 503])
def test_an_engine_that_is_too_busy_is_asked_for_less(make, clients, status):
    """It says so itself, for a while."""
    engine = make.engine("--models", "*", "--ttft", "20ms", "--tokens", 1)
    limit = {"adaptive": True, "initial": 16}
    entry = model(engine.url, limit)
    broker = make.broker(details={"m": entry}, clients=clients.section).start()
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.lanes("callers", 24, body, clients.fields("default"))
        eventually(lambda: callers.statuses[200] > 100, 20, "some answers")
        before = control.endpoint(engine.url)["limit"]
        engine.fault(percent=20, status=status)
        eventually(lambda: control.endpoint(engine.url)["limit"] <= before * 0.75, 10,
                   lambda: f"a lower limit than {before}: {control.endpoint(engine.url)['limit']}")
        engine.fault()


def test_the_port_of_nobody(make, clients):
    """A limit at an endpoint that is not there: refused as ever, and no slot is lost with it."""
    url = f"http://127.0.0.1:{free_port()}"
    broker = make.broker(details={"m": model(url, 1)}, clients=clients.section).start()
    assert {ask(broker, clients.fields("default")) for _ in range(3)} <= {502, 503}
    with Control(broker.run_directory) as control:
        assert control.endpoint(url)["inFlight"] == 0


def test_a_caller_that_leaves_gives_its_slot_back(make, clients):
    engine = make.engine("--models", "*", "--capacity", 0, "--ttft", "0ms", "--tokens", 1)
    broker = make.broker(details={"m": model(engine.url, 1)}, clients=clients.section).start()
    request = request_bytes("POST", "/v1/chat/completions", chat("m", max_tokens=1), clients.fields("default"))
    for count in range(1, 6):
        with Connection.to(*broker.gateway) as connection:
            connection.send(request)
            eventually(lambda: engine.service()["waiting"] == 1, 5, "it being at the engine")
        eventually(lambda: engine.service()["waiting"] == 0, 5, "it being gone")
        assert engine.report()["cancelled"] == count
    engine.capacity(None)
    assert ask(broker, clients.fields("default")) == 200
