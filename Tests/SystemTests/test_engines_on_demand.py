"""Engines that sleep until somebody needs them: started once, waited for in order, restarted, stopped, and swapped on one device.

By default a few swaps; with QOS_FULL=1 fifty.
"""

import http.server
import json
import os
import pathlib
import signal
import threading
import time

import pytest
from harness import engine_journal
from harness.control import Control
from harness.credentials import check_refusal
from harness.crowd import Crowd
from harness.engine_journal import EngineJournal
from harness.groups import Clients
from harness.http1 import Connection, chat, request_bytes
from harness.places import binary, free_port
from harness.processes import Process
from harness.waiting import eventually

FULL = os.environ.get("QOS_FULL") == "1"
SWAPS = 50 if FULL else 6
CALLERS = 100
GROUPS = {
    "gold": {"priority": 10}, "silver": {"priority": 5}, "default": {}, "night": {"delivery": "batch"},
}
LEVELS = ["gold", "silver", "default", "night"]


class Sleeper:
    """An endpoint whose engine somebody else starts, by itself on a port that is free now."""

    def __init__(self, directory, name: str, *flags, journal: EngineJournal | None = None):
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.journal = journal or EngineJournal(directory / f"{name}.journal")
        self.command = [binary("mock-engine"), "--name", name, "--port", str(self.port), "--models", "*", "--tokens", "2",
                        "--itl", "0ms", "--journal", str(self.journal.path), *map(str, flags)]

    def endpoint(self, limit: int = 1, activate: dict | None = None, **more) -> dict:
        return {"url": self.url, "maxInFlight": limit, "activate": activate or self.exec(**more)}

    def exec(self, **more) -> dict:
        return {"exec": self.command, "readyTimeout": "20s", "stopTimeout": "5s"} | more


@pytest.fixture(scope="module")
def clients(module_directory):
    return Clients(module_directory / "keys", *GROUPS)


@pytest.fixture
def directory(module_directory):
    """Which engines may write to, whoever they run as."""
    path = module_directory / f"engines-{time.monotonic_ns()}"
    path.mkdir()
    path.chmod(0o777)
    return path


@pytest.fixture
def start(make, clients, directory):
    """A broker of these models; every engine that it may have left is ended."""
    journals = []

    def start(models: dict, *sleepers, groups=GROUPS, **more):
        journals.extend(sleeper.journal for sleeper in sleepers)
        queue = {"length": 1000, "wait": "30s", "ageing": "60s"}
        details = {
            name: {"endpoints": [endpoint], "health": {"path": "/health", "period": "200ms"}, "queue": queue}
            for name, endpoint in models.items()}
        return make.broker(details=details, clients=clients.section, more={"groups": groups}, **more).start()

    yield start
    make.stack.close()
    for journal in journals:
        for pid in journal.running():
            engine_journal.end(pid, signal.SIGKILL)


def asks(model: str, **more):
    return lambda number: chat(model, max_tokens=2, **more)


def ask(broker, fields, model="m", **more):
    with Connection.to(*broker.gateway, timeout=40) as connection:
        return connection.request("POST", "/v1/chat/completions", chat(model, **more), fields)


def phase(control, url: str) -> str:
    return control.endpoint(url)["phase"]


def all_answered(crowd, timeout: float = 60) -> None:
    eventually(lambda: not any(group.open for group in crowd.groups.values()), timeout,
               lambda: f"all being answered: { {name: group.statuses for name, group in crowd.groups.items()} }")


def served(sleeper) -> list[str]:
    return [line["id"] for line in sleeper.journal.lines(event="served")]


# The first request

