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

    def __init__(self, model: str, places, rate: float, connections: int = 16):
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
            report = child.stdout.read()
            assert child.wait(20) == 0, f"a caller ended with {child.returncode}; what it said is on standard error"
            results.append([Answer(*answer) for answer in json.loads(report)])
        return results

    def kill(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait(30)
            for stream in (child.stdin, child.stdout):
                stream.close()


def ideal(times, rates, burst: float) -> list[float]:
    """Which of the requests that came at these times a perfect bucket admits: their times.

    It is what the limit allows less what nobody asked for in time: on a busy machine callers pause, and a bucket holds only
    so much. `rates` is [(from when on, units a second)].
    """
    level, last, admitted = burst, min(times), []
    for time in sorted(times):
        rate = [rate for since, rate in rates if since <= time or since == rates[0][0]][-1]
        level, last = min(burst, level + (time - last) * rate), time
        if level >= 1:
            level -= 1
            admitted.append(time)
    return admitted


def check_rate(admitted, asked, rates, burst: float, window=None, extra: float | None = None) -> None:
    """Asserts that within `window` (by default all of the time) the limit of that time admitted rate x time, and `extra`
    (by default the burst), within 2 %.

    `admitted` and `asked` are all times; `rates` and `burst` as for `ideal`.
    """
    began, ended = window or (min(asked), max(asked))
    rate = [rate for since, rate in rates if since <= began or since == rates[0][0]][-1]
    due = rate * (ended - began) + (burst if extra is None else extra)

    def within(times):
        return sum(began <= time <= ended for time in times)

    count, possible = within(admitted), within(ideal(asked, rates, burst))
    facts = f"{count} of {within(asked)} admitted in {ended - began:.3f} s; {due:.1f} are due, {possible} in a perfect bucket"
    assert within(asked) > 1.1 * due, f"the callers did not ask for more than the limit: {facts}"
    assert count <= 1.02 * due + 1, facts
    assert count >= 0.98 * min(due, possible) - 1, facts
