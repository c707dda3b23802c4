"""How much somebody may use: every kind of limit for every subject, quotas and what happens at their end, and what is no
request at all."""

import base64
import concurrent.futures
import contextlib
import json
import socket

import pytest
from harness.credentials import check_refusal, new_key
from harness.http1 import Connection, chat, request_bytes
from harness.places import free_port
from harness.servers import answering
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms")
SUBJECTS = ("client", "model", "pair")
#: What a limit says, a request that it lets through once, one that it then (or at all) refuses, and the refusal.
#: Rates are by the hour so that a test's own time does not count; of these a minute's worth, 100, may come at once.
LIMITS = {
    "requests": ({"requests": "1/h", "burst": 1}, {}, {}, (429, "requests", "rate_limit_exceeded", None)),
    "tokens": ({"tokens": "6000/h"}, {"max_tokens": 60}, {"max_tokens": 40}, (429, "tokens", "rate_limit_exceeded", None)),
    "input-tokens": ({"inputTokens": "6000/h"}, {"content": "word " * 50, "max_tokens": 400}, {"content": "word " * 50},
                     (429, "tokens", "rate_limit_exceeded", None)),
    "output-tokens": ({"outputTokens": "6000/h"}, {"content": "word " * 700, "max_tokens": 90}, {"max_tokens": 40},
                      (429, "tokens", "rate_limit_exceeded", None)),
    "request-bytes": ({"requestBytes": "1KiB"}, {"content": "x" * 700}, {"content": "x" * 1100},
                      (413, "invalid_request_error", "request_too_large", None)),
    "tokens-per-request": ({"tokensPerRequest": 200}, {"max_tokens": 150}, {"max_tokens": 250},
                           (400, "invalid_request_error", "max_tokens_exceeded", "max_tokens")),
}
#: Of quotas, with a price of 10 for a million tokens: 10 millionths for one.
PRICE = {"input": 10, "output": 10}
QUOTAS = {
    "requests": ({"requests": 2}, 2), "tokens": ({"tokens": 200}, 2), "cost": ({"cost": 0.002}, 2),
}
MODES = [(subject, kind) for subject in SUBJECTS for kind in LIMITS]


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--name", "one", *FAST, "--tokens", "400")


class World:
    def __init__(self, shared, directory, engine):
        self.engine, self.keys, clients, details = engine, {}, {}, {}

        def client(name, **more):
            self.keys[name] = new_key(directory, name)
            clients[name] = {"keys": [self.keys[name].reference]} | more

        def model(name, **more):
            details[name] = {"endpoints": [{"url": engine.url}], "health": "off"} | more

        client("anybody")
        model("any")
        for subject, kind in MODES:
            limits = {"limits": LIMITS[kind][0]}
            name = f"{subject}-{kind}"
            model(f"m-{name}", **(limits if subject == "model" else {}))
            client(f"c-{name}", **({"client": limits, "pair": {"models": {f"m-{name}": limits}}}.get(subject, {})))
        for period in ("day", "month"):
            for subject in SUBJECTS:
                for unit, (quota, _) in QUOTAS.items():
                    name, quotas = f"{subject}-{period}-{unit}", {"quotas": {period: quota}}
                    model(f"m-{name}", price=PRICE, **(quotas if subject == "model" else {}))
                    client(f"c-{name}", **({"client": quotas, "pair": {"models": {f"m-{name}": quotas}}}.get(subject, {})))
        self.more(client, model)
        self.broker = shared.broker(details=details, clients=clients, pools=self.pools)
        self.broker.start()

    def more(self, client, model):
        """Of what the single tests are about."""
        client("session", perSession={"key": "header:x-session-id", "requests": "2/h", "burst": 2})
        client("user", perSession={"key": "user", "requests": "2/h", "burst": 2})
        client("life", perSession={"key": "header:x-session-id", "lifetimeRequests": 3})
        client("session-concurrent", perSession={"key": "header:x-session-id", "concurrent": 1})
        client("session-tokens", perSession={"key": "header:x-session-id", "tokens": "6000/h"})
        client("address", perAddress={"requests": "2/h", "burst": 2})
        client("address-concurrent", perAddress={"concurrent": 1})
        client("both", limits={"requests": "100/h", "burst": 10}, models={"any": {"limits": {"requests": "100/h", "burst": 3}}})
        client("alert", quotas={"day": {"requests": 10, "alertAt": "80%"}})
        client("early-alert", quotas={"day": {"requests": 10, "alertAt": "50%"}})
        client("reset", quotas={"day": {"requests": 1}, "month": {"requests": 2}})
        client("low", quotas={"day": {"requests": 1, "onExhausted": "lowPriority"}})
        client("reserved", quotas={"day": {"tokens": 1000}})
        client("dead", quotas={"day": {"requests": 1, "tokens": 1000}})
        model("dead-model", endpoints=[{"url": f"http://127.0.0.1:{free_port()}"}])
        model("short", contextLength=1000)
        model("first", quotas={"day": {"requests": 1, "onExhausted": "rotate"}})
        model("second", quotas={"day": {"requests": 2, "onExhausted": "rotate"}})
        self.pools = {"pool": {"models": ["first", "second"], "strategy": "priority"}}

    def ask(self, client: str, model: str = "any", content: str = "hello", fields=None, source=None, **more):
        address = socket.create_connection(self.broker.gateway, 10, source_address=source and (source, 0))
        with Connection(address) as connection:
            body = chat(model, content, **more)
            return connection.request("POST", "/v1/chat/completions", body, self.keys[client].bearer | (fields or {}))

    def used(self, name: str) -> dict[tuple, int]:
        """By period and unit, of quotas that have this name as client or model."""
        return {(quota["period"], quota["unit"]): quota["used"] for quota in self.broker.quotas()
                if name in (quota.get("client"), quota.get("model"))}


