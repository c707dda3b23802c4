"""What the metrics page says, to promtool, to a Prometheus that scrapes it, to the alert rules and to the dashboard."""

import json
import re

import pytest
import yaml
from harness.credentials import new_key
from harness.http1 import Connection, chat
from harness.prometheus import OBSERVE, Prometheus, promtool
from harness.waiting import eventually

pytestmark = pytest.mark.guest

#: What Grafana puts into a query.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$model": ".*"}
NAME = re.compile(r"\b(?:modelbroker|gen_ai)_[a-z0-9_]+\b")
#: Labels that look like names.
LABELS = {"gen_ai_token_type"}


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "3ms", "--itl", "2ms", "--tokens", 8)


@pytest.fixture(scope="module")
def key(module_directory):
    return new_key(module_directory / "keys", "caller")


@pytest.fixture(scope="module")
def broker(shared, engine, key):
    """Its proxy is ours to stop: nobody starts another one."""
    broker = shared.broker(
        node={"proxy": "external"}, models={"m": [engine.url], "limited": [engine.url]},
        details={"limited": {"qos": {"requests": "1/m", "burst": 1}}, "m": {"maxInFlight": 64}},
        pools={"chat": {"models": ["m"]}},
        clients={"caller": {"keys": [key.reference], "quotas": {"day": {"requests": 10}}}},
        more={"groups": {"gold": {"weight": 2}}})
    broker.launch()
    eventually(lambda: (broker.run_directory / "proxy.sock").exists(), 20, "the agent's socket", 0.05)
    broker.start_external_proxy()
    broker.wait_ready()
    with Connection.to(*broker.gateway) as http:
        for model in ("m", "chat", "m"):
            answer = http.request("POST", "/v1/chat/completions", chat(model, stream=True), key.bearer)
            assert answer.status == 200 and b"[DONE]" in answer.body
        for status in (200, 429):
            assert http.request("POST", "/v1/chat/completions", chat("limited"), key.bearer).status == status
        assert http.request("POST", "/v1/chat/completions", chat("m")).status == 401
    return broker


@pytest.fixture
def page(broker):
    status, text = broker.admin_get("/metrics")
    assert status == 200
    return text


def families(page: str) -> set[str]:
    return set(re.findall(r"(?m)^# TYPE (\S+) ", page))


def value(page: str, sample: str) -> float:
    found = [line.rsplit(" ", 1)[1] for line in page.splitlines() if line.rsplit(" ", 1)[0] == sample]
    assert len(found) == 1, (sample, page)
    return float(found[0])


def expressions(panel) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


def dashboard() -> list[str]:
    """Every query of the dashboard, variables filled in."""
    parts = json.loads((OBSERVE / "dashboard.json").read_text())
    queries = [query for panel in parts["panels"] for query in expressions(panel)]
    assert len(queries) > 40
    for variable, text in VARIABLES.items():
        queries = [query.replace(variable, text) for query in queries]
    return queries


def rules() -> dict:
    return yaml.safe_load((OBSERVE / "alerts.yaml").read_text())


def test_promtool_is_content_with_the_page(page):
    said = promtool("check", "metrics", text=page)
    assert said == "", said


def test_the_conventions_histograms_count(page):
    assert value(page, 'gen_ai_server_request_duration_seconds_count{model="m"}') == 3
    assert value(page, 'gen_ai_server_time_to_first_token_seconds_count{model="m"}') == 3
    assert value(page, 'modelbroker_model_dispatch_seconds_count{model="m"}') == 3
    first = value(page, 'gen_ai_server_time_to_first_token_seconds_sum{model="m"}')
    assert 3 * 0.003 <= first < value(page, 'gen_ai_server_request_duration_seconds_sum{model="m"}')
    assert value(page, 'modelbroker_proxy_cpu_seconds_total') > 0
    assert value(page, 'modelbroker_pool_endpoints{pool="chat",state="active"}') == 1
    assert value(page, "modelbroker_ready") == 1


def test_promtool_is_content_with_the_rules():
    promtool("check", "rules", OBSERVE / "alerts.yaml")
    said = promtool("test", "rules", OBSERVE / "alerts_test.yaml", cwd=OBSERVE)
    assert "SUCCESS" in said, said


def test_rules_and_dashboard_name_what_there_is(page):
    known = families(page)
    queries = dashboard() + [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
    named = {name for query in queries for name in NAME.findall(query)} - LABELS
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name in named}
    assert bare <= known, f"nobody publishes {sorted(bare - known)}"
    assert len(bare) > 40


def test_prometheus_scrapes_and_an_alert_fires_and_ends(broker, module_directory, local_stack):
    quick = rules()
    for group in quick["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    file = module_directory / "alerts.yaml"
    file.write_text(yaml.dump(quick))
    server = Prometheus(module_directory / "prometheus", f"127.0.0.1:{broker.admin[1]}", file)
    local_stack.callback(server.stop)

    eventually(lambda: server.query('modelbroker_model_requests_total{model="m"} == 3'), 20, "a scrape", 0.1)
    for query in dashboard():
        server.query(query)
    assert not server.firing().keys() & {"ModelBrokerProxyDown", "ModelBrokerAgentDown", "ModelBrokerListenerDead"}

    broker.external.kill()
    wanted = {"ModelBrokerProxyDown", "ModelBrokerNotReady", "ModelBrokerListenerDead"}
    eventually(lambda: wanted <= server.firing().keys(), 20, lambda: f"the alerts; these fire: {server.firing()}", 0.1)
    assert "ModelBrokerAgentDown" not in server.firing()

    broker.start_external_proxy()
    broker.wait_ready()
    eventually(lambda: not wanted & server.firing().keys(), 20, lambda: f"the end of alerts: {server.firing()}", 0.1)
