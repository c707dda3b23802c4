"""Callers that say they are somebody else: by headers, copied keys, forged tokens, and by moving house."""

import base64
import datetime
import errno
import json
import time

import pytest
from harness import cgroups
from harness.credentials import basic, bearer, check_refusal, new_key
from harness.http1 import Connection, chat
from harness.netns import join
from harness.tokens import Signer, base64url, key_set, lifetime, unsigned
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
#: A capture rule for each answer to a workload that brings another client's credentials.
DENY, WORKLOAD, CREDENTIALS = (("127.64.1.1", 8000), ("127.64.2.1", 8000), ("127.64.3.1", 8000))
ISSUER, AUDIENCE = "https://sso.test", "modelbroker"


class World:
    """Two clients, each with a model of its own, a workload, a key, and tokens of one issuer."""

    def __init__(self, shared, directory):
        self.shared, self.callers = shared, {}
        self.engine = shared.engine("--models", "*", "--name", "one", *FAST)
        self.keys = {name: new_key(directory / "keys", name) for name in ("shop", "bank", "late", "early", "current")}
        self.rsa, self.ec = Signer(directory, "RS256", "rsa"), Signer(directory, "ES256", "ec")
        self.stranger = Signer(directory, "RS256", "rsa-of-a-stranger")
        key_file = directory / "jwks.json"
        key_file.write_text(key_set(self.rsa, self.ec))
        rules = [
            {"name": name, "to": [f"{address[0]}:8000"], "path": "proxy", "whenProxyDown": "refuse", "unknown": "refuse"} | more
            for name, address, more in (
                ("deny", DENY, {}), ("workload", WORKLOAD, {"onConflict": "workload"}),
                ("credentials", CREDENTIALS, {"onConflict": "credentials"}))]
        details = {
            name: {"endpoints": [{"url": self.engine.url}], "access": "private"} for name in ("shops", "banks")} | {
            "open": {"endpoints": [{"url": self.engine.url}]}}
        self.broker = shared.broker(capture=rules, details=details)
        below = cgroups.below_mount(self.broker.cgroup)
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        self.broker.config["issuers"] = {"corp": {
            "issuer": ISSUER, "audience": [AUDIENCE], "algorithms": ["RS256", "ES256"], "keys": {"file": str(key_file)},
            "leeway": "2s"}}
        self.broker.config["clients"] = {
            "shop": {
                "workloads": [f"{below}/shop"], "tokens": [{"issuer": "corp", "claims": {"sub": "shop"}}], "allow": ["shops", "open"],
                "keys": [
                    self.keys["shop"].reference,
                    {"key": self.keys["late"].reference, "id": "late", "expires": f"{now - day:%Y-%m-%dT%H:%M:%SZ}"},
                    {"key": self.keys["early"].reference, "id": "early", "notBefore": f"{now + day:%Y-%m-%d}"},
                    {"key": self.keys["current"].reference, "id": "current", "notBefore": f"{now - day:%Y-%m-%d}",
                     "expires": f"{now + 2 * day:%Y-%m-%dT%H:%M:%SZ}"}]},
            "bank": {
                "workloads": [f"{below}/bank"], "keys": [self.keys["bank"].reference], "allow": ["banks", "open"],
                "tokens": [{"issuer": "corp", "claims": {"sub": "bank"}}], "perAddress": {"requests": "1000/s"}},
        }
        self.broker.write_config()
        self.broker.start()

    def caller(self, name: str):
        if name not in self.callers:
            self.callers[name] = self.shared.caller(self.broker.application_cgroup(name))
        return self.callers[name]

    def gateway(self, model: str, fields=None):
        with Connection.to(*self.broker.gateway) as connection:
            return connection.request("POST", "/v1/chat/completions", chat(model), fields)

    def captured(self, name: str, dialled, model: str, fields=None):
        with Connection(self.caller(name).connect(*dialled)) as connection:
            return connection.request("POST", "/v1/chat/completions", chat(model), fields)

    def head(self) -> bytes:
        """Of the request that reached the engine last."""
        return base64.b64decode(self.engine.last()["head"]).lower()

    def token(self, header=None, signer=None, **claims) -> str:
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop"} | lifetime() | claims
        return (signer or self.rsa).token(header, **{name: value for name, value in claims.items() if value is not None})


