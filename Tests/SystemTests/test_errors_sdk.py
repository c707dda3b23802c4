"""The unmodified openai SDK against every failure: its own typed exceptions, with what it reads from them."""

import re
import socket

import openai
import pytest
from harness.http1 import Connection, chat
from harness.places import free_port

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "8")
#: The API names no code for these.
ANY = None
MESSAGE = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def full_port():
    """A listener whose queue is full: connects to it neither succeed nor fail."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


@pytest.fixture(scope="module")
def broker(shared, full_port):
    def engine(name, *flags):
        return shared.engine("--models", name, "--name", name, *FAST, *flags).url

    models = {
        "good": [engine("good")],
        "dead": [f"http://127.0.0.1:{free_port()}"],
        "full": [f"http://127.0.0.1:{full_port}"],
        "silent": [engine("silent", "--drop-after", "0")],
        "hangs": [engine("hangs", "--hang")],
        "limited": [engine("limited", "--fail-status", "429")],
        "failing": [engine("failing", "--fail-status", "500")],
        "breaks": [engine("breaks", "--drop-after", "3")],
        "breaks-inside": [engine("breaks-inside", "--drop-after", "3", "--drop-inside")],
        "cut-short": [engine("cut-short", "--drop-after", "1")],
    }
    rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"}]
    node = {"maxBody": "1MiB", "timeouts": {"connect": "1s", "response": "2s"}}
    # Each failure is to be seen as it is, as often as the tests ask for it.
    details = {name: {"breaker": {"failures": 1000, "errorRate": "0%"}} for name in models}
    return shared.broker(capture=rules, models=models, details=details, node=node).start()


@pytest.fixture(scope="module")
def client(broker):
    host, port = broker.gateway
    with openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key="none", max_retries=0, timeout=30) as client:
        yield client


def create(client, model, **more):
    return client.chat.completions.create(model=model, messages=MESSAGE, **more)


def read(client, model):
    return "".join(chunk.choices[0].delta.content or "" for chunk in create(client, model, stream=True) if chunk.choices)


def test_it_works(client):
    assert create(client, "good").choices[0].message.content.startswith("engine=good prompt=5")
    assert read(client, "good").startswith("engine=good prompt=5")
    assert "good" in [model.id for model in client.models.list()]
    assert client.models.retrieve("good").object == "model"


def test_every_answer_has_a_request_id(client):
    first = client.chat.completions.with_raw_response.create(model="good", messages=MESSAGE).headers["x-request-id"]
    second = client.chat.completions.with_raw_response.create(model="good", messages=MESSAGE).headers["x-request-id"]
    assert first and second and first != second


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model, exception, status, kind, code", [
    ("nobody", openai.NotFoundError, 404, "invalid_request_error", "model_not_found"),
    ("dead", openai.InternalServerError, 503, "service_unavailable_error|server_error", "no_endpoint_available"),
    ("silent", openai.InternalServerError, 502, "api_error", ANY),
    ("hangs", openai.InternalServerError, 504, "timeout", ANY),
], ids=lambda value: value if isinstance(value, str) else None)
def test_what_the_broker_itself_refuses(client, model, exception, status, kind, code, stream):
    with pytest.raises(exception) as caught:
        create(client, model, stream=stream)
    error = caught.value
    assert type(error) is exception and error.status_code == status
    assert re.fullmatch(kind, error.type) and code in (ANY, error.code)
    assert error.request_id and isinstance(error.body["message"], str)
    if status == 503:
        assert 0 < int(error.response.headers["retry-after"]) <= 120


def test_an_endpoint_that_cannot_be_reached_in_time(client):
    with pytest.raises(openai.InternalServerError) as caught:
        create(client, "full")
    assert caught.value.status_code in (503, 504) and caught.value.request_id


@pytest.mark.parametrize("model, exception, status", [
    ("limited", openai.RateLimitError, 429), ("failing", openai.InternalServerError, 500)])
def test_what_the_engine_refuses_passes_unchanged(client, model, exception, status):
    with pytest.raises(exception) as caught:
        create(client, model)
    assert caught.value.status_code == status and "as told" in caught.value.body["message"]


def test_a_bad_body_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, "good", extra_body={"model": None})
    assert caught.value.param == "model" and caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", content=b'{"model": "good",', cast_to=object)
    assert caught.value.type == "invalid_request_error"


def test_a_body_over_the_cap(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="good", messages=[{"role": "user", "content": "a" * 1_100_000}])
    assert caught.value.status_code == 413
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", "request_too_large")


def test_a_body_under_the_cap(client):
    answer = client.chat.completions.create(model="good", messages=[{"role": "user", "content": "a" * 1_000_000}])
    assert "prompt=1000000" in answer.choices[0].message.content


def test_an_unknown_model_of_the_list(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nobody/at-all")
    assert caught.value.code == "model_not_found"


def test_an_unknown_path(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.with_options(base_url=str(client.base_url).removesuffix("v1/") + "nowhere").models.list()
    assert caught.value.code == "unknown_url"


def test_a_wrong_method(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.get("/chat/completions", cast_to=object)
    assert caught.value.status_code == 405 and caught.value.code == "method_not_supported"
    assert caught.value.response.headers["allow"] == "POST"


def test_a_broken_stream_raises(client):
    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        read(client, "breaks")
    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        read(client, "breaks-inside")


def test_an_answer_cut_short_raises(client):
    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        create(client, "cut-short")


def test_the_sdks_retry_succeeds_when_every_other_request_fails(make):
    engine = make.engine("--models", "m", *FAST, "--fail-status", "503", "--fail-every", "2")
    broker = make.broker(models={"m": [engine.url]}).start()
    host, port = broker.gateway
    with openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key="none", max_retries=2) as client:
        assert all(create(client, "m").choices for _ in range(4))


def test_captured_callers_get_the_same(make, broker):
    caller = make.caller(broker.application_cgroup())
    with Connection(caller.connect("127.64.0.10", 8000)) as connection:
        for model, status, code in (("nobody", 404, "model_not_found"), ("dead", 503, "no_endpoint_available")):
            answer = connection.request("POST", "/v1/chat/completions", chat(model))
            assert answer.status == status and answer.error["code"] == code
        assert connection.request("POST", "/v1/chat/completions", chat("good")).status == 200, "the connection lives on"
