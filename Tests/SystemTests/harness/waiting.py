"""Waiting for a condition, never for a time."""

import time


def eventually(condition, timeout: float = 20, what="", interval: float = 0.01):
    """Polls until `condition()` is true and returns its value; AssertionError at the deadline. `what` may be a function that
    says then how things stand."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"{what or 'the condition'} did not come true in {timeout} s; last: {value!r}")
        time.sleep(interval)