@pytest.fixture(scope="module")
def world(shared, module_directory):
    return World(shared, module_directory / "world")


FORGED = {
    "X-Service-Group": "gold-forged", "X-ModelBroker-Client": "bank", "x-modelbroker-workload": "/forged", "X-Modelbroker-Pid": "1",
    "x-modelbroker-priority": "forged", "X-ModelBroker-Anything": "forged", "X-Forwarded-Client-Cert": "Subject=\"CN=bank\"",
}


def test_headers_prove_nothing(world):
    check_refusal(world.gateway("open", FORGED), 401)
    for dialled in (DENY, WORKLOAD, CREDENTIALS):
        check_refusal(world.captured("nobody", dialled, "open", FORGED), 401)
        check_refusal(world.captured("shop", dialled, "banks", FORGED), 403)
    check_refusal(world.gateway("banks", world.keys["shop"].bearer | FORGED), 403)


def test_headers_of_the_brokers_are_not_passed_on(world):
    answer = world.gateway("shops", world.keys["shop"].bearer | FORGED)
    assert answer.status == 200
    head = world.head()
    for name in ("x-service-group: gold-forged", "x-modelbroker-client: bank", "x-modelbroker-workload: /forged",
                 "x-modelbroker-pid: 1", "x-modelbroker-priority", "x-modelbroker-anything"):
        assert name.encode() not in head, head


def test_an_address_that_is_only_said_is_no_address(make, module_directory):
    """Limits of an address are of the one that the connection comes from."""
    key = new_key(module_directory / "address", "caller")
    engine = make.engine("--models", "*", *FAST)
    broker = make.broker(models={"m": [engine.url]}, clients={
        "caller": {"keys": [key.reference], "perAddress": {"requests": "3/h", "burst": 3}}}).start()
    statuses = []
    for number in range(6):
        forwarded = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}",
                     "X-Real-IP": f"203.0.113.{number}"}
        with Connection.to(*broker.gateway) as connection:
            answer = connection.request("POST", "/v1/chat/completions", chat("m"), key.bearer | forwarded)
        statuses.append(answer.status)
    assert statuses == [200] * 3 + [429] * 3
    assert "address" in answer.error["message"]


# A key that was copied.

def test_a_copied_key_is_a_conflict(world):
    key = world.keys["bank"].bearer
    error = check_refusal(world.captured("shop", DENY, "banks", key), 403, "identity_conflict")
    assert error["type"] == "permission_error"
    check_refusal(world.captured("shop", DENY, "open", key), 403, "identity_conflict")
    event = eventually(
        lambda: world.broker.events(kind="identity-conflict", pid=world.caller("shop").pid), 20, "the event")[-1]
    assert event["client"] == "shop" and "bank" in event.get("detail", "")
    assert world.keys["bank"].text not in json.dumps(event)


def test_the_rule_may_say_that_the_workload_counts(world):
    key = world.keys["bank"].bearer
    assert world.captured("shop", WORKLOAD, "shops", key).status == 200
    check_refusal(world.captured("shop", WORKLOAD, "banks", key), 403, "model_not_allowed")


def test_the_rule_may_say_that_the_credentials_count(world):
    key = world.keys["bank"].bearer
    assert world.captured("shop", CREDENTIALS, "banks", key).status == 200
    check_refusal(world.captured("shop", CREDENTIALS, "shops", key), 403, "model_not_allowed")
    token = bearer(world.token(sub="bank"))
    assert world.captured("shop", CREDENTIALS, "banks", token).status == 200


@pytest.mark.parametrize("dialled", [DENY, WORKLOAD, CREDENTIALS])
def test_ones_own_key_and_keys_for_others_are_no_conflict(world, dialled):
    assert world.captured("shop", dialled, "shops", world.keys["shop"].bearer).status == 200
    # What is no key of ours was meant for the server that was dialled.
    assert world.captured("shop", dialled, "shops", bearer("sk-for-the-server-dialled-123")).status == 200
    assert b"sk-for-the-server" not in world.head()
    assert world.captured("bank", dialled, "banks", world.keys["bank"].field).status == 200


