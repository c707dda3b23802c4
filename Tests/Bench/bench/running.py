"""Processes, cgroups and network namespaces of a run; everything that was made is taken away by `close`."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILT = ROOT / ".build" / "bench"
PEERS = ROOT / "Tests" / "Bench" / "peers"
NAME = f"mbbench-{os.getpid()}"
BPFFS = pathlib.Path("/sys/fs/bpf")
CORES = os.cpu_count() or 1
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def unmount_bpffs() -> None:
    """Takes the BPF file system away that an agent has mounted, unless there is more in it than the kernel's own files."""
    if BPFFS.is_mount() and {path.name for path in BPFFS.iterdir()} <= {"maps.debug", "progs.debug"}:
        run("umount", BPFFS, check=False)


class BenchError(Exception):
    """Something that the run needs did not work; the message says what."""


def cgroup2_mount() -> pathlib.Path:
    """Where cgroup v2 is mounted: alone, or beside version 1."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if tail.split()[0] == "cgroup2":
            return pathlib.Path(head.split()[4])
    raise BenchError("cgroup v2 is not mounted")


def free_port() -> int:
    """A TCP port that was free a moment ago and that the kernel does not hand out to callers: they use up many."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in range(free_port.next, low):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free_port.next = port + 1
        return port
    raise BenchError(f"no free port from {free_port.next} to {low}")


free_port.next = 19000 + os.getpid() % 8000


def eventually(condition, seconds: float, what: str):
    """Polls until the condition gives something true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def raise_descriptor_limit() -> None:
    """For this process and all that it starts; without the right to, the hard limit has to do."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (65536, max(65536, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident_kib(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def children(pid: int) -> list[int]:
    """The process's children and theirs."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *children(child)]
    return found


class Scope:
    """What was made, in order; the reverse of it takes it away."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def defer(self, body, *arguments) -> None:
        self._stack.callback(body, *arguments)

    def start(self, name: str, *arguments, netns: str | None = None, **options) -> subprocess.Popen:
        """A process that ends with the scope, with its output in a file of its own; not in our process group, so that
        ctrl-C comes to the bench alone."""
        log = open(self.directory / f"{name}.log", "ab")
        prefix = ["ip", "netns", "exec", netns] if netns else []
        process = subprocess.Popen(
            [*prefix, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=os.environ | {"PATH": PATH}, **options)
        log.close()
        process.log = self.directory / f"{name}.log"
        self.defer(stop, process)
        return process

    def listening(self, process: subprocess.Popen, port: int, seconds: float = 20) -> None:
        def up():
            if process.poll() is not None:
                raise BenchError(f"{process.args[0]} ended: {process.log.read_text(errors='replace')[-2000:]}")
            return accepts(port)
        eventually(up, seconds, f"{process.args[0]} accepting on {port}")

    def cgroup(self, name: str) -> pathlib.Path:
        path = cgroup2_mount() / name
        path.mkdir()
        self.defer(remove_cgroup, path)
        return path

    def netns(self, name: str) -> str:
        run("ip", "netns", "add", name)
        self.defer(run, "ip", "netns", "del", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        return name


def run(*arguments, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess:
    result = subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, timeout=timeout, env=os.environ | {"PATH": PATH})
    if check and result.returncode:
        raise BenchError(f"{' '.join(map(str, arguments))}: {(result.stderr or result.stdout).strip()}")
    return result


def stop(process: subprocess.Popen) -> None:
    """Ends it and whatever it started that is still there."""
    family = children(process.pid)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            if pathlib.Path(f"/proc/{pid}/stat").exists():
                os.kill(pid, signal.SIGKILL)


def members(path: pathlib.Path) -> list[int]:
    pids = []
    for directory, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            pids += map(int, (pathlib.Path(directory) / "cgroup.procs").read_text().split())
    return pids


def remove_cgroup(path: pathlib.Path) -> None:
    """With all below it; processes in it are ours, nobody else knows it."""
    if not path.exists():
        return
    for pid in members(path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not members(path), 10, f"{path} being empty")
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)


def found_program(name: str) -> str:
    path = shutil.which(name, path=PATH)
    if not path:
        raise BenchError(f"{name} is not installed")
    return path
