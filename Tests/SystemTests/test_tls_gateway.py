"""The gateway behind TLS: usual clients, certificates on both sides, renewal under load, and what is no TLS at all."""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import threading
import time

import openai
import pytest
from harness.broker import descriptors
from harness.credentials import check_refusal, new_key
from harness.http1 import Broken, Connection, chat, request_bytes
from harness.places import free_port
from harness.processes import run
from harness.tls import Authority
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "8")


class World:
    """A broker with a plain gateway and one behind TLS."""

    def __init__(self, make, directory, clients=None, node=None, engine=None, **tls):
        self.directory = directory
        self.authority = Authority(directory / "ca")
        self.certificate, self.key = directory / "gateway.pem", directory / "gateway.key"
        self.renew("first")
        self.engine = engine or make.engine("--models", "*", "--name", "one", *FAST)
        self.address = ("127.0.0.1", free_port())
        self.broker = make.broker(models={"m": [self.engine.url]}, clients=clients, node=node)
        entry = {"certificate": str(self.certificate), "key": str(self.key)} | tls
        if entry.pop("mutual", False):
            entry |= {"clientCA": str(self.authority.certificate)}
        self.broker.config["node"]["gateway"] = [
            f"127.0.0.1:{self.broker.gateway[1]}", {"listen": f"127.0.0.1:{self.address[1]}", "tls": entry}]
        self.broker.write_config()
        self.broker.start()

    def renew(self, name: str, days: int = 30) -> None:
        """A new certificate and key in the place of the old, each in one step: for a moment they do not belong together."""
        issued = self.authority.issue(name, "DNS:localhost,IP:127.0.0.1", days)
        for source, target in zip(issued, (self.certificate, self.key), strict=True):
            temporary = target.with_suffix(".new")
            shutil.copy(source, temporary)
            temporary.chmod(0o600)
            temporary.rename(target)

    def context(self, certificate=None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def dial(self, context=None, timeout: float = 10) -> ssl.SSLSocket:
        plain = socket.create_connection(self.address, timeout)
        try:
            return (context or self.context()).wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def ask(self, context=None, fields=None, body=None):
        with Connection(self.dial(context)) as connection:
            return connection.request("POST", "/v1/chat/completions", body or chat("m"), fields)

    def subject(self) -> str:
        """Of the certificate that is presented now."""
        with self.dial() as connection:
            return dict(pair for part in connection.getpeercert()["subject"] for pair in part)["commonName"]


@pytest.fixture(scope="module")
def world(shared, module_directory):
    return World(shared, module_directory / "world", node={"timeouts": {"head": "2s"}})


@pytest.fixture(scope="module")
def url(world):
    return f"https://localhost:{world.address[1]}"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("stream", [False, True])
def test_curl(world, url, version, stream):
    body = json.dumps(chat("m", stream=stream))
    answer = run(["curl", "-sSN", "-m", "10", f"--tlsv{version}", "--tls-max", version, "--cacert", world.authority.certificate,
                  "--resolve", f"localhost:{world.address[1]}:127.0.0.1", "-H", "Content-Type: application/json", "-d", body,
                  "-w", "\n%{http_version} %{http_code} %{ssl_verify_result}", f"{url}/v1/chat/completions"]).stdout
    text, _, facts = answer.rpartition("\n")
    assert facts == "1.1 200 0"
    assert text.endswith("data: [DONE]\n\n") if stream else json.loads(text)["choices"]


@pytest.fixture
def sdk(world, url):
    http = openai.DefaultHttpxClient(verify=world.context())
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=10, http_client=http) as client:
        yield client


def test_the_sdk(sdk):
    message = [{"role": "user", "content": "hello"}]
    assert sdk.chat.completions.create(model="m", messages=message).choices[0].message.content.startswith("engine=one")
    stream = sdk.chat.completions.create(model="m", messages=message, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices).startswith("engine=one")
    assert "m" in [model.id for model in sdk.models.list()]
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.chat.completions.create(model="nobody", messages=message)
    assert caught.value.code == "model_not_found" and caught.value.request_id


def test_the_sdk_without_blocking(world, url):
    import asyncio

    async def ask():
        http = openai.DefaultAsyncHttpxClient(verify=world.context())
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=20, http_client=http) as client:
            message = [{"role": "user", "content": "hello"}]
            answers = await asyncio.gather(*(client.chat.completions.create(model="m", messages=message) for _ in range(40)))
            return [answer.choices[0].finish_reason for answer in answers]

    assert asyncio.run(ask()) == ["stop"] * 40


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_and_alpn(world, version):
    context = world.context()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Connection(world.dial(context)) as connection:
        assert connection.socket.version() == version.name.replace("_", ".")
        # HTTP/2 is chosen only by those who speak it.
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            assert connection.request("POST", "/v1/chat/completions", chat("m")).status == 200, "and the connection lives on"


