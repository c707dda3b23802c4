"""A reload moves no request and closes no stream; it takes no memory either."""

import asyncio

import pytest

from harness.broker import resident_kib
from harness.traffic import Client, offer
from harness.waiting import eventually

pytestmark = pytest.mark.alone

RELOADS = 100


def test_a_hundred_reloads_under_load(make):
    engines = [make.engine("--name", name, "--ttft", "2ms", "--itl", "10ms", "--tokens", "100") for name in "abc"]
    endpoints = [{"url": engine.url} for engine in engines]
    broker = make.broker(details={"m": {"endpoints": endpoints, "strategy": "round-robin"}},
                         pools={"p": {"models": ["m"], "strategy": "least-inflight"}}).start()

    def generation():
        return broker.status()["configuration"]["generation"]

    async def reload(count, least):
        """So many times, and until as many as `least` are in force: those that come while one is under way become one."""
        number = 0
        while number < count or number < 10 * count and await asyncio.to_thread(generation) < before + least:
            broker.config["pools"]["p"]["strategy"] = ["least-inflight", "round-robin", "weighted", "priority"][number % 4]
            broker.config["models"]["m"]["endpoints"] = endpoints[number % 2:] if number % 3 else endpoints
            broker.write_config()
            broker.reload()
            number += 1
            await asyncio.sleep(0.12)

    async def run():
        client = Client(*broker.gateway)
        reloads = []
        load = asyncio.create_task(
            offer(client, "p", 14, rate=200, streams=50, tokens=100, goes_on=lambda: not reloads or not reloads[0].done()))
        reloads.append(asyncio.create_task(reload_all()))
        first, last = await reloads[0]
        return first, last, await load

    async def reload_all():
        await reload(20, 10)
        first = resident_kib(broker.proxy_pid)
        await reload(RELOADS - 20, RELOADS / 2 + 1)
        return first, resident_kib(broker.proxy_pid)

    before = generation()
    first, last, (requests, streams) = asyncio.run(run())
    assert [outcome for outcome in requests + streams if not outcome.succeeded] == []
    assert len(requests) > 2000 and len(streams) > 100
    assert generation() > before + RELOADS / 2
    assert last < first + 3072, f"resident KiB {first} -> {last}"
    eventually(lambda: sum(e["inFlight"] for e in broker.ask("endpoint", "list")) == 0, 20, "nothing being in flight")
