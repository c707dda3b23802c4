"""What a model's entry says at connect(): how often, how many at once, and who may at all."""

import errno
import os

import pytest
from harness import cgroups
from harness.hammering import hammer
from harness.http1 import Connection, chat
from harness.load import check_rate
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
SECONDS = 10 if FULL else 3
#: Addresses dedicated to a model, by path and family.
DIRECT4, DIRECT6, PROXIED4 = ("127.65.0.10", 8000), ("::1", 18002), ("127.64.0.10", 8000)
PRIVATE, OTHER, ANY = ("127.68.0.1", 8000), ("127.69.0.1", 8000), ("127.70.0.1", 8000)


@pytest.fixture(scope="module")
def broker(shared):
    engine = shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms")
    engine6 = shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", host="::1")
    qos = {
        "direct": {"connects": "50/s", "connectBurst": 5}, "proxied": {"connects": "50/s", "connectBurst": 5},
        "private": {}, "other": {},
    }
    rules = [
        {"name": "direct", "to": ["127.65.0.0/16:8000", "[::1]:18002"], "path": "direct", "model": "direct",
         "whenProxyDown": "refuse"},
        {"name": "proxied", "to": ["127.64.0.0/16:8000"], "path": "proxy", "model": "proxied", "whenProxyDown": "refuse"},
        {"name": "private", "to": ["127.68.0.0/16:8000"], "path": "proxy", "model": "private", "whenProxyDown": "refuse"},
        {"name": "any", "to": ["127.70.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"},
        {"name": "other", "to": ["127.69.0.0/16:8000"], "path": "proxy", "model": "other", "whenProxyDown": "refuse"},
    ]
    models = {name: [engine.url, engine6.url] for name in qos}
    broker = shared.broker(capture=rules, models=models, qos=qos)
    below = cgroups.below_mount(broker.cgroup)
    broker.config["models"]["private"]["access"] = "private"
    broker.config["clients"] = {
        "batch": {"workloads": [f"{below}/batch"], "allow": ["private", "direct"]}, "shop": {"workloads": [f"{below}/shop"]},
        "guest": {"deny": ["private"]},
    }
    broker.config["anonymous"] = "guest"
    broker.write_config()
    return broker.start()


@pytest.fixture
def restored(broker):
    """What a test sets by hand ends with it."""
    yield broker
    for name in broker.config["models"]:
        broker.cli("qos", "reset", name)


def refused(broker, model, reason) -> dict[str, int]:
    """By client."""
    found = [refusal for refusal in broker.qos(model)["refusals"] if refusal["reason"] == reason]
    return {refusal.get("name", "none"): refusal["count"] for refusal in found}


@pytest.mark.parametrize("model, dialled", [
    ("direct", DIRECT4), ("direct", DIRECT6), ("proxied", PROXIED4)], ids=["direct-ipv4", "direct-ipv6", "proxy"])
def test_connects_come_at_their_rate_and_the_others_see_eagain(broker, model, dialled):
    before = broker.qos(model)
    refused_before = refused(broker, model, "connect-rate").get("shop", 0)
    eventually(lambda: broker.qos(model)["buckets"]["connects"]["level"] == 5, 20, "the bucket being full")
    seen = hammer(broker.application_cgroup("shop"), *dialled, rate=250, seconds=SECONDS)
    assert {kind for _, kind in seen.outcomes} == {"ok", "EAGAIN"}
    times = seen.times()
    check_rate(seen.times("ok"), times, [(times[0], 50)], 5)
    after = broker.qos(model)
    bucket, former = after["buckets"]["connects"], before["buckets"]["connects"]
    assert bucket["admitted"] - former["admitted"] == seen.count("ok")
    assert bucket["refused"] - former["refused"] == seen.count("EAGAIN")
    assert after["connections"]["admitted"] - before["connections"]["admitted"] == seen.count("ok")
    assert refused(broker, model, "connect-rate")["shop"] - refused_before == seen.count("EAGAIN")
    # Events are many alike, of which some are kept: each says whom it met.
    events = eventually(lambda: broker.events(kind="limited", pid=seen.pid), 20, "the events")
    assert {(event["model"], event["client"], event["reason"], event["observed"]) for event in events} == {
        (model, "shop", "connect-rate", False)}
    assert events[0]["address"] == (f"[{dialled[0]}]" if ":" in dialled[0] else dialled[0]) + f":{dialled[1]}"
    assert events[0]["workload"] == cgroups.below_mount(broker.application_cgroup("shop"))
    eventually(lambda: broker.qos(model)["connections"]["open"] == 0, 20, "all places being given back")


def test_a_rate_set_by_hand_holds_for_the_next_connect(restored, make):
    caller = make.caller(restored.application_cgroup("shop"))
    for rate, code in [("0/s", errno.EAGAIN), ("1000/s", 0), ("0/s", errno.EAGAIN), ("none", 0)] * 3:
        restored.set("direct", connects=rate)
        with caller.dial(*DIRECT4) as call:
            assert call.errno == code, rate


def test_observing_lets_all_connects_pass_and_says_so(restored):
    restored.set("direct", connects="1/h", connect_burst=3, mode="observe")
    before = restored.qos("direct")["buckets"]["connects"]
    # Of a client's events that are alike only some are kept in a second: this one had none yet.
    seen = hammer(restored.application_cgroup("batch"), *DIRECT4, rate=100, seconds=0.3, least=20)
    assert seen.count("ok") == len(seen.outcomes) > 5
    bucket = restored.qos("direct")["buckets"]["connects"]
    assert bucket["refused"] == before["refused"]
    admitted, observed = (bucket[key] - before[key] for key in ("admitted", "observed"))
    assert admitted + observed == len(seen.outcomes) and admitted <= 3
    events = eventually(lambda: restored.events(kind="limited", pid=seen.pid), 20, "the events")
    assert all(event["observed"] and event["reason"] == "connect-rate" for event in events)


@pytest.mark.parametrize("model, dialled", [("direct", DIRECT4), ("proxied", PROXIED4)])
def test_so_many_connections_are_open_at_once_and_no_more(restored, make, model, dialled):
    restored.set(model, connections=4, connects="none")
    caller = make.caller(restored.application_cgroup("shop"))
    calls = [caller.dial(*dialled) for _ in range(6)]
    try:
        assert [call.errno for call in calls] == [0] * 4 + [errno.EAGAIN] * 2
        assert restored.qos(model)["connections"]["open"] == 4
        assert refused(restored, model, "connections")["shop"] >= 2
        calls[0].socket.close()
        with eventually(lambda: _connected(caller, dialled), 20, "a place being given back"):
            assert caller.dial(*dialled).errno == errno.EAGAIN
        restored.set(model, connections=0)
        assert caller.dial(*dialled).errno == errno.EAGAIN, "none at all"
    finally:
        for call in calls:
            if call.socket:
                call.socket.close()
    eventually(lambda: restored.qos(model)["connections"]["open"] == 0, 20, "all places being given back")


def _connected(caller, dialled):
    call = caller.dial(*dialled)
    return call if call.errno == 0 else None


def test_a_private_model_is_for_those_who_are_allowed(broker, make):
    """At connect where the address is the model's own, at layer 7 everywhere else."""
    shop, batch = (make.caller(broker.application_cgroup(name)) for name in ("shop", "batch"))
    with shop.dial(*PRIVATE) as call:
        assert call.errno == errno.ECONNREFUSED
    with batch.dial(*PRIVATE) as call:
        assert _ask(call.socket, "private").status == 200
    event = eventually(lambda: broker.events(kind="limited", pid=shop.pid), 20, "the event")[0]
    assert (event["model"], event["client"], event["reason"]) == ("private", "shop", "access")
    assert refused(broker, "private", "access") == {"shop": 1}
    # A client with a list is held to it, a client without one may call what is public.
    with batch.dial(*OTHER) as call:
        assert call.errno == errno.ECONNREFUSED
    with shop.dial(*ANY) as call:
        assert _ask(call.socket, "other").status == 200
        answer = _ask(call.socket, "private")
        assert answer.status == 403
        assert (answer.error["type"], answer.error["code"]) == ("permission_error", "model_not_allowed")
    with Connection.to(*broker.gateway) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("private")).status == 403
        listed = {model["id"] for model in connection.request("GET", "/v1/models").json["data"]}
        assert "other" in listed and "private" not in listed


def _ask(connection, model):
    return Connection(connection).request("POST", "/v1/chat/completions", chat(model))
