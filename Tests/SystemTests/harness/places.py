"""Where things are, and the names by which everything of this run can be found again."""

import itertools
import os
import pathlib
import random
import socket

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "Tests"
RUN = f"mbtest-{os.getpid()}"
#: A variable that every process of this run inherits.
MARK = "MODELBROKER_TEST_RUN"
os.environ[MARK] = RUN
BPFFS = pathlib.Path("/sys/fs/bpf")


def worker() -> int:
    """Which of the processes that test side by side this is; 0 where there is one."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def cgroup2_mount() -> pathlib.Path:
    """Where cgroup v2 is mounted, from mountinfo: alone, or beside version 1."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if tail.split()[0] == "cgroup2":
            return pathlib.Path(head.split()[4])
    raise RuntimeError("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")


def cgroup_mounts() -> list[pathlib.Path]:
    """The hierarchies of both versions."""
    mounts = (line.partition(" - ") for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines())
    return [pathlib.Path(head.split()[4]) for head, _, tail in mounts if tail.split()[0] in ("cgroup", "cgroup2")]


def binary(name: str) -> str:
    """An executable from MODELBROKER_BIN, or from the debug build."""
    directory = pathlib.Path(os.environ.get("MODELBROKER_BIN", ROOT / ".build" / "debug")).resolve()
    path = directory / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run make build, or set MODELBROKER_BIN")
    return str(path)


#: Below those that the kernel gives to callers, and of each process that tests side by side its own, so that nobody else takes
#: one while nobody listens there yet.
_PORTS = itertools.cycle(random.sample(range(10_000 + worker() * 5_000, 15_000 + worker() * 5_000), 5_000))


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago, and that nobody has been told of for long."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in _PORTS:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return port
            except OSError:
                continue