def test_a_hundred_callers_wake_one_engine_and_are_served_in_their_order(start, directory, clients):
    """They come while it starts, the least urgent ones first."""
    sleeper = Sleeper(directory, "sleeper", "--start-delay", "600ms", "--loading", "400ms", "--ttft", "5ms")
    broker = start({"m": sleeper.endpoint()}, sleeper)
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        assert phase(control, sleeper.url) == "asleep" and not sleeper.journal.lines()
        began = time.monotonic()
        part = CALLERS // len(LEVELS)
        for number, name in enumerate(reversed(LEVELS), 1):
            crowd.once(name, part, asks("m"), clients.fields(name))
            eventually(lambda number=number: control.waiting("m") == number * part, 5,
                       lambda: f"{number * part} waiting: {control.queues('m')}")
        assert phase(control, sleeper.url) == "starting"
        all_answered(crowd)
        print(f"all answered after {time.monotonic() - began:.2f} s")
        assert phase(control, sleeper.url) == "ready"
    assert all(group.statuses == {200: part} for group in crowd.groups.values())
    assert len(sleeper.journal.lines(event="start")) == 1, "one activation"
    assert not sleeper.journal.lines(event="early"), "nobody was sent there before it was ready"
    order = served(sleeper)
    assert len(order) == CALLERS and len(set(order)) == CALLERS
    # Within a level the order of arrival is that of a hundred connections made at once: only the levels are known.
    assert [name.rsplit("-", 1)[0] for name in order] == [name for name in LEVELS for _ in range(part)]
    assert len(broker.events(kind="engine-starting")) == len(broker.events(kind="engine-ready")) == 1


def test_many_at_once_are_served_in_their_order_too(start, directory, clients):
    """With four slots, levels do not mix by more than these."""
    sleeper = Sleeper(directory, "sleeper", "--start-delay", "500ms", "--ttft", "5ms")
    broker = start({"m": sleeper.endpoint(4)}, sleeper)
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        for number, name in enumerate(reversed(LEVELS), 1):
            crowd.once(name, 25, asks("m"), clients.fields(name))
            eventually(lambda number=number: control.waiting("m") == number * 25, 5, "them waiting")
        all_answered(crowd)
    assert all(group.statuses == {200: 25} for group in crowd.groups.values())
    levels = [LEVELS.index(name.rsplit("-", 1)[0]) for name in served(sleeper)]
    assert sum(level != number // 25 for number, level in enumerate(levels)) <= 2 * 3 * 3, levels
    assert len(sleeper.journal.lines(event="start")) == 1


def test_streams_are_told_while_the_engine_loads(start, directory, clients):
    sleeper = Sleeper(directory, "sleeper", "--start-delay", "800ms")
    groups = GROUPS | {"default": {"queue": {"comments": "100ms", "wait": "30s"}}}
    broker = start({"m": sleeper.endpoint()}, sleeper, groups=groups)
    with Connection.to(*broker.gateway) as connection:
        request = request_bytes("POST", "/v1/chat/completions", chat("m", stream=True), clients.fields("default"))
        connection.send(request)
        data = connection.until(b"data: [DONE]\n\n")
    assert data.count(b": loading\n\n") >= 3 and data.count(b"HTTP/1.1") == 1 and b'"delta"' in data


def test_a_direct_answer_once_it_runs(start, directory, clients):
    """Nobody waits for an engine that is there, and it starts once however often it is asked."""
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint(4)}, sleeper)
    assert {ask(broker, clients.fields("default")).status for _ in range(20)} == {200}
    assert len(sleeper.journal.lines(event="start")) == 1


# What goes wrong

def test_an_engine_that_is_killed_is_started_again_and_those_who_wait_are_served(start, directory, clients):
    sleeper = Sleeper(directory, "sleeper", "--ttft", "30ms", "--start-delay", "200ms")
    broker = start({"m": sleeper.endpoint(2)}, sleeper)
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.lanes("callers", 30, asks("m"), clients.fields("default"))
        eventually(lambda: callers.statuses[200] > 30, 20, "it being under load")
        victim = sleeper.journal.running()
        assert len(victim) == 1
        waiting = set(callers.open)
        engine_journal.end(victim[0], signal.SIGKILL)
        eventually(lambda: len(sleeper.journal.lines(event="start")) == 2, 20, "it being started again")
        after = callers.statuses[200]
        eventually(lambda: callers.statuses[200] > after + 60, 30,
                   lambda: f"them being served: {callers.statuses} {control.queues('m')}")
        eventually(lambda: not waiting & set(callers.open), 20, "those of before being answered")
    failed = [asked for asked in callers.results if asked.status != 200]
    print(f"{len(waiting)} were under way or waiting; failed: {[(asked.status, asked.body[:80]) for asked in failed]}")
    assert len(failed) <= 2, "those that were being served when it died, at most"
    assert broker.events(kind="engine-crashed")
    assert len(sleeper.journal.lines(event="start")) == 2 and not sleeper.journal.lines(event="early")
    assert control_report(broker, sleeper)["phase"] == "ready"


