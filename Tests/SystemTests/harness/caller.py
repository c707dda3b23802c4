"""A process in a captured cgroup that dials on request and hands the connected socket over.

The connection is made by that process: the kernel attests its pid, command and cgroup. The test then reads and
writes the socket itself.
"""

import array
import json
import os
import pathlib
import socket
import subprocess
import sys

from .processes import STARTED, enter

DIALLER = str(pathlib.Path(__file__).with_name("dialler.py"))


class Dialled:
    """What came of one connect(): the socket, or the errno."""

    def __init__(self, answer: dict, connection: socket.socket | None):
        self.errno = answer["errno"]
        self.seconds = answer["seconds"]
        self.peer = tuple(answer["peer"]) if answer["peer"] else None
        self.local = tuple(answer["local"]) if answer["local"] else None
        self.socket = connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()


class Caller:
    """The test's end of such a process."""

    def __init__(self, cgroup: pathlib.Path, netns: str | None = None, user: str | None = None):
        ours, theirs = socket.socketpair()
        self.cgroup = cgroup
        self.popen = subprocess.Popen(
            [sys.executable, DIALLER, str(theirs.fileno()), user or ""], pass_fds=[theirs.fileno()],
            preexec_fn=enter(cgroup, netns))
        STARTED.append(self.popen)
        theirs.close()
        self._link = ours

    @property
    def pid(self) -> int:
        return self.popen.pid

    def dial(self, host: str, port: int, family: int | None = None, kind: str = "tcp", timeout: float = 10) -> Dialled:
        """connect() to the address; the answer says how long it took. `timeout` seconds for the call itself."""
        if family is None:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
        request = {"host": host, "port": port, "family": int(family), "kind": kind, "timeout": timeout}
        self._link.sendall(json.dumps(request).encode() + b"\n")
        self._link.settimeout(timeout + 10)
        data, control, _, _ = self._link.recvmsg(65536, socket.CMSG_SPACE(4))
        answer = json.loads(data)
        connection = None
        for level, kind_, payload in control:
            if level == socket.SOL_SOCKET and kind_ == socket.SCM_RIGHTS:
                descriptors = array.array("i", payload[:4])
                connection = socket.socket(fileno=descriptors[0])
                connection.settimeout(15)
        return Dialled(answer, connection)

    def connect(self, host: str, port: int, **options) -> socket.socket:
        """A connected socket; OSError with connect's errno if it failed."""
        dialled = self.dial(host, port, **options)
        if dialled.errno:
            raise OSError(dialled.errno, f"{os.strerror(dialled.errno)}: {host}:{port}")
        return dialled.socket

    def close(self):
        self._link.close()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(30)
