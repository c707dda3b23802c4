"""Child processes: started in a cgroup and network namespace, stopped by their own pid, their output kept."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

#: Every process started in this run, so that the end of the session can tell whether one is left.
STARTED: list[subprocess.Popen] = []


def is_running(pid: int | str) -> bool:
    """It is there, and not one that has ended and whose parent has yet to ask how."""
    try:
        return "State:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    # Gone, or gone between opening and reading.
    except (FileNotFoundError, ProcessLookupError):
        return False


def enter(cgroup: pathlib.Path | None, netns: str | None, user: str | None = None):
    """A function for between fork and exec: joins the cgroup, then the namespace, then becomes the user."""
    procs = str(cgroup / "cgroup.procs") if cgroup else None
    ids = None
    if user:
        import pwd

        entry = pwd.getpwnam(user)
        ids = (entry.pw_uid, entry.pw_gid)

    def run():
        if procs:
            with open(procs, "w") as file:
                file.write("0")
        if netns:
            descriptor = os.open(f"/run/netns/{netns}", os.O_RDONLY)
            if _libc.setns(descriptor, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {netns}")
            os.close(descriptor)
        if ids:
            os.setgroups([])
            os.setgid(ids[1])
            os.setuid(ids[0])

    return run


class Process:
    """A child whose output goes to a file, and which `stop` always ends."""

    def __init__(self, arguments, log: pathlib.Path, cgroup=None, netns=None, user=None, env=None, pass_fds=()):
        self.arguments = [str(argument) for argument in arguments]
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, pass_fds=pass_fds,
                preexec_fn=enter(cgroup, netns, user), env=env, cwd="/")
        STARTED.append(self.popen)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        if self.running:
            self.popen.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(30)

    def wait(self, timeout: float = 30) -> int:
        return self.popen.wait(timeout)

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM, and SIGKILL when that is not heard. Returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.popen.returncode


def run(arguments, cgroup=None, netns=None, user=None, timeout: float = 60, check: bool = True, env=None, input=None):
    """Runs a command to its end, in a cgroup and namespace; text output is captured."""
    result = subprocess.run(
        [str(argument) for argument in arguments], capture_output=True, text=True, timeout=timeout, env=env, input=input,
        preexec_fn=enter(cgroup, netns, user))
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


@contextlib.contextmanager
def without_descriptors(pid: int, user: str | None = None, but: int = 0):
    """Not one more than it has, but so many. Only root with CAP_SYS_RESOURCE may set the limits of another user's process; the user itself may."""

    def limit(number: int):
        run(["prlimit", "--pid", pid, f"--nofile={number}:"], user=user)

    with open(f"/proc/{pid}/limits") as limits:
        before = next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    limit(but + next(number for number in range(len(used) + 1) if number not in used))
    try:
        yield
    finally:
        limit(before)
