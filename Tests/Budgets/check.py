#!/usr/bin/env python3
"""Measures what the data path costs for each request and each event, and fails where that grew.

Allocations are counted by a preloaded library, instructions by valgrind's callgrind; each figure is the difference
between a run of twice as many and a run of as many, so that start-up does not count. Neither depends on how busy the
machine is. `--update` writes what was measured as the new budgets.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = HERE / "budgets.json"
GROWTH = 1.10
SCENARIOS = ("request", "event", "relay", "slotted", "limited", "keyed", "audited", "traced", "tokens", "withheld", "refused")
#: Requests with large prompts of plain words and of code, whose figures are for each KiB, and how many they have.
PROMPTS = {"prompt": 300, "code": 300}
#: How often each scenario is run for the smaller of the two counts.
ALLOCATION_COUNT = 2000
INSTRUCTION_COUNT = 500
PROMPT_COUNT = 10
PROXY_COUNT = 1000
#: Before the proxy is measured: its tables and buffers have grown to their size by then.
PROXY_WARM_UP = 200
APPLIED = 130
#: What the sample of an answer says that it used.
ANSWER_TOKENS = 264
TIMEOUT = 20


class Failure(Exception):
    """Nothing could be measured."""


class Meter:
    """The programs measured, and the counter that is preloaded into them."""

    def __init__(self, binaries: pathlib.Path, directory: pathlib.Path):
        self.flow_meter = binaries / "flow-meter"
        self.proxy = binaries / "modelbroker-proxy"
        self.directory = directory
        self.library = directory / "malloc_count.so"
        for program in (self.flow_meter, self.proxy):
            if not program.exists():
                raise Failure(f"{program} is not built; run `make budgets`")
        # Valgrind gives up on debug information that it can't read, and counts without it just as well.
        self.stripped = directory / "flow-meter"
        run(["objcopy", "--strip-debug", self.flow_meter, self.stripped])
        compiler = os.environ.get("CC", "cc")
        run([compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", self.library, HERE / "malloc_count.c"])

    def counting(self, counter: pathlib.Path) -> dict:
        return environment(LD_PRELOAD=str(self.library), MALLOC_COUNT_FILE=str(counter))

    def figures(self, scenario: str) -> dict:
        """What the scenario costs each time; for a prompt, each KiB of it."""
        size = PROMPTS.get(scenario, 1)
        allocations, instructions = (PROMPT_COUNT,) * 2 if scenario in PROMPTS else (ALLOCATION_COUNT, INSTRUCTION_COUNT)
        return {
            "allocations": self.difference(lambda count: self.allocations_of(scenario, count), allocations) / size,
            "instructions": self.difference(lambda count: self.instructions_of(scenario, count), instructions) / size,
        }

    def allocations_of(self, scenario: str, count: int) -> int:
        counter = self.directory / "counter"
        run([self.flow_meter, "--scenario", scenario, "--count", count], env=self.counting(counter))
        total = read_counter(counter)
        if total == 0:
            raise Failure("the allocation counter counts nothing")
        return total

    def instructions_of(self, scenario: str, count: int) -> int:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.directory}/callgrind.out", self.stripped]
        said = run([*command, "--scenario", scenario, "--count", count], env=environment())
        found = re.search(r"Collected : (\d+)", said)
        if not found:
            raise Failure(f"callgrind told no total:\n{said}")
        return int(found[1])

    @staticmethod
    def difference(measure, count: int) -> float:
        return (measure(2 * count) - measure(count)) / count

    def sample(self, name: str) -> bytes:
        return subprocess.run([self.flow_meter, "--frame", name], check=True, capture_output=True).stdout


class Maps:
    """The kernel plane's maps `models` and `buckets` in files without a name, which the proxy maps just as well."""

    #: Of broker_abi.h: buckets of one model, bytes of each, the model's slot, and slots.
    KINDS, SIZE, SLOT, SLOTS = 4, 64, 1, 4097

    def __init__(self, meter: Meter):
        models = subprocess.run([meter.flow_meter, "--models"], check=True, capture_output=True).stdout
        self.models = os.memfd_create("models")
        os.ftruncate(self.models, whole_pages(len(models)))
        os.pwrite(self.models, models, 0)
        self.buckets = os.memfd_create("buckets")
        os.ftruncate(self.buckets, whole_pages(self.SLOTS * self.KINDS * self.SIZE))

    def admitted(self, kind: int) -> int:
        place = (self.SLOT * self.KINDS + kind) * self.SIZE
        return struct.unpack_from("<Q", os.pread(self.buckets, self.SIZE, place), 8)[0]

    def close(self) -> None:
        os.close(self.models)
        os.close(self.buckets)


