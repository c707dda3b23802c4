"""The corpus through the gateway: refused in good form, or relayed as a strict parser reads it."""

import base64
import hashlib
import json
import socket
import time

import build
import pytest
from harness.http1 import Broken, Connection, request_bytes
from harness.stalls import Stalls
from harness.waiting import eventually
from oracle import Refused, read_model, read_request

CASES = json.loads(build.TARGET.read_text())["cases"]
SHORT = 600
#: What the broker may add or change on the way; anything else must arrive as it was sent.
HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect",
    b"content-length", b"host"}
ADDED = {b"x-request-id", b"via", b"x-forwarded-for", b"forwarded"}


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--name", "e", "--tokens", "1", "--ttft", "0ms", "--itl", "0ms")


@pytest.fixture(scope="module")
def broker(shared, engine):
    node = {"timeouts": {"head": "3s", "bodyIdle": "1s"}}
    return shared.broker(models={"m": [engine.url]}, node=node).start()


def message(case) -> bytes:
    data = base64.b64decode(case["bytes_base64"])
    return data if case["kind"] == "head" else request_bytes("POST", "/v1/chat/completions", data)


def whole(connection, data):
    connection.send(data)


def bytewise(connection, data):
    """Each byte in a segment of its own."""
    for index in range(len(data)):
        connection.send(data[index:index + 1])
        # A moment for the segment to be read alone.
        time.sleep(0.0002)


def in_two(position):
    def send(connection, data):
        connection.send(data[:position])
        time.sleep(0.002)
        connection.send(data[position:])

    return send


def try_case(broker, engine, case, send):
    data = message(case)
    engine.forget()
    with Connection.to(*broker.gateway, timeout=20) as connection:
        try:
            send(connection, data)
            if case["name"].startswith("truncated"):
                connection.socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the last byte was sent
        try:
            answer = connection.response()
        except Broken:
            answer = None
        relayed = answer is not None and answer.header("x-engine") is not None
        if relayed:
            assert case["expect"] != "refuse", f"relayed: {case['why']}"
            check_relayed(engine, data)
        else:
            assert case["expect"] != "relay", f"refused: {answer and (answer.status, answer.body)}"
            check_refused(engine, case, connection, answer)


def check_relayed(engine, data):
    """One request reached the engine, and reads there as it reads here."""
    report = engine.report()
    assert report["count"] == 1, "smuggled: the engine saw more than one request"
    record = report["requests"][0]
    assert record["malformed"] is None if "malformed" in record else True
    sent = read_request(data)
    received = read_request(base64.b64decode(record["head"]), eof=False)
    assert (received.method, received.target) in ((sent.method, sent.target), (sent.method, path_of(sent.target)))
    assert record["complete"] and record["body_sha256"] == hashlib.sha256(sent.body).hexdigest()
    named = {name.strip().lower() for key, value in sent.fields if key == b"connection" for name in value.split(b",")}
    kept = [field for field in sent.fields if field[0] not in HOP_BY_HOP and field[0] not in named]
    arrived = [field for field in received.fields if field[0] not in HOP_BY_HOP]
    assert [field for field in arrived if field[0] not in ADDED] == [field for field in kept if field[0] not in ADDED]
    assert read_model(sent.body) == "m"


def path_of(target: bytes) -> bytes:
    """The origin form of a target."""
    return b"/" + target.split(b"/", 3)[3] if target.startswith(b"http://") else target


def check_refused(engine, case, connection, answer):
    """Good form where there is an answer; and nothing complete reached the engine."""
    if answer is None:
        assert not case["status"], "closed without an answer"
    else:
        assert 400 <= answer.status < 600
        assert not case["status"] or answer.status in case["status"], (answer.status, answer.body)
        assert answer.error["message"]
        if case["kind"] == "head" and 400 == answer.status:
            assert connection.at_end(), "the connection closes after a malformed head"
    report = engine.report()
    assert not any(record["complete"] for record in report["requests"]), "a refused request reached the engine"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_in_one_piece(broker, engine, case):
    try_case(broker, engine, case, whole)


@pytest.mark.parametrize("case", [case for case in CASES if len(message(case)) <= SHORT], ids=lambda case: case["name"])
def test_byte_by_byte(broker, engine, case):
    try_case(broker, engine, case, bytewise)


@pytest.mark.parametrize("name", [
    "plain", "chunk-extension", "chunk-trailers", "json-escaped-key", "json-model-twice-escaped", "length-and-chunked",
    "chunk-data-without-end", "bare-carriage-return", "utf8-truncated-character", "json-all-escapes"])
def test_split_at_every_byte(broker, engine, name):
    case = next(case for case in CASES if case["name"] == name)
    for position in range(1, len(message(case))):
        try_case(broker, engine, case, in_two(position))


@pytest.mark.parametrize("name", ["plain", "chunked", "chunk-trailers", "chunk-extension"])
def test_nothing_is_left_for_a_second_request(broker, engine, name):
    """Two requests in one write: the second begins exactly where the first ends."""
    case = next(case for case in CASES if case["name"] == name)
    second = request_bytes("POST", "/v1/chat/completions", b'{"model":"m","n":2}', {"X-Second": "yes"})
    engine.forget()
    with Connection.to(*broker.gateway) as connection:
        connection.send(message(case) + second)
        assert [connection.response().status for _ in range(2)] == [200, 200]
    requests = engine.requests()
    assert len(requests) == 2
    assert (b"x-second", b"yes") in read_request(base64.b64decode(requests[1]["head"]), eof=False).fields


def test_the_strict_parser_agrees_where_it_refuses():
    """No case that is relayed is one that h11 or json would refuse."""
    for case in CASES:
        if case["expect"] == "relay":
            request = read_request(message(case))
            assert request.complete and read_model(request.body) == "m", case["name"]


def test_slow_heads_and_bodies_end(broker, engine):
    engine.forget()
    for data in (b"POST /v1/chat/completions HT", request_bytes("POST", "/v1/chat/completions", b'{"model":"m"}')[:-3]):
        with Stalls() as stalls, Connection.to(*broker.gateway) as connection:
            connection.send(data)
            began = time.monotonic()
            answer = connection.rest()
            took = time.monotonic() - began
            assert took > 0.5 and took - stalls.largest < 5
            assert not answer or answer.startswith(b"HTTP/1.1 408"), answer
    assert not engine.requests() or not engine.requests()[-1]["complete"]


def test_the_proxy_survived_all_this(broker):
    assert broker.status()["proxy"]["restarts"] == 0
    eventually(lambda: broker.status()["proxy"]["openConnections"] == 0, 20, "no connection being left", 0.2)


def test_the_oracle_is_strict():
    with pytest.raises(Refused):
        read_model(b'{"model":"m","model":"m"}')
