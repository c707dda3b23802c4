"""What waits is bounded: by number, by bytes, by time and by who is more urgent; who leaves is gone, and nothing leaks.

By default with a thousand large requests; with QOS_FULL=1 with ten thousand.
"""

import contextlib
import hashlib
import json
import os
import time
from collections import Counter

import openai
import pytest
from harness.broker import descriptors, resident_kib
from harness.control import Control
from harness.credentials import check_refusal
from harness.crowd import Crowd
from harness.flood import Flood, raise_descriptor_limit
from harness.groups import Clients
from harness.held import Held
from harness.http1 import Connection, chat, request_bytes
from harness.stalls import Stalls, measured
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
MANY = 10_000 if FULL else 1_000
#: Of all of them, those that are served in the end.
SERVED = 200 if FULL else 50
BODY = 1 << 20
#: 200 MiB are for 10,000.
BOUND_KIB = 200 << 10
MOMENT = 0.1
GROUPS = {
    "gold": {"priority": 10}, "silver": {"priority": 5}, "batch": {"delivery": "batch"}, "default": {},
    "short": {"queue": {"length": 2, "wait": "30s"}}, "none": {"queue": {"length": 0}},
    "bytes": {"queue": {"length": 100, "bytes": "256KiB", "wait": "30s"}}, "hasty": {"queue": {"wait": "300ms"}},
    "told": {"queue": {"comments": "100ms", "wait": "30s"}}, "told-hasty": {"queue": {"comments": "100ms", "wait": "500ms"}},
    "large": {"queue": {"length": 20_000, "bytes": "16GiB", "wait": "10m", "ageing": "10m"}},
}


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "2ms", "--itl", "0ms", "--tokens", 4)


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", *GROUPS)


@pytest.fixture(scope="module")
def broker(shared, engine, clients):
    def model(**queue):
        return {"endpoints": [{"url": engine.url, "maxInFlight": 1}], "health": "off",
                "queue": {"length": 100, "wait": "30s", "ageing": "60s"} | queue}

    models = {"m": model(), "four": model(length=4), "slow": model(length=1000, wait="2s"), "o": model(), "k": model()}
    for name, kind in (("o", "ollama"), ("k", "kserve-v2")):
        models[name]["endpoints"][0] |= {"engine": kind}
    return shared.broker(details=models, clients=clients.section, more={"groups": GROUPS}).start()


@pytest.fixture(autouse=True)
def fresh(engine, broker):
    with Control(broker.run_directory) as control:
        eventually(lambda: engine.service()["running"] == 0 and not any(queue["waiting"] for queue in control.ask("queues")),
                   30, lambda: f"nothing being under way; {control.ask('queues')}")
    engine.forget_served()
    engine.forget()
    yield
    engine.capacity(None)


@pytest.fixture
def held(broker, engine, clients):
    with Held(broker, engine, clients.fields("silver")) as held:
        yield held


def check_retry(answer, least: float = 0.001) -> float:
    """When to come back, said in both ways; seconds."""
    seconds, milliseconds = int(answer.header("retry-after")), int(answer.header("retry-after-ms"))
    assert 1 <= seconds <= 120 and least <= milliseconds / 1000 <= 120
    return milliseconds / 1000


# By number, and bytes

def test_a_full_queue_is_429(held, broker, clients):
    for number in range(2):
        held.send(f"short-{number}", clients.fields("short"))
    answer = held.try_to("refused", clients.fields("short"))
    error = check_refusal(answer, 429, "queue_full")
    assert error["type"] == "rate_limit_error" and error["param"] is None
    check_retry(answer)
    # It is full for this group alone.
    held.send("another", clients.fields("default"))
    queue = held.control.queues("m")["short"]
    assert (queue["waiting"], queue["full"]) == (2, 1)
    held.release()
    assert held.order(3)[0] == "short-0"
    assert all(held.connections[name].response().status == 200 for name in ("short-0", "short-1", "another"))


