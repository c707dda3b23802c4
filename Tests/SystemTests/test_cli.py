"""Each command: a table for people, the same data as JSON, errors to stderr, exit status 0, 1 or 2."""

import json
import subprocess

import pytest
from harness import cgroups
from harness.http1 import Connection, chat, request_bytes
from harness.places import binary
from harness.processes import enter, run
from harness.waiting import eventually

DIALLED = ("127.64.0.10", 8000)


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "m", "--tokens", "100000", "--ttft", "0ms", "--itl", "10ms")


@pytest.fixture(scope="module")
def broker(shared, engine):
    rules = [
        {"name": "llm", "to": ["127.64.0.0/16:8000", "[::1]:18000"], "path": "proxy", "whenProxyDown": "refuse"},
        {"name": "no", "to": ["127.66.0.0/16:*"], "path": "deny"},
    ]
    return shared.broker(capture=rules, models={"m": [engine.url], "spare": [engine.url]}).start()


@pytest.fixture(scope="module")
def caller(shared, broker):
    return shared.caller(broker.application_cgroup("shop"))


@pytest.fixture(scope="module", autouse=True)
def stream(broker, caller):
    """A stream that runs through all tests of this file."""
    with Connection(caller.connect(*DIALLED)) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True)))
        connection.until(b"token3")
        yield connection


COMMANDS = [
    ("status",), ("doctor",), ("model", "list"), ("model", "show", "m"), ("flow", "list"), ("capture", "list"), ("prog", "list"),
    ("map", "list"), ("map", "dump", "settings"), ("map", "dump", "rules4"), ("events",)]