@pytest.fixture(scope="module")
def world(shared, module_directory, engine):
    return World(shared, module_directory / "keys", engine)


def passes(world, client, model="any", **more) -> None:
    answer = world.ask(client, model, **more)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("subject, kind", MODES, ids=["-".join(mode) for mode in MODES])
def test_each_limit_of_each_subject(world, subject, kind):
    client, model = f"c-{subject}-{kind}", f"m-{subject}-{kind}"
    _, good, bad, (status, type_, code, param) = LIMITS[kind]
    passes(world, client, model, **good)
    # What was reserved is known at once, what was used a moment later.
    answer = eventually(lambda: (answer := world.ask(client, model, **bad)).status != 200 and answer, 20, "a refusal")
    error = check_refusal(answer, status, code)
    assert (error["type"], error["param"]) == (type_, param)
    if status == 429:
        named = {"client": [client], "model": [model], "pair": [client, model]}[subject]
        assert all(name in error["message"] for name in named), error
        assert client in error["message"] or subject == "model", error
        assert 1 <= int(answer.header("retry-after")) <= 120 and int(answer.header("retry-after-ms")) > 0
        # Of tokens there are some left, and too few.
        assert int(answer.header(f"x-ratelimit-remaining-{type_}")) < (100 if type_ == "tokens" else 1)
    # It is nobody else's, and nothing else's.
    if subject != "client":
        passes(world, client, "any", **bad)
    if subject != "model":
        passes(world, "anybody", model, **bad)
    if status != 429:
        passes(world, client, model, **good)


def test_the_client_is_shown_with_its_limits(world):
    shown = world.broker.ask("client", "show", "c-client-requests")
    limit = next(limit for limit in shown["limits"] if limit["kind"] == "requests")
    assert limit["limit"] == "1/h"
    assert shown["keys"] and world.keys["c-client-requests"].text not in json.dumps(shown)
    assert "c-pair-tokens" in world.broker.cli("client", "list").stdout


def test_what_is_left_is_the_tightest(world):
    """Of the limits that apply, and on answers that are none of them."""
    answer = world.ask("both")
    assert (answer.header("x-ratelimit-limit-requests"), answer.header("x-ratelimit-remaining-requests")) == ("3", "2")
    answer = world.ask("both", "m-client-requests")
    assert answer.header("x-ratelimit-limit-requests") == "10" and answer.header("x-ratelimit-remaining-requests") == "8"


@contextlib.contextmanager
def streaming(world, client, model="any", fields=None, source=None, **more):
    """A stream under way."""
    address = socket.create_connection(world.broker.gateway, 10, source_address=source and (source, 0))
    with Connection(address) as connection:
        fields = world.keys[client].bearer | (fields or {})
        connection.send(request_bytes("POST", "/v1/chat/completions", chat(model, stream=True, **more), fields))
        connection.until(b"token1")
        yield connection


