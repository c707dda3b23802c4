"""Agent and proxy are upgraded, and downgraded, again and again under load: no request fails, no stream is cut or altered, and
no connect goes past the capture.

By itself a short form of it, with versions that differ in their names. `make upgrades` runs the long form: UPGRADES=20, and in
SHIFTED the programs of a version whose maps have other layouts (`make shifted`).
"""

import os
import pathlib
import signal

import pytest
from harness import upgrades
from harness.broker import descriptors
from harness.places import BPFFS
from harness.waiting import eventually

pytestmark = pytest.mark.alone

LONG = "UPGRADES" in os.environ
UPGRADES = int(os.environ.get("UPGRADES", "4"))
SHIFTED = os.environ.get("SHIFTED")
STREAMS = 300
#: Some more are kept open, since the next one begins when one has ended.
SPARE = 20
#: Requests a second, each with a connection of its own, on captured connections that are kept, and at the gateway.
RATES = {"fresh": 300, "kept": 400, "gateway": 300}
#: Streams take from three quarters to five quarters of this; with long ones each upgrade finds some that have seen several.
SECONDS = 30 if LONG else 6
INTERVAL = 0.2
#: Connections of a proxy, 48 of them kept, before it is replaced.
OWN = 100
#: Of proxies that drain; the next upgrade but one would cut the oldest one's streams.
MOST_DRAINING = 6
RULES = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "direct"}]
DIALLED = ("127.64.0.10", 8000)
#: Counters of the kernel plane that say that something went wrong.
FAULTS = (
    "direct", "refused", "denied", "no_target", "no_settings", "storage_failed", "origin_full", "origin_missing",
    "retval_failed", "sockopt_short", "listener_missing", "socket_failed", "model_missing", "tag_invalid", "contended")


@pytest.fixture
def engine(make):
    return make.engine(
        "--models", "s", "--tokens", "1000", "--ttft", "0ms", "--itl", f"{int(INTERVAL * 1000)}ms", "--records", "8192")


@pytest.fixture
def broker(make, engine):
    quick = make.engine("--models", "m", "--ttft", "0ms")
    return make.broker(capture=RULES, models={"m": [quick.url], "s": [engine.url]}, node={
        "drain": "3m", "timeouts": {"upstreamIdle": "1s"}})


class Version:
    """`layout`: what its maps look like; those of two versions with the same serve each other as they are."""

    def __init__(self, name: str, programs: pathlib.Path | None, layout: str = "own"):
        self.name, self.programs, self.layout = name, programs, layout


def versions(directory: pathlib.Path) -> list[Version]:
    (directory / "old").mkdir(mode=0o755)
    found = [Version("new", None), Version("old", upgrades.older_programs(directory / "old"))]
    if SHIFTED:
        programs = pathlib.Path(SHIFTED).resolve()
        for name in ("modelbrokerd", "modelbroker-proxy", "modelbroker"):
            assert (programs / name).exists(), f"{programs / name} is missing: run make shifted"
        found.append(Version("shifted", programs, "shifted"))
    return found


def upgrade(broker, version: Version, number: int) -> None:
    """The agent ends, politely or not, and one of the other version takes its place and the proxy's."""
    before = broker.proxy_pid
    way = signal.SIGKILL if number % 2 else signal.SIGTERM
    broker.agent.signal(way)
    assert broker.agent.wait() == (0 if way == signal.SIGTERM else -way)
    broker.programs = version.programs
    broker.launch()
    broker.wait_ready()
    proxy = broker.status()["proxy"]
    assert proxy["pid"] != before, "the proxy is of the agent's version"
    assert before in [entry["pid"] for entry in proxy["draining"]], "the one before drains"


def draining(broker) -> list[dict]:
    return broker.status()["proxy"]["draining"]


def is_next_due(broker) -> bool:
    """The proxy has streams of its own, beside connections that are kept, and there is room for one more that drains."""
    proxy = broker.status()["proxy"]
    others = [entry.get("openConnections") for entry in proxy["draining"]]
    # One that has yet to find the new agent says nothing.
    return None not in others and len(others) <= MOST_DRAINING and proxy["openConnections"] - sum(others) >= OWN


