"""Containers under runc, made as a container runtime makes them of a pod's manifest."""

import itertools
import json
import os
import pathlib
import subprocess

from . import cgroups
from .places import RUN, cgroup2_mount
from .processes import STARTED, run
from .waiting import eventually

_numbers = itertools.count(1)
#: As /proc/PID/status numbers them; `privileged` gives all that this process has.
_NAMES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
    SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
_MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug",
           "/proc/scsi", "/sys/firmware"]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def capability_names(mask: int) -> list[str]:
    return [name for number, name in enumerate(_NAMES) if mask >> number & 1]


def all_capabilities() -> list[str]:
    status = pathlib.Path("/proc/self/status").read_text()
    return capability_names(int(status.split("CapBnd:")[1].split()[0], 16))


def mount(destination, kind, source=None, *options) -> dict:
    return {"destination": destination, "type": kind, "source": str(source or kind), "options": list(options)}


def _usual_mounts(privileged: bool) -> list[dict]:
    access = "rw" if privileged else "ro"
    return [
        mount("/proc", "proc", None, "nosuid", "noexec", "nodev"),
        mount("/dev", "tmpfs", None, "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", None, "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        mount("/sys", "sysfs", None, "nosuid", "noexec", "nodev", access),
        mount("/sys/fs/cgroup", "cgroup", None, "nosuid", "noexec", "nodev", "relatime", access),
    ]


def specification(container: dict, sources: dict[str, pathlib.Path], netns: str, cgroup: str, command=None,
                  without=(), own_cgroups=False, own_processes=True) -> dict:
    """The runtime's configuration for a container of a manifest.

    `sources`: what is mounted for each volume; `cgroup`: its path below the cgroup mounts; `without`: capabilities that the
    manifest gives and this container does not get; `own_cgroups`, `own_processes`: it gets such a namespace.
    """
    security = container["securityContext"]
    privileged = security.get("privileged", False)
    given = all_capabilities() if privileged else security["capabilities"]["add"]
    capabilities = [f"CAP_{name}" for name in given if name not in without]
    mounts = _usual_mounts(privileged)
    for volume in container["volumeMounts"]:
        mounts = [other for other in mounts if other["destination"] != volume["mountPath"]]
        access = "ro" if volume.get("readOnly") else "rw"
        mounts.append(mount(volume["mountPath"], "bind", sources[volume["name"]], "rbind", "rprivate", access))
    return {
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs", "readonly": security.get("readOnlyRootFilesystem", False)},
        "process": {
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]}, "cwd": "/", "args": command,
            "env": ["PATH=/usr/sbin:/usr/bin"],
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": not security.get("allowPrivilegeEscalation", True),
        },
        "mounts": mounts,
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [{"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network", "path": f"/run/netns/{netns}"},
                           *([{"type": "cgroup"}] if own_cgroups else []), *([{"type": "pid"}] if own_processes else [])],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": [] if privileged else _MASKED, "readonlyPaths": [] if privileged else _READ_ONLY,
        },
    }


class Container:
    """One that runs under runc, with a state directory of its own."""

    #: What runc is started with.
    launcher: list[str] = []

    def __init__(self, directory: pathlib.Path, rootfs: pathlib.Path, spec: dict):
        self.name = f"{RUN}-{next(_numbers)}"
        self.bundle = directory / self.name
        self.state = directory / "runc"
        self.log = self.bundle / "log"
        self.bundle.mkdir()
        self.cgroup = spec["linux"]["cgroupsPath"]
        spec = spec | {"root": spec["root"] | {"path": str(rootfs)}}
        (self.bundle / "config.json").write_text(json.dumps(spec))
        self.popen: subprocess.Popen | None = None

    def _command(self, *arguments) -> list[str]:
        return [*self.launcher, "runc", "--root", str(self.state), *map(str, arguments)]

    def start(self) -> "Container":
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                self._command("run", "--bundle", self.bundle, self.name), stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, cwd="/")
        STARTED.append(self.popen)
        return self

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self, timeout: float = 30) -> int:
        return self.popen.wait(timeout)

    @property
    def pid(self) -> int:
        """Of its first process, as the node sees it."""
        return json.loads(run(self._command("state", self.name)).stdout)["pid"]

    def execute(self, *arguments, check: bool = True):
        """Runs a command in the container."""
        return run(self._command("exec", self.name, *arguments), check=check)

    def remove(self) -> None:
        """Ends it and takes away what runc made for it, in whatever state it is."""
        run(self._command("delete", "--force", self.name), check=False)
        if self.popen:
            eventually(lambda: not self.running, 20, f"the end of {self.name}; {self.log.read_text()}")
        cgroups.remove_version1(self.cgroup)


class ShimmedContainer(Container):
    """One as it is on a node of today: runc finds cgroups of version 2 and no other, and does not stay to pass its output on."""

    launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                f'mount --bind {cgroup2_mount()} /sys/fs/cgroup && exec "$@"', "sh"]

    def start(self) -> "ShimmedContainer":
        with open(self.log, "ab") as out:
            command = self._command("run", "--detach", "--bundle", self.bundle, self.name)
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd="/", check=True)
        return self

    @property
    def running(self) -> bool:
        state = run(self._command("state", self.name), check=False)
        return state.returncode == 0 and json.loads(state.stdout)["status"] == "running"

    def wait(self, timeout: float = 30) -> None:
        """Nobody is told how it ended."""
        eventually(lambda: not self.running, timeout, lambda: f"the end of {self.name}; {self.output()}", 0.1)


def hosts_root(directory: pathlib.Path) -> tuple[pathlib.Path, list[dict]]:
    """A root for a container that runs this machine's programs, and the mounts that it takes."""
    directory.mkdir()
    mounts = []
    for name in ("bin", "etc", "lib", "lib64", "usr"):
        path = pathlib.Path("/") / name
        if path.is_symlink():
            (directory / name).symlink_to(os.readlink(path))
        elif path.exists():
            mounts.append(mount(str(path), "bind", path, "rbind", "rprivate", "ro"))
    return directory, mounts


def application(netns: str, cgroup: str, mounts: list[dict], command: list[str]) -> dict:
    """The specification of a container that calls a model: no powers, a network namespace of its own."""
    container = {"securityContext": {"runAsUser": 65534, "runAsGroup": 65534, "capabilities": {"add": []},
                                     "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}, "volumeMounts": []}
    spec = specification(container, {}, netns, cgroup, command)
    spec["mounts"] += mounts
    return spec
