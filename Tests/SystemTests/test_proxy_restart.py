"""The proxy is replaced while it serves: nothing is refused, cut, altered or missed by the capture."""

import hashlib
import os
import signal
import threading

import pytest
from harness import upgrades
from harness.broker import descriptors
from harness.crowd import Crowd
from harness.http1 import Connection, chat, request_bytes
from harness.waiting import eventually

RULES = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "direct"}]
DIALLED = ("127.64.0.10", 8000)


@pytest.fixture
def engine(make):
    """Of the streams alone: it keeps in mind what it sent to the last few hundred requests."""
    return make.engine("--models", "s", "--name", "one", "--tokens", "300", "--ttft", "0ms", "--itl", "40ms")


@pytest.fixture
def broker(make, engine):
    quick = make.engine("--models", "m", "--ttft", "0ms")
    return make.broker(capture=RULES, models={"m": [quick.url], "s": [engine.url]}, node={
        "drain": "60s", "timeouts": {"upstreamIdle": "1s"}})


class Streams:
    """Streams that each know what they were sent."""

    def __init__(self):
        self.threads, self.failures, self.bodies = [], [], []
        self.begun = threading.Semaphore(0)

    def open(self, socket, tokens: int = 300) -> None:
        self.threads.append(threading.Thread(target=self._run, args=(socket, tokens)))
        self.threads[-1].start()

    def wait(self) -> None:
        for _ in self.threads:
            assert self.begun.acquire(timeout=20), self.failures

    def _run(self, socket, tokens: int) -> None:
        begun = []

        def begin(_):
            if not begun:
                begun.append(True)
                self.begun.release()

        try:
            with Connection(socket, timeout=60) as connection:
                body = chat("s", stream=True, max_tokens=tokens)
                connection.send(request_bytes("POST", "/v1/chat/completions", body))
                response = connection.response(sink=begin)
                assert response.status == 200
                self.bodies.append(response.body)
        except Exception as error:  # noqa: BLE001, handed to the test
            self.failures.append(error)

    def check(self, engine) -> None:
        for thread in self.threads:
            thread.join(90)
        assert not self.failures
        # Each event has the engine's time in it, so that no two streams are alike.
        sent = sorted(record["sent_sha256"] for record in engine.requests())
        assert sorted(hashlib.sha256(body).hexdigest() for body in self.bodies) == sent and len(sent) == len(self.threads)
        assert all(body.endswith(b"data: [DONE]\n\n") for body in self.bodies)


class Dialling(threading.Thread):
    """Captured requests in an unbroken row: some on connections of their own, some on one that is kept as long as it may be."""

    def __init__(self, caller, keeps: bool):
        super().__init__()
        self.caller, self.keeps, self.over = caller, keeps, threading.Event()
        self.count, self.dials, self.failures = 0, 0, []

    def run(self):
        connection = None
        while not self.over.is_set():
            try:
                if connection is None:
                    connection = Connection(self.caller.connect(*DIALLED))
                    self.dials += 1
                answer = connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1))
                assert answer.status == 200, answer.body
                self.count += 1
                if not self.keeps or (answer.header("connection") or "").lower() == "close":
                    connection.close()
                    connection = None
            except Exception as error:  # noqa: BLE001, handed to the test
                self.failures.append(error)
                connection = None
        if connection:
            connection.close()


def only_proxy(broker) -> bool:
    """No proxy but the one is left, in no cgroup but the proxy's."""
    names = sorted(path.name for path in broker.broker_cgroup.iterdir() if path.is_dir())
    pids = (broker.broker_cgroup / "proxy" / "cgroup.procs").read_text().split()
    return names == ["agent", "proxy"] and len(pids) == 1 and not broker.status()["proxy"]["draining"]


def requests_of(broker, name="m") -> int:
    return broker.model(name)["requests"]


def test_nothing_is_lost_through_replacements_and_a_restart_of_the_agent(make, broker, engine):
    broker.start()
    caller = make.caller(broker.application_cgroup())
    before = descriptors(broker.proxy_pid), descriptors(broker.agent.pid)
    pids = [broker.proxy_pid]
    streams, dials = Streams(), 0
    callers = [Dialling(make.caller(broker.application_cgroup()), keeps) for keeps in (False, True)]
    with Crowd(broker.gateway) as crowd:
        asked = crowd.lanes("g", 4, lambda number: chat("m", max_tokens=1), {"Content-Type": "application/json"})
        for thread in callers:
            thread.start()
        for number in range(30):
            streams.open(caller.connect(*DIALLED) if number % 2 else Connection.to(*broker.gateway).socket)
            dials += number % 2
        streams.wait()
        seen = 0
        for number in range(4):
            if number == 2:
                # What a proxy says last the agent passes on to the next: killed between, it would take it along.
                eventually(lambda: len(broker.status()["proxy"]["draining"]) == 1, 20, "the second one, without streams, having ended")
                broker.kill_agent()
                broker.launch()
                broker.wait_ready()
            report = broker.ask("proxy", "restart")
            assert report["replaced"] and report["from"] == pids[-1]
            pids.append(report["to"])
            assert broker.proxy_pid == pids[-1]
            now = requests_of(broker)
            assert now >= seen, "what was counted before stays counted"
            seen = now
            flows = broker.ask("flow", "list")
            assert len([flow for flow in flows if flow["state"] == "streaming"]) >= 30, "those of all proxies"
        listed = broker.ask("proxy", "list")
        assert listed[0]["pid"] == pids[-1] and {entry["state"] for entry in listed[1:]} == {"draining"}
        assert sum(entry.get("openConnections", 0) for entry in listed[1:]) >= 30
        streams.check(engine)
        eventually(lambda: asked.statuses[200] > 50 and all(thread.count > 20 for thread in callers), what="enough of them")
        for thread in callers:
            thread.over.set()
            thread.join(30)
    assert set(asked.statuses) == {200}
    assert not [failure for thread in callers for failure in thread.failures]
    eventually(lambda: only_proxy(broker), 30, "the others having drained")
    assert len(set(pids)) == 5
    counters = broker.rule("llm")["counters"]
    dials += sum(thread.dials for thread in callers)
    assert (counters["captured"], counters["direct"], counters["refused"]) == (dials, 0, 0)
    requests = asked.statuses[200] + sum(thread.count for thread in callers)
    # What those had counted that have drained, the last one counts on.
    eventually(lambda: requests_of(broker) == requests, 5, lambda: f"{requests_of(broker)} of {requests} counted")
    eventually(lambda: descriptors(broker.proxy_pid) <= before[0] + 2, 40, "the proxy's descriptors", 0.2)
    eventually(lambda: descriptors(broker.agent.pid) <= before[1] + 2, 20, "the agent's descriptors", 0.2)
    assert len(broker.events(kind="proxy-replaced")) == 2, "since the agent was restarted"


