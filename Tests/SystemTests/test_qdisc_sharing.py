"""Two models' brokered TCP flows on one device that cannot carry both: with `node.qdisc` the high one hardly notices.

Of the device's 100 Mbit/s one flow offers 90 % and the other 60 %, both as seen on the wire. Answers go from engines in one
namespace through the proxy to callers in another; requests go from captured callers on the node to engines in a namespace.
What counts is what the receiving application got.

By default each kind of test in one direction; with QOS_FULL=1 in both.
"""

import os
import time
from dataclasses import dataclass

import pytest
from harness.netns import join
from harness.paced import End
from harness.processes import run
from harness.stalls import Stalls, undisturbed
from harness.waiting import eventually

pytestmark = pytest.mark.alone

DEVICE, RATE = "mbv1", 12_500_000
SHARES = {"high": 0.9, "low": 0.6}
#: Of a full frame at an MTU of 1500 the bytes that are TCP's payload, with its timestamps.
PAYLOAD = 1448 / 1514
SECONDS = 5
#: What the high one may lose of its rate, and what it loses at least where nothing prefers it: how much, is TCP's luck.
LITTLE, MUCH = 0.02, 0.05
PORT = 8080
DIALLED = ("127.64.0.10", 8000)

GUARANTEED = {
    "high": {"bandwidth": "92Mbit/s", "class": "guaranteed", "priority": "high"},
    "low": {"bandwidth": "60Mbit/s", "class": "best-effort", "priority": "low"}}
PRIORITY = {"high": {"priority": "high"}, "low": {"priority": "low"}}
EQUAL = {"high": {"priority": "normal"}, "low": {"priority": "normal"}}


@dataclass
class Flow:
    """Bytes of a window of time; `behind`: what had been offered by its end since the beginning and had not arrived."""

    offered: float
    arrived: float
    behind: float
    seconds: float
    #: What its model's class sent meanwhile and a moment longer, on the wire.
    sent: float
    #: The part of that time for which the machine stood still, and nothing of it could be carried.
    stalled: float

    @property
    def loss(self) -> float:
        return 1 - self.arrived / self.offered

    def __str__(self):
        offered, arrived = (amount / self.seconds * 8e-6 for amount in (self.offered, self.arrived))
        late = self.behind / self.offered * self.seconds * 1000
        return (f"offered {offered:.2f} Mbit/s, got {arrived:.2f}, lost {self.loss:.2%}, {late:.0f} ms behind, "
                f"of a machine that stood still for {self.stalled:.1%}")


class Ground:
    """A node with the broker, a machine behind the device that is shared, and one behind another."""

    def __init__(self, make, stack):
        self.make, self.stack = make, stack
        self.node, self.behind, self.other = make.namespace(), make.namespace(), make.namespace()
        join(self.node, self.behind, 1)
        join(self.node, self.other, 2)

    def end(self, netns, **what) -> End:
        end = End(netns.name, **what)
        self.stack.callback(end.close)
        return end

    def flows(self, direction, entries, classed=True) -> dict[str, tuple[End, End]]:
        """By model the end that sends and the end that receives."""
        pace = {model: share * RATE * PAYLOAD for model, share in SHARES.items()}
        if direction == "responses":
            engines = {model: self.end(self.other, listen="10.77.2.2", pace=pace[model]) for model in SHARES}
            self.start(engines, entries, classed)
            return {model: (engine, self.end(self.behind, dial=("10.77.1.1", PORT), model=model))
                    for model, engine in engines.items()}
        engines = {model: self.end(self.behind, listen="10.77.1.2") for model in SHARES}
        self.start(engines, entries, classed)
        callers = self.broker.application_cgroup()
        return {model: (self.end(self.node, cgroup=callers, dial=DIALLED, model=model, pace=pace[model]), engine)
                for model, engine in engines.items()}

    def start(self, engines, entries, classed) -> None:
        node = {"gateway": f"10.77.1.1:{PORT}", "maxBody": "1GiB"}
        if classed:
            node["qdisc"] = {"device": DEVICE, "kind": "htb", "rate": "100Mbit/s"}
        self.broker = self.make.broker(
            capture=[{"name": "llm", "to": f"{DIALLED[0]}:{DIALLED[1]}", "path": "proxy", "whenProxyDown": "refuse"}],
            models={model: [engine.url] for model, engine in engines.items()}, qos=entries, node=node, netns=self.node.name)
        self.broker.start()

    def sent(self) -> dict[str, int]:
        """Bytes that left by each model's class."""
        trees = self.broker.ask("qdisc", "show")
        return {entry["model"]: entry["sentBytes"] for tree in trees for entry in tree["classes"] if "model" in entry}

    def measure(self, flows) -> dict[str, Flow]:
        """Once both have been at it for a while: until then TCP looks for its rate."""
        eventually(lambda: all(receiver.now()[1] > 1 << 20 for _, receiver in flows.values()), 20, "both flowing", 0.1)
        before, first = self.sent(), self.now(flows)
        with Stalls() as stalls:
            time.sleep(SECONDS)
        last, after = self.now(flows), self.sent()
        result = {}
        for model, (offered, arrived) in last.items():
            (began, offered_before), (_, arrived_before) = first[model]
            result[model] = Flow(
                offered[1] - offered_before, arrived[1] - arrived_before, offered[1] - arrived[1], offered[0] - began,
                after.get(model, 0) - before.get(model, 0), stalls.within(began, offered[0]) / (offered[0] - began))
            print(f"{model}: {result[model]}")
        return result

    @staticmethod
    def now(flows):
        return {model: (sender.now(), receiver.now()) for model, (sender, receiver) in flows.items()}


