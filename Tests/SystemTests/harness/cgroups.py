"""cgroups made for a test, and everything in them ended when they go."""

import errno
import itertools
import os
import pathlib
import signal

from .places import RUN, cgroup2_mount, cgroup_mounts
from .waiting import eventually

_numbers = itertools.count(1)


def make() -> pathlib.Path:
    """A new cgroup directly below the mount."""
    path = cgroup2_mount() / f"{RUN}-{next(_numbers)}"
    path.mkdir()
    return path


def below_mount(path: pathlib.Path) -> str:
    """The path as configurations and reports write it."""
    return "/" + str(path.relative_to(cgroup2_mount()))


def _tree(path: pathlib.Path):
    """The cgroup and those below it, the deepest first."""
    return [pathlib.Path(directory) for directory, _, _ in os.walk(path, topdown=False)]


def members(path: pathlib.Path) -> list[int]:
    """Processes in the cgroup and below it."""
    pids = []
    for directory in _tree(path):
        try:
            pids += [int(line) for line in (directory / "cgroup.procs").read_text().split()]
        # ENODEV: it was removed between opening and reading.
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
    return pids


def remove(path: pathlib.Path) -> None:
    """Ends the processes in it (they are ours: nobody else knows the cgroup) and removes it."""
    if not path.exists():
        return
    for pid in members(path):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    eventually(lambda: not members(path), 10, f"{path} being empty")
    for directory in _tree(path):
        directory.rmdir()


def make_version1(controller: str) -> pathlib.Path:
    """A new cgroup of a hierarchy of version 1."""
    path = pathlib.Path("/sys/fs/cgroup") / controller / f"{RUN}-{next(_numbers)}"
    path.mkdir()
    return path


def remove_version1(path: str) -> None:
    """Removes a path of this run from the hierarchies of version 1, where a container runtime puts it, too, beside version 2;
    and what leads to it, unless something else is there."""
    below = pathlib.PurePosixPath(path.lstrip("/"))
    assert below.parts[0].startswith(f"{RUN}-"), path
    for mount in cgroup_mounts():
        if mount == cgroup2_mount():
            continue
        for directory in [mount / below, *(mount / parent for parent in below.parents[:-1])]:
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                break