def test_old_versions_are_refused(world):
    for version in ("-tls1", "-tls1_1"):
        result = run(["openssl", "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", "localhost:%d" % world.address[1]],
                     check=False, input="")
        assert "Cipher is (NONE)" in result.stdout + result.stderr or result.returncode != 0


def test_only_http2_is_on_offer(world):
    context = world.context()
    context.set_alpn_protocols(["h2"])
    try:
        with world.dial(context) as connection:
            assert connection.selected_alpn_protocol() is None
    except (ssl.SSLError, ConnectionError):
        """A client that would speak HTTP/2 only is told at once."""


def test_large_bodies_both_ways(world):
    payload = os.urandom(3_000_000).hex()
    with Connection(world.dial(), timeout=60) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("m", payload))
        assert answer.status == 200 and "prompt=6000000" in answer.json["choices"][0]["message"]["content"]
    assert world.engine.last()["body_bytes"] > 6_000_000


def test_a_long_stream_is_whole(make, module_directory):
    engine = make.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", "3000", "--token-bytes", "2000")
    world = World(make, module_directory / "long", engine=engine)
    with Connection(world.dial(), timeout=60) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True)))
        answer = connection.response()
    assert answer.body.endswith(b"data: [DONE]\n\n") and len(answer.body) > 6_000_000
    assert hashlib.sha256(answer.body).hexdigest() == engine.last()["sent_sha256"]


def test_a_request_a_byte_at_a_time(world):
    with Connection(world.dial()) as connection:
        for byte in request_bytes("POST", "/v1/chat/completions", chat("m")):
            connection.send(bytes([byte]))
        assert connection.response().status == 200


def test_an_end_without_goodbye(world):
    """A client that is gone stops its stream; one that says goodbye gets one."""
    with Connection(world.dial()) as connection:
        assert connection.request("POST", "/v1/chat/completions", chat("m"), {"Connection": "close"}).status == 200
        assert connection.at_end() and not connection.reset, "it ends as TLS ends: anything else is a truncation"


def test_a_broken_stream_ends_loudly(make, module_directory):
    engine = make.engine("--models", "*", *FAST, "--drop-after", "3")
    world = World(make, module_directory / "broken", engine=engine)
    with Connection(world.dial()) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True)))
        with pytest.raises((Broken, ssl.SSLError, OSError)) as caught:
            connection.response()
    if isinstance(caught.value, Broken):
        assert b"[DONE]" not in caught.value.response.body


# Certificates of clients.

@pytest.fixture(scope="module")
def mutual(shared, module_directory):
    keys = {"shop": new_key(module_directory / "mutual-keys", "shop")}
    clients = {
        "shop": {"certificates": ["CN=shop,O=test"], "keys": [keys["shop"].reference]},
        "spiffe": {"certificates": ["uri:spiffe://test/ns/*"]},
        "named": {"certificates": ["dns:*.apps.test"]}, "mailed": {"certificates": ["email:batch@apps.test"]}}
    return World(shared, module_directory / "mutual", clients=clients, mutual=True, clientCertificates="optional")


@pytest.mark.parametrize("name, names, status", [
    ("/O=test/CN=shop", "DNS:x.test", 200), ("/O=other/CN=shop", "DNS:x.test", 401), ("/CN=shop", "DNS:x.test", 401),
    ("/O=test/OU=more/CN=shop", "DNS:x.test", 401),
    ("/CN=anything", "URI:spiffe://test/ns/default", 200), ("/CN=anything", "URI:spiffe://evil/ns/default", 401),
    ("/CN=anything", "DNS:one.apps.test", 200), ("/CN=one.apps.test", "DNS:other.test", 401),
    ("/CN=anything", "email:batch@apps.test", 200), ("/CN=anything", "DNS:other.test,DNS:two.apps.test", 200),
    ("/O=test/CN=shop\\,O=test", "DNS:x.test", 401),
])
def test_a_certificate_is_who_one_is(mutual, name, names, status):
    certificate = mutual.authority.issue(hashlib.sha256(f"{name} {names}".encode()).hexdigest()[:16], names, name=name)
    answer = mutual.ask(mutual.context(certificate))
    assert answer.status == status, answer.body


