"""Times are measured on a machine that others use as well: what was measured while it stood still is measured again."""

import functools
import os
import pathlib
import time

from .stalls import Stalls
from .waiting import eventually

#: From here on the machine was disturbed: seconds for which it kept somebody waiting who hardly wants anything, and the part of
#: all its time that others had.
LATE, OTHERS = 0.04, 0.1
ATTEMPTS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def busy() -> float:
    """Seconds that all processors have worked."""
    user, nice, system, idle, wait, irq, soft, steal = map(int, pathlib.Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICKS


def own() -> float:
    """Seconds that this process and its descendants have worked, and those that these have waited for."""
    parents, worked = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], worked[pid] = int(fields[1]), sum(map(int, fields[11:15]))

    def is_own(pid: int) -> bool:
        while pid and pid != os.getpid():
            pid = parents.get(pid, 0)
        return pid > 0

    return sum(ticks for pid, ticks in worked.items() if is_own(pid)) / TICKS


class Calm:
    """While it is entered, how the machine treats others than those who use it most."""

    def __enter__(self) -> "Calm":
        self.stalls = Stalls().__enter__()
        self.before = time.monotonic(), busy(), own()
        return self

    def __exit__(self, *_):
        began, all_before, own_before = self.before
        others = (busy() - all_before) - (own() - own_before)
        self.others = max(0.0, others / (time.monotonic() - began) / os.cpu_count())
        self.stalls.__exit__()
        self.late = self.stalls.largest

    @property
    def was_disturbed(self) -> bool:
        return self.late > LATE or self.others > OTHERS

    def __str__(self) -> str:
        return f"{self.late * 1000:.0f} ms late at worst, {self.others:.0%} of it had by others"


def measured(test):
    """A test that, when it fails and the machine was disturbed meanwhile, is made again from the beginning. Its `engine`, if it
    has one, has nothing under way then, and knows of nothing."""

    @functools.wraps(test)
    def again(**fixtures):
        for left in reversed(range(ATTEMPTS)):
            with Calm() as calm:
                try:
                    return test(**fixtures)
                except AssertionError as error:
                    fault = error
            print(f"the machine: {calm}")
            if not left or not calm.was_disturbed:
                raise fault
            print(f"measured again, as it was disturbed: {fault}")
            if engine := fixtures.get("engine"):
                eventually(lambda: engine.service()["running"] == engine.service()["waiting"] == 0, 30, "the engine being idle")
                engine.forget_served()

    return again
