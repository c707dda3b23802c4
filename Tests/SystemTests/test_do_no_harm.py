"""A broker just installed, with nothing but a capture rule: everything works as before, and shows."""

import hashlib
import os
import socket
import ssl
import threading

import pytest
from harness.http1 import Connection, chat, request_bytes
from harness.processes import run
from harness.servers import Server, answering, echo, recorded
from harness.waiting import eventually

HOST = "127.64.0.30"


@pytest.fixture(scope="module")
def broker(shared):
    rules = [
        {"name": "watch", "to": ["127.64.0.0/16:*"], "path": "proxy", "whenProxyDown": "direct"},
        {"name": "strict", "to": ["127.65.0.0/16:*"], "path": "proxy", "whenProxyDown": "direct", "unknown": "refuse",
         "opaque": "refuse"},
    ]
    return shared.broker(capture=rules).start()


@pytest.fixture(scope="module")
def caller(shared, broker):
    return shared.caller(broker.application_cgroup())


ANSWER = (
    b"HTTP/1.1 200 Very  OK\r\nX-Odd:   spaced \r\nsErVeR: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    b"X-Dup: 1\r\nX-Dup: 2\r\n\r\nhello")


@pytest.mark.parametrize("body, named", [
    (b'{"model":"gpt-unknown", "stream" : false}', "gpt-unknown"),
    (b'{"no":"model"}', None),
    (b"not json at all", None),
    (b'{"model":"twice","model":"over"}', None),
])
def test_http_goes_on_byte_for_byte(make, broker, caller, body, named):
    server = make.server(answering(ANSWER), host=HOST)
    request = (
        b"POST /v1/chat/completions?x=%2F HTTP/1.1\r\nhOsT:   as.is \r\nX-Service-Group: gold\r\nX-A: 1\r\nX-a: 2\r\n"
        b"User-Agent: curl/8\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
    with Connection(caller.connect(server.host, server.port)) as connection:
        for _ in range(2):
            connection.send(request)
            assert connection.take(len(ANSWER)) == ANSWER
    assert b"".join(bytes(record) for record in server.received) == request * 2
    if named:
        model = eventually(lambda: broker.model(named), 20, "the name being shown")
        assert model["source"] == "seen" and model["requests"] >= 2


@pytest.mark.parametrize("request_head", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/1.0\r\n\r\n",
    b"PROPFIND /a HTTP/1.1\r\nHost: x\r\nDepth: 1\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
])
def test_requests_without_a_model_go_on(make, caller, request_head):
    server = make.server(answering(ANSWER), host=HOST)
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(request_head)
        assert connection.take(len(ANSWER)) == ANSWER
    assert bytes(server.received[0]) == request_head


def test_a_chunked_upload_and_a_chunked_answer_go_on(make, caller):
    engine = make.engine("--ttft", "0ms", "--itl", "0ms", "--framing", "chunked", host=HOST)
    payload = os.urandom(300_000)
    chunks = b"".join(b"%x;n=%d\r\n" % (len(piece), index) + piece + b"\r\n" for index, piece in enumerate(
        payload[start:start + 7001] for start in range(0, len(payload), 7001)))
    with Connection(caller.connect(engine.host, engine.port)) as connection:
        connection.send(b"PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        answer = connection.response()
    assert answer.framing == "chunked" and answer.body == payload
    assert engine.last()["body_sha256"] == hashlib.sha256(payload).hexdigest()


def test_an_upgraded_connection_goes_on(make, caller):
    engine = make.engine(host=HOST)
    with Connection(caller.connect(engine.host, engine.port)) as connection:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        assert connection.request("GET", "/ws", fields=upgrade).status == 101
        for frame in (b"\x81\x05hello", bytes(range(256)) * 500):
            connection.send(frame)
            assert connection.take(len(frame)) == frame


@pytest.fixture(scope="module")
def certificate(module_directory):
    key, cert = module_directory / "key.pem", module_directory / "cert.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
         "-out", cert, "-days", "2", "-subj", "/CN=llm.test", "-addext", "subjectAltName=DNS:llm.test"])
    return key, cert


def test_tls_goes_on(make, broker, caller, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])

    def serve(connection, record):
        with context.wrap_socket(connection, server_side=True) as secure:
            while data := secure.recv(65536):
                record.extend(data)
                secure.sendall(data)

    server = make.server(serve, host=HOST)
    client = ssl.create_default_context(cafile=str(certificate[1]))
    before = broker.status()["proxy"]["opaque"]
    payload = os.urandom(100_000)
    with client.wrap_socket(caller.connect(server.host, server.port), server_hostname="llm.test") as secure:
        secure.settimeout(15)
        threading.Thread(target=secure.sendall, args=(payload,), daemon=True).start()
        received = b""
        while len(received) < len(payload):
            received += secure.recv(65536)
        assert received == payload and secure.getpeercert()["subject"]
        flows = broker.ask("flow", "list")
        assert any(flow["state"] == "opaque" and flow["pid"] == caller.pid for flow in flows), flows
    assert broker.status()["proxy"]["opaque"] == before + 1
    events = broker.cli("events").stdout
    assert "opaque" in events and "llm.test" in events, "the server name is noted"


HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def test_http2_with_prior_knowledge_goes_on(make, caller):
    def serve(connection, record):
        while len(record) < len(HTTP2_PREFACE):
            recorded(connection, record)
        connection.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x00\x04\x01\x00\x00\x00\x00")
        echo(connection, record)

    server = make.server(serve, host=HOST)
    with Connection(caller.connect(server.host, server.port)) as connection:
        for byte in HTTP2_PREFACE:
            connection.send(bytes([byte]))
        assert connection.take(18).endswith(b"\x04\x01\x00\x00\x00\x00")
        ping = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong"
        connection.send(ping)
        assert connection.take(len(ping)) == ping
    assert bytes(server.received[0]) == HTTP2_PREFACE + ping


def test_a_server_that_speaks_first_goes_on(make, caller):
    def serve(connection, record):
        connection.sendall(b"220 ready\r\n")
        while data := recorded(connection, record):
            connection.sendall(b"250 " + data)

    server = make.server(serve, host=HOST)
    with Connection(caller.connect(server.host, server.port)) as connection:
        assert connection.until(b"\n") == b"220 ready\r\n"
        connection.send(b"HELO x\r\n")
        assert connection.until(b"\n") == b"250 HELO x\r\n"


@pytest.mark.parametrize("data", [b"\x00\x01\x02\x03", b"HELO\r\n", b"*1\r\n$4\r\nPING\r\n", b"\x16"])
def test_other_protocols_go_on(make, caller, data):
    server = make.server(echo, host=HOST)
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(data)
        assert connection.take(len(data)) == data


def test_a_half_closed_connection_goes_on(make, caller):
    def serve(connection, record):
        while recorded(connection, record):
            pass
        connection.sendall(hashlib.sha256(record).hexdigest().encode())

    server = make.server(serve, host=HOST)
    payload = b"\x00" + os.urandom(3_000_000)
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(payload)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.rest().decode() == hashlib.sha256(payload).hexdigest()


def test_a_server_that_ends_first_is_seen_to_end(make, caller):
    def serve(connection, record):
        recorded(connection, record)
        connection.sendall(b"\x00bye")

    server = make.server(serve, host=HOST)
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(b"\x00hello")
        assert connection.rest() == b"\x00bye"


def test_an_unread_stream_is_held_back_at_its_source(make, broker, caller):
    """No buffer of the broker grows while the reader rests."""
    from harness.broker import resident_kib

    size = 200_000_000

    def serve(connection, record):
        recorded(connection, record)
        piece = b"\x55" * 1_000_000
        for _ in range(size // len(piece)):
            connection.sendall(piece)
            record.extend(b".")

    server = make.server(serve, host=HOST)
    before = resident_kib(broker.proxy_pid)
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(b"\x00go")
        connection.take(1)
        eventually(lambda: _still(server), 20, "the source being stopped", 0.5)
        assert len(server.received[0]) < 100
        assert resident_kib(broker.proxy_pid) - before < 20_000
        left = size - 1 - len(connection.buffer)
        connection.buffer = b""
        while left:
            piece = connection.socket.recv(1 << 20)
            assert piece
            left -= len(piece)


def _still(server: Server) -> bool:
    import time

    count = len(server.received[0])
    time.sleep(0.3)
    return len(server.received[0]) == count


def test_a_dead_dialled_address_answers_in_http(caller):
    with Connection(caller.connect(HOST, 1)) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("x"))
    assert answer.status in (502, 503) and answer.header("retry-after")
    assert answer.error["type"] in ("service_unavailable_error", "server_error", "api_error")


def test_a_dead_dialled_address_ends_another_protocol(caller):
    with Connection(caller.connect(HOST, 1)) as connection:
        connection.send(b"\x00\x01")
        assert connection.at_end()


def test_unknown_refuse(make, caller):
    server = make.server(answering(ANSWER), host="127.65.0.30")
    with Connection(caller.connect(server.host, server.port)) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("nobody"))
    assert answer.status == 404 and answer.error["code"] == "model_not_found"
    assert not any(server.received)


def test_opaque_refuse(make, caller):
    server = make.server(echo, host="127.65.0.31")
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(b"\x16\x03\x01\x00\x05hello")
        assert connection.at_end()
    assert not server.peers


def test_models_seen_are_listed_with_their_numbers(make, broker, caller):
    engine = make.engine("--models", "seen-here", "--ttft", "0ms", "--itl", "0ms", host=HOST)
    with Connection(caller.connect(engine.host, engine.port)) as connection:
        for stream in (False, True, True):
            connection.send(request_bytes("POST", "/v1/chat/completions", chat("seen-here", stream=stream)))
            assert connection.response().status == 200
    model = eventually(lambda: broker.model("seen-here"), 20, "the model being listed")
    assert (model["source"], model["requests"], model["status2xx"]) == ("seen", 3, 3)
    assert model["bytesIn"] > 0 and model["bytesOut"] > 0
    assert "seen-here" in broker.cli("model", "list").stdout
