"""What the machine itself was late by: so that a bound on time is a bound of the broker's, not of whoever runs the tests."""

import functools
import os
import threading
import time

from .waiting import eventually

TICK = 0.002


class Stalls:
    """While it is entered, notes when a CPU did not run what was due: a thread on each sleeps for a moment again and again."""

    def __init__(self):
        #: By CPU: [(from, until)] of CLOCK_MONOTONIC, in seconds; each a sleep that took longer than twice its time.
        self.gaps: dict[int, list[tuple[float, float]]] = {}

    def __enter__(self) -> "Stalls":
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(cpu,), daemon=True) for cpu in os.sched_getaffinity(0)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    def _watch(self, cpu: int) -> None:
        # Of this thread alone.
        os.sched_setaffinity(0, {cpu})
        gaps, last = self.gaps.setdefault(cpu, []), time.monotonic()
        while not self._over.is_set():
            time.sleep(TICK)
            now = time.monotonic()
            if now - last > 2 * TICK:
                gaps.append((last + TICK, now))
            last = now

    def within(self, began: float, ended: float) -> float:
        """Seconds of that time for which one CPU stood still: the one that did so longest."""
        return max((sum(max(0.0, min(until, ended) - max(since, began)) for since, until in list(gaps))
                    for gaps in list(self.gaps.values())), default=0.0)

    @property
    def largest(self) -> float:
        """The longest time for which a CPU stood still, in seconds."""
        return max((until - since for gaps in list(self.gaps.values()) for since, until in list(gaps)), default=0.0)


def undisturbed(measurement, tolerated: float, attempts: int = 4, before_again=lambda: None):
    """What `measurement()` returns. Where it fails, and the machine stood still for longer than `tolerated` seconds meanwhile, it is
    made again, after `before_again()`: what counts is a failure without that, or the last one."""
    while True:
        attempts -= 1
        try:
            with Stalls() as stalls:
                return measurement()
        except AssertionError as error:
            if not attempts or stalls.largest <= tolerated:
                raise
            print(f"measured again, since the machine stood still for {stalls.largest * 1000:.0f} ms: {str(error)[:200]}")
            before_again()


def measured(test):
    """A test that, when it fails and the machine stood still meanwhile, is made again from the beginning. Its `engine`, if it has
    one, has nothing under way then, and knows of nothing."""

    @functools.wraps(test)
    def again(**fixtures):
        def settle():
            if engine := fixtures.get("engine"):
                eventually(lambda: engine.service()["running"] == engine.service()["waiting"] == 0, 30, "the engine being idle")
                engine.forget_served()

        return undisturbed(lambda: test(**fixtures), 0.04, before_again=settle)

    return again
