"""Entries: what `qos set` refuses, how many there may be, and what outlives the agent."""

import json
import os
import pathlib
import re
import signal
import stat
import time

import pytest
from harness.http1 import Connection, chat
from harness.places import binary
from harness.processes import run
from harness.waiting import eventually

ENTRY = {"requests": "60/h", "burst": 50, "tokens": "600/h", "tokenBurst": 5000, "connects": "60/h", "connectBurst": 40}
DIALLED = ("127.64.0.10", 8000)


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "30")


@pytest.fixture
def broker(make, engine):
    rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "model": "m", "whenProxyDown": "refuse"}]
    return make.broker(capture=rules, models={"m": [engine.url], "n": [engine.url]}, qos={"m": dict(ENTRY)}).start()


BAD = [
    ("requests", ["100", "100/x", "-1/s", "1.5/s", "100/s ", "", "1e3/s", "9999999999/s", "/s", "100 / s"], "a rate (100/s"),
    ("tokens", ["fast", "600000"], "a rate (100/s"),
    ("connects", ["50", "50/ms"], "a rate (100/s"),
    ("burst", ["0", "-5", "many", "1.5", "none"], "a whole number from 1 to"),
    ("token-burst", ["0", "5/s"], "a whole number from 1 to"),
    ("connect-burst", ["x"], "a whole number from 1 to"),
    ("connections", ["-1", "2k"], "a whole number from 0 to"),
    ("bandwidth", ["0", "50", "50MiB", "0MiB/s", "1B/s", "2Tbit/s", "50mb/s"], "a bandwidth from 1KiB/s to 1Tbit/s"),
    ("priority", ["8", "-1", "highest", ""], "high, normal, low or a number from 0 to 7"),
    ("dscp", ["64", "-1", "EF"], "a number from 0 to 63"),
    ("mode", ["off", "Enforce"], "enforce or observe"),
    ("class", ["gold"], "guaranteed, burstable or best-effort"),
]


def test_a_bad_value_names_the_option_and_the_form_and_changes_nothing(broker):
    broker.set("m", dscp=9)
    before, audit = broker.qos("m"), broker.audit()
    for option, values, form in BAD:
        for value in values:
            # With something that is right beside it: all of it, or nothing.
            right = "--requests=7/s" if option != "requests" else "--dscp=3"
            bad = [f"--{option}={value}"] if value else [f"--{option}", ""]
            result = broker.cli("qos", "set", "m", right, *bad, check=False)
            assert result.returncode != 0, (option, value)
            assert f"--{option} takes " in result.stderr and form in result.stderr, result.stderr
            assert not result.stdout
    both = broker.cli("qos", "set", "m", "--requests=x", "--dscp=99", check=False).stderr
    assert "--requests takes" in both and "--dscp takes" in both, "every fault is named"
    assert broker.cli("qos", "set", "m", check=False).returncode != 0
    assert "--requests" in broker.cli("qos", "set", "m", check=False).stderr
    # Right by themselves, but not together.
    assert "class" in broker.cli("qos", "set", "m", "--class", "guaranteed", check=False).stderr
    assert "burst" in broker.cli("qos", "set", "n", "--burst", "5", check=False).stderr
    near = broker.cli("qos", "set", "mm", "--dscp", "1", check=False)
    assert near.returncode != 0 and '"mm"' in near.stderr and "m, n" in near.stderr
    after = broker.qos("m")
    assert after["version"] == before["version"] and after["settings"] == before["settings"]
    assert broker.audit() == audit and not broker.events(kind="qos-changed", model="n")


def test_only_root_may_change_entries(broker):
    where = ["--run-dir", broker.run_directory, "--pin-dir", broker.pin_directory]
    result = run([binary("modelbroker"), "qos", "set", "m", "--dscp", "1", *where], user="nobody", check=False)
    assert result.returncode != 0 and result.stderr and broker.audit() == []
    assert broker.qos("m")["settings"]["dscp"]["source"] == "default"


