"""Who is served first when not all can be: levels of priority, batch behind them, and nobody left out for good.

By default a few seconds for each; with QOS_FULL=1 as long as it takes to speak of one in a hundred.
"""

import os
import time

import pytest
from harness.control import Control
from harness.crowd import Crowd
from harness.groups import Clients
from harness.held import Held
from harness.http1 import chat
from harness.sockets import marks_seen
from harness.stalls import measured
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
SECONDS = 30 if FULL else 5
CAPACITY = 4
#: Seconds that a request takes; four at once are 80 a second.
SERVICE = 0.05
RATE = CAPACITY / SERVICE
AGEING = 0.5
GROUPS = {
    "critical": {"priority": 10}, "urgent": {"priority": 5}, "default": {"weight": 1}, "late": {"priority": -5},
    "batch": {"delivery": "batch"}, "flood": {"delivery": "batch", "queue": {"length": 100, "wait": "10s", "ageing": "60s"}},
    "newest": {"queue": {"order": "lifo-under-overload", "wait": "2s"}},
}


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--capacity", CAPACITY, "--ttft", f"{SERVICE * 1000:.0f}ms", "--tokens", 1)


@pytest.fixture(scope="module")
def quick(shared):
    return shared.engine("--models", "*", "--ttft", "2ms", "--itl", "0ms", "--tokens", 1)


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", *GROUPS)


@pytest.fixture(scope="module")
def broker(shared, engine, quick, clients):
    def model(engine, limit, **queue):
        return {"endpoints": [{"url": engine.url, "maxInFlight": limit}], "health": "off",
                "queue": {"length": 200, "wait": "30s", "ageing": "60s"} | queue}

    models = {
        "m": model(engine, CAPACITY), "aged": model(engine, CAPACITY, ageing=f"{AGEING * 1000:.0f}ms"), "one": model(quick, 1)}
    return shared.broker(details=models, clients=clients.section, more={"groups": GROUPS}).start()


@pytest.fixture(autouse=True)
def fresh(engine, quick):
    for each in (engine, quick):
        eventually(lambda each=each: each.service()["running"] == 0, 30, "the engine being idle")
        each.forget_served()
    yield
    quick.capacity(None)


def asks(model):
    return lambda number: chat(model, "hello", max_tokens=1)


def queueing(served, callers) -> list[float]:
    """Seconds from when a caller sent its request until the engine began with it, in order of size."""
    sent = {asked.id: asked.sent for asked in callers.results if asked.status == 200}
    return sorted((entry.began - sent[entry.id]) / 1e9 for entry in served if entry.id in sent)


def quantile(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(part * len(values)))]


def busy(served, began: int, ended: int) -> float:
    return sum(max(0, min(entry.ended or ended, ended) - max(entry.began, began)) for entry in served) / (ended - began)


@measured
def test_the_critical_wait_less_than_a_service_time_while_batch_floods(engine, broker, clients):
    """A fifth of what the engine can do against ten times as much; the flood gets all that is left."""
    with Crowd(broker.gateway) as crowd:
        flood = crowd.offer("flood", 10 * RATE, asks("m"), clients.fields("flood"))
        eventually(lambda: flood.statuses[429] > 10, 20, lambda: f"the queue being full: {flood.statuses}")
        critical = crowd.offer("critical", RATE / 5, asks("m"), clients.fields("critical"))
        began = time.monotonic_ns()
        time.sleep(SECONDS)
        ended = time.monotonic_ns()
        offered = len(flood.within(began, ended)) / SECONDS
        critical.pause()
        flood.pause()
        eventually(lambda: not critical.open, 20, "the last of the critical being answered")
        served = engine.served()
    assert set(critical.statuses) == {200} and set(flood.statuses) <= {200, 429}, (critical.statuses, flood.statuses)
    waits, load = queueing(served, critical), busy(served, began, ended)
    batch = sum(entry.id.startswith("flood-") and began <= entry.began < ended for entry in served)
    print(f"{len(waits)} critical waited {quantile(waits, 0.5) * 1000:.1f} ms, 99 of 100 at most "
          f"{quantile(waits, 0.99) * 1000:.1f} ms; {offered:.0f} a second flooded; {batch / SECONDS:.1f} of {RATE:.0f} a "
          f"second are theirs; {load:.2f} of {CAPACITY} under way")
    assert offered > 4 * RATE, "the callers did not flood"
    assert quantile(waits, 0.99) < 1.2 * SERVICE, waits[-10:]
    assert load > 0.9 * CAPACITY and batch > 0.65 * RATE * SECONDS
    refused = next(asked for asked in flood.results if asked.status == 429)
    assert refused.code == "queue_full" and 1 <= int(refused.header("retry-after")) <= 120


