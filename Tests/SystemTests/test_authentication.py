"""Who may call what: every way to prove who one is, every kind of model, every entrance, against one table of the rules."""

import datetime
import errno
import os
import signal
import socket
import ssl
import time

import openai
import pytest
from harness import cgroups
from harness.credentials import bearer, check_refusal, new_key
from harness.http1 import Connection, chat
from harness.places import free_port
from harness.servers import echo
from harness.stalls import Stalls
from harness.tls import Authority
from harness.tokens import Signer, key_set, lifetime
from harness.waiting import eventually
from harness.web import Web

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
ISSUER, AUDIENCE = "https://sso.test", "modelbroker"
DIALLED = ("127.64.0.10", 8000)

#: Kinds of model, and the model that stands for each.
KINDS = {
    "public": "open", "private-allowed": "mine", "private": "theirs", "denied-by-glob": "team-x-internal",
    "outside-its-hours": "night", "other-operation": "vectors",
}
PRIVATE = {"mine", "theirs"}
#: What the configuration below says about each client, in the words of the documentation: deny beats allow; who has an allow
#: list is held to it; without one every public model is open. None: nobody in particular, and `anonymous: deny`.
MAY_CHAT = {"shop": {"open", "mine"}, "guest": {"open", "team-x-internal", "night", "vectors"}, None: set()}
#: A connection says nothing of what will be asked: at connect() whoever may call the model for something gets through.
MAY_CONNECT = MAY_CHAT | {"shop": {"open", "mine", "vectors"}}
WAYS = ("workload", "bearer", "api-key", "token", "certificate", "anonymous")
#: Where each way can be gone: the gateway sees no workload, and what is captured is not ours to decrypt.
PLACES = {
    "captured": {"workload", "bearer", "api-key", "token", "anonymous"},
    "gateway": {"bearer", "api-key", "token", "anonymous"},
    "tls-gateway": {"bearer", "api-key", "token", "certificate", "anonymous"},
    "direct": {"workload", "anonymous"},
    "dedicated": {"workload", "anonymous"},
}
CELLS = [(place, way, kind) for place in PLACES for way in WAYS if way in PLACES[place] for kind in KINDS]


def expected(place: str, way: str, model: str) -> int:
    """The documented answer: a status, or an errno of connect()."""
    client = None if way == "anonymous" else "shop"
    if place == "dedicated" and client is None:
        # A proxy follows, to which whoever is nobody to the kernel may still prove who it is.
        return errno.ECONNREFUSED if model in PRIVATE else 0
    if place in ("direct", "dedicated"):
        return 0 if model in MAY_CONNECT[client] else errno.ECONNREFUSED
    if client is None:
        return 401
    return 200 if model in MAY_CHAT[client] else 403


def closed_now() -> str:
    """Two hours of every day that are twelve hours away."""
    hour = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=11)
    return f"{hour:%H}:00-{hour + datetime.timedelta(hours=2):%H}:00"


