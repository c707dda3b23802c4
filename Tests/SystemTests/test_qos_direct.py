"""Path direct: the kernel picks the endpoint at connect(), and counts what flows without touching a byte of it."""

import errno
import os
import signal
import threading
import time

import pytest
from harness import cgroups
from harness.http1 import Connection, chat, request_bytes
from harness.servers import echo
from harness.stalls import undisturbed
from harness.waiting import eventually

pytestmark = pytest.mark.alone

DIALLED = ("127.65.0.10", 8000)


class Counted(Connection):
    """Counts what it sends and receives, as the meter should."""

    sent = received = 0

    def send(self, data):
        super().send(data)
        self.sent += len(data)

    def _more(self):
        before = len(self.buffer)
        more = super()._more()
        self.received += len(self.buffer) - before
        return more


@pytest.fixture
def engines(make):
    return [make.engine("--models", "*", "--name", name, "--ttft", "0ms", "--itl", "1ms") for name in ("one", "two", "three")]


@pytest.fixture
def broker(make, engines):
    rules = [{"name": "d", "to": ["127.65.0.0/16:8000"], "path": "direct", "model": "d", "whenProxyDown": "refuse"}]
    broker = make.broker(capture=rules, models={"d": [engine.url for engine in engines]})
    below = cgroups.below_mount(broker.cgroup)
    broker.config["clients"] = {name: {"workloads": [f"{below}/{name}"]} for name in ("shop", "batch")}
    # Made before the agent looks, so that they are known by the time that somebody dials.
    for name in ("shop", "batch"):
        broker.application_cgroup(name)
    broker.write_config()
    return broker.start()


def endpoints(broker) -> dict[str, dict]:
    return {endpoint["address"]: endpoint["direct"] for endpoint in broker.ask("endpoint", "list", "d")}


def who(connection) -> str:
    answer = connection.request("POST", "/v1/chat/completions", chat("d", max_tokens=1))
    assert answer.status == 200
    return answer.header("x-engine")


def test_connects_are_spread_over_the_engines_themselves(broker, engines, make):
    """Those that stay open count: nine connections are three for each."""
    caller = make.caller(broker.application_cgroup("shop"))
    calls = [caller.dial(*DIALLED) for _ in range(9)]
    try:
        for call in calls:
            assert call.errno == 0 and call.peer == DIALLED
        names = [who(Connection(call.socket)) for call in calls]
        assert {name: names.count(name) for name in names} == {"one": 3, "two": 3, "three": 3}
        assert {endpoint["open"] for endpoint in endpoints(broker).values()} == {3}
        for engine in engines:
            seen = {record["peer"] for record in engine.requests()}
            assert seen <= {f"127.0.0.1:{call.local[1]}" for call in calls}, "the engine's peer is the caller itself"
    finally:
        for call in calls:
            call.socket.close()
    eventually(lambda: {endpoint["open"] for endpoint in endpoints(broker).values()} == {0}, 20, "them being closed")


def test_a_second_after_an_engine_is_killed_no_connect_goes_there(broker, engines, make):
    caller = make.caller(broker.application_cgroup("shop"))
    for _ in range(9):
        caller.dial(*DIALLED).socket.close()
    assert min(endpoint["picked"] for endpoint in endpoints(broker).values()) > 0
    dead = engines[1].authority

    def answers_again():
        with caller.dial(*DIALLED) as call:
            return call.errno == 0 and who(Connection(call.socket)) == "two"

    def killed():
        engines[1].process.kill()
        killed = time.monotonic()
        try:
            while time.monotonic() < killed + 1:
                with caller.dial(*DIALLED):
                    """May fail, in this second."""
            picked = endpoints(broker)[dead]["picked"]
            for _ in range(100):
                with caller.dial(*DIALLED) as call:
                    assert call.errno == 0
                    assert who(Connection(call.socket)) != "two"
            assert endpoints(broker)[dead]["picked"] == picked
            assert not endpoints(broker)[dead]["usable"]
            events = eventually(lambda: broker.events(kind="endpoint-down", model="d"), 20, "the event")
            assert events[0]["address"] == dead
        finally:
            # It comes back, and is used again.
            port = engines[1].port
            engines[1] = make.engine("--models", "*", "--name", "two", "--ttft", "0ms", "--itl", "0ms", port=port)
            assert engines[1].port == port
            eventually(answers_again, 20, "the engine being used again")

    # The second is the agent's: what it does not run for is not its own.
    undisturbed(killed, 0.1)


