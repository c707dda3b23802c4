"""What runs that were killed have left: nobody but a later run can take it away."""

import os
import pathlib
import re
import shutil
import signal
import tempfile

from . import cgroups
from .places import BPFFS, MARK, cgroup2_mount, cgroup_mounts
from .processes import run
from .waiting import eventually

_NAME = re.compile(r"(mbtest-(\d+))(-|$)")


def remove() -> list[str]:
    """Takes it away; returns the names of the runs. Those that still go on keep what is theirs."""
    runs = sorted({name for place in _places() for name in _runs(place)})
    dead = [name for name in runs if not _lives(int(name.rpartition("-")[2]))]
    for name in dead:
        _end_processes(name)
        for path in _named(cgroup2_mount(), name):
            cgroups.remove(path)
        for path in _named(pathlib.Path("/run/netns"), name):
            run(["ip", "netns", "delete", path.name], check=False)
        for path in _named(BPFFS, name):
            shutil.rmtree(path, ignore_errors=True)
        for mount in cgroup_mounts():
            for path in _named(mount, name):
                _remove_empty(path)
        _unmount(name)
        for path in _named(pathlib.Path(tempfile.gettempdir()), name):
            shutil.rmtree(path, ignore_errors=True)
    return dead


def _places() -> list[pathlib.Path]:
    return [BPFFS, pathlib.Path("/run/netns"), pathlib.Path(tempfile.gettempdir()), *cgroup_mounts()]


def _runs(place: pathlib.Path) -> set[str]:
    found = (_NAME.match(path.name) for path in place.iterdir()) if place.is_dir() else ()
    return {match[1] for match in found if match}


def _named(place: pathlib.Path, name: str) -> list[pathlib.Path]:
    return [path for path in place.iterdir() if f"{path.name}-".startswith(f"{name}-")] if place.is_dir() else []


def _lives(pid: int) -> bool:
    """Another program under the same number is none of ours."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().startswith(("python", "pytest"))
    except OSError:
        return False


def _end_processes(name: str) -> None:
    """Children inherit the run's mark; an agent's proxy does not, but is in a cgroup of the run."""
    pids = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and _is_marked(entry, name)]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    eventually(lambda: not any(_is_marked(pathlib.Path(f"/proc/{pid}"), name) for pid in pids), 10, f"the processes of {name} ending")


def _is_marked(process: pathlib.Path, name: str) -> bool:
    try:
        return f"{MARK}={name}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _unmount(name: str) -> None:
    """The deepest first."""
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if re.search(rf"/{name}[-/]", mount + "/")), reverse=True):
        run(["umount", mount], check=False)


def _remove_empty(path: pathlib.Path) -> None:
    """A cgroup of version 1, whose processes have been ended."""
    for directory, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            return
