"""A broker with something of everything that a fault could hurt, applications that use it, and how it stands."""

import errno
import random
import re

from . import cgroups
from .credentials import new_key
from .flows import Echo, Flow, Requests, Stream
from .http1 import Broken, Connection, chat
from .inventory import inventory, resident
from .names import NameServer
from .places import free_port
from .processes import run
from .servers import echo
from .waiting import eventually
from .wall_clock import WallClock

#: What connects to these is captured; the last two are the kernel's alone: it chooses an endpoint, and refuses.
SOFT, HARD, OPAQUE, DIRECT, CLOSED = "127.64.0.10", "127.65.0.10", "127.66.0.10", "127.67.0.10", "127.68.0.10"
NAME = "engine.test"
STREAM = ("--ttft", "20ms", "--itl", "20ms", "--tokens", "60")
UNITS, PERIODS = ("requests", "tokens", "cost"), ("day", "month")
#: What is set by the configuration and by nothing else.
CONFIGURED = ("rules4", "rules6", "workloads", "settings", "models", "endpoint_sets", "access")


class Exposed:
    """One broker with a rule of each kind, and everything its models need."""

    def __init__(self, make, directory, stack):
        self.steady = make.engine("--models", "*", *STREAM, host=SOFT)
        self.mortal = make.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "4", host="127.0.0.9", port=free_port())
        self.echo = make.server(echo, host=OPAQUE)
        self.names = NameServer("127.53.0.2", NAME, ["127.0.0.9"], ttl=1)
        stack.callback(self.names.close)
        self.clock = WallClock(directory)
        self.key = new_key(directory / "keys", "counted")
        #: What was not well when it was looked at last.
        self.obstacle = ""
        #: Of the client whose requests are counted: asked, and answered.
        self.asked_for, self.answered = 0, 0
        self.broker = make.broker(
            capture=[{"name": "soft", "to": [f"127.64.0.0/16:{self.steady.port}"], "whenProxyDown": "direct"},
                     {"name": "hard", "to": ["127.65.0.0/16:8000"], "whenProxyDown": "refuse"},
                     {"name": "opaque", "to": [f"127.66.0.0/16:{self.echo.port}"], "whenProxyDown": "direct"},
                     {"name": "direct", "to": ["127.67.0.0/16:8000"], "path": "direct", "model": "d", "whenProxyDown": "refuse"},
                     {"name": "closed", "to": ["127.68.0.0/16:8000"], "path": "direct", "model": "c", "whenProxyDown": "refuse"}],
            models={"m": [self.steady.url], "d": [self.steady.url]}, qos={"m": {"requests": "100000/s"}},
            details={"n": {"endpoints": [{"url": f"http://{NAME}:{self.mortal.port}", "health": {"period": "1s"}}]},
                     "c": {"endpoints": [self.steady.url], "health": "off", "access": "private"},
                     "m": {"price": {"input": 1, "output": 1}}},
            pools={"both": {"models": ["n", "m"], "breaker": {"cooldown": "1s"}}})
        # Connections to engines are kept for a while: not for longer than it takes to see that they go.
        self.broker.config["node"]["timeouts"] = {"upstreamIdle": "2s"}
        below = cgroups.below_mount(self.broker.cgroup)
        self.audit = self.broker.state_directory / "audit.jsonl"
        self.broker.config |= {
            "clients": {"counted": {"keys": [self.key.reference], "quotas": {period: dict.fromkeys(UNITS, 10**8) for period in PERIODS}},
                        "known": {"workloads": [f"{below}/churn/known*"], "deny": [{"names": ["*"]}]}, "anybody": {}},
            "anonymous": "anybody",
            "audit": {"level": "metadata", "file": {"path": str(self.audit), "size": "256KiB", "keep": 1}}}
        self.broker.write_config()
        self.clock.give(self.broker)
        self._places(directory, stack)
        self.broker.start()
        self.caller = make.caller(self.broker.application_cgroup())
        self.other_caller = make.caller(self.broker.application_cgroup())
        eventually(self.is_well, 20, "everything being well")
        # What the first of them leaves stays.
        self.broker.cli("proxy", "restart")
        eventually(self.is_well, 20, "everything being well")
        self.configured = self.state()
        self.inventory = eventually(self.resting, 20, "nothing being under way")
        self.resident = resident(self.broker)

    def _places(self, directory, stack):
        """The agent's own resolver, and a small disk for what it writes."""
        resolver = directory / "resolv.conf"
        resolver.write_text("nameserver 127.53.0.2\noptions timeout:1 attempts:1\n")
        self.broker.launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"]
        self.broker.state_directory.mkdir()
        run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.broker.state_directory])
        stack.callback(run, ["umount", self.broker.state_directory])

    # What applications see

    def ask(self, model: str, host: str | None = None, timeout: float = 3, fields=None, caller=None) -> int:
        """The status of a short request; 0 where none came. Without a host, of the gateway."""
        try:
            port = self.steady.port if host == SOFT else 8000
            connection = (caller or self.caller).connect(host, port, timeout=timeout) if host else None
            with (Connection(connection, timeout=timeout) if host else Connection.to(*self.broker.gateway, timeout=timeout)) as http:
                return http.request("POST", "/v1/chat/completions", chat(model, max_tokens=1), fields or {}).status
        except (OSError, Broken):
            return 0

    def asked(self, timeout: float = 3) -> list[int]:
        """On every way through the proxy."""
        return [self.ask("m", SOFT, timeout), self.ask("m", HARD, timeout), self.ask("m", timeout=timeout), self.ask("both", timeout=timeout)]

    def requests(self) -> Requests:
        """Those that go on all the time; they wait as long as clients do."""
        def way(model: str, host: str | None = None):
            return lambda: self.ask(model, host, 10, caller=self.other_caller)

        return Requests({"captured": way("m", SOFT), "refused else": way("m", HARD), "gateway": way("both"), "direct": way("d", DIRECT)})

    def ask_counted(self, timeout: float = 3) -> int:
        self.asked_for += 1
        status = self.ask("m", timeout=timeout, fields=self.key.bearer)
        self.answered += status == 200
        return status

    def ask_from(self, cgroup) -> int:
        """The status of a request of a process of its own in this cgroup; 0: none came."""
        body = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hello"}]}'
        url = f"http://{SOFT}:{self.steady.port}/v1/chat/completions"
        return int(run(["curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", "-d", body, url], cgroup=cgroup, check=False).stdout)

    def flows(self, seed: int) -> list[Flow]:
        """With their first bytes."""
        captured = lambda: self.caller.connect(SOFT, self.steady.port)  # noqa: E731
        gateway = lambda: Connection.to(*self.broker.gateway).socket  # noqa: E731
        flows = [Stream("captured", captured(), "m"), Stream("gateway", gateway(), "m"), Stream("captured", captured(), "m"),
                 Stream("direct", self.caller.connect(DIRECT, 8000), "d"),
                 Echo("opaque", self.caller.connect(OPAQUE, self.echo.port), seed)]
        for flow in flows:
            flow.start()
        for flow in flows:
            assert flow.began.wait(20), flow.way
        return flows

    # How the broker stands

    def is_well(self) -> bool:
        self.obstacle = self._obstacle()
        return not self.obstacle

    def _obstacle(self) -> str:
        """What is not as it should be; empty: all is."""
        if (ready := self.broker.admin_get("/readyz"))[0] != 200:
            return f"not ready: {ready}"
        if (answers := self.asked()) != [200] * 4:
            return f"requests are answered by {answers}"
        if (status := self.ask_counted()) != 200:
            return f"whose use is counted gets {status}"
        if (status := self.ask("d", DIRECT)) != 200:
            return f"on the path direct the answer is {status}"
        if not self.is_closed():
            return "whom the kernel should refuse gets through"
        named = [endpoint for endpoint in self.broker.ask("endpoint", "list") if endpoint.get("address", "").startswith("127.0.0.9")]
        if not named or any(endpoint["state"] != "active" for endpoint in named):
            return f"the endpoint by name is not active: {named}"
        return "" if self._is_audited() else "no audit line is written"

    def is_closed(self) -> bool:
        """To whom may not, by the kernel."""
        with self.caller.dial(CLOSED, 8000) as call:
            return call.errno == errno.ECONNREFUSED

    def _is_audited(self) -> bool:
        """A line of it is written at once."""
        mark = f"/marked/{random.getrandbits(60)}"
        with Connection.to(*self.broker.gateway, timeout=3) as http:
            http.request("GET", mark)

        def is_there() -> bool:
            return self.audit.exists() and mark in self.audit.read_text(errors="replace")

        try:
            return eventually(is_there, 0.5, "the line")
        except AssertionError:
            return False

    def state(self) -> dict:
        dumps = {name: self.broker.ask("map", "dump", name) for name in CONFIGURED}
        for entry in dumps["settings"]:
            without(entry, "generation")
        return dumps

    def resting(self) -> dict | None:
        """What the broker holds while nothing is under way; None: something is."""
        held = inventory(self.broker)
        is_idle = held["flows"] == held["inFlight"] == held["entries"]["flow_origins"] == 0
        is_idle = is_idle and not any(held["open"].values()) and not any(held["connections"].values())
        # What is counted one after another may have gone between.
        return held if is_idle and held == inventory(self.broker) else None

    def used(self) -> int:
        return self.broker.used("counted", "requests", "month")

    def is_noted(self) -> bool:
        """The journal says at its end what is used."""
        name = rb"month\.requests client=counted(?! alert)"
        found = re.findall(rb"MBJR.{4}(.{6}).{10}" + name, self.broker.journal.read_bytes(), re.DOTALL)
        return bool(found) and int.from_bytes(found[-1], "little") == self.used()


def without(value, name: str) -> None:
    """Takes a field out, however deep it is."""
    if isinstance(value, dict):
        value.pop(name, None)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        without(item, name)
