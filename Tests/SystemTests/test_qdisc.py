"""`node.qdisc`: the tree comes with the agent, follows the models, outlives the agent and goes without a trace."""

import json
import re
import signal

import pytest
from harness.netns import join
from harness.processes import run
from harness.waiting import eventually

DEVICE = "mbv1"
QDISC = {"device": DEVICE, "kind": "htb", "rate": "100Mbit/s"}


class Node:
    """A network namespace of a node with a device that leads to another."""

    def __init__(self, make):
        self.node, self.pod = make.namespace(), make.namespace()
        join(self.node, self.pod)

    @property
    def name(self):
        return self.node.name

    def tc(self, *arguments):
        return run(["tc", *arguments], netns=self.name).stdout

    def send(self):
        """Something that leaves through the device."""
        script = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('10.77.1.2', 9))"
        run(["python3", "-c", script], netns=self.name)

    def root(self, device=DEVICE) -> str:
        """`qdisc tbf 8001: root refcnt …` as tc shows it, but for what it counts."""
        lines = self.tc("qdisc", "show", "dev", device).splitlines()
        return re.sub(r"direct_packets_stat \d+ ", "", next((line for line in lines if " root " in line), "none"))

    def classes(self, device=DEVICE) -> dict[str, str]:
        lines = self.tc("class", "show", "dev", device).splitlines()
        return {line.split()[2]: line for line in lines}


@pytest.fixture
def node(make):
    return Node(make)


@pytest.fixture
def broker(make, node):
    broker = make.broker(netns=node.name, models={"a": ["http://127.0.0.1:1"], "b": ["http://127.0.0.1:1"]})
    broker.config["node"]["qdisc"] = dict(QDISC)
    broker.config["models"]["a"]["qos"] = {"bandwidth": "20Mbit/s", "class": "guaranteed", "priority": "high"}
    broker.config["models"]["b"]["qos"] = {"bandwidth": "20Mbit/s", "class": "burstable", "priority": "low"}
    broker.write_config()
    return broker


def shown(broker) -> dict:
    """`qdisc show` by the classes' models; the two that are no model's by their kind."""
    (tree,) = broker.ask("qdisc", "show")
    return {entry.get("model", entry["kind"]): entry for entry in tree["classes"]}


def reload(broker) -> dict:
    broker.write_config()
    result = broker.cli("reload", "-j", check=False)
    return json.loads(result.stdout) if result.stdout else {"accepted": False, "faults": [result.stderr]}


def test_the_tree_comes_shows_itself_and_goes(broker, node):
    before = node.root()
    broker.start()
    assert node.root().startswith("qdisc htb 1: root")
    classes = node.classes()
    entries = shown(broker)
    a, b = entries["a"], entries["b"]
    assert "prio 1 rate 20Mbit ceil 20Mbit" in classes[a["id"]]
    assert "prio 5 rate 20Mbit ceil 30Mbit" in classes[b["id"]]
    assert "rate 100Mbit ceil 100Mbit" in classes["1:1"]
    assert (a["rate"], a["ceil"], a["priority"], a["kind"]) == (2_500_000, 2_500_000, 1, "guaranteed")
    assert (b["rate"], b["ceil"], b["kind"]) == (2_500_000, 3_750_000, "burstable")
    assert entries["others"]["ceil"] == entries["device"]["rate"] == 12_500_000
    # The sockets' entry names the class.
    dump = {entry["name"]: entry for entry in broker.ask("map", "dump", "models") if entry.get("name") in ("a", "b")}
    for name, entry in (("a", a), ("b", b)):
        assert int(dump[name]["sk_priority"], 16) == 0x10000 + int(entry["id"].split(":")[1], 16)
    table = broker.cli("qdisc", "show").stdout
    assert table.startswith(f"{DEVICE}  htb  ") and "standing" in table and "guaranteed" in table
    # What leaves through the device is counted.
    node.send()
    assert shown(broker)["device"]["sentPackets"] > 0
    broker.cli("detach")
    assert node.root() == before
    assert not broker.run_directory.exists()


@pytest.mark.parametrize("former", [
    ["handle", "9:", "tbf", "rate", "3mbit", "burst", "20kb", "limit", "30000"], ["pfifo_fast"]], ids=["tbf", "pfifo_fast"])
@pytest.mark.parametrize("end", ["detach", "killed", "key"])
def test_what_stood_there_comes_back(broker, node, former, end):
    node.tc("qdisc", "add", "dev", DEVICE, "root", *former)
    before = node.root()
    broker.start()
    assert node.root().startswith("qdisc htb 1: root")
    if end == "key":
        del broker.config["node"]["qdisc"]
        assert reload(broker)["accepted"]
        assert node.root() == before
        assert broker.ask("qdisc", "show") == []
        return
    if end == "killed":
        broker.kill_agent()
        # Agent or no agent, the tree is there and can be looked at.
        assert shown(broker)["a"]["kind"] == "guaranteed"
    broker.cli("detach")
    assert node.root() == before


