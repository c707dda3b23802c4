"""A model's bandwidth is a total that holds as downloads come and go, between network namespaces at an MTU of 1500.

Segments are sent in bursts of a millisecond, as with any round trip of a network: where it takes microseconds, as between
namespaces, the kernel would make them 64 KiB (net.ipv4.tcp_tso_rtt_log), which is almost a second of one of 16 downloads that
share 10 Mbit/s.

By default a choice of totals and numbers of downloads, each measured for three seconds. With QOS_FULL=1: all of them, each
for ten.
"""

import os
import time

import pytest
from harness.downloads import Downloads, Source, retransmissions
from harness.netns import join
from harness.processes import run
from harness.stalls import Stalls, undisturbed
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
SECONDS = 10 if FULL else 3
ALL = [(total, flows) for total in (10, 100, 400) for flows in (1, 4, 16)]
CASES = ALL if FULL else [(10, 4), (100, 1), (100, 16), (400, 4)]
PORT = 8080
#: Downloads at a time.
MOST = 16
#: Seconds for which the machine may stand still in a measurement of a second that is to be right to 5 %.
TOLERATED = 0.005


def bytes_of(megabits: float) -> float:
    return megabits * 1_000_000 / 8


@pytest.fixture(scope="module")
def ground(shared):
    """A node with the broker, and two other machines: one downloads, one has the engine."""
    node, pod, engines = shared.namespace(), shared.namespace(), shared.namespace()
    join(node, pod, 1)
    join(node, engines, 2)
    assert "mtu 1500" in node.ip("link", "show", "mbv1").stdout
    run(["sysctl", "-qw", "net.ipv4.tcp_tso_rtt_log=0"], netns=node.name)
    return node, pod, engines


@pytest.fixture(scope="module")
def broker(shared, ground, stack):
    source = Source(ground[2].name, "10.77.2.2")
    stack.callback(source.close)
    return shared.broker(
        models={"m": [source.url]}, qos={"m": {"bandwidth": "100Mbit/s"}}, netns=ground[0].name,
        node={"gateway": f"10.77.1.1:{PORT}"}).start()


@pytest.fixture
def unpaced(ground, broker):
    eventually(lambda: broker.qos("m")["sockets"]["responses"]["active"] == 0, 20, "nothing being sent")
    downloads = Downloads(ground[1].name, "10.77.1.1", PORT)
    yield downloads
    downloads.close()


@pytest.fixture
def downloads(ground, unpaced):
    """With a bandwidth all the time, so that nothing is lost anywhere. The engine's own sending is not the broker's."""
    before = [retransmissions(namespace.name) for namespace in ground[:2]]
    with Stalls() as stalls:
        yield unpaced
    twice = sum(retransmissions(namespace.name) for namespace in ground[:2]) - sum(before)
    # A machine that stands still for longer than TCP's shortest timeout looks like loss, once to each connection and to its probe.
    pauses = max(sum(until - since > 0.1 for since, until in gaps) for gaps in stalls.gaps.values())
    assert twice <= pauses * 2 * MOST, f"something was sent twice: {twice}, with {pauses} pauses of the machine"


def limit(broker, megabits: float) -> None:
    broker.set("m", bandwidth=f"{megabits * 1000:.0f}kbit/s")


def settle(downloads, broker, flows: int, megabits: float) -> float:
    """Waits until so many take part and each has had something; the time from which on to measure.

    A download's first segments leave at once, whatever its share: what a window of ten segments holds, each.
    """
    eventually(lambda: broker.qos("m")["sockets"]["responses"]["active"] == flows, 20, f"{flows} taking part")
    first = 20_000 * flows / bytes_of(megabits)
    began = time.monotonic()

    def all_have():
        downloads.look()
        moving = downloads.rates(began, time.monotonic())
        return len(moving) >= flows and time.monotonic() - began > max(0.25, first)

    eventually(all_have, 20, "each getting something", 0.05)
    return time.monotonic()


def measure(downloads, seconds: float) -> dict[int, float]:
    """Bytes a second of each download that took part, over the next seconds."""
    began = time.monotonic()
    time.sleep(seconds)
    downloads.look()
    ended = time.monotonic() - 0.02
    return downloads.rates(began, ended)


def check(rates: dict[int, float], flows: int, megabits: float) -> None:
    total, due = sum(rates.values()), bytes_of(megabits)
    assert len(rates) == flows, rates
    assert abs(total / due - 1) < 0.05, f"{total / due:.3f} of {megabits} Mbit/s with {flows}: {rates}"
    spread = max(rates.values()) / min(rates.values())
    assert spread < 1.1, f"one gets {spread:.3f} of what another gets: {rates}"


def check_measured(downloads, seconds: float, flows: int, megabits: float, left=()) -> None:
    """Over the next seconds the total is held, and shared equally; `left`: numbers of those that have gone."""

    def measurement():
        rates = measure(downloads, seconds)
        check({number: rate for number, rate in rates.items() if number not in left}, flows, megabits)

    undisturbed(measurement, TOLERATED)


@pytest.mark.parametrize("megabits, flows", CASES)
def test_a_total_is_held(broker, downloads, megabits, flows):
    limit(broker, megabits)
    downloads.open(flows)
    settle(downloads, broker, flows, megabits)
    assert broker.qos("m")["sockets"]["responses"]["share"] == int(bytes_of(megabits)) // flows
    check_measured(downloads, SECONDS, flows, megabits)


def test_the_total_holds_as_downloads_come_and_go(broker, downloads):
    """4, then 16, then 6: each time all share equally, and the time around the changes is no exception for the total."""
    limit(broker, 100)
    downloads.open(4)
    with Stalls() as stalls:
        began = settle(downloads, broker, 4, 100)
        check_measured(downloads, 1, 4, 100)
        downloads.open(12)
        settle(downloads, broker, 16, 100)
        check_measured(downloads, 1, 16, 100)
        left = downloads.leave(10)
        settle(downloads, broker, 6, 100)
        check_measured(downloads, 1, 6, 100, left)
        ended = time.monotonic() - 0.02
    over_all = sum(downloads.rates(began, ended).values()) / bytes_of(100)
    lost = stalls.within(began, ended) / (ended - began)
    assert 0.95 - lost < over_all < 1.05, (over_all, lost)


@pytest.mark.parametrize("before, after", [(100, 20), (20, 100)], ids=["less", "more"])
def test_a_change_holds_within_200_milliseconds(broker, downloads, before, after):
    downloads.open(4)

    def change():
        limit(broker, before)
        settle(downloads, broker, 4, before)
        check_measured(downloads, 0.5, 4, before)
        limit(broker, after)
        changed = time.monotonic()
        measure(downloads, 1.3)
        check(downloads.rates(changed + 0.2, changed + 1.2), 4, after)

    limit(broker, before)
    undisturbed(change, TOLERATED)


def test_without_a_bandwidth_nobody_waits(broker, unpaced):
    limit(broker, 10)
    unpaced.open(2)
    settle(unpaced, broker, 2, 10)
    broker.set("m", bandwidth="none")
    with Stalls() as stalls:
        changed = time.monotonic()
        eventually(lambda: sum(measure(unpaced, 0.2).values()) > 5 * bytes_of(10), 20, "it going as fast as it can")
        took = time.monotonic() - changed
    assert took - stalls.largest < 5
    broker.set("m", mode="observe", bandwidth="1Mbit/s")
    assert sum(measure(unpaced, 0.5).values()) > 5 * bytes_of(10), "observing shapes nothing"
    broker.cli("qos", "reset", "m")
