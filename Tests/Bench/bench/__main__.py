"""`python3 -m bench`, in Tests/Bench: one run of everything."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile
import time

from . import cases, chart, connects, growth, memory, refusals, report
from .contenders import STARTERS, versions
from .running import BPFFS, BUILT, CORES, ROOT, BenchError, Scope, free_port, raise_descriptor_limit, unmount_bpffs

SHORT = {
    "rounds": 3, "patience": 15, "times": cases.Times(0.08, 0.4, 0.25, 0.6), "connect": (7, 3000), "sizes": [32, 512],
    "growth": ([100, 10000], 3, 2000, cases.Times(0.08, 0.3, 0, 0)), "settle": 0.3, "many": 1.0}
FULL = {
    "rounds": 5, "patience": 300, "times": cases.Times(0.25, 1.5, 0.8, 2.5), "connect": (15, 5000), "sizes": [32, 512, 5000],
    "growth": ([100, 1000, 10000], 7, 5000, cases.Times(0.2, 1.0, 0, 0)), "settle": 1.0, "many": 5.0}
PARTS = ["cases", "refusals", "connect", "memory", "growth", "many"]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="ModelBroker beside its peers on this machine, loopback only.")
    parser.add_argument("--full", action="store_true", help="every case, five rounds; under 30 minutes")
    parser.add_argument("--save", action="store_true", help="write the chart to Tests/Bench/result.svg")
    parser.add_argument("--rounds", type=int, help="instead of the mode's own number")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--case", action="append", choices=[case.key for case in cases.CASES], help="only this case of part cases")
    parser.add_argument("--with", dest="contenders", action="append", choices=list(STARTERS), help="only this contender, and no proxy")
    return parser.parse_args()


class Run:
    """One run: what was chosen, and what came of it."""

    def __init__(self, chosen: argparse.Namespace, scope: Scope):
        self.scope, self.chosen = scope, chosen
        self.mode = FULL if chosen.full else SHORT
        self.rounds = chosen.rounds or self.mode["rounds"]
        self.parts = chosen.part or PARTS
        self.contenders = {}
        self.patience = cases.Patience(self.mode["patience"])
        self.results = {
            "mode": "full" if chosen.full else "short", "rounds": self.rounds, "notes": [],
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": f"{CORES} cores, {processor()}, Linux {platform.release()}", "versions": versions(), "cases": {}}
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def start(self) -> None:
        self.upstream = f"127.0.0.1:{free_port()}"
        process = self.scope.start("upstream", BUILT / "upstream", self.upstream)
        self.scope.listening(process, int(self.upstream.rpartition(":")[2]))
        self.keys = [key for key in STARTERS if key == "direct" or not self.chosen.contenders or key in self.chosen.contenders]
        for key in list(self.keys):
            self.say(f"starting {key}")
            try:
                for contender in STARTERS[key](self.scope, self.upstream):
                    self.contenders[contender.key] = contender
            except BenchError as error:
                self.keys.remove(key)
                self.note(f"{key} is left out: {error}")
        self.results["labels"] = {key: contender.label for key, contender in self.contenders.items()}

    def note(self, text: str) -> None:
        self.say(text)
        self.results["notes"].append(text)

    def run_cases(self) -> None:
        wanted = [case for case in cases.CASES
                  if (case.key in self.chosen.case if self.chosen.case else self.chosen.full or not case.full_only)]
        gone = set()
        for number in range(self.rounds):
            for case in wanted:
                self.say(f"round {number + 1} of {self.rounds}: {case.title}")
                taken = self.results["cases"].setdefault(case.key, {key: [] for key in self.contenders})
                keys = list(self.contenders)
                for key in keys[number % len(keys):] + keys[:number % len(keys)]:
                    if (case.key, key) in gone:
                        continue
                    try:
                        taken[key].append(cases.measure(case, self.contenders[key], self.mode["times"], self.patience))
                    except BenchError as error:
                        gone.add((case.key, key))
                        taken[key].clear()
                        self.note(f"{key} failed in {case.key}: {error}")
                        if key == "direct":
                            raise

    def run_refusals(self) -> None:
        times = self.mode["times"]
        self.results["refusals"] = refusals.measure(self.contenders, self.rounds, times.warm, times.measured, self.say)

    def run_connects(self) -> None:
        kinds, notes = connects.prepare(self.scope, self.upstream, self.contenders.get("captured"))
        for note in notes:
            self.note(note)
        self.results["connect"] = connects.measure(kinds, *self.mode["connect"], self.say)

    def run_memory(self) -> None:
        self.results["memory"] = memory.measure(
            self.scope, self.upstream, self.keys, self.mode["sizes"], self.mode["settle"], self.say)

    def run_growth(self) -> None:
        with Scope(self.scope.directory) as inner:
            self.results["growth"] = growth.measure(inner, self.upstream, *self.mode["growth"], self.say)

    def run_many(self) -> None:
        self.results["many"] = growth.many(self.contenders["captured"], 10000, 5000, self.mode["many"], self.say)

    def everything(self) -> None:
        self.start()
        bodies = {"cases": self.run_cases, "refusals": self.run_refusals, "connect": self.run_connects, "memory": self.run_memory}
        if "captured" in self.contenders:
            bodies |= {"growth": self.run_growth, "many": self.run_many}
        for part, body in bodies.items():
            if part not in self.parts:
                continue
            try:
                body()
            except BenchError as error:
                self.note(f"{part} failed: {error}")
        self.results["summary"] = report.summarise(self.results)
        self.results["seconds"] = round(time.monotonic() - self.began)


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def interrupted(*_) -> None:
    """Once: what is taken away after it is not to be interrupted again."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    chosen = options()
    if os.geteuid() != 0:
        print("bench: run it as root, the kernel's part needs that", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    raise_descriptor_limit()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mbbench-"))
    directory.chmod(0o755)
    had_bpffs = BPFFS.is_mount()
    try:
        with Scope(directory) as scope:
            run = Run(chosen, scope)
            run.everything()
    except KeyboardInterrupt:
        print("bench: interrupted; everything that it started is stopped", file=sys.stderr)
        return 130
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if not had_bpffs:
            unmount_bpffs()
    (BUILT / "result.json").write_text(json.dumps(run.results, indent=1))
    print(report.text(run.results))
    print(f"\nin {run.results['seconds']} s; every sample in {(BUILT / 'result.json').relative_to(ROOT)}")
    if chosen.save:
        chart.write(run.results, ROOT / "Tests" / "Bench" / "result.svg")
    return 0


sys.exit(main())