@pytest.mark.parametrize("agent", ["running", "stopped"])
def test_each_change_is_a_line_of_the_audit_file_and_an_event(broker, agent):
    if agent == "stopped":
        assert broker.agent.stop() == 0
    began = time.time()
    report = broker.set("m", requests="120/h", priority="high")
    broker.cli("qos", "reset", "m")
    file = broker.run_directory / "audit.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.stat().st_uid == 0
    first, second = broker.audit()
    assert (first["action"], first["model"], first["uid"], first["version"]) == ("qos-set", "m", 0, report["version"])
    assert first["changes"] == report["changes"] == {
        "requests": {"before": "60/h", "after": "120/h"}, "priority": {"before": "none", "after": "high"}}
    assert first["pid"] > 0 and first["time"].endswith("Z")
    assert (second["action"], second["version"]) == ("qos-reset", report["version"] + 1)
    assert second["changes"]["requests"] == {"before": "120/h", "after": "60/h"}
    assert time.time() - began < 60
    if agent == "running":
        events = broker.events(kind="qos-changed", model="m")
        assert "requests 60/h -> 120/h" in events[0]["detail"] and events[1]["detail"].count("reset")


def charge(broker, caller):
    """Thirty requests, with what tokens they use, over ten connections that are open no more."""
    for _ in range(10):
        with Connection(caller.connect(*DIALLED)) as connection:
            for _ in range(3):
                assert connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=20)).status == 200
    eventually(lambda: broker.qos("m")["connections"]["open"] == 0, 20, "the connections being closed")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restarted_agent_keeps_overrides_and_debts(broker, make, end):
    """The proxy goes, too: what is left is what the kernel holds."""
    caller = make.caller(broker.application_cgroup())
    began = time.monotonic()
    charge(broker, caller)
    broker.set("m", requests="30/h", dscp=26, bandwidth="80Mbit/s", mode="enforce")
    broker.set("n", connections=7)
    before, other = broker.qos("m"), broker.qos("n")
    assert before["buckets"]["requests"]["level"] == 20 and before["buckets"]["connects"]["level"] == 30
    proxy = broker.proxy_pid
    broker.agent.signal(end)
    broker.agent.wait(20)
    os.kill(proxy, signal.SIGKILL)
    broker.launch()
    broker.wait_ready()
    after = broker.qos("m")
    for key in ("settings", "changed", "slot", "refusals"):
        assert after.get(key) == before.get(key), key
    assert broker.qos("n")["settings"] == other["settings"]
    for kind, per_hour in (("requests", 60), ("tokens", 600), ("connects", 60)):
        bucket, former = after["buckets"][kind], before["buckets"][kind]
        assert {key: bucket[key] for key in ("admitted", "refused", "capacity")} == {
            key: former[key] for key in ("admitted", "refused", "capacity")}
        brought = 1 + (time.monotonic() - began) * per_hour / 3600
        assert former["level"] <= bucket["level"] <= former["level"] + brought, kind
    # And they are more than figures: the rest of the bucket, and not one more.
    with Connection(caller.connect(*DIALLED)) as connection:
        statuses = [connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1)).status for _ in range(24)]
    admitted = statuses.count(200)
    assert statuses == [200] * admitted + [429] * (24 - admitted)
    assert 20 <= admitted <= 21 + (time.monotonic() - began) / 60
    # What was set by hand also outlives a change of the file below it, and ends when told to.
    broker.config["models"]["m"]["qos"] |= {"requests": "90/h", "priority": "low"}
    broker.write_config()
    broker.cli("reload")
    entry = broker.qos("m")["settings"]
    requests, priority = entry["requests"], entry["priority"]
    assert (requests["value"], requests["configured"], requests["source"]) == ("30/h", "90/h", "live")
    assert (priority["value"], priority["source"]) == ("low", "file")
    broker.cli("qos", "reset", "m")
    entry = broker.qos("m")
    assert entry["settings"]["requests"]["value"] == "90/h"
    assert {setting["source"] for setting in entry["settings"].values()} == {"file", "default"}
    assert entry["buckets"]["requests"]["level"] == 0, "a debt is no override"


