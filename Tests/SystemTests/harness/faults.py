"""What goes wrong on a node, each as a context: inside it the fault is there, after it no more."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import cgroups
from .bpfmap import PinnedMap
from .broker import Broker, descriptors
from .engine import Engine
from .http1 import Broken, Connection, chat
from .names import NameServer
from .processes import STARTED, run
from .waiting import eventually


@dataclass
class Node:
    """What faults happen to."""

    broker: Broker
    engine: Engine
    names: NameServer
    random: random.Random
    #: Does what applications do meanwhile: some calls on every way in.
    use: Callable[[], list[int]]


@dataclass(frozen=True)
class Fault:
    name: str
    happens: Callable[[Node], contextlib.AbstractContextManager]
    #: Flows through the proxy end with it.
    cuts: bool
    #: New ones may fail while it lasts.
    bars: bool
    #: While it lasts connects do what `whenProxyDown` says.
    downs: bool


ALL: list[Fault] = []


def _fault(cuts: bool = False, bars: bool = False, downs: bool = False):
    def register(function):
        name = function.__name__.replace("_", " ")
        ALL.append(Fault(name, contextlib.contextmanager(function), cuts, cuts or bars or downs, downs))
        return function

    return register


def _some_time(node: Node, most: float = 1.0) -> float:
    return node.random.uniform(0.05, most)


@_fault(cuts=True)
def the_proxy_is_killed(node):
    os.kill(node.broker.proxy_pid, signal.SIGKILL)
    yield


@_fault()
def the_agent_is_killed(node):
    node.broker.kill_agent()
    yield
    node.broker.launch()


@_fault(cuts=True, downs=True)
def both_are_killed(node):
    proxy = node.broker.proxy_pid
    node.broker.kill_agent()
    os.kill(proxy, signal.SIGKILL)
    yield
    node.broker.launch()


@_fault(cuts=True)
def the_proxy_is_out_of_memory(node):
    """The kernel's own killer, by a limit on the proxy alone."""
    proxy = node.broker.proxy_pid
    with _version1("memory", proxy) as group:
        (group / "memory.limit_in_bytes").write_text("4096")
        with contextlib.suppress(OSError, Broken), Connection.to(*node.broker.gateway) as connection:
            connection.request("POST", "/v1/chat/completions", chat("m", content="long " * (2 << 20)))
        eventually(lambda: not _runs(proxy), 10, "the limit being felt")
    yield


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
    yield from _without_descriptors(node.broker.proxy_pid, "nobody")


@_fault()
def the_agent_has_no_descriptors(node):
    yield from _without_descriptors(node.broker.agent.pid)


def _without_descriptors(pid: int, user: str | None = None):
    """Only root with CAP_SYS_RESOURCE may set the limits of another user's process; the user itself may."""

    def limit(number: int):
        run(["prlimit", "--pid", pid, f"--nofile={number}:"], user=user)

    with open(f"/proc/{pid}/limits") as limits:
        before = next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))
    limit(descriptors(pid))
    try:
        yield
    finally:
        limit(before)


@_fault()
def the_disk_is_full(node):
    """The journal's, which is a file system of its own."""
    filler = node.broker.state_directory / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


@_fault(downs=True)
def the_map_of_origins_is_full(node):
    yield from _full(node, "flow_origins")


@_fault()
def the_map_of_refusals_is_full(node):
    yield from _full(node, "refusals")


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
    """By the thousand, some with a process in them that calls."""
    parent = node.broker.cgroup / "churn"
    parent.mkdir()
    for number in range(1000):
        path = parent / f"c{number}"
        path.mkdir()
        if number % 250 == 0:
            run(["true"], cgroup=path)
        path.rmdir()
    yield
    cgroups.remove(parent)


@_fault()
def the_name_server_hangs(node):
    node.names.answers = False
    yield
    node.names.answers = True


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
def _version1(controller: str, pid: int):
    """A cgroup of version 1 with this process in it; the process goes back, if it still lives."""
    mount = f"/sys/fs/cgroup/{controller}"
    path = cgroups.make_version1(controller)
    (path / "cgroup.procs").write_text(str(pid))
    try:
        yield path
    finally:
        if _runs(pid):
            with open(f"{mount}/cgroup.procs", "w") as file:
                file.write(str(pid))
        eventually(lambda: not (path / "cgroup.procs").read_text(), 10, f"{path} being empty")
        path.rmdir()


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
