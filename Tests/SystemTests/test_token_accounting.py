"""What the broker counts is what the engines bill, to the token, whatever the requests and however they end."""

import asyncio
import json
import os
import socket
import time

import pytest
from harness.credentials import new_key
from harness.http1 import Connection, chat, request_bytes
from harness.mixed import KINDS, mixed, with_known_prompt
from harness.waiting import eventually

REQUESTS = int(os.environ.get("TOKENS_REQUESTS", "10000"))
CONCURRENCY = 32
SEED = int(os.environ.get("TOKENS_SEED", "6"))
MANY = 10**12


def billed(*engines) -> tuple[int, int]:
    """Tokens of prompts and of answers that the engines charge for, of all models."""
    accounts = [account for engine in engines for account in engine.usage().values()]
    return sum(account["prompt_tokens"] for account in accounts), sum(account["completion_tokens"] for account in accounts)


@pytest.fixture
def key(module_directory):
    return new_key(module_directory / "keys", "caller")


def quotas():
    return {"day": {"tokens": MANY, "requests": MANY}, "month": {"tokens": MANY}}


def counted(broker) -> tuple[int, int]:
    activity = broker.ask("client", "show", "caller")["activity"]
    return activity["inputTokens"], activity["outputTokens"]


def equal(broker, *engines) -> bool:
    # By the month: most days have a midnight, and this may run at that time.
    return broker.used("caller", "tokens", "month") == sum(billed(*engines))


def test_ten_thousand_mixed_requests(make, key):
    """32 callers; engines that write a token each millisecond; one of them fails at every fourth request."""
    speed = ("--models", "*", "--ttft", "1ms", "--itl", "1ms", "--tokens", "24")
    one, two = make.engine("--name", "one", *speed), make.engine("--name", "two", *speed)
    down = make.engine("--name", "down", *speed, "--fail-status", "500")
    engines = (one, two, down)
    half = make.engine("--name", "half", *speed, "--fail-status", "500", "--fail-every", "4")
    calm = {"breaker": {"failures": 1000, "errorRate": "0%"}, "health": "off"}
    details = {
        "m": {"endpoints": [{"url": one.url}, {"url": two.url}], "strategy": "round-robin"} | calm,
        "retried": {"endpoints": [{"url": half.url}, {"url": one.url}], "strategy": "round-robin",
                    "retry": {"attempts": 3, "budget": "100%", "backoff": "1ms"}} | calm,
        "failing": {"endpoints": [{"url": down.url}], "retry": "off"} | calm,
    }
    broker = make.broker(details=details, clients={"caller": {"keys": [key.reference], "quotas": quotas()}}).start()
    began, today = time.monotonic(), time.gmtime().tm_yday
    models = {"": "m", "retried": "retried", "failing": "failing"}
    seen = asyncio.run(mixed(broker.gateway, key.bearer, models, REQUESTS, CONCURRENCY, SEED))
    took = time.monotonic() - began
    assert not seen.faults, (len(seen.faults), seen.faults[:5])
    assert sum(seen.kinds.values()) >= REQUESTS * 0.95 and set(seen.kinds) == set(KINDS) - {"left-at-once"}
    assert seen.statuses["failing", 500] == seen.kinds["failing"] and seen.statuses["retried", 200] == seen.kinds["retried"]
    assert seen.told > 0 and took < 400, f"{took:.0f} s"
    engines = (*engines, half)
    eventually(
        lambda: equal(broker, *engines), 15,
        lambda: f"the quota ({broker.used('caller', 'tokens', 'month')}) being the bill ({sum(billed(*engines))})", 0.1)
    aborted = sum(account["aborted"] for engine in engines for account in engine.usage().values())
    assert aborted > REQUESTS * 0.05, "too few streams were left in the middle to say anything"
    assert "failing" not in down.usage(), "what was refused is not billed"
    assert half.usage()["retried"]["answers"] > 0
    assert broker.used("caller", "tokens") == sum(billed(*engines)) or time.gmtime().tm_yday != today
    eventually(lambda: counted(broker) == billed(*engines), 20, lambda: f"input and output ({counted(broker)}) being {billed(*engines)}")
    # Nothing stays reserved: all of what was asked for would fit again.
    assert not [flow for flow in broker.ask("flow", "list") if flow.get("state") == "active"]


@pytest.fixture(scope="module")
def slow(shared):
    """Of its streams there is always something left to come."""
    return shared.engine("--models", "*", "--ttft", "0ms", "--itl", "10ms", "--tokens", "600")