def mapped_kib(pid: int) -> int:
    """Resident memory of the kernel's maps."""
    lines = pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines()
    total, inside = 0, False
    for line in lines:
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = line.endswith("bpf-map")
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def test_models_that_come_while_it_runs_are_governed_at_once(broker, engine):
    """Agent and proxy hold in memory only the slots in use: here they have to take in more of them."""
    before = {pid: mapped_kib(pid) for pid in (broker.agent.pid, broker.proxy_pid)}
    assert before[broker.proxy_pid] <= 64, "slots that nobody has take no memory"
    proxy = broker.proxy_pid

    def statuses(name, count):
        with Connection.to(*broker.gateway) as connection:
            return [connection.request("POST", "/v1/chat/completions", chat(name, max_tokens=1)).status for _ in range(count)]

    began = time.monotonic()
    assert statuses("m", 40) == [200] * 40
    for number in range(700):
        entry = {"endpoints": [{"url": engine.url}], "qos": {"requests": "1/h", "burst": 2}}
        broker.config["models"][f"new-{number}"] = entry
    broker.write_config()
    assert json.loads(broker.cli("reload", "-j").stdout)["accepted"]
    assert broker.qos("new-699")["slot"] >= 700
    for name in ("new-0", "new-350", "new-699"):
        assert statuses(name, 4) == [200, 200, 429, 429], name
    # What was there before goes on, its debt with it.
    admitted = statuses("m", 12).count(200)
    assert 10 <= admitted <= 11 + (time.monotonic() - began) / 60
    broker.set("new-699", requests="none")
    assert statuses("new-699", 3) == [200] * 3
    assert broker.proxy_pid == proxy
    assert mapped_kib(proxy) < before[proxy] + 4 * 700
    # An agent that starts anew finds them all.
    assert broker.agent.stop() == 0
    broker.launch()
    broker.wait_ready()
    assert len(broker.ask("qos", "show")) == 702
    assert statuses("new-350", 1) == [429]


def test_4096_models_have_entries_and_one_more_is_refused(make, engine):
    def rate(index):
        """Another one than its neighbours', and such that no unit comes back within half a minute."""
        return f"{index % 97 + 1}/h"

    def entry(index):
        return {"endpoints": [{"url": engine.url}], "qos": {"requests": rate(index), "burst": 1}}

    broker = make.broker()
    broker.config["models"] = {f"model-{index:04}": entry(index) for index in range(4096)}
    broker.config["models"]["plain"] = {"endpoints": [{"url": engine.url}]}
    broker.write_config()
    broker.start()
    shown = broker.ask("qos", "show")
    assert [report["model"] for report in shown] == [f"model-{index:04}" for index in range(4096)]
    assert [report["settings"]["requests"]["value"] for report in shown] == [rate(index) for index in range(4096)]
    assert len({report["slot"] for report in shown}) == 4096
    with Connection.to(*broker.gateway) as connection:
        for name in ("model-0000", "model-2047", "model-4095"):
            assert [connection.request("POST", "/v1/chat/completions", chat(name)).status for _ in range(2)] == [200, 429], name
        # It has no room, and asks for none: it is served, ungoverned.
        assert connection.request("POST", "/v1/chat/completions", chat("plain")).status == 200
        missing = broker.cli("qos", "set", "plain", "--dscp", "1", check=False)
        assert missing.returncode != 0 and '"plain"' in missing.stderr
        broker.set("model-4095", requests="none")
        assert connection.request("POST", "/v1/chat/completions", chat("model-4095")).status == 200
    before = broker.ask("qos", "show")
    broker.config["models"]["plain"]["qos"] = {"requests": "1/s"}
    broker.write_config()
    result = broker.cli("reload", "-j", check=False)
    assert result.returncode != 0 and "4096" in result.stdout + result.stderr, result
    # Nothing has changed, and when one goes there is room.
    assert [report["model"] for report in broker.ask("qos", "show")] == [report["model"] for report in before]
    del broker.config["models"]["model-0007"]
    broker.write_config()
    assert json.loads(broker.cli("reload", "-j").stdout)["accepted"]
    names = {report["model"]: report["slot"] for report in broker.ask("qos", "show")}
    assert len(names) == 4096 and "plain" in names and "model-0007" not in names
    kept = {report["model"]: report["slot"] for report in before}
    assert all(kept[name] == slot for name, slot in names.items() if name != "plain"), "slots stay"