def streaming(broker) -> int:
    """Of all proxies."""
    return sum(flow["state"] == "streaming" for flow in broker.ask("flow", "list"))


def check(broker, engine, load, carried: int, changes: int) -> None:
    assert (load.failed, load.failures) == (0, [])
    assert load.least >= STREAMS
    assert not LONG or load.answered >= 0.95 * sum(RATES.values()) * load.seconds, "as many as were to be made"
    # Each event has the engine's time in it, so that no two streams are alike.
    records = engine.requests()
    assert all(done for _, _, done in load.streams)
    assert sorted(digest for digest, _, _ in load.streams) == sorted(record["sent_sha256"] for record in records)
    assert not [record for record in records if record["cancelled"] or not record["complete"]]
    assert carried == changes, "as often as the layout was another one, the content of the maps was carried over"
    # Nobody's connection went past the capture, and none was counted twice or not at all.
    counters, rule = broker.counters(), broker.rule("llm")["counters"]
    assert (rule["captured"], rule["direct"], rule["refused"]) == (load.dials, 0, 0)
    assert not {name: counters[name] for name in FAULTS if counters[name]}
    assert counters["captured"] == load.dials
    eventually(
        lambda: broker.model("m")["requests"] == load.answered and broker.model("s")["requests"] == len(load.streams), 10,
        lambda: f"{broker.model('m')['requests']} of {load.answered} requests counted, "
                f"{broker.model('s')['requests']} of {len(load.streams)} streams")


def check_what_is_left(broker, before: tuple[int, int]) -> None:
    names = sorted(path.name for path in broker.broker_cgroup.iterdir() if path.is_dir())
    pids = (broker.broker_cgroup / "proxy" / "cgroup.procs").read_text().split()
    assert names == ["agent", "proxy"] and pids == [str(broker.proxy_pid)], "no other proxy is left"
    assert sorted(path.name for path in broker.pin_directory.iterdir()) == ["links", "maps", "programs"]
    assert not [program for program in broker.ask("prog", "list") if program.get("neighbours")], "no other program captures"
    eventually(lambda: descriptors(broker.proxy_pid) <= before[0] + 2, 40, "the proxy's descriptors", 0.2)
    eventually(lambda: descriptors(broker.agent.pid) <= before[1] + 2, 20, "the agent's descriptors", 0.2)
    pins = broker.pin_directory
    broker.cli("detach")
    broker.agent.wait()
    assert not pins.exists() and pins.name not in [path.name for path in BPFFS.iterdir()]


def test_upgrades_of_both_processes_under_load(broker, engine, capsys):
    available = versions(broker.directory)
    broker.start()
    before = descriptors(broker.proxy_pid), descriptors(broker.agent.pid)
    present, changes = available[0], 0
    with upgrades.Endless(
            broker.application_cgroup(), captured=DIALLED, gateway=broker.gateway, rates=RATES, streams=STREAMS + SPARE,
            model="m", stream_model="s", tokens=int(SECONDS / INTERVAL)) as load:
        load.wait()
        for number in range(UPGRADES):
            version = available[(number + 1) % len(available)]
            changes += version.layout != present.layout
            eventually(lambda: is_next_due(broker), 120, "the proxy having streams and the oldest having drained", 0.1)
            upgrade(broker, version, number)
            present = version
            assert load.running and streaming(broker) >= STREAMS
        load.finish(2 * SECONDS + 60)
    carried = broker.agent.output().count("was carried over")
    eventually(lambda: not draining(broker), 60, "the others having drained", 0.1)
    check(broker, engine, load, carried, changes)
    check_what_is_left(broker, before)
    with capsys.disabled():
        print(
            f"\n{UPGRADES} upgrades of agent and proxy ({changes} of them with another layout of the maps) in "
            f"{load.seconds:.0f} s: {load.least} streams or more at every moment, {len(load.streams)} in all, none cut or "
            f"altered; {load.answered} requests ({load.answered / load.seconds:.0f}/s), none failed, 99th percentile "
            f"{load.p99 * 1000:.0f} ms, slowest {load.slowest * 1000:.0f} ms; {load.dials} connects, all captured")