def control_report(broker, sleeper) -> dict:
    with Control(broker.run_directory) as control:
        return control.endpoint(sleeper.url)


def test_an_engine_that_does_not_start_is_503_and_left_alone_for_a_while(start, directory, clients):
    sleeper = Sleeper(directory, "broken", "--fail-start", 7)
    broker = start({"m": sleeper.endpoint(readyTimeout="5s")}, sleeper)
    began = time.monotonic()
    answer = ask(broker, clients.fields("default"))
    error = check_refusal(answer, 503, "model_loading")
    assert "m" in error["message"] and 1 <= int(answer.header("retry-after")) <= 120
    assert time.monotonic() - began < 15
    answers = [ask(broker, clients.fields("gold")) for _ in range(5)]
    assert {answer.status for answer in answers} == {503}
    assert len(sleeper.journal.lines(event="start")) <= 3, "it backs off"
    assert broker.events(kind="engine-failed") or broker.events(kind="engine-crashed")
    lines = broker.cli("endpoint", "logs", sleeper.url).stdout
    assert "there is no such model, as told" in lines


def test_an_engine_that_is_never_ready_is_given_up(start, directory, clients):
    sleeper = Sleeper(directory, "slow", "--loading", "60s")
    broker = start({"m": sleeper.endpoint(readyTimeout="1s")}, sleeper)
    began = time.monotonic()
    answer = ask(broker, clients.fields("default"))
    check_refusal(answer, 503, "model_loading")
    assert 0.9 < time.monotonic() - began < 10 and 1 <= int(answer.header("retry-after")) <= 120
    assert not sleeper.journal.lines(event="early")
    eventually(lambda: not sleeper.journal.running(), 10, "it being ended")


def test_a_stream_that_was_told_of_loading_is_told_of_the_failure(start, directory, clients):
    sleeper = Sleeper(directory, "slow", "--loading", "60s")
    groups = GROUPS | {"default": {"queue": {"comments": "100ms", "wait": "30s"}}}
    broker = start({"m": sleeper.endpoint(readyTimeout="1s")}, sleeper, groups=groups)
    with Connection.to(*broker.gateway) as connection:
        request = request_bytes("POST", "/v1/chat/completions", chat("m", stream=True), clients.fields("default"))
        connection.send(request)
        data = connection.rest()
    event = next(line for line in data.split(b"\n") if line.startswith(b"data: "))
    assert b": loading\n\n" in data and json.loads(event[6:])["error"]["code"] == "model_loading"


# The end of an engine

def test_an_idle_engine_is_stopped_and_comes_back(start, directory, clients):
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint(idleAfter="500ms")}, sleeper)
    with Control(broker.run_directory) as control:
        for round_ in range(1, 3):
            assert ask(broker, clients.fields("default")).status == 200
            assert len(sleeper.journal.lines(event="start")) == round_
            eventually(lambda: phase(control, sleeper.url) == "asleep", 10, "it being asleep again")
            eventually(lambda: not sleeper.journal.running(), 5, "nothing running")
    assert len(broker.events(kind="engine-stopped")) == 2


def test_an_engine_that_works_is_not_idle(start, directory, clients):
    """A stream that lasts longer than it may be idle."""
    sleeper = Sleeper(directory, "sleeper")
    sleeper.command += ["--tokens", "40", "--itl", "50ms"]
    broker = start({"m": sleeper.endpoint(idleAfter="300ms")}, sleeper)
    answer = ask(broker, clients.fields("default"), stream=True)
    assert answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n")