class World:
    """A broker with one client that has every proof there is, and one model of each kind."""

    def __init__(self, makers, directory, anonymous=None):
        self.makers, engine = makers, makers.engine("--models", "*", "--name", "one", *FAST)
        self.engine, self.callers = engine, {}
        self.key = new_key(directory / "keys", "shop")
        self.authority = Authority(directory / "ca")
        self.server = self.authority.issue("gateway", "DNS:localhost,IP:127.0.0.1")
        self.certificate = self.authority.issue("shop", "DNS:shop.test", name="/O=test/CN=shop")
        self.stranger = self.authority.issue("stranger", "DNS:stranger.test", name="/O=test/CN=stranger")
        self.signers = {name: Signer(directory / "signers", name, f"{name}-1") for name in ("RS256", "ES256", "EdDSA")}
        self.signers["HS256"] = Signer(directory, "HS256", secret=b"a secret of more than sixteen bytes")
        self.web = Web(*self.authority.issue("sso", "DNS:localhost"))
        makers.stack.callback(self.web.close)
        self.web.pages["/jwks.json"] = (200, key_set(self.signers["RS256"]).encode())
        self.dedicated = {model: number for number, model in enumerate(KINDS.values(), 1)}
        self.tls_gateway = ("127.0.0.1", free_port())
        self.broker = makers.broker(
            capture=self.rules(), details=self.models(engine), more={"anonymous": anonymous or "deny"})
        self.broker.config["node"]["gateway"] = [f"127.0.0.1:{self.broker.gateway[1]}", {
            "listen": f"127.0.0.1:{self.tls_gateway[1]}",
            "tls": {"certificate": str(self.server[0]), "key": str(self.server[1]), "clientCA": str(self.authority.certificate),
                    "clientCertificates": "optional"}}]
        self.broker.config["issuers"] = self.issuers(directory)
        self.broker.config["clients"] = self.clients()
        self.broker.write_config()
        for name in ("shop", "somebody"):
            self.broker.application_cgroup(name)
        self.broker.start()

    def rules(self):
        rules = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"}]
        for model, number in self.dedicated.items():
            rules += [
                {"name": f"direct-{model}", "to": [f"127.65.{number}.0/24:8000"], "path": "direct", "model": model,
                 "whenProxyDown": "direct"},
                {"name": f"dedicated-{model}", "to": [f"127.66.{number}.0/24:8000"], "path": "proxy", "model": model,
                 "whenProxyDown": "direct"},
            ]
        return rules

    def models(self, engine):
        models = {model: {"endpoints": [{"url": engine.url}], "health": "off"} for model in KINDS.values()}
        for model in PRIVATE:
            models[model]["access"] = "private"
        return models

    def issuers(self, directory):
        common = {"audience": [AUDIENCE], "leeway": "5s"}
        files = {}
        for name in ("HS256", "ES256", "EdDSA"):
            files[name] = directory / f"{name}.keys"
        files["HS256"].write_bytes(self.signers["HS256"].secret)
        files["ES256"].write_text(self.signers["ES256"].public.read_text())
        files["EdDSA"].write_text(key_set(self.signers["EdDSA"]))
        return {
            "RS256": common | {"issuer": f"{ISSUER}/RS256", "algorithms": ["RS256"], "keys": {
                "url": f"{self.web.url}/jwks.json", "refresh": "10m", "ca": str(self.authority.certificate)}},
            "HS256": common | {"issuer": f"{ISSUER}/HS256", "algorithms": ["HS256"], "keys": {
                "secret": "${file:%s}" % files["HS256"]}},
            "ES256": common | {"issuer": f"{ISSUER}/ES256", "algorithms": ["ES256"], "keys": {"file": str(files["ES256"])}},
            "EdDSA": common | {"issuer": f"{ISSUER}/EdDSA", "algorithms": ["EdDSA"], "keys": {"file": str(files["EdDSA"])}},
        }

    def clients(self):
        below = cgroups.below_mount(self.broker.cgroup)
        tokens = [{"issuer": name, "claims": {"sub": "shop"}} for name in self.signers]
        return {
            "shop": {
                "workloads": [f"{below}/shop"], "keys": [self.key.reference], "tokens": tokens, "certificates": ["CN=shop,O=test"],
                "allow": ["open", "mine", "team-*", {"names": ["night"], "times": [closed_now()]},
                          {"names": ["vectors"], "operations": ["embeddings"]}],
                "deny": ["team-*-internal"]},
            "guest": {"keys": [new_key(self.key.file.parent, "guest").reference]},
        }

    def token(self, algorithm="RS256", **claims) -> str:
        claims = {"iss": f"{ISSUER}/{algorithm}", "aud": AUDIENCE, "sub": "shop"} | lifetime() | claims
        return self.signers[algorithm].token(**{name: value for name, value in claims.items() if value is not None})

    def proof(self, way: str) -> dict:
        """The fields of a request that proves by this way that it is the shop's."""
        return {"bearer": self.key.bearer, "api-key": self.key.field, "token": bearer(self.token())}.get(way, {})

    def connect(self, place: str, way: str, model: str = "") -> Connection:
        """OSError where the kernel refuses."""
        if place == "gateway":
            return Connection.to(*self.broker.gateway)
        if place == "tls-gateway":
            context = ssl.create_default_context(cafile=str(self.authority.certificate))
            if way in ("certificate", "stranger"):
                context.load_cert_chain(*(self.certificate if way == "certificate" else self.stranger))
            plain = socket.create_connection(self.tls_gateway, 10)
            return Connection(context.wrap_socket(plain, server_hostname="localhost"))
        caller = self.caller("shop" if way == "workload" else "somebody")
        addresses = {"captured": DIALLED, "direct": (f"127.65.{self.dedicated.get(model, 0)}.1", 8000),
                     "dedicated": (f"127.66.{self.dedicated.get(model, 0)}.1", 8000)}
        return Connection(caller.connect(*addresses[place]))

    def caller(self, name: str):
        """A process in that cgroup, always the same one."""
        if name not in self.callers:
            self.callers[name] = self.makers.caller(self.broker.application_cgroup(name))
        return self.callers[name]

    def ask(self, place: str, way: str, model: str, **more):
        with self.connect(place, way, model) as connection:
            return connection.request("POST", "/v1/chat/completions", chat(model, **more), self.proof(way))


