"""One line for each decision, where its owner wants it, with what the level allows and nothing more."""

import json
import re
import time

import pytest
from harness import cgroups
from harness.credentials import bearer, new_key
from harness.http1 import Connection, chat, request_bytes
from harness.processes import without_descriptors
from harness.tls import Authority
from harness.waiting import eventually
from harness.web import Web

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
#: In this order, at every level.
FIELDS = [
    "time", "id", "layer", "entrance", "client", "auth", "key", "workload", "pod", "service_account", "pid", "address", "operation", "method", "path", "model",
    "routed", "endpoint", "decision", "rule", "end", "status", "input_tokens", "output_tokens", "cost", "first_byte_ms", "total_ms",
    "bytes_in", "bytes_out", "attempts",
]
DIALLED, PRIVATE = ("127.64.0.10", 8000), ("127.65.0.10", 8000)
#: Of each kind, one; all of it is to be taken out of what is kept of a prompt.
SECRETS = {
    "bearer": "Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345", "openai": "sk-proj-abcdefghijklmnopqrstuvwx0123",
    "own": "mb_abcdefghij_" + "Zz9" * 14 + "A", "github": "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "aws": "AKIAIOSFODNN7EXAMPLE",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "password": '"password": "hunter2hunter2"', "e-mail": "somebody.known@example.org", "card": "4111111111111111",
}


def values(text: str) -> str:
    """The part of one of the above that must not be seen."""
    return re.sub(r'^(Authorization: Bearer |"password": )', "", text).strip('"')