class Proxy:
    """The proxy as a process, with this script for its agent, its endpoint and its caller."""

    def __init__(self, meter: Meter, name: str, is_limited: bool):
        self.meter = meter
        self.name = name
        self.is_limited = is_limited
        self.maps = None
        self.exchanges = 0
        self.counter = meter.directory / "proxy-counter"
        self.resources = contextlib.ExitStack()
        self.upstream = None

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            self.start(opened)
            self.resources = opened.pop_all()
        return self

    def __exit__(self, *_):
        self.resources.close()

    def start(self, opened: contextlib.ExitStack) -> None:
        link = opened.enter_context(socket.socket(socket.AF_UNIX))
        path = self.meter.directory / "proxy.sock"
        path.unlink(missing_ok=True)
        link.bind(str(path))
        link.listen()
        link.settimeout(TIMEOUT)
        endpoint = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        endpoint.settimeout(TIMEOUT)
        gateway = free_port()
        command = [self.meter.flow_meter, "--welcome", str(gateway), str(endpoint.getsockname()[1])]
        welcome = subprocess.run(command, check=True, capture_output=True).stdout
        process = subprocess.Popen(
            [self.meter.proxy, "--run-dir", self.meter.directory], env=self.meter.counting(self.counter))
        opened.callback(stop, process)
        agent = opened.enter_context(link.accept()[0])
        agent.settimeout(TIMEOUT)
        read_frame(agent)
        if self.is_limited:
            self.maps = Maps(self.meter)
            opened.callback(self.maps.close)
            # The map of listeners is only needed for captured connections.
            socket.send_fds(agent, [welcome], [self.maps.models, self.maps.models, self.maps.buckets])
        else:
            agent.sendall(welcome)
        while (frame := read_frame(agent))[1] != APPLIED:
            if frame[1] == APPLIED + 1:
                raise Failure(f"the proxy refused its configuration: {frame[2:]!r}")
        self.client = opened.enter_context(socket.create_connection(("127.0.0.1", gateway), TIMEOUT))
        self.endpoint = endpoint

    def exchange(self, answer: bytes) -> None:
        """One request, and its answer as far as the head and the body announced in it."""
        self.exchanges += 1
        self.client.sendall(self.request)
        if self.upstream is None:
            self.upstream = self.endpoint.accept()[0]
            self.upstream.settimeout(TIMEOUT)
            self.resources.callback(self.upstream.close)
        read_message(self.upstream)
        self.upstream.sendall(answer)
        read_message(self.client)

    def allocations(self, once) -> float:
        for _ in range(PROXY_WARM_UP):
            once()
        before = read_counter(self.counter)
        for _ in range(PROXY_COUNT):
            once()
        return (read_counter(self.counter) - before) / PROXY_COUNT

    def measure(self) -> dict:
        self.request, answer = self.meter.sample("request"), self.meter.sample("answer")
        head, event = self.meter.sample("head"), self.meter.sample("event")
        requests = self.allocations(lambda: self.exchange(answer))
        # The head of a stream waits for the first event, so both go together.
        self.exchange(head + event)
        read_exactly(self.client, len(event))
        events = self.allocations(lambda: self.relay(event))
        self.check_buckets()
        return {f"{self.name} request": {"allocations": requests}, f"{self.name} event": {"allocations": events}}

    def check_buckets(self) -> None:
        """Every request was charged where the kernel programs would see it, and settled by what its answer said."""
        if self.maps is None:
            return
        requests, tokens = self.maps.admitted(0), self.maps.admitted(1)
        # The stream is under way: what was reserved for it stands.
        settled = (self.exchanges - 1) * ANSWER_TOKENS
        if requests != self.exchanges or not settled < tokens < settled + 1000:
            raise Failure(f"{requests} requests and {tokens} tokens charged for {self.exchanges} requests")

    def relay(self, event: bytes) -> None:
        self.upstream.sendall(event)
        read_exactly(self.client, len(event))