@pytest.fixture(scope="module")
def world(shared, module_directory):
    return World(shared, module_directory / "world")


@pytest.mark.parametrize("place, way, kind", CELLS, ids=["-".join(cell) for cell in CELLS])
def test_the_matrix(world, place, way, kind):
    model, engine = KINDS[kind], world.engine
    wanted, before = expected(place, way, model), engine.report()["count"]
    if place in ("direct", "dedicated") and wanted:
        with pytest.raises(OSError) as caught:
            world.connect(place, way, model)
        assert caught.value.errno == wanted
        return
    answer = world.ask(place, way, model)
    if place in ("direct", "dedicated"):
        # The kernel let it pass. What it asks for is the proxy's to judge, where there is one.
        wanted = 200 if place == "direct" else expected("captured", way, model)
    if wanted == 200:
        assert answer.status == 200 and answer.header("x-engine") == "one", answer.body
        assert engine.report()["count"] == before + 1
        return
    error = check_refusal(answer, wanted)
    if wanted == 401:
        assert error["code"] == "invalid_api_key"
    elif kind == "other-operation":
        assert (error["type"], error["code"]) == ("permission_error", "operation_not_allowed")
    else:
        assert (error["type"], error["code"], error["param"]) == ("permission_error", "model_not_allowed", "model")
    assert engine.report()["count"] == before, "nothing of it reached the engine"


def test_what_is_not_for_chats_is_for_what_it_is_for(world):
    with world.connect("gateway", "bearer") as connection:
        body = {"model": "vectors", "input": "text"}
        assert connection.request("POST", "/v1/embeddings", body, world.key.bearer).status == 200
        refused = connection.request("POST", "/v1/completions", {"model": "vectors", "prompt": "text"}, world.key.bearer)
        check_refusal(refused, 403, "operation_not_allowed")


@pytest.mark.parametrize("place, way", [
    ("captured", "workload"), ("gateway", "bearer"), ("gateway", "api-key"), ("tls-gateway", "certificate")])
def test_the_list_of_models_is_what_may_be_called_now(world, place, way):
    with world.connect(place, way) as connection:
        answer = connection.request("GET", "/v1/models", fields=world.proof(way))
        assert {model["id"] for model in answer.json["data"]} == {"open", "mine", "vectors"}
        assert connection.request("GET", "/v1/models/mine", fields=world.proof(way)).status == 200
        check_refusal(connection.request("GET", "/v1/models/theirs", fields=world.proof(way)), 404, "model_not_found")


def test_the_list_of_models_is_not_for_anybody(world):
    with world.connect("gateway", "anonymous") as connection:
        check_refusal(connection.request("GET", "/v1/models"), 401)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("place", ["captured", "gateway"])
def test_every_algorithm(world, place, algorithm):
    for _ in range(2):
        with world.connect(place, "anonymous") as connection:
            token = bearer(world.token(algorithm))
            assert connection.request("POST", "/v1/chat/completions", chat("mine"), token).status == 200
            check_refusal(connection.request("POST", "/v1/chat/completions", chat("theirs"), token), 403)


