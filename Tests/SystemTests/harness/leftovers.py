"""Whether anything of this run is still there."""

import os
import pathlib

from .places import BPFFS, RUN, cgroup_mounts
from .processes import STARTED, run


def _mine(name: str) -> bool:
    return name == RUN or name.startswith(RUN + "-")


def find() -> list[str]:
    """Pins, cgroups, namespaces, devices and processes that this run made and left, in words."""
    left = [f"pins {path}" for path in BPFFS.iterdir() if _mine(path.name)] if BPFFS.is_dir() else []
    left += [f"cgroup {path}" for mount in cgroup_mounts() for path in mount.iterdir() if _mine(path.name)]
    names = pathlib.Path("/run/netns")
    left += [f"namespace {path.name}" for path in names.iterdir() if _mine(path.name)] if names.is_dir() else []
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    left += [f"mount {line.split()[4]}" for line in mounts if f"/{RUN}-" in line.split()[4]]
    left += [f"process {child.pid} {child.args}" for child in STARTED if child.poll() is None]
    left += _strangers()
    if "mbv" in run(["ip", "-o", "link"], check=False).stdout:
        left.append("a veth device of the tests in the host's namespace")
    return left


def _strangers() -> list[str]:
    """Processes that are no children of ours, but have our name in their command line: an agent's proxy."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if f"/{RUN}-" in command and "modelbroker" in command:
            found.append(f"process {entry.name} {command}")
    return found
