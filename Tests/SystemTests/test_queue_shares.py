"""Groups of one level share an endpoint by their weights, in tokens, whatever their requests are like.

By default a few seconds for each; with QOS_FULL=1 ten, more changes, and the bounds as they are promised.
"""

import itertools
import os
import time

import pytest
from harness.control import Control
from harness.crowd import Crowd
from harness.groups import Clients
from harness.http1 import Connection, chat, request_bytes
from harness.stalls import measured
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
SECONDS, TOLERANCE = (10, 0.05) if FULL else (5, 0.08)
CHANGES = 8 if FULL else 2
WEIGHTS = {"bronze": 1, "silver": 2, "gold": 4}
#: Tokens of the prompts of each group: the heavier ones ask for more at a time.
PROMPTS = {"bronze": (50, 100, 150), "silver": (100, 300, 1200), "gold": (400, 800, 1200)}
ANSWER = 8
CAPACITY = 4
#: A token takes 50 microseconds.
TOKEN = ("--ttft", "0ms", "--itl", "50us", "--prefill", "50us", "--tokens", str(ANSWER))
#: What a change may take.
MOMENT = 100_000_000


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--capacity", CAPACITY, *TOKEN)


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", *WEIGHTS, "careless", "careful", "reserved", "greedy")


@pytest.fixture(scope="module")
def broker(shared, engine, clients):
    groups = {name: {"weight": weight} for name, weight in WEIGHTS.items()}
    groups |= {"careless": {}, "careful": {}, "reserved": {}, "greedy": {"weight": 3}}
    return shared.broker(details=models(engine), clients=clients.section, more={"groups": groups}).start()


def models(engine):
    endpoint = {"url": engine.url, "maxInFlight": CAPACITY}
    queue = {"length": 1000, "wait": "60s"}
    return {name: {"endpoints": [endpoint], "health": "off", "queue": queue} for name in ("m", "own")}


@pytest.fixture(autouse=True)
def fresh(engine, broker):
    """Nothing is under way, and nothing known of what was."""
    eventually(lambda: engine.service()["running"] == 0, 30, "the engine being idle")
    engine.forget_served()


def asks(sizes, model="m", **more):
    """Bodies with prompts of these sizes, in tokens, one after the other."""
    texts = ["word" * size for size in sizes]
    return lambda number: chat(model, texts[number % len(texts)], **({"max_tokens": ANSWER} | more))


def tokens(served, group: str, began: int, ended: int) -> int:
    """Of what was served to a group and began in this time."""
    return sum(entry.tokens for entry in served if entry.id.startswith(group + "-") and began <= entry.began < ended)


def busy(served, began: int, ended: int) -> float:
    """Requests under way at the engine in this time, on average."""
    return sum(max(0, min(entry.ended or ended, ended) - max(entry.began, began)) for entry in served) / (ended - began)


def saturate(crowd, clients, groups, lanes=16, **more):
    return {name: crowd.lanes(name, lanes, asks(PROMPTS[name], **more), clients.fields(name)) for name in groups}


def under_way(callers, answers: int = 10) -> None:
    eventually(lambda: all(group.statuses[200] >= answers for group in callers.values()), 20,
               lambda: f"all being served: { {name: group.statuses for name, group in callers.items()} }")


def check_shares(got: dict[str, int], tolerance: float) -> None:
    total, weights = sum(got.values()), sum(WEIGHTS[name] for name in got)
    shares = {name: count / total * weights / WEIGHTS[name] for name, count in got.items()}
    print("of what is theirs:", {name: round(share, 3) for name, share in shares.items()}, "tokens:", got)
    assert all(abs(share - 1) < tolerance for share in shares.values()), (shares, got)


@measured
def test_weights_are_shares_of_completed_tokens(engine, broker, clients):
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = saturate(crowd, clients, WEIGHTS)
        under_way(callers)
        began = time.monotonic_ns()
        time.sleep(SECONDS)
        ended = time.monotonic_ns()
        queues = control.queues("m")
        got = {name: sum(asked.tokens for asked in group.within(began, ended)) for name, group in callers.items()}
        assert all(set(group.statuses) == {200} for group in callers.values())
    check_shares(got, TOLERANCE)
    load = busy(engine.served(), began, ended)
    print(f"under way: {load:.2f} of {CAPACITY}")
    assert load > 0.8 * CAPACITY, "the engine has work all the time"
    assert engine.service()["most"] == CAPACITY, "and never more than it can do at once"
    # The same, as it is shown.
    for name, weight in WEIGHTS.items():
        assert abs(queues[name]["entitlement"] - CAPACITY * weight / 7) < 0.01, queues[name]
        assert queues[name]["waiting"] > 0 and queues[name]["limit"] == CAPACITY
        assert abs(queues[name]["share"] * 7 / weight - 1) < 0.25, queues[name]


