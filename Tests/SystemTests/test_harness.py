"""The harness itself, without a broker: what it makes works, and what it leaves is found."""

import errno
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import pytest
from harness import bpffs, cgroups, dead_runs, leftovers
from harness.http1 import Broken, Connection
from harness.netns import join
from harness.places import BPFFS, cgroup_mounts
from harness.processes import STARTED, is_running, run
from harness.servers import answering, echo


def test_a_caller_dials_from_its_cgroup(make):
    cgroup = make.cgroup()
    caller = make.caller(cgroup)
    assert cgroups.members(cgroup) == [caller.pid]
    server = make.server(echo)
    for host, family in (("127.0.0.1", socket.AF_INET), ("::ffff:127.0.0.1", socket.AF_INET6)):
        with caller.dial(host, server.port, family=family) as call:
            assert call.errno == 0 and call.peer == (host, server.port)
            call.socket.sendall(b"hello")
            assert call.socket.recv(10) == b"hello"
    with caller.dial("127.0.0.1", 1) as call:
        assert call.errno == errno.ECONNREFUSED and call.socket is None
    with pytest.raises(ConnectionRefusedError):
        caller.connect("127.0.0.1", 1)


def test_a_caller_of_another_user(make):
    caller = make.caller(make.cgroup(), user="nobody")
    assert caller.dial("127.0.0.1", 1).errno == errno.ECONNREFUSED
    assert os.stat(f"/proc/{caller.pid}").st_uid != 0


def test_a_removed_cgroup_takes_its_processes_along(make):
    cgroup = cgroups.make()
    (cgroup / "a" / "b").mkdir(parents=True)
    caller = make.caller(cgroup / "a" / "b")
    cgroups.remove(cgroup)
    assert not cgroup.exists() and caller.popen.wait(5) != 0


def test_pods_reach_their_node(make):
    node, pod = make.namespace(), make.namespace()
    join(node, pod)
    cgroup = make.cgroup()
    server = make.caller(cgroup, netns=node.name)
    assert server.popen.poll() is None
    for address in ("10.77.1.1", "fd77:1::1"):
        refused = make.caller(cgroup, netns=pod.name).dial(address, 9, timeout=3)
        assert refused.errno == errno.ECONNREFUSED, "refused by the node, hence reached"
    assert "mbv" not in run(["ip", "-o", "link"]).stdout


def test_leftovers_are_found(make):
    cgroup = make.cgroup()
    namespace = make.namespace()
    found = " ".join(leftovers.find())
    assert str(cgroup) in found and namespace.name in found


#: A run that holds one of each, and waits to be killed.
KILLED = """
import os, sys, tempfile, time
sys.path.insert(0, sys.argv[1])
from harness import bpffs, cgroups
from harness.caller import Caller
from harness.netns import Namespace
from harness.places import BPFFS, RUN
from harness.processes import Process
import pathlib
cgroup = cgroups.make()
(cgroup / "below").mkdir()
inside = Caller(cgroup / "below")
Namespace()
directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{RUN}-"))
outside = Process(["sleep", "1000"], directory / "log")
(directory / "bpffs").mkdir()
bpffs.mount_at(directory / "bpffs")
(BPFFS / f"{RUN}-1" / "maps").mkdir(parents=True)
print(RUN, inside.pid, outside.pid, flush=True)
time.sleep(1000)
"""


def test_what_a_killed_run_leaves_is_taken_away(make):
    ours = make.cgroup()
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(pathlib.Path(__file__).parent)], stdout=subprocess.PIPE, text=True)
    name, *pids = killed.stdout.readline().split()
    assert name not in dead_runs.remove(), "it still runs"
    killed.kill()
    killed.wait(10)
    assert name in dead_runs.remove()
    assert not [pid for pid in pids if is_running(pid)]
    places = [BPFFS, pathlib.Path("/run/netns"), pathlib.Path(tempfile.gettempdir()), *cgroup_mounts()]
    assert not [path for place in places for path in place.iterdir() if path.name.startswith(f"{name}-")]
    assert f"/{name}-" not in pathlib.Path("/proc/self/mountinfo").read_text()
    assert ours.exists()


