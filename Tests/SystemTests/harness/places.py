"""Where things are, and the names by which everything of this run can be found again."""

import os
import pathlib
import socket

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "Tests"
RUN = f"mbtest-{os.getpid()}"
BPFFS = pathlib.Path("/sys/fs/bpf")


def cgroup2_mount() -> pathlib.Path:
    """Where cgroup v2 is mounted, from mountinfo: alone, or beside version 1."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if tail.split()[0] == "cgroup2":
            return pathlib.Path(head.split()[4])
    raise RuntimeError("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")


def binary(name: str) -> str:
    """An executable from MODELBROKER_BIN, or from the debug build."""
    directory = pathlib.Path(os.environ.get("MODELBROKER_BIN", ROOT / ".build" / "debug")).resolve()
    path = directory / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run make build, or set MODELBROKER_BIN")
    return str(path)


#: The kernel may well give the same one twice while nobody listens there yet.
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago, and that nobody has been told of before."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