@pytest.mark.parametrize("what", ["crash", "hang"])
def test_a_proxy_that_does_not_start_leaves_everything_as_it_was(make, broker, engine, what):
    fickle = upgrades.FickleProxy(broker.directory)
    broker.proxy_program = fickle.program
    broker.start()
    caller, pid, streams = make.caller(broker.application_cgroup()), broker.proxy_pid, Streams()
    streams.open(caller.connect(*DIALLED), 100)
    streams.wait()
    fickle.will(what)
    if what == "crash":
        result = broker.cli("proxy", "restart", check=False)
        assert result.returncode == 1 and f"pid {pid} serves on" in result.stderr and "exit 3" in result.stderr
        assert not result.stdout
        status = broker.status()["proxy"]
        assert status["pid"] == pid and status["lastReplacement"]["replaced"] is False and not status["draining"]
        assert broker.events(kind="proxy-kept")
    else:
        # The agent dies in the middle; the next one finds the proxy set aside and its successor stuck.
        restart = threading.Thread(target=lambda: broker.cli("proxy", "restart", check=False))
        restart.start()
        eventually(lambda: (broker.broker_cgroup / f"retired-{pid}").exists(), what="the proxy being set aside")
        broker.kill_agent()
        restart.join(30)
        fickle.will(None)
        broker.launch()
        broker.wait_ready()
        assert broker.proxy_pid == pid
    with Connection(caller.connect(*DIALLED)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1)).status == 200
    assert only_proxy(broker)
    streams.check(engine)
    fickle.will(None)
    assert broker.ask("proxy", "restart")["replaced"]
    eventually(lambda: only_proxy(broker), 30, "the other having drained")


def test_who_replaces_a_proxy_that_dies_is_told_so(broker):
    proxy = broker.start().proxy_pid
    said = []
    # It hands nothing over.
    os.kill(proxy, signal.SIGSTOP)
    restart = threading.Thread(target=lambda: said.append(broker.cli("proxy", "restart", check=False)))
    restart.start()
    try:
        eventually(lambda: "is to be replaced" in broker.agent.output(), 10, "the replacement having begun")
    finally:
        os.kill(proxy, signal.SIGKILL)
    restart.join(10)
    assert not restart.is_alive(), "long before anything is over that it could wait for"
    assert said[0].returncode == 1 and "ended by signal 9 before it was replaced" in said[0].stderr, said[0]
    broker.wait_ready()
    assert broker.proxy_pid not in (0, proxy)


def test_an_older_agent_and_proxy_are_followed_by_newer_ones(make, broker, engine):
    (broker.directory / "old").mkdir(mode=0o755)
    broker.programs = upgrades.older_programs(broker.directory / "old")
    broker.start()
    caller, old, streams = make.caller(broker.application_cgroup()), broker.proxy_pid, Streams()
    thread = Dialling(make.caller(broker.application_cgroup()), keeps=True)
    thread.start()
    streams.open(caller.connect(*DIALLED))
    streams.open(Connection.to(*broker.gateway).socket)
    streams.wait()
    broker.kill_agent()
    broker.programs = None
    broker.launch()
    broker.wait_ready()
    assert broker.proxy_pid != old
    assert [entry["pid"] for entry in broker.status()["proxy"]["draining"]] == [old]
    count = thread.count
    eventually(lambda: thread.count > count + 5 or thread.failures, what="more of them")
    thread.over.set()
    thread.join(30)
    assert not thread.failures
    streams.check(engine)
    eventually(lambda: only_proxy(broker), 30, "the older one having drained")
    counters = broker.rule("llm")["counters"]
    assert (counters["direct"], counters["refused"]) == (0, 0)


def test_the_time_to_drain_has_an_end(make, broker, engine):
    broker.config["node"]["drain"] = "1s"
    broker.write_config()
    broker.start()
    caller, pid = make.caller(broker.application_cgroup()), broker.proxy_pid
    with Connection(caller.connect(*DIALLED)) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("s", stream=True)))
        connection.until(b"data: ")
        assert broker.ask("proxy", "restart")["drainMilliseconds"] == 1000
        eventually(lambda: only_proxy(broker), 10, f"pid {pid} having ended")
        connection.rest()
        assert connection.ended
