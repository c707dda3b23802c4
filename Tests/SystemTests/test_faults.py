"""A schedule of faults: flows that live through one lose no byte, nothing gathers, and five seconds after each everything is as
configured. FAULTS=200 is the long form; FAULTS_SEED another schedule. Not among them: a step of the machine's clock, which would
be felt by everything else on it.
"""

import hashlib
import os
import random
import threading
import time

import pytest
from harness import faults
from harness.broker import descriptors, resident_kib
from harness.cgroups import members
from harness.faults import Node
from harness.http1 import Broken, Connection, chat, request_bytes
from harness.names import NameServer
from harness.places import free_port
from harness.processes import run
from harness.stalls import Stalls
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FAULTS = int(os.environ.get("FAULTS", "0")) or len(faults.ALL)
SEED = int(os.environ.get("FAULTS_SEED", "8"))
RECOVERY = 5.0
SOFT, HARD = "127.64.0.10", "127.65.0.10"
NAME = "engine.test"
STREAM = ("--ttft", "20ms", "--itl", "20ms", "--tokens", "60")
#: What is set by the configuration and by nothing else.
CONFIGURED = ("rules4", "rules6", "workloads", "settings", "models", "endpoint_sets", "access")


class Stream(threading.Thread):
    """Reads one stream to its end."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection = Connection(connection, timeout=60)
        self.began = threading.Event()
        self.response, self.failure = None, None

    def run(self):
        with self.connection:
            try:
                self.connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True)))
                self.response = self.connection.response(sink=lambda _: self.began.set())
            except (Broken, OSError) as failure:
                self.failure = failure
            finally:
                self.began.set()

    @property
    def body(self) -> bytes | None:
        """All of an answer that came to its end."""
        return self.response.body if self.response and not self.failure else None


class World:
    """One broker with a rule of each kind, and everything its models need."""

    def __init__(self, make, directory, stack):
        self.steady = make.engine("--models", "*", *STREAM, host=SOFT)
        self.mortal = make.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "4", host="127.0.0.9", port=free_port())
        self.names = NameServer("127.53.0.2", NAME, ["127.0.0.9"], ttl=1)
        stack.callback(self.names.close)
        self.broker = make.broker(
            capture=[{"name": "soft", "to": [f"127.64.0.0/16:{self.steady.port}"], "whenProxyDown": "direct"},
                     {"name": "hard", "to": ["127.65.0.0/16:8000"], "whenProxyDown": "refuse"}],
            models={"m": [self.steady.url]}, qos={"m": {"requests": "100000/s"}},
            details={"n": {"endpoints": [f"http://{NAME}:{self.mortal.port}"]}},
            pools={"both": {"models": ["n", "m"]}})
        self._places(directory, stack)
        self.broker.start()
        self.caller = make.caller(self.broker.application_cgroup())
        eventually(self.is_well, 20, "everything being well")
        self.configured = self.state()
        self.inventory = self.count()

    def _places(self, directory, stack):
        """The agent's own resolver, and a small disk for what it writes."""
        resolver = directory / "resolv.conf"
        resolver.write_text("nameserver 127.53.0.2\noptions timeout:1 attempts:1\n")
        self.broker.launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"]
        self.broker.state_directory.mkdir()
        run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.broker.state_directory])
        stack.callback(run, ["umount", self.broker.state_directory])

    # What applications see

    def ask(self, model: str, host: str | None = None, timeout: float = 3) -> int:
        """The status of a short request; 0 where none came. Without a host, of the gateway."""
        try:
            port = self.steady.port if host == SOFT else 8000
            connection = self.caller.connect(host, port, timeout=timeout) if host else None
            with (Connection(connection, timeout=timeout) if host else Connection.to(*self.broker.gateway, timeout=timeout)) as http:
                return http.request("POST", "/v1/chat/completions", chat(model, max_tokens=1)).status
        except (OSError, Broken):
            return 0

    def asked(self) -> list[int]:
        return [self.ask("m", SOFT), self.ask("m", HARD), self.ask("m"), self.ask("both")]

    def streams(self) -> list[Stream]:
        """Two captured ones and two of the gateway, with their first bytes."""
        streams = []
        for way in (SOFT, None, SOFT, None):
            if way:
                streams.append(Stream(self.caller.connect(way, self.steady.port)))
            else:
                streams.append(Stream(Connection.to(*self.broker.gateway).socket))
            streams[-1].start()
        for stream in streams:
            assert stream.began.wait(20)
        return streams

    # How the broker stands

    def is_well(self) -> bool:
        if self.broker.admin_get("/readyz")[0] != 200 or self.asked() != [200] * 4:
            return False
        named = [endpoint for endpoint in self.broker.ask("endpoint", "list") if endpoint["address"].startswith("127.0.0.9")]
        return bool(named) and all(endpoint["state"] == "active" for endpoint in named)

    def state(self) -> dict:
        dumps = {name: self.broker.ask("map", "dump", name) for name in CONFIGURED}
        for entry in dumps["settings"]:
            without(entry, "generation")
        return dumps

    def count(self) -> dict:
        pids = {"agent": self.broker.agent.pid, "proxy": self.broker.proxy_pid}
        return {
            "descriptors": {name: descriptors(pid) for name, pid in pids.items()},
            "resident": {name: resident_kib(pid) for name, pid in pids.items()},
            "processes": len(members(self.broker.broker_cgroup)),
            "cgroups": sorted(str(path) for path in self.broker.cgroup.rglob("*") if path.is_dir()),
            "files": sorted(path.name for path in self.broker.run_directory.iterdir()),
            "pins": sorted(str(path.relative_to(self.broker.pin_directory)) for path in self.broker.pin_directory.rglob("*")),
        }