@pytest.fixture(scope="module")
def slow_world(shared, module_directory):
    """An engine whose streams last."""
    engine = shared.engine("--models", "*", "--ttft", "0ms", "--itl", "20ms", "--tokens", "2000")

    class Slow(World):
        def more(self, client, model):
            super().more(client, model)
            for subject in SUBJECTS:
                limits = {"limits": {"concurrent": 2}}
                model(f"m-{subject}-concurrent", **(limits if subject == "model" else {}))
                client(f"c-{subject}-concurrent", **(
                    {"client": limits, "pair": {"models": {f"m-{subject}-concurrent": limits}}}.get(subject, {})))

    return Slow(shared, module_directory / "slow", engine)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_so_many_at_once(slow_world, subject):
    client, model = f"c-{subject}-concurrent", f"m-{subject}-concurrent"
    with streaming(slow_world, client, model) as first, streaming(slow_world, client, model):
        answer = slow_world.ask(client, model, max_tokens=1)
        error = check_refusal(answer, 429, "concurrency_limit_exceeded")
        assert error["type"] == "requests" and answer.header("retry-after") == "1"
        first.close()
        eventually(lambda: slow_world.ask(client, model, max_tokens=1).status == 200, 20, "a place being given back")
    for _ in range(5):
        eventually(lambda: slow_world.ask(client, model, max_tokens=1).status == 200, 20, "all places being given back")


def test_so_many_at_once_in_a_session_and_from_an_address(slow_world):
    one, two = {"x-session-id": "one"}, {"x-session-id": "two"}
    with streaming(slow_world, "session-concurrent", fields=one):
        check_refusal(slow_world.ask("session-concurrent", fields=one, max_tokens=1), 429, "concurrency_limit_exceeded")
        passes(slow_world, "session-concurrent", fields=two, max_tokens=1)
    with streaming(slow_world, "address-concurrent", source="127.0.0.2"):
        refused = slow_world.ask("address-concurrent", source="127.0.0.2", max_tokens=1)
        assert "address" in check_refusal(refused, 429, "concurrency_limit_exceeded")["message"]
        passes(slow_world, "address-concurrent", source="127.0.0.3", max_tokens=1)


def test_what_is_reserved_is_not_given_twice(slow_world):
    """Twenty at once, of which each may take 100 and more of the 1,000: nobody knows yet what they will use."""
    with contextlib.ExitStack() as stack:
        statuses = []
        for _ in range(20):
            connection = stack.enter_context(Connection.to(*slow_world.broker.gateway))
            body = chat("any", stream=True, max_tokens=100)
            connection.send(request_bytes("POST", "/v1/chat/completions", body, slow_world.keys["reserved"].bearer))
            statuses.append(int(connection.until(b"\r\n\r\n").split()[1]))
    assert 5 <= statuses.count(200) <= 9 and set(statuses) == {200, 429}, statuses


@pytest.mark.parametrize("client, key", [("session", "x-session-id"), ("user", "user")])
def test_each_session_has_its_own(world, client, key):
    def ask(session):
        if key == "user":
            return world.ask(client, user=session)
        return world.ask(client, fields={key: session})

    assert [ask("one").status for _ in range(3)] == [200, 200, 429]
    assert [ask("two").status for _ in range(3)] == [200, 200, 429]
    error = check_refusal(ask("one"), 429, "rate_limit_exceeded")
    assert "session" in error["message"] and error["type"] == "requests"


def test_the_life_of_a_session(world):
    fields = {"x-session-id": "life"}
    assert [world.ask("life", fields=fields).status for _ in range(5)] == [200] * 3 + [429] * 2
    assert "session" in world.ask("life", fields=fields).error["message"]
    passes(world, "life", fields={"x-session-id": "another"})


def test_tokens_of_a_session(world):
    fields = {"x-session-id": "tokens"}
    passes(world, "session-tokens", fields=fields, max_tokens=60)
    eventually(lambda: world.ask("session-tokens", fields=fields, max_tokens=40).status == 429, 20, "a refusal")
    passes(world, "session-tokens", fields={"x-session-id": "more"}, max_tokens=60)


def test_each_address_has_its_own(world):
    assert [world.ask("address", source="127.0.0.5").status for _ in range(3)] == [200, 200, 429]
    assert [world.ask("address", source="127.0.0.6").status for _ in range(3)] == [200, 200, 429]
    assert "address" in world.ask("address", source="127.0.0.5").error["message"]


# Quotas.

