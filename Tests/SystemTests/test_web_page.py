"""The live page of the admin listener, in a browser: what it shows, by keys alone, and what it must not let happen."""

import json
import os

import pytest
from harness.browser import Browser, program
from harness.credentials import new_key
from harness.http1 import Connection, chat
from harness.waiting import eventually

#: A name that is a page of its own, where a page trusts names.
HOSTILE = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "1ms", "--itl", "0ms", "--tokens", 4)


@pytest.fixture(scope="module")
def key(module_directory):
    return new_key(module_directory / "keys", "caller")


@pytest.fixture(scope="module")
def broker(shared, engine, key):
    return shared.broker(
        models={"llama": [engine.url], "limited": [engine.url]}, qos={"limited": {"requests": "1/m", "burst": 1}},
        pools={"chat": {"models": ["llama"]}},
        clients={"caller": {"keys": [key.reference], "quotas": {"day": {"tokens": 1_000_000}}}}).start()


@pytest.fixture
def calls(broker, key):
    def call(*models, content="hello"):
        with Connection.to(*broker.gateway) as http:
            return [http.request("POST", "/v1/chat/completions", chat(model, content), key.bearer).status for model in models]

    return call


def get(broker, path="/", method="GET", host="localhost"):
    with Connection.to(*broker.admin) as http:
        return http.request(method, path, None, {"Host": host})


def test_only_an_address_opens_it_and_nothing_may_be_changed(broker):
    answer = get(broker)
    policy = answer.header("content-security-policy")
    assert answer.status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.header("x-frame-options") == "DENY" and answer.header("cross-origin-resource-policy") == "same-origin"
    assert answer.header("access-control-allow-origin") is None
    for path in ("/", "/api/live"):
        assert get(broker, path, host="rebound.example").status == 421
        assert get(broker, path, method="POST").status == 405
    assert get(broker, "/metrics", host="node-7.example").status == 200


def test_data_are_bounded_and_hold_no_secret(broker, calls, key):
    assert calls("llama", content="the prompt that nobody may see") == [200]
    answer = get(broker, "/api/live")
    live = json.loads(answer.body)
    assert {"status", "models", "pools", "endpoints", "queues", "clients", "captures", "flows", "counts"} <= live.keys()
    assert live["models"][0]["name"] == "llama" and live["clients"][0]["activity"]["requests"] >= 1
    text = answer.body.decode()
    assert key.text not in text and "prompt that nobody" not in text and '"keys"' not in text


@pytest.mark.skipif(program() is None and os.environ.get("CI") != "true", reason="no Chromium: make guests")
@pytest.mark.guest
def test_shows_the_node_live(broker, calls, module_directory, local_stack, engine):
    browser = Browser(module_directory / "browser")
    local_stack.callback(browser.close)
    browser.open(broker.admin_url("/"))
    browser.shows("ready", "llama", "Tokens a second")

    # Traffic, by the page's own numbers.
    requests = "Number(document.querySelector('tbody tr td:last-child').textContent)"
    before = browser.value(requests)
    assert calls("llama", "chat", "llama") == [200] * 3
    eventually(lambda: browser.value(requests) == before + 3, 15, lambda: browser.text, 0.05)
    assert calls("limited", "limited") == [200, 429]

    # By keys alone.
    browser.press("2")
    browser.shows("chat", "Active (1)", "On trial", "On standby (0)", engine.url)
    broker.cli("endpoint", "drain", engine.url)
    browser.shows("Active (0)", "On standby (1)", "drained")
    broker.cli("endpoint", "enable", engine.url)
    browser.press("ArrowRight")
    browser.shows("active", engine.url, "Breaker")
    browser.press("7")
    browser.shows("over its rate of requests")
    browser.press("/", *"nothing-like-it")
    browser.shows("Nothing has that in it.")
    browser.press("Escape", "5")
    browser.shows("caller", "Fullest quota")

    # Both looks, and whose the page is.
    theme = browser.value("document.documentElement.dataset.theme")
    browser.press("t")
    assert browser.value("document.documentElement.dataset.theme") != theme
    assert browser.errors == []
    assert {url.split("/", 3)[2] for url in browser.asked} == {f"127.0.0.1:{broker.admin[1]}"}, browser.asked


@pytest.mark.skipif(program() is None and os.environ.get("CI") != "true", reason="no Chromium: make guests")
@pytest.mark.guest
def test_names_are_text_and_a_gone_agent_is_told_of(make, engine, module_directory, local_stack):
    """Models are named by whoever calls: through a capture rule, anything may turn up."""
    capture = [{"name": "watch", "to": [f"{engine.host}:{engine.port}"], "path": "proxy", "whenProxyDown": "direct"}]
    broker = make.broker(capture=capture).start()
    caller = make.caller(broker.application_cgroup())
    with caller.dial(engine.host, engine.port) as call, Connection(call.socket) as http:
        assert http.request("POST", "/v1/chat/completions", chat(HOSTILE)).status == 200
    browser = Browser(module_directory / "browser-2")
    local_stack.callback(browser.close)
    browser.open(broker.admin_url("/"))
    browser.shows(HOSTILE)
    assert browser.value("document.title") == "ModelBroker" and browser.value("document.images.length") == 0
    broker.kill_agent()
    browser.shows("agent away", "said last")
