"""Downloads between network namespaces, measured where they arrive."""

import json
import pathlib
import subprocess
import sys

from .processes import STARTED, enter, run

HERE = pathlib.Path(__file__).parent


class Source:
    """An engine in a namespace whose answers do not end."""

    def __init__(self, netns: str, host: str = "127.0.0.1"):
        self.child = subprocess.Popen(
            [sys.executable, str(HERE / "source.py"), host], stdout=subprocess.PIPE, text=True, preexec_fn=enter(None, netns))
        STARTED.append(self.child)
        self.url = "http://" + self.child.stdout.readline().removeprefix("listening on ").strip()

    def close(self) -> None:
        self.child.kill()
        self.child.wait(30)
        self.child.stdout.close()


class Downloads:
    """A process in a namespace that downloads from host and port, several times at once."""

    def __init__(self, netns: str, host: str, port: int):
        self.child = subprocess.Popen(
            [sys.executable, str(HERE / "sink.py"), host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=enter(None, netns))
        STARTED.append(self.child)
        #: By flow: [(time, bytes so far)].
        self.arrivals: dict[int, list] = {}

    def _ask(self, **command):
        self.child.stdin.write(json.dumps(command) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        assert line, f"the downloads ended with {self.child.wait(30)}"
        return json.loads(line)

    def open(self, count: int) -> list[int]:
        opened = self._ask(open=count)
        self.arrivals |= {number: [] for number in opened}
        return opened

    def leave(self, count: int) -> list[int]:
        return self._ask(close=count)

    def look(self) -> None:
        """Takes in what has arrived since."""
        for time, totals in self._ask(report=True):
            for number, total in totals.items():
                self.arrivals[int(number)].append((time, total))

    def at(self, number: int, time: float) -> float:
        """Bytes of one download by then, straight between two arrivals."""
        before = (0.0, 0)
        for arrival in self.arrivals[number]:
            if arrival[0] > time:
                if not before[0]:
                    return 0
                part = (time - before[0]) / (arrival[0] - before[0])
                return before[1] + part * (arrival[1] - before[1])
            before = arrival
        return before[1]

    def rates(self, began: float, ended: float) -> dict[int, float]:
        """Bytes a second of each download that took part in that time."""
        amounts = {number: self.at(number, ended) - self.at(number, began) for number in self.arrivals}
        return {number: amount / (ended - began) for number, amount in amounts.items() if amount > 0}

    def close(self) -> None:
        self.child.kill()
        self.child.wait(30)
        for stream in (self.child.stdin, self.child.stdout):
            stream.close()


def retransmissions(netns: str) -> int:
    """TCP segments sent again in a namespace since it was made."""
    lines = run(["cat", "/proc/net/snmp"], netns=netns).stdout.splitlines()
    heads, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[heads.index("RetransSegs")])