def test_with_no_engine_left_the_rule_decides(broker, engines, make):
    for engine in engines:
        engine.process.kill()
    eventually(lambda: not any(endpoint["usable"] for endpoint in endpoints(broker).values()), 20, "all being found dead", 0.05)
    caller = make.caller(broker.application_cgroup("shop"))
    with caller.dial(*DIALLED) as call:
        assert call.errno == errno.ECONNREFUSED, "whenProxyDown: refuse"
    broker.config["capture"][0]["whenProxyDown"] = "direct"
    broker.write_config()
    broker.cli("reload")
    server = make.server(echo, host=DIALLED[0], port=DIALLED[1])
    with caller.dial(*DIALLED) as call:
        assert call.errno == 0
        call.socket.sendall(b"hello")
        assert call.socket.recv(100) == b"hello" and server.peers


def work(connection: Counted, round_: int, tally: dict) -> None:
    """A few exchanges of several kinds on one connection."""
    requests = [
        ("POST", "/v1/chat/completions", chat("d", "x" * (round_ * 700))), ("GET", "/v1/models", None),
        ("GET", "/status/404", None), ("POST", "/v1/chat/completions", chat("d", stream=True)), ("GET", "/status/503", None),
        ("GET", "/status/302", None), ("POST", "/echo", b"y" * 100_000), ("HEAD", "/v1/models", None),
    ]
    for method, target, body in requests[: 2 + round_ % 7]:
        connection.send(request_bytes(method, target, body))
        answer = connection.response(method)
        tally["requests"] += 1
        tally[f"status{answer.status // 100}xx"] += 1


def test_the_meters_are_what_the_callers_counted(broker, make):
    """Two clients, each with several connections at a time, keep-alive, bodies large and small, streams, no body at all."""
    keys = ("connections", "requests", "status2xx", "status3xx", "status4xx", "status5xx", "bytesSent", "bytesReceived")
    tallies = {name: dict.fromkeys(keys, 0) for name in ("shop", "batch")}
    failures = []

    def run(name):
        caller, tally = make.caller(broker.application_cgroup(name)), tallies[name]
        try:
            for round_ in range(20 if name == "shop" else 13):
                with Counted(caller.connect(*DIALLED)) as connection:
                    work(connection, round_, tally)
                tally["connections"] += 1
                tally["bytesSent"] += connection.sent
                tally["bytesReceived"] += connection.received
        except Exception as error:  # noqa: BLE001, handed to the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in tallies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    shown = broker.ask("model", "show", "d")
    assert shown["qos"]["model"] == "d"
    meters = {meter["name"]: meter for meter in shown["direct"]}
    assert set(meters) == {"shop", "batch"}
    for name, tally in tallies.items():
        meter = meters[name]
        assert {key: meter[key] for key in keys} == tally
        assert meter["responses"] == tally["requests"]
        assert (meter["status1xx"], meter["statusless"], meter["unfollowed"]) == (0, 0, 0)
        assert 0 < meter["firstByteMeanMicroseconds"] <= meter["firstByteMaxMicroseconds"] < 10_000_000
    sent = sum(endpoint["picked"] for endpoint in endpoints(broker).values())
    assert sent == sum(tally["connections"] for tally in tallies.values())
    direct = broker.qos("d")["bytes"]["direct"]
    assert direct == {
        "sent": sum(tally["bytesSent"] for tally in tallies.values()),
        "received": sum(tally["bytesReceived"] for tally in tallies.values())}


def test_the_path_direct_needs_neither_proxy_nor_agent(broker, make):
    proxy = broker.proxy_pid
    caller = make.caller(broker.application_cgroup("shop"))
    broker.kill_agent()
    os.kill(proxy, signal.SIGKILL)
    for _ in range(3):
        with caller.dial(*DIALLED) as call:
            assert call.errno == 0 and who(Connection(call.socket))
    assert sum(endpoint["picked"] for endpoint in endpoints(broker).values()) == 3
