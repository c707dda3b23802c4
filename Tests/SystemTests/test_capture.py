"""Who is captured, what the kernel says about it, and who is left alone."""

import errno
import json
import socket

import pytest
from harness import cgroups
from harness.http1 import Connection, chat
from harness.netns import join
from harness.places import binary
from harness.servers import echo
from harness.stalls import Stalls
from harness.waiting import eventually

pytestmark = pytest.mark.alone

DIALLED = ("127.64.0.10", 8000)
CAPTURED6 = ("::1", 18000)
DENIED = ("127.66.0.1", 8000)


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "m", "--name", "one", "--ttft", "0ms", "--itl", "0ms")


@pytest.fixture(scope="module")
def broker(shared, engine):
    rules = [
        {"name": "llm", "to": ["127.64.0.0/16:8000", "[::1]:18000"], "path": "proxy", "whenProxyDown": "refuse"},
        {"name": "no", "to": ["127.66.0.0/16:*", "[::1]:18001"], "path": "deny"},
    ]
    clients = {"checkout": {"workloads": ["{}/shop/**"]}, "reports": {"workloads": ["{}/reports"]},
               "others": {"workloads": ["{}/plain", "{}/many"]}}
    broker = shared.broker(capture=rules, models={"m": [engine.url]})
    below = cgroups.below_mount(broker.cgroup)
    broker.config["clients"] = {
        name: {"workloads": [pattern.format(below) for pattern in client["workloads"]]} for name, client in clients.items()}
    broker.write_config()
    return broker.start()


@pytest.fixture(scope="module")
def caller(shared, broker):
    return shared.caller(broker.application_cgroup("reports"))


def ask(connection, model="m", **more):
    """One chat over an open connection; the engine's text."""
    answer = Connection(connection).request("POST", "/v1/chat/completions", chat(model, **more), {"Host": "llm.internal"})
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize("dialled, family", [
    (DIALLED, socket.AF_INET),
    (CAPTURED6, socket.AF_INET6),
    ((f"::ffff:{DIALLED[0]}", DIALLED[1]), socket.AF_INET6),
], ids=["ipv4", "ipv6", "v4-mapped"])
def test_a_caller_reaches_the_model_and_sees_the_address_it_dialled(caller, dialled, family):
    with caller.dial(*dialled, family=family) as call:
        assert call.errno == 0
        assert call.peer == dialled
        assert call.socket.getpeername()[:2] == dialled
        assert ask(call.socket).startswith("engine=one prompt=5")


