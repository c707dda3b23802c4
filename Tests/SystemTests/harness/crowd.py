"""Callers of several groups at once, from one thread's event loop: each lane asks again as soon as it is answered, or requests
come at a rate whatever becomes of them."""

import asyncio
import collections
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass

from .http1 import request_bytes

_TOKENS = re.compile(rb'"total_tokens":\s*(\d+)')
#: Seconds that a refused lane waits before it asks again.
_REST = 0.02


@dataclass
class Asked:
    """What became of one request. `sent` and `received` are of CLOCK_MONOTONIC, in nanoseconds."""

    id: str
    sent: int
    received: int
    #: 0: there was no answer, or not to its end.
    status: int
    answer: bytes

    @property
    def tokens(self) -> int:
        found = _TOKENS.search(self.answer)
        return int(found[1]) if found else 0

    @property
    def body(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[2]

    @property
    def code(self) -> str | None:
        """Of the error, if it is one in OpenAI's form."""
        return None if self.status in (0, 200) else json.loads(self.body)["error"]["code"]

    def header(self, name: str) -> str | None:
        head = self.answer.partition(b"\r\n\r\n")[0].decode("latin-1")
        found = re.search(rf"(?im)^{name}:\s*(.*?)\r?$", head)
        return found[1] if found else None

    @property
    def seconds(self) -> float:
        return (self.received - self.sent) / 1e9


class _Line(asyncio.Protocol):
    """A keep-alive connection with one request at a time on it."""

    def __init__(self):
        self.buffer, self.answered, self.transport, self.ended = bytearray(), None, None, False

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future:
        self.buffer.clear()
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answered

    def data_received(self, data):
        self.buffer += data
        if self._whole():
            self._answer()

    def connection_lost(self, _):
        self.ended = True
        self._answer()

    def _answer(self):
        if self.answered and not self.answered.done():
            self.answered.set_result(bytes(self.buffer) if self._whole() else b"")

    def _whole(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).lower()
        start = head.find(b"content-length:")
        if start < 0:
            return self.buffer.endswith(b"\r\n0\r\n\r\n")
        return len(self.buffer) >= end + 4 + int(head[start + 15 :].split(b"\r\n", 1)[0])


class Callers:
    """Those of one group. `body(number)` is what the request of that number asks; its id is the group's name and the number."""

    def __init__(self, crowd: "Crowd", name: str, body, fields: dict, target: str):
        self.crowd, self.name, self.body, self.fields, self.target = crowd, name, body, fields, target
        self.results: list[Asked] = []
        #: Requests that are under way.
        self.open: dict[str, int] = {}
        self.numbers = itertools.count()
        self.going, self.over = asyncio.Event(), False
        self._tasks: set = set()

    # Of the test's thread

    def pause(self) -> int:
        """No new requests from now on; the time."""
        self.crowd._call(self.going.clear)
        return time.monotonic_ns()

    def go_on(self) -> int:
        self.crowd._call(self.going.set)
        return time.monotonic_ns()

    def within(self, began: int, ended: int) -> list[Asked]:
        """Those that were answered in this time."""
        return [asked for asked in list(self.results) if began <= asked.received < ended]

    @property
    def statuses(self) -> collections.Counter:
        return collections.Counter(asked.status for asked in list(self.results))

    # Of the event loop's

    async def _lane(self) -> None:
        while not self.over:
            await self.going.wait()
            if self.over:
                return
            asked = await self._ask()
            if asked.status != 200:
                await asyncio.sleep(_REST)

    async def _offer(self, rate: float, most: int) -> None:
        """`most`: requests at once; those beyond are not made."""
        began, count = time.monotonic(), 0
        while not self.over:
            while count < (time.monotonic() - began) * rate:
                count += 1
                if self.going.is_set() and len(self._tasks) < most:
                    self._spawn(self._ask())
            await asyncio.sleep(0.002)

    def _spawn(self, what) -> asyncio.Task:
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask(self) -> Asked:
        name = f"{self.name}-{next(self.numbers)}"
        request = request_bytes("POST", self.target, self.body(int(name.rsplit("-", 1)[1])) | {"mock_id": name}, self.fields)
        sent = self.open[name] = time.monotonic_ns()
        line = None
        try:
            line = await self.crowd._line()
            answer = await line.ask(request)
            if answer and b"connection: close" not in answer[:2048].lower():
                self.crowd._idle.append(line)
            else:
                line.transport.close()
        except OSError:
            answer = b""
        except asyncio.CancelledError:
            if line:
                line.transport.abort()
            raise
        self.open.pop(name)
        asked = Asked(name, sent, time.monotonic_ns(), int(answer.split(b" ", 2)[1]) if answer else 0, answer)
        self.results.append(asked)
        return asked


class Crowd:
    """While it is entered, its callers ask; at the end each waits for the answer to its last request, for a while."""

    def __init__(self, address):
        self.address, self._idle, self.groups = address, [], {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_):
        for group in self.groups.values():
            group.over = True
            self._call(group.going.set)
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def lanes(self, name: str, count: int, body, fields: dict, target="/v1/chat/completions") -> Callers:
        return self._add(name, body, fields, target, lambda group: [group._lane() for _ in range(count)])

    def offer(self, name: str, rate: float, body, fields: dict, target="/v1/chat/completions", most: int = 1000) -> Callers:
        """`rate` requests a second."""
        return self._add(name, body, fields, target, lambda group: [group._offer(rate, most)])

    def once(self, name: str, count: int, body, fields: dict, target="/v1/chat/completions") -> Callers:
        """`count` requests, all at once."""
        return self._add(name, body, fields, target, lambda group: [group._ask() for _ in range(count)])

    def _add(self, name, body, fields, target, what) -> Callers:
        group = self.groups[name] = Callers(self, name, body, fields, target)

        async def start():
            group.going.set()
            for each in what(group):
                group._spawn(each)
            # Each has begun when this goes on.
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)
        return group

    def _call(self, what) -> None:
        self._loop.call_soon_threadsafe(what)

    async def _line(self) -> _Line:
        while self._idle:
            if not (line := self._idle.pop()).ended:
                return line
        _, line = await self._loop.create_connection(_Line, *self.address)
        return line

    async def _end(self, seconds: float = 10) -> None:
        tasks = [task for group in self.groups.values() for task in group._tasks]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for line in self._idle:
            line.transport.close()
        await asyncio.sleep(0)
