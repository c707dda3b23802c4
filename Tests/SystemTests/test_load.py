"""Many requests and many streams at once; afterwards the proxy is as small as before."""

import asyncio
import hashlib
import json
import re

import pytest
from harness.broker import descriptors, resident_kib
from harness.http1 import chat, request_bytes
from harness.processes import run
from harness.waiting import eventually

pytestmark = pytest.mark.alone

STREAMS = 200
REQUESTS = 20_000


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "m,s", "--ttft", "0ms", "--itl", "0ms", "--tokens", "4")


@pytest.fixture(scope="module")
def streaming(shared):
    return shared.engine("--models", "s", "--ttft", "10ms", "--itl", "20ms", "--tokens", "30")


@pytest.fixture(scope="module")
def broker(shared, engine, streaming):
    rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}]
    node = {"timeouts": {"upstreamIdle": "1s", "keepAlive": "2s"}}
    return shared.broker(capture=rules, models={"m": [engine.url], "s": [streaming.url]}, node=node).start()


def at_rest(broker) -> tuple[int, int]:
    """Descriptors and resident KiB of the proxy once nothing is under way and idle connections have gone."""
    eventually(lambda: broker.status()["proxy"]["openConnections"] == 0, 30, "the connections being closed", 0.2)
    pid = broker.proxy_pid
    counts = []

    def steady():
        counts.append(descriptors(pid))
        return len(counts) > 8 and len(set(counts[-8:])) == 1

    eventually(steady, 30, "the descriptors being steady", 0.25)
    return counts[-1], resident_kib(pid)


def wrk(broker, module_directory, captured: bool) -> tuple[int, str]:
    script = module_directory / "chat.lua"
    body = json.dumps(chat("m")).replace("\\", "\\\\").replace("'", "\\'")
    script.write_text(
        f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n")
    host, port = ("127.64.0.10", 8000) if captured else broker.gateway
    cgroup = broker.application_cgroup("wrk") if captured else None
    command = ["wrk", "-t1", "-c16", "-d5s", "-s", script, f"http://{host}:{port}/v1/chat/completions"]
    text = run(command, cgroup=cgroup, timeout=60).stdout
    assert "Socket errors" not in text, text
    assert "Non-2xx" not in text, text
    return int(re.search(r"(\d+) requests in", text)[1]), text


def test_20000_keep_alive_requests(broker, module_directory):
    wrk(broker, module_directory, captured=True)
    before = at_rest(broker)
    count = 0
    for round_ in range(60):
        count += wrk(broker, module_directory, captured=round_ % 2 == 0)[0]
        if count >= REQUESTS:
            break
    assert count >= REQUESTS
    after = at_rest(broker)
    assert after[0] <= before[0], f"descriptors {before[0]} -> {after[0]}"
    assert after[1] <= before[1] + 2048, f"resident KiB {before[1]} -> {after[1]}"
    model = broker.model("m")
    assert model["status5xx"] == 0 and model["status4xx"] == 0 and model["broken"] == 0 and model["active"] == 0


async def read_stream(host, port, request) -> bytes:
    """The body of one chunked answer, without its framing."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return body
    finally:
        writer.close()


async def read_streams(host, port) -> list[bytes]:
    request = request_bytes("POST", "/v1/chat/completions", chat("s", stream=True))
    return await asyncio.gather(*(read_stream(host, port, request) for _ in range(STREAMS)))


def test_200_concurrent_streams(broker, streaming):
    def round_():
        streaming.forget()
        bodies = asyncio.run(asyncio.wait_for(read_streams(*broker.gateway), 120))
        assert len(bodies) == STREAMS and all(body.endswith(b"data: [DONE]\n\n") for body in bodies)
        report = streaming.report()
        assert report["count"] == STREAMS and report["cancelled"] == 0
        received = sorted(hashlib.sha256(body).hexdigest() for body in bodies)
        assert received == sorted(record["sent_sha256"] for record in report["requests"]), "nothing lost, nothing mixed up"

    round_()
    before = at_rest(broker)
    for _ in range(2):
        round_()
    after = at_rest(broker)
    assert after[0] <= before[0], f"descriptors {before[0]} -> {after[0]}"
    assert after[1] <= before[1] + 2048, f"resident KiB {before[1]} -> {after[1]}"


def test_clients_that_leave_at_every_moment_leave_nothing(broker, streaming):
    """500 callers that reset their connection after some bytes of request or answer."""
    import socket
    import struct

    request = request_bytes("POST", "/v1/chat/completions", chat("s", stream=True))

    def leave(sent: int, received: int):
        with socket.create_connection(broker.gateway, 10) as connection:
            connection.settimeout(10)
            connection.sendall(request[:sent])
            if received:
                connection.recv(received)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    leave(len(request), 100)
    before = at_rest(broker)
    for index in range(500):
        whole = index % 3 == 0
        leave(len(request) if whole else index % len(request), index if whole and index % 2 == 0 else 0)
    after = at_rest(broker)
    assert after[0] <= before[0] and after[1] <= before[1] + 2048, (before, after)
    eventually(lambda: broker.model("s")["active"] == 0, 20, "nothing being under way")
