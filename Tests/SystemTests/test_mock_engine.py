"""mock-engine alone, with curl and the unmodified SDK: what the other tests rely on."""

import base64
import contextlib
import hashlib
import json
import socket
import time

import openai
import pytest
from harness.engine_journal import EngineJournal
from harness.http1 import Broken, Connection, chat
from harness.processes import run
from harness.stalls import undisturbed
from harness.waiting import eventually
from oracle import read_request

pytestmark = pytest.mark.alone

FAST = ("--models", "a,b", "--name", "one", "--tokens", "4", "--ttft", "0ms", "--itl", "0ms")


def sdk(engine, **options):
    return openai.OpenAI(base_url=f"{engine.url}/v1", api_key="none", max_retries=0, timeout=30, **options)


def ask(client, stream, content="abc", **more):
    answer = client.chat.completions.create(model="a", messages=[{"role": "user", "content": content}], stream=stream, **more)
    if not stream:
        return answer.choices[0].message.content
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("framing", [None, "chunked", "length", "close"])
def test_the_sdk_reads_its_answers(make, stream, framing):
    engine = make.engine(*FAST, *(("--framing", framing) if framing else ()))
    assert ask(sdk(engine), stream) == "engine=one prompt=3 token1 token2 token3"
    assert ask(sdk(engine), stream, max_tokens=2) == "engine=one prompt=3 token1"


def test_completions_embeddings_and_models(make):
    client = sdk(make.engine(*FAST))
    assert client.completions.create(model="b", prompt="four").choices[0].text.startswith("engine=one prompt=4")
    assert len(client.embeddings.create(model="a", input=["x", "y"], encoding_format="float").data) == 2
    assert [model.id for model in client.models.list()] == ["a", "b"]


def test_include_usage_adds_a_chunk(make):
    client = sdk(make.engine(*FAST))
    message = [{"role": "user", "content": "abcdefgh"}]
    chunks = list(client.chat.completions.create(
        model="a", messages=message, stream=True, stream_options={"include_usage": True}))
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 2 + 4


def test_curl_streams(make):
    engine = make.engine(*FAST)
    lines = run(["curl", "-sN", f"{engine.url}/v1/chat/completions", "-d", json.dumps(chat("a", stream=True))]).stdout
    events = [line for line in lines.splitlines() if line]
    assert all(line.startswith("data: ") for line in events) and events[-1] == "data: [DONE]"


def test_events_carry_the_time_of_their_sending(make):
    engine = make.engine("--models", "a", "--tokens", "5", "--ttft", "20ms", "--itl", "20ms")

    def measure():
        arrived = []
        with Connection.to(engine.host, engine.port) as connection:
            connection.send(_request(chat("a", stream=True)))
            body = connection.response(sink=lambda _: arrived.append(time.monotonic_ns())).body
        sent = [json.loads(event[6:])["sent_ns"] for event in body.decode().split("\n\n") if '"sent_ns"' in event]
        assert len(sent) == 6 and sent == sorted(sent)
        assert sent[1] - sent[0] > 15_000_000
        assert all(0 <= there - here < 50_000_000 for here, there in zip(sent, arrived, strict=False))

    undisturbed(measure, 0.005)


def _request(body):
    from harness.http1 import request_bytes

    return request_bytes("POST", "/v1/chat/completions", body)


