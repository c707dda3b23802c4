"""Fallback to a server behind https: only when nothing else is left, verified, with a key that the caller never sees."""

import pytest
from harness.http1 import Connection, chat
from harness.tls import Authority, SecureEngine
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")


@pytest.fixture(scope="module")
def authority(module_directory):
    return Authority(module_directory / "ca")


@pytest.fixture(scope="module")
def cloud(authority, stack):
    engine = SecureEngine(*authority.issue("cloud", "DNS:localhost,IP:127.0.0.1"))
    stack.callback(engine.close)
    return engine


@pytest.fixture
def key(module_directory):
    file = module_directory / "cloud.key"
    file.write_text("sk-secret-of-the-broker\n")
    return file


def details(local, cloud, authority, key, **more):
    far = {"url": f"https://localhost:{cloud.port}", "tls": {"ca": str(authority.certificate)}, "upstreamModel": "far/model",
           "key": "${file:%s}" % key} | more
    return {"m": {"endpoints": [local] if local else [far], "fallback": [far] if local else [],
                  "breaker": {"failures": 1, "cooldown": "1s"}}}


def ask(broker, fields=None, **more):
    with Connection.to(*broker.gateway) as connection:
        return connection.request("POST", "/v1/chat/completions", chat("m", **more), fields)


def test_the_cloud_is_the_last_resort(make, cloud, authority, key):
    local = make.engine("--name", "local", *FAST)
    broker = make.broker(details=details(local.url, cloud, authority, key)).start()
    cloud.requests.clear()
    for _ in range(5):
        assert ask(broker).header("x-engine") == "local"
    assert cloud.requests == []
    port = local.port
    local.process.kill()
    answer = ask(broker, {"Authorization": "Bearer of-the-caller", "x-api-key": "also"})
    assert answer.status == 200 and answer.json["model"] == "m"
    request = cloud.requests[-1]
    assert request["body"]["model"] == "far/model"
    assert request["fields"]["Authorization"] == "Bearer sk-secret-of-the-broker"
    assert "of-the-caller" not in str(request["fields"]) and "x-api-key" not in {k.lower() for k in request["fields"]}
    stream = ask(broker, stream=True).body.split(b"\n\n")
    assert stream[-2] == b"data: [DONE]" and all(b'"model":"m"' in event for event in stream[:5])
    assert [e["fallbacks"] for e in broker.ask("endpoint", "list") if e["url"].startswith("https")][0] >= 2
    make.engine("--name", "local", *FAST, port=port)
    eventually(lambda: ask(broker).header("x-engine") == "local", 20, "the local engine being used again", 0.1)


def test_connections_are_kept_and_sessions_resumed(make, cloud, authority, key):
    models = details(None, cloud, authority, key)
    # The agent's checks have connections of their own.
    models["m"]["health"] = "off"
    broker = make.broker(details=models, node={"workers": 1, "timeouts": {"upstreamIdle": "2s"}}).start()
    before = cloud.handshakes
    for _ in range(10):
        assert ask(broker).status == 200
    assert cloud.handshakes == before + 1
    eventually(lambda: ask(broker).status == 200 and cloud.resumed >= 1, 30, "a session being resumed", 4)


@pytest.mark.parametrize(("names", "trust", "reason"), [
    ("DNS:other.example", True, "not for localhost"), ("DNS:localhost", False, "certificate")])
def test_who_cannot_prove_itself_gets_nothing(make, stack, authority, module_directory, key, names, trust, reason):
    other = authority if trust else Authority(module_directory / "other", "nobody's authority")
    engine = SecureEngine(*other.issue("imposter", names))
    stack.callback(engine.close)
    broker = make.broker(details=details(None, engine, authority, key)).start()
    answer = ask(broker)
    assert answer.status in (502, 503), answer.body
    assert engine.requests == []
    events = eventually(lambda: broker.events(kind="endpoint-failed"), 20, "the event")
    assert any(reason in event["detail"].lower() for event in events), events


def test_a_key_that_is_refused_takes_the_provider_out(make, cloud, authority, module_directory):
    wrong = module_directory / "wrong.key"
    wrong.write_text("wrong")
    local = make.engine("--name", "local", *FAST)
    configured = details(None, cloud, authority, wrong, provider="acme")
    configured["m"]["endpoints"].append(local.url)
    configured["n"] = {"endpoints": [configured["m"]["endpoints"][0]]}
    broker = make.broker(details=configured).start()
    ask(broker)
    assert ask(broker).header("x-engine") == "local"
    states = {(e["model"], e["url"]): e["reason"] for e in broker.ask("endpoint", "list") if e["url"].startswith("https")}
    assert set(states.values()) == {"authentication"} and len(states) == 2, states


def test_the_key_is_shown_nowhere(make, cloud, authority, key):
    broker = make.broker(details=details(None, cloud, authority, key)).start()
    ask(broker)
    shown = "".join(broker.cli(*command, "-j").stdout for command in (
        ["endpoint", "list"], ["model", "show", "m"], ["pool", "list"], ["explain", "--model", "m"], ["events", "--last", "100"]))
    assert "sk-secret" not in shown + broker.agent.output()