def test_x_api_key_is_a_way_too(world):
    with world.connect("gateway", "anonymous") as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("mine"), {"x-api-key": world.key.text})
    assert answer.status == 200


def test_a_certificate_of_nobody_is_no_proof(world):
    """It is signed by the right authority, and names no client."""
    check_refusal(world.ask("tls-gateway", "stranger", "open"), 401)


def test_the_same_key_on_one_connection_after_the_other(world):
    """Who calls is asked for every request, not for the connection."""
    with world.connect("gateway", "anonymous") as connection:
        for _ in range(3):
            assert connection.request("POST", "/v1/chat/completions", chat("mine"), world.key.bearer).status == 200
            check_refusal(connection.request("POST", "/v1/chat/completions", chat("mine")), 401)


def test_a_private_model_stays_closed_when_the_proxy_is_dead(make, module_directory):
    """The rule sends connections straight on when there is no proxy; not those that may not go there."""
    world = World(make, module_directory / "dead")
    listener = make.server(echo, host="127.66.3.1", port=8000)
    assert world.dedicated["theirs"] == 3
    proxy = world.broker.proxy_pid
    world.broker.kill_agent()
    os.kill(proxy, signal.SIGKILL)

    def open_goes_on():
        try:
            return world.connect("direct", "workload", "open")
        except OSError:
            return None

    with eventually(open_goes_on, 20, "the public one being reached"):
        for place in ("direct", "dedicated"):
            with pytest.raises(ConnectionRefusedError):
                world.connect(place, "workload", "theirs")
    assert not listener.peers
    # By number: with the agent dead nobody knows the names.
    refusals = {(entry["reason"], entry["client"]): entry["count"] for entry in world.broker.qos("theirs")["refusals"]}
    assert refusals[("access", 1)] == 2


def test_those_who_prove_nothing_may_be_somebody(make, module_directory):
    world = World(make, module_directory / "guests", anonymous="guest")
    for place in ("captured", "gateway", "tls-gateway"):
        for model in KINDS.values():
            wanted = 200 if model in MAY_CHAT["guest"] else 403
            assert world.ask(place, "anonymous", model).status == wanted, (place, model)
            assert world.ask(place, "bearer", model).status == expected(place, "bearer", model), (place, model)
    # At the gateway a wrong key is a wrong key, not nobody; where it was meant for another server it is none of ours.
    for place, status in (("gateway", 401), ("captured", 200)):
        with world.connect(place, "anonymous") as connection:
            request = ("POST", "/v1/chat/completions", chat("open"), bearer("sk-of-another-server-0123456789"))
            assert connection.request(*request).status == status
    guest = next(client for client in world.broker.ask("client", "list") if client["name"] == "guest")
    assert guest["isAnonymous"]


# Key sets that come and go.

def test_a_key_set_is_fetched_again_and_a_bad_one_changes_nothing(make, module_directory):
    world = World(make, module_directory / "rotation")
    broker, directory = world.broker, module_directory / "rotation"
    broker.config["issuers"]["RS256"]["keys"]["refresh"] = "1s"
    broker.write_config()
    broker.cli("reload")

    def status(token):
        with world.connect("gateway", "anonymous") as connection:
            return connection.request("POST", "/v1/chat/completions", chat("mine"), bearer(token)).status

    old = world.token()
    assert status(old) == 200
    for bad in ((200, b"{not json"), (500, b""), (200, b'{"keys":[]}')):
        asked = len(world.web.asked)
        world.web.pages["/jwks.json"] = bad
        eventually(lambda asked=asked: len(world.web.asked) >= asked + 2, 30, "it being asked for twice more", 0.05)
        # A new token each time: those that were seen before are remembered.
        assert status(world.token(jti=str(asked))) == 200, bad
    stale = eventually(lambda: broker.events(kind="credentials-stale"), 20, "the event", 0.05)
    assert "RS256" in str(stale[0]) or "jwks" in str(stale[0])
    fresh = Signer(directory / "signers", "RS256", "RS256-2")
    world.web.pages["/jwks.json"] = (200, key_set(fresh).encode())
    world.signers["RS256"] = fresh
    eventually(lambda: status(world.token(jti=str(time.monotonic()))) == 200, 20, "the new key being believed", 0.1)
    assert broker.events(kind="credentials-renewed")
    assert status(old) in (200, 401), "what was verified may be remembered, until five minutes are over"


