"""The cases and one measurement of one contender in one of them."""

import dataclasses
import json
import subprocess
import time

from .contenders import Contender
from .machine import Watch
from .running import BUILT, CORES, BenchError, resident_kib


@dataclasses.dataclass(frozen=True)
class Case:
    key: str
    title: str
    mode: str  # closed, open or stream
    connections: int
    rate: int = 0
    input: int = 1024
    output: int = 1024
    full_only: bool = False
    unit: str = "request"
    step: int = 1  # ms between the steps in which streams get their events


CASES = [
    Case("closed-1k-1", "1 KiB JSON, closed loop, 1 connection", "closed", 1),
    Case("closed-1k-32", "1 KiB JSON, closed loop, 32 connections", "closed", 32),
    Case("closed-1k-256", "1 KiB JSON, closed loop, 256 connections", "closed", 256),
    Case("closed-16k-1", "16 KiB JSON, closed loop, 1 connection", "closed", 1, input=16384, output=16384, full_only=True),
    Case("closed-16k-32", "16 KiB JSON, closed loop, 32 connections", "closed", 32, input=16384, output=16384),
    Case("closed-16k-256", "16 KiB JSON, closed loop, 256 connections", "closed", 256, input=16384, output=16384, full_only=True),
    Case("open-1000", "1 KiB JSON, open loop, 1,000/s on 32 connections", "open", 32, rate=1000),
    Case("open-3000", "1 KiB JSON, open loop, 3,000/s on 32 connections", "open", 32, rate=3000),
    Case("prompt", "300 KiB prompt, 1 KiB answer, 8 connections", "closed", 8, input=300 * 1024),
    Case("stream-1000", "1,000 SSE streams x 50/s of 256 B", "stream", 1000, rate=50, unit="event"),
    Case("steps-1000", "1,000 SSE streams x 50/s of 256 B, sent in steps of 10 ms, as an engine that batches does", "stream", 1000,
         rate=50, unit="event", step=10),
    Case("stream-5000", "5,000 SSE streams x 20/s of 256 B", "stream", 5000, rate=20, full_only=True, unit="event"),
]


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds: before measuring, and measured."""
    warm: float
    measured: float
    stream_warm: float
    stream_measured: float


def load_arguments(case: Case, contender: Contender, times: Times, model: str = "bench") -> list[str]:
    warm, measured = (times.stream_warm, times.stream_measured) if case.mode == "stream" else (times.warm, times.measured)
    arguments = [
        BUILT / "load", case.mode, contender.address, "-c", case.connections, "-w", warm, "-d", measured,
        "-b", case.input, "-o", case.output, "-r", case.rate, "-s", case.step, "-m", model]
    return list(map(str, arguments)) + contender.caller_options


def program(arguments: list[str], seconds: float) -> dict:
    """What a program of the bench reports."""
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, complaint = process.communicate(timeout=seconds)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode:
        raise BenchError(f"{' '.join(arguments)}: {complaint.strip() or process.returncode}")
    report = json.loads(output)
    if complaint.strip():
        report["complaint"] = complaint.strip()[:300]
    return report


def _leave_out_others(sample: dict) -> None:
    """Whole-machine CPU, less what processes that are not ours used meanwhile; the uncorrected figure is kept."""
    sample["cpu_whole_us"] = sample["cpu_us"]
    if sample["done"]:
        others = sample["foreign"] * CORES * sample["seconds"] * 1e6 / sample["done"]
        sample["cpu_us"] = max(0.0, round(sample["cpu_us"] - others, 3))


class Patience:
    """So many seconds in all for measuring again what others disturbed."""

    def __init__(self, seconds: float):
        self.seconds = seconds


def measure(case: Case, contender: Contender, times: Times, patience: Patience, model: str = "bench") -> dict:
    """One sample; if others kept the machine busy it is taken once more, and the quieter one counts."""
    best = None
    for _ in range(2):
        began = time.monotonic()
        with Watch() as watch:
            sample = program(load_arguments(case, contender, times, model), 90)
        sample["foreign"] = round(watch.share, 4)
        _leave_out_others(sample)
        if best is None or sample["foreign"] < best["foreign"]:
            best = sample
        if best["foreign"] < 0.03 or patience.seconds <= 0:
            break
        patience.seconds -= time.monotonic() - began
    best["rss_kib"] = sum(map(resident_kib, contender.pids))
    return best