def test_a_queue_of_length_0_holds_nothing(held, clients):
    check_retry(held.try_to("refused", clients.fields("none")))
    check_refusal(held.try_to("again", clients.fields("none")), 429, "queue_full")


def test_the_sdk_raises_its_rate_limit_error(held, broker, clients):
    host, port = broker.gateway
    key = clients.keys["none"].text
    with openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key=key, max_retries=0, timeout=10) as client:
        with pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert raised.value.code == "queue_full" and raised.value.type == "rate_limit_error"


@pytest.mark.parametrize("model, target, body", [
    ("o", "/api/chat", {"model": "o", "messages": []}), ("k", "/v2/models/k/infer", {"inputs": []})], ids=["ollama", "kserve"])
def test_each_api_is_refused_in_its_own_form(broker, engine, clients, model, target, body):
    """Who is under way there came by the same API."""
    engine.capacity(0)
    with Connection.to(*broker.gateway) as first, Connection.to(*broker.gateway) as connection:
        first.send(request_bytes("POST", target, body, clients.fields("silver")))
        with Control(broker.run_directory) as control:
            eventually(lambda: control.queues(model).get("silver", {}).get("inFlight") == 1, 5, "the one under way")
        answer = connection.request("POST", target, body, clients.fields("none"))
    assert answer.status == 429 and isinstance(answer.json["error"], str), answer.body
    check_retry(answer)


def test_bytes_are_bounded(held, broker, clients):
    """Those that are held: of a request that names its model last, all of it. Three of 100 KiB are more than 256 KiB; small
    ones still find room."""
    large = {"messages": [{"role": "user", "content": "x" * (100 << 10)}], "model": "m"}
    request = request_bytes("POST", "/v1/chat/completions", large, clients.fields("bytes"))
    with contextlib.ExitStack() as stack:
        for number in range(3):
            connection = stack.enter_context(Connection.to(*broker.gateway))
            connection.send(request)
            if number < 2:
                held.eventually(lambda number=number: held.waiting() == number + 1, "it waiting")
        check_refusal(connection.response(), 429, "queue_full")
        held.send("small", clients.fields("bytes"))
        assert 200_000 < held.control.queues("m")["bytes"]["bytes"] <= 256 << 10


# By time

def test_a_deadline_that_passes_is_503(held, clients):
    with Stalls() as stalls:
        began = time.monotonic()
        connection = held.send("hasty", clients.fields("hasty"))
        answer = connection.response()
        took = time.monotonic() - began
    assert took > 0.25 and took - stalls.largest < 1.5
    error = check_refusal(answer, 503, "queue_timeout")
    assert "m" in error["message"]
    check_retry(answer)
    queue = held.control.queues("m")["hasty"]
    assert (queue["waiting"], queue["expired"]) == (0, 1)
    held.release()
    held.eventually(lambda: held.engine.service()["running"] == 0, "the engine being free")
    assert not [entry for entry in held.engine.served() if entry.id == "hasty"], "nobody works on what was refused"


@measured
def test_what_cannot_be_reached_in_time_is_refused_at_once(broker, engine, clients):
    """Each takes a twentieth of a second and may wait for two, while those of a higher level want all there is: of the least
    urgent, those that would come too late are told so at once."""
    engine.fault(ttft="50ms")

    def body(_):
        return chat("slow", max_tokens=1)

    try:
        with Crowd(broker.gateway) as crowd:
            gold = crowd.lanes("gold", 4, body, clients.fields("gold"))
            eventually(lambda: gold.statuses[200] >= 30, 20, "the drain being measured")
            batch = crowd.once("batch", 100, body, clients.fields("batch"))
            eventually(lambda: not batch.open, 20, "all being answered")
    finally:
        engine.fault()
    assert set(gold.statuses) == {200}
    hopeless = [asked for asked in batch.results if asked.status == 503 and asked.seconds < 0.5]
    print("of a hundred:", Counter((asked.status, asked.code) for asked in batch.results), len(hopeless), "at once")
    assert len(hopeless) > 30 and all(asked.code == "overloaded" for asked in hopeless)
    assert all(1 <= int(asked.header("retry-after")) <= 120 for asked in hopeless)
    late = [asked for asked in batch.results if asked.status == 503 and asked.seconds >= 0.5]
    assert all(asked.code == "queue_timeout" and asked.seconds < 3 for asked in late)