def test_a_key_set_in_a_file_is_watched(make, module_directory):
    world = World(make, module_directory / "watched")
    fresh = Signer(module_directory / "watched" / "signers", "EdDSA", "EdDSA-2")
    file = module_directory / "watched" / "EdDSA.keys"

    def status():
        with world.connect("gateway", "anonymous") as connection:
            token = fresh.token(iss=f"{ISSUER}/EdDSA", aud=AUDIENCE, sub="shop", jti=str(time.monotonic()), **lifetime())
            return connection.request("POST", "/v1/chat/completions", chat("mine"), bearer(token)).status

    assert status() == 401
    new = file.with_suffix(".new")
    new.write_text(key_set(world.signers["EdDSA"], fresh))
    new.rename(file)
    eventually(lambda: status() == 200, 20, "the new key being believed", 0.1)
    with world.connect("gateway", "anonymous") as connection:
        request = ("POST", "/v1/chat/completions", chat("mine"), bearer(world.token("EdDSA")))
        assert connection.request(*request).status == 200, "both are good"


# The SDK's own view.

@pytest.fixture(scope="module")
def limited(shared, module_directory):
    engine = shared.engine("--models", "*", *FAST)
    keys = {name: new_key(module_directory / "sdk", name) for name in ("fast", "slow", "spent", "tokens")}
    clients = {name: {"keys": [key.reference]} for name, key in keys.items()}
    clients["slow"]["limits"] = {"requests": "40/m", "burst": 1}
    clients["spent"]["quotas"] = {"day": {"requests": 1}}
    clients["tokens"]["limits"] = {"tokens": "600/m"}
    broker = shared.broker(models={"m": [engine.url], "secret": [engine.url]}, clients=clients)
    broker.config["models"]["secret"]["access"] = "private"
    broker.write_config()
    broker.start()
    return broker, keys


class Counted:
    """An SDK's client, and the requests that it really sent."""

    def __init__(self, broker, key: str, retries: int = 0):
        self.sent = []
        http = openai.DefaultHttpxClient(event_hooks={"request": [lambda _: self.sent.append(time.monotonic())]})
        host, port = broker.gateway
        self.client = openai.OpenAI(
            base_url=f"http://{host}:{port}/v1", api_key=key, max_retries=retries, timeout=20, http_client=http)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def create(self, model="m", **more):
        return self.client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}], **more)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("key, model, exception, status, kind, code, param", [
    ("wrong-key-0123456789abcdef", "m", openai.AuthenticationError, 401, "invalid_request_error", "invalid_api_key", None),
    ("mb_abcdefghij_" + "x" * 43, "m", openai.AuthenticationError, 401, "invalid_request_error", "invalid_api_key", None),
    ("fast", "secret", openai.PermissionDeniedError, 403, "permission_error", "model_not_allowed", "model"),
    ("fast", "nobody", openai.NotFoundError, 404, "invalid_request_error", "model_not_found", "model"),
])
def test_the_sdks_exceptions(limited, key, model, exception, status, kind, code, param, stream):
    broker, keys = limited
    with Counted(broker, keys[key].text if key in keys else key, retries=2) as sdk:
        with pytest.raises(exception) as caught:
            sdk.create(model, stream=stream)
        error = caught.value
        assert type(error) is exception and error.status_code == status
        assert (error.type, error.code, error.param) == (kind, code, param)
        assert error.request_id and isinstance(error.body["message"], str)
        assert len(sdk.sent) == 1, "trying again would not help"
        if status == 401:
            assert error.response.headers["www-authenticate"].startswith("Bearer")
            assert key not in str(error), "a key is not repeated"


