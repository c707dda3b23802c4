"""The broker as its users run it: agent, proxy and CLI, side by side with any other instance."""

import json
import os
import pathlib
import shutil
import signal
import urllib.error
import urllib.request

import yaml

from . import cgroups
from .places import BPFFS, RUN, binary, free_port
from .processes import Process, run
from .waiting import eventually


class Plain(yaml.SafeDumper):
    """Writes what stands in several places out at each: the configuration takes no aliases."""

    def ignore_aliases(self, data):
        return True


class Broker:
    """One instance with a cgroup, a run directory and a pin directory of its own."""

    numbers = iter(range(1, 1_000_000))

    def __init__(self, directory: pathlib.Path, capture=(), models=None, node=None, clients=None, netns: str | None = None,
                 qos=None, pools=None, details=None, more=None, environment=None):
        number = next(self.numbers)
        self.directory = directory
        self.run_directory = directory / "run"
        self.pin_directory = BPFFS / f"{RUN}-{number}"
        self.state_directory = directory / "state"
        self.config_file = directory / "modelbroker.yaml"
        self.cgroup = cgroups.make()
        self.netns = netns
        #: What the agent is started by, in front of its own command line.
        self.launcher: list = []
        #: Where the agent and its proxy are; None: where they were built.
        self.programs: pathlib.Path | None = None
        #: The proxy's program; None: the one beside the agent.
        self.proxy_program: pathlib.Path | None = None
        #: Of the agent, beside its own: secrets that the configuration refers to.
        self.environment = dict(environment or {})
        self.agent: Process | None = None
        self.external: Process | None = None
        self.listen4, self.listen6 = ("127.0.0.1", free_port()), ("::1", free_port("::1"))
        self.gateway, self.admin = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        self.config = {
            "node": {
                "cgroup": cgroups.below_mount(self.cgroup),
                "listen": [f"127.0.0.1:{self.listen4[1]}", f"[::1]:{self.listen6[1]}"],
                "gateway": f"127.0.0.1:{self.gateway[1]}",
                "admin": f"127.0.0.1:{self.admin[1]}",
            } | (node or {}),
            "capture": list(capture),
        }
        if models or details:
            models = models or {}
            # Engines that misbehave are what most tests are about; those of health checks say what they want in `details`.
            self.config["models"] = {
                name: {"endpoints": [{"url": url} for url in urls], "health": "off"} for name, urls in models.items()}
            for name, entry in (qos or {}).items():
                self.config["models"][name]["qos"] = dict(entry)
        for name, entry in (details or {}).items():
            self.config["models"].setdefault(name, {}).update(entry)
        if pools:
            self.config["pools"] = pools
        if clients:
            self.config["clients"] = clients
        #: Other sections: anonymous, issuers, firewall, audit.
        self.config |= more or {}
        self.write_config()

    # Configuration

    def write_config(self, text: str | None = None) -> None:
        """Replaces the file in one step, as editors and configuration management do."""
        temporary = self.config_file.with_suffix(".new")
        temporary.write_text(text if text is not None else yaml.dump(self.config, Dumper=Plain, sort_keys=False))
        temporary.rename(self.config_file)

    def application_cgroup(self, name: str = "app") -> pathlib.Path:
        """A captured cgroup for callers."""
        path = self.cgroup / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def broker_cgroup(self) -> pathlib.Path:
        return self.cgroup / "modelbroker"

    # Agent and proxy

    def launch(self, env=None) -> "Broker":
        """Starts the agent without waiting for it."""
        program = self.programs / "modelbrokerd" if self.programs else binary("modelbrokerd")
        arguments = [
            *self.launcher, program, "--config", self.config_file, "--run-dir", self.run_directory,
            "--pin-dir", self.pin_directory, "--state-dir", self.state_directory]
        if self.proxy_program:
            arguments += ["--proxy", self.proxy_program]
        if env is None and self.environment:
            env = os.environ | self.environment
        self.agent = Process(arguments, self.directory / "agent.log", netns=self.netns, env=env)
        return self

    def start(self, timeout: float = 40) -> "Broker":
        self.launch()
        self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout: float = 40) -> None:
        eventually(self.ready, timeout, lambda: f"the agent being ready ({self.admin_get('/readyz')}); its log:\n{self.agent.output()}\n", 0.05)

    def ready(self) -> bool:
        assert self.agent.running, f"the agent ended with {self.agent.popen.returncode}:\n{self.agent.output()}"
        return self.admin_get("/readyz")[0] == 200

    def admin_get(self, path: str) -> tuple[int, str]:
        """Status and text from the admin listener; 0 while nobody answers."""
        if self.netns:
            result = run(["curl", "-s", "-m", "5", "-w", "\n%{http_code}", self.admin_url(path)], netns=self.netns, check=False)
            text, _, status = result.stdout.rpartition("\n")
            return int(status or 0), text
        try:
            with urllib.request.urlopen(self.admin_url(path), timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def admin_url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.admin[1]}{path}"

    def start_external_proxy(self) -> Process:
        """The proxy as something other than the agent starts it: unprivileged, in the broker's cgroup."""
        home = self.broker_cgroup / "proxy"
        home.mkdir(parents=True, exist_ok=True)
        arguments = [binary("modelbroker-proxy"), "--run-dir", self.run_directory]
        self.external = Process(arguments, self.directory / "proxy.log", cgroup=home, netns=self.netns, user="nobody")
        return self.external

    @property
    def proxy_pid(self) -> int:
        """0 while there is none."""
        return self.status()["proxy"].get("pid", 0)

    @property
    def journal(self) -> pathlib.Path:
        return self.state_directory / "journal"

    @property
    def accounts(self) -> pathlib.Path:
        """The page that the agent and all proxies share."""
        return self.run_directory / "accounts"

    def quotas(self, client: str | None = None, model: str | None = None) -> list[dict]:
        names = [*([client] if client else []), *(["--model", model] if model else [])]
        return self.ask("quota", "show", *names)

    def used(self, client: str, unit: str, period: str = "day", model: str | None = None) -> int:
        """What a quota of a client says that was used; of one for a model, with its name."""
        found = [quota["used"] for quota in self.quotas(client) if quota.get("client") == client
                 and quota.get("model") == model and (quota["unit"], quota["period"]) == (unit, period)]
        assert len(found) == 1, (client, unit, period, model, self.quotas())
        return found[0]

    def kill_agent(self) -> None:
        self.agent.kill()

    def reload(self) -> None:
        self.agent.signal(signal.SIGHUP)

    # The CLI

    def cli(self, *arguments, check: bool = True, timeout: float = 30):
        """Runs the CLI on this instance; text output is captured."""
        where = ["--run-dir", self.run_directory, "--pin-dir", self.pin_directory]
        # The one that came with the agent, if one did: it reads maps that look like that agent's.
        own = self.programs / "modelbroker" if self.programs else None
        program = own if own and own.exists() else binary("modelbroker")
        return run([program, *arguments, *where], check=check, timeout=timeout, netns=self.netns)

    def ask(self, *arguments):
        """A command's JSON."""
        return json.loads(self.cli(*arguments, "-j").stdout)

    def status(self) -> dict:
        return self.ask("status")

    def counters(self) -> dict:
        return self.status()["kernel"]["counters"]

    def model(self, name: str) -> dict | None:
        return next((model for model in self.ask("model", "list") if model["name"] == name), None)

    def qos(self, name: str) -> dict:
        """`qos show` of a model: needs no agent."""
        return self.ask("qos", "show", name)

    def set(self, name: str, **values) -> dict:
        """`qos set`; `token_burst=5` is `--token-burst 5`."""
        options = [text for key, value in values.items() for text in (f"--{key.replace('_', '-')}", str(value))]
        return self.ask("qos", "set", name, *options)

    def audit(self) -> list[dict]:
        """The lines of the audit file."""
        file = self.run_directory / "audit.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def events(self, **wanted) -> list[dict]:
        """Those of the events kept that have these values."""
        events = self.ask("events", "--last", "1000")
        return [event for event in events if all(event.get(key) == value for key, value in wanted.items())]

    def rule(self, name: str) -> dict:
        return next(rule for rule in self.ask("capture", "list") if rule["name"] == name)

    # The end

    def close(self) -> None:
        """Takes everything away, whatever state it is in."""
        try:
            if self.pin_directory.exists() or (self.agent and self.agent.running):
                self.cli("detach", check=False)
        finally:
            for process in (self.external, self.agent):
                if process:
                    process.stop()
            cgroups.remove(self.cgroup)
            shutil.rmtree(self.pin_directory, ignore_errors=True)


def resident_kib(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
