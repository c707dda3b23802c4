"""What the broker tells others by itself: metrics by remote write and OTLP, traces, events."""

import base64
import json
import re
import time

import pytest
from harness.broker import resident_kib
from harness.collector import Collector, metrics, series
from harness.http1 import Connection, chat, request_bytes
from harness.tls import Authority
from harness.waiting import eventually

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WRITE = "/api/v1/write"
#: What changes from one look to the next whatever happens.
RESTLESS = re.compile(r"modelbroker_(proxy_(cpu|uptime|resident|open)|kernel_events|export_|endpoint_|events_)")


@pytest.fixture(scope="module")
def collector():
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "20ms", "--itl", "1ms", "--tokens", 4)


@pytest.fixture(scope="module")
def flaky(shared):
    return shared.engine("--models", "*", "--ttft", "0ms", "--itl", "0ms", "--tokens", 2)


@pytest.fixture(scope="module")
def broker(shared, module_directory, collector, engine, flaky):
    secret = module_directory / "token"
    secret.write_text("Bearer t0ken-of-ours\n")
    gateway = Authority(module_directory / "authority").issue("gateway", "DNS:localhost,IP:127.0.0.1", days=20)
    headers = {"Authorization": f"${{file:{secret}}}", "X-Scope-OrgID": "us"}
    broker = shared.broker(
        details={
            "m": {"endpoints": [{"url": engine.url, "upstreamModel": "meta/m"}]},
            "retried": {"endpoints": [{"url": flaky.url}, {"url": engine.url}], "strategy": "priority", "health": "off",
                        "retry": {"attempts": 3}},
            "narrow": {"endpoints": [{"url": engine.url, "maxInFlight": 1}], "health": "off"}})
    tls = {"listen": f"127.0.0.1:{broker.listen4[1]}", "tls": {"certificate": str(gateway[0]), "key": str(gateway[1])}}
    broker.config["node"] |= {
        "listen": [f"[::1]:{broker.listen6[1]}"], "gateway": [broker.config["node"]["gateway"], tls],
        "remoteWrite": {"url": collector.url + WRITE, "interval": "1s", "timeout": "2s", "headers": headers,
                        "labels": {"cluster": "eu-1"}},
        "otlp": {"endpoint": collector.url, "timeout": "2s", "traces": {"sample": 0}, "metrics": {"interval": "1s"},
                 "attributes": {"deployment.environment.name": "test"}},
        "events": {"file": str(module_directory / "events.jsonl"), "stdout": True,
                   "webhook": {"url": collector.url + "/events", "timeout": "2s", "batch": 3, "wait": "100ms"}}}
    broker.write_config()
    return broker.start()


def ask(broker, body=None, fields=None, status=200):
    with Connection.to(*broker.gateway) as http:
        answer = http.request("POST", "/v1/chat/completions", body or chat("m"), fields or {})
        assert answer.status == status, answer.body
        return answer


def traced(flags="01", trace=TRACE):
    return {"traceparent": f"00-{trace}-{PARENT}-{flags}"}


def told(engine) -> list[str]:
    """The trace of the last request that the engine got: its id, the span, the flags."""
    head = base64.b64decode(engine.last()["head"]).decode()
    lines = re.findall(r"(?mi)^traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\r$", head)
    assert len(lines) == 1, head
    return list(lines[0])


def spans_of(collector, trace, count):
    return eventually(lambda: len(found := [span for span in collector.spans() if span.trace == trace]) >= count and found, 10,
                      lambda: f"{count} spans of {trace}; there are {collector.spans()}")


def report(broker, name) -> dict:
    return next(entry for entry in broker.status()["exports"] if entry["name"] == name)


