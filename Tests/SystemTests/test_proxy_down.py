"""The kernel knows whether the proxy lives: what a connect() does when it does not."""

import errno
import os
import signal
import threading
import time

import pytest
from harness.http1 import Connection, chat
from harness.servers import answering
from harness.stalls import Stalls
from harness.waiting import eventually

pytestmark = pytest.mark.alone

DIRECT, REFUSE = "127.64.0.40", "127.65.0.40"
RULES = [
    {"name": "soft", "to": ["127.64.0.0/16:*"], "path": "proxy", "whenProxyDown": "direct"},
    {"name": "hard", "to": ["127.65.0.0/16:*"], "path": "proxy", "whenProxyDown": "refuse"},
]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def external(make):
    """A broker whose proxy is ours to kill and to start."""
    broker = make.broker(capture=RULES, node={"proxy": "external"})
    broker.launch()
    eventually(lambda: (broker.run_directory / "proxy.sock").exists(), 20, f"the agent's socket\n{broker.agent.output()}", 0.05)
    broker.start_external_proxy()
    broker.wait_ready()
    return broker


def get(connection) -> bytes:
    with Connection(connection) as http:
        return http.request("GET", "/").body


def test_direct_and_refuse_after_the_proxy_was_killed(make, external):
    caller = make.caller(external.application_cgroup())
    servers = {host: make.server(answering(OK), host=host) for host in (DIRECT, REFUSE)}
    for host, server in servers.items():
        with caller.dial(host, server.port) as call:
            assert get(call.socket) == b"ok"
            assert server.peers[-1] != call.local, "with a proxy, it is the proxy that the server sees"
    external.external.kill()
    with Stalls() as stalls, caller.dial(DIRECT, servers[DIRECT].port) as call:
        assert call.errno == 0 and call.seconds - stalls.largest < 0.5
        assert get(call.socket) == b"ok"
        assert servers[DIRECT].peers[-1] == call.local, "without, the caller itself"
    reached = len(servers[REFUSE].peers)
    with Stalls() as stalls, caller.dial(REFUSE, servers[REFUSE].port) as call:
        assert call.errno == errno.ECONNREFUSED and call.seconds - stalls.largest < 0.5
    assert len(servers[REFUSE].peers) == reached
    rules = {rule["name"]: rule["counters"] for rule in external.ask("capture", "list")}
    assert rules["soft"]["direct"] == 1 and rules["hard"]["refused"] == 1
    assert external.admin_get("/readyz")[0] == 503, "an agent without a proxy is not ready"
    assert external.admin_get("/healthz")[0] == 200


def test_a_new_proxy_takes_over_at_once(make, external):
    caller = make.caller(external.application_cgroup())
    server = make.server(answering(OK), host=DIRECT)
    external.external.kill()
    external.start_external_proxy()
    external.wait_ready()
    with caller.dial(DIRECT, server.port) as call:
        assert get(call.socket) == b"ok" and server.peers[-1] != call.local


def test_no_connect_hangs_while_the_proxy_dies_and_comes_back(make, external):
    """Connects in an unbroken row through kills and starts; each ends at once, in the way of its rule."""
    caller = make.caller(external.application_cgroup())
    server = make.server(answering(OK), host=DIRECT)
    over, ways = threading.Event(), []

    def dial():
        while not over.is_set():
            for host in (DIRECT, REFUSE):
                began = time.monotonic()
                with caller.dial(host, server.port, timeout=5) as call:
                    ways.append((host, call.errno, call.seconds, began, time.monotonic()))

    thread = threading.Thread(target=dial)
    with Stalls() as stalls:
        thread.start()
        try:
            for _ in range(4):
                external.external.kill()
                external.start_external_proxy()
                external.wait_ready()
            eventually(lambda: len(ways) > 50, what="enough of them")
        finally:
            over.set()
            thread.join(30)
    assert max(seconds - stalls.within(began, ended) for _, _, seconds, began, ended in ways) < 1
    assert {error for host, error, *_ in ways if host == DIRECT} <= {0, errno.ECONNRESET}
    assert {error for host, error, *_ in ways if host == REFUSE} <= {0, errno.ECONNREFUSED, errno.ECONNRESET}


def test_the_agent_starts_a_dead_proxy_again(make):
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms")
    broker = make.broker(capture=RULES, models={"m": [engine.url]}).start()
    first = broker.proxy_pid
    for _ in range(2):
        os.kill(broker.proxy_pid, signal.SIGKILL)
        eventually(lambda: broker.status()["proxy"]["state"] == "running" and broker.proxy_pid != first, 20, "a new proxy", 0.05)
        first = broker.proxy_pid
        broker.wait_ready()
    status = broker.status()["proxy"]
    assert status["restarts"] == 2 and "9" in status["lastExit"]
    with Connection(make.caller(broker.application_cgroup()).connect(REFUSE, 8000)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m")).status == 200
    events = broker.cli("events").stdout
    assert "proxy-exited" in events and "proxy-started" in events


def test_opened_streams_die_with_the_proxy_but_loudly(make, external):
    """A broken stream never ends politely."""
    engine = make.engine("--tokens", "1000", "--itl", "10ms", host=DIRECT)
    caller = make.caller(external.application_cgroup())
    with Connection(caller.connect(DIRECT, engine.port)) as connection:
        from harness.http1 import Broken, request_bytes

        connection.send(request_bytes("POST", "/v1/chat/completions", chat("any", stream=True)))
        connection.until(b"token3")
        external.external.kill()
        assert b"[DONE]" not in connection.rest()
        with pytest.raises((Broken, OSError)):
            connection.take(1)
