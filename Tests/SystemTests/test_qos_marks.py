"""DSCP, priority and pacing on the sockets themselves: proxied and direct, IPv4 and IPv6, now and after a change."""

import copy

import pytest
from harness.http1 import Connection, chat, request_bytes
from harness.sockets import Marks, marks_of, marks_seen
from harness.waiting import eventually

PROXIED = {"ipv4": ("127.64.0.10", 8000), "ipv6": ("::1", 18000)}
#: A model for each family: a socket for IPv6 may be sent to an endpoint of either.
DIRECT = {"ipv4": ("127.65.0.10", 8000), "ipv6": ("::1", 18002)}
#: 8 Mbit/s are a million bytes a second.
ENTRY = {"bandwidth": "8Mbit/s", "priority": "high", "dscp": 26}
CONFIGURED, CHANGED = Marks(6, 26, 1_000_000), Marks(2, 46, 2_000_000)
PLAIN = Marks(0, 0, None)


@pytest.fixture
def broker(make):
    """The engines are in the captured cgroup, as everything on a node is."""
    broker = make.broker(capture=[
        {"name": "llm", "to": ["127.64.0.0/16:8000", "[::1]:18000"], "path": "proxy", "whenProxyDown": "refuse"},
        {"name": "direct4", "to": ["127.65.0.0/16:8000"], "path": "direct", "model": "d-ipv4", "whenProxyDown": "refuse"},
        {"name": "direct6", "to": ["[::1]:18002"], "path": "direct", "model": "d-ipv6", "whenProxyDown": "refuse"},
    ])
    slow = ("--models", "*", "--ttft", "0ms", "--itl", "50ms", "--tokens", "2000")
    broker.engines = {
        "ipv4": make.engine(*slow, cgroup=broker.application_cgroup("engines")),
        "ipv6": make.engine(*slow, cgroup=broker.application_cgroup("engines"), host="::1"),
    }
    broker.config["models"] = {
        f"{path}-{family}": {"endpoints": [{"url": engine.url}], "qos": dict(ENTRY)}
        for path in "pd" for family, engine in broker.engines.items()}
    broker.write_config()
    return broker.start()


def begin_stream(connection, model) -> Connection:
    """An answer is under way."""
    client = Connection(connection)
    client.send(request_bytes("POST", "/v1/chat/completions", chat(model, stream=True)))
    client.until(b"data: {")
    return client


def upstream_port(engine) -> int:
    """Of the connection on which the engine's last request came."""
    return int(engine.last()["peer"].rsplit(":", 1)[1])


def change(broker, model):
    broker.set(model, bandwidth="16Mbit/s", priority="low", dscp=46)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_both_legs_of_a_proxied_flow_have_the_entry(broker, make, family):
    caller, engine, model = make.caller(broker.application_cgroup()), broker.engines[family], f"p-{family}"
    with caller.dial(*PROXIED[family]) as call:
        with begin_stream(call.socket, model):
            proxy_port = (broker.listen4 if family == "ipv4" else broker.listen6)[1]
            back = (proxy_port, call.local[1])
            forth = (upstream_port(engine), engine.port)
            for leg in (back, forth):
                assert marks_seen(*leg) == CONFIGURED, leg
            assert marks_of(call.socket) == PLAIN, "the caller's own socket is its own"
            change(broker, model)
            for leg in (back, forth):
                assert marks_seen(*leg) == CHANGED, "in force when the command returns"
            broker.cli("qos", "reset", model)
            for leg in (back, forth):
                assert marks_seen(*leg) == CONFIGURED, leg


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_both_ends_of_a_direct_flow_have_the_entry(broker, make, family):
    caller, engine, model = make.caller(broker.application_cgroup()), broker.engines[family], f"d-{family}"
    with caller.dial(*DIRECT[family]) as call:
        assert call.errno == 0 and call.peer == DIRECT[family]
        with begin_stream(call.socket, model):
            back = (engine.port, call.local[1])
            assert marks_of(call.socket) == CONFIGURED
            assert marks_seen(*back) == CONFIGURED, "the engine here accepted it"
            change(broker, model)
            assert marks_of(call.socket) == CHANGED and marks_seen(*back) == CHANGED
            broker.set(model, mode="observe")
            assert marks_of(call.socket) == PLAIN and marks_seen(*back) == PLAIN, "observing shapes nothing"


