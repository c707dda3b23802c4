"""Run as a program, in a captured cgroup: requests at a rate and streams that are never fewer than asked for, for as long as
standard input is open; then prints what came of each.

An open loop on one thread: a request that is late is made up for, whatever the answers take. It prints `begun` once all
streams are open; from then on it watches how many there are.
"""

import collections
import heapq
import json
import random
import select
import sys
import time

from exchanges import TARGET, Failed, Request, Stream
from http1 import chat, request_bytes

#: Seconds that one waits for its next byte before it counts as failed.
PATIENCE = 30
#: New streams a second, until all are there.
OPENING = 100
#: Failures that are told of by themselves.
TOLD = 20


class Load:
    def __init__(self, captured, gateway, rates: dict, streams: int, model: str, stream_model: str, tokens: int):
        captured, gateway = tuple(captured), tuple(gateway)
        self.places = {"captured": captured, "gateway": gateway}
        #: By name: a request's way, whether its connections are kept, and how many there are at most.
        self.kinds = {
            "fresh": {"where": captured, "keeps": False, "most": 200},
            "kept": {"where": captured, "keeps": True, "most": 24},
            "gateway": {"where": gateway, "keeps": True, "most": 24},
        }
        self.rates, self.streams, self.stream_model, self.tokens = rates, streams, stream_model, tokens
        self.request = request_bytes("POST", TARGET, chat(model, max_tokens=1))
        self.waiting, self.exchanges = select.epoll(), {}
        self.idle = {kind: collections.deque() for kind in self.kinds}
        self.asked, self.busy = dict.fromkeys(self.kinds, 0), dict.fromkeys(self.kinds, 0)
        self.counts, self.slow, self.failures, self.failed = collections.Counter(), [], [], 0
        self.streamed, self.random = [], random.Random(7)
        self.opened = self.open = 0
        self.least, self.began, self.over = None, time.monotonic(), False

    # What exchanges tell

    def answered(self, kind: str, seconds: float) -> None:
        self.counts[kind] += 1
        heapq.heappush(self.slow, seconds)
        if len(self.slow) > 5000:
            heapq.heappop(self.slow)

    def freed(self, kind: str, exchange) -> None:
        self.busy[kind] -= 1
        if exchange:
            self.idle[kind].append(exchange)

    def left(self, exchange) -> None:
        """The other side has closed a connection that was kept and idle."""
        self.idle[exchange.kind].remove(exchange)
        exchange.close()

    def began_streaming(self) -> None:
        self.open += 1
        if self.least is None and self.open == self.streams:
            self.least = self.open
            self.began_all = time.monotonic()
            print("begun", flush=True)

    def stream_ended(self, kind: str) -> None:
        self.open -= 1
        if self.over:
            return
        if self.least is not None:
            self.least = min(self.least, self.open)
        self.begin_stream(kind, self.random.randint(self.tokens * 3 // 4, self.tokens * 5 // 4))

    def fail(self, exchange, error) -> None:
        self.failed += 1
        if len(self.failures) < TOLD:
            self.failures.append([time.monotonic(), exchange.kind, f"{type(error).__name__}: {error}"])
        exchange.close()
        if not isinstance(exchange, Stream):
            if exchange.request:
                self.freed(exchange.kind, None)
            elif exchange in self.idle[exchange.kind]:
                self.idle[exchange.kind].remove(exchange)
        elif exchange.bytes:
            self.stream_ended(exchange.kind)

    # Work

    def begin_stream(self, kind: str, tokens: int) -> None:
        stream = Stream(self, kind, self.places[kind])
        request = request_bytes("POST", TARGET, chat(self.stream_model, stream=True, max_tokens=tokens))
        self.attempt(stream, lambda: stream.ask(request, stream.heard))

    def open_streams(self, now: float) -> None:
        """The first of them are shorter than those that follow, each by another time: so they end one by one."""
        while self.opened < min(self.streams, (now - self.began) * OPENING):
            self.opened += 1
            self.begin_stream(
                ("captured", "gateway")[self.opened % 2], self.random.randint(self.tokens // 4, self.tokens * 5 // 4))

    def ask(self, now: float) -> None:
        for kind, rate in self.rates.items():
            what, idle = self.kinds[kind], self.idle[kind]
            while (due := self.began_all + self.asked[kind] / rate) <= now and self.busy[kind] < what["most"]:
                self.asked[kind] += 1
                self.busy[kind] += 1
                exchange = idle.popleft() if idle else Request(self, kind, what["where"])
                self.attempt(exchange, lambda: exchange.ask(self.request, due))

    def attempt(self, exchange, body) -> None:
        try:
            body()
        except BlockingIOError:
            pass
        except (OSError, Failed, ValueError, IndexError) as error:
            self.fail(exchange, error)

    def sweep(self, now: float) -> None:
        for exchange in [one for one in self.exchanges.values() if one.request and now - one.heard > PATIENCE]:
            self.fail(exchange, Failed(f"nothing came for {PATIENCE} s"))

    def run(self) -> None:
        self.waiting.register(sys.stdin.fileno(), select.EPOLLIN)
        swept = time.monotonic()
        while not self.over or any(one.request for one in self.exchanges.values()):
            now = time.monotonic()
            if not self.over:
                self.open_streams(now)
                if self.least is not None:
                    self.ask(now)
            if now - swept > 1:
                swept = now
                self.sweep(now)
            for number, _ in self.waiting.poll(0.002, 512):
                if number == sys.stdin.fileno():
                    self.over, self.ended = True, time.monotonic()
                    self.waiting.unregister(number)
                elif exchange := self.exchanges.get(number):
                    self.attempt(exchange, exchange.move)
        for exchange in list(self.exchanges.values()):
            exchange.close()

    def report(self) -> dict:
        requests = sum(self.counts[kind] for kind in self.kinds)
        slow = sorted(self.slow)
        return {
            "counts": self.counts, "answered": requests, "seconds": self.ended - self.began_all, "streams": self.streamed,
            "least": self.least, "failed": self.failed, "failures": self.failures,
            # Seconds from when a request was due to the last byte of its answer.
            "slowest": slow[-1], "p99": slow[max(0, len(slow) - 1 - requests // 100)],
        }


def main() -> None:
    load = Load(**json.loads(sys.argv[1]))
    load.run()
    json.dump(load.report(), sys.stdout)


if __name__ == "__main__":
    main()