@pytest.mark.parametrize("unit", QUOTAS)
@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_quota_of_each_subject(world, subject, period, unit):
    """Two requests of 100 tokens and a bit less; the third would be too much."""
    name = f"{subject}-{period}-{unit}"
    client, model = f"c-{name}", f"m-{name}"
    total = 0
    for _ in range(2):
        answer = world.ask(client, model, "", max_tokens=40, mock_prompt_tokens=40)
        assert answer.status == 200, answer.body
        total += answer.json["usage"]["total_tokens"]
    expected = {"requests": 2, "tokens": total, "cost": total * 10}[unit]
    mine = model if subject == "model" else client
    eventually(lambda: world.used(mine).get((period, unit)) == expected, 20, lambda: f"{expected} being used; {world.used(mine)}")
    answer = world.ask(client, model, "", max_tokens=40)
    error = check_refusal(answer, 429, "insufficient_quota")
    assert error["type"] == "insufficient_quota"
    assert answer.header("x-should-retry") == "false" and answer.header("retry-after") is None
    assert period in error["message"] and (model if subject == "model" else client) in error["message"], error
    assert world.used(mine)[period, unit] == expected, "what was refused is not used"
    if subject != "model":
        passes(world, "anybody", model, max_tokens=40)
    if subject != "client":
        passes(world, client, "any", max_tokens=40)


def test_what_no_endpoint_answered_is_given_back(world):
    for _ in range(3):
        answer = world.ask("dead", "dead-model")
        assert answer.status == 503 and answer.error["code"] == "no_endpoint_available"
    assert set(world.used("dead").values()) == {0}
    passes(world, "dead")


def test_an_alert_and_an_end(world):
    for client, alert in (("alert", 8), ("early-alert", 5)):
        for number in range(1, 11):
            passes(world, client, max_tokens=1)
            if number == alert - 1:
                eventually(lambda: world.used(client)["day", "requests"] == alert - 1, 20)
                assert not world.broker.events(kind="quota-alert", client=client)
        events = eventually(lambda: world.broker.events(kind="quota-alert", client=client), 20, "the alert")
        assert len(events) == 1 and "requests" in json.dumps(events[0]) and "day" in json.dumps(events[0])
        check_refusal(world.ask(client), 429, "insufficient_quota")
        eventually(lambda: world.broker.events(kind="quota-exhausted", client=client), 20, "the event")
        assert len(world.broker.events(kind="quota-alert", client=client)) == 1


def test_a_quota_is_reset(world):
    passes(world, "reset", max_tokens=1)
    eventually(lambda: world.used("reset")["day", "requests"] == 1, 20)
    check_refusal(world.ask("reset"), 429, "insufficient_quota")
    assert world.broker.cli("quota", "reset", check=False).returncode != 0, "not everybody's, unasked"
    reset = world.broker.ask("quota", "reset", "reset", "--period", "day")
    assert [(quota["period"], quota["used"]) for quota in reset] == [("day", 0)]
    passes(world, "reset", max_tokens=1)
    eventually(lambda: world.used("reset") == {("day", "requests"): 1, ("month", "requests"): 2}, 20)
    world.broker.ask("quota", "reset", "reset", "--period", "day")
    error = check_refusal(world.ask("reset"), 429, "insufficient_quota")
    assert "month" in error["message"]
    world.broker.ask("quota", "reset", "reset")
    passes(world, "reset", max_tokens=1)
    assert world.broker.events(kind="quota-reset")
    assert any("quota" in json.dumps(line) for line in world.broker.audit()), "what is done by hand is written down"


def test_another_model_when_the_first_is_used_up(world):
    for number in range(1, 4):
        passes(world, "anybody", "pool", max_tokens=1)
        eventually(lambda: world.used("first")["day", "requests"] + world.used("second")["day", "requests"] == number, 20)
    assert (world.used("first")["day", "requests"], world.used("second")["day", "requests"]) == (1, 2)
    check_refusal(world.ask("anybody", "pool", max_tokens=1), 429, "insufficient_quota")


def test_behind_all_others(world):
    def priority():
        passes(world, "low", max_tokens=1)
        head = base64.b64decode(world.engine.last()["head"]).lower()
        return b"x-modelbroker-priority: low" in head

    assert not priority()
    eventually(lambda: world.used("low")["day", "requests"] == 1, 20)
    assert priority() and priority()
    eventually(lambda: world.used("low")["day", "requests"] == 3, 20, "it being counted all the same")


def test_quota_show(world):
    text = world.broker.cli("quota", "show").stdout
    assert "c-client-day-tokens" in text and "m-model-month-cost" in text
    only = world.broker.quotas("c-client-day-tokens")
    assert len(only) == 1 and only[0]["resets"].endswith("Z") and only[0]["limit"] == 200
    assert world.broker.cli("quota", "show", "nobody-at-all", check=False).returncode != 0


