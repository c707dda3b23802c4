"""Configuration: every fault with its line and key, and the running one stays."""

import errno
import os

import pytest
from harness.http1 import Connection, chat
from harness.places import binary
from harness.processes import run
from harness.waiting import eventually

BROKEN = """\
node:
  cgroup: /somewhere
  listen: [127.0.0.1:15001, "127.0.0.1:99999"]
  gatway: 0.0.0.0:8080
  timeouts: {head: 10 parsecs}
  maxBody: -1
capture:
  - {name: llm, to: ["10.0.0.1/8:8000"], path: sideways}
  - {name: llm, to: [], whenProxyDown: maybe}
  - {to: ["::1:80"]}
models:
  m:
    endpoints:
      - {url: "ftp://127.0.0.1:9101"}
      - {url: "http://127.0.0.1:0"}
      - {port: 80}
  n: {endpoints: []}
colour: green
"""

EXPECTED = [
    (3, "node.listen[1]"), (4, "node.gatway"), (5, "node.timeouts.head"), (6, "node.maxBody"), (8, "capture[0].to[0]"),
    (8, "capture[0].path"), (9, "capture[1]"), (9, "capture[1].whenProxyDown"), (10, "capture[2].to[0]"),
    (14, "models.m.endpoints[0].url"), (15, "models.m.endpoints[1].url"), (16, "models.m.endpoints[2]"), (18, "colour"),
]


def check(path, *options):
    return run([binary("modelbroker"), "config", "check", path, *options], check=False)


def test_every_fault_with_line_and_key(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    result = check(path)
    text = result.stdout + result.stderr
    assert result.returncode == 1
    for line, key in EXPECTED:
        assert any(f"line {line}:" in row and key in row for row in text.splitlines()), f"line {line}: {key}\n{text}"


def test_every_fault_as_json(tmp_path):
    import json

    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    result = check(path, "-j")
    verdict = json.loads(result.stdout)
    assert result.returncode == 1 and verdict["valid"] is False
    found = {(fault["line"], fault["key"]) for fault in verdict["faults"]}
    assert {(line, key) for line, key in EXPECTED if not key == "capture[1]"} <= found, verdict


SMALL = {
    "empty": "", "no-keys": "{}\n", "empty-node": "node: {}\n", "one-rule": "capture:\n  - {name: a, to: [\"10.0.0.0/8:80\"]}\n"}


@pytest.mark.parametrize("text", SMALL.values(), ids=SMALL)
def test_small_configurations_are_valid(tmp_path, text):
    path = tmp_path / "small.yaml"
    path.write_text(text)
    result = check(path)
    assert result.returncode == 0, result.stdout + result.stderr


NONSENSE = {
    "open-list": "node: [\n",
    "tab": "\tnode: {}\n",
    "anchor-to-itself": "a: &a [*a]\n",
    "top-level-list": "- 1\n",
    "key-twice": "node: {}\nnode: {}\n",
    "nul": "\x00",
    "number-for-list": "models: {m: {endpoints: 3}}\n",
    "deep": "x: " + "[" * 10_000,
    "word-for-list": "capture: yes\n",
    "missing-file": "node: {gateway: \"${file:/nonexistent}\"}\n",
    "missing-variable": "node: {gateway: \"${env:NO_SUCH_THING}\"}\n",
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_a_fault_not_a_crash(tmp_path, text):
    path = tmp_path / "nonsense.yaml"
    path.write_text(text)
    result = check(path)
    assert result.returncode == 1 and (result.stdout + result.stderr).strip()


def test_a_missing_file_is_named(tmp_path):
    result = check(tmp_path / "none.yaml")
    assert result.returncode == 1 and "none.yaml" in result.stderr


@pytest.fixture
def engine(make):
    return make.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms")


@pytest.fixture
def broker(make, engine):
    rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}]
    return make.broker(capture=rules, models={"m": [engine.url]}).start()


def chats(broker, model="m") -> int:
    with Connection.to(*broker.gateway) as client:
        return client.request("POST", "/v1/chat/completions", chat(model)).status


def test_a_broken_file_leaves_the_running_configuration(broker):
    generation = broker.status()["configuration"]["generation"]
    broker.write_config(BROKEN)
    broker.reload()
    report = eventually(lambda: broker.status()["configuration"]["lastReload"], 20, "the reload being reported", 0.05)
    assert not report["accepted"] and report["generation"] == generation
    assert any("line 4" in fault and "gatway" in fault for fault in report["faults"])
    assert len(report["faults"]) >= len(EXPECTED)
    assert chats(broker) == 200 and broker.ready()
    assert "gatway" in broker.agent.output(), "the log says it, too"
    assert "reload-failed" in broker.cli("events").stdout
    broker.write_config()
    broker.reload()
    eventually(lambda: broker.status()["configuration"]["lastReload"]["accepted"], 20, "the mended file being taken", 0.05)


def test_a_change_of_the_file_is_enough(broker, engine):
    broker.config["models"]["later"] = {"endpoints": [{"url": engine.url}]}
    broker.write_config()
    eventually(lambda: chats(broker, "later") == 200, 20, "the new model", 0.05)
    del broker.config["models"]["later"]
    broker.write_config()
    eventually(lambda: chats(broker, "later") == 404, 20, "the model being gone", 0.05)


def test_a_file_written_in_place_is_seen(broker, engine):
    import yaml

    broker.config["models"]["inplace"] = {"endpoints": [{"url": engine.url}]}
    broker.config_file.write_text(yaml.safe_dump(broker.config))
    eventually(lambda: chats(broker, "inplace") == 200, 20, "the new model", 0.05)


