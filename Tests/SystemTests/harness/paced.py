"""Exchanges with a body that is offered at a pace, and how much of it arrives."""

import json
import pathlib
import subprocess
import sys

from .processes import STARTED, enter

PROGRAM = str(pathlib.Path(__file__).with_name("pacing.py"))


class End:
    """One end as a process in a namespace: `listen` or `dial`, and `pace` in bytes a second if it is the one that sends."""

    def __init__(self, netns: str, cgroup: pathlib.Path | None = None, **what):
        self.child = subprocess.Popen(
            [sys.executable, PROGRAM, json.dumps(what)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=enter(cgroup, netns))
        STARTED.append(self.child)
        if "listen" in what:
            self.url = "http://" + self._line().removeprefix("listening on ")

    def _line(self) -> str:
        line = self.child.stdout.readline()
        assert line, f"this end of the flow ended with {self.child.wait(30)}"
        return line.strip()

    def now(self) -> tuple[float, float]:
        """The time, and the bytes that were to be sent, or have arrived, by then."""
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return tuple(json.loads(self._line()))

    def close(self) -> None:
        self.child.kill()
        self.child.wait(30)
        for stream in (self.child.stdin, self.child.stdout):
            stream.close()