def without(value, name: str) -> None:
    """Takes a field out, however deep it is."""
    if isinstance(value, dict):
        value.pop(name, None)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        without(item, name)


def schedule(generator: random.Random) -> list[faults.Fault]:
    """Each kind once, and then any; in any order."""
    some = list(faults.ALL)[:FAULTS] + generator.choices(faults.ALL, k=max(0, FAULTS - len(faults.ALL)))
    generator.shuffle(some)
    return some


def check(streams: list[Stream], fault: faults.Fault, engine) -> int:
    """How many came to their end. None of those lost a byte, and what was cut was cut visibly."""
    for stream in streams:
        stream.join(60)
        assert not stream.is_alive(), fault.name
    sent, whole = {record["sent_sha256"] for record in engine.requests()}, 0
    for stream in streams:
        assert fault.cuts or stream.body is not None, f"{fault.name}: {stream.failure}"
        if stream.body is not None and b'"error"' not in stream.body:
            assert hashlib.sha256(stream.body).hexdigest() in sent, f"{fault.name}: altered: {stream.body[-300:]}"
            whole += 1
    return whole


def test_a_schedule_of_faults(make, module_directory, local_stack):
    generator = random.Random(SEED)
    world = World(make, module_directory, local_stack)
    node = Node(world.broker, world.mortal, world.names, generator, world.asked)
    slowest, whole, reached = (0.0, ""), 0, 0
    for number, fault in enumerate(schedule(generator), 1):
        streams = world.streams()
        with fault.happens(node):
            answers = world.asked()
            assert fault.bars or answers == [200] * 4, f"{fault.name}: {answers}"
            if fault.downs:
                eventually(lambda: world.ask("m", SOFT) == 200 and world.ask("m", HARD) == 0, 5, f"whenProxyDown: {fault.name}")
        ended = time.monotonic()
        with Stalls() as stalls:
            eventually(world.is_well, 20, f"{number}: everything being well after: {fault.name}", 0.05)
            took = time.monotonic() - ended
        assert took - stalls.within(ended, ended + took) < RECOVERY, f"{fault.name}: {took} s"
        slowest = max(slowest, (took, fault.name))
        whole += check(streams, fault, world.steady)
        reached += len(streams)
        assert world.state() == world.configured, fault.name
        print(f"{number}/{FAULTS} {fault.name}: meanwhile {answers}, well after {took:.2f} s", flush=True)
        world.steady.forget()
    counted = world.count()
    for name in ("processes", "cgroups", "files", "pins"):
        assert counted[name] == world.inventory[name], name
    for name in ("agent", "proxy"):
        assert counted["descriptors"][name] <= world.inventory["descriptors"][name] + 16, counted
        assert counted["resident"][name] < 128 << 10, counted
    print(f"{FAULTS} faults (seed {SEED}): {whole} of {reached} streams whole, the others cut; slowest {slowest}; {counted['resident']} KiB")
