"""Endpoints that are drained, in maintenance, unwell, or discovered: what the CLI says and what requests do."""

import datetime

import pytest
from harness.http1 import Connection, chat
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")


@pytest.fixture
def engines(make):
    return [make.engine("--name", name, "--models", f"m,{name}-own", *FAST) for name in "ab"]


def details(engines, **more):
    health = {"path": "/health", "period": "300ms", "timeout": "2s"}
    endpoints = [{"url": engine.url, "health": health} | more for engine in engines]
    return {"m": {"endpoints": endpoints, "strategy": "priority"}}


def engine_of(broker, model="m"):
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat(model))
        return answer.header("x-engine") if answer.status == 200 else answer.status


def states(broker):
    return {endpoint["url"]: (endpoint["state"], endpoint.get("reason")) for endpoint in broker.ask("endpoint", "list")}


def test_drain_and_enable(make, engines):
    broker = make.broker(details=details(engines)).start()
    a, b = (engine.url for engine in engines)
    assert engine_of(broker) == "a"
    broker.cli("endpoint", "drain", a)
    assert engine_of(broker) == "b" and states(broker)[a] == ("standby", "drained")
    broker.kill_agent()
    assert engine_of(broker) == "b"
    broker.start()
    assert engine_of(broker) == "b" and states(broker)[a] == ("standby", "drained"), "a drain survives the agent"
    broker.cli("endpoint", "enable", a)
    assert engine_of(broker) == "a" and states(broker)[a][0] == "active"
    assert [(line["action"], line["url"], line["uid"]) for line in broker.audit()] == [
        ("endpoint-drain", a, 0), ("endpoint-enable", a, 0)]
    assert broker.events(kind="endpoint-enabled")[0]["detail"] == f"by uid 0: {a}: m"
    refused = broker.cli("endpoint", "drain", "http://127.0.0.1:1", check=False)
    assert refused.returncode == 1 and "http://127.0.0.1:1" in refused.stderr


def test_rotate(make, engines):
    broker = make.broker(details=details(engines), pools={"p": {"models": ["m"]}}).start()
    assert engine_of(broker, "p") == "a"
    said = broker.cli("pool", "rotate", "p").stdout
    assert engines[1].url in said
    assert engine_of(broker, "p") == "b"
    change = {"endpoint": {"before": engines[0].url, "after": engines[1].url}}
    assert [(line["action"], line["name"], line["changes"]) for line in broker.audit()] == [("pool-rotate", "p", change)]
    assert broker.events(kind="rotated")[0]["detail"] == f"by uid 0: {engines[0].url} -> {engines[1].url}"
    left = next(endpoint for endpoint in broker.ask("endpoint", "list") if endpoint["url"] == engines[0].url)
    assert (left["state"], left["reason"]) == ("standby", "rotated") and left["remainingMilliseconds"] > 500_000
    broker.cli("pool", "rotate", "p")
    assert engine_of(broker, "p") == "a", "the other one left, too, there is nowhere else to go"


def test_a_probe_finds_what_requests_did_not(make, engines):
    broker = make.broker(details=details(engines)).start()
    a = engines[0].url
    engines[0].process.signal(19)
    try:
        eventually(lambda: states(broker)[a] == ("standby", "probe"), 20, "the stopped engine being found", 0.1)
        assert engine_of(broker) == "b"
    finally:
        engines[0].process.signal(18)
    eventually(lambda: states(broker)[a][0] == "active", 20, "the engine being well again", 0.1)
    assert broker.events(kind="endpoint-down") and broker.events(kind="endpoint-up")


def test_maintenance(make, engines):
    configured = details(engines)
    configured["m"]["endpoints"][0]["maintenance"] = [{"cron": "* * * * *", "for": "1m"}]
    broker = make.broker(details=configured).start()
    a = engines[0].url
    eventually(lambda: states(broker)[a] == ("standby", "maintenance"), 20, "the window being in force", 0.1)
    assert engine_of(broker) == "b"
    far = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)).hour
    broker.config["models"]["m"]["endpoints"][0]["maintenance"] = [{"cron": f"0 {far} * * *", "for": "1m"}]
    broker.write_config()
    broker.reload()
    eventually(lambda: states(broker)[a][0] == "active", 20, "the window being over", 0.1)


def test_discovery(make, engines):
    configured = details(engines[:1], discover={"period": "1s", "onNew": "register"})
    configured["other"] = {"endpoints": [{"url": engines[1].url, "discover": {"period": "1s", "onNew": "notify"}}]}
    broker = make.broker(details=configured).start()
    eventually(lambda: engine_of(broker, "a-own") == "a", 20, "the discovered model being callable", 0.2)
    eventually(lambda: broker.events(kind="model-found", model="b-own"), 20, "the event", 0.2)
    assert engine_of(broker, "b-own") == 404
    broker.reload()
    assert engine_of(broker, "a-own") == "a"


def test_a_name_of_several_addresses(make):
    """localhost is 127.0.0.1 and ::1; the engine listens on the first only."""
    engine = make.engine("--name", "a", *FAST)
    broker = make.broker(details={"m": {"endpoints": [f"http://localhost:{engine.port}"]}}).start()
    addresses = {endpoint["address"] for endpoint in broker.ask("endpoint", "list")}
    assert f"127.0.0.1:{engine.port}" in addresses
    for _ in range(5):
        assert engine_of(broker) == "a"


def test_capabilities(make, engines):
    configured = details(engines)
    configured["m"]["capabilities"] = ["chat-completion"]
    broker = make.broker(details=configured).start()
    found = broker.ask("capability", "search", "chat")
    assert any("chat-completion" in entry["path"] and "m" in entry["models"] for entry in found), found
    assert "generation.text-generation.chat-completion" in broker.cli("capability", "list").stdout


@pytest.mark.parametrize(("change", "line"), [
    ({"pools": {"p": {"models": ["none"]}}}, "pools.p.models"),
    ({"pools": {"p": {"models": ["q"]}, "q": {"models": ["p"]}}}, "pools."),
    ({"pools": {"p": {"models": {"m": 0}}}}, "pools.p.models"),
    ({"pools": {"p": {"capability": "nothing"}}}, "pools.p.capability"),
    ({"pools": {"m": {"models": ["m"]}}}, "pools.m"),
])
def test_bad_pools_are_refused(make, engines, change, line):
    broker = make.broker(details=details(engines))
    broker.config |= change
    broker.write_config()
    result = broker.cli("config", "check", str(broker.config_file), check=False)
    assert result.returncode == 1 and line in result.stderr + result.stdout and "line " in result.stderr + result.stdout


def test_a_bad_window_is_refused(make, engines):
    broker = make.broker(details=details(engines, maintenance=[{"cron": "61 * * * *", "for": "1m"}]))
    result = broker.cli("config", "check", str(broker.config_file), check=False)
    assert result.returncode == 1 and "cron" in result.stderr + result.stdout