def test_two_keys_in_one_request(world):
    shop, bank = world.keys["shop"], world.keys["bank"]
    check_refusal(world.gateway("open", shop.bearer | bank.field), 401)
    check_refusal(world.gateway("open", shop.field | {"x-api-key": bank.text}), 401)
    assert world.gateway("open", shop.bearer | shop.field).status == 200, "the same twice is one"


def test_a_token_and_a_key_of_different_clients(world):
    check_refusal(world.gateway("open", bearer(world.token(sub="bank")) | world.keys["shop"].field), 401)


def test_other_schemes(world):
    check_refusal(world.gateway("open", basic("shop", world.keys["shop"].text)), 401)
    check_refusal(world.gateway("open", {"Authorization": f"Digest {world.keys['shop'].text}"}), 401)
    assert world.captured("shop", DENY, "shops", basic("some", "body")).status == 200


@pytest.mark.parametrize("name", ["late", "early"])
@pytest.mark.parametrize("place", ["gateway", "own-workload", "nobodys-workload"])
def test_a_key_out_of_its_time(world, name, place):
    key = world.keys[name].bearer
    if place == "gateway":
        answer = world.gateway("open", key)
    else:
        answer = world.captured("shop" if place == "own-workload" else "nobody", DENY, "open", key)
    check_refusal(answer, 401)
    assert eventually(lambda: world.broker.events(kind="authentication-failed"), 20, "the event")


def test_a_key_within_its_time(world):
    assert world.gateway("shops", world.keys["current"].bearer).status == 200
    states = {key["id"]: key["state"] for key in world.broker.ask("key", "list")}
    assert (states["late"], states["early"], states["current"]) == ("expired", "early", "active")


@pytest.mark.parametrize("change", ["cut", "longer", "case", "spaces"])
def test_nearly_a_key(world, change):
    text = world.keys["shop"].text
    wrong = {"cut": text[:-1], "longer": text + "a", "case": text.swapcase(), "spaces": text[:5] + " " + text[5:]}[change]
    check_refusal(world.gateway("open", bearer(wrong)), 401)


def test_a_key_is_made_and_revoked_live(world):
    broker = world.broker
    secret = broker.cli("key", "new", "bank", "--id", "madenow234", "--expires", "90d").stdout.strip().splitlines()[-1].split()[-1]
    assert secret.startswith("mb_madenow234_")

    def works():
        return world.gateway("banks", bearer(secret)).status == 200

    eventually(works, 20, "the new key being known", 0.05)
    with Connection.to(*broker.gateway) as connection:
        request = ("POST", "/v1/chat/completions", chat("banks"), bearer(secret))
        assert connection.request(*request).status == 200
        broker.cli("key", "revoke", "madenow234")
        # Once the command has ended nobody gets in with it any more, on old connections either.
        check_refusal(connection.request(*request), 401)
    check_refusal(world.gateway("banks", bearer(secret)), 401)
    # A workload is who it is without it: a key that is nobody's is taken for one of the server that was dialled.
    assert world.captured("bank", DENY, "banks", bearer(secret)).status == 200
    assert broker.events(kind="key-created") and broker.events(kind="key-revoked")
    assert "madenow234" not in {key["id"] for key in broker.ask("key", "list")}


def test_a_made_key_survives_the_agent(world):
    broker = world.broker
    secret = broker.cli("key", "new", "bank").stdout.strip().splitlines()[-1].split()[-1]
    eventually(lambda: world.gateway("banks", bearer(secret)).status == 200, 20, "the new key being known", 0.05)
    broker.kill_agent()
    assert world.gateway("banks", bearer(secret)).status == 200, "the proxy knows it"
    broker.launch()
    broker.wait_ready()
    assert world.gateway("banks", bearer(secret)).status == 200
    assert secret not in (broker.state_directory / "keys.json").read_text()