@pytest.fixture
def ground(make, local_stack):
    return Ground(make, local_stack)


def choice(full, usual):
    return full if os.environ.get("QOS_FULL") == "1" else usual


KEPT = {
    "responses-guaranteed": ("responses", GUARANTEED), "requests-priority": ("requests", PRIORITY),
    "responses-priority": ("responses", PRIORITY), "requests-guaranteed": ("requests", GUARANTEED)}


#: What one who offers 90 % can make up for in the rest of the device, until it is measured again.
TOLERATED = 0.02


@pytest.mark.parametrize("case", choice(list(KEPT), list(KEPT)[:2]))
def test_the_high_one_keeps_its_rate(ground, case):
    under_way = ground.flows(*KEPT[case])
    #: What an earlier measurement, in which the machine stood still, has left to be made up for.
    left = 0.0

    def keeps():
        nonlocal left
        flows = ground.measure(under_way)
        high, low = flows["high"], flows["low"]
        before, left = left, high.behind
        assert high.loss < LITTLE + high.stalled, high
        assert high.behind - before < (LITTLE + high.stalled) * high.offered, f"nor had it lost more before: {high}"
        # The low one has what is left, and the device is full.
        assert low.loss > 0.5, low
        assert 0.95 - high.stalled < (high.arrived + low.arrived) / PAYLOAD / high.seconds / RATE < 1.05, flows
        for flow in flows.values():
            assert flow.sent * PAYLOAD > 0.99 * flow.arrived, f"what arrived has left by its model's class: {flow}"

    undisturbed(keeps, TOLERATED)


@pytest.mark.parametrize("direction", choice(["responses", "requests"], ["responses"]))
def test_equals_share_the_loss(ground, direction):
    """Nothing but the entries makes the difference."""
    flows = ground.flows(direction, EQUAL)
    undisturbed(lambda: loses(ground, flows), TOLERATED)


def loses(ground, flows) -> None:
    high = ground.measure(flows)["high"]
    assert high.loss > MUCH, high


@pytest.mark.parametrize("direction", choice(["responses", "requests"], ["requests"]))
def test_a_device_that_knows_no_classes_makes_no_difference(ground, direction):
    """With the priorities and as slow a device, but without the key."""
    limit = ["rate", f"{RATE * 8}bit", "burst", "32kb", "latency", "20ms"]
    run(["tc", "qdisc", "add", "dev", DEVICE, "root", "tbf", *limit], netns=ground.node.name)
    flows = ground.flows(direction, PRIORITY, classed=False)
    undisturbed(lambda: loses(ground, flows), TOLERATED)