def test_two_direct_flows_share_and_the_one_that_stays_gets_all(broker, make):
    """The answers' ends are the ones that send, and so see at once how many they are."""
    caller, engine = make.caller(broker.application_cgroup()), broker.engines["ipv4"]

    def share(call):
        return marks_seen(engine.port, call.local[1]).pacing

    with caller.dial(*DIRECT["ipv4"]) as first, begin_stream(first.socket, "d-ipv4"):
        assert share(first) == marks_of(first.socket).pacing == 1_000_000
        with caller.dial(*DIRECT["ipv4"]) as second, begin_stream(second.socket, "d-ipv4"):
            assert share(second) == marks_of(second.socket).pacing == 500_000
            eventually(lambda: share(first) == 500_000, 20, "the first having half")
            for leg in ("requests", "responses"):
                assert broker.qos("d-ipv4")["sockets"][leg] == {"active": 2, "share": 500_000}
        eventually(lambda: share(first) == 1_000_000, 20, "the first having all")


@pytest.mark.parametrize("path", ["proxied", "direct"])
def test_a_model_that_is_no_longer_configured_lets_its_sockets_go(broker, make, path):
    """Streams go on; their sockets are as if the model had never been."""
    caller, engine, model = make.caller(broker.application_cgroup()), broker.engines["ipv4"], f"{path[0]}-ipv4"
    dialled = (PROXIED if path == "proxied" else DIRECT)["ipv4"]
    with caller.dial(*dialled) as call, begin_stream(call.socket, model) as client:
        if path == "proxied":
            legs = (broker.listen4[1], call.local[1]), (upstream_port(engine), engine.port)
        else:
            legs = (engine.port, call.local[1]), (call.local[1], engine.port)
        broker.set(model, dscp=46)
        assert [marks_seen(*leg) for leg in legs] == [Marks(6, 46, 1_000_000)] * 2
        former = broker.config["models"].pop(model), broker.config["capture"]
        broker.config["capture"] = [rule for rule in former[1] if rule.get("model") != model]
        reload(broker)
        for leg in legs:
            eventually(lambda: marks_seen(*leg) == PLAIN, 20, f"{leg} being let go: {marks_seen(*leg)}", 0.05)
        for _ in range(3):
            client.until(b"data: {")
        gone = broker.cli("qos", "show", model, check=False)
        assert gone.returncode != 0 and model in gone.stderr
        assert broker.events(kind="qos-changed", model=model)[-1]["detail"].startswith("no longer configured")
        # It comes back as something new, of which these sockets are no part.
        broker.config["models"][model], broker.config["capture"] = former
        reload(broker)
        entry = broker.qos(model)
        assert entry["settings"]["dscp"]["source"] == "file" and "changed" not in entry
        assert entry["sockets"]["tagged"] == entry["connections"]["open"] == 0
        assert [marks_seen(*leg) for leg in legs] == [PLAIN] * 2
        for _ in range(3):
            client.until(b"data: {")
    # And their end takes nothing away that is not theirs.
    eventually(lambda: not marks_seen(*legs[0]), 20, "the connection being gone")
    assert broker.qos(model)["connections"]["open"] == 0 and broker.qos(model)["sockets"]["tagged"] == 0


def reload(broker):
    broker.write_config()
    assert broker.ask("reload")["accepted"]


def test_a_connection_of_a_model_that_is_gone_does_not_become_anothers(broker, make):
    """Another model has the place of its entry in the kernel by the time that the last answer ends."""
    caller = make.caller(broker.application_cgroup())
    with caller.dial(*PROXIED["ipv4"]) as call, Connection(call.socket) as client:
        client.send(request_bytes("POST", "/v1/chat/completions", chat("p-ipv4", stream=True, max_tokens=30)))
        client.until(b"data: {")
        slot = broker.qos("p-ipv4")["slot"]
        entry = broker.config["models"].pop("p-ipv4")
        reload(broker)
        # One of these has it: the first to come may have come before the other went.
        for name in ("new", "newer"):
            broker.config["models"][name] = copy.deepcopy(entry)
            reload(broker)
        successor = next(name for name in ("new", "newer") if broker.qos(name)["slot"] == slot)
        client.until(b"data: [DONE]")
        client.until(b"0\r\n\r\n")
        assert client.request("POST", "/v1/chat/completions", chat("p-ipv4")).status in (404, 503)
        assert broker.qos(successor)["sockets"]["tagged"] == 0
        # Once it asks for that model, it is.
        client.send(request_bytes("POST", "/v1/chat/completions", chat(successor, stream=True)))
        client.until(b"data: {")
        assert marks_seen(broker.listen4[1], call.local[1]) == CONFIGURED
        assert broker.qos(successor)["sockets"]["tagged"] == 2
