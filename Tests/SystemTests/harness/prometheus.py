"""Prometheus as a process, and its tool."""

import json
import pathlib
import shutil
import subprocess
import urllib.parse
import urllib.request

import yaml

from .places import ROOT, free_port
from .processes import Process
from .waiting import eventually

OBSERVE = ROOT / "deploy" / "observe"


def tool(name: str) -> str:
    """`prometheus` or `promtool`: the machine's own, or the package that is fetched once."""
    if found := shutil.which(name):
        return found
    path = ROOT / ".build" / "prometheus" / "usr" / "bin" / name
    if not path.exists():
        subprocess.run([ROOT / "Tests" / "Checks" / "prometheus.sh"], check=True, timeout=300)
    return str(path)


def promtool(*arguments, text: str | None = None, cwd: pathlib.Path | None = None) -> str:
    """What it says, all of it; an AssertionError where it is not content."""
    result = subprocess.run(
        [tool("promtool"), *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60, cwd=cwd)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    return said


class Prometheus:
    """Scrapes one target each second under the name `modelbroker`, and judges by these rules as often."""

    def __init__(self, directory: pathlib.Path, target: str, rules: pathlib.Path):
        directory.mkdir()
        configuration = directory / "prometheus.yaml"
        configuration.write_text(yaml.dump({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "modelbroker", "static_configs": [{"targets": [target]}]}],
            "rule_files": [str(rules)],
        }))
        self.address = f"127.0.0.1:{free_port()}"
        self.process = Process(
            [tool("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address={self.address}", "--log.level=warn"], directory / "log")
        eventually(self.ready, 20, self.process.output, 0.05)

    def ready(self) -> bool:
        assert self.process.running, self.process.output()
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, path: str, **parameters):
        url = f"http://{self.address}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression: str) -> list[dict]:
        return self.ask("query", query=expression)["result"]

    def firing(self) -> dict[str, list[dict]]:
        """Labels of the alerts that fire, by name."""
        found: dict[str, list[dict]] = {}
        for alert in self.ask("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def stop(self) -> None:
        self.process.stop()
