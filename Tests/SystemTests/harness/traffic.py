"""Streams and requests at a steady pace, from one event loop, each with what became of it."""

import asyncio
import json
import time
from dataclasses import dataclass, field

from .http1 import chat, request_bytes


@dataclass
class Outcome:
    """One exchange. `began`, `first` and `ended` are of CLOCK_MONOTONIC, in seconds."""

    began: float
    status: int = 0
    engine: str = ""
    first: float = 0.0
    ended: float = 0.0
    events: list = field(default_factory=list)
    #: It ended with the stream's [DONE], or for a whole answer with its last byte.
    complete: bool = False
    #: The error object of the body, or of the last event.
    error: dict | None = None
    body: bytes = b""

    @property
    def succeeded(self) -> bool:
        return self.status == 200 and self.complete and self.error is None

    @property
    def broke(self) -> bool:
        """In the middle, after its first byte."""
        return self.status == 200 and not self.complete


class Client:
    """Keep-alive connections to one address, as many as are needed."""

    def __init__(self, host: str, port: int):
        self.host, self.port, self.idle = host, port, []

    async def exchange(self, body: dict, target="/v1/chat/completions", fields=None) -> Outcome:
        outcome = Outcome(time.monotonic())
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port, limit=1 << 22)
        keeps = False
        try:
            writer.write(request_bytes("POST", target, body, fields))
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
            lines = head.split("\r\n")
            outcome.status = int(lines[0].split()[1])
            names = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            outcome.engine = names.get("x-engine", "")
            await self._body(reader, names, outcome)
            keeps = names.get("connection") != "close"
        except (OSError, asyncio.IncompleteReadError, EOFError):
            outcome.body += self._rest(reader)
        finally:
            outcome.ended = time.monotonic()
            if keeps:
                self.idle.append((reader, writer))
            else:
                writer.close()
        self._judge(outcome)
        return outcome

    async def _body(self, reader, names, outcome) -> None:
        if "chunked" in names.get("transfer-encoding", ""):
            while size := int(await asyncio.wait_for(reader.readuntil(b"\r\n"), 30), 16):
                outcome.body += (await reader.readexactly(size + 2))[:-2]
                outcome.first = outcome.first or time.monotonic()
            await reader.readexactly(2)
        else:
            outcome.body = await reader.readexactly(int(names["content-length"]))
            outcome.first = time.monotonic()
        outcome.complete = True

    @staticmethod
    def _rest(reader) -> bytes:
        """The data of the whole chunks that came before a reset: a StreamReader keeps them and does not give them out."""
        rest, data = bytes(reader._buffer), b""
        if rest.startswith(b"data: "):
            # The size of the chunk was read before.
            data, _, rest = rest.partition(b"\n\n\r\n")
            data += b"\n\n"
        while b"\r\n" in rest:
            size, rest = rest.split(b"\r\n", 1)
            if not size or len(rest) < (count := int(size, 16)) + 2:
                break
            data, rest = data + rest[:count], rest[count + 2:]
        return data

    @staticmethod
    def _judge(outcome) -> None:
        if b"data: " in outcome.body[:16] or outcome.body.startswith(b":"):
            outcome.events = [event[6:] for event in outcome.body.split(b"\n\n") if event.startswith(b"data: ")]
            outcome.complete = outcome.complete and outcome.events[-1:] == [b"[DONE]"]
            for event in outcome.events:
                if event.startswith(b'{"error"'):
                    outcome.error = json.loads(event)["error"]
        elif outcome.status >= 400 and outcome.body:
            outcome.error = json.loads(outcome.body).get("error")

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()
        self.idle = []


async def offer(client: Client, model: str, seconds: float, rate: float = 0, streams: int = 0, tokens: int = 16, goes_on=None,
                least: int = 0):
    """`rate` requests a second and `streams` streams one after the other for a time, and while `goes_on()`; (requests, streams).

    The streams go on until there were `least` of them: on a busy machine the requests leave them little time.
    """
    until = time.monotonic() + seconds

    def over() -> bool:
        return time.monotonic() >= until and not (goes_on and goes_on())

    requests: list[asyncio.Task] = []
    done: list[Outcome] = []

    async def stream():
        while not over() or len(done) < least:
            done.append(await client.exchange(chat(model, stream=True, max_tokens=tokens)))

    lanes = [asyncio.create_task(stream()) for _ in range(streams)]
    began = time.monotonic()
    while rate and not over():
        due = int((time.monotonic() - began) * rate)
        while len(requests) < due:
            requests.append(asyncio.create_task(client.exchange(chat(model))))
        await asyncio.sleep(0.002)
    outcomes = await asyncio.gather(*requests)
    await asyncio.gather(*lanes)
    client.close()
    return outcomes, done
