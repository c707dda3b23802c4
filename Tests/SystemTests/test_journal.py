"""What was used is written down: through kill -9 at any moment, through power loss, and on a disk that is full."""

import os
import random
import signal
import time

import pytest
from harness import cgroups
from harness.credentials import new_key
from harness.http1 import Connection, chat
from harness.processes import run
from harness.steady import Steady
from harness.waiting import eventually

KILLS = int(os.environ.get("KILLS", "40"))
LOSSES = max(3, KILLS // 10)
SEED = int(os.environ.get("KILLS_SEED", "6"))
MANY = 10**12
#: Requests a second.
RATE = 150


class World:
    """An engine, a client with quotas, and agent and proxy each started by the test, as a service manager does."""

    def __init__(self, make, directory):
        self.engine = make.engine("--models", "*", "--ttft", "5ms", "--itl", "2ms", "--tokens", "8")
        self.key = new_key(directory, "caller")
        self.broker = make.broker(
            details={"m": {"endpoints": [{"url": self.engine.url}], "health": "off", "retry": "off",
                           "breaker": {"failures": 1000, "errorRate": "0%"}}},
            clients={"caller": {"keys": [self.key.reference], "quotas": {"month": {"tokens": MANY, "requests": MANY}}}},
            node={"proxy": "external"})
        self.start("agent", "proxy")
        self.load = Steady(self.broker.gateway, self.key.bearer, rate=RATE)
        #: What has been lost so far, in tokens.
        self.lost = 0

    def start(self, *which) -> None:
        if "agent" in which:
            self.broker.launch()
        if "proxy" in which:
            self.broker.start_external_proxy()
        self.broker.wait_ready(30)

    def kill(self, *which) -> None:
        for name in which:
            (self.broker.agent if name == "agent" else self.broker.external).kill()

    @property
    def billed(self) -> int:
        account = self.engine.usage().get("m", {"prompt_tokens": 0, "completion_tokens": 0})
        return account["prompt_tokens"] + account["completion_tokens"]

    @property
    def used(self) -> int:
        return self.broker.used("caller", "tokens", "month")

    @property
    def second(self) -> int:
        """Tokens of one second's traffic."""
        return RATE * self.load.cost

    def at_rest(self) -> tuple[int, int]:
        """(billed, used), once both stand still."""
        last = []

        def still():
            last.append((self.billed, self.used))
            return len(last) > 3 and len(set(last[-3:])) == 1 and last[-1]

        return eventually(still, 20, lambda: f"the books standing still; {last[-3:]}", 0.1)

    def works(self) -> bool:
        try:
            with Connection.to(*self.broker.gateway) as connection:
                answer = connection.request("POST", "/v1/chat/completions", chat("m", mock_prompt_tokens=0, max_tokens=1), self.key.bearer)
                return answer.status == 200
        except (OSError, AssertionError):
            return False
        except Exception as error:  # noqa: BLE001, a connection that breaks in the middle
            if type(error).__name__ == "Broken":
                return False
            raise

    def check(self, what: str, losses: int = 1) -> None:
        """Never more than was used, and at most one second of traffic less for each time that something was lost."""
        billed, used = self.at_rest()
        lost, self.lost = billed - used - self.lost, billed - used
        assert used <= billed, f"{what}: {used - billed} tokens too many are counted"
        assert lost <= losses * self.second, f"{what}: {lost} tokens were lost, {self.second} are a second's"


@pytest.fixture
def world(make, module_directory):
    return World(make, module_directory / "keys")


def test_killed_at_any_moment(world):
    rng = random.Random(SEED)
    began = time.monotonic()
    for number in range(KILLS):
        which = rng.choice([("agent",), ("proxy",), ("agent", "proxy"), ("proxy", "agent")])
        with world.load as load:
            first = load.sent
            eventually(lambda: load.sent > first + 5, 20, "the load")
            # The moment is what is tried: a time is right here, and a condition would be wrong.
            time.sleep(rng.uniform(0, 0.4))
            world.kill(*which)
            if rng.random() < 0.3:
                # Another time right at the start.
                if "agent" in which:
                    world.broker.launch()
                    time.sleep(rng.uniform(0, 0.15))
                    world.broker.agent.kill()
            world.start(*which)
            restarted = time.monotonic()
            eventually(lambda: load.last_good > restarted, 20, f"requests being answered again, {load.outcomes}")
        if number % 4 == 3 or number == KILLS - 1:
            world.check(f"round {number} of seed {SEED}, {which}", losses=4)
    billed, used = world.billed, world.used
    assert billed > 0 and billed - used <= KILLS * world.second
    assert world.load.outcomes[200] > KILLS * 10, (world.load.outcomes, time.monotonic() - began)
    # Killing a process loses what that process had under way, not what it had counted: far less than a second's.
    assert billed - used <= KILLS * 64 * world.load.cost
    assert not world.broker.events(kind="accounting-stopped")


def test_an_agent_that_is_killed_costs_nothing(world):
    """The proxy goes on, and counts in the page that both share."""
    with world.load as load:
        for _ in range(5):
            before = load.outcomes.get(200, 0)
            world.kill("agent")
            eventually(lambda: load.outcomes.get(200, 0) > before + 30, 20, "requests being answered without an agent")
            world.start("agent")
    billed, used = world.at_rest()
    assert used == billed > 0


def test_an_agent_that_is_stopped_writes_everything_down(world):
    for _ in range(3):
        with world.load as load:
            before = load.outcomes.get(200, 0)
            eventually(lambda: load.outcomes.get(200, 0) > before + 50, 20, "some requests")
        world.at_rest()
        world.broker.agent.stop()
        world.kill("proxy")
        world.broker.accounts.unlink()
        world.start("agent", "proxy")
        billed, used = world.at_rest()
        assert used == billed


def test_power_loss(world):
    """Both processes end at once, and what only memory knew is gone: the journal has all but the last second."""
    rng = random.Random(SEED)
    for number in range(LOSSES):
        with world.load as load:
            before = load.outcomes.get(200, 0)
            eventually(lambda: load.outcomes.get(200, 0) > before + 200, 30, "some requests")
            time.sleep(rng.uniform(0, 0.5))
            world.kill("proxy", "agent")
        world.broker.accounts.unlink()
        if number % 2:
            tear(world.broker.journal, rng)
        world.start("agent", "proxy")
        eventually(world.works, 20, "requests being answered again")
        world.check(f"loss {number} of seed {SEED}")
    assert world.used > 0


def tear(journal, rng) -> None:
    """The last write came to the disk in part: what follows the last whole record is rubbish."""
    file = journal if journal.is_file() else max(journal.iterdir(), key=lambda path: path.stat().st_mtime)
    with open(file, "ab") as out:
        out.write(rng.randbytes(rng.randrange(1, 60)))


def test_a_journal_that_is_rubbish_is_said_so(world):
    """It does not keep the agent from starting, and is not taken for nothing used without a word."""
    with world.load as load:
        eventually(lambda: load.outcomes.get(200, 0) > 50, 20, "some requests")
    world.at_rest()
    world.kill("agent", "proxy")
    used = world.billed
    world.broker.journal.write_bytes(os.urandom(5000))
    world.start("agent", "proxy")
    assert "journal" in world.broker.agent.output()
    # The page still has it all.
    assert world.used == used
    eventually(world.works, 20, "requests being answered")


def test_a_clock_of_days(world):
    """What a quota says of its period is right."""
    quota = world.broker.quotas("caller")[0]
    now = time.gmtime()
    year, month = (now.tm_year, now.tm_mon + 1) if now.tm_mon < 12 else (now.tm_year + 1, 1)
    assert quota["period"] == "month" and quota["resets"].startswith(f"{year:04}-{month:02}-01T00:00:00")


# A full disk.

#: Many accounts, so that each batch of the journal has much to write.
MODELS = [f"m{number}" for number in range(40)]


@pytest.fixture
def small_disk(module_directory, local_stack):
    """1 MiB of memory, as a file system of its own."""
    path = module_directory / "disk"
    path.mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "mbtest", path])
    local_stack.callback(run, ["umount", path])
    return path


