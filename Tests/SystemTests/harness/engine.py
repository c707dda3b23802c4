"""mock-engine as a process."""

import json
import pathlib
import urllib.request
from dataclasses import dataclass

from .places import binary
from .processes import Process
from .waiting import eventually


@dataclass
class Served:
    """A request whose service began. Times are of CLOCK_MONOTONIC, in nanoseconds; `ended` is 0 while it is under way."""

    id: str
    seq: int
    model: str
    tokens: int
    arrived: int
    began: int
    ended: int
    cancelled: bool


class Engine:
    """A running engine; `requests()` says what it received."""

    def __init__(self, log: pathlib.Path, *flags, host: str = "127.0.0.1", port: int = 0, netns: str | None = None,
                 cgroup: pathlib.Path | None = None):
        self.host, self._log, self._netns, self._cgroup = host, log, netns, cgroup
        self._start(flags, port)
        self._flags = flags

    def _start(self, flags, port: int) -> None:
        arguments = [binary("mock-engine"), "--host", self.host, "--port", port, *flags]
        self._told = len(self._log.read_text()) if self._log.exists() else 0
        self.process = Process(arguments, self._log, cgroup=self._cgroup, netns=self._netns)
        line = eventually(self._ready, 20, f"{' '.join(map(str, arguments))} being ready")
        self.port = int(line.rsplit(":", 1)[1])

    def start_again(self) -> None:
        """After its end, where it was before; it knows of nothing then."""
        self._start(self._flags, self.port)

    def _ready(self):
        assert self.process.running, self.process.output()
        lines = [line for line in self.process.output()[self._told:].splitlines() if line.startswith("listening on ")]
        return lines[0] if lines else None

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def report(self) -> dict:
        with urllib.request.urlopen(f"{self.url}/debug/requests", timeout=10) as answer:
            return json.load(answer)

    def requests(self) -> list[dict]:
        return self.report()["requests"]

    def last(self) -> dict:
        return self.requests()[-1]

    def forget(self) -> None:
        request = urllib.request.Request(f"{self.url}/debug/requests", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def usage(self) -> dict[str, dict]:
        """What the engine itself has billed, by model: prompt_tokens, completion_tokens, answers, aborted."""
        with urllib.request.urlopen(f"{self.url}/debug/usage", timeout=10) as answer:
            return json.load(answer)["models"]

    def forget_usage(self) -> None:
        request = urllib.request.Request(f"{self.url}/debug/usage", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def fault(self, **faults) -> None:
        """How it misbehaves from now on: percent, status, hang, ttft; none: not at all."""
        query = "&".join(f"{name}={value}" for name, value in faults.items())
        request = urllib.request.Request(f"{self.url}/debug/faults?{query}", method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def service(self) -> dict:
        """limit, running, waiting, most: of what it can serve at once, and does."""
        with urllib.request.urlopen(f"{self.url}/debug/served", timeout=30) as answer:
            return json.load(answer)

    def served(self) -> list[Served]:
        """In the order in which their service began."""
        return [Served(*entry) for entry in self.service()["served"]]

    def forget_served(self) -> None:
        request = urllib.request.Request(f"{self.url}/debug/served", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def capacity(self, requests: int | None) -> None:
        """How many it serves at once from now on; None: any number."""
        what = "any" if requests is None else requests
        request = urllib.request.Request(f"{self.url}/debug/capacity?requests={what}", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self):
        self.process.stop()