def page(broker) -> dict[tuple, float]:
    """The metrics page: values by labels, as remote write has them."""
    found = {}
    for line in broker.admin_get("/metrics")[1].splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"([a-zA-Z_0-9]+)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'([a-zA-Z_0-9]+)="((?:[^"\\]|\\.)*)"', labels or "")
        found[tuple(sorted([("__name__", name)] + [pair for pair in pairs if pair[1]]))] = float(value)
    return found


# Metrics

def test_remote_write_has_what_the_page_has(broker, collector):
    ask(broker, chat("m", stream=True))
    shown = page(broker)
    before = len(collector.posts)

    def same():
        for body in collector.bodies(WRITE)[-3:]:
            written = {}
            for labels, samples in series(body).items():
                assert len(samples) == 1 and abs(samples[0][1] / 1000 - time.time()) < 60
                outer = dict(labels)
                assert (outer.pop("job"), outer.pop("cluster")) == ("modelbroker", "eu-1") and outer.pop("instance")
                written[tuple(sorted(outer.items()))] = samples[0][0]
            quiet = {labels: value for labels, value in shown.items() if not RESTLESS.match(dict(labels)["__name__"])}
            if quiet.items() <= written.items() and set(shown) <= set(written):
                return written
        return None

    written = eventually(same, 15, lambda: f"the page's figures arriving; {len(collector.posts) - before} posts", 0.2)
    assert written[(("__name__", "gen_ai_server_request_duration_seconds_count"), ("model", "m"))] >= 1
    head = collector.heads(WRITE)[-1]
    assert head["content-encoding"] == "snappy" and head["content-type"] == "application/x-protobuf"
    assert head["x-prometheus-remote-write-version"] == "0.1.0"
    assert head["authorization"] == "Bearer t0ken-of-ours" and head["x-scope-orgid"] == "us"
    assert "t0ken-of-ours" not in json.dumps(broker.status()) + broker.cli("status").stdout + broker.agent.output()


def test_otlp_metrics(broker, collector):
    ask(broker, chat("m", stream=True))

    def found():
        bodies = collector.bodies("/v1/metrics")
        return bodies and "gen_ai.server.request.duration" in (latest := metrics(bodies[-1])) and latest

    latest = eventually(found, 10, "the metrics")
    duration = latest["gen_ai.server.request.duration"]
    assert (duration["kind"], duration["unit"]) == ("histogram", "s")
    assert [attributes for attributes, count in duration["points"] if count >= 1] == [{"gen_ai.request.model": "m"}]
    requests = latest["modelbroker_model_requests_total"]
    assert requests["kind"] == "sum" and ({"model": "m"}, requests["points"][0][1]) in requests["points"]
    assert latest["modelbroker_ready"]["points"] == [({}, 1)]


def test_when_certificates_expire(broker):
    expiry = {labels: value for labels, value in page(broker).items()
              if dict(labels)["__name__"] == "modelbroker_certificate_expiry_timestamp_seconds"}
    (labels, value), = expiry.items()
    assert dict(labels)["use"] == "gateway" and 19 < (value - time.time()) / 86_400 < 21
    assert re.search(r"expires +\S+ \(gateway\) in (19|20) days", broker.cli("status").stdout)


# Traces

def test_a_trace_goes_on_through_the_broker(broker, collector, engine):
    answer = ask(broker, chat("m", stream=True), traced() | {"tracestate": "vendor=1", "x-request-id": "mine"})
    assert b"meta/m" not in answer.body
    trace, sender, flags = told(engine)
    assert (trace, flags) == (TRACE, "01")
    head = base64.b64decode(engine.last()["head"]).decode().lower()
    assert "tracestate: vendor=1\r\n" in head
    attempt, request = sorted(spans_of(collector, TRACE, 2), key=lambda span: -span.kind)
    assert (request.kind, request.parent, request.name, request.state) == (2, PARENT, "chat m", "vendor=1")
    assert (attempt.kind, attempt.parent, attempt.id, attempt.name) == (3, request.id, sender, "chat meta/m")
    assert request.start <= attempt.start <= attempt.end <= request.end and request.end - request.start >= 20_000_000
    assert abs(request.end / 1e9 - time.time()) < 60
    usage = engine.usage()["meta/m"]
    wanted = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.model": "meta/m",
        "http.request.method": "POST", "url.path": "/v1/chat/completions", "http.response.status_code": 200,
        "modelbroker.attempts": 1, "modelbroker.entrance": "gateway", "modelbroker.request.id": "mine",
        "server.port": broker.gateway[1], "gen_ai.usage.output_tokens": 4}
    assert wanted.items() <= request.attributes.items(), request.attributes
    assert request.attributes["gen_ai.usage.input_tokens"] > 0 and usage["completion_tokens"] % 4 == 0
    assert 0.02 <= request.attributes["modelbroker.time_to_first_token"] < 5
    assert "error.type" not in request.attributes and request.status == 0 and request.events == ["first_token"]
    assert attempt.attributes["server.port"] == engine.port and attempt.attributes["modelbroker.endpoint"] == engine.url
    assert request.resource["service.name"] == "modelbroker" and request.resource["deployment.environment.name"] == "test"


def test_each_attempt_is_told(broker, collector, engine, flaky):
    trace = "1" * 32
    flaky.fault(percent=100, status=503)
    ask(broker, chat("retried"), traced(trace=trace))
    flaky.fault()
    spans = spans_of(collector, trace, 3)
    request = next(span for span in spans if span.kind == 2)
    attempts = sorted((span for span in spans if span.kind == 3), key=lambda span: span.start)
    assert [span.attributes.get("error.type") for span in attempts] == ["503", None]
    assert [span.attributes["server.port"] for span in attempts] == [flaky.port, engine.port]
    assert all(span.parent == request.id for span in attempts) and attempts[0].status == 2
    assert told(engine)[1] == attempts[1].id and told(flaky)[1] == attempts[0].id
    assert request.attributes["modelbroker.attempts"] == 2 and request.status == 0


def test_what_is_not_sampled_goes_on_and_is_not_told(broker, collector, engine):
    ask(broker, fields=traced("00", trace="2" * 32))
    assert told(engine)[::2] == ["2" * 32, "00"]
    ask(broker)
    assert told(engine)[2] == "00"
    ask(broker, fields={"traceparent": "nonsense", "tracestate": "a=1"})
    head = base64.b64decode(engine.last()["head"]).decode().lower()
    assert told(engine)[2] == "00" and "nonsense" not in head and "tracestate" not in head
    ask(broker, chat("nope"), traced(trace="3" * 32), status=404)
    refused, = spans_of(collector, "3" * 32, 1)
    assert refused.attributes["error.type"] == "model_not_found" and refused.attributes["http.response.status_code"] == 404
    assert not [span for span in collector.spans() if span.trace == "2" * 32]


def test_waiting_in_line_is_told(broker, collector):
    trace = "4" * 32
    with Connection.to(*broker.gateway) as first, Connection.to(*broker.gateway) as second:
        bodies = chat("narrow", stream=True)
        first.send(request_bytes("POST", "/v1/chat/completions", bodies))
        eventually(lambda: any(flow["model"] == "narrow" for flow in broker.ask("flow", "list")), 10, "the first one being served")
        assert second.request("POST", "/v1/chat/completions", bodies, traced(trace=trace)).status == 200
        first.response("POST")
    request = next(span for span in spans_of(collector, trace, 2) if span.kind == 2)
    assert request.attributes.get("modelbroker.queue.wait", 0) >= 0


# Events

def test_events_go_everywhere(broker, collector, engine, module_directory):
    broker.cli("endpoint", "drain", engine.url)
    broker.cli("endpoint", "enable", engine.url)

    def found(events):
        return [event for event in events if event["kind"] == "endpoint-drained"]

    def lines(text):
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    eventually(lambda: found(collector.events()), 10, "the event at the webhook")
    eventually(lambda: found(lines((module_directory / "events.jsonl").read_text())), 10, "the event in the file")
    eventually(lambda: found(lines(broker.agent.output())), 10, "the event on stdout")
    shown = found(broker.ask("events", "--last", "1000"))
    assert shown and found(collector.events()) == shown
    assert any(event["kind"] == "proxy-started" for event in collector.events()), "what was there before"
    for body in collector.bodies("/events"):
        batch = json.loads(body)
        assert batch["node"] and 1 <= len(batch["events"]) <= 3


# Receivers that do not do as they should

def test_what_failed_comes_again_and_what_is_refused_does_not(broker, collector):
    collector.status, collector.more = 429, {"Retry-After": "2"}
    eventually(lambda: any(path == WRITE for path, _ in collector.turned_away), 10, "a request being turned away")
    since = len(collector.posts)
    eventually(lambda: report(broker, "remote-write").get("fault") == "status 429", 5, "the fault being told")
    assert "remote-write to" in broker.cli("status").stdout and "FAILING: status 429" in broker.cli("status").stdout
    times = [at for path, at in collector.turned_away if path == WRITE]
    assert len(times) == 1, "it was asked for two seconds"
    collector.status, collector.more = 200, {}
    eventually(lambda: any(path == WRITE for path, *_ in collector.posts[since:]), 10, "what waited")
    first = next(at for path, _, _, at in collector.posts[since:] if path == WRITE)
    assert first - times[0] >= 1.9
    collector.status = 400
    refused = report(broker, "remote-write")["refused"]
    eventually(lambda: report(broker, "remote-write")["refused"] > refused, 10, "being refused")
    collector.status = 200
    eventually(lambda: report(broker, "remote-write").get("fault") is None, 10, "being taken again")


def test_receivers_that_hang_cost_traffic_nothing(broker, collector, engine):
    """Every request is told, nobody takes it: answers stay as quick, memory stays bounded, losses are counted."""
    broker.config["node"]["otlp"] |= {"traces": {"sample": 1}, "buffer": "64KiB"}
    broker.write_config()
    eventually(lambda: told_after(broker, engine) == "01", 10, "the new configuration")
    collector.hold.clear()
    try:
        before = resident_kib(broker.agent.popen.pid)
        with Connection.to(*broker.gateway) as http:
            slowest = 0
            deadline = time.monotonic() + 10
            while report(broker, "otlp-traces")["dropped"] == 0 and time.monotonic() < deadline:
                for _ in range(50):
                    start = time.monotonic()
                    assert http.request("GET", "/v1/models").status == 200
                    slowest = max(slowest, time.monotonic() - start)
        traces = report(broker, "otlp-traces")
        assert traces["dropped"] > 0 and traces["waitingBytes"] <= 64 << 10
        assert slowest < 1, slowest
        assert resident_kib(broker.agent.popen.pid) - before < 16 << 10
        assert 'modelbroker_export_items_total{export="otlp-traces",outcome="dropped"}' in broker.admin_get("/metrics")[1]
    finally:
        collector.hold.set()
    eventually(lambda: report(broker, "otlp-traces").get("fault") is None, 20, "being taken again")


def told_after(broker, engine) -> str:
    ask(broker)
    return told(engine)[2]


def test_nobody_is_told_any_more(broker, collector, engine):
    for key in ("remoteWrite", "otlp", "events"):
        del broker.config["node"][key]
    broker.write_config()
    eventually(lambda: broker.status()["exports"] == [], 10, "the end of it")
    ask(broker, fields=traced() | {"tracestate": "a=1"})
    head = base64.b64decode(engine.last()["head"]).decode()
    assert f"traceparent: 00-{TRACE}-{PARENT}-01\r\n" in head and "tracestate: a=1\r\n" in head
    eventually(lambda: collector.hold.is_set(), 1)
    count = len(collector.posts)
    ask(broker)
    assert len(collector.posts) - count <= 1, "at most what was under way"
