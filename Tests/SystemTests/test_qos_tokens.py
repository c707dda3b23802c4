"""A model's limit of tokens: reserved with the request, settled by what the engine says that it used."""

import json
import socket
import time

import pytest
from harness.http1 import Connection, chat, request_bytes
from harness.places import free_port
from harness.waiting import eventually

pytestmark = pytest.mark.alone

#: A unit in six seconds, so that a test's own time hardly counts; what it brings is reckoned with all the same.
RATE, PER_SECOND = "600/h", 600 / 3600


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "400")


@pytest.fixture(scope="module")
def broker(shared, engine):
    slow = shared.engine("--models", "*", "--ttft", "0ms", "--itl", "20ms", "--tokens", "400")
    qos = {
        "m": {"tokens": RATE, "tokenBurst": 5000}, "left": {"tokens": RATE, "tokenBurst": 5000},
        "small": {"tokens": RATE, "tokenBurst": 300},
        "minute": {"tokens": "600/m"}, "dead": {"tokens": RATE, "tokenBurst": 1000},
        "both": {"tokens": RATE, "tokenBurst": 300, "requests": "100/h", "burst": 10},
        "watched": {"tokens": RATE, "tokenBurst": 300, "mode": "observe"},
    }
    models = {name: [engine.url] for name in qos} | {
        "dead": [f"http://127.0.0.1:{free_port()}"], "left": [slow.url]}
    return shared.broker(models=models, qos=qos).start()


def ask(broker, model, content="hello", **more):
    with Connection.to(*broker.gateway) as connection:
        return connection.request("POST", "/v1/chat/completions", chat(model, content, **more))


def tokens(broker, model) -> dict:
    return broker.qos(model)["buckets"]["tokens"]


def used(answer) -> int:
    """What the engine said, in a whole answer or in a stream's last event but one."""
    assert answer.status == 200, answer.body
    if answer.header("content-type").startswith("application/json"):
        return answer.json["usage"]["total_tokens"]
    events = [event for event in answer.body.decode().split("\n\n") if event.startswith("data: {")]
    return json.loads(events[-1].removeprefix("data: "))["usage"]["total_tokens"]


def test_what_is_taken_is_what_the_engine_used(broker):
    """Whole answers and streams; far below, near and beyond what was reserved for them."""
    began = time.monotonic()
    answers = [
        ask(broker, "m", max_tokens=3), ask(broker, "m", max_completion_tokens=90),
        ask(broker, "m", "word " * 200, max_tokens=7), ask(broker, "m"),
        ask(broker, "m", stream=True, stream_options={"include_usage": True}),
        ask(broker, "m", stream=True, stream_options={"include_usage": True}, max_tokens=50),
    ]
    total = sum(used(answer) for answer in answers)
    eventually(lambda: tokens(broker, "m")["admitted"] == total, 20, f"{total} tokens being settled")
    bucket = tokens(broker, "m")
    brought = (time.monotonic() - began) * PER_SECOND
    assert total - brought - 1 <= bucket["capacity"] - bucket["level"] <= total + 1, (bucket, total)
    assert (bucket["owed"], bucket["refused"]) == (0, 0)
    assert answers[0].header("x-ratelimit-limit-tokens") == "5000"


def test_what_was_used_beyond_the_bucket_is_owed(broker):
    """The request passed because the bucket was full; those after it wait until all of it is paid for."""
    began = time.monotonic()
    total = used(ask(broker, "small"))
    assert total > 400
    eventually(lambda: tokens(broker, "small")["admitted"] == total, 20, "it being settled")
    bucket = tokens(broker, "small")
    brought = (time.monotonic() - began) * PER_SECOND
    assert bucket["level"] == 0
    assert total - 300 - brought - 1 <= bucket["owed"] <= total - 300, bucket
    refused = ask(broker, "small", max_tokens=1)
    assert refused.status == 429
    assert (refused.error["type"], refused.error["code"]) == ("tokens", "rate_limit_exceeded")
    assert refused.header("retry-after") == "120", "it is more than ten minutes, of which no client is told"
    assert refused.header("x-ratelimit-remaining-tokens") == "0"
    assert tokens(broker, "small")["refused"] > 0 and tokens(broker, "small")["admitted"] == total


def test_a_limit_by_the_minute_lets_wait_as_long_as_it_takes(broker):
    """600 a minute are ten a second, and ten at once: thirty tokens too many are owed for three seconds."""
    total = used(ask(broker, "minute", max_tokens=40))
    eventually(lambda: tokens(broker, "minute")["admitted"] == total, 20, "it being settled")
    refused = ask(broker, "minute", max_tokens=1)
    assert refused.status == 429
    wait = int(refused.header("retry-after-ms")) / 1000
    began = time.monotonic()
    assert 0.2 < wait < (total + 1) / 10
    assert int(refused.header("retry-after")) == -(-int(refused.header("retry-after-ms")) // 1000)

    def passes():
        return ask(broker, "minute", max_tokens=1).status == 200

    eventually(passes, wait + 20, "the next request passing", 0.02)
    assert time.monotonic() - began > wait - 0.1, "not before it was told to"


def test_an_answer_that_never_came_costs_nothing(broker):
    assert ask(broker, "dead", max_tokens=500).status == 503
    bucket = tokens(broker, "dead")
    assert (bucket["level"], bucket["admitted"], bucket["refused"]) == (1000, 0, 0)


def test_a_caller_that_leaves_pays_for_what_it_was_sent(broker):
    """No usage has been said by then: what was seen counts."""
    with Connection.to(*broker.gateway) as connection:
        seen = bytearray()
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("left", stream=True)))
        while seen.count(b"data: {") < 20:
            seen += connection.socket.recv(65536)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    # The estimate for a stream without max_tokens is 256 and the prompt; 20 events and some were sent.
    settled = eventually(lambda: 20 <= tokens(broker, "left")["admitted"] < 200 and tokens(broker, "left"), 20, "it being settled")
    assert settled["owed"] == 0


def test_what_tokens_refuse_costs_no_request(broker):
    used(ask(broker, "both"))
    eventually(lambda: tokens(broker, "both")["admitted"] > 400, 20, "it being settled")
    for _ in range(4):
        assert ask(broker, "both", max_tokens=1).error["type"] == "tokens"
    assert broker.qos("both")["buckets"]["requests"]["admitted"] == 1
    assert broker.qos("both")["buckets"]["requests"]["level"] == 9


def test_observing_lets_all_tokens_pass(broker):
    first = used(ask(broker, "watched"))
    eventually(lambda: tokens(broker, "watched")["admitted"] == first, 20, "it being settled")
    for _ in range(3):
        used(ask(broker, "watched", max_tokens=10))
    bucket = tokens(broker, "watched")
    assert bucket["refused"] == 0 and bucket["observed"] >= 3 * 10