@pytest.fixture
def broker(make, slow, key):
    slow.forget_usage()
    return make.broker(
        models={"m": [slow.url]}, clients={"caller": {"keys": [key.reference], "quotas": quotas()}}).start()


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("end", ["reset", "closed", "half-closed"])
def test_a_stream_that_is_left(broker, slow, key, end, asked):
    """The engine stops at once, and all that it had sent until then is paid for."""
    more = {"stream_options": {"include_usage": True}} if asked else {}
    body = with_known_prompt(chat("m", "words", stream=True, **more))
    with Connection.to(*broker.gateway) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", body, key.bearer | {"Content-Type": "application/json"}))
        connection.until(b"token7")
        if end == "reset":
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif end == "half-closed":
            connection.socket.shutdown(socket.SHUT_WR)
            connection.rest()
    eventually(lambda: slow.usage().get("m"), 20, "the engine writing its bill")
    eventually(lambda: equal(broker, slow), 20, lambda: f"the quota being the bill, {billed(slow)}")
    # It would have written for six seconds: an engine does not work for nobody.
    assert 8 <= slow.usage()["m"]["completion_tokens"] < 300
    assert counted(broker) == billed(slow)


def test_nobody_sees_a_usage_chunk_unasked(broker, slow, key):
    """The engine was asked for it all the same."""
    with Connection.to(*broker.gateway) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True, max_tokens=5), key.bearer))
        answer = connection.response()
    events = [event for event in answer.body.decode().split("\n\n") if event]
    chunks = [json.loads(event[6:]) for event in events[:-1]]
    assert events[-1] == "data: [DONE]" and len(chunks) == 6
    assert all(chunk["choices"] and not chunk.get("usage") for chunk in chunks)
    record = slow.last()
    assert record["complete"] and record["sent_bytes"] > len(answer.body), "more was sent than was passed on"
    eventually(lambda: equal(broker, slow), 20, "the quota being the bill")


def test_who_leaves_the_choice_to_the_engine(make, slow, key):
    """`streamUsage: leave`: the body goes on as it came."""
    import hashlib

    broker = make.broker(
        details={"m": {"endpoints": [{"url": slow.url}], "streamUsage": "leave"}},
        clients={"caller": {"keys": [key.reference], "quotas": quotas()}}).start()
    body = json.dumps(chat("m", stream=True, max_tokens=3)).encode()
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request(
            "POST", "/v1/chat/completions", body, key.bearer | {"Content-Type": "application/json"})
    assert slow.last()["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert hashlib.sha256(answer.body).hexdigest() == slow.last()["sent_sha256"]


def test_bodies_are_not_touched_where_tokens_do_not_count(make, slow, key):
    import hashlib

    broker = make.broker(models={"m": [slow.url]}, clients={"caller": {"keys": [key.reference]}}).start()
    body = json.dumps(chat("m", stream=True, max_tokens=3)).encode()
    with Connection.to(*broker.gateway) as connection:
        connection.request("POST", "/v1/chat/completions", body, key.bearer | {"Content-Type": "application/json"})
    assert slow.last()["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("body", [
    b'{"stream":true,"model":"m","max_tokens":3,"messages":[]}',
    b' {"model" : "m" , "max_tokens":3, "messages":[], "stream"\n:\ttrue } ',
    b'{"model":"m","max_tokens":3,"messages":[],"stream":true,"stream_options":{}}',
    b'{"model":"m","max_tokens":3,"stream_options":null,"messages":[],"stream":true}',
    b'{"model":"m","max_tokens":3,"stream_options":{"include_usage":false,"include_obfuscation":false},"messages":[],"stream":true}',
    b'{"model":"m","max_tokens":3,"stream_options":{"x":{"include_usage":true}},"messages":[],"stream":true}',
    b'{"model":"m","max_tokens":3,"messages":[{"role":"user","content":"\\"stream_options\\":{\\"include_usage\\":true}"}],"stream":true}',
], ids=range(7))
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_every_form_are_asked_for_usage(broker, slow, key, body, chunked):
    fields = key.bearer | {"Content-Type": "application/json"}
    with Connection.to(*broker.gateway) as connection:
        if chunked:
            connection.send(request_bytes("POST", "/v1/chat/completions", None, fields | {"Transfer-Encoding": "chunked"}))
            connection.send(b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:]))
            answer = connection.response()
        else:
            answer = connection.request("POST", "/v1/chat/completions", body, fields)
        assert answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n"), answer.body
        assert b'"usage":{' not in answer.body and b'"choices":[]' not in answer.body
        assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1), key.bearer).status == 200
    eventually(lambda: equal(broker, slow), 20, lambda: f"the quota being the bill, {billed(slow)}")