#: A run that shares a mount point with others, until it is told to end.
SHARING = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from harness.bpffs import Shared
shared = Shared(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
shared.claim()
print("claimed", flush=True)
sys.stdin.readline()
shared.release()
"""


class SharedMount:
    """A mount point of the test's own, and runs that share it."""

    def __init__(self, directory, stack):
        self.path, self.notes, self.stack = directory / "shared", directory / "notes", stack
        self.path.mkdir()
        stack.callback(self.unmount)

    def run(self) -> subprocess.Popen:
        arguments = [sys.executable, "-c", SHARING, str(pathlib.Path(__file__).parent), str(self.path), str(self.notes)]
        process = self.stack.enter_context(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.stack.callback(process.kill)
        STARTED.append(process)
        return process

    def claimed(self) -> subprocess.Popen:
        process = self.run()
        assert process.stdout.readline() == "claimed\n"
        return process

    @staticmethod
    def end(process):
        process.communicate("\n", timeout=20)
        assert process.returncode == 0

    @staticmethod
    def kill(process):
        process.kill()
        process.wait(20)

    @property
    def mounts(self) -> int:
        lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        return sum(line.split()[4] == str(self.path) for line in lines)

    def unmount(self):
        for _ in range(self.mounts):
            run(["umount", self.path])


@pytest.fixture
def shared_mount(module_directory, local_stack):
    return SharedMount(pathlib.Path(tempfile.mkdtemp(dir=module_directory)), local_stack)


def test_the_last_of_several_runs_unmounts(shared_mount):
    first, second = shared_mount.claimed(), shared_mount.claimed()
    assert shared_mount.mounts == 1
    shared_mount.end(first)
    third = shared_mount.claimed()
    shared_mount.end(second)
    assert shared_mount.mounts == 1
    shared_mount.end(third)
    assert shared_mount.mounts == 0 and not shared_mount.notes.exists()


def test_runs_that_begin_at_once_mount_once(shared_mount):
    runs = [shared_mount.run() for _ in range(8)]
    for process in runs:
        assert process.stdout.readline() == "claimed\n"
    assert shared_mount.mounts == 1
    for process in runs[1:]:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in runs[1:]:
        shared_mount.end(process)
    assert shared_mount.mounts == 1
    shared_mount.end(runs[0])
    assert shared_mount.mounts == 0 and not shared_mount.notes.exists()


def test_the_next_run_inherits_from_a_killed_one(shared_mount):
    shared_mount.kill(shared_mount.claimed())
    assert shared_mount.mounts == 1
    heir = shared_mount.claimed()
    shared_mount.kill(shared_mount.claimed())
    shared_mount.end(heir)
    assert shared_mount.mounts == 0 and not shared_mount.notes.exists()


def test_the_mount_of_somebody_else_stays(shared_mount):
    shared_mount.kill(shared_mount.claimed())
    shared_mount.unmount()
    run(["mount", "-t", "bpf", "bpf", shared_mount.path])
    shared_mount.end(shared_mount.claimed())
    assert shared_mount.mounts == 1 and not shared_mount.notes.exists()


def test_a_mount_with_pins_stays_until_they_have_gone(shared_mount):
    ours = shared_mount.claimed()
    pin = shared_mount.path / "somebody's"
    pin.mkdir()
    shared_mount.end(ours)
    assert shared_mount.mounts == 1 and pin.exists()
    next_one = shared_mount.claimed()
    pin.rmdir()
    shared_mount.end(next_one)
    assert shared_mount.mounts == 0 and not shared_mount.notes.exists()


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"])
def test_a_broken_answer_is_seen_as_broken(make, answer):
    server = make.server(answering(answer, 1))
    with Connection.to(server.host, server.port) as connection, pytest.raises(Broken):
        connection.request("GET", "/")