# What shows ages and counts differs from one moment to the next.
CHANGING = [("status",), ("model", "list"), ("model", "show", "m"), ("flow", "list"), ("prog", "list"), ("map", "list"), ("events",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_table_and_json_of_every_command(broker, command):
    table = broker.cli(*command)
    assert table.stdout.strip() or command == ("events",)
    assert not table.stderr
    compact = broker.cli(*command, "-j").stdout
    pretty = broker.cli(*command, "-p").stdout
    assert json.loads(compact) == json.loads(pretty) or command in CHANGING
    assert len(compact.splitlines()) == 1 < len(pretty.splitlines())
    if command == ("events",):
        assert all(event["kind"] for event in json.loads(compact))
    before = run([binary("modelbroker"), "-j", "--run-dir", broker.run_directory, "--pin-dir", broker.pin_directory, *command])
    assert type(json.loads(before.stdout)) is type(json.loads(compact)), "options may stand first, too"


@pytest.mark.parametrize("arguments", [("nonsense",), ("flow", "nonsense"), ("flow", "list", "--nonsense"), ("map", "dump")])
def test_wrong_usage_is_exit_2(broker, arguments):
    result = broker.cli(*arguments, check=False)
    assert result.returncode == 2 and result.stderr and not result.stdout


@pytest.mark.parametrize("arguments, named", [(("model", "show", "nobody"), "nobody"), (("map", "dump", "nomap"), "nomap")])
def test_what_is_not_there_is_exit_1(broker, arguments, named):
    result = broker.cli(*arguments, check=False)
    assert result.returncode == 1 and named in result.stderr and not result.stdout


def test_without_an_agent_one_sentence(tmp_path):
    for command in (("status",), ("flow", "list"), ("model", "list")):
        result = run([binary("modelbroker"), *command, "--run-dir", tmp_path, "--pin-dir", "/sys/fs/bpf/none"], check=False)
        assert result.returncode == 1 and len(result.stderr.strip().splitlines()) == 1


def test_help(broker):
    for command in ((), ("flow",), ("flow", "list"), ("qos",)):
        result = run([binary("modelbroker"), *command, "--help"], check=False)
        assert result.returncode == 0 and "USAGE" in result.stdout or command == ("qos",)


def test_status(broker):
    status = broker.status()
    assert status["agent"]["pid"] == broker.agent.pid
    assert status["proxy"]["state"] == "running" and status["proxy"]["openConnections"] >= 1
    assert {"host4", "host6"} <= {slot["name"] for slot in status["kernel"]["listeners"] if slot["alive"]}
    assert status["kernel"]["counters"]["captured"] >= 1
    assert status["counts"]["models"] == 2 and status["counts"]["rules"] == 2
    text = broker.cli("status").stdout
    assert str(broker.agent.pid) in text and str(status["proxy"]["pid"]) in text


def test_flow_list(broker, caller, engine):
    flows = broker.ask("flow", "list")
    flow = next(flow for flow in flows if flow["pid"] == caller.pid)
    assert flow["state"] == "streaming" and flow["model"] == "m" and flow["endpoint"] == engine.authority
    assert flow["workload"] == cgroups.below_mount(caller.cgroup) and flow["dialled"] == "127.64.0.10:8000"
    assert flow["bytesOut"] > 100 and flow["ageMilliseconds"] > 0
    table = broker.cli("flow", "list").stdout
    heading = table.splitlines()[0].lower()
    for column in ("pid", "command", "workload", "dialled", "client", "model", "endpoint", "state", "in", "out", "age"):
        assert column in heading, column
    assert broker.ask("flow", "list", "--model", "spare") == []
    later = eventually(lambda: next(f for f in broker.ask("flow", "list") if f["id"] == flow["id"])["bytesOut"] > flow["bytesOut"], 20)
    assert later, "the numbers move"


def test_model_list_and_show(broker, engine):
    models = {model["name"]: model for model in broker.ask("model", "list")}
    assert models["m"]["source"] == "catalog" and models["m"]["active"] == 1
    assert models["m"]["endpoints"][0]["url"] == engine.url
    assert models["spare"]["requests"] == 0
    assert engine.authority in broker.cli("model", "show", "m").stdout


def test_capture_list(broker):
    rules = {rule["name"]: rule for rule in broker.ask("capture", "list")}
    assert rules["llm"]["path"] == "proxy" and rules["llm"]["whenProxyDown"] == "refuse"
    assert len(rules["llm"]["destinations"]) == 2 and rules["llm"]["counters"]["captured"] >= 1
    assert rules["no"]["path"] == "deny"


def test_prog_list(broker):
    programs = broker.ask("prog", "list")
    hooks = " ".join(program["hook"] for program in programs)
    for hook in ("connect4", "connect6", "getpeername4", "getpeername6", "sock_ops", "getsockopt"):
        assert hook.replace("_", "") in hooks.replace("_", ""), hooks
    system = {program["id"] for program in json.loads(run(["bpftool", "-j", "prog", "show"]).stdout)}
    assert {program["id"] for program in programs} <= system
    below = cgroups.below_mount(broker.cgroup)
    attached = [program for program in programs if not program["hook"].startswith("iter/")]
    assert all(program["cgroupPath"] is not None and below in program["cgroupPath"] for program in attached)


def test_prog_list_tells_of_neighbours(make, broker):
    """Somebody else's program at the same hook is shown, with the order in which the two run."""
    neighbour = make.directory / "neighbour.o"
    source = make.directory / "neighbour.c"
    source.write_text("__attribute__((section(\"cgroup/connect4\"))) int pass(void *c) { return 1; }\n"
                      "char l[] __attribute__((section(\"license\"))) = \"GPL\";\n")
    run(["clang", "-target", "bpf", "-O2", "-c", source, "-o", neighbour])
    pin = f"/sys/fs/bpf/{broker.pin_directory.name}-neighbour"
    run(["bpftool", "prog", "load", neighbour, pin, "type", "cgroup/connect4"])
    make.stack.callback(run, ["rm", "-f", pin])
    run(["bpftool", "cgroup", "attach", broker.cgroup, "connect4", "pinned", pin, "multi"])
    make.stack.callback(run, ["bpftool", "cgroup", "detach", broker.cgroup, "connect4", "pinned", pin], check=False)
    connect4 = next(program for program in broker.ask("prog", "list") if "connect4" in program["hook"])
    assert [neighbour["runs"] for neighbour in connect4["neighbours"]] == ["after"]


def test_map_list_and_dump(broker):
    maps = {entry["name"]: entry for entry in broker.ask("map", "list")}
    for name in ("rules4", "rules6", "settings", "workloads", "flow_origins", "listeners"):
        assert any(name in known for known in maps), maps.keys()
    dumped = json.dumps(broker.ask("map", "dump", "rules4"))
    assert "127.64.0.0" in dumped and "8000" in dumped and "127.66.0.0" in dumped
    assert "::1" in json.dumps(broker.ask("map", "dump", "rules6"))


def test_doctor(broker):
    text = broker.cli("doctor").stdout
    for word in ("cgroup", "BTF", "capability", "bpf_set_retval", "pins", "neighbours"):
        assert word.lower() in text.lower(), text


def test_events_follow(broker, caller):
    process = subprocess.Popen(
        [binary("modelbroker"), "events", "--follow", "-j", "--run-dir", broker.run_directory, "--pin-dir", broker.pin_directory],
        stdout=subprocess.PIPE, text=True, preexec_fn=enter(None, None))
    try:
        import os

        os.set_blocking(process.stdout.fileno(), False)
        seen = []

        def denied():
            with caller.dial("127.66.0.9", 1234) as call:
                assert call.errno
            seen.extend(json.loads(line) for line in process.stdout.readlines())
            return [event for event in seen if event["kind"] == "connect-denied"]

        event = eventually(denied, 20, "the event", 0.1)[0]
        assert event["address"] == "127.66.0.9:1234" and event["pid"] == caller.pid and event["rule"] == "no"
        assert event["workload"] == cgroups.below_mount(caller.cgroup)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_config_check(broker):
    result = broker.cli("config", "check", broker.config_file)
    assert "valid" in result.stdout and "2 models" in result.stdout
    verdict = broker.ask("config", "check", broker.config_file)
    assert verdict["valid"] and verdict["counts"]["rules"] == 2


def test_output_is_plain_when_piped(broker):
    for command in COMMANDS:
        assert "\x1b" not in broker.cli(*command).stdout