def test_a_rate_limit_and_how_long_the_sdk_waits(limited):
    broker, keys = limited
    with Counted(broker, keys["slow"].text) as sdk:
        sdk.create()
        with pytest.raises(openai.RateLimitError) as caught:
            sdk.create()
        error, refused = caught.value, time.monotonic()
        assert (error.type, error.code, error.status_code) == ("requests", "rate_limit_exceeded", 429)
        assert "slow" in error.body["message"], "it says who is limited"
        assert error.request_id
        wait = int(error.response.headers["retry-after-ms"]) / 1000
        assert 0 < wait <= 1.5 and int(error.response.headers["retry-after"]) == -(-int(wait * 1000) // 1000)
        for name in ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"):
            assert error.response.headers[name]
    # Left alone, the SDK would come again after half a second, and after one more: twice too early.
    with Stalls() as stalls, Counted(broker, keys["slow"].text, retries=2) as sdk:
        eventually(lambda: time.monotonic() > refused + wait + 0.05, 20)
        sdk.create()
        assert len(sdk.sent) == 1
        sdk.create()
        assert len(sdk.sent) == 3, "one refusal, one retry"
        assert sdk.sent[2] - sdk.sent[0] > 1.45, "after the time that it was told: the period, since the one that was admitted"
        assert sdk.sent[2] - sdk.sent[1] - stalls.largest < 3


def test_a_quota_and_that_the_sdk_does_not_try_again(limited):
    broker, keys = limited
    with Counted(broker, keys["spent"].text, retries=2) as sdk:
        sdk.create()
        eventually(lambda: broker.used("spent", "requests") == 1, 20, "it being counted")
        with pytest.raises(openai.RateLimitError) as caught:
            sdk.create()
        error = caught.value
        assert (error.type, error.code, error.status_code) == ("insufficient_quota", "insufficient_quota", 429)
        assert error.response.headers["x-should-retry"] == "false"
        assert "retry-after" not in error.response.headers and "retry-after-ms" not in error.response.headers
        for word in ("spent", "day", "requests"):
            assert word in error.body["message"], error.body
        assert len(sdk.sent) == 2, "each request once"


def test_tokens_of_a_client(limited):
    broker, keys = limited
    with Counted(broker, keys["tokens"].text) as sdk:
        with pytest.raises(openai.RateLimitError) as caught:
            for _ in range(400):
                sdk.create(max_tokens=4)
        assert (caught.value.type, caught.value.code) == ("tokens", "rate_limit_exceeded")
        assert int(caught.value.response.headers["retry-after"]) >= 1


def test_endpoints_never_see_the_callers_credentials(make, module_directory):
    import base64

    kept, passed = make.engine("--name", "kept", *FAST), make.engine("--name", "passed", *FAST)
    key = new_key(module_directory / "forwarded", "caller")
    details = {
        "kept": {"endpoints": [{"url": kept.url}]},
        "passed": {"endpoints": [{"url": passed.url, "forwardCredentials": True}]},
    }
    broker = make.broker(details=details, clients={"caller": {"keys": [key.reference]}}).start()
    for engine in (kept, passed):
        model = "kept" if engine is kept else "passed"
        for fields in (key.bearer, key.field, {"x-api-key": key.text}):
            with Connection.to(*broker.gateway) as connection:
                more = {"Proxy-Authorization": "Basic cHJveHk6cHJveHk=", "Cookie": "flavour=plain"}
                answer = connection.request("POST", "/v1/chat/completions", chat(model), fields | more)
                assert answer.status == 200, answer.body
            head = base64.b64decode(engine.last()["head"])
            assert (key.text.encode() in head) == (engine is passed), head
            assert b"cHJveHk" not in head
            assert b"flavour=plain" in head


def test_without_clients_nobody_is_asked(make):
    """As before there were any: a key is for nobody, and is not passed on either."""
    import base64

    engine = make.engine(*FAST)
    broker = make.broker(models={"m": [engine.url]}).start()
    with Connection.to(*broker.gateway) as connection:
        for fields in ({}, bearer("whatever-it-is-0123456789")):
            assert connection.request("POST", "/v1/chat/completions", chat("m"), fields).status == 200
            assert b"whatever" not in base64.b64decode(engine.last()["head"])