def test_capture_follows_the_cgroup_not_the_destination(broker, engine):
    """A process outside of the captured cgroup finds nobody at the address."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(DIALLED, 5)


def test_uncaptured_destinations_are_untouched(broker, caller, engine):
    before = broker.rule("llm")["counters"]["captured"]
    with caller.dial(engine.host, engine.port) as call:
        assert ask(call.socket)
        assert engine.last()["peer"] == f"{call.local[0]}:{call.local[1]}", "the engine sees the caller itself"
    with caller.dial(DIALLED[0], engine.port) as call:
        assert call.errno == errno.ECONNREFUSED, "the port is part of the rule"
    assert broker.rule("llm")["counters"]["captured"] == before


def test_udp_is_untouched(caller):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.64.0.11", 8000))
        receiver.settimeout(5)
        with caller.dial("127.64.0.11", 8000, kind="udp") as call:
            assert call.peer == ("127.64.0.11", 8000)
            call.socket.send(b"datagram")
            data, sender = receiver.recvfrom(100)
            assert data == b"datagram" and sender[1] == call.local[1]


@pytest.mark.parametrize("dialled", [DENIED, ("127.66.200.1", 1), ("::1", 18001), ("::ffff:127.66.0.1", 8000)])
def test_deny_refuses_with_econnrefused(broker, caller, dialled, make):
    before = broker.rule("no")["counters"]["denied"]
    listens = make.server(echo, host="127.66.0.1", port=8000) if dialled[1] == 8000 else None
    with Stalls() as stalls, caller.dial(*dialled) as call:
        assert call.errno == errno.ECONNREFUSED
        assert call.seconds - stalls.largest < 1
    assert not listens or not listens.peers
    assert broker.rule("no")["counters"]["denied"] == before + 1


def test_the_proxys_own_connections_are_not_captured(make, broker, caller):
    """An endpoint inside the captured range: the proxy dials it and reaches it, without a loop."""
    inside = make.engine("--models", "inner", "--name", "inside", "--ttft", "0ms", "--itl", "0ms", host="127.64.0.20", port=8000)
    config = dict(broker.config)
    broker.config["models"] = dict(config["models"]) | {"inner": {"endpoints": [{"url": inside.url}]}}
    broker.write_config()
    eventually(lambda: broker.model("inner"), 20, "the new model being known")
    before = broker.counters()
    with caller.dial(*DIALLED) as call:
        assert ask(call.socket, "inner").startswith("engine=inside")
    after = broker.counters()
    assert after["captured"] == before["captured"] + 1
    assert after["exempt"] > before["exempt"]


def test_the_broker_knows_who_calls(broker, caller):
    with caller.dial(*DIALLED) as call:
        ask(call.socket)
        flow = next(flow for flow in broker.ask("flow", "list") if flow["caller"] == f"{call.local[0]}:{call.local[1]}")
    assert flow["pid"] == caller.pid
    assert flow["command"].startswith("python")
    assert flow["uid"] == 0
    assert flow["workload"] == cgroups.below_mount(caller.cgroup)
    assert flow["dialled"] == f"{DIALLED[0]}:{DIALLED[1]}"
    assert (flow["client"], flow["model"], flow["rule"], flow["entrance"]) == ("reports", "m", "llm", "capture")
    assert flow["bytesIn"] > 0 and flow["bytesOut"] > 0


def test_a_cgroup_made_later_below_a_known_one_is_known(make, broker):
    caller = make.caller(broker.application_cgroup("shop/new/deep/er"))
    eventually(lambda: _client_of(broker, caller) == "checkout", 20, "the workload being known", 0.1)


def _client_of(broker, caller):
    with caller.dial(*DIALLED) as call:
        ask(call.socket)
        return next(flow["client"] for flow in broker.ask("flow", "list") if flow["pid"] == caller.pid)


def test_an_unknown_workload_has_no_client(make, broker):
    """Where there are clients, it has to prove in another way which it is."""
    caller = make.caller(broker.application_cgroup("somebody"))
    with caller.dial(*DIALLED) as call:
        answer = Connection(call.socket).request("POST", "/v1/chat/completions", chat("m"))
        assert answer.status == 401 and answer.error["code"] == "invalid_api_key"
        flow = next(flow for flow in broker.ask("flow", "list") if flow["pid"] == caller.pid)
        assert flow["client"] == ""


def test_a_caller_of_another_user_is_captured(make, broker):
    caller = make.caller(broker.application_cgroup("plain"), user="nobody")
    with caller.dial(*DIALLED) as call:
        assert ask(call.socket)
        flow = next(flow for flow in broker.ask("flow", "list") if flow["pid"] == caller.pid)
        assert flow["uid"] != 0


@pytest.mark.parametrize("family", ["listen4", "listen6"])
def test_a_connection_without_an_origin_is_closed(broker, family):
    before = broker.status()["proxy"]["withoutOrigin"]
    with Connection.to(*getattr(broker, family)) as connection:
        connection.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.at_end(), "not a byte of an answer"
    eventually(lambda: broker.status()["proxy"]["withoutOrigin"] == before + 1, 20, "it being counted")


def test_many_callers_at_once_keep_their_origins(make, broker):
    """Origins are matched by connection, so none may be mixed up."""
    callers = [make.caller(broker.application_cgroup(f"many/{index}")) for index in range(5)]
    calls = [(caller, caller.dial(f"127.64.7.{index}", 8000)) for index in range(1, 21) for caller in callers]
    try:
        assert all(call.errno == 0 for _, call in calls)
        for _, call in calls:
            ask(call.socket)
        flows = {flow["caller"]: flow for flow in broker.ask("flow", "list")}
        for caller, call in calls:
            flow = flows[f"{call.local[0]}:{call.local[1]}"]
            assert (flow["pid"], flow["dialled"]) == (caller.pid, f"{call.peer[0]}:{call.peer[1]}")
    finally:
        for _, call in calls:
            call.socket.close()


def test_callers_in_other_network_namespaces(make):
    """A node and two pods, each a namespace of its own, joined by veth; IPv4 and IPv6."""
    node, pods = make.namespace(), [make.namespace(), make.namespace()]
    for index, pod in enumerate(pods, 1):
        join(node, pod, index)
    engine = make.engine("--models", "m", "--name", "node", "--ttft", "0ms", "--itl", "0ms", port=9101, netns=node.name)
    broker = make.broker(
        capture=[{"name": "llm", "to": ["10.200.0.0/16:8000", "[fd00:200::/32]:8000"], "path": "proxy", "whenProxyDown": "refuse"}],
        models={"m": ["http://127.0.0.1:9101"]}, node={"podAddress": ["169.254.77.1", "fd77:0:0:ffff::1"]}, netns=node.name)
    broker.start()
    assert "169.254.77.1" in node.addresses("lo") and "fd77:0:0:ffff::1" in node.addresses("lo")
    for index, pod in enumerate(pods, 1):
        caller = make.caller(broker.application_cgroup(f"pod{index}"), netns=pod.name)
        for dialled in (("10.200.0.10", 8000), ("fd00:200::10", 8000), ("::ffff:10.200.0.11", 8000)):
            with caller.dial(*dialled) as call:
                assert call.errno == 0 and call.peer == dialled
                assert ask(call.socket).startswith("engine=node")
                flow = next(flow for flow in broker.ask("flow", "list") if flow["pid"] == caller.pid)
                assert flow["netnsCookie"] != 0
    host = make.caller(broker.application_cgroup("host"), netns=node.name)
    with host.dial("10.200.0.10", 8000) as call:
        assert ask(call.socket).startswith("engine=node")
    broker.cli("detach")
    assert "169.254.77.1" not in node.addresses("lo"), "the address goes when the broker goes"
    assert engine.process.running


def test_a_pod_without_a_pod_address_is_not_sent_nowhere(make):
    """Without `podAddress` a pod's connect takes the way of the rule's whenProxyDown."""
    node, pod = make.namespace(), make.namespace()
    join(node, pod)
    broker = make.broker(
        capture=[{"name": "llm", "to": ["10.200.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}], netns=node.name)
    broker.start()
    caller = make.caller(broker.application_cgroup("pod"), netns=pod.name)
    with Stalls() as stalls, caller.dial("10.200.0.10", 8000) as call:
        assert call.errno == errno.ECONNREFUSED and call.seconds - stalls.largest < 1
    assert broker.counters()["no_target"] >= 1


def test_so_original_dst_for_a_foreign_program(make):
    """Any proxy can sit behind the capture: it asks as it would ask netfilter, for IPv4 and IPv6."""
    broker = make.broker(
        capture=[{"name": "llm", "to": ["127.64.0.0/16:8000", "[::1]:18000"], "path": "proxy", "whenProxyDown": "refuse"}],
        node={"proxy": "external"})
    broker.launch()
    eventually(lambda: (broker.pin_directory / "maps" / "listeners").exists() or None, 20, f"the pins\n{broker.agent.output()}", 0.05)
    eventually(lambda: broker.ask("capture", "list"), 20, "the rules being in force", 0.1)
    from harness.foreign import ForeignProxy

    home = broker.broker_cgroup / "proxy"
    home.mkdir(parents=True, exist_ok=True)
    foreign = ForeignProxy(home, broker.pin_directory / "maps" / "listeners", broker.listen4, broker.listen6)
    try:
        caller = make.caller(broker.application_cgroup())
        for dialled in (("127.64.3.4", 8000), ("::1", 18000), ("::ffff:127.64.5.6", 8000)):
            with caller.dial(*dialled) as call:
                assert call.errno == 0
                line = json.loads(call.socket.makefile().readline())
            expected = (dialled[0].removeprefix("::ffff:"), dialled[1])
            assert tuple(line["original"]) == expected, line
    finally:
        foreign.close()


def test_the_proxy_is_unprivileged(broker):
    fields = dict(
        line.split(":", 1) for line in open(f"/proc/{broker.proxy_pid}/status").read().splitlines() if ":" in line)
    assert fields["Uid"].split()[0] != "0"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"].strip() == "1"
    assert binary("modelbroker-proxy") in open(f"/proc/{broker.proxy_pid}/cmdline").read()


def test_the_agent_keeps_only_what_it_needs(broker):
    fields = dict(
        line.split(":", 1) for line in open(f"/proc/{broker.agent.pid}/status").read().splitlines() if ":" in line)
    allowed = {12, 21, 38, 39}  # NET_ADMIN, SYS_ADMIN, PERFMON, BPF
    starting_the_proxy = {5, 6, 7, 8}  # KILL, SETGID, SETUID, SETPCAP
    held = {bit for bit in range(64) if int(fields["CapEff"], 16) >> bit & 1}
    assert held <= allowed | starting_the_proxy, held