def test_a_restart_adopts_the_tree(broker, node):
    node.tc("qdisc", "add", "dev", DEVICE, "root", "handle", "9:", "pfifo", "limit", "33")
    before = node.root()
    broker.start()
    node.send()
    sent = shown(broker)["device"]["sentPackets"]
    assert sent > 0
    broker.kill_agent()
    # What changed meanwhile is caught up with, without building anew: the counts go on.
    broker.config["models"]["a"]["qos"]["bandwidth"] = "10Mbit/s"
    broker.write_config()
    broker.start()
    entries = shown(broker)
    assert entries["device"]["sentPackets"] >= sent
    assert entries["a"]["rate"] == 1_250_000
    broker.cli("detach")
    assert node.root() == before


def test_a_start_without_the_key_takes_an_earlier_tree_away(broker, node):
    before = node.root()
    broker.start()
    broker.agent.stop()
    assert node.root().startswith("qdisc htb 1: root")
    del broker.config["node"]["qdisc"]
    broker.write_config()
    broker.start()
    assert node.root() == before


def test_a_reload_changes_classes_and_the_device(broker, node):
    node.node.ip("link", "add", "other0", "type", "veth", "peer", "name", "other1")
    node.node.ip("link", "set", "other0", "up")
    before, other = node.root(), node.root("other0")
    broker.start()
    broker.config["models"]["b"]["qos"]["bandwidth"] = "40Mbit/s"
    broker.config["models"]["c"] = {"endpoints": [{"url": "http://127.0.0.1:1"}], "qos": {"priority": 7}}
    del broker.config["models"]["a"]
    broker.config["node"]["qdisc"]["rate"] = "200Mbit/s"
    assert reload(broker)["accepted"]
    entries = shown(broker)
    assert "a" not in entries and entries["b"]["ceil"] == 7_500_000
    assert entries["c"]["priority"] == 0 and entries["c"]["ceil"] == 25_000_000
    broker.config["node"]["qdisc"]["device"] = "other0"
    assert reload(broker)["accepted"]
    assert node.root() == before and node.root("other0").startswith("qdisc htb 1: root")
    assert [tree["device"] for tree in broker.ask("qdisc", "show")] == ["other0"]
    broker.cli("detach")
    assert node.root("other0") == other


def test_what_cannot_be_done_is_said(broker, node):
    # At start.
    broker.config["node"]["qdisc"]["device"] = "eth9"
    broker.write_config()
    broker.launch()
    assert broker.agent.wait(20) != 0
    assert "node.qdisc: could not find the network device eth9" in broker.agent.output()
    # Somebody's tree is not touched.
    node.tc("qdisc", "add", "dev", DEVICE, "root", "handle", "1:", "htb", "default", "7")
    before = node.root()
    broker.config["node"]["qdisc"]["device"] = DEVICE
    broker.write_config()
    broker.launch()
    assert broker.agent.wait(20) != 0
    assert f"the device {DEVICE} has the qdisc htb 1:, which could not be put back" in broker.agent.output()
    assert node.root() == before
    # On reload the configuration before stays in force.
    node.tc("qdisc", "del", "dev", DEVICE, "root")
    broker.start()
    broker.config["node"]["qdisc"]["device"] = "eth9"
    report = reload(broker)
    assert not report["accepted"] and "eth9" in report["faults"][0]
    assert node.root().startswith("qdisc htb 1: root")


def test_a_tree_that_somebody_takes_away_is_built_again(broker, node):
    broker.start()
    node.tc("qdisc", "del", "dev", DEVICE, "root")
    eventually(lambda: "1:11" in node.classes(), 20, "the tree being built again")
    # And a device that comes back gets its tree, too.
    node.node.ip("link", "del", DEVICE)
    (tree,) = broker.ask("qdisc", "show")
    assert tree["state"] == "no such device" and tree["classes"] == []
    eventually(lambda: "network device" in broker.agent.output(), 20, "the loss being said")
    node.node.ip("link", "add", DEVICE, "type", "veth", "peer", "name", "peer0")
    node.node.ip("link", "set", DEVICE, "up")
    eventually(lambda: "1:11" in node.classes(), 20, "the tree on the new device")
    assert broker.agent.running
    broker.agent.signal(signal.SIGTERM)
    assert broker.agent.wait() == 0


@pytest.mark.parametrize("agent", ["up", "down"])
def test_a_change_by_hand_reaches_the_class(broker, node, agent):
    broker.start()
    if agent == "down":
        broker.kill_agent()
    broker.cli("qos", "set", "b", "--bandwidth", "30Mbit/s")
    if agent == "up":
        eventually(lambda: shown(broker)["b"]["ceil"] == 5_625_000, 20, "the class having the new ceiling")
    assert shown(broker)["b"]["ceil"] == 5_625_000
    broker.cli("qos", "reset", "b")
    eventually(lambda: shown(broker)["b"]["ceil"] == 3_750_000, 20, "the class having the old ceiling")


def test_more_than_the_device_has_is_shared_out_and_said(broker, node):
    broker.config["models"]["b"]["qos"]["bandwidth"] = "95Mbit/s"
    broker.config["models"]["b"]["qos"]["class"] = "burstable"
    broker.write_config()
    broker.start()
    entries = shown(broker)
    assert entries["a"]["rate"] == 2_500_000 and not entries["a"]["short"]
    assert entries["b"]["short"] and entries["b"]["rate"] < 9_500_000
    assert sum(entry["rate"] for name, entry in entries.items() if name != "device") <= 12_500_000
    eventually(lambda: "in part without: b" in broker.agent.output(), 20, "the shortage being said")