# By those who are more urgent

def test_the_least_urgent_leaves_a_full_queue_first(broker, engine, clients):
    """There is room for four: each that is more urgent takes that of the latest of the least urgent ones."""
    with Held(broker, engine, clients.fields("silver"), model="four") as held:
        batch = [held.send(f"batch-{number}", clients.fields("batch")) for number in range(4)]
        check_refusal(held.try_to("batch-4", clients.fields("batch")), 429, "queue_full")
        gold = []
        for number in range(2):
            gold.append(held._send(f"gold-{number}", clients.fields("gold"), "four", {}))
            answer = batch[3 - number].response()
            assert check_refusal(answer, 503, "overloaded")["message"]
            check_retry(answer)
        queues = held.control.queues("four")
        assert (queues["gold"]["waiting"], queues["batch"]["waiting"], queues["batch"]["shed"]) == (2, 2, 2)
        held.release()
        assert held.order(4) == ["gold-0", "gold-1", "batch-0", "batch-1"]
        assert all(connection.response().status == 200 for connection in gold + batch[:2])


# Those who leave

@pytest.mark.parametrize("how", ["politely", "by a reset"])
@measured
def test_who_leaves_is_gone_at_once(broker, engine, clients, how):
    names = [f"left-{number}" for number in range(20)]
    with Held(broker, engine, clients.fields("silver")) as held:
        before = held.control.queues("m").get("default", {"left": 0})["left"]
        for name in names:
            held.send(name, clients.fields("default"))
        stays = held.send("stays", clients.fields("default"))
        for name in names:
            if how == "by a reset":
                held.connections[name].socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")
            held.connections[name].close()
        left = time.monotonic()
        held.eventually(lambda: held.waiting() == 1, "those that left being gone")
        took = time.monotonic() - left
        print(f"gone after {took * 1000:.1f} ms")
        assert took < MOMENT
        assert held.control.queues("m")["default"]["left"] == before + 20
        held.release()
        assert held.order(1) == ["stays"] and stays.response().status == 200
        assert not [entry for entry in held.engine.served() if entry.id.startswith("left-")]


def at_rest(broker) -> tuple[int, int]:
    """Descriptors and resident KiB of the proxy once nothing is under way."""
    eventually(lambda: broker.status()["proxy"]["openConnections"] == 0, 30, "the connections being closed", 0.2)
    pid, counts = broker.proxy_pid, []

    def steady():
        counts.append(descriptors(pid))
        return len(counts) > 8 and len(set(counts[-8:])) == 1

    eventually(steady, 30, "the descriptors being steady", 0.1)
    return counts[-1], resident_kib(pid)