def test_no_certificate_is_no_proof_and_a_key_is(mutual):
    check_refusal(mutual.ask(), 401, "invalid_api_key")
    key = (mutual.directory.parent / "mutual-keys" / "shop.key").read_text().strip()
    assert mutual.ask(fields={"Authorization": f"Bearer {key}"}).status == 200


def test_a_certificate_and_a_key_of_different_clients(mutual):
    certificate = mutual.authority.issue("conflict", "DNS:one.apps.test", name="/CN=conflict")
    key = (mutual.directory.parent / "mutual-keys" / "shop.key").read_text().strip()
    answer = mutual.ask(mutual.context(certificate), {"Authorization": f"Bearer {key}"})
    check_refusal(answer, 403, "identity_conflict")


def refused(world, context) -> bool:
    """TLS 1.3's client learns with its first read what the server thinks of its certificate."""
    try:
        with Connection(world.dial(context)) as connection:
            answer = connection.request("POST", "/v1/chat/completions", chat("m"))
            return answer.status == 401 and None
    except (ssl.SSLError, ConnectionError, Broken):
        return True


@pytest.mark.parametrize("kind", ["another-authority", "self-signed", "expired"])
def test_a_certificate_that_does_not_verify(mutual, kind):
    name = "/O=test/CN=shop"
    if kind == "another-authority":
        certificate = Authority(mutual.directory / "other-ca", "test authority").issue("shop", "DNS:x.test", name=name)
    elif kind == "self-signed":
        certificate = mutual.directory / "self.pem", mutual.directory / "self.key"
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", name, "-out", certificate[0],
             "-keyout", certificate[1]])
    else:
        certificate = mutual.authority.issue("expired", "DNS:x.test", days=-1, name=name)
    assert refused(mutual, mutual.context(certificate)), "the handshake fails; it is not taken for none"


def test_a_certificate_is_required(make, module_directory):
    clients = {"shop": {"certificates": ["CN=shop,O=test"]}}
    world = World(make, module_directory / "required", clients=clients, mutual=True, clientCertificates="required")
    assert refused(world, world.context())
    certificate = world.authority.issue("shop", "DNS:x.test", name="/O=test/CN=shop")
    assert world.ask(world.context(certificate)).status == 200
    stranger = world.authority.issue("stranger", "DNS:x.test", name="/O=test/CN=stranger")
    check_refusal(world.ask(world.context(stranger)), 401)


# Certificates that change.

def test_a_certificate_is_renewed_under_load(make, module_directory):
    world = World(make, module_directory / "renewed", node={"timeouts": {"head": "5m", "keepAlive": "5m"}})
    over, failures, count = threading.Event(), [], [0]

    def hammer():
        while not over.is_set():
            try:
                assert world.ask().status == 200
                count[0] += 1
            except Exception as error:  # noqa: BLE001, handed to the test
                failures.append(error)

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    with Connection(world.dial()) as old:
        for thread in threads:
            thread.start()
        try:
            for number in range(5):
                world.renew(f"renewed-{number}")
                eventually(lambda: world.subject() == f"renewed-{number}", 20, "the new certificate", 0.05)
            eventually(lambda: count[0] > 20 or failures, what="enough requests")
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        assert old.request("POST", "/v1/chat/completions", chat("m")).status == 200, "open connections stay"
    assert not failures, (len(failures), failures[:3])


@pytest.mark.parametrize("what", ["rubbish", "empty", "another-key", "gone"])
def test_a_bad_certificate_keeps_the_last_good(make, module_directory, what):
    world = World(make, module_directory / f"bad-{what}")
    assert world.subject() == "first"
    if what == "gone":
        world.certificate.unlink()
    elif what == "another-key":
        _, key = world.authority.issue("other", "DNS:localhost")
        shutil.copy(key, world.key)
    else:
        world.certificate.write_text("rubbish\n" if what == "rubbish" else "")
    event = eventually(lambda: world.broker.events(kind="credentials-stale"), 20, "the event", 0.05)[0]
    assert any(word in json.dumps(event) for word in ("gateway", str(world.certificate), str(world.address[1]))), event
    assert world.subject() == "first" and world.ask().status == 200
    # A reload does not make it worse.
    world.broker.reload()
    assert world.ask().status == 200
    world.renew("good-again")
    eventually(lambda: world.subject() == "good-again", 20, "the good one", 0.05)
    eventually(lambda: world.broker.events(kind="credentials-renewed"), 20, "the event")