def test_it_records_what_it_received_and_sent(make):
    engine = make.engine(*FAST)
    body = json.dumps(chat("a", stream=True)).encode()
    with Connection.to(engine.host, engine.port) as connection:
        answer = connection.request("POST", "/v1/chat/completions?x=1", body, {"X-Mine": "yes"})
    record = engine.last()
    head = read_request(base64.b64decode(record["head"]), eof=False)
    assert (head.method, head.target) == (b"POST", b"/v1/chat/completions?x=1")
    assert (b"x-mine", b"yes") in head.fields
    assert record["body_sha256"] == hashlib.sha256(body).hexdigest() and record["body_bytes"] == len(body)
    assert record["sent_sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert record["complete"] and not record["cancelled"] and record["status"] == 200


def test_a_chunked_request_reads_the_same(make):
    engine = make.engine(*FAST)
    body = json.dumps(chat("a")).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Connection.to(engine.host, engine.port) as connection:
        for byte in head + b"5;x=y\r\n" + body[:5] + b"\r\n%x\r\n" % (len(body) - 5) + body[5:] + b"\r\n0\r\nA: b\r\n\r\n":
            connection.send(bytes([byte]))
        assert connection.response().status == 200
    assert engine.last()["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("mode", ["reset", "close"])
@pytest.mark.parametrize("inside", [False, True])
def test_it_drops_a_stream(make, mode, inside):
    engine = make.engine(*FAST, "--drop-after", "2", "--drop-mode", mode, *(["--drop-inside"] if inside else []))
    with Connection.to(engine.host, engine.port) as connection:
        connection.send(_request(chat("a", stream=True)))
        with pytest.raises(Broken) as broken:
            connection.response()
        assert connection.reset == (mode == "reset")
    assert broken.value.response.body.count(b"\n\n") == 2 and b"[DONE]" not in broken.value.response.body


def test_it_drops_before_an_answer_and_inside_a_short_one(make):
    for flags, came in (("--drop-after", "0"), b""), (("--drop-after", "1"), b"HTTP/1.1 200"):
        engine = make.engine(*FAST, *flags)
        with Connection.to(engine.host, engine.port) as connection:
            connection.send(_request(chat("a")))
            data = connection.rest()
        assert data[:12] == came and not data.endswith(b"}")


def test_it_hangs_and_sees_the_client_leave(make):
    engine = make.engine(*FAST, "--hang")
    with Connection.to(engine.host, engine.port, timeout=0.3) as connection:
        connection.send(_request(chat("a")))
        with pytest.raises(TimeoutError):
            connection.response()
    assert eventually(lambda: engine.report()["cancelled"] == 1, 20, "the cancellation being counted")


def test_it_sees_a_client_leave_in_mid_stream(make):
    engine = make.engine("--models", "a", "--tokens", "1000", "--itl", "5ms")
    with Connection.to(engine.host, engine.port) as connection:
        connection.send(_request(chat("a", stream=True)))
        connection.until(b"token1")
    eventually(lambda: engine.last()["cancelled"], 20, "the cancellation being recorded")


def test_failures_come_in_turn(make):
    engine = make.engine(*FAST, "--fail-status", "503", "--fail-every", "2")
    with Connection.to(engine.host, engine.port) as connection:
        statuses = [connection.request("POST", "/v1/chat/completions", chat("a")).status for _ in range(4)]
    assert statuses == [200, 503, 200, 503]


def test_small_segments_carry_the_same_bytes(make):
    engine = make.engine(*FAST, "--segment-bytes", "1")
    assert ask(sdk(engine), True) == "engine=one prompt=3 token1 token2 token3"


def test_connections_close_unannounced(make):
    engine = make.engine(*FAST, "--close-after", "2")
    with Connection.to(engine.host, engine.port) as connection:
        for _ in range(2):
            assert connection.request("POST", "/v1/chat/completions", chat("a")).header("connection") is None
        assert connection.at_end()
    engine = make.engine(*FAST, "--stale-after", "1")
    with Connection.to(engine.host, engine.port) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("a")).status == 200
        connection.send(_request(chat("a")))
        assert connection.at_end()


def test_slow_accept(make):
    engine = make.engine(*FAST, "--slow-accept", "200")
    began = time.monotonic()
    assert run(["curl", "-s", f"{engine.url}/health"]).stdout and time.monotonic() - began > 0.19


def test_ipv6(make):
    engine = make.engine(*FAST, host="::1")
    assert ask(sdk(engine), True).startswith("engine=one")


def test_odd_statuses_upgrade_and_interim(make):
    engine = make.engine(*FAST)
    with Connection.to(engine.host, engine.port) as connection:
        assert connection.request("GET", "/status/204").status == 204
        assert connection.request("GET", "/status/304").header("etag")
        assert connection.request("HEAD", "/v1/models").header("content-length") != "0"
        assert connection.request("GET", "/early-hints").interim == [103]
        expecting = connection.request("POST", "/echo", b"\x00\xff", {"Expect": "100-continue"})
        assert expecting.interim == [100] and expecting.body == b"\x00\xff"
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert connection.request("GET", "/ws", fields=upgrade).status == 101
        connection.send(b"\x81\x05hello")
        assert connection.take(7) == b"\x81\x05hello"


@pytest.mark.parametrize("body, status", [(b"{", 400), (b"", 400), (b'{"model":"z"}', 404), (b'{"model":1}', 400)])
def test_bad_requests(make, body, status):
    engine = make.engine(*FAST)
    with Connection.to(engine.host, engine.port) as connection:
        answer = connection.request("POST", "/v1/chat/completions", body)
        assert answer.status == status and answer.error


def test_a_port_in_use_is_an_error(make):
    from harness.places import binary

    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run([binary("mock-engine"), "--port", taken.getsockname()[1]], check=False)
    assert result.returncode != 0 and "listening" not in result.stdout


def billed(engine) -> tuple[int, int]:
    """Tokens of prompts and of answers that the engine counts for model a."""
    account = engine.usage().get("a", {"prompt_tokens": 0, "completion_tokens": 0})
    return account["prompt_tokens"], account["completion_tokens"]


def test_it_keeps_books(make):
    """Whole answers as they say themselves; refused and unanswered requests cost nothing."""
    engine = make.engine(*FAST, "--fail-status", "500", "--fail-every", "5")
    client = sdk(engine)
    message = [{"role": "user", "content": "abcdefgh"}]
    whole = client.chat.completions.create(model="a", messages=message).usage
    assert (whole.prompt_tokens, whole.completion_tokens) == (2, 4) == billed(engine)
    ask(client, True)
    assert billed(engine) == (3, 8)
    assert client.embeddings.create(model="a", input="x" * 40).usage.total_tokens == 10
    assert billed(engine) == (13, 8)
    stated = client.chat.completions.create(model="a", messages=message, extra_body={"mock_prompt_tokens": 1000}).usage
    assert stated.prompt_tokens == 1000 and billed(engine) == (1013, 12)
    with pytest.raises(openai.InternalServerError):
        ask(client, False)
    assert billed(engine) == (1013, 12)
    engine.forget_usage()
    assert engine.usage() == {}


@pytest.mark.parametrize("end", ["half-closed", "closed"])
def test_a_stream_that_is_left_costs_what_was_written(make, end):
    """The engine stops as soon as its peer says that it is done, and bills every token that it sent until then."""
    engine = make.engine("--models", "a", "--tokens", "1000", "--ttft", "0ms", "--itl", "5ms")
    with Connection.to(engine.host, engine.port) as connection:
        connection.send(_request(chat("a", "abcdefgh", stream=True)))
        connection.until(b"token5")
        if end == "half-closed":
            connection.socket.shutdown(socket.SHUT_WR)
            began = time.monotonic()
            seen = 6 + connection.rest().count(b"data: {")
            assert time.monotonic() - began < 1
    prompt, answer = eventually(lambda: engine.usage().get("a") and billed(engine), 20, "the stream being billed")
    assert prompt == 2 and engine.usage()["a"]["aborted"] == 1
    assert answer == seen if end == "half-closed" else 5 <= answer < 200
    assert engine.last()["cancelled"]


def test_what_was_written_is_flushed_when_the_peer_is_done(make):
    """More than fits into the sockets: nothing of what is billed gets lost on the way."""
    engine = make.engine("--models", "a", "--tokens", "200", "--token-bytes", "30000", "--ttft", "0ms", "--itl", "1ms")
    with Connection.to(engine.host, engine.port) as connection:
        connection.send(_request(chat("a", stream=True)))
        connection.until(b"token5")
        connection.socket.shutdown(socket.SHUT_WR)
        seen = 6 + connection.rest().count(b"data: {")
    assert eventually(lambda: billed(engine)[1], 20, "the stream being billed") == seen


def test_usage_is_null_in_all_other_chunks_and_absent_unasked(make):
    engine = make.engine(*FAST)
    with Connection.to(engine.host, engine.port) as connection:
        for asked in (True, False):
            options = {"stream_options": {"include_usage": asked}}
            body = connection.request("POST", "/v1/chat/completions", chat("a", stream=True, **options)).body.decode()
            events = [json.loads(event[6:]) for event in body.split("\n\n") if event.startswith("data: {")]
            if asked:
                assert events[-1]["choices"] == [] and events[-1]["usage"]["completion_tokens"] == 4
                assert all(event["usage"] is None and event["choices"] for event in events[:-1])
            else:
                assert not any("usage" in event for event in events) and all(event["choices"] for event in events)


# Capacity

def test_it_serves_so_many_at_once_and_the_others_in_their_order(make):
    engine = make.engine(*FAST, "--capacity", "2")
    engine.capacity(0)
    with contextlib.ExitStack() as stack:
        connections = []
        for number in range(6):
            connections.append(stack.enter_context(Connection.to(engine.host, engine.port)))
            connections[-1].send(_request(chat("a", mock_id=f"r{number}", max_tokens=1)))
            eventually(lambda number=number: engine.service()["waiting"] == number + 1, 5, "it waiting")
        connections.pop(1).close()
        eventually(lambda: engine.service()["waiting"] == 5, 5, "the one that left being gone")
        text = run(["curl", "-s", f"{engine.url}/metrics"]).stdout
        assert 'vllm:num_requests_running{model_name="a"} 0.0\n' in text and 'vllm:num_requests_waiting{model_name="a"} 5.0\n' in text
        engine.capacity(2)
        assert all(connection.response().status == 200 for connection in connections)
    served = engine.served()
    assert [entry.id for entry in served] == ["r0", "r2", "r3", "r4", "r5"]
    assert all(entry.arrived <= entry.began <= entry.ended and entry.tokens == 3 for entry in served), served
    assert engine.service()["most"] == 2
    engine.forget_served()
    assert engine.service() == {"engine": "one", "limit": 2, "running": 0, "waiting": 0, "most": 0, "served": []}


def test_many_that_take_no_time_do_not_stack_up(make):
    engine = make.engine(*FAST, "--capacity", "0")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection.to(engine.host, engine.port)) for _ in range(1000)]
        for connection in connections:
            connection.send(_request(chat("a")))
        eventually(lambda: engine.service()["waiting"] == 1000, 10, "all waiting")
        engine.capacity(1)
        assert all(connection.response().status == 200 for connection in connections)


