"""Case (g): resident memory with connections idle and streaming, each contender freshly started."""

import json
import signal
import subprocess
import time

from .contenders import STARTERS, Contender
from .running import BUILT, BenchError, Scope, resident_kib


def _resident(contender: Contender) -> dict:
    """KiB of all the contender's processes, and of those that are also shown by themselves."""
    parts = {name: sum(map(resident_kib, pids)) for name, pids in contender.parts.items()}
    return {"rss_kib": sum(map(resident_kib, contender.pids)), "parts": parts}


class Callers:
    """Connections held open: `load hold`, idle after a request each, or streams."""

    def __init__(self, contender: Contender, connections: int, streaming: bool):
        mode = ["stream", "-r", "20", "-w", "0.1", "-d", "60"] if streaming else ["hold"]
        arguments = [str(BUILT / "load"), mode[0], contender.address, *mode[1:], "-c", str(connections)]
        arguments += contender.caller_options
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def ready(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(self.process.stderr.read().strip() or "load ended")
        return json.loads(line)

    def finish(self) -> dict:
        """Every idle connection is used once more."""
        output, complaint = self.process.communicate(timeout=60)
        if not output:
            raise BenchError(complaint.strip() or "load ended")
        return json.loads(output)


def measure_one(contender: Contender, sizes: list[int], settle: float) -> list[dict]:
    rows = [{"connections": 0, "state": "started", "errors": 0} | _resident(contender)]
    for size in sizes:
        with Callers(contender, size, streaming=False) as callers:
            errors = callers.ready()["errors"]
            idle = _resident(contender)
            errors += callers.finish()["errors"]
        rows.append({"connections": size, "state": "idle", "errors": errors} | idle)
        with Callers(contender, size, streaming=True) as callers:
            time.sleep(settle + size / 5000)  # a measuring time: streams run meanwhile
            streaming, alive = _resident(contender), callers.process.poll() is None
        rows.append({"connections": size, "state": "streaming", "errors": 0 if alive else size} | streaming)
    return rows


def measure(scope: Scope, upstream: str, keys: list[str], sizes: list[int], settle: float, say) -> dict[str, list[dict]]:
    """Rows for each contender; ModelBroker's count agent and proxy together."""
    found = {}
    for key in keys:
        if key == "direct":
            continue
        say(f"memory of {key}")
        directory = scope.directory / f"memory-{key}"
        directory.mkdir(mode=0o755)
        try:
            with Scope(directory) as inner:
                contender = STARTERS[key](inner, upstream)[0]
                found[contender.key] = measure_one(contender, sizes, settle)
        except BenchError as error:
            found[key] = [{"error": str(error)}]
    return found