@measured
def test_thousands_of_large_requests_wait_in_little_memory(make, engine, clients):
    """Each of 1 MiB. Half of them leave, and are gone within a tenth of a second; some are served, as they were sent."""
    raise_descriptor_limit(MANY + 2000)
    model = {"endpoints": [{"url": engine.url, "maxInFlight": 1}], "health": "off"}
    node = {"timeouts": {"upstreamIdle": "1s", "keepAlive": "2s"}}
    broker = make.broker(details={"m": model}, clients=clients.section, more={"groups": GROUPS}, node=node).start()
    body = json.dumps(chat("m", max_tokens=1, mock_id="large")).encode()
    body += b" " * (BODY - len(body))
    request = request_bytes("POST", "/v1/chat/completions", body, clients.fields("large", content_type="application/json"))
    with Held(broker, engine, clients.fields("silver")) as held, Flood(broker.gateway, request) as flood:
        before = descriptors(broker.proxy_pid), resident_kib(broker.proxy_pid)

        def pumped(condition):
            return lambda: flood.pump(0.1) or condition()

        began = time.monotonic()
        flood.open(MANY)
        eventually(pumped(lambda: held.waiting() == MANY), 120,
                   lambda: f"all waiting; {held.control.queues('m')}, {flood.statuses[:5]}, {flood.broken} broken")
        took = time.monotonic() - began
        flood.pump(1)
        resident = resident_kib(broker.proxy_pid)
        each = (resident - before[1]) / MANY
        print(f"{MANY} wait after {took:.1f} s in {resident / 1024:.1f} MiB, {each:.1f} KiB each, of {before[1] / 1024:.1f}"
              f" MiB before; {held.control.queues('m')['large']['bytes'] >> 20} MiB are said to be held")
        assert resident < (BOUND_KIB if FULL else before[1] + BOUND_KIB * MANY / 10_000), "back-pressure"
        left = flood.leave(MANY // 2)
        held.eventually(lambda: held.waiting() <= MANY - MANY // 2, "those that left being gone")
        took = time.monotonic() - left
        print(f"{MANY // 2} gone after {took * 1000:.0f} ms")
        assert took < MOMENT
        assert held.waiting() == MANY - MANY // 2 and flood.broken == 0
        held.release()
        eventually(pumped(lambda: len(flood.statuses) >= SERVED), 120, lambda: f"{SERVED} being served: {len(flood.statuses)}")
        assert set(flood.statuses) == {200}
        records = [record for record in engine.requests() if record["complete"] and record["body_bytes"] == BODY]
        assert len(records) >= min(SERVED, 200)
        assert {record["body_sha256"] for record in records} == {hashlib.sha256(body).hexdigest()}
        flood.leave(len(flood.callers))
        held.eventually(lambda: held.waiting() == 0, "all being gone")
    after = at_rest(broker)
    print(f"descriptors {before[0]} -> {after[0]}, afterwards {after[1] / 1024:.1f} MiB")
    assert after[0] <= before[0], "no descriptor leaks"


# Streams that wait

def test_a_stream_is_told_that_it_waits(held, clients):
    """Comments at once, which clients skip, and then the engine's own events."""
    connection = held._send("told", clients.fields("told"), "m", {"stream": True})
    head = connection.until(b"\r\n\r\n").decode().lower()
    assert head.startswith("http/1.1 200") and "text/event-stream" in head and "x-engine" not in head
    for _ in range(3):
        connection.until(b": loading\n\n")
    held.release()
    rest = connection.until(b"data: [DONE]\n\n")
    assert b'"delta"' in rest and b"HTTP/1.1" not in rest and b"x-engine" not in rest.lower()
    connection.until(b"0\r\n\r\n")


def test_the_sdk_reads_over_comments(held, broker, clients):
    host, port = broker.gateway
    with openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key=clients.keys["told"].text, max_retries=0, timeout=10) as sdk:
        stream = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=True)
        held.release()
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices).startswith("engine=mock")


def test_a_stream_that_was_told_ends_with_an_error_event(held, clients):
    connection = held._send("told", clients.fields("told-hasty"), "m", {"stream": True})
    data = connection.rest()
    assert b": loading\n\n" in data and b"[DONE]" not in data
    event = next(line for line in data.split(b"\n") if line.startswith(b"data: "))
    assert json.loads(event[6:])["error"]["code"] == "queue_timeout"
    assert not data.endswith(b"0\r\n\r\n"), "a stream that broke does not end well"


def test_an_answer_in_one_piece_gets_no_comments(held, clients):
    connection = held.send("whole", clients.fields("told"))
    connection.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        connection.until(b"HTTP/1.1")
    connection.socket.settimeout(15)
    held.release()
    assert connection.response().status == 200
