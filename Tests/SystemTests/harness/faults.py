"""What goes wrong on a node, each as a context: inside it the fault is there, and is felt; after it no more."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import cgroups
from .bpfmap import PinnedMap
from .broker import Broker
from .engine import Engine
from .http1 import Broken, Connection, chat
from .names import NameServer
from .places import binary
from .processes import STARTED, is_running, run, without_descriptors
from .waiting import eventually
from .wall_clock import WallClock


@dataclass
class Node:
    """What faults happen to."""

    broker: Broker
    engine: Engine
    names: NameServer
    clock: WallClock
    random: random.Random
    #: Asks from a cgroup that is known as a client that may not: its status.
    ask_from: Callable[[str], int]
    #: Asks as a client that has quotas: its status.
    ask_counted: Callable[..., int]
    #: What is used has been written down.
    is_noted: Callable[[], bool]
    #: When the fault was over, by the steady clock; None: when it is left.
    over: float | None = None


@dataclass(frozen=True)
class Fault:
    name: str
    happens: Callable[[Node], contextlib.AbstractContextManager]
    #: Flows through the proxy end with it. Those of the path direct never do.
    cuts: bool
    #: New ones may fail while it lasts.
    bars: bool
    #: While it lasts connects do what `whenProxyDown` says.
    downs: bool
    #: A process begins anew.
    restarts: bool
    #: What clients may get whose use is counted, while it lasts; None: an answer.
    counted: tuple[int, ...] | None


ALL: list[Fault] = []


def _fault(cuts: bool = False, bars: bool = False, downs: bool = False, restarts: bool = False, counted: tuple[int, ...] | None = None):
    def register(function):
        name = function.__name__.replace("_", " ")
        fault = Fault(name, contextlib.contextmanager(function), cuts, cuts or bars or downs, downs, cuts or restarts, counted)
        ALL.append(fault)
        return function

    return register


def _some_time(node: Node, most: float = 1.0) -> float:
    return node.random.uniform(0.05, most)


def _at_any_moment(node: Node, most: float = 0.5) -> None:
    time.sleep(node.random.uniform(0, most))


def _proxies(node: Node) -> list[int]:
    """The proxy, and those that are to take its place or had it."""
    return [pid for pid in cgroups.members(node.broker.broker_cgroup) if pid != node.broker.agent.pid]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@_fault(cuts=True)
def the_proxy_is_killed(node):
    pid = node.broker.proxy_pid
    _at_any_moment(node)
    _kill(pid)
    node.over = time.monotonic()
    yield


@_fault(restarts=True)
def the_agent_is_killed(node):
    _at_any_moment(node)
    node.broker.kill_agent()
    yield
    node.broker.launch()


@_fault(cuts=True, downs=True)
def both_are_killed(node):
    _at_any_moment(node)
    yield from _without_both(node)
    node.broker.launch()


def _without_both(node: Node):
    proxies = _proxies(node)
    node.broker.kill_agent()
    for pid in proxies:
        _kill(pid)
    yield


@_fault(restarts=True)
def the_agent_is_killed_as_it_starts(node):
    node.broker.kill_agent()
    for _ in range(node.random.randint(1, 3)):
        node.broker.launch()
        _at_any_moment(node)
        node.broker.kill_agent()
    yield
    node.broker.launch()


@_fault(restarts=True)
def the_agent_is_killed_as_it_reloads(node):
    node.broker.reload()
    _at_any_moment(node, 0.05)
    node.broker.kill_agent()
    yield
    node.broker.launch()


@contextlib.contextmanager
def _being_replaced(node: Node):
    """The proxy is being replaced by another of its kind, as an upgrade does."""
    where = ["--run-dir", node.broker.run_directory, "--pin-dir", node.broker.pin_directory]
    command = subprocess.Popen(
        [binary("modelbroker"), "proxy", "restart", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    STARTED.append(command)
    # It takes some 30 ms.
    _at_any_moment(node, 0.08)
    yield
    command.wait(30)


@_fault(cuts=True)
def the_proxy_is_killed_as_it_is_replaced(node):
    with _being_replaced(node):
        for pid in node.random.sample(found := _proxies(node), node.random.randint(1, len(found))):
            _kill(pid)
        node.over = time.monotonic()
    yield


@_fault(restarts=True)
def the_agent_is_killed_as_the_proxy_is_replaced(node):
    with _being_replaced(node):
        node.broker.kill_agent()
    yield
    node.broker.launch()


@_fault(cuts=True)
def the_proxy_is_out_of_memory(node):
    """The kernel's own killer, by a limit on the proxy alone."""
    proxy = node.broker.proxy_pid
    with _no_memory(proxy):
        with contextlib.suppress(OSError, Broken), Connection.to(*node.broker.gateway) as connection:
            connection.request("POST", "/v1/chat/completions", chat("m", content="long " * (2 << 20)))
        eventually(lambda: not is_running(proxy), 10, "the limit being felt")
        node.over = time.monotonic()
    yield