# Forged tokens.

def hs256(world, secret: bytes, **header) -> str:
    """Signed with a secret that everybody can know."""
    signer = Signer(None, "HS256", secret=secret)
    return world.token({"alg": "HS256", "kid": "rsa"} | header, signer)


def none(world, spelling: str) -> str:
    return unsigned({"alg": spelling, "typ": "JWT"}, {"iss": ISSUER, "aud": AUDIENCE, "sub": "bank"} | lifetime()) + "."


def tampered(world) -> str:
    """The bank's claims under the shop's signature."""
    head, _, signature = world.token().split(".")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "bank"} | lifetime()
    return f"{head}.{base64url(json.dumps(claims).encode())}.{signature}"


def embedded(world) -> str:
    """It brings the key along that it is signed with."""
    return world.token({"jwk": world.stranger.jwk, "kid": None}, world.stranger, sub="bank")


def nonsense(world) -> str:
    head, _, signature = world.token().split(".")
    return f"{head}.{base64url(b'not json')}.{signature}"


FORGERIES = {
    "none": lambda world: none(world, "none"), "None": lambda world: none(world, "None"), "NONE": lambda world: none(world, "NONE"),
    "empty-algorithm": lambda world: none(world, ""),
    "public-key-as-secret": lambda world: hs256(world, world.rsa.public.read_bytes()),
    "public-key-without-line-end": lambda world: hs256(world, world.rsa.public.read_bytes().strip()),
    "modulus-as-secret": lambda world: hs256(world, world.rsa.jwk["n"].encode()),
    "empty-secret": lambda world: hs256(world, b""),
    "rsa-said-to-be-ec": lambda world: world.token({"alg": "ES256"}),
    "ec-said-to-be-rsa": lambda world: world.token({"alg": "RS256", "kid": "rsa"}, world.ec),
    "kid-of-the-other-key": lambda world: world.token({"kid": "ec"}),
    "stranger": lambda world: world.token(signer=world.stranger, sub="bank"),
    "stranger-with-our-kid": lambda world: world.token({"kid": "rsa"}, world.stranger, sub="bank"),
    "own-key-inside": embedded, "tampered": tampered, "nonsense": nonsense,
    "without-signature": lambda world: world.token().rsplit(".", 1)[0] + ".",
    "critical-extension": lambda world: world.token({"crit": ["exp"], "b64": False}),
    "expired": lambda world: world.token(iat=int(time.time()) - 7200, exp=int(time.time()) - 60),
    "never-ends": lambda world: world.token(exp=None),
    "end-is-text": lambda world: world.token(exp="4102444800"),
    "not-yet": lambda world: world.token(nbf=int(time.time()) + 600),
    "from-the-future": lambda world: world.token(iat=int(time.time()) + 600),
    "other-audience": lambda world: world.token(aud="another-service"),
    "no-audience": lambda world: world.token(aud=None),
    "nobodys-claims": lambda world: world.token(sub="visitor"),
    "claim-is-a-pattern": lambda world: world.token(sub="*"),
}


UNREADABLE = {"nonsense"}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token(world, forgery):
    """On every entrance, whoever the workload is: it pretends to be of an issuer whom we know."""
    token = FORGERIES[forgery](world)
    for _ in range(2):
        check_refusal(world.gateway("open", bearer(token)), 401)
    check_refusal(world.captured("nobody", DENY, "open", bearer(token)), 401)
    # What cannot be read says of no issuer of ours that it is from there: it may be for the server that was dialled.
    status = 200 if forgery in UNREADABLE else 401
    assert world.captured("shop", WORKLOAD, "shops", bearer(token)).status == status
    assert world.gateway("shops", bearer(world.token())).status == 200, "a good one is believed"


def test_a_token_of_an_unknown_issuer(world):
    token = world.token(iss="https://elsewhere.test")
    check_refusal(world.gateway("open", bearer(token)), 401)
    assert world.captured("shop", DENY, "shops", bearer(token)).status == 200, "it is for the server that was dialled"