@measured
def test_an_idle_groups_share_is_taken_and_given_back_at_once(engine, broker, clients):
    """Gold leaves and comes back; from a tenth of a second after each change, all is as it should be."""
    idle, back = dict.fromkeys(("bronze", "silver"), 0), dict.fromkeys(WEIGHTS, 0)
    loads = []
    with Crowd(broker.gateway) as crowd:
        callers = saturate(crowd, clients, WEIGHTS)
        under_way(callers)
        time.sleep(1)
        for _ in range(CHANGES):
            paused = callers["gold"].pause()
            eventually(lambda: not callers["gold"].open, 20, "gold having got all that it asked for")
            time.sleep(1)
            resumed = callers["gold"].go_on()
            time.sleep(1.2)
            served = engine.served()
            left = max(entry.began for entry in served if entry.id.startswith("gold-") and entry.began < resumed)
            for name in idle:
                idle[name] += tokens(served, name, left + MOMENT, resumed)
            for name in back:
                back[name] += tokens(served, name, resumed + MOMENT, resumed + 12 * MOMENT)
            loads.append((busy(served, paused - 10 * MOMENT, paused), busy(served, left + MOMENT, resumed),
                          busy(served, left, left + MOMENT)))
    check_shares(idle, 0.1 if FULL else 0.15)
    check_shares(back, 0.1 if FULL else 0.2)
    print("under way before, without gold, and just after it left:", [[round(load, 2) for load in each] for each in loads])
    before, without, between = (sum(load) / CHANGES for load in zip(*loads, strict=True))
    assert without > 0.93 * before and between > 0.85 * before, loads


@measured
def test_what_was_estimated_wrongly_is_put_right(engine, broker, clients):
    """Both groups weigh the same. Without max_tokens a request is taken for 256 tokens, and has 8 of these."""
    with Crowd(broker.gateway) as crowd:
        callers = {
            "careless": crowd.lanes("careless", 16, asks((200,), max_tokens=None), clients.fields("careless")),
            "careful": crowd.lanes("careful", 16, asks((200,)), clients.fields("careful"))}
        under_way(callers, 40)
        began = time.monotonic_ns()
        time.sleep(SECONDS / 2)
        got = {name: sum(asked.tokens for asked in group.within(began, time.monotonic_ns()))
               for name, group in callers.items()}
    print(got)
    assert abs(got["careless"] / got["careful"] - 1) < 0.1, got


@measured
def test_a_share_that_is_not_reclaimable_stays_free(make, engine, clients):
    """One of four: the others never have it, however many wait; its owner gets it at once."""
    groups = {name: {} for name in clients.keys} | {"reserved": {"reclaimable": False}, "greedy": {"weight": 3}}
    broker = make.broker(details=models(engine), clients=clients.section, more={"groups": groups}).start()
    with Crowd(broker.gateway) as crowd, Connection.to(*broker.gateway) as connection:
        greedy = {"greedy": crowd.lanes("greedy", 16, asks((400,), "own"), clients.fields("greedy"))}
        under_way(greedy)
        assert engine.service()["most"] <= CAPACITY - 1
        waits = []
        for number in range(20):
            sent = time.monotonic_ns()
            body = chat("own", "hello", max_tokens=ANSWER, mock_id=f"reserved-{number}")
            connection.send(request_bytes("POST", "/v1/chat/completions", body, clients.fields("reserved")))
            assert connection.response().status == 200
            entry = next(entry for entry in reversed(engine.served()) if entry.id == f"reserved-{number}")
            waits.append((entry.began - sent) / 1e6)
    print("milliseconds until its service began:", [round(wait, 1) for wait in waits])
    assert sorted(waits)[len(waits) // 2] < 10, "a request of the others takes 20"


def test_all_groups_end_at_the_same_limit(engine, broker, clients):
    """The slots are the model's and the endpoint's: no group, nor all together, has more under way."""
    with Crowd(broker.gateway) as crowd:
        callers = saturate(crowd, clients, WEIGHTS, lanes=4)
        others = crowd.lanes("greedy", 4, asks((100,), "own"), clients.fields("greedy"))
        under_way(callers | {"greedy": others})
    assert engine.service()["most"] == CAPACITY


@measured
def test_weights_change_by_a_reload(engine, broker, clients):
    """Silver becomes as heavy as gold while they wait; nobody is refused."""
    with Crowd(broker.gateway) as crowd:
        callers = saturate(crowd, clients, ("silver", "gold"))
        under_way(callers)
        broker.config["groups"]["silver"]["weight"] = 4
        broker.write_config()
        broker.reload()
        try:
            eventually(lambda: broker.ask("group", "show", "silver")["weight"] == 4, 10, "the new weight")
            began = time.monotonic_ns() + MOMENT
            time.sleep(SECONDS / 2)
            ended = time.monotonic_ns()
            got = {name: sum(asked.tokens for asked in group.within(began, ended)) for name, group in callers.items()}
            assert all(set(group.statuses) == {200} for group in callers.values())
        finally:
            broker.config["groups"]["silver"]["weight"] = WEIGHTS["silver"]
            broker.write_config()
            broker.reload()
    print(got)
    assert abs(got["silver"] / got["gold"] - 1) < 0.15, got


@measured
def test_models_do_not_take_turns_with_each_other(engine, broker, clients):
    """Two models at one endpoint: it is full for both, and neither is forgotten."""
    with Crowd(broker.gateway) as crowd:
        groups = {
            model: crowd.lanes(name, 12, asks((200,), model), clients.fields(name))
            for name, model in (("careful", "m"), ("greedy", "own"))}
        under_way(groups, 20)
        counts = {model: group.statuses[200] for model, group in groups.items()}
    assert min(counts.values()) > 0.2 * max(counts.values()), counts
    assert list(itertools.chain.from_iterable(group.statuses for group in groups.values())) == [200, 200]
