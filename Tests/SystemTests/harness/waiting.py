"""Waiting for a condition, never for a time."""

import time


def eventually(condition, timeout: float = 5.0, what: str = "", interval: float = 0.01):
    """Polls until `condition()` is true and returns its value; AssertionError at the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what or 'the condition'} did not come true in {timeout} s; last: {value!r}")
        time.sleep(interval)