def test_service_takes_as_long_as_its_tokens(make):
    engine = make.engine("--models", "a", "--ttft", "10ms", "--prefill", "100us", "--itl", "5ms", "--tokens", "3")
    with Connection.to(engine.host, engine.port) as connection:
        for tokens in (0, 1000):
            connection.request("POST", "/v1/chat/completions", chat("a", mock_prompt_tokens=tokens))
    short, long = ((entry.ended - entry.began) / 1e6 for entry in engine.served())
    assert 20 <= short < 60 and 120 <= long < 170, (short, long)


@pytest.mark.parametrize("names, text", [
    ("sglang", 'sglang:num_running_reqs{model_name="a"} 0.0'),
    ("triton", 'nv_trt_llm_request_metrics{model="a",request_type="waiting",version="1"} 0')])
def test_metrics_have_the_names_of_engines(make, names, text):
    engine = make.engine(*FAST, "--metric-names", names)
    assert text in run(["curl", "-s", f"{engine.url}/metrics"]).stdout
    engine.fault(metrics="500")
    assert run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{engine.url}/metrics"]).stdout == "500"
    engine.fault(metrics="hang")
    assert run(["curl", "-s", "-m", "0.3", f"{engine.url}/metrics"], check=False).returncode == 28


def test_a_slow_start_and_a_crash(make, module_directory):
    """Nothing listens, then it loads, then it is there; what it did outlives it."""
    journal = EngineJournal(module_directory / "journal")
    began = time.monotonic()
    engine = make.engine(*FAST, "--start-delay", "200ms", "--loading", "300ms", "--journal", journal.path)
    assert time.monotonic() - began >= 0.2
    with Connection.to(engine.host, engine.port) as connection:
        assert connection.request("GET", "/health").status == 503
        assert connection.request("POST", "/v1/chat/completions", chat("a")).status == 503
        eventually(lambda: connection.request("GET", "/health").status == 200, 5, "it being ready")
        assert connection.request("POST", "/v1/chat/completions", chat("a", mock_id="first")).status == 200
        connection.send(b"POST /debug/crash HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert connection.at_end()
    assert engine.process.wait() == 3
    assert [line["event"] for line in journal.lines()] == ["start", "early", "served"]
    assert journal.lines(event="served")[0]["id"] == "first" and not journal.running()


def test_two_do_not_get_the_same_device(make, module_directory):
    from harness.places import binary

    device = module_directory / "device"
    engine = make.engine(*FAST, "--device", device)
    result = run([binary("mock-engine"), "--device", device], check=False)
    assert result.returncode == 4 and "in use" in result.stdout
    engine.process.kill()
    make.engine(*FAST, "--device", device)