def test_one_that_does_not_listen_is_ended_all_the_same(start, directory, clients):
    sleeper = Sleeper(directory, "deaf", "--deaf")
    broker = start({"m": sleeper.endpoint(idleAfter="300ms", stopTimeout="300ms")}, sleeper)
    assert ask(broker, clients.fields("default")).status == 200
    eventually(lambda: not sleeper.journal.running(), 10, "it being ended")


def test_start_stop_and_logs_by_hand(start, directory, clients):
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint()}, sleeper)
    with Control(broker.run_directory) as control:
        broker.cli("endpoint", "start", sleeper.url)
        eventually(lambda: phase(control, sleeper.url) == "ready", 10, "it being ready")
        assert "listening on" in broker.cli("endpoint", "logs", sleeper.url).stdout
        assert broker.ask("endpoint", "logs", sleeper.url)["url"] == sleeper.url
        with Connection.to("127.0.0.1", sleeper.port) as connection:
            assert connection.request("POST", "/debug/say?lines=20000").status == 204
        log = eventually(lambda: (log := broker.ask("endpoint", "logs", sleeper.url))["lines"][-1].endswith("19999") and log, 10,
                         "its output being read")
        assert log["dropped"] > 0 and sum(map(len, log["lines"])) <= 256 << 10
        broker.cli("endpoint", "stop", sleeper.url)
        eventually(lambda: phase(control, sleeper.url) == "asleep", 10, "it being stopped")
    assert not sleeper.journal.running()
    assert {line["action"] for line in broker.audit()} == {"endpoint-start", "endpoint-stop"}
    refused = broker.cli("endpoint", "start", "http://127.0.0.1:1", check=False)
    assert refused.returncode == 1 and "http://127.0.0.1:1" in refused.stderr
    assert ask(broker, clients.fields("default")).status == 200, "who needs it wakes it again"


def test_a_detached_broker_leaves_no_engine(start, directory, clients):
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint()}, sleeper)
    assert ask(broker, clients.fields("default")).status == 200
    broker.cli("detach")
    eventually(lambda: not sleeper.journal.running(), 15, "it being gone")


def test_engines_have_little_say(start, directory, clients):
    """No capability, a cgroup of their own, and nothing of the agent's files."""
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint(user="nobody", env={"GREETING": "hello there"}, directory=str(directory))}, sleeper)
    assert ask(broker, clients.fields("default")).status == 200
    pid = sleeper.journal.running()[0]
    process = pathlib.Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapAmb"], 16) == 0
    assert status["Uid"].split()[0] != "0"
    assert b"GREETING=hello there" in (process / "environ").read_bytes().split(b"\0")
    assert os.readlink(process / "cwd") == str(directory)
    assert "/engines/" in (process / "cgroup").read_text()
    files = [os.readlink(path) for path in (process / "fd").iterdir()]
    theirs = [name for name in files if "bpf" in name or str(broker.directory) in name]
    assert all(name.endswith(".out") for name in theirs), "what it writes goes to a file of its own, and that is all"


# One device for several

def test_two_models_take_turns_on_one_device(start, directory, clients):
    """Both are asked for all the time: the device goes back and forth, and no request ever notices but by waiting."""
    device, journal = directory / "gpu0", EngineJournal(directory / "journal")
    sleepers = {
        name: Sleeper(directory, name, "--device", device, "--ttft", "20ms", "--start-delay", "50ms", journal=journal)
        for name in ("one", "two")}
    broker = start({name: sleeper.endpoint(4, oneOf="gpu0") for name, sleeper in sleepers.items()}, *sleepers.values())
    began = time.monotonic()
    with Crowd(broker.gateway) as crowd:
        for name in sleepers:
            crowd.lanes(name, 6, asks(name), clients.fields("default"))
        eventually(lambda: len(journal.lines(event="start")) > SWAPS, 12 * SWAPS + 30,
                   lambda: f"{SWAPS} swaps; {len(journal.lines(event='start'))}: "
                   f"{ {name: group.statuses for name, group in crowd.groups.items()} }", 0.1)
        for group in crowd.groups.values():
            group.pause()
        all_answered(crowd)
    starts = [line["engine"] for line in journal.lines(event="start")]
    took = time.monotonic() - began
    longest = max(asked.seconds for group in crowd.groups.values() for asked in group.results)
    print(f"{len(starts) - 1} swaps in {took:.1f} s, { {name: group.statuses for name, group in crowd.groups.items()} }, "
          f"longest wait {longest:.2f} s")
    assert all(set(group.statuses) == {200} for group in crowd.groups.values()), "not one request failed"
    assert not journal.lines(event="conflict"), "never two at once"
    assert not journal.lines(event="early")
    assert all(one != two for one, two in zip(starts, starts[1:], strict=False)), "each start is a swap"
    answered = {line["id"] for line in journal.lines(event="served")}
    assert {asked.id for group in crowd.groups.values() for asked in group.results} <= answered


