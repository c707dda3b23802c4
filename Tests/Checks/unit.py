"""Runs the Swift tests: those of pure code side by side, then the others one after another, since some of them compute for seconds,
and on two cores that would starve those that wait for a socket.

Everything they print goes to a log. What is shown is a line for each suite and, at the end, what failed. Tests that failed while the
machine stood still are run again by themselves, and it is said: what counts is a failure without that, or the last one.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "SystemTests"))
from harness.stalls import Stalls  # noqa: E402

# Seconds. Less than that any program on a busy machine waits for a processor.
TOLERATED = 0.04
ATTEMPTS = 3

SHOWN = re.compile(r"^(✔ (Suite|Test run)|✘|error:)|recorded an issue|[Ff]atal error")
FAULT = re.compile(r"^error:|recorded an issue|[Ff]atal error")
FAILED = re.compile(r"^✘ Test (\w+)\(.* failed after ")


class Run:
    """One run of `swift test` with these arguments."""

    def __init__(self, arguments: list[str], log):
        self.lines: list[str] = []
        with Stalls() as stalls:
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            for line in process.stdout:
                log.write(line)
                self.lines.append(line)
                if SHOWN.search(line):
                    print(line, end="", flush=True)
            self.passed = process.wait() == 0
        self.stall = stalls.largest

    @property
    def failed(self) -> set[str]:
        """Names of the tests that failed; none where the run ended otherwise, as by a crash."""
        return {match[1] for line in self.lines if (match := FAILED.match(line))}

    def explain(self) -> None:
        """Each failure with the lines after it; the end, where a crash shows."""
        print("\nwhat went wrong:")
        told = {index + after for index, line in enumerate(self.lines) if FAULT.search(line) for after in range(4)}
        told = told or range(len(self.lines) - 30, len(self.lines))
        for index, line in enumerate(self.lines):
            if index in told:
                print(line, end="")
        print(f"the machine stood still for {self.stall * 1000:.0f} ms at most", flush=True)


def passes(swift: list[str], options: list[str], log) -> bool:
    run = Run(swift + options, log)
    for _ in range(ATTEMPTS - 1):
        if run.passed or not run.failed or run.stall <= TOLERATED:
            break
        run.explain()
        names = "|".join(sorted(run.failed))
        print(f"once more, since it stood still: {names}", flush=True)
        run = Run(swift + ["--no-parallel", "--filter", rf"[./]({names})\("], log)
    if not run.passed:
        run.explain()
    return run.passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swift", default="swift")
    parser.add_argument("--pure", required=True, help="a pattern of the tests that need no sockets, processes and clocks")
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    swift = [given.swift, "test", "--skip-build"]
    with given.log.open("w") as log:
        good = passes(swift, ["--filter", given.pure], log) and passes(swift, ["--no-parallel", "--skip", given.pure], log)
    print(f"all output: {given.log}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