def test_limits_change_while_they_are_used(make, module_directory, engine):
    key = new_key(module_directory / "live", "caller")
    client = {"keys": [key.reference], "limits": {"requests": "1/h", "burst": 1}, "quotas": {"month": {"requests": 3}}}
    broker = make.broker(models={"m": [engine.url]}, clients={"caller": client}).start()

    def status():
        with Connection.to(*broker.gateway) as connection:
            return connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1), key.bearer).status

    assert [status(), status()] == [200, 429]
    broker.config["clients"]["caller"]["limits"] = {"requests": "1000/s"}
    broker.write_config()
    broker.cli("reload")
    eventually(lambda: status() == 200, 20, "the new limit")
    eventually(lambda: broker.used("caller", "requests", "month") == 2, 20, "the quota having gone on")
    assert [status(), status()] == [200, 429]
    broker.config["clients"]["caller"]["quotas"] = {"month": {"requests": 4}}
    broker.write_config()
    broker.cli("reload")
    eventually(lambda: status() == 200, 20, "the new quota")
    eventually(lambda: broker.used("caller", "requests", "month") == 4, 20, "what was used being kept")
    assert status() == 429


def test_a_limit_is_one_for_all_event_loops(make, module_directory, engine):
    """Fifty at once: exactly as many get in as may."""
    key = new_key(module_directory / "loops", "caller")
    client = {"keys": [key.reference], "limits": {"requests": "20/h", "burst": 20}}
    broker = make.broker(models={"m": [engine.url]}, clients={"caller": client}).start()

    def ask(_):
        with Connection.to(*broker.gateway) as connection:
            return connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1), key.bearer).status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(50)))
    assert (statuses.count(200), statuses.count(429)) == (20, 30)


# What is refused whoever asks.

FIREWALL = [
    {"name": "no-files", "path": "^/v1/files", "method": "^(POST|DELETE)$"},
    {"name": "no-secrets", "model": "secret|^internal-"},
    {"name": "no-novels", "bodyAbove": "4KiB", "model": "^small$"},
    {"name": "not-the-guest", "path": "^/v1/completions$", "clients": ["guest"]},
]


@pytest.fixture(scope="module")
def guarded(shared, module_directory, engine):
    keys = {name: new_key(module_directory / "guarded", name) for name in ("guest", "owner")}
    rules = [{"name": "watch", "to": ["127.64.0.0/16:*"], "path": "proxy", "whenProxyDown": "direct"}]
    broker = shared.broker(
        capture=rules, models={name: [engine.url] for name in ("m", "small", "my-secret-model")},
        clients={name: {"keys": [key.reference]} for name, key in keys.items()}, more={"firewall": FIREWALL})
    return broker.start(), keys


@pytest.mark.parametrize("client, method, path, body, rule", [
    ("owner", "POST", "/v1/files", {"model": "m"}, "no-files"),
    ("owner", "DELETE", "/v1/files/abc", None, "no-files"),
    ("owner", "GET", "/v1/files", None, None),
    ("owner", "POST", "/v1/chat/completions", chat("my-secret-model"), "no-secrets"),
    ("owner", "POST", "/v1/chat/completions", chat("internal-x"), "no-secrets"),
    ("owner", "POST", "/v1/chat/completions", chat("m", "my-secret-model"), None),
    ("owner", "POST", "/v1/chat/completions", chat("small", "x" * 5000), "no-novels"),
    ("owner", "POST", "/v1/chat/completions", chat("small", "x" * 3000), None),
    ("owner", "POST", "/v1/chat/completions", chat("m", "x" * 5000), None),
    ("guest", "POST", "/v1/completions", {"model": "m", "prompt": "x"}, "not-the-guest"),
    ("owner", "POST", "/v1/completions", {"model": "m", "prompt": "x"}, None),
], ids=lambda value: value if isinstance(value, str) else None)
def test_the_firewall(guarded, client, method, path, body, rule):
    broker, keys = guarded
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request(method, path, body, keys[client].bearer)
    if rule is None:
        assert answer.status != 403, answer.body
        return
    error = check_refusal(answer, 403, "request_denied")
    assert rule in error["message"] and error["type"] == "permission_error"
    eventually(lambda: broker.events(kind="refused", reason="request_denied"), 20, "the event")


