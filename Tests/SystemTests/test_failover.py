"""Engines die, hang, fail and come back under load; callers notice only what nobody could spare them."""

import asyncio
import json
import statistics
import time

import pytest
from harness.http1 import Connection, chat
from harness.stalls import Stalls, undisturbed
from harness.traffic import Client, offer
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")


@pytest.fixture
def engines(make):
    return [make.engine("--name", name, "--ttft", "5ms", "--itl", "20ms", "--tokens", "20") for name in "abc"]


def pool_of(engines, **policy):
    endpoints = [{"url": engine.url, "health": {"path": "/health", "period": "500ms", "timeout": "500ms"}} for engine in engines]
    policy = {"strategy": "round-robin", "retry": {"firstByteTimeout": "1s", "budget": "20%"},
              "breaker": {"failures": 3, "cooldown": "1s"}} | policy
    return {"details": {"x": {"endpoints": endpoints}}, "pools": {"m": {"models": ["x"]} | policy}}


def route(broker, name="m"):
    return broker.ask("pool", "show", name)["counters"]


def test_nothing_fails_that_had_not_begun(make, engines):
    """50 streams and 500 requests a second against three engines: one is killed and returns, then one hangs, then one fails
    at 30 %. Not at once: with nothing else left, 30 % of failures would need more retries than the budget has."""
    broker = make.broker(**pool_of(engines), node={"timeouts": {"connect": "500ms"}}).start()
    port, log = engines[0].port, engines[0].process.log

    async def trouble():
        await asyncio.sleep(1)
        killing = time.monotonic()
        engines[0].process.kill()
        killed = time.monotonic()
        await asyncio.sleep(2)
        engines[0] = make.engine("--name", "a", "--ttft", "5ms", "--itl", "20ms", "--tokens", "20", port=port)
        returned = time.monotonic()
        await asyncio.sleep(3)
        engines[1].fault(hang=1)
        await asyncio.sleep(3)
        engines[1].fault()
        await asyncio.sleep(4)
        engines[2].fault(percent=30, status=500)
        await asyncio.sleep(3)
        engines[2].fault()
        return killing, killed, returned

    async def run():
        client = Client(*broker.gateway)
        load = asyncio.create_task(offer(client, "m", 18, rate=500, streams=50, tokens=20, least=501))
        times = await trouble()
        return times, await load

    (killing, killed, returned), (requests, streams) = asyncio.run(run())
    assert len(requests) > 5000 and len(streams) > 500
    failed = [outcome for outcome in requests if not outcome.succeeded]
    broken = [outcome for outcome in failed if outcome.broke]
    assert failed == broken, f"{len(failed) - len(broken)} requests failed before their first byte: {(failed + [None])[0]}"
    assert all(o.engine == "a" and o.began <= killed and killing <= o.ended for o in broken)
    failed = [outcome for outcome in streams if not outcome.succeeded]
    for outcome in failed:
        assert outcome.broke and outcome.engine == "a", outcome
        assert outcome.began <= killed and killing <= outcome.ended, "a stream broke whose engine had not died"
        assert outcome.error and outcome.error["code"], "a broken stream says so"
        assert b"[DONE]" not in outcome.body
    again = [o for o in requests + streams if o.engine == "a" and o.began > returned]
    assert again and min(o.began for o in again) < returned + 3, "the engine that came back is used within its cooldown"
    numbers = route(broker)
    assert numbers["retries"] + numbers["hedges"] <= 0.2 * numbers["requests"] + 10, numbers
    eventually(lambda: sum(endpoint["inFlight"] for endpoint in broker.ask("endpoint", "list")) == 0, what="nothing being in flight")


def test_the_first_request_after_an_idle_engine_died(make):
    """The kept-alive connection is dead and nobody has noticed: the request succeeds elsewhere."""
    engines = [make.engine("--name", name, *FAST) for name in "ab"]
    broker = make.broker(**pool_of(engines, strategy="priority")).start()
    with Connection.to(*broker.gateway) as connection:
        for _ in range(20):
            assert connection.request("POST", "/v1/chat/completions", chat("m")).header("x-engine") == "a"
        engines[0].process.kill()
        answer = connection.request("POST", "/v1/chat/completions", chat("m"))
        assert (answer.status, answer.header("x-engine")) == (200, "b")


def test_a_restarted_engine_is_preferred_again(make):
    engines = [make.engine("--name", name, *FAST) for name in "ab"]
    broker = make.broker(**pool_of(engines, strategy="priority")).start()
    port = engines[0].port
    engines[0].process.kill()
    with Connection.to(*broker.gateway) as connection:
        def engine():
            return connection.request("POST", "/v1/chat/completions", chat("m")).header("x-engine")

        assert engine() == "b"
        make.engine("--name", "a", *FAST, port=port)
        eventually(lambda: engine() == "a", 20, "the preferred engine being used again", 0.05)


