"""Endpoints by name: all addresses, asked for again when what the name server said has run out."""

import pytest
from harness.http1 import Connection, chat
from harness.names import NameServer
from harness.places import free_port
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
NAME = "engine.test"


@pytest.fixture
def server(local_stack):
    server = NameServer("127.53.0.1", NAME, ["127.0.0.2", "127.0.0.3"], ttl=2)
    local_stack.callback(server.close)
    return server


def test_a_name_follows_its_time_to_live(make, server, module_directory):
    resolver = module_directory / "resolv.conf"
    resolver.write_text("nameserver 127.53.0.1\noptions timeout:1 attempts:1\n")
    port = free_port()
    engines = {last: make.engine("--name", f"e{last}", *FAST, host=f"127.0.0.{last}", port=port) for last in (2, 3, 4)}
    broker = make.broker(details={"m": {"endpoints": [f"http://{NAME}:{port}"]}})
    # The agent's own view of the file, in a mount namespace.
    broker.launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                       f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"]
    broker.start()

    def addresses():
        return {endpoint["address"] for endpoint in broker.ask("endpoint", "list")}

    def answered_by():
        with Connection.to(*broker.gateway) as connection:
            return {connection.request("POST", "/v1/chat/completions", chat("m")).header("x-engine") for _ in range(8)}

    eventually(lambda: addresses() == {f"127.0.0.2:{port}", f"127.0.0.3:{port}"}, 20, "both addresses", 0.2)
    assert answered_by() == {"e2", "e3"}
    server.addresses = ["127.0.0.4"]
    eventually(lambda: addresses() == {f"127.0.0.4:{port}"}, 20, "the new address, long before half a minute", 0.2)
    assert answered_by() == {"e4"}
    assert engines[4].process.running
    server.close()
    assert answered_by() == {"e4"}, "what was known stays in use while nobody answers"