def test_a_swap_waits_for_work_under_way(start, directory, clients):
    """A long stream of the one ends before the other gets the device."""
    device, journal = directory / "gpu0", EngineJournal(directory / "journal")
    one = Sleeper(directory, "one", "--device", device, journal=journal)
    one.command += ["--tokens", "40", "--itl", "50ms"]
    two = Sleeper(directory, "two", "--device", device, journal=journal)
    broker = start({"one": one.endpoint(oneOf="gpu0"), "two": two.endpoint(oneOf="gpu0")}, one, two)
    with Connection.to(*broker.gateway) as connection:
        request = request_bytes("POST", "/v1/chat/completions", chat("one", stream=True), clients.fields("default"))
        connection.send(request)
        connection.until(b"token1")
        with Crowd(broker.gateway) as crowd:
            other = crowd.once("other", 1, asks("two"), clients.fields("default"))
            body = connection.until(b"data: [DONE]\n\n")
            ended = time.monotonic_ns()
            assert b"token39" in body
            eventually(lambda: other.results, 15, "the other one being answered")
    assert other.statuses == {200: 1} and other.results[0].received > ended
    assert journal.lines(event="start")[1]["ns"] > ended - 100_000_000 and not journal.lines(event="conflict")


# Other ways to start one

@pytest.fixture
def hook(directory, local_stack):
    """Something that starts and stops an engine when it is told by HTTP."""

    class Hook:
        def __init__(self):
            self.asked, self.sleeper, self.process = [], None, None
            outer = self

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_POST(self):
                    outer.asked.append(self.path)
                    outer.move(self.path)
                    self.send_response(202)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

                def log_message(self, *_):
                    pass

            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
            threading.Thread(target=self.server.serve_forever, daemon=True).start()

        def move(self, path):
            if path == "/start" and self.process is None:
                self.process = Process(self.sleeper.command, directory / "hooked.log")
            elif path == "/stop" and self.process:
                self.process.stop()
                self.process = None

        def close(self):
            self.server.shutdown()
            self.server.server_close()
            self.move("/stop")

    hook = Hook()
    local_stack.callback(hook.close)
    return hook


def test_by_http(start, directory, clients, hook):
    sleeper = hook.sleeper = Sleeper(directory, "hooked", "--start-delay", "200ms")
    activate = {"http": {"start": f"{hook.url}/start", "stop": f"{hook.url}/stop"}, "idleAfter": "700ms"}
    broker = start({"m": sleeper.endpoint(4, activate)}, sleeper)
    with Crowd(broker.gateway) as crowd, Control(broker.run_directory) as control:
        callers = crowd.once("callers", 20, asks("m"), clients.fields("default"))
        all_answered(crowd)
        assert callers.statuses == {200: 20} and hook.asked == ["/start"], "one activation"
        eventually(lambda: hook.asked == ["/start", "/stop"], 10, "it being stopped")
        eventually(lambda: phase(control, sleeper.url) == "asleep", 5, "it being asleep")


