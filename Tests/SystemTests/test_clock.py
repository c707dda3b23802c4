"""The wall clock of a node is set while the broker works: what goes by the calendar follows it, nothing else notices, and what it did
wrong meanwhile ends with it.
"""

import datetime
import errno
import hashlib
import json
import re
import threading
import time

import pytest
from harness import cgroups
from harness.credentials import bearer, new_key
from harness.http1 import Broken, Connection, chat, request_bytes
from harness.places import binary, free_port
from harness.tokens import Signer, lifetime
from harness.waiting import eventually
from harness.wall_clock import WallClock

HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
ISSUER = "https://sso.test"
PRIVATE = ("127.65.0.10", 8000)
#: Everything is as configured so soon after a step, in seconds.
SOON = 5


def window(begin: float, end: float) -> str:
    """Of every day, from and to so many seconds from now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    moments = (now + datetime.timedelta(seconds=seconds) for seconds in (begin, end))
    return "-".join(f"{moment:%H:%M}" for moment in moments)


class World:
    """A broker with something of everything that goes by the wall clock, and something of what must not."""

    def __init__(self, make, directory):
        self.engine = make.engine("--models", "*", "--name", "one", *FAST)
        self.steady = make.engine("--models", "*", "--ttft", "0ms", "--itl", "20ms", "--tokens", "150")
        self.keys = {name: new_key(directory / "keys", name) for name in ("expiring", "counted", "slow", "fresh", "daily")}
        self.signer = Signer(directory, "HS256", secret=b"a secret of the tests, and of nobody else")
        (directory / "HS256.keys").write_bytes(self.signer.secret)
        self.file = directory / "audit.jsonl"
        self.clock = WallClock(directory)
        self.begin = directory / "may-begin"
        self.begin.touch()
        self.broker = make.broker(
            capture=[{"name": "own", "to": [f"{PRIVATE[0]}:8000"], "path": "proxy", "model": "private", "whenProxyDown": "refuse"}],
            details={
                "m": {"endpoints": [{"url": self.engine.url, "health": {"period": "300ms"}}]},
                "stream": {"endpoints": [{"url": self.steady.url}]},
                "private": {"endpoints": [{"url": self.engine.url}], "access": "private"},
                "kept": {"strategy": "priority", "endpoints": [
                    {"url": f"http://127.0.0.2:{free_port('127.0.0.2')}", "health": "off",
                     "maintenance": [{"cron": self.cron(6 * HOUR), "for": "1h"}]},
                    {"url": self.engine.url, "health": "off"}]},
                "asleep": {"endpoints": [self.sleeper(directory)], "queue": {"wait": "20s"}},
            },
            more={"audit": {"level": "metadata", "file": {"path": str(self.file)}},
                  "issuers": {"sso": {"issuer": ISSUER, "algorithms": ["HS256"],
                                      "keys": {"secret": "${file:%s}" % (directory / "HS256.keys")}}}})
        hours = window(-HOUR, HOUR)
        expires = datetime.datetime.fromtimestamp(time.time() + HOUR, datetime.timezone.utc)
        self.broker.config["clients"] = {
            "app": {"workloads": [f"{cgroups.below_mount(self.broker.cgroup)}/app"], "allow": [{"names": ["private"], "times": [hours]}]},
            "expiring": {"keys": [{"key": self.keys["expiring"].reference, "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}]},
            "token": {"tokens": [{"issuer": "sso", "claims": {"sub": "token"}}]},
            "daily": {"keys": [self.keys["daily"].reference], "allow": [{"names": ["m"], "times": [hours]}]},
            "counted": {"keys": [self.keys["counted"].reference], "quotas": {"day": {"requests": 7}, "month": {"tokens": 10**9}}},
            "slow": {"keys": [self.keys["slow"].reference], "limits": {"requests": "2/m", "burst": 2}},
            "fresh": {"keys": [self.keys["fresh"].reference], "limits": {"requests": "2/m", "burst": 2}},
            "anybody": {},
        }
        self.broker.config["anonymous"] = "anybody"
        self.broker.write_config()
        self.clock.give(self.broker)
        self.broker.application_cgroup()
        self.broker.start()

    @staticmethod
    def cron(seconds: float) -> str:
        return f"{datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds):%M %H} * * *"

    def sleeper(self, directory) -> dict:
        """An engine on demand that starts as long as it may."""
        port = free_port()
        program = directory / "sleeper"
        program.write_text(f'#!/bin/sh\n[ -e {self.begin} ] || exit 3\nexec {binary("mock-engine")} "$@"\n')
        program.chmod(0o755)
        command = [str(program), "--port", str(port), "--models", "*", *FAST]
        return {"url": f"http://127.0.0.1:{port}",
                "activate": {"exec": command, "readyTimeout": "10s", "stopTimeout": "2s", "idleAfter": "1s"}}

    def ask(self, key: str | None = None, model: str = "m", fields: dict | None = None):
        headers = fields or (self.keys[key].bearer if key else {})
        with Connection.to(*self.broker.gateway, timeout=30) as connection:
            return connection.request("POST", "/v1/chat/completions", chat(model, max_tokens=4), headers)

    def status(self, *arguments, **more) -> int:
        return self.ask(*arguments, **more).status

    def agent_time(self) -> float:
        """What the agent takes for the time, in seconds since 1970."""
        status, text = self.broker.admin_get("/api/live")
        assert status == 200
        return json.loads(text)["time"] / 1000

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def noted(self, used: int) -> bool:
        """The journal says at its end that so many requests are used."""
        found = re.findall(rb"MBJR.{4}(.{6}).{10}day\.requests client=counted(?! alert)", self.broker.journal.read_bytes(), re.DOTALL)
        return bool(found) and int.from_bytes(found[-1], "little") == used

    def phase(self) -> str:
        return next(endpoint for endpoint in self.broker.ask("endpoint", "list", "asleep"))["phase"]


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.fixture(scope="module")
def world(shared, module_directory):
    return World(shared, module_directory)


@pytest.fixture(autouse=True)
def right_again(world):
    yield
    world.clock.ahead = 0


@pytest.mark.parametrize("ahead", [HOUR, -DAY, 3 * YEAR])
def test_agent_and_proxy_live_at_the_time_that_they_are_told(world, ahead):
    """Without it none of the others here would say anything. What lasts lasts as long as before."""
    before = len(world.lines())
    eventually(lambda: abs(world.agent_time() - time.time()) < 60, SOON, "the machine's time")
    world.clock.ahead = ahead
    eventually(lambda: abs(world.agent_time() - world.clock.now) < 60, SOON, "another time")
    assert world.status() == 200
    line = eventually(lambda: world.lines()[before:], 10, "the line of the request")[0]
    assert abs(moment(line["time"]) - world.clock.now) < 60
    assert 0 < line["total_ms"] < 30_000 and 0 < line["first_byte_ms"] < 30_000
    world.broker.cli("endpoint", "drain", world.engine.url)
    event = world.broker.events(kind="endpoint-drained")[-1]
    world.broker.cli("endpoint", "enable", world.engine.url)
    assert abs(moment(event["time"]) - world.clock.now) < 60


@pytest.mark.parametrize("ahead", [DAY, 3 * YEAR])
def test_keys_and_tokens_hold_when_the_clock_says_so(world, ahead):
    token = bearer(world.signer.token(iss=ISSUER, sub="token", **lifetime(HOUR)))

    def found() -> set[tuple[int, int]]:
        """Of key and token, by every event loop."""
        return {(world.status("expiring"), world.status(fields=token)) for _ in range(8)}

    assert found() == {(200, 200)}
    world.clock.ahead = ahead
    eventually(lambda: found() == {(401, 401)}, SOON, "both having expired")
    world.clock.ahead = 0
    eventually(lambda: found() == {(200, 200)}, SOON, "both holding again")
    # It was not issued yet then.
    world.clock.ahead = -ahead
    eventually(lambda: found() == {(200, 401)}, SOON, "the token being of a later time")
    world.clock.ahead = 0
    eventually(lambda: found() == {(200, 200)}, SOON, "both holding again")


def test_hours_follow_the_clock_in_proxy_and_kernel(world, make):
    caller = make.caller(world.broker.application_cgroup())

    def dialled() -> int:
        with caller.dial(*PRIVATE) as call:
            return call.errno

    assert world.status("daily") == 200 and dialled() == 0
    for ahead in (12 * HOUR, -12 * HOUR):
        world.clock.ahead = ahead
        assert world.status("daily") == 403
        eventually(lambda: dialled() == errno.ECONNREFUSED, SOON, "the kernel knowing the hour", 0.1)
        world.clock.ahead = 0
        assert world.status("daily") == 200
        eventually(lambda: dialled() == 0, SOON, "the kernel knowing the hour", 0.1)


def test_quotas_count_in_the_day_that_it_is(world):
    used = lambda: world.broker.used("counted", "requests")  # noqa: E731
    for _ in range(3):
        assert world.status("counted") == 200
    # What nobody has written down when a new day begins is of no interest any more.
    eventually(lambda: used() == 3 and world.noted(3), SOON, "three being counted")
    for ahead, expected in ((3 * YEAR, 4), (DAY, 5)):
        world.clock.ahead = ahead
        assert used() == 0 and world.status("counted") == 200
        eventually(lambda: used() == 1, SOON, "a day of its own")
        world.clock.ahead = 0
        eventually(lambda: used() == expected and world.noted(expected), SOON, "all of it being used today")
    # Nobody gets more by setting the clock back, and nothing is left of it once that is right again.
    world.clock.ahead = -DAY
    eventually(lambda: used() == 5, SOON, "it coming along")
    assert world.status("counted") == 200
    eventually(lambda: used() == 6 and world.noted(6), SOON, "it being counted there")
    world.clock.ahead = 0
    eventually(lambda: used() == 6 and world.noted(6), SOON, "it being found again")
    left = 7 - used()
    assert [world.status("counted") for _ in range(left + 1)] == [200] * left + [429]
    assert world.ask("counted").error["code"] == "insufficient_quota"
    resets = next(quota["resets"] for quota in world.broker.quotas("counted") if quota["period"] == "day")
    assert 0 < moment(resets) - time.time() <= DAY
    month = lambda: world.broker.used("counted", "tokens", "month")  # noqa: E731
    spent = month()
    for ahead in (YEAR, -YEAR):
        world.clock.ahead = ahead
        eventually(lambda ahead=ahead: month() == (0 if ahead > 0 else spent), SOON, "the month that it is")
    world.clock.ahead = 0
    eventually(lambda: month() == spent, SOON, "the month that it was")


@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_rates_do_not_notice(world, ahead):
    eventually(lambda: world.status("slow") == 429, 5, "the bucket being empty")
    world.clock.ahead = ahead
    answer = world.ask("slow")
    assert answer.status == 429 and 0 < float(answer.header("retry-after")) <= 60
    assert world.status("fresh") == 200 or ahead < 0, "a full one stays full"
    world.clock.ahead = 0
    assert world.status("slow") == 429


def test_streams_and_health_do_not_notice(world):
    """Steps and a clock that runs a third too fast and too slow."""
    with Connection.to(*world.broker.gateway, timeout=60) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("stream", stream=True, stream_options={"include_usage": True})))
        over = threading.Event()

        def set_about():
            for step in (HOUR, -2 * HOUR, DAY, -DAY, 3 * YEAR, -3 * YEAR, 0):
                world.clock.ahead = step
                over.wait(0.15)
            for rate in (0.3, -0.3):
                for _ in range(100):
                    world.clock.ahead += rate * 0.01
                    over.wait(0.01)

        thread = threading.Thread(target=set_about)
        thread.start()
        try:
            answer = connection.response()
        finally:
            over.set()
            thread.join(30)
    sent = {record["sent_sha256"] for record in world.steady.requests()}
    assert answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n")
    assert hashlib.sha256(answer.body).hexdigest() in sent
    assert not world.broker.events(kind="endpoint-down") and not world.broker.events(kind="proxy-exited")
    assert world.status() == 200


def test_maintenance_ends_when_the_clock_says_so(world):
    """Its server is none: whoever goes there is answered by the other one, after an attempt."""
    def first() -> dict:
        return world.broker.ask("endpoint", "list", "kept")[0]

    def attempts() -> int:
        before = len(world.lines())
        assert world.status(model="kept") == 200
        return eventually(lambda: world.lines()[before:], 10, "the line of the request")[0]["attempts"]

    assert first()["state"] == "active"
    early = 6 * HOUR + 5 * 60
    world.clock.ahead = early
    eventually(lambda: first().get("reason") == "maintenance" and attempts() == 1, SOON, "the window being in force", 0.1)
    world.clock.ahead = 0
    eventually(lambda: first().get("reason") != "maintenance", SOON, "the window being over", 0.1)
    # A moment before its end, and back to its beginning: it is not over when it would have been.
    left = 6
    world.clock.ahead = 7 * HOUR - world.clock.now % 60 - left
    eventually(lambda: first().get("reason") == "maintenance", left, "the window being in force")
    world.clock.ahead = early
    until = time.monotonic() + left + 1
    while time.monotonic() < until:
        assert attempts() == 1
    assert first()["remainingMilliseconds"] > 30 * 60_000
    world.clock.ahead = 0
    eventually(lambda: first().get("reason") != "maintenance", SOON, "the window being over", 0.1)


def test_engines_on_demand_are_started_and_stopped_in_time(world):
    for ahead in (0, -DAY, DAY):
        world.clock.ahead = ahead
        assert world.status(model="asleep") == 200
        # It is not asked for what the clock says when it is idle, either.
        world.clock.ahead = -ahead
        eventually(lambda: world.phase() == "asleep", 20, "it being stopped when nobody needs it", 0.1)
    world.clock.ahead = 0
    world.begin.unlink()
    try:
        assert world.status(model="asleep") == 503
        eventually(lambda: world.phase() == "failed", 10, "it not starting", 0.05)
        world.clock.ahead = -DAY
    finally:
        world.begin.touch()
    eventually(lambda: world.status(model="asleep") == 200, 20, "it being tried again in time", 0.2)


def test_figures_stay_those_of_what_happened(world):
    """Nothing took an hour, or less than nothing."""
    for ahead in (HOUR, -HOUR, 0):
        world.clock.ahead = ahead
        assert world.status() == 200
    assert all(0 <= line.get("total_ms", 0) < 60_000 for line in world.lines())
    text = world.broker.admin_get("/metrics")[1]
    sums = [float(line.split()[-1]) for line in text.splitlines() if "_seconds_sum{" in line]
    assert sums and all(0 <= total < 3000 for total in sums), sums
    assert "modelbroker_ready 1" in text


def test_what_is_configured_while_the_clock_is_wrong_is_in_force(world):
    """And agent and proxy that begin at a wrong time are right once that is."""
    world.clock.ahead = -10 * YEAR
    world.broker.kill_agent()
    world.broker.launch()
    world.broker.wait_ready()
    proxy = world.broker.proxy_pid
    world.broker.cli("proxy", "restart")
    assert world.broker.proxy_pid != proxy
    token = bearer(world.signer.token(iss=ISSUER, sub="token", **lifetime(HOUR)))
    assert world.status(fields=token) == 401 and world.status("daily") in (200, 403) and world.status() == 200
    world.clock.ahead = 0
    try:
        eventually(lambda: [world.status(fields=token), world.status("daily")] == [200, 200], SOON, "all being as configured")
    except (Broken, OSError) as error:
        raise AssertionError("a connection failed") from error