@_fault(restarts=True)
def the_agent_is_out_of_memory(node):
    agent = node.broker.agent
    with _no_memory(agent.pid):
        eventually(lambda: node.broker.admin_get("/metrics")[0] == 0 and not agent.running, 10, "the limit being felt")
        assert agent.popen.returncode == -signal.SIGKILL
    yield
    node.broker.launch()


@_fault(bars=True)
def the_proxy_gets_no_processor(node):
    """Idle priority beside programs that want all there is."""
    proxy = node.broker.proxy_pid
    threads = [int(name) for name in os.listdir(f"/proc/{proxy}/task")]
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    STARTED.extend(hogs)
    for thread in threads:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait(10)
        for thread in threads:
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


@_fault()
def the_proxy_stands_still(node):
    yield from _stopped(node.broker.proxy_pid, _some_time(node))


@_fault()
def the_agent_stands_still(node):
    yield from _stopped(node.broker.agent.pid, _some_time(node))


def _stopped(pid: int, seconds: float):
    """Traffic would wait for it, so nothing else happens meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
    yield


@_fault(bars=True)
def the_proxy_has_no_descriptors(node):
    with without_descriptors(node.broker.proxy_pid, "nobody"):
        yield


@_fault(bars=True)
def callers_take_all_descriptors_of_the_proxy(node):
    """And say nothing: nobody else gets in."""
    with without_descriptors(node.broker.proxy_pid, "nobody", but=8), contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(Connection.to(*node.broker.gateway))
        eventually(lambda: node.ask_counted(0.3) == 0, 20, "somebody not being answered")
        yield


@_fault()
def the_agent_has_no_descriptors(node):
    with without_descriptors(node.broker.agent.pid):
        yield


@_fault(counted=(503,))
def the_disk_is_full(node):
    """The one that the journal and the audit file are on."""
    with _full_disk(node):
        _at_any_moment(node, 3)
        yield


@_fault(restarts=True, counted=(503,))
def the_agent_is_killed_on_a_full_disk(node):
    with _full_disk(node):
        node.broker.kill_agent()
        node.broker.launch()
        # It is not ready, since it could not write down what is used.
        eventually(lambda: node.broker.admin_get("/healthz")[0] == 200, 20, "the agent being there")
        yield


@contextlib.contextmanager
def _full_disk(node: Node):
    filler = node.broker.state_directory / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        # The last page of the journal may have room for a while.
        eventually(lambda: node.ask_counted() == 503, 30, "nobody being able to count")
        yield
    finally:
        filler.unlink()


@_fault(downs=True)
def the_map_of_origins_is_full(node):
    yield from _full(node, "flow_origins")


@_fault()
def the_map_of_refusals_is_full(node):
    yield from _full(node, "refusals")


@_fault()
def the_map_of_meters_is_full(node):
    yield from _full(node, "meters")


def _full(node, name: str):
    with PinnedMap(node.broker.pin_directory / "maps" / name) as map_:
        added = map_.fill()
        assert added, f"nothing went into {name}"
        try:
            yield
        finally:
            map_.drop(added)


@_fault()
def cgroups_come_and_go(node):
    """By the thousand, some with a process in them that calls; one that comes afterwards is known for what it is."""
    parent = node.broker.cgroup / "churn"
    parent.mkdir()
    try:
        for number in range(2000):
            path = parent / f"c{number}"
            path.mkdir()
            if number % 250 == 0:
                node.ask_from(path)
            path.rmdir()
        yield
        known = parent / f"known-{node.random.randrange(10**9)}"
        known.mkdir()
        node.over = time.monotonic()
        eventually(lambda: node.ask_from(known) == 403, 5, "a new cgroup being known")
    finally:
        cgroups.remove(parent)


@_fault()
def the_name_server_hangs(node):
    with _silent_names(node):
        _at_any_moment(node, 3)
        yield


@_fault(cuts=True, downs=True)
def both_are_killed_while_the_name_server_hangs(node):
    with _silent_names(node):
        yield from _without_both(node)
        node.broker.launch()
        node.broker.wait_ready()


@contextlib.contextmanager
def _silent_names(node: Node):
    asked = node.names.asked
    node.names.answers = False
    try:
        yield
        eventually(lambda: node.names.asked > asked, 20, "the name being asked for")
    finally:
        node.names.answers = True


#: Seconds by which clocks are set: those of a name server's bad day, of a wrong zone, of an empty battery.
_STEPS = [1, 59, 3600, 86_400, 31 * 86_400, 3 * 365 * 86_400]


@_fault()
def the_clock_is_set(node):
    with _wrong_time(node):
        yield


@_fault()
def the_clock_runs_wrong(node):
    """A third too fast, or too slow."""
    over = threading.Event()
    rate = node.random.choice([-0.3, 0.3])

    def slew():
        while not over.wait(0.01):
            node.clock.ahead += rate * 0.01

    thread = threading.Thread(target=slew)
    thread.start()
    try:
        _at_any_moment(node, 1)
        yield
    finally:
        over.set()
        thread.join(10)
        node.clock.ahead = 0


@_fault(cuts=True, downs=True)
def both_are_killed_and_begin_at_a_wrong_time(node):
    with _wrong_time(node):
        yield from _without_both(node)
        node.broker.launch()
        node.broker.wait_ready()


@contextlib.contextmanager
def _wrong_time(node: Node):
    # What is used in the moment before a month ends by mistake belongs to no month.
    eventually(node.is_noted, 10, "what is used being written down")
    node.clock.ahead = node.random.choice(_STEPS) * node.random.choice([-1, 1])
    try:
        eventually(lambda: abs(_time(node) - node.clock.now) < max(1, abs(node.clock.ahead) / 2), 10, "the clock being felt")
        yield
    finally:
        node.clock.ahead = 0


def _time(node: Node) -> float:
    """What the agent takes for the time."""
    status, text = node.broker.admin_get("/api/live")
    return json.loads(text)["time"] / 1000 if status == 200 else 0


@_fault()
def an_engine_is_killed(node):
    node.engine.process.kill()
    yield
    node.engine.start_again()


@_fault()
def a_second_agent_comes(node):
    first = node.broker.agent
    node.broker.launch()
    second, node.broker.agent = node.broker.agent, first
    assert second.wait(20) == 1 and "another modelbrokerd" in second.output(), second.output()[-500:]
    yield


@_fault()
def the_configuration_is_broken(node):
    good = node.broker.config_file.read_text()
    node.broker.write_config("models: [\n")
    yield
    node.broker.write_config(good)


@contextlib.contextmanager
def _no_memory(pid: int):
    """Not a page more than it has; if it still lives afterwards, it goes back to where it was."""
    path = cgroups.make_version1("memory")
    (path / "memory.limit_in_bytes").write_text("4096")
    (path / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        if is_running(pid):
            (path.parent / "cgroup.procs").write_text(str(pid))
        eventually(lambda: not (path / "cgroup.procs").read_text(), 10, f"{path} being empty")
        path.rmdir()
