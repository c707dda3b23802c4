"""What a request may name, how it is resolved, and which endpoint it goes to."""

import collections
import json

import openai
import pytest
from harness.http1 import Connection, chat

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
RULE = {"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"}


@pytest.fixture(scope="module")
def engines(shared):
    return {name: shared.engine("--name", name, *FAST) for name in ("a", "b", "c")}


@pytest.fixture(scope="module")
def broker(shared, engines):
    def endpoint(name, **more):
        return {"url": engines[name].url} | more

    details = {
        "big": {"endpoints": [endpoint("a", labels={"tier": "gpu"}, upstreamModel="meta/big")], "capabilities": ["chat-completion"]},
        "small": {"endpoints": [endpoint("b", labels={"tier": "cpu"})], "capabilities": ["chat-completion"]},
        "embedder": {"endpoints": [endpoint("c", labels={"tier": "gpu"})], "capabilities": ["text-embeddings"]},
        "hidden": {"endpoints": [endpoint("c")], "access": "private"},
    }
    pools = {
        "chat": {"models": ["big", "small"], "strategy": "priority"},
        "turns": {"models": ["big", "small"], "strategy": "round-robin"},
        "canary": {"models": {"big": 95, "small": 5}, "strategy": "weighted"},
        "gpus": {"selector": {"tier": "gpu"}, "strategy": "priority"},
        "anything": {"capability": "generation", "selector": {"tier": "cpu"}},
        "inner": {"models": ["small"]},
        "nested": {"models": ["inner", "chat"]},
        "sticky": {"models": ["big", "small", "embedder"],
                   "strategy": {"kind": "session-sticky", "key": "header:x-session-id"}},
        "prefixes": {"models": ["big", "small", "embedder"], "strategy": {"kind": "prefix-affinity", "bytes": 64}},
    }
    return shared.broker(capture=[RULE], details=details, pools=pools, node={"workers": 1}).start()


@pytest.fixture
def connection(broker):
    with Connection.to(*broker.gateway) as connection:
        yield connection


def ask(connection, model, fields=None, content="hello", **more):
    return connection.request("POST", "/v1/chat/completions", chat(model, content, **more), fields)


@pytest.mark.parametrize(("name", "engine", "upstream"), [
    ("big", "a", "meta/big"), ("small", "b", "small"), ("chat", "a", "meta/big"), ("gpus", "a", "meta/big"),
    ("anything", "b", "small"), ("nested", "b", "small"), ("chat-completion", "a", "meta/big"),
    ("generation.text-generation.chat-completion", "a", "meta/big"), ("generation", "a", "meta/big"),
    ("text-embeddings", "c", "embedder")])
def test_a_name_is_resolved(connection, engines, name, engine, upstream):
    answer = ask(connection, name)
    assert (answer.status, answer.header("x-engine")) == (200, engine)
    assert answer.json["model"] == name, "the answer names the model as the caller did"
    request = engines[engine].last()
    assert int(answer.header("content-length")) == len(answer.body)
    sent = json.dumps(chat(upstream))
    assert request["body_bytes"] == len(sent), f"the body that {upstream} got is {request['bodyBytes']} bytes long"


def test_streams_carry_the_callers_name(broker):
    host, port = broker.gateway
    with openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "x"}], stream=True)
        chunks = list(stream)
        assert {chunk.model for chunk in chunks} == {"chat"}
        assert len(chunks) == 5
        whole = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "x"}])
        assert whole.model == "chat"


def test_a_chunked_request_is_rewritten(connection, engines):
    body = json.dumps(chat("chat", "é" * 3000)).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 700]), body[i:i + 700]) for i in range(0, len(body), 700))
    connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    answer = connection.response()
    assert answer.status == 200, answer.body
    assert engines["a"].last()["body_bytes"] == len(body) + len("meta/big") - len("chat")


def test_headers_do_not_override(connection):
    answer = ask(connection, "small", {"x-model": "big", "x-modelbroker-model": "big", "x-modelbroker-pool": "chat"})
    assert answer.header("x-engine") == "b"


@pytest.mark.parametrize("name", ["none", "generation.text", "chat.", "CHAT", "", "generation.text-generation.nothing"])
def test_an_unknown_name_is_404(connection, name):
    answer = ask(connection, name)
    assert answer.status in (400, 404) and (name == "" or answer.error["code"] == "model_not_found")


def test_the_list_has_pools_and_models(broker):
    with Connection.to(*broker.gateway) as connection:
        names = [model["id"] for model in connection.request("GET", "/v1/models").json["data"]]
        assert {"big", "small", "embedder", "chat", "canary", "gpus"} <= set(names)
        assert "hidden" not in names, "nobody may call a private model here"
        assert connection.request("GET", "/v1/models/chat").status == 200


def test_round_robin_takes_turns(connection):
    names = [ask(connection, "turns").header("x-engine") for _ in range(10)]
    assert names in (["a", "b"] * 5, ["b", "a"] * 5)


def test_weights_hold(connection):
    counts = collections.Counter(ask(connection, "canary").header("x-engine") for _ in range(400))
    assert 12 <= counts["b"] <= 28 and counts["a"] + counts["b"] == 400, counts


def test_a_session_stays(connection):
    seen = collections.defaultdict(set)
    for turn in range(5):
        for session in range(30):
            seen[session].add(ask(connection, "sticky", {"x-session-id": f"s{session}"}).header("x-engine"))
    assert all(len(engines) == 1 for engines in seen.values())
    assert len(set.union(*seen.values())) == 3, "the sessions are spread over all endpoints"


def test_prompts_that_begin_alike_go_together(connection):
    for text in range(10):
        seen = {ask(connection, "prefixes", content=f"{text} " * 60 + str(i)).header("x-engine") for i in range(5)}
        assert len(seen) == 1, seen


def test_explain_agrees_with_what_is_done(broker, connection):
    """A thousand requests in all, of every kind of name and strategy; each is asked about before it is made."""
    plan = [("chat", {}), ("turns", {}), ("canary", {}), ("gpus", {}), ("chat-completion", {}), ("small", {}),
            ("sticky", {"x-session-id": "q"}), ("nested", {})]
    urls = {}
    for number in range(1000 // len(plan)):
        for name, fields in plan:
            if name == "sticky":
                fields = {"x-session-id": f"e{number % 17}"}
            options = [text for key, value in fields.items() for text in ("--header", f"{key}={value}")]
            told = broker.ask("explain", "--model", name, *options)
            chosen = next(candidate["url"] for candidate in told["candidates"] if candidate["isChosen"])
            answer = ask(connection, name, fields)
            assert answer.status == 200
            assert urls.setdefault(chosen, answer.header("x-engine")) == answer.header("x-engine"), (name, told)
    assert len(urls) == 3


def test_explain_of_an_unknown_name(broker):
    result = broker.cli("explain", "--model", "none", check=False)
    assert "404" in result.stdout + result.stderr and "none" in result.stdout + result.stderr
