"""HTTP/1.1 as its users have it: methods, framings, interim answers, reuse, cancellation."""

import base64
import json
import socket
import threading
import time

import pytest
from harness.http1 import Broken, Connection, chat, request_bytes
from harness.servers import recorded
from harness.waiting import eventually
from oracle import read_request

DIALLED = ("127.64.0.10", 8000)
FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def engines(shared):
    flags = {
        "m": (), "chunked": ("--framing", "chunked"), "length": ("--framing", "length"), "close": ("--framing", "close"),
        "stale": ("--stale-after", "1"), "closing": ("--close-after", "1"), "hangs": ("--hang",),
        "meta/slash:7b": (),
    }
    return {name: shared.engine("--models", name, "--name", name.replace("/", "-"), *FAST, *more, host="127.64.0.50")
            for name, more in flags.items()}


@pytest.fixture(scope="module")
def broker(shared, engines):
    rules = [
        {"name": "llm", "to": ["127.64.0.0/16:*"], "path": "proxy", "whenProxyDown": "refuse"},
        {"name": "strict", "to": ["127.65.0.0/16:*"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"},
    ]
    models = {name: [engine.url] for name, engine in engines.items()}
    models["pair"] = [engines["m"].url, engines["chunked"].url]
    models["prefixed"] = [engines["m"].url + "/prefix"]
    return shared.broker(capture=rules, models=models, node={"timeouts": {"upstreamIdle": "20s"}}).start()


@pytest.fixture(scope="module")
def caller(shared, broker):
    return shared.caller(broker.application_cgroup())


@pytest.fixture(params=["captured", "gateway"])
def client(request, broker, caller):
    if request.param == "gateway":
        connection = Connection.to(*broker.gateway)
    else:
        connection = Connection(caller.connect(*DIALLED))
    with connection:
        yield connection


@pytest.fixture(params=["strict", "gateway"])
def governed(request, broker, caller):
    """A connection on which the broker answers everything that it does not route."""
    if request.param == "gateway":
        connection = Connection.to(*broker.gateway)
    else:
        connection = Connection(caller.connect("127.65.0.10", 8000))
    with connection:
        yield connection


@pytest.fixture
def relayed(engines, caller):
    """A captured connection whose requests name no model, so that they go on to the engine dialled."""
    with Connection(caller.connect("127.64.0.50", engines["m"].port)) as connection:
        yield connection


# Framings and methods

@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["m", "chunked", "length", "close"])
def test_every_framing_of_an_answer(client, model, stream):
    answer = client.request("POST", CHAT, chat(model, stream=stream))
    assert answer.status == 200
    assert answer.body.endswith(b"data: [DONE]\n\n") if stream else answer.json["model"] == model
    if answer.framing == "close" or (answer.header("connection") or "").lower() == "close":
        assert client.at_end()
    else:
        assert client.request("POST", CHAT, chat("m")).status == 200, "the connection serves another request"


def test_a_chunked_request(client, engines):
    body = json.dumps(chat("m", "x" * 50_000)).encode()
    client.send(b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % CHAT.encode())
    for start in range(0, len(body), 4096):
        piece = body[start:start + 4096]
        client.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
    client.send(b"0\r\n\r\n")
    assert "prompt=50000" in client.response().json["choices"][0]["message"]["content"]


def test_a_large_request_goes_through_in_full(client):
    answer = client.request("POST", CHAT, chat("m", "y" * 20_000_000))
    assert "prompt=20000000" in answer.json["choices"][0]["message"]["content"]


def test_other_posts(client):
    assert client.request("POST", "/v1/completions", {"model": "m", "prompt": "abc"}).json["choices"][0]["text"]
    assert client.request("POST", "/v1/embeddings", {"model": "m", "input": "abc"}).json["data"]


def test_an_old_client_gets_no_chunks(broker):
    body = json.dumps(chat("chunked", stream=True)).encode()
    with Connection.to(*broker.gateway) as connection:
        connection.send(b"POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % (CHAT.encode(), len(body)) + body)
        answer = connection.response()
        assert answer.status == 200 and answer.framing != "chunked" and answer.body.endswith(b"data: [DONE]\n\n")
        assert connection.at_end()


def test_expect_continue(client):
    body = json.dumps(chat("m", "z" * 100_000)).encode()
    client.send(request_bytes("POST", CHAT, None, {"Expect": "100-continue", "Content-Length": str(len(body))}))
    assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100"), "without a byte of body"
    client.send(body)
    assert client.response().status == 200


def test_pipelined_requests_are_answered_in_order(client):
    client.send(b"".join(request_bytes("POST", CHAT, chat("m", "p" * count)) for count in range(1, 11)))
    for count in range(1, 11):
        assert f"prompt={count} " in client.response().json["choices"][0]["message"]["content"]


def test_head_204_304_and_interim_through_the_relay(relayed):
    head = relayed.request("HEAD", "/v1/embeddings/none")
    assert head.status == 404 and int(head.header("content-length")) > 0 and not head.body
    assert relayed.request("GET", "/status/204").status == 204
    not_modified = relayed.request("GET", "/status/304")
    assert not_modified.status == 304 and not_modified.header("etag") == '"mock"'
    hinted = relayed.request("GET", "/early-hints")
    assert hinted.interim == [103] and hinted.json == {"hints": 1}
    assert relayed.request("GET", "/status/302").header("location") == "/health"
    assert relayed.request("GET", "/health").status == 200


# What the broker answers itself

def test_the_catalogue_is_the_list_of_models(governed, engines):
    listed = governed.request("GET", "/v1/models").json
    assert listed["object"] == "list"
    assert {model["id"] for model in listed["data"]} == set(engines) | {"pair", "prefixed"}
    for model in listed["data"]:
        assert model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"]


def test_one_model_of_the_list(governed):
    assert governed.request("GET", "/v1/models/m").json["id"] == "m"
    assert governed.request("GET", "/v1/models/meta/slash:7b").json["id"] == "meta/slash:7b"
    assert governed.request("GET", "/v1/models/meta%2Fslash:7b").json["id"] == "meta/slash:7b"
    missing = governed.request("GET", "/v1/models/none")
    assert missing.status == 404 and missing.error["code"] == "model_not_found"
    head = governed.request("HEAD", "/v1/models")
    assert head.status == 200 and int(head.header("content-length")) > 0
    assert governed.request("GET", "/v1/models").status == 200, "a HEAD has no body that would be in the way"


@pytest.mark.parametrize("method, target, status, code", [
    ("GET", "/", 404, "unknown_url"), ("GET", "/debug/requests", 404, "unknown_url"), ("POST", "/v3/x", 404, "unknown_url"),
    ("GET", CHAT, 405, "method_not_supported"), ("DELETE", "/v1/embeddings", 405, "method_not_supported")])
def test_paths_and_methods(governed, method, target, status, code):
    answer = governed.request(method, target)
    assert answer.status == status and answer.error["code"] == code
    assert answer.header("x-request-id")
    if status == 405:
        assert answer.header("allow") == "POST"


def test_kserve_paths_have_errors_of_their_own(governed):
    answer = governed.request("POST", "/v2/models/none/infer", {"inputs": []})
    assert answer.status in (400, 404) and isinstance(answer.json["error"], str)


def test_a_post_without_a_model(governed):
    for body in ({"messages": []}, {"model": 7}, {"model": None}):
        answer = governed.request("POST", CHAT, body)
        assert answer.status == 400 and answer.error["param"] == "model"
    assert governed.request("POST", CHAT, chat("m")).status == 200, "well framed, so the connection lives on"


# Routing

def test_round_robin(client, engines):
    names = [client.request("POST", CHAT, chat("pair")).header("x-engine") for _ in range(10)]
    assert names.count("m") == names.count("chunked") == 5


def test_an_endpoints_prefix_and_host(client, engines):
    answer = client.request("POST", CHAT + "?a=b", chat("prefixed"))
    assert answer.status == 404, "the engine knows no prefix"
    record = engines["m"].last()
    assert record["target"] == f"/prefix{CHAT}?a=b"
    head = read_request(base64.b64decode(record["head"]), eof=False)
    assert (b"host", engines["m"].authority.encode()) in head.fields


def test_forged_identity_is_stripped(client, engines):
    forged = {"X-Service-Group": "gold", "X-ModelBroker-Client": "root", "x-modelbroker-anything": "1", "X-Kept": "yes"}
    assert client.request("POST", CHAT, chat("m"), forged).status == 200
    names = [name for name, _ in read_request(base64.b64decode(engines["m"].last()["head"]), eof=False).fields]
    assert b"x-kept" in names and b"x-service-group" not in names
    assert not [name for name in names if name.startswith(b"x-modelbroker-client") or name == b"x-modelbroker-anything"]


# Connections

def test_upstream_connections_are_reused(broker, engines):
    with Connection.to(*broker.gateway) as client:
        client.request("POST", CHAT, chat("length"))
        before = engines["length"].report()["connections"]
        for _ in range(20):
            assert client.request("POST", CHAT, chat("length")).status == 200
    # Looking at the engine takes one connection each time.
    assert engines["length"].report()["connections"] == before + 1


@pytest.mark.parametrize("model", ["stale", "closing"])
def test_a_stale_kept_alive_connection_is_tried_again(client, model):
    """The engine ends a connection just as it is used again: the caller must not notice."""
    for _ in range(10):
        answer = client.request("POST", CHAT, chat(model))
        assert answer.status == 200, answer.body


def test_a_client_that_leaves_while_it_waits_cancels(client, engines, broker):
    before = engines["hangs"].report()["cancelled"]
    client.send(request_bytes("POST", CHAT, chat("hangs")))
    eventually(lambda: any(seen["complete"] and not seen["cancelled"] for seen in engines["hangs"].requests()[-1:]), 20, "its arrival")
    client.close()
    eventually(lambda: engines["hangs"].report()["cancelled"] == before + 1, 20, "the engine being told")


def test_a_client_that_leaves_in_mid_request_sends_nothing_on(client, engines):
    count = engines["m"].report()["count"]
    client.send(request_bytes("POST", CHAT, chat("m", "x" * 1000))[:-50])
    client.close()
    time.sleep(0)
    with pytest.raises(AssertionError):
        eventually(lambda: any(record["complete"] for record in engines["m"].requests()[-1:] if record["seq"] > count), 0.5)


def test_half_closing_a_relayed_connection_still_gets_the_answer(relayed):
    relayed.send(request_bytes("GET", "/health"))
    relayed.socket.shutdown(socket.SHUT_WR)
    assert relayed.response().status == 200
    assert relayed.at_end()


def test_half_closing_a_governed_connection_is_leaving_it(client, engines):
    """As web servers have it: who closes the sending side while an answer is due does not wait for it."""
    before = engines["hangs"].report()["cancelled"]
    client.send(request_bytes("POST", CHAT, chat("hangs")))
    eventually(lambda: any(seen["complete"] and not seen["cancelled"] for seen in engines["hangs"].requests()[-1:]), 20, "its arrival")
    client.socket.shutdown(socket.SHUT_WR)
    eventually(lambda: engines["hangs"].report()["cancelled"] == before + 1, 20, "the engine being told")
    assert client.at_end()


def test_connection_close_is_honoured(client):
    answer = client.request("POST", CHAT, chat("m"), {"Connection": "close"})
    assert answer.status == 200 and answer.header("connection") == "close"
    assert client.at_end()


def test_idle_connections_are_closed(make):
    broker = make.broker(node={"timeouts": {"keepAlive": "300ms"}}).start()
    with Connection.to(*broker.gateway) as client:
        client.request("GET", "/v1/models")
        began = time.monotonic()
        assert client.at_end() and time.monotonic() - began < 5


def test_an_answer_before_the_request_has_ended(make, broker, caller):
    """An engine may refuse an upload early; the caller hears of it."""

    def refuse(connection, record):
        while b"\r\n\r\n" not in record:
            recorded(connection, record)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        while recorded(connection, record):
            pass

    server = make.server(refuse, host="127.64.0.51")
    with Connection(caller.connect(server.host, server.port)) as connection:
        connection.send(b"PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 1000)
        answer = connection.response()
        assert (answer.status, answer.body) == (413, b"no")


@pytest.mark.parametrize("answer", [
    b"nonsense\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_an_upstream_that_answers_nonsense_is_a_502(make, answer):
    def serve(connection, record):
        while b"\r\n\r\n" not in record:
            recorded(connection, record)
        connection.sendall(answer)

    server = make.server(serve, host="127.64.0.52")
    broker = make.broker(models={"odd": [f"http://127.64.0.52:{server.port}"]}).start()
    with Connection.to(*broker.gateway) as client:
        refused = client.request("POST", CHAT, chat("odd"))
        assert refused.status == 502 and refused.error["type"] == "api_error"


def test_a_bad_chunk_from_upstream_breaks_the_answer(make):
    """Once the answer has begun, nothing can be said any more but that it is broken."""
    begun = threading.Event()

    def serve(connection, record):
        while b"\r\n\r\n" not in record:
            recorded(connection, record)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        begun.wait(10)
        connection.sendall(b"zz\r\nworld\r\n0\r\n\r\n")

    server = make.server(serve, host="127.64.0.52")
    broker = make.broker(models={"odd": [f"http://127.64.0.52:{server.port}"]}).start()
    with Connection.to(*broker.gateway) as client:
        client.send(request_bytes("POST", CHAT, chat("odd")))
        client.until(b"hello")
        begun.set()
        with pytest.raises(Broken):
            client.response()


def test_a_dead_endpoint_does_not_take_the_model_down(make):
    from harness.places import free_port

    alive = make.engine("--models", "half", "--tokens", "2", "--ttft", "0ms", "--itl", "0ms")
    broker = make.broker(models={"half": [f"http://127.0.0.1:{free_port()}", alive.url]}).start()
    with Connection.to(*broker.gateway) as client:
        statuses = [client.request("POST", CHAT, chat("half")).status for _ in range(10)]
    assert set(statuses) == {200}, "a connect that fails has cost the caller nothing, so the other endpoint gets it"


def test_many_small_clients_at_once(broker):
    failures = []

    def work():
        try:
            with Connection.to(*broker.gateway) as client:
                for _ in range(20):
                    assert client.request("POST", CHAT, chat("m")).status == 200
        except Exception as error:  # noqa: BLE001, handed to the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