def test_a_full_disk(small_disk, make, module_directory):
    engine = make.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "8")
    keys = {name: new_key(module_directory / "full", name) for name in ("governed", "free")}
    quota = {"day": {"tokens": MANY, "requests": MANY}, "month": {"tokens": MANY, "requests": MANY}}
    broker = make.broker(
        models={name: [engine.url] for name in [*MODELS, "other"]},
        clients={"governed": {"keys": [keys["governed"].reference], "models": {name: {"quotas": quota} for name in MODELS}},
                 "free": {"keys": [keys["free"].reference]}})
    broker.state_directory = small_disk / "state"
    broker.start()
    load = Steady(broker.gateway, keys["governed"].bearer, models=MODELS, rate=100)
    with load:
        eventually(lambda: load.outcomes.get(200, 0) > 100, 20, "requests being answered")
        filler = small_disk / "filler"
        fill(filler)
        eventually(lambda: load.outcomes.get(503, 0) > 20, 60, lambda: f"them being refused, {load.outcomes}")
        event = eventually(lambda: broker.events(kind="accounting-stopped"), 20, "the event")
        assert event[0].get("detail")
        # Nobody who has a quota gets in any more, and everybody else does.
        good = load.outcomes[200]
        with Connection.to(*broker.gateway) as connection:
            for _ in range(20):
                answer = connection.request("POST", "/v1/chat/completions", chat("m7"), keys["governed"].bearer)
                assert (answer.status, answer.error["code"]) == (503, "accounting_unavailable")
                assert answer.header("retry-after") == "5"
            assert connection.request("POST", "/v1/chat/completions", chat("m7"), keys["free"].bearer).status == 200
            # Without a quota on that model there is nothing to write down.
            assert connection.request("POST", "/v1/chat/completions", chat("other"), keys["governed"].bearer).status == 200
        assert load.outcomes[200] == good
        assert broker.admin_get("/healthz")[0] == 200
        filler.unlink()
        eventually(lambda: load.outcomes[200] > good + 50, 30, "requests being answered again")
    assert broker.events(kind="accounting-resumed")
    eventually(lambda: sums(broker) == tuple(map(sum, zip(*bills(engine), strict=True))), 20, "the books agreeing", 0.1)
    # And it was written down: a restart without the page knows it.
    before = sums(broker)
    broker.agent.stop()
    for pid in cgroups.members(broker.broker_cgroup):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not cgroups.members(broker.broker_cgroup), 20, "the proxy being gone")
    broker.accounts.unlink()
    broker.start()
    assert sums(broker) == before


def fill(file) -> None:
    """Writes until there is no room left for a byte."""
    with open(file, "wb", buffering=0) as out:
        for size in (65536, 4096, 512, 64, 1):
            try:
                while True:
                    out.write(bytes(size))
            except OSError:
                continue


def sums(broker) -> tuple[int, int]:
    """(tokens, requests) of all models' quotas together."""
    quotas = [quota for quota in broker.quotas("governed") if quota["period"] == "month"]
    return tuple(sum(quota["used"] for quota in quotas if quota["unit"] == unit) for unit in ("tokens", "requests"))


def bills(engine):
    """(tokens, answers) of each model that has a quota, of what its client asked for."""
    accounts = {model: account for model, account in engine.usage().items() if model in MODELS}
    return [(account["prompt_tokens"] + account["completion_tokens"] - 10 * (model == "m7"), account["answers"] - (model == "m7"))
            for model, account in accounts.items()]

