"""What the rest of the machine did meanwhile."""

import os
import pathlib
import time

from .running import CORES

TICK = os.sysconf("SC_CLK_TCK")


def _times() -> dict[int, tuple[int, float]]:
    """Parent and processor seconds of every process, those of its ended children included."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        found[int(entry)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    return found


def _foreign_seconds() -> float:
    """Of processes that are neither ours nor the kernel's."""
    times = _times()
    ours = {os.getpid()}
    grown = True
    while grown:
        grown = {pid for pid, (parent, _) in times.items() if parent in ours} - ours
        ours |= grown
    return sum(used for pid, (parent, used) in times.items() if pid not in ours and pid != 2 and parent != 2)


class Watch:
    """`with Watch() as w: ...; w.share` is the part of the machine that others used, 0 to 1."""

    def __enter__(self):
        self._began, self._foreign = time.monotonic(), _foreign_seconds()
        self.share = 0.0
        return self

    def __exit__(self, *_):
        used = _foreign_seconds() - self._foreign
        self.share = max(0.0, used / ((time.monotonic() - self._began) * CORES))