def test_doctor_names_certificates_that_end(make, module_directory):
    world = World(make, module_directory / "ending", mutual=True)

    def diagnosed() -> tuple[int, list[tuple[str, str, str]]]:
        result = world.broker.cli("doctor", "-j", check=False)
        checks = [check for check in json.loads(result.stdout) if check["name"].startswith("certificate")]
        return result.returncode, [(check["verdict"], check["name"], check["finding"]) for check in checks]

    code, [(verdict, name, finding)] = diagnosed()
    assert (code, verdict, name) == (0, "ok", "certificates") and finding.startswith("2 files, valid until 20")
    file = f"certificate {world.certificate}"
    world.renew("ending", days=10)
    code, [(verdict, name, finding)] = diagnosed()
    assert (code, verdict, name) == (0, "warn", file), finding
    assert re.match("gateway, CN=ending, expires in (9|10) days, on 20", finding), finding
    world.renew("over", days=0)
    code, [(verdict, name, finding)] = eventually(
        lambda: (found := diagnosed())[1][0][0] == "fail" and found, 10, "its second being over", 0.1)
    assert (code, name) == (1, file) and finding.startswith("gateway, CN=over, has expired on 20"), finding
    assert f"{world.certificate} (gateway) HAS EXPIRED" in world.broker.cli("status").stdout


def test_a_proxy_that_starts_anew_has_the_certificate(make, module_directory):
    import signal

    world = World(make, module_directory / "again")
    os.kill(world.broker.proxy_pid, signal.SIGKILL)

    def works():
        try:
            return world.ask().status == 200
        except (OSError, Broken):
            return False

    eventually(works, 20, "the gateway being back", 0.05)
    world.broker.kill_agent()
    assert world.ask().status == 200, "without an agent, too"


# What is no TLS.

def test_plain_http_on_the_tls_port(world):
    """It is told, or the connection ends; nothing is answered as if it were encrypted, and nothing hangs."""
    before = world.engine.report()["count"]
    with Connection.to(*world.address) as connection:
        connection.send(request_bytes("POST", "/v1/chat/completions", chat("m")))
        data = connection.rest()
    assert not data or data[0] == 0x15 or data.startswith(b"HTTP/1.1 400 "), data
    assert world.engine.report()["count"] == before


def test_tls_on_the_plain_port(world):
    plain = socket.create_connection(world.broker.gateway, 10)
    with plain, pytest.raises((ssl.SSLError, ConnectionError)):
        world.context().wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("data", [
    b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16\x03\x01\xff\xff" + b"\0" * 65535, os.urandom(4096),
    b"\x15\x03\x01\x00\x02\x02\x28", b"\x80\x2e\x01\x00\x02" + b"\0" * 44,
], ids=["silence", "a-byte", "a-beginning", "too-long", "noise", "an-alert", "ssl2"])
def test_handshakes_that_do_not_come_to_an_end(world, data):
    """They end with the time for a head at the latest, and cost nothing."""
    with Connection.to(*world.address) as connection:
        connection.socket.settimeout(20)
        connection.send(data)
        began = time.monotonic()
        connection.rest()
        assert time.monotonic() - began < 10
    assert world.ask().status == 200


def test_many_handshakes_that_break_leave_nothing(world):
    pid = world.broker.proxy_pid
    eventually(lambda: world.broker.status()["proxy"]["openConnections"] == 0, 20, "the connections being closed", 0.1)
    before = descriptors(pid)

    def breaks(number):
        with socket.create_connection(world.address, 10) as connection:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            machine = world.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            try:
                machine.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read()[:number])
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(breaks, range(0, 600, 5)))
    eventually(lambda: descriptors(pid) <= before + 2, 20, lambda: f"{descriptors(pid)} descriptors becoming {before}", 0.1)
    assert world.ask().status == 200


def test_renegotiation_is_refused(world):
    """A client of TLS 1.2 could make the server work for nothing."""
    result = run(["openssl", "s_client", "-tls1_2", "-connect", "localhost:%d" % world.address[1], "-CAfile", world.authority.certificate],
                 check=False, input="R\n", timeout=20)
    assert "RENEGOTIATING" not in result.stdout or "no renegotiation" in (result.stdout + result.stderr).lower() or result.returncode != 0


def test_a_certificate_that_is_missing_at_start(make, module_directory):
    """One sentence that says which; nothing is left."""
    broker = make.broker(models={})
    missing = module_directory / "nowhere.pem"
    broker.config["node"]["gateway"] = [{
        "listen": f"127.0.0.1:{free_port()}", "tls": {"certificate": str(missing), "key": str(missing)}}]
    broker.write_config()
    broker.launch()
    eventually(lambda: str(missing) in broker.agent.output(), 20, lambda: f"it being said:\n{broker.agent.output()}", 0.05)