@measured
def test_nothing_starves_beyond_its_bound(engine, broker, clients):
    """Those of the highest level ask for more than there is, all the time."""
    with Crowd(broker.gateway) as crowd:
        critical = crowd.lanes("critical", 24, asks("aged"), clients.fields("critical"))
        eventually(lambda: critical.statuses[200] > 20, 20, "the critical being served")
        batch = crowd.lanes("batch", 8, asks("aged"), clients.fields("batch"))
        began = time.monotonic_ns()
        time.sleep(SECONDS)
        ended = time.monotonic_ns()
        served = [entry for entry in engine.served() if began <= entry.began < ended]
    times = [began, *(entry.began for entry in served if entry.id.startswith("batch-")), ended]
    gaps = [(later - earlier) / 1e9 for earlier, later in zip(times, times[1:], strict=False)]
    part = (len(times) - 2) / len(served)
    print(f"batch got something each {sum(gaps) / len(gaps):.3f} s, at most {max(gaps):.3f} s apart, and {part:.3f} of all")
    assert max(gaps) < AGEING + 3 * SERVICE
    assert part < 0.3, "ageing is a bound, no turn of the order"
    assert set(critical.statuses) == set(batch.statuses) == {200}


def test_levels_come_in_their_order(quick, broker, clients):
    """They arrive in the opposite one; within a level who came first is first."""
    names = ["batch", "late", "default", "urgent", "critical"]
    with Held(broker, quick, clients.fields("critical"), model="one") as held:
        for number in range(3):
            for name in names:
                held.send(f"{name}-{number}", clients.fields(name))
        held.release()
        assert held.order(15) == [f"{name}-{number}" for name in reversed(names) for number in range(3)]


def test_a_caller_may_lower_its_request_and_not_raise_it(quick, broker, clients):
    with Held(broker, quick, clients.fields("critical"), model="one") as held:
        held.send("lowered", clients.fields("critical", x_modelbroker_delivery="batch"))
        held.send("default", clients.fields("default"))
        held.send("raised", clients.fields("batch", x_modelbroker_delivery="interactive", x_modelbroker_priority="100"))
        held.send("critical", clients.fields("critical"))
        held.release()
        order = held.order(4)
    assert order[:2] == ["critical", "default"] and set(order[2:]) == {"lowered", "raised"}


@measured
def test_the_last_first_when_the_oldest_waits_too_long(quick, broker, clients):
    """As long as it does not, the order is that of arrival."""
    fields = clients.fields("newest")
    with Held(broker, quick, fields, model="one") as held:
        for number in range(4):
            held.send(f"early-{number}", fields)
        held.release()
        assert held.order(4) == [f"early-{number}" for number in range(4)]
    quick.forget_served()
    with Held(broker, quick, clients.fields("default"), model="one") as held:
        for number in range(4):
            held.send(f"late-{number}", fields)
        held.eventually(lambda: held.control.queues("one")["newest"]["oldestMilliseconds"] > 1100, "the oldest being old")
        held.release()
        assert held.order(4) == [f"late-{number}" for number in (3, 2, 1, 0)]


@pytest.mark.parametrize("group, priority", [("critical", 6), ("default", 0), ("late", 1), ("batch", 1)])
def test_the_kernel_knows_the_priority(quick, broker, clients, group, priority):
    """On both legs, while the request is under way."""
    with Held(broker, quick, clients.fields(group), model="one") as held:
        local = held.connections["holder-0"].socket.getsockname()[1]
        upstream = int(quick.last()["peer"].rsplit(":", 1)[1])
        held.eventually(lambda: marks_seen(broker.gateway[1], local).priority == priority, "the caller's leg having it", 5)
        assert marks_seen(upstream, quick.port).priority == priority


def test_waiting_times_are_shown(quick, broker, clients):
    """What `group show` says of those that had to wait."""
    with Held(broker, quick, clients.fields("urgent"), model="one") as held:
        held.send("urgent-0", clients.fields("urgent"))
        held.eventually(lambda: held.control.queues("one")["urgent"]["oldestMilliseconds"] > 300, "it having waited")
        held.release()
        held.order(1)
    with Control(broker.run_directory) as control:
        queue = eventually(lambda: (queue := control.queues("one")["urgent"])["waiting"] == 0 and queue, 5, "it being served")
    assert queue["waitP50Milliseconds"] <= queue["waitP99Milliseconds"] and queue["waitP99Milliseconds"] >= 300
    assert queue["granted"] >= 1 and queue["immediate"] >= 1
