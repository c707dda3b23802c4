"""A Debian machine with systemd as its first process: a container with cgroups, a network and a BPF file system of its own."""

import contextlib
import pathlib
import platform

from . import bpffs, cgroups
from .containers import Container, all_capabilities, mount
from .netns import Namespace
from .places import BPFFS
from .processes import run
from .waiting import eventually


def install(root: pathlib.Path, *packages: str) -> None:
    """A minimal system of this machine's release with these packages, from where this machine has its own."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    sources = run(["apt-cache", "policy", "base-files"]).stdout.split()
    mirror = sources[sources.index(f"{release}/main") - 1]
    run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", release, root, mirror], timeout=1200)


def _specification(bpf: pathlib.Path, network: str, cgroup: str) -> dict:
    capabilities = [f"CAP_{name}" for name in all_capabilities()]
    return {
        "ociVersion": "1.0.2", "root": {"path": "rootfs"},
        "process": {
            "user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/lib/systemd/systemd"],
            "env": ["PATH=/usr/sbin:/usr/bin", "container=oci"],
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
        },
        "mounts": [
            mount("/proc", "proc", None, "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", None, "nosuid", "mode=755"),
            mount("/dev/pts", "devpts", None, "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
            mount("/dev/shm", "tmpfs", None, "mode=1777"),
            mount("/sys", "sysfs", None, "nosuid", "noexec", "nodev"),
            # Of the container's cgroup namespace: what systemd and the agent take for the root is the test's.
            mount("/sys/fs/cgroup", "cgroup2", None, "nosuid", "noexec", "nodev"),
            mount(str(BPFFS), "bind", bpf, "rbind", "rprivate"),
            mount("/run", "tmpfs", None, "mode=755"),
            mount("/tmp", "tmpfs", None, "mode=1777"),
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [*({"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")),
                           {"type": "network", "path": f"/run/netns/{network}"}],
            "resources": {"devices": [{"allow": True, "access": "rwm"}]},
        },
    }


class Machine:
    """Up from its making until `stack` closes."""

    def __init__(self, directory: pathlib.Path, root: pathlib.Path, stack: contextlib.ExitStack):
        self.root = root
        self.cgroup = cgroups.make()
        stack.callback(cgroups.remove, self.cgroup)
        self.network = Namespace()
        stack.callback(self.network.remove)
        self.bpffs = directory / "bpffs"
        self.bpffs.mkdir()
        bpffs.mount_at(self.bpffs)
        stack.callback(run, ["umount", self.bpffs])
        spec = _specification(self.bpffs, self.network.name, cgroups.below_mount(self.cgroup) + "/machine")
        self.container = Container(directory, root, spec)
        stack.callback(self.container.remove)
        self.container.start()
        eventually(self._is_up, 60, lambda: f"systemd being up: {self.container.output()}", 0.2)

    def _is_up(self) -> bool:
        assert self.container.running, self.container.output()
        return self.sh("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def sh(self, script: str, check: bool = True):
        return self.container.execute("/bin/sh", "-c", script, check=check)

    def files(self) -> set[str]:
        """Every name on its disk; not what is mounted."""
        return set(self.sh("find / -xdev").stdout.split("\n"))