def test_by_a_unit(start, directory, clients):
    """`systemctl` is whatever is found by that name; here it is a script."""
    sleeper = Sleeper(directory, "unit", "--start-delay", "200ms")
    tools = directory / "bin"
    tools.mkdir()
    script = tools / "systemctl"
    command = " ".join(f"'{word}'" for word in sleeper.command)
    script.write_text(f"""#!/bin/bash
echo "$@" >>{directory}/asked
for verb in "$@"; do
    case $verb in
        start) setsid {command} >{directory}/unit.log 2>&1 & echo $! >{directory}/unit.pid ;;
        stop) kill "$(cat {directory}/unit.pid)" 2>/dev/null ;;
        is-active|show) if kill -0 "$(cat {directory}/unit.pid)" 2>/dev/null; then echo active; else echo inactive; exit 3; fi ;;
    esac
done
exit 0
""")
    script.chmod(0o755)
    activate = {"unit": "vllm@m.service", "idleAfter": "700ms"}
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    broker = start({"m": sleeper.endpoint(4, activate)}, sleeper, environment=environment)
    assert ask(broker, clients.fields("default")).status == 200
    assert len(sleeper.journal.lines(event="start")) == 1
    eventually(lambda: not sleeper.journal.running(), 10, "it being stopped")
    asked = (directory / "asked").read_text()
    assert "start vllm@m.service" in asked and "stop vllm@m.service" in asked


def test_a_unit_without_systemd_is_said_plainly(start, directory, clients):
    sleeper = Sleeper(directory, "unit")
    empty = directory / "empty"
    empty.mkdir()
    broker = start({"m": sleeper.endpoint(4, {"unit": "vllm@m.service", "readyTimeout": "2s"})}, sleeper,
                   environment={"PATH": str(empty)})
    check_refusal(ask(broker, clients.fields("default")), 503, "model_loading")
    faults = [event["detail"] for event in broker.events(kind="engine-failed")]
    assert faults and any("systemctl" in fault for fault in faults), faults


# The agent's own changes

def test_a_restarted_agent_has_its_engines(start, directory, clients):
    """Adopted, or stopped and started again: in no case two of them, and those who ask are answered."""
    sleeper = Sleeper(directory, "sleeper", "--device", directory / "gpu0", "--ttft", "10ms")
    broker = start({"m": sleeper.endpoint(2)}, sleeper)
    with Crowd(broker.gateway) as crowd:
        callers = crowd.lanes("callers", 6, asks("m"), clients.fields("default"))
        eventually(lambda: callers.statuses[200] > 10, 20, "it being asked")
        broker.kill_agent()
        broker.start()
        before = callers.statuses[200]
        eventually(lambda: callers.statuses[200] > before + 50, 30, lambda: f"it being asked again: {callers.statuses}")
    starts = len(sleeper.journal.lines(event="start"))
    print(f"{starts} starts, {callers.statuses}")
    assert len(sleeper.journal.running()) == 1 and not sleeper.journal.lines(event="conflict")
    failed = [asked for asked in callers.results if asked.status != 200]
    assert len(failed) <= (0 if starts == 1 else 2), [(asked.status, asked.body) for asked in failed]


def test_a_reload_without_the_endpoint_stops_its_engine(start, directory, clients):
    sleeper, other = Sleeper(directory, "gone"), Sleeper(directory, "stays")
    broker = start({"m": sleeper.endpoint(), "n": other.endpoint()}, sleeper, other)
    assert {ask(broker, clients.fields("default"), model).status for model in "mn"} == {200}
    kept = other.journal.running()
    del broker.config["models"]["m"]
    broker.write_config()
    broker.reload()
    eventually(lambda: not sleeper.journal.running(), 15, "its engine being stopped")
    assert other.journal.running() == kept and ask(broker, clients.fields("default"), "n").status == 200


def test_nobody_is_woken_by_looking(start, directory, clients):
    """Health checks, lists, explanations and metrics are no reason to start anything."""
    sleeper = Sleeper(directory, "sleeper")
    broker = start({"m": sleeper.endpoint()}, sleeper)
    for command in (("model", "list"), ("endpoint", "list"), ("explain", "--model", "m"), ("group", "list"), ("queue", "list")):
        broker.cli(*command, check=False)
    assert broker.admin_get("/metrics")[0] == 200
    with Connection.to(*broker.gateway) as connection:
        assert connection.request("GET", "/v1/models", fields=clients.fields("default")).status == 200
    time.sleep(0.5)
    assert not sleeper.journal.lines()
