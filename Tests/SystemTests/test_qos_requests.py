"""A model's limit of requests: the rate, the answers to those refused, the counts, and changes while it is used."""

import os
import re
import signal
import time

import openai
import pytest
from harness.http1 import Connection, chat
from harness.load import Load, check_rate
from harness.stalls import Stalls, undisturbed
from harness.waiting import eventually

pytestmark = pytest.mark.alone

FULL = os.environ.get("QOS_FULL") == "1"
#: Seconds at the first rate, and at the one after.
STEADY, CHANGED = (10, 5) if FULL else (5, 2)
BURST = 20
DIALLED = ("127.64.0.10", 8000)
DURATION = re.compile(r"(\d+h)?(\d+m)?(\d+(\.\d+)?s|\d+ms)")


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "1")


@pytest.fixture(scope="module")
def broker(shared, engine):
    limited = {"requests": "100/s", "burst": BURST}
    qos = {
        "running": dict(limited), "stopped": dict(limited), "switched": dict(limited),
        "raises": {"requests": "30/m", "burst": 1}, "retried": {"requests": "30/m", "burst": 1}, "zero": {"requests": "0/s"}, "storm": {"requests": "0/s"},
        "watched": {"requests": "1/h", "burst": 3, "mode": "observe"}, "free": {},
    }
    rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}]
    return shared.broker(capture=rules, models={name: [engine.url] for name in qos}, qos=qos).start()


def ask(broker, model, **more):
    with Connection.to(*broker.gateway) as connection:
        return connection.request("POST", "/v1/chat/completions", chat(model, **more))


def check_refusal(answer, model: str, rate: float, stalled: float):
    """Everything that a client can read from a 429 is there and true; of a broker that was not run for so many seconds it is what
    was true before."""
    error, fields = answer.error, answer.fields
    assert answer.status == 429 and fields["content-type"].startswith("application/json")
    assert set(error) == {"message", "type", "param", "code"}, error
    assert (error["type"], error["param"], error["code"]) == ("requests", None, "rate_limit_exceeded")
    assert f"'{model}'" in error["message"]
    seconds, milliseconds = int(fields["retry-after"]), int(fields["retry-after-ms"])
    assert 1 <= seconds <= 120
    assert 1 <= milliseconds <= 1000 / rate + 1 + 1000 * stalled, "the next unit comes after a period at the latest"
    assert int(fields["x-ratelimit-limit-requests"]) == BURST
    assert int(fields["x-ratelimit-remaining-requests"]) == 0
    assert DURATION.fullmatch(fields["x-ratelimit-reset-requests"]), fields
    assert "x-ratelimit-limit-tokens" not in fields


def check_admission(answer):
    assert answer.status == 200, answer
    assert int(answer.fields["x-ratelimit-limit-requests"]) == BURST
    assert 0 <= int(answer.fields["x-ratelimit-remaining-requests"]) < BURST
    assert DURATION.fullmatch(answer.fields["x-ratelimit-reset-requests"])


@pytest.mark.parametrize("model", ["running", "stopped"])
def test_two_callers_share_a_rate_which_changes_while_they_ask(broker, model):
    """One of them captured, one at the gateway; they ask for five times the rate. The agent is running, or stopped."""
    places = [(*DIALLED, broker.application_cgroup()), (*broker.gateway, None)]
    if model == "stopped":
        proxy = broker.proxy_pid
        broker.agent.signal(signal.SIGTERM)
        assert broker.agent.wait(20) == 0

    def measure():
        broker.set(model, requests="100/s")
        eventually(lambda: broker.qos(model)["buckets"]["requests"]["level"] == BURST, what="the bucket being full")
        ask_and_change(broker, model, places)

    undisturbed(measure, 0.05)
    if model == "stopped":
        broker.start()
        assert broker.proxy_pid == proxy, "the proxy has lived through it"


def ask_and_change(broker, model, places):
    former = broker.qos(model)["buckets"]["requests"]
    with Stalls() as stalls, Load(model, places, rate=500) as load:
        load.go_on_for(STEADY)
        before = time.monotonic()
        broker.set(model, requests="300/s")
        after = time.monotonic()
        load.go_on_for(CHANGED)
        results = load.finish()
    answers = [answer for result in results for answer in result]
    asked = [answer.received for answer in answers]
    admitted = [answer.received for answer in answers if answer.status == 200]
    bucket = broker.qos(model)["buckets"]["requests"]
    assert bucket["admitted"] - former["admitted"] == len(admitted)
    assert bucket["refused"] - former["refused"] == len(answers) - len(admitted)
    assert (bucket["observed"], bucket["contended"], bucket["capacity"]) == (0, 0, BURST)
    assert {answer.status for answer in answers} == {200, 429}
    for answer in answers:
        if answer.status == 200:
            check_admission(answer)
        else:
            check_refusal(answer, model, 100, stalls.largest)
    for result in results:
        assert sum(answer.status == 200 for answer in result) > 0.1 * len(admitted), "both get a part"
    rates = [(load.began, 100), (after, 300)]
    check_rate(admitted, asked, rates, BURST, (load.began, before))
    # In force when the command returns: what is owed stays owed, so nothing comes in a burst.
    check_rate(admitted, asked, rates, BURST, (after, max(asked)), extra=0)


