"""Callers that together ask for more than a limit allows, and what a limit should make of that."""

import json
import pathlib
import subprocess
import sys
import time
from dataclasses import dataclass

from .processes import STARTED, enter

OFFER = str(pathlib.Path(__file__).with_name("offer.py"))


@dataclass
class Answer:
    """Times are of CLOCK_MONOTONIC, in seconds, which all processes share."""

    sent: float
    received: float
    status: int
    fields: dict
    error: dict | None


class Load:
    """Processes that each offer requests for a model. Each `place` is (host, port, cgroup or None)."""

    def __init__(self, model: str, places, rate: float, connections: int = 4):
        self.children = []
        try:
            for host, port, cgroup in places:
                what = {"host": host, "port": port, "model": model, "rate": rate / len(places), "connections": connections}
                child = subprocess.Popen(
                    [sys.executable, OFFER, json.dumps(what)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    preexec_fn=enter(cgroup, None))
                STARTED.append(child)
                self.children.append(child)
            for child in self.children:
                assert child.stdout.readline() == "ready\n"
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> "Load":
        """All begin at the same moment."""
        self.began = time.monotonic() + 0.05
        for child in self.children:
            child.stdin.write(f"{self.began}\n")
            child.stdin.flush()
        return self

    def __exit__(self, *_):
        self.kill()

    def go_on_for(self, seconds: float) -> None:
        """Lets them ask; the time asked for is the time measured."""
        time.sleep(seconds)

    def finish(self) -> list[list[Answer]]:
        """Ends them; what each was answered."""
        for child in self.children:
            child.stdin.close()
        results = []
        for child in self.children:
            report = json.loads(child.stdout.read())
            assert child.wait(20) == 0 and not report["failures"], report["failures"]
            results.append([Answer(*answer) for answer in report["answers"]])
        return results

    def kill(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait(10)
            for stream in (child.stdin, child.stdout):
                stream.close()


def lost(times: list[float], rate: float, burst: int) -> float:
    """Units that overflowed a bucket because nobody asked for longer than it takes to fill: a busy machine's pauses."""
    gaps = (later - earlier for earlier, later in zip(times, times[1:]))
    return sum(max(0.0, gap * rate - burst) for gap in gaps)


def check_rate(times_admitted, times_asked, rate: float, burst: float, began: float, ended: float, room: int) -> None:
    """Asserts that from `began` to `ended` the limit admitted rate x time + `burst` within 2 %.

    `times_asked`, of everything asked for then, has to be well above the limit; `room` is what the bucket holds at most.
    """
    asked = sorted(time for time in times_asked if began <= time <= ended)
    admitted = sum(began <= time <= ended for time in times_admitted)
    seconds = ended - began
    due = rate * seconds + burst
    idle = lost(asked, rate, room)
    assert len(asked) > 1.2 * due, f"only {len(asked)} were asked for where {due:.0f} are allowed: nothing was tried"
    assert admitted <= 1.02 * due + 1, f"{admitted} admitted in {seconds:.3f} s, {due:.1f} are due"
    assert admitted >= 0.98 * (due - idle) - 1, f"{admitted} admitted in {seconds:.3f} s, {due:.1f} are due, {idle:.1f} idle"
