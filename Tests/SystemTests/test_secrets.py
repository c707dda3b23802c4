"""No secret comes out anywhere: each has a value of its own, all kinds of traffic and errors go by, then everything that can
be read is searched for them.

What must be in the proxy's memory, and so is not looked for there: the keys of endpoints (they are sent), the secret of an
HS256 issuer (it is signed with), the gateway's private key. Keys of clients must not: of those the proxy has digests only.
A client's own requests have its key in them, so only keys that no request had are looked for in its memory.
"""

import base64
import json
import os
import pathlib
import signal
import ssl
import urllib.parse

import pytest
from harness import cgroups
from harness.credentials import basic, bearer, new_key
from harness.http1 import Broken, Connection, chat, request_bytes
from harness.places import binary, free_port
from harness.processes import run
from harness.tls import Authority, SecureEngine
from harness.tokens import Signer, lifetime
from harness.waiting import eventually
from harness.web import Web

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
DIALLED = ("127.64.0.10", 8000)
PROMPT = "the-words-of-a-prompt-that-nobody-may-read"


class World:
    """A broker that has every secret there is."""

    def __init__(self, make, directory):
        self.directory = directory
        self.secrets: dict[str, str] = {}
        self.authority = Authority(directory / "ca")
        self.engine = make.engine("--models", "*", "--name", "one", *FAST)
        self.cloud = SecureEngine(*self.authority.issue("cloud", "DNS:localhost"))
        make.stack.callback(self.cloud.close)
        self.web = Web(*self.authority.issue("sink", "DNS:localhost"))
        make.stack.callback(self.web.close)
        certificate, key = self.authority.issue("gateway", "DNS:localhost")
        self.secrets["gateway-key"] = key.read_text().splitlines()[5]
        self.signer = Signer(directory, "HS256", secret=self.file("hs-secret").read_text().strip().encode())
        clients = {
            "shop": {"keys": [self.reference("client-key"), {"key": self.reference("second-key"), "id": "second"}],
                     "tokens": [{"issuer": "corp", "claims": {"sub": "shop"}}],
                     "quotas": {"day": {"tokens": 10**9, "requests": 10**9}}, "limits": {"requests": "100000/s"}},
            "idle": {"keys": [self.reference("unused-key"), "${env:UNUSED_KEY}"]},
        }
        self.secrets["unused-env-key"] = new_key(directory, "unused-env").text
        self.tls_port = free_port()
        self.broker = make.broker(
            capture=[{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"}],
            details={
                "m": {"endpoints": [{"url": self.engine.url}], "health": "off"},
                "cloud": {"endpoints": [{
                    "url": f"https://localhost:{self.cloud.port}", "tls": {"ca": str(self.authority.certificate)},
                    "key": self.reference("endpoint-key")}], "health": "off"},
                "wrong": {"endpoints": [{"url": f"https://localhost:{self.cloud.port}", "key": self.reference("other-endpoint-key")}],
                          "health": "off"},
            },
            clients=clients, environment={"UNUSED_KEY": self.secrets["unused-env-key"]},
            more={
                "issuers": {"corp": {"issuer": "https://sso.test", "algorithms": ["HS256"], "audience": ["modelbroker"],
                                     "keys": {"secret": self.reference("hs-secret")}}},
                "audit": {"level": "metadata", "webhook": {
                    "url": f"{self.web.url}/audit", "authorization": self.reference("webhook-authorization"),
                    "ca": str(self.authority.certificate)}}})
        below = cgroups.below_mount(self.broker.cgroup)
        self.broker.config["clients"]["shop"]["workloads"] = [f"{below}/shop"]
        self.broker.config["node"]["gateway"] = [f"127.0.0.1:{self.broker.gateway[1]}", {
            "listen": f"127.0.0.1:{self.tls_port}", "tls": {"certificate": str(certificate), "key": str(key)}}]
        self.broker.write_config()
        self.broker.start()
        self.made = self.new_managed_key("shop")

    def file(self, name: str) -> pathlib.Path:
        """A secret's file; made once."""
        if name not in self.secrets:
            self.secrets[name] = new_key(self.directory / "secrets", name).text
        return self.directory / "secrets" / f"{name}.key"

    def reference(self, name: str) -> str:
        return "${file:%s}" % self.file(name)

    def new_managed_key(self, client: str) -> str:
        """`key new` says it once, on standard output."""
        result = self.broker.cli("key", "new", client)
        secret = next(word for word in result.stdout.split() if word.startswith("mb_"))
        assert result.stdout.count(secret) == 1 and secret not in result.stderr
        # The part behind the id is what is secret.
        self.secrets["managed-key"] = secret.split("_", 2)[2]
        return secret

    def token(self) -> str:
        return self.signer.token(sub="shop", iss="https://sso.test", aud="modelbroker", **lifetime())

    def request(self, fields, model="m", target="/v1/chat/completions", secure=False, **more):
        connection = Connection.to("127.0.0.1", self.tls_port if secure else self.broker.gateway[1])
        if secure:
            context = ssl.create_default_context(cafile=str(self.authority.certificate))
            connection.socket = context.wrap_socket(connection.socket, server_hostname="localhost")
        with connection:
            return connection.request("POST", target, chat(model, PROMPT, **more), fields).status

    def traffic(self, make) -> None:
        """Everything that goes well, and everything that goes wrong."""
        key = self.secrets["client-key"]
        token = self.token()
        self.secrets["token"] = token.rsplit(".", 1)[1]
        self.secrets["wrong-key"] = new_key(self.directory, "wrong").text
        assert self.request(bearer(key)) == 200
        assert self.request({"api-key": self.secrets["second-key"]}, stream=True) == 200
        assert self.request(bearer(token)) == 200
        assert self.request(bearer(self.made), secure=True) == 200
        assert self.request(bearer(key), "cloud") == 200
        assert self.cloud.requests[-1]["fields"]["Authorization"] == f"Bearer {self.secrets['endpoint-key']}"
        assert self.request(bearer(key), "wrong") >= 500, "its certificate does not verify"
        assert self.request(bearer(self.secrets["wrong-key"])) == 401
        assert self.request(bearer(token[:-3] + "AAA")) == 401
        assert self.request(basic("user", key)) == 401
        assert self.request(bearer(key) | {"x-api-key": self.secrets["second-key"]}) == 401
        assert self.request(bearer(key), "nobody") == 404
        assert self.request({}, target=f"/v1/chat/completions?api-key={urllib.parse.quote(key)}") == 401
        assert self.request(bearer(key), max_tokens=-1) == 400
        assert self.request(bearer(key), target=f"/v1/files/abc?key={key}") in (404, 405)
        caller = make.caller(self.broker.application_cgroup("shop"))
        with Connection(caller.connect(*DIALLED)) as connection:
            assert connection.request("POST", "/v1/chat/completions", chat("m", PROMPT), bearer(key)).status == 200
        for data in (
                b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() + b"\r\nBad Field: 1\r\n\r\n",
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() + b"\r\n"
                b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", b"Authorization: Bearer " + key.encode() + b"\r\n\r\n"):
            with Connection.to(*self.broker.gateway) as connection:
                connection.send(data)
                try:
                    connection.response()
                except (Broken, OSError, AssertionError):
                    """Refused in one way or the other."""
        # Left in the middle.
        with Connection.to(*self.broker.gateway) as connection:
            connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", PROMPT, stream=True), bearer(key))[:-10])

    def looks(self) -> dict[str, bytes]:
        """Each secret in the forms in which it might turn up."""
        forms = {}
        for name, text in self.secrets.items():
            data = text.encode()
            forms[name] = data
            forms[f"{name} in base64"] = base64.b64encode(data)[:-4]
            forms[f"{name} in hexadecimal"] = data.hex().encode()
        return forms


@pytest.fixture(scope="module")
def world(shared, module_directory):
    world = World(shared, module_directory / "world")
    world.traffic(shared)
    # The agent goes and comes again, the proxy, too: starting has its own messages.
    world.broker.kill_agent()
    world.broker.launch()
    world.broker.wait_ready()
    first = world.broker.proxy_pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: world.broker.proxy_pid not in (0, first), 20, "a new proxy", 0.05)
    world.broker.wait_ready()
    world.traffic(shared)
    # What waited to be sent goes with an agent that is killed: one of the two rounds has its lines for sure.
    eventually(lambda: len(world.web.lines()) >= 19, 20, "the audit", 0.1)
    return world


def check(world, where: str, data: bytes, without=(), prompts: bool = True) -> None:
    """Asserts that no secret is in the data, but those that may be."""
    found = [name for name, form in world.looks().items() if name.split(" ")[0] not in without and form in data]
    assert not found, f"{where} has {found}"
    assert not prompts or PROMPT.encode() not in data, f"{where} has a prompt"


def test_the_secrets_are_found_where_they_are(world):
    """The search itself works: in their files, and in what the clients sent."""
    for name in ("client-key", "endpoint-key", "webhook-authorization"):
        with pytest.raises(AssertionError):
            check(world, "its file", world.file(name).read_bytes())
    with pytest.raises(AssertionError):
        check(world, "a head", base64.b64encode(b"xx" + world.secrets["client-key"].encode())[4:] + world.secrets["client-key"].encode())


def test_logs(world):
    check(world, "the log", world.broker.agent.log.read_bytes())


def test_the_audit(world):
    check(world, "the audit", b"\n".join(world.web.lines()))
    assert {json.loads(line).get("status") for line in world.web.lines()} >= {200, 400, 401, 404}
    for fields, _ in world.web.posts:
        assert fields["authorization"] == world.secrets["webhook-authorization"]


def test_what_is_on_disk(world):
    """The state directory, the run directory, and every file in the latter that is not a socket."""
    files = [path for directory in (world.broker.state_directory, world.broker.run_directory) for path in directory.rglob("*")
             if path.is_file()]
    names = {path.name for path in files}
    assert {"journal", "keys.json", "accounts"} <= names, names
    for path in files:
        check(world, str(path), path.read_bytes())
        if world.broker.state_directory in path.parents:
            assert path.stat().st_mode & 0o077 == 0, f"{path} is for its owner"
    assert world.broker.state_directory.stat().st_mode & 0o777 == 0o700


def test_the_kernels_maps(world):
    names = [entry["name"] for entry in world.broker.ask("map", "list")]
    assert len(names) > 5
    for name in names:
        for options in ((), ("-j",)):
            result = world.broker.cli("map", "dump", name, *options, check=False)
            check(world, f"map dump {name}", (result.stdout + result.stderr).encode())


COMMANDS = [
    "status", "doctor", "model list", "model show m", "model show cloud", "qos show", "qos show m", "flow list", "client list",
    "client show shop", "client show idle", "endpoint list", "pool list", "capability list", "capture list", "prog list",
    "map list", "key list", "quota show", "quota show shop", "events --last 1000", "events --last 1000 --level debug",
    "explain --model m --client shop", "explain --model cloud --client idle", "client show nobody", "key revoke nobody",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(world, command):
    for options in ((), ("-j",), ("-p",)):
        result = world.broker.cli(*command.split(), *options, check=False)
        assert result.stdout or result.stderr
        check(world, command, (result.stdout + result.stderr).encode())


def test_help_does_not_read_the_environment(world):
    env = os.environ | {"UNUSED_KEY": world.secrets["unused-env-key"]}
    for arguments in (["--help"], ["key", "--help"], ["config", "check", world.broker.config_file]):
        result = run([binary("modelbroker"), *arguments], check=False, env=env)
        check(world, str(arguments), (result.stdout + result.stderr).encode())


def test_a_configuration_with_faults_is_quoted_without_secrets(world, tmp_path):
    """Keys written out are refused, and not repeated."""
    secret = world.secrets["written-out"] = new_key(tmp_path, "written").text
    file = tmp_path / "faulty.yaml"
    for text in (f"clients: {{shop: {{keys: [{secret}]}}}}\n", f"clients: {{shop: {{keys: {secret}}}}}\n",
                 f"models: {{m: {{endpoints: [{{url: \"http://127.0.0.1:1\", key: {secret}}}]}}}}\n",
                 f"issuers: {{x: {{issuer: x, algorithms: [HS256], keys: {{secret: {secret}}}}}}}\n"):
        file.write_text(text)
        result = run([binary("modelbroker"), "config", "check", file], check=False)
        assert result.returncode == 1, result.stdout
        assert "${file:" in result.stdout + result.stderr
        check(world, "config check", (result.stdout + result.stderr).encode())
        plain = run([binary("modelbroker"), "config", "check", file, "-j"], check=False)
        check(world, "config check -j", (plain.stdout + plain.stderr).encode())


def test_the_offline_key(world):
    """With nothing running: the secret once, and a line for the configuration that does not have it."""
    result = run([binary("modelbroker"), "key", "new", "shop", "--offline"])
    secret = result.stdout.strip()
    assert secret.startswith("mb_") and len(secret.splitlines()) == 1
    assert "mbk1:" in result.stderr and secret.split("_", 2)[2] not in result.stderr
    made = json.loads(run([binary("modelbroker"), "key", "new", "shop", "--offline", "-j"]).stdout)
    assert made["stored"].startswith(f"mbk1:{made['id']}:") and made["secret"].split("_", 2)[2] not in made["stored"]


def test_the_stored_form_of_a_key_is_all_that_the_configuration_needs(make, world):
    made = json.loads(run([binary("modelbroker"), "key", "new", "shop", "--offline", "-j"]).stdout)
    broker = make.broker(models={"m": [world.engine.url]}, clients={"shop": {"keys": [made["stored"]]}}).start()
    with Connection.to(*broker.gateway) as connection:
        for credential, status in ((made["secret"], 200), (made["secret"][:-1] + "_", 401), (made["stored"], 401)):
            assert connection.request("POST", "/v1/chat/completions", chat("m"), bearer(credential)).status == status


def test_metrics(world):
    for path in ("/metrics", "/healthz", "/readyz", "/nothing"):
        check(world, path, world.broker.admin_get(path)[1].encode())


@pytest.mark.parametrize("process", ["agent", "proxy"])
def test_the_process_table(world, process):
    pid = world.broker.agent.pid if process == "agent" else world.broker.proxy_pid
    # The environment that an agent is started with is not its own doing: a reference to it has to come from there.
    without = ("unused-env-key",) if process == "agent" else ()
    for name in ("cmdline", "environ", "status", "comm", "maps"):
        check(world, f"{process}'s {name}", pathlib.Path(f"/proc/{pid}/{name}").read_bytes(), without)
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        check(world, f"{process}'s child", pathlib.Path(f"/proc/{child}/cmdline").read_bytes())


@pytest.mark.parametrize("process", ["agent", "proxy"])
def test_no_core_is_left_when_it_crashes(world, process):
    pid = world.broker.agent.pid if process == "agent" else world.broker.proxy_pid
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4] == "0", line
    # Of a process that cannot be dumped, everything here is root's.
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    unprivileged = run(["cat", f"/proc/{pid}/environ"], user="nobody", check=False)
    assert unprivileged.returncode != 0


def test_the_memory_of_the_proxy(world, module_directory):
    """As root takes it: of keys that no request had there are digests only."""
    prefix = module_directory / "core"
    pid = world.broker.proxy_pid
    result = run(["gcore", "-o", prefix, pid], check=False, timeout=120)
    core = pathlib.Path(f"{prefix}.{pid}")
    try:
        assert core.exists(), result.stdout + result.stderr
        data = core.read_bytes()
        assert world.secrets["endpoint-key"].encode() in data, "the search finds what has to be there"
        for name in ("unused-key", "unused-env-key", "webhook-authorization"):
            assert world.secrets[name].encode() not in data, f"the proxy's memory has {name}"
    finally:
        core.unlink(missing_ok=True)
    assert world.request(bearer(world.secrets["client-key"])) == 200, "and it goes on"