@pytest.mark.parametrize("token", [
    "eyJ.eyJ.eyJ", "eyJhbGciOiJub25lIn0..", "a.b.c", "...", "eyJ" + "A" * 20_000 + ".e.f", "eyJhbGciOiJSUzI1NiJ9.\x7f.x",
])
def test_hostile_tokens(world, token):
    answer = world.gateway("open", bearer(token))
    assert answer.status in (400, 401, 431), answer.body
    assert world.gateway("shops", world.keys["shop"].bearer).status == 200


def test_a_token_many_claims_deep(world):
    """Signed well, and with 900 objects in each other: parsing it must not cost the proxy its stack."""
    head, claims = json.dumps({"alg": "RS256", "kid": "rsa"}), '{"a":' * 900 + "1" + "}" * 900
    text = ".".join(base64url(part.encode()) for part in (head, claims))
    check_refusal(world.gateway("open", bearer(f"{text}.{base64url(world.rsa.signature(text.encode()))}")), 401)
    assert world.gateway("shops", bearer(world.token())).status == 200


# Moving house.

def test_a_connection_keeps_the_identity_it_was_made_with(make, world):
    """The kernel attests who called connect(), at that moment."""
    caller = make.caller(world.broker.application_cgroup("shop"))
    bank = world.broker.application_cgroup("bank")
    with Connection(caller.connect(*DENY)) as old:
        assert old.request("POST", "/v1/chat/completions", chat("shops")).status == 200
        (bank / "cgroup.procs").write_text(str(caller.pid))
        assert old.request("POST", "/v1/chat/completions", chat("shops")).status == 200
        check_refusal(old.request("POST", "/v1/chat/completions", chat("banks")), 403)
        with Connection(caller.connect(*DENY)) as new:
            assert new.request("POST", "/v1/chat/completions", chat("banks")).status == 200
            check_refusal(new.request("POST", "/v1/chat/completions", chat("shops")), 403)
        assert old.request("POST", "/v1/chat/completions", chat("shops")).status == 200


def test_a_socket_that_is_handed_on_stays_whose_it_was(world):
    """The process that reads and writes here is in no captured cgroup at all."""
    with Connection(world.caller("bank").connect(*DENY)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("banks")).status == 200
        check_refusal(connection.request("POST", "/v1/chat/completions", chat("shops")), 403)


def test_dialling_the_capture_port_is_not_a_way_in(make, module_directory):
    """Of a pod that is not captured, and of one that is: the listener takes only what the kernel has redirected."""
    node, pod = make.namespace(), make.namespace()
    join(node, pod)
    key = new_key(module_directory / "pod", "pod")
    make.engine("--models", "m", *FAST, port=9101, netns=node.name)
    broker = make.broker(
        capture=[{"name": "llm", "to": ["10.200.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}],
        models={"m": ["http://127.0.0.1:9101"]}, node={"podAddress": ["169.254.77.1"]}, netns=node.name)
    below = cgroups.below_mount(broker.cgroup)
    broker.config["clients"] = {"pod": {"workloads": [f"{below}/pod"], "keys": [key.reference]}}
    broker.write_config()
    broker.start()
    port = broker.listen4[1]
    pod.ip("route", "replace", "169.254.77.1/32", "via", "10.77.1.1")
    captured = make.caller(broker.application_cgroup("pod"), netns=pod.name)
    outside = make.caller(make.cgroup(), netns=pod.name)
    with Connection(captured.connect("10.200.0.10", 8000)) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m")).status == 200, "the way in"
    before = broker.status()["proxy"]["withoutOrigin"]
    refused = 0
    for caller in (captured, outside):
        for host in ("169.254.77.1", "10.77.1.1"):
            with caller.dial(host, port, timeout=3) as call:
                if call.errno:
                    assert call.errno in (errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH), call.errno
                    continue
                refused += 1
                with Connection(call.socket) as connection:
                    connection.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.text.encode() + b"\r\n\r\n")
                    assert connection.at_end(), "not a byte of an answer, whatever the key"
    assert refused >= 2
    eventually(lambda: broker.status()["proxy"]["withoutOrigin"] >= before + refused, 20, "them being counted")