def environment(**more: str) -> dict:
    """As little as possible, so that runs differ in nothing but their count."""
    return {"PATH": os.environ["PATH"], "SWIFT_DETERMINISTIC_HASHING": "1"} | more


def run(command, **options) -> str:
    """Everything that the command printed."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is missing: run Tests/Checks/deps.sh") from error
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def stop(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def read_counter(path: pathlib.Path) -> int:
    return struct.unpack("<Q", path.read_bytes())[0]


def whole_pages(size: int) -> int:
    page = os.sysconf("SC_PAGESIZE")
    return (size + page - 1) // page * page


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def read_exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise Failure("a connection ended early")
        data += piece
    return data


def read_frame(connection: socket.socket) -> bytes:
    return read_exactly(connection, struct.unpack("<I", read_exactly(connection, 4))[0])


def read_message(connection: socket.socket) -> None:
    """An HTTP message: the head, and the body if the head tells its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += read_exactly(connection, 1)
    length = re.search(rb"content-length: (\d+)", data, re.IGNORECASE)
    read_exactly(connection, int(length[1]) if length else 0)


def measure(binaries: pathlib.Path) -> dict:
    with tempfile.TemporaryDirectory(prefix="modelbroker-budgets-") as directory:
        meter = Meter(binaries, pathlib.Path(directory))
        figures = {name: meter.figures(name) for name in (*SCENARIOS, *PROMPTS)}
        for name, is_limited in (("proxy", False), ("proxy limited", True)):
            with Proxy(meter, name, is_limited) as proxy:
                figures |= proxy.measure()
    return {name: {kind: rounded(name, kind, value) for kind, value in kinds.items()} for name, kinds in figures.items()}


def rounded(name: str, kind: str, value: float) -> float:
    if kind == "instructions":
        return round(value)
    # The counter of a process that is still at work is read some allocations too early or too late.
    return round(value, 1 if name.startswith("proxy ") else 3)


def compare(figures: dict, budgets: dict) -> list[str]:
    """Prints the table; returns what is over its budget."""
    faults = []
    print(f"{'':23}{'per':14}{'measured':>10}{'budget':>10}{'change':>9}")
    for name, kinds in figures.items():
        for kind, value in kinds.items():
            budget = budgets.get(name, {}).get(kind)
            change = f"{value / budget - 1:+.1%}" if budget else ""
            print(f"{name:23}{kind:14}{value:>10g}{'none' if budget is None else f'{budget:g}':>10}{change:>9}")
            if budget is None:
                faults.append(f"{name}: {kind} have no budget")
            elif value > budget * GROWTH:
                faults.append(f"{name}: {value:g} {kind}, the budget is {budget:g}")
    missing = [name for name in budgets if name not in figures]
    return faults + [f"{name} was not measured" for name in missing]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parents[1] / ".build/release", help="release programs")
    parser.add_argument("--update", action="store_true", help="make what was measured the budgets")
    arguments = parser.parse_args()
    try:
        figures = measure(arguments.bin.resolve())
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"budgets: {failure}", file=sys.stderr)
        return 2
    if arguments.update:
        BUDGETS.write_text(json.dumps(figures, indent=2) + "\n")
    faults = compare(figures, json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {})
    for fault in faults:
        print(f"budgets: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
