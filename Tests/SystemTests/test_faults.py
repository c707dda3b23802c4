"""A schedule of faults: flows that live through one lose no byte, nothing gathers, and five seconds after each everything is as
configured. FAULTS=200 is the long form; FAULTS_SEED another schedule.
"""

import os
import random
import statistics
import time
from collections import defaultdict

import pytest
from harness import faults
from harness.exposed import DIRECT, HARD, SOFT, Exposed
from harness.faults import Fault, Node
from harness.flows import Flow, Requests
from harness.inventory import inventory, resident
from harness.stalls import Stalls
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FAULTS = int(os.environ.get("FAULTS", "0")) or len(faults.ALL)
SEED = int(os.environ.get("FAULTS_SEED", "8"))
RECOVERY = 5.0
#: Of either process: more than it begins with, KiB; and more than it had, over the last faults, in which none is restarted.
MEMORY, GROWTH = 32 << 10, 4 << 10


def schedule(generator: random.Random) -> list[Fault]:
    """Each kind once, and then any, in any order; but in the last fifth nobody is killed, so that what gathers is seen."""
    lasting = [fault for fault in faults.ALL if not fault.restarts]
    last = generator.choices(lasting, k=FAULTS // 5 if FAULTS > 2 * len(faults.ALL) else 0)
    rest = list(faults.ALL)[:FAULTS] + generator.choices(faults.ALL, k=max(0, FAULTS - len(last) - len(faults.ALL)))
    generator.shuffle(rest)
    return rest + last


class Tally:
    """What the schedule came to, for the summary."""

    def __init__(self):
        #: Seconds until everything was well, by the fault.
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        self.whole, self.flows, self.bytes = 0, 0, 0
        self.most: dict[str, int] = {"agent": 0, "proxy": 0}

    def took(self, fault: Fault, seconds: float) -> None:
        self.recoveries[fault.name].append(seconds)

    def take(self, flow: Flow, whole: bool) -> None:
        self.flows += 1
        self.whole += whole
        self.bytes += flow.size

    def summary(self, requests: Requests) -> str:
        times = sorted((took, name) for name, all_of_them in self.recoveries.items() for took in all_of_them)
        median = statistics.median(took for took, _ in times)
        kinds = ", ".join(f"{len(times)} {name}" for name, times in sorted(self.recoveries.items()))
        return (f"{len(times)} faults (seed {SEED}): {self.whole} of {self.flows} flows whole, the others cut, {self.bytes} bytes "
                f"compared, none lost; {requests.count} requests, {len(requests.failed)} failed where they may; well again after "
                f"{median:.2f} s (median), {times[-1][0]:.2f} s at worst ({times[-1][1]}); at most {self.most['agent']} KiB (agent), "
                f"{self.most['proxy']} KiB (proxy); {kinds}")


def live_through(world: Exposed, node: Node, fault: Fault, tally: Tally, requests: Requests) -> str:
    """One fault, and all that should hold meanwhile and afterwards; what applications got meanwhile."""
    flows = world.flows(node.random.getrandbits(32))
    began, node.over = time.monotonic(), None
    with fault.happens(node):
        # Where nobody may be answered, nobody waits for long.
        patience = 0.5 if fault.bars else 3
        answers, counted = world.asked(patience), world.ask_counted(patience)
        assert fault.bars or answers == [200] * 4, f"{fault.name}: {answers}"
        # Nobody who has a quota gets through while nobody can count.
        assert counted in (fault.counted or (200,)) or fault.bars, f"{fault.name}: {counted}"
        assert world.ask("d", DIRECT) == 200 and world.is_closed(), f"{fault.name}: the kernel needs nobody"
        if fault.downs:
            eventually(lambda: world.ask("m", SOFT) == 200 and world.ask("m", HARD) == 0, 5, f"whenProxyDown: {fault.name}")
    ended = node.over or time.monotonic()
    with Stalls() as stalls:
        eventually(world.is_well, 20, lambda: f"everything being well after: {fault.name}: {world.obstacle};", 0.05)
        took = time.monotonic() - ended
    if fault.bars:
        requests.excused.append((began, ended + took))
    took = max(0.0, took - stalls.within(ended, ended + took))
    tally.took(fault, took)
    assert took < RECOVERY, f"{fault.name}: {took} s"
    for flow in flows:
        flow.join(60)
        assert not flow.is_alive(), (fault.name, flow.way)
    sent = {record["sent_sha256"] for record in world.steady.requests()}
    for flow in flows:
        whole = flow.is_whole(sent)
        assert whole or fault.cuts and flow.way != "direct", f"{fault.name}: {flow.way}: {flow.failure}"
        tally.take(flow, whole)
    assert not requests.unexcused, (fault.name, requests.unexcused)
    assert world.state() == world.configured, fault.name
    for name, amount in resident(world.broker).items():
        tally.most[name] = max(tally.most[name], amount)
        assert amount < world.resident[name] + MEMORY, (fault.name, name, amount)
    world.steady.forget()
    return f"meanwhile {answers} and {counted}, well after {took:.2f} s"


def test_a_schedule_of_faults(make, module_directory, local_stack):
    generator = random.Random(SEED)
    world = Exposed(make, module_directory, local_stack)
    node = Node(world.broker, world.mortal, world.names, world.clock, generator, world.ask_from, world.ask_counted, world.is_noted)
    # Processes that have just been started grow for a while.
    tally, before, settled = Tally(), None, FAULTS - FAULTS // 5 + 10
    requests = world.requests()
    requests.start()
    local_stack.callback(requests.close)
    for number, fault in enumerate(schedule(generator), 1):
        if number == settled:
            before = resident(world.broker)
        print(f"{number}/{FAULTS} {fault.name}: {live_through(world, node, fault, tally, requests)}", flush=True)
    after = resident(world.broker)
    requests.close()
    assert requests.count > 2 * FAULTS and not requests.unexcused, requests.unexcused
    print(tally.summary(requests), flush=True)
    if before and FAULTS >= 100:
        assert all(after[name] < before[name] + GROWTH for name in after), (before, after)
    check_that_nothing_gathers(world)
    # No answer was given away, and none was counted twice.
    eventually(lambda: world.is_noted() and world.answered <= world.used() <= world.asked_for, 10,
               lambda: f"{world.answered} answered, {world.used()} used, {world.asked_for} asked for")


def check_that_nothing_gathers(world: Exposed) -> None:
    """Once nothing is under way the broker holds what it held at the beginning."""
    held: dict = {}

    def is_as_before() -> bool:
        held.clear()
        held.update(inventory(world.broker))
        # Some of the agent's threads come and go with the work that there is.
        few = all(number <= world.inventory["threads"][name] + 8 for name, number in held["threads"].items())
        return few and all(held[name] == world.inventory[name] for name in held if name != "threads")

    eventually(is_as_before, 20, lambda: "\n".join(
        f"{name}: {world.inventory[name]} before, {held[name]} now" for name in held if held[name] != world.inventory[name]), 0.2)