def test_a_configmaps_symlink_swap_is_seen(make, engine):
    """Kubernetes swaps a directory's symlink; the file's own path never changes."""
    import yaml

    broker = make.broker(models={"m": [engine.url]})
    home = broker.directory / "configmap"
    for version, models in (("v1", ["m"]), ("v2", ["m", "swapped"])):
        (home / version).mkdir(parents=True)
        broker.config["models"] = {name: {"endpoints": [{"url": engine.url}]} for name in models}
        (home / version / "modelbroker.yaml").write_text(yaml.safe_dump(broker.config))
    (home / "..data").symlink_to("v1")
    (home / "modelbroker.yaml").symlink_to("..data/modelbroker.yaml")
    broker.config_file = home / "modelbroker.yaml"
    broker.start()
    assert chats(broker, "swapped") == 404
    (home / "..data_tmp").symlink_to("v2")
    (home / "..data_tmp").rename(home / "..data")
    eventually(lambda: chats(broker, "swapped") == 200, 20, "the new model", 0.05)


def test_rules_change_while_callers_call(make, broker):
    caller = make.caller(broker.application_cgroup())
    with caller.dial("127.64.0.10", 8000) as call:
        assert call.errno == 0
    broker.config["capture"][0]["path"] = "deny"
    broker.write_config()

    def denied():
        with caller.dial("127.64.0.10", 8000) as call:
            return call.errno == errno.ECONNREFUSED

    eventually(denied, 20, "the rule being changed", 0.05)
    broker.config["capture"] = []
    broker.write_config()
    eventually(lambda: broker.ask("capture", "list") == [], 20, "the rule being gone", 0.05)


def test_a_listener_moves(broker):
    from harness.places import free_port

    old = broker.gateway
    broker.gateway = ("127.0.0.1", free_port())
    broker.config["node"]["gateway"] = f"127.0.0.1:{broker.gateway[1]}"
    broker.write_config()

    def moved():
        try:
            return chats(broker) == 200
        except OSError:
            return False

    def closed():
        try:
            Connection.to(*old).close()
            return False
        except OSError:
            return True

    eventually(moved, 20, "the gateway at its new port", 0.05)
    # The other event loops let go of it on their own.
    eventually(closed, 20, "the old port being closed", 0.05)


# Starting in a bad place: one sentence that says what is missing and what to do.

def fails_to_start(broker, *wrapper, **options):
    arguments = [binary("modelbrokerd"), "--config", broker.config_file, "--run-dir", broker.run_directory, "--pin-dir",
                 broker.pin_directory, "--state-dir", broker.state_directory]
    result = run([*wrapper, *arguments], check=False, timeout=30, **options)
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines, "it says nothing"
    assert not broker.pin_directory.exists(), "it leaves nothing"
    return lines[-1]


def test_a_broken_configuration_at_start(make):
    broker = make.broker()
    broker.write_config(BROKEN)
    result = run([binary("modelbrokerd"), "--config", broker.config_file, "--run-dir", broker.run_directory, "--pin-dir",
                  broker.pin_directory, "--state-dir", broker.state_directory], check=False)
    assert result.returncode != 0
    for line, key in EXPECTED:
        assert any(f"line {line}:" in row and key in row for row in result.stderr.splitlines()), (line, key, result.stderr)


def test_without_capabilities(make):
    line = fails_to_start(make.broker(), "setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert "CAP_BPF" in line or "CAP_" in line, line


def test_as_an_ordinary_user(make):
    broker = make.broker()
    line = fails_to_start(broker, user="nobody")
    assert "CAP_BPF" in line or "root" in line, line


def test_without_cgroup_v2(make):
    script = "for m in $(awk '$0 ~ / - cgroup2 / {print $5}' /proc/self/mountinfo | tac); do umount -l $m; done; exec \"$@\""
    line = fails_to_start(make.broker(), "unshare", "-m", "sh", "-c", script, "sh")
    assert "cgroup" in line.lower() and "v2" in line.lower() or "cgroup2" in line, line


def test_without_btf(make):
    script = 'mount -t tmpfs none /sys/kernel/btf; exec "$@"'
    line = fails_to_start(make.broker(), "unshare", "-m", "sh", "-c", script, "sh")
    assert "BTF" in line, line


def test_an_unknown_cgroup(make):
    broker = make.broker()
    broker.config["node"]["cgroup"] = "/no/such/cgroup"
    broker.write_config()
    assert "/no/such/cgroup" in fails_to_start(broker)


def test_secrets_by_reference_are_not_shown(make, engine, tmp_path):
    secret = tmp_path / "url"
    secret.write_text(engine.url)
    broker = make.broker()
    broker.config["models"] = {"m": {"endpoints": [{"url": f"${{file:{secret}}}"}]}}
    broker.write_config()
    broker.start()
    assert chats(broker) == 200


def test_the_run_directory_is_made_and_closed_to_others(broker):
    mode = os.stat(broker.run_directory / "control.sock").st_mode & 0o777
    assert mode == 0o600


def test_health_and_metrics(broker):
    assert broker.admin_get("/healthz")[0] == 200
    assert broker.admin_get("/nothing")[0] == 404
    chats(broker)

    def shown():
        status, text = broker.admin_get("/metrics")
        return status == 200 and 'm"' in text and text

    text = eventually(shown, 20, "the metrics", 0.1)
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0, line