def test_the_firewall_is_for_what_is_only_relayed_too(guarded, make):
    broker, _ = guarded
    server = make.server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), host="127.64.0.9")
    caller = make.caller(broker.application_cgroup())
    with Connection(caller.connect(server.host, server.port)) as connection:
        assert connection.request("GET", "/v1/files").status == 200
    received = len(b"".join(map(bytes, server.received)))
    with Connection(caller.connect(server.host, server.port)) as connection:
        check_refusal(connection.request("DELETE", "/v1/files/1"), 403, "request_denied")
    assert len(b"".join(map(bytes, server.received))) == received, "not a byte reached the server"


# What is no request.

INVALID = [
    ({"model": 7}, "model"), ({"model": ""}, "model"), ({"model": None}, "model"), ({"model": ["m"]}, "model"),
    ({"model": "m" * 1025}, "model"), ({"stream": "yes"}, "stream"), ({"stream": 1}, "stream"),
    ({"stream_options": True}, "stream_options"), ({"stream_options": []}, "stream_options"),
    ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options"),
    ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -1}, "max_tokens"), ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": "10"}, "max_tokens"), ({"max_tokens": True}, "max_tokens"), ({"max_tokens": {}}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"), ({"max_completion_tokens": "1"}, "max_completion_tokens"),
    ({"user": 5}, "user"), ({"user": {}}, "user"), ({"priority": "high"}, "priority"), ({"priority": 1.5}, "priority"),
    ({"n": 0}, "n"), ({"n": 129}, "n"), ({"n": "1"}, "n"),
]
VALID = [
    {"max_tokens": None}, {"max_completion_tokens": None, "max_tokens": 1}, {"stream": False, "stream_options": None}, {"user": None},
    {"user": "somebody"}, {"priority": -3}, {"priority": None}, {"n": 1}, {"n": None}, {"unknown": {"max_tokens": "x"}},
    {"messages": [{"role": "user", "content": "x", "max_tokens": "nested", "stream": "nested"}]},
]


@pytest.mark.parametrize("change, param", INVALID, ids=lambda value: json.dumps(value)[:40])
def test_each_refusal_names_the_field(world, change, param):
    before = world.engine.report()["count"]
    with Connection.to(*world.broker.gateway) as connection:
        body = chat("any", max_tokens=1) | change
        answer = connection.request("POST", "/v1/chat/completions", body, world.keys["anybody"].bearer)
        error = check_refusal(answer, 400)
        assert error["param"] is not None and error["param"].split(".")[0] == param, error
        assert error["type"] == "invalid_request_error" and param in error["message"]
        if param == "max_tokens":
            below = change["max_tokens"] in (0, -1) and change["max_tokens"] is not True
            assert error["code"] == ("integer_below_min_value" if below else "invalid_type")
        assert connection.request("POST", "/v1/chat/completions", chat("any", max_tokens=1), world.keys["anybody"].bearer).status == 200
    assert world.engine.report()["count"] == before + 1


@pytest.mark.parametrize("change", VALID, ids=lambda value: json.dumps(value)[:40])
def test_what_is_well_formed_passes(world, change):
    with Connection.to(*world.broker.gateway) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("any") | change, world.keys["anybody"].bearer)
    assert answer.status == 200, answer.body


def test_no_body_and_other_types(world):
    with Connection.to(*world.broker.gateway) as connection:
        for body, kind in ((b"", "application/json"), (b"{", "application/json"), (b"model=any", "application/x-www-form-urlencoded")):
            fields = world.keys["anybody"].bearer | {"Content-Type": kind}
            answer = connection.request("POST", "/v1/chat/completions", body, fields)
            assert answer.status in (400, 415) and answer.error["type"] == "invalid_request_error", (body, answer.body)


@pytest.mark.parametrize("more, status", [
    ({"max_tokens": 900}, 200), ({"max_tokens": 2000}, 400), ({"max_completion_tokens": 1001}, 400),
    ({"content": "x" * 3000, "max_tokens": 100}, 200), ({"content": "x" * 9000, "max_tokens": 1}, 400),
    ({"content": "x" * 5000, "max_tokens": 900}, 400),
])
def test_what_cannot_fit_into_the_context(world, more, status):
    answer = world.ask("anybody", "short", **more)
    if status == 200:
        assert answer.status == 200, answer.body
    else:
        error = check_refusal(answer, 400, "context_length_exceeded")
        assert error["param"] == "messages" and "1000" in error["message"]


def test_explain_says_what_would_be_refused(world):
    text = world.broker.cli("explain", "--model", "m-client-requests", "--client", "c-client-requests").stdout
    assert "c-client-requests" in text