def test_nothing_usable_is_said_at_once(make):
    engines = [make.engine("--name", name, *FAST) for name in "ab"]
    broker = make.broker(**pool_of(engines)).start()
    with Connection.to(*broker.gateway) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m")).status == 200
        for engine in engines:
            engine.process.kill()
        eventually(lambda: all(e["state"] == "standby" for e in broker.ask("endpoint", "list")), 20, "all being on standby")

        def said_at_once():
            began = time.monotonic()
            answer = connection.request("POST", "/v1/chat/completions", chat("m"))
            took = time.monotonic() - began
            assert answer.status == 503 and answer.error["code"] == "no_endpoint_available"
            assert 1 <= int(answer.header("retry-after")) <= 120
            assert took < 0.05, f"took {took * 1000:.1f} ms"

        undisturbed(said_at_once, 0.01, attempts=8)


def test_statuses_are_tried_elsewhere(make):
    bad = make.engine("--name", "bad", *FAST, "--fail-status", "503")
    good = make.engine("--name", "good", *FAST)
    broker = make.broker(**pool_of([bad, good], strategy="priority")).start()
    with Connection.to(*broker.gateway) as connection:
        for _ in range(10):
            answer = connection.request("POST", "/v1/chat/completions", chat("m"))
            assert (answer.status, answer.header("x-engine")) == (200, "good")
    records = {endpoint["url"]: endpoint for endpoint in broker.ask("endpoint", "list")}
    assert records[bad.url]["breaker"] == "open" and records[bad.url]["failures"] == 3


def test_the_last_answer_is_passed_on(make):
    """When nothing is left to try, the caller gets what the engine said, not something made up."""
    bad = make.engine("--name", "bad", *FAST, "--fail-status", "500")
    broker = make.broker(**pool_of([bad])).start()
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("m"))
    assert answer.status == 500 and "as told" in answer.error["message"]


def test_a_400_is_the_callers_own(make):
    engines = [make.engine("--name", name, *FAST, "--fail-status", "400") for name in "ab"]
    broker = make.broker(**pool_of(engines)).start()
    with Connection.to(*broker.gateway) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m")).status == 400
    assert sum(engine.report()["count"] for engine in engines) == 1
    assert {endpoint["state"] for endpoint in broker.ask("endpoint", "list")} == {"active"}


def test_a_slow_first_byte_is_hedged(make):
    slow = make.engine("--name", "slow", *FAST)
    fast = make.engine("--name", "fast", *FAST)
    policy = {"strategy": "priority", "retry": {"hedge": True, "budget": "50%"}}
    broker = make.broker(**pool_of([slow, fast], **policy), node={"workers": 1}).start()
    with Connection.to(*broker.gateway) as connection:
        def ask():
            began = time.monotonic()
            answer = connection.request("POST", "/v1/chat/completions", chat("m"))
            return answer.header("x-engine"), time.monotonic() - began

        def nobody_is_raced():
            assert {ask()[0] for _ in range(100)} == {"slow"}

        undisturbed(nobody_is_raced, 0.003, attempts=8)
        before, cancelled = route(broker), slow.report()["cancelled"]
        slow.fault(ttft="5s")
        with Stalls() as stalls:
            engine, took = ask()
    assert engine == "fast" and took - stalls.largest < 1.5, took
    numbers = route(broker)
    assert numbers["hedges"] > before["hedges"] and numbers["hedgesWon"] > before["hedgesWon"]
    eventually(lambda: slow.report()["cancelled"] > cancelled, what="the slow engine being told that nobody waits")


def test_a_mirror_never_slows_the_original(make):
    engine, shadow = make.engine("--name", "real", *FAST), make.engine("--name", "shadow", *FAST, "--hang")
    configured = pool_of([engine], mirror={"model": "next", "percent": "100%"})
    configured["details"]["next"] = {"endpoints": [shadow.url]}
    broker = make.broker(**configured).start()
    with Stalls() as stalls, Connection.to(*broker.gateway) as connection:
        times = []
        for _ in range(50):
            began = time.monotonic()
            assert connection.request("POST", "/v1/chat/completions", chat("m")).header("x-engine") == "real"
            times.append(time.monotonic() - began)
    assert statistics.median(times) < 0.1 and max(times) - stalls.largest < 0.5, sorted(times)
    eventually(lambda: shadow.report()["count"] >= 50, 20, "the copies having arrived")
    assert {r["body_bytes"] for r in shadow.requests()} == {len(json.dumps(chat("next")))}
    assert route(broker)["mirrored"] >= 50
