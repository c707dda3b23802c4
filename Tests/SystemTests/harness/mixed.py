"""Requests of every kind at once, from one event loop: whole answers, streams, embeddings, some left in the middle."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field

from .http1 import chat, request_bytes

#: How often each kind comes, of 100.
KINDS = {
    "whole": 18, "stream": 18, "stream-with-usage": 14, "left": 8, "left-with-usage": 7, "left-at-once": 3, "failing": 6,
    "retried": 14, "embeddings": 6, "completions": 6,
}


def with_known_prompt(body: dict) -> bytes:
    """The body, saying itself that its prompt has a quarter of its bytes in tokens.

    That is what the broker reckons with as long as nobody says better, and of an answer that was cut short nobody does: the
    engine then bills by the same rule, and the sums can be compared to the token.
    """
    size = 0
    while True:
        data = json.dumps(body | {"mock_prompt_tokens": size // 4}).encode()
        if len(data) == size:
            return data
        size = len(data)


@dataclass
class Seen:
    """What became of all of them."""

    kinds: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    #: What was not as it should be, in words.
    faults: list = field(default_factory=list)
    #: Tokens by what the answers themselves say, where they do.
    told: int = 0


class Caller:
    """One client after the other on one connection."""

    def __init__(self, address, fields: dict, rng: random.Random, seen: Seen):
        self.address, self.fields, self.rng, self.seen = address, fields, rng, seen
        self.reader = self.writer = None

    async def ask(self, kind: str, model: str) -> None:
        target, body = self.request(kind, model)
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(*self.address, limit=1 << 22)
        data = with_known_prompt(body)
        self.writer.write(request_bytes("POST", target, data, self.fields | {"Content-Type": "application/json"}))
        if kind == "left-at-once":
            await self.writer.drain()
            return self.leave()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        self.seen.kinds[kind] += 1
        self.seen.statuses[kind, status] += 1
        if kind.startswith("left") and status == 200:
            return await self.read_some(head)
        answer = await self.read_all(head)
        if "connection: close" in head:
            self.leave()
        self.check(kind, status, answer)

    def request(self, kind: str, model: str) -> tuple[str, dict]:
        text, most = "x" * self.rng.randrange(400), self.rng.randrange(1, 25)
        if kind == "embeddings":
            return "/v1/embeddings", {"model": model, "input": [text, text]}
        if kind == "completions":
            return "/v1/completions", {"model": model, "prompt": text, "max_tokens": most, "stream": self.rng.random() < 0.5}
        body = chat(model, text, max_tokens=most)
        if kind in ("stream", "left", "left-at-once") or kind in ("failing", "retried") and self.rng.random() < 0.5:
            # Said in every way that means no.
            body |= {"stream": True} | self.rng.choice([
                {}, {"stream_options": {}}, {"stream_options": None}, {"stream_options": {"include_usage": False}}])
        elif kind in ("stream-with-usage", "left-with-usage"):
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return "/v1/chat/completions", body

    async def read_all(self, head: str) -> bytes:
        if "transfer-encoding: chunked" not in head:
            length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
            return await self.reader.readexactly(int(length.split(":")[1]))
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def read_some(self, head: str) -> None:
        """A few events, then the connection ends: sometimes politely, sometimes not."""
        for _ in range(self.rng.randrange(5)):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            if not size:
                break
            await self.reader.readexactly(size + 2)
        self.leave()

    def leave(self) -> None:
        if self.writer is None:
            return
        if self.rng.random() < 0.5:
            self.writer.transport.abort()
        else:
            self.writer.close()
        self.reader = self.writer = None

    def check(self, kind: str, status: int, body: bytes) -> None:
        if status != 200:
            if kind not in ("failing", "retried") or status != 500:
                self.seen.faults.append(f"{kind}: {status} {body[:300]!r}")
            return
        if not body.startswith(b"data: "):
            usage = json.loads(body)["usage"]
            self.seen.told += usage["total_tokens"]
            return
        events = [event for event in body.split(b"\n\n") if event]
        chunks = [json.loads(event[6:]) for event in events[:-1]]
        usages = [chunk for chunk in chunks if chunk.get("usage")]
        if events[-1] != b"data: [DONE]":
            self.seen.faults.append(f"{kind}: ends with {events[-1]!r}")
        if kind == "stream-with-usage":
            if len(usages) != 1 or usages[0] is not chunks[-1] or usages[0]["choices"] != []:
                self.seen.faults.append(f"{kind}: usage in {usages!r}")
            else:
                self.seen.told += usages[0]["usage"]["total_tokens"]
        elif usages or any(chunk["choices"] == [] for chunk in chunks):
            self.seen.faults.append(f"{kind}: it was not asked for, and came: {events[-3:]!r}")


async def mixed(address, fields: dict, models: dict[str, str], count: int, concurrency: int, seed: int, go=None) -> Seen:
    """`count` requests in all. `models`: the model for a kind, and under "" that for all others. `go()`: whether to go on."""
    seen, left = Seen(), iter(range(count))
    kinds, weights = zip(*KINDS.items(), strict=True)

    async def lane(number: int):
        rng = random.Random(seed * 1000 + number)
        caller = Caller(address, fields, rng, seen)
        for _ in left:
            kind = rng.choices(kinds, weights)[0]
            try:
                await asyncio.wait_for(caller.ask(kind, models.get(kind, models[""])), 30)
            except (OSError, EOFError, asyncio.TimeoutError, ValueError) as error:
                seen.faults.append(f"{kind}: {type(error).__name__} {error}")
                caller.leave()
        caller.leave()

    await asyncio.gather(*(lane(number) for number in range(concurrency)))
    return seen
