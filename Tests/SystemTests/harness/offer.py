"""Run as a program: offers requests at a rate until its standard input ends, then prints what came of each.

An open loop: a request that is late is made up for, so the rate offered is the one asked for, whatever the answers take.
One thread, and answers are read only afterwards: on a busy machine the callers should not be what is measured.
"""

import json
import select
import socket
import sys
import time

from http1 import parse, chat, request_bytes

FIELDS = ("retry-after", "retry-after-ms", "content-type")


class Caller:
    """A connection and the answer that it waits for."""

    def __init__(self, where):
        self.socket = socket.create_connection(where, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self.buffer, self.size = 0.0, b"", 0

    def ask(self, request: bytes) -> None:
        self.sent, self.buffer, self.size = time.monotonic(), b"", 0
        self.socket.sendall(request)

    def read(self) -> bool:
        """Whether the answer is there."""
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(f"connection closed after {self.buffer!r}")
        self.buffer += piece
        if not self.size and (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            start = self.buffer.lower().index(b"content-length:") + 15
            self.size = end + 4 + int(self.buffer[start : self.buffer.index(b"\r\n", start)])
        return 0 < self.size <= len(self.buffer)


def offer(callers: list[Caller], request: bytes, rate: float, began: float) -> list:
    """[sent, received, answer] of each."""
    answers, idle = [], list(callers)
    waiting = select.epoll()
    waiting.register(sys.stdin.fileno(), select.EPOLLIN)
    by_number = {caller.socket.fileno(): caller for caller in callers}
    for number in by_number:
        waiting.register(number, select.EPOLLIN)
    count, over = 0, False
    while not over or len(idle) < len(callers):
        while idle and not over and began + count / rate <= time.monotonic():
            idle.pop(0).ask(request)
            count += 1
        pause = max(0, began + count / rate - time.monotonic()) if idle and not over else 5
        for number, _ in waiting.poll(pause):
            if number == sys.stdin.fileno():
                over = True
                waiting.unregister(number)
            elif by_number[number].read():
                caller = by_number[number]
                answers.append((caller.sent, time.monotonic(), caller.buffer))
                idle.append(caller)
    return answers


def readable(sent: float, received: float, answer: bytes) -> list:
    end = answer.index(b"\r\n\r\n") + 4
    parsed = parse(answer[:end])
    fields = {name: value for name, value in parsed.fields if name in FIELDS or name.startswith("x-ratelimit-")}
    return [sent, received, parsed.status, fields, None if parsed.status == 200 else json.loads(answer[end:])["error"]]


def main() -> None:
    what = json.loads(sys.argv[1])
    callers = [Caller((what["host"], what["port"])) for _ in range(what["connections"])]
    request = request_bytes("POST", "/v1/chat/completions", chat(what["model"], max_tokens=1))
    print("ready", flush=True)
    began = float(sys.stdin.readline())
    json.dump([readable(*answer) for answer in offer(callers, request, what["rate"], began)], sys.stdout)


if __name__ == "__main__":
    main()