class World:
    """A broker with an audit of its own."""

    def __init__(self, make, directory, audit, **level):
        directory.mkdir(parents=True, exist_ok=True)
        self.engine = make.engine("--models", "*", "--name", "one", *FAST)
        self.key = new_key(directory, "shop")
        self.broker = make.broker(
            capture=[
                {"name": "llm", "to": [f"{DIALLED[0]}:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"},
                {"name": "own", "to": [f"{PRIVATE[0]}:8000"], "path": "proxy", "model": "private", "whenProxyDown": "refuse"}],
            details={
                "m": {"endpoints": [{"url": self.engine.url}], "price": {"input": 1000, "output": 2000}},
                "private": {"endpoints": [{"url": self.engine.url}], "access": "private"}},
            more={"audit": audit | level})
        below = cgroups.below_mount(self.broker.cgroup)
        self.broker.config["clients"] = {
            "shop": {"workloads": [f"{below}/shop"], "keys": [{"key": self.key.reference, "id": "shop-key"}],
                     "deny": [{"name": "no-vectors", "names": ["*"], "operations": ["embeddings"]}]},
            "bank": {"workloads": [f"{below}/bank"]}}
        self.broker.write_config()
        self.broker.start()

    def ask(self, body=None, fields=None, target="/v1/chat/completions", connection=None):
        fields = self.key.bearer if fields is None else fields
        with connection or Connection.to(*self.broker.gateway) as connection:
            return connection.request("POST", target, body or chat("m"), fields)


def lines_of(file) -> list[dict]:
    """The whole lines; each is one object."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]]


@pytest.fixture(scope="module")
def file(module_directory):
    return module_directory / "audit" / "audit.jsonl"


@pytest.fixture(scope="module")
def world(shared, module_directory, file):
    file.parent.mkdir(exist_ok=True)
    return World(shared, module_directory / "file", {"level": "metadata", "file": {"path": str(file), "size": "100MiB", "keep": 2}})


def line_for(file, answer) -> dict:
    """Of the request that got this answer."""
    def found():
        lines = [line for line in lines_of(file) if line.get("id") == answer.header("x-request-id")]
        assert len(lines) <= 1, "one line for a request"
        return lines and lines[0]

    return eventually(found, 20, "the line being written")


def test_a_request_that_is_allowed(world, file):
    answer = world.ask(chat("m", "hello", max_tokens=3), target="/v1/chat/completions?api-key=in-the-query")
    line = line_for(file, answer)
    assert list(line) == [name for name in FIELDS if name in line], "a stable order"
    assert set(line) <= set(FIELDS)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    wanted = {
        "layer": "proxy", "entrance": "gateway", "client": "shop", "auth": "key", "key": "shop-key", "operation": "chat",
        "method": "POST", "path": "/v1/chat/completions", "model": "m", "routed": "m", "decision": "allow", "status": 200,
        "input_tokens": 2, "output_tokens": 3, "attempts": 1}
    assert {name: line.get(name) for name in wanted} == wanted
    assert world.engine.authority in line["endpoint"] and line["address"].startswith("127.0.0.1")
    assert line["total_ms"] >= line["first_byte_ms"] >= 0 and line["bytes_in"] > 0 and line["bytes_out"] >= len(answer.body)
    # A thousand for a million tokens is a thousandth for one.
    assert float(line["cost"]) in (0.008, 8000), line["cost"]


def test_a_captured_caller(world, file, make):
    caller = make.caller(world.broker.application_cgroup("shop"))
    answer = world.ask(fields={}, connection=Connection(caller.connect(*DIALLED)))
    line = line_for(file, answer)
    assert (line["entrance"], line["auth"], line["client"], line["pid"]) == ("capture", "workload", "shop", caller.pid)
    # The proxy knows the cgroup by its id only, which is its inode.
    assert line["workload"] in (str(caller.cgroup.stat().st_ino), cgroups.below_mount(caller.cgroup))


@pytest.mark.parametrize("what", ["no-key", "wrong-key", "no-such-model", "private", "operation", "malformed", "conflict"])
def test_requests_that_are_refused(world, file, make, what):
    body, fields, target, connection = chat("m"), None, "/v1/chat/completions", None
    if what == "no-key":
        fields, wanted = {}, (401, "invalid_api_key")
    elif what == "wrong-key":
        fields, wanted = bearer("sk-wrong-0123456789abcdef"), (401, "invalid_api_key")
    elif what == "no-such-model":
        body, wanted = chat("nobody"), (404, "model_not_found")
    elif what == "private":
        body, wanted = chat("private"), (403, "model_not_allowed")
    elif what == "operation":
        body, target, wanted = {"model": "m", "input": "x"}, "/v1/embeddings", (403, "no-vectors")
    elif what == "malformed":
        body, wanted = chat("m", max_tokens=0), (400, "integer_below_min_value")
    else:
        caller = make.caller(world.broker.application_cgroup("bank"))
        connection, wanted = Connection(caller.connect(*DIALLED)), (403, "identity_conflict")
    answer = world.ask(body, fields, target, connection)
    assert answer.status == wanted[0]
    line = line_for(file, answer)
    assert (line["decision"], line["status"], line["rule"]) == ("deny", *wanted), line
    assert "sk-wrong" not in json.dumps(line)


def test_a_connect_that_the_kernel_denies(world, file, make):
    caller = make.caller(world.broker.application_cgroup("shop"))
    with caller.dial(*PRIVATE) as call:
        assert call.errno
    line = eventually(
        lambda: [line for line in lines_of(file) if line["layer"] == "kernel" and line.get("pid") == caller.pid], 20, "the line")[0]
    assert (line["decision"], line["client"], line["model"]) == ("deny", "shop", "private")
    assert line["workload"].endswith("/shop")


def test_one_line_for_each_of_many(world, file):
    before = len(lines_of(file))
    ids = set()
    with Connection.to(*world.broker.gateway) as connection:
        for number in range(200):
            stream = {"stream": True} if number % 2 else {}
            answer = connection.request("POST", "/v1/chat/completions", chat("m", **stream), world.key.bearer)
            ids.add(answer.header("x-request-id"))
    eventually(lambda: len(lines_of(file)) >= before + 200, 20, "all lines being written")
    new = lines_of(file)[before:]
    assert len(new) == 200 and {line["id"] for line in new} == ids


def test_a_stream_that_is_left_has_its_line(world, file):
    with Connection.to(*world.broker.gateway) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True), world.key.bearer))
        head = connection.until(b"\r\n\r\n").decode().lower()
    identity = re.search(r"x-request-id: (\S+)", head)[1]
    eventually(lambda: identity in {line.get("id") for line in lines_of(file)}, 20, "the line being written")


def test_nothing_of_what_was_said(world, file):
    answer = world.ask(chat("m", "the-prompt-itself " + " ".join(SECRETS.values()), user="the-user"))
    line_for(file, answer)
    text = file.read_text()
    for word in ("the-prompt-itself", "engine=one", world.key.text, "in-the-query", *map(values, SECRETS.values())):
        assert word not in text, word


@pytest.mark.parametrize("level", ["summary", "full"])
def test_what_is_kept_is_redacted(make, module_directory, level):
    file = module_directory / f"{level}.jsonl"
    audit = {"level": level, "file": {"path": str(file), "size": "100MiB", "keep": 1}, "maxBody": "2KiB"}
    world = World(make, module_directory / level, audit)
    answer = world.ask(chat("m", "first-words " + " ; ".join(SECRETS.values()) + " last-words"))
    line = line_for(file, answer)
    prompt, reply = json.dumps(line["prompt"]), json.dumps(line["answer"])
    assert "first-words" in prompt and "engine=one" in reply
    for kind, secret in SECRETS.items():
        assert values(secret) not in file.read_text(), kind
    assert "[redacted]" in prompt
    if level == "full":
        assert "last-words" in prompt
    long = world.ask(chat("m", "beginning " + "x" * 50_000 + " the-end"))
    line = line_for(file, long)
    assert "beginning" in json.dumps(line["prompt"])
    assert len(json.dumps(line)) < 10_000 and "the-end" not in json.dumps(line)
    streamed = world.ask(chat("m", stream=True))
    assert line_for(file, streamed)["answer"]


def test_a_secret_across_the_pieces_of_a_body(make, module_directory):
    file = module_directory / "pieces.jsonl"
    world = World(make, module_directory / "pieces", {"level": "full", "file": {"path": str(file), "size": "1MiB", "keep": 1}})
    body = json.dumps(chat("m", "x sk-proj-abcdefghijklmnopqrstuvwx0123 y")).encode()
    data = request_bytes("POST", "/v1/chat/completions", body, world.key.bearer | {"Content-Type": "application/json"})
    middle = data.index(b"sk-proj-") + 12
    with Connection.to(*world.broker.gateway) as connection:
        connection.send(data[:middle])
        # Another segment: nothing tells the proxy when it comes.
        time.sleep(0.1)
        connection.send(data[middle:])
        answer = connection.response()
    line_for(file, answer)
    assert "sk-proj-abcd" not in file.read_text() and "qrstuvwx0123" not in file.read_text()


def test_a_file_is_rotated(make, module_directory):
    file = module_directory / "rotated" / "audit.jsonl"
    file.parent.mkdir()
    world = World(make, module_directory / "rotation", {"level": "metadata", "file": {"path": str(file), "size": "64KiB", "keep": 2}})
    sent = 0

    def rotations() -> list:
        return sorted(path for path in file.parent.iterdir() if path != file)

    def ask_more():
        nonlocal sent
        with Connection.to(*world.broker.gateway) as connection:
            for _ in range(50):
                assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1), world.key.bearer).status == 200
                sent += 1
        return len(rotations()) >= 1

    eventually(ask_more, 60, "the first rotation")
    lines = lines_of(file) + [line for path in rotations() for line in lines_of(path)]
    eventually(lambda: sum(len(lines_of(path)) for path in [file, *rotations()]) == sent, 20, "all lines being there")
    assert len({line["id"] for line in lines}) == len(lines)
    seen = set(rotations())

    def third():
        ask_more()
        return file.stat().st_size < 64 << 10 and len(rotations()) == 2 and sent > 3 * 64 * 1024 // 400

    eventually(third, 60, lambda: f"two older ones and no more: {rotations()}")
    for _ in range(8):
        ask_more()
    assert len(rotations()) <= 2 and seen
    for path in [file, *rotations()]:
        assert path.stat().st_mode & 0o137 == 0, "it is for its owner, and for its group to read"
        assert path.stat().st_size < 1 << 20


def test_a_proxy_that_could_not_take_the_new_file_finds_it(make, module_directory):
    directory = module_directory / "no-room"
    file = directory / "audit.jsonl"
    world = World(make, directory, {"level": "metadata", "file": {"path": str(file), "size": "1MiB", "keep": 2}})
    line_for(file, world.ask())
    with without_descriptors(world.broker.proxy_pid, "nobody"):
        # As logrotate does.
        file.rename(directory / "audit.jsonl.old")
        eventually(lambda: "descriptors that the agent sends" in world.broker.agent.output(), 20, "the new one not being taken")
    eventually(lambda: world.broker.admin_get("/readyz")[0] == 200, 5, "the proxy being told again")
    line_for(file, world.ask())


def test_standard_output(make, module_directory):
    world = World(make, module_directory / "stdout", {"level": "metadata", "stdout": True})
    answer = world.ask()

    def shown():
        lines = [line for line in world.broker.agent.output().splitlines() if answer.header("x-request-id") in line]
        return [line for line in lines if line.startswith("{")]

    line = json.loads(eventually(shown, 20, "the line being written")[0])
    assert line["client"] == "shop" and line["status"] == 200


@pytest.fixture
def web(make, module_directory):
    authority = Authority(module_directory / f"ca-{time.monotonic_ns()}")
    web = Web(*authority.issue("sink", "DNS:localhost"))
    make.stack.callback(web.close)
    return web, authority


def webhook(web, authority, directory):
    directory.mkdir(parents=True, exist_ok=True)
    secret = directory / "authorization"
    secret.write_text("Bearer of-the-webhook-0123456789\n")
    return {"level": "metadata", "webhook": {
        "url": f"{web.url}/audit", "authorization": "${file:%s}" % secret, "ca": str(authority.certificate)}}


def test_a_webhook(make, module_directory, web):
    web, authority = web
    world = World(make, module_directory / "hook", webhook(web, authority, module_directory / "hook"))
    ids = {world.ask().header("x-request-id") for _ in range(20)}
    eventually(lambda: ids <= {json.loads(line)["id"] for line in web.lines()}, 20, "the lines being sent")
    fields, _ = web.posts[0]
    assert fields["authorization"] == "Bearer of-the-webhook-0123456789"
    assert fields["content-type"].startswith("application/x-ndjson")
    assert len(web.posts) < 20 or len(web.lines()) == len(ids), "lines are sent together"


def test_a_webhook_that_is_slow_or_away_stops_nobody(make, module_directory, web):
    web, authority = web
    world = World(make, module_directory / "away", webhook(web, authority, module_directory / "away"))
    world.ask()
    eventually(web.lines, 20, "a first line")
    web.hold.clear()
    ids = set()
    began = time.monotonic()
    for _ in range(100):
        answer = world.ask()
        assert answer.status == 200
        ids.add(answer.header("x-request-id"))
    assert time.monotonic() - began < 10, "requests do not wait for the webhook"
    web.hold.set()
    eventually(lambda: ids <= {json.loads(line)["id"] for line in web.lines()}, 60, "the lines coming late", 0.1)
    # Away for a while, and not for long enough to lose anything.
    web.status = 503
    answer = world.ask()
    eventually(lambda: any(answer.header("x-request-id").encode() in body for _, body in list(web.posts)), 30, "it being tried", 0.05)
    web.status = 200
    posts = len(web.posts)
    assert world.ask().status == 200
    eventually(lambda: len(web.posts) > posts, 60, "it being tried again", 0.1)


def test_a_webhook_that_stays_away_is_an_event(make, module_directory, web):
    web, authority = web
    world = World(make, module_directory / "gone", webhook(web, authority, module_directory / "gone"))
    web.close()
    for _ in range(20):
        assert world.ask().status == 200
    event = eventually(lambda: world.broker.events(kind="audit-failed"), 60, "the event", 0.2)[0]
    assert "of-the-webhook" not in json.dumps(event)
    assert world.ask().status == 200


def test_what_nobody_takes_is_dropped_and_counted(make, module_directory):
    """A file that cannot be written to: traffic goes on, and it is said."""
    directory = module_directory / "nowhere"
    world = World(make, module_directory / "nofile", {
        "level": "metadata", "file": {"path": str(directory / "audit.jsonl"), "size": "1MiB", "keep": 1}})
    assert world.ask().status == 200
    if not directory.exists():
        assert eventually(lambda: world.broker.events(kind="audit-failed"), 20, "the event", 0.1)


def test_without_an_audit_nothing_is_written(make, module_directory):
    world = World(make, module_directory / "none", {"level": "metadata", "stdout": True})
    del world.broker.config["audit"]
    world.broker.write_config()
    world.broker.cli("reload")

    def silent():
        answer = world.ask()
        with Connection.to(*world.broker.gateway) as connection:
            assert connection.request("GET", "/v1/models", fields=world.key.bearer).status == 200
        return answer.header("x-request-id") not in world.broker.agent.output()

    eventually(silent, 20, "the audit ending", 0.2)
