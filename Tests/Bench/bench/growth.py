"""What grows with the configuration: connect() and requests with more rules, workloads and models; and many callers."""

from . import cases, memory
from .contenders import DIALLED, Broker, Contender
from .machine import Watch
from .running import BUILT, Scope

REQUESTS = cases.Case("growth", "", "closed", 32)
SINGLE = cases.Case("growth-1", "", "closed", 1)


def _broker(scope: Scope, upstream: str, size: int) -> tuple[Contender, str]:
    """A broker with so many of each, and the model asked for: the last one."""
    rules = [f"127.{66 + n // 65536}.{n // 256 % 256}.{n % 256}:8000" for n in range(size)]
    broker = Broker(scope, upstream, f"growth-{size}", rules, [f"model-{n}" for n in range(size)], size)
    caller = broker.application / f"w{size - 1}"
    return Contender(f"growth-{size}", f"{size:,}", DIALLED, [broker.agent], caller), f"model-{size - 1}"


def measure(scope: Scope, upstream: str, sizes: list[int], rounds: int, count: int, times: cases.Times, say) -> dict:
    """All sizes run side by side, so that they are interleaved."""
    brokers = []
    for size in sizes:
        say(f"a broker with {size:,} rules, workloads and models")
        brokers.append((size, *_broker(scope, upstream, size)))
    found = {size: {"connect": [], "request": [], "single": []} for size in sizes}
    for number in range(rounds):
        say(f"growth, round {number + 1} of {rounds}")
        for size, contender, model in brokers[number % len(brokers):] + brokers[:number % len(brokers)]:
            command = [BUILT / "connector", DIALLED, count, contender.cgroup]
            found[size]["connect"].append(cases.program(list(map(str, command)), 60))
            found[size]["request"].append(cases.measure(REQUESTS, contender, times, cases.Patience(0), model))
            found[size]["single"].append(cases.measure(SINGLE, contender, times, cases.Patience(0), model))
    return {str(size): samples | {"rss_kib": sum(map(memory.resident_kib, contender.pids))}
            for (size, contender, _), samples in zip(brokers, found.values())}


def many(contender: Contender, idle: int, streams: int, seconds: float, say) -> dict:
    """So many idle connections, all used again at the end, and so many streams: how many went wrong."""
    say(f"{idle:,} idle connections")
    with memory.Callers(contender, idle, streaming=False) as callers:
        errors = callers.ready()["errors"]
        resident = sum(map(memory.resident_kib, contender.pids))
        errors += callers.finish()["errors"]
    say(f"{streams:,} streams")
    case = cases.Case("many", "", "stream", streams, rate=20)
    with Watch() as watch:
        report = cases.program(cases.load_arguments(case, contender, cases.Times(0, 0, 0.5, seconds)), 120)
    return {"idle": idle, "idle_errors": errors, "idle_rss_kib": resident, "streams": streams, "stream": report,
            "foreign": watch.share}