def test_a_change_is_in_force_when_the_command_returns(broker):
    """The very next request is judged by it, each time, on a connection that was there before."""
    with Connection.to(*broker.gateway) as connection:
        for round_ in range(6):
            broker.set("switched", requests="0/s" if round_ % 2 == 0 else "100/s")
            answer = connection.request("POST", "/v1/chat/completions", chat("switched"))
            assert answer.status == (429 if round_ % 2 == 0 else 200), round_


def test_a_limit_of_zero_refuses_everything(broker):
    for _ in range(5):
        answer = ask(broker, "zero")
        assert answer.status == 429 and answer.error["code"] == "rate_limit_exceeded"
        assert (answer.header("retry-after"), answer.header("retry-after-ms")) == ("120", "120000"), "clients give up at more"
        assert answer.header("x-ratelimit-remaining-requests") == "0"
    bucket = broker.qos("zero")["buckets"]["requests"]
    assert (bucket["admitted"], bucket["refused"]) == (0, 5)
    assert ask(broker, "free").status == 200


def test_observing_refuses_nothing_and_counts(broker):
    """Of ten, three are within the limit."""
    for _ in range(10):
        assert ask(broker, "watched").status == 200
    bucket = broker.qos("watched")["buckets"]["requests"]
    assert (bucket["admitted"], bucket["observed"], bucket["refused"]) == (3, 7, 0)
    broker.set("watched", mode="enforce")
    assert ask(broker, "watched").status == 429


def test_a_model_without_a_limit_says_nothing_of_limits(broker):
    answer = ask(broker, "free")
    assert answer.status == 200 and not [name for name, _ in answer.fields if name.startswith("x-ratelimit-")]


@pytest.fixture
def sdk(broker):
    host, port = broker.gateway

    def make(retries: int):
        return openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key="none", max_retries=retries, timeout=10)

    return make


def create(client, model):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}])


def test_the_sdk_raises_its_rate_limit_error(broker, sdk):
    with sdk(0) as client:
        create(client, "raises")
        with pytest.raises(openai.RateLimitError) as raised:
            create(client, "raises")
    assert raised.value.code == "rate_limit_exceeded" and raised.value.type == "requests"
    wait = int(raised.value.response.headers["retry-after-ms"])
    assert 1 <= wait <= 2000
    assert int(raised.value.response.headers["retry-after"]) == -(-wait // 1000)


def test_the_sdks_retry_waits_as_told_and_is_admitted(broker, sdk):
    """Had it waited too little, there would be a second refusal."""
    with Stalls() as stalls, sdk(3) as client:
        began = time.monotonic()
        create(client, "retried")
        create(client, "retried")
        took = time.monotonic() - began
        assert took > 1.9 and took - stalls.largest < 5, "the second comes a period after the first"
    bucket = broker.qos("retried")["buckets"]["requests"]
    assert (bucket["admitted"], bucket["refused"]) == (2, 1)


def test_a_storm_of_refusals_is_told_of_by_its_count(broker):
    """Each is answered and counted; events are few, and together they speak of every one."""
    began = time.monotonic()
    with Connection.to(*broker.gateway) as connection:
        for _ in range(400):
            assert connection.request("POST", "/v1/chat/completions", chat("storm")).status == 429

    lasted = time.monotonic() - began

    def told():
        events = broker.events(kind="refused", model="storm")
        left_out = [re.search(r"(\d+) alike left out", event.get("detail", "")) for event in events]
        return len(events), sum(int(found[1]) for found in left_out if found)

    eventually(lambda: sum(told()) == 400, 20, "all of them being told of")
    # A few in each second of it, and one more that counts the others.
    assert told()[0] < 60 + 10 * lasted
    events = broker.events(kind="refused", model="storm")
    assert all(event["reason"] == "requests" for event in events)
    assert events[0]["detail"].startswith("429 The model 'storm' has reached a limit of zero on requests.")
    counters = broker.model("storm")
    assert counters["rateLimited"] == 400 and counters["requests"] == 400
    assert broker.qos("storm")["buckets"]["requests"]["refused"] == 400
