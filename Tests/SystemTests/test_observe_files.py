"""Alert rules and dashboard, as they are: what they name is what the broker publishes. With neither broker nor Prometheus."""

import json
import re

import pytest
import yaml
from harness.places import ROOT
from harness.prometheus import OBSERVE

#: Labels that Prometheus gives itself.
GIVEN = {"instance", "job", "le"}
NAME = re.compile(r"\b(?:modelbroker|gen_ai)_[a-z0-9_]+\b")


@pytest.fixture(scope="module")
def sources() -> str:
    return "\n".join(file.read_text() for file in sorted((ROOT / "Sources" / "Telemetry").glob("Metrics*.swift")))


@pytest.fixture(scope="module")
def declared(sources) -> dict[str, str]:
    """What kind each metric is."""
    found = dict(re.findall(r'Metric\(\s*"([a-z0-9_]+)",\s*\.(counter|gauge|histogram)', sources))
    assert len(found) == len(re.findall(r"= Metric\(", sources)) > 100
    return found


@pytest.fixture(scope="module")
def labels(sources) -> set[str]:
    return set(re.findall(r'static let \w+ = "([a-z_]+)"', sources)) | GIVEN


@pytest.fixture(scope="module")
def panels() -> list[dict]:
    return json.loads((OBSERVE / "dashboard.json").read_text())["panels"]


@pytest.fixture(scope="module")
def rules() -> dict[str, str]:
    groups = yaml.safe_load((OBSERVE / "alerts.yaml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


@pytest.fixture(scope="module")
def queries(panels, rules) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", [])] + list(rules.values())


def test_every_metric_that_is_named_is_published(queries, declared, labels):
    known = dict(declared)
    for name, kind in declared.items():
        if kind == "histogram":
            known |= {f"{name}_{part}": "counter" for part in ("bucket", "sum", "count")}
    named = {name for query in queries for name in NAME.findall(query)} - labels
    assert named <= known.keys(), f"nobody publishes {sorted(named - known.keys())}"
    # A rate of a gauge, and the level of a counter, say nothing.
    for query in queries:
        rated = set(re.findall(r"(?:rate|increase)\(\s*([a-z0-9_]+)", query))
        assert all(known[name] == "counter" for name in rated), query
        assert all(known[name] == "gauge" for name in set(NAME.findall(query)) - labels - rated), query


def test_every_label_that_is_named_is_published(queries, labels):
    for query in queries:
        told = re.findall(r"\bby \(([^)]*)\)", query) + re.findall(r"\bwithout \(([^)]*)\)", query)
        named = {name.strip() for text in told for name in text.split(",")}
        for selector in re.findall(r"\{([^}]*)\}", query):
            named |= set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
        assert named <= labels, (query, named - labels)


def test_the_dashboard_has_what_the_broker_tells_of(queries, declared):
    """One panel at least for each part of the page that an operator has to look at."""
    named = {name for query in queries for name in NAME.findall(query)}
    parts = ("modelbroker_export_", "modelbroker_kubernetes_", "modelbroker_certificate_", "modelbroker_proxy_spans",
             "modelbroker_proxy_draining", "modelbroker_proxy_last_replacement")
    missing = {name for name in declared if name.startswith(parts)} - named
    assert not missing, f"no panel and no rule has {sorted(missing)}"


def test_no_panel_hides_another(panels):
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel["gridPos"]
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            assert cell not in taken, (panel["title"], taken[cell])
            taken[cell] = panel["title"]
    assert max(x for x, _ in taken) < 24
