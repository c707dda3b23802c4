"""Processes in captured cgroups that connect at a rate."""

import json
import pathlib
import sys
from dataclasses import dataclass

from .processes import run

PROGRAM = str(pathlib.Path(__file__).with_name("hammer.py"))


@dataclass
class Hammered:
    """`outcomes`: CLOCK_MONOTONIC in seconds, and `ok` or the name of an errno, of each connect()."""

    pid: int
    outcomes: list

    def count(self, outcome: str) -> int:
        return sum(kind == outcome for _, kind in self.outcomes)

    def times(self, outcome: str | None = None) -> list[float]:
        return [time for time, kind in self.outcomes if outcome in (None, kind)]


def hammer(cgroup: pathlib.Path, host: str, port: int, rate: float, seconds: float, least: int = 0) -> Hammered:
    what = {"host": host, "port": port, "rate": rate, "seconds": seconds, "least": least}
    return Hammered(**json.loads(run([sys.executable, PROGRAM, json.dumps(what)], cgroup=cgroup, timeout=seconds + 30).stdout))
