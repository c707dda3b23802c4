"""Run as a program: opens and closes downloads on request, and says how much of each has arrived and when.

Commands come as JSON, one a line: {"open": N}, {"close": N} (the oldest), {"report": true}. Each is answered by one line.
Sockets are looked at every few milliseconds rather than at every segment, so that reading costs little; what has arrived is
noted each time.
"""

import json
import os
import select
import socket
import sys
import time

from http1 import chat, request_bytes

TICK = 0.002
REQUEST = request_bytes("POST", "/v1/chat/completions", chat("m"))


class Sink:
    def __init__(self, host: str, port: int):
        self.where = (host, port)
        self.flows: dict[int, socket.socket] = {}
        self.totals: dict[int, int] = {}
        #: [time, {flow: bytes so far}], of each tick in which something came.
        self.log: list = []
        self.next = 0
        self.buffer = bytearray(4 << 20)

    def open(self, count: int) -> list[int]:
        opened = []
        for _ in range(count):
            flow = socket.create_connection(self.where, 10)
            flow.sendall(REQUEST)
            flow.setblocking(False)
            self.flows[self.next] = flow
            self.totals[self.next] = 0
            opened.append(self.next)
            self.next += 1
        return opened

    def close(self, count: int) -> list[int]:
        closed = list(self.flows)[:count]
        for number in closed:
            self.flows.pop(number).close()
        return closed

    def drain(self) -> None:
        changed = {}
        for number, flow in self.flows.items():
            try:
                count = flow.recv_into(self.buffer)
            except BlockingIOError:
                continue
            if count == 0:
                raise SystemExit(f"download {number} has ended after {self.totals[number]} bytes")
            self.totals[number] += count
            changed[number] = self.totals[number]
        if changed:
            self.log.append([time.monotonic(), changed])

    def obey(self, command: dict):
        if "open" in command:
            return self.open(command["open"])
        if "close" in command:
            return self.close(command["close"])
        log, self.log = self.log, []
        return log

    def run(self) -> None:
        line = b""
        while True:
            readable, _, _ = select.select([0], [], [], TICK)
            if readable:
                piece = os.read(0, 65536)
                if not piece:
                    return
                line += piece
                while b"\n" in line:
                    command, line = line.split(b"\n", 1)
                    print(json.dumps(self.obey(json.loads(command))), flush=True)
            self.drain()


if __name__ == "__main__":
    Sink(sys.argv[1], int(sys.argv[2])).run()
