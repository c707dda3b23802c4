"""A steady load of requests that all cost the same, from a thread of its own, whatever becomes of those that are under way."""

import asyncio
import itertools
import threading
import time

from .http1 import chat, request_bytes
from .mixed import with_known_prompt

#: Tokens of each answer.
ANSWER = 8


class Steady:
    """While it is entered, `rate` requests a second, each second one a stream. `cost`: tokens of one, on average."""

    def __init__(self, address, fields: dict, models=("m",), rate: float = 150):
        self.address, self.rate = address, rate
        requests, costs = [], []
        for model in models:
            for more in ({}, {"stream": True, "stream_options": {"include_usage": True}}):
                body = with_known_prompt(chat(model, "steady", max_tokens=ANSWER) | more)
                costs.append(len(body) // 4 + ANSWER)
                requests.append(request_bytes(
                    "POST", "/v1/chat/completions", body, fields | {"Content-Type": "application/json"}))
        self.cost = -(-sum(costs) // len(costs))
        self._requests = itertools.cycle(requests)
        self.sent = 0
        #: By status; 0: the connection could not be made, or broke.
        self.outcomes: dict[int, int] = {}
        self.last_good = 0.0
        self._idle: list = []
        self._over = threading.Event()

    def __enter__(self):
        self._over.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._offer()))
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Ends with the last answer."""
        self._over.set()
        self._thread.join(60)

    async def _offer(self) -> None:
        began, tasks, count = time.monotonic(), set(), 0
        while not self._over.is_set():
            while count < (time.monotonic() - began) * self.rate and len(tasks) < 64:
                task = asyncio.create_task(self._exchange(next(self._requests)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                count += 1
            if len(tasks) >= 64:
                count = int((time.monotonic() - began) * self.rate)
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)
        for _, writer in self._idle:
            writer.close()
        self._idle = []

    async def _exchange(self, request: bytes) -> None:
        status, writer = 0, None
        try:
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self.address)
            writer.write(request)
            self.sent += 1
            async with asyncio.timeout(20):
                status = await self._answer(reader)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            status = 0
        self.outcomes[status] = self.outcomes.get(status, 0) + 1
        if status == 200:
            self.last_good = time.monotonic()
            self._idle.append((reader, writer))
        elif writer:
            writer.close()

    @staticmethod
    async def _answer(reader) -> int:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if "transfer-encoding: chunked" in head:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        else:
            await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        return int(head.split(" ", 2)[1])
