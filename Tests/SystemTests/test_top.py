"""`modelbroker top` in a terminal: what it shows of live traffic, what its keys do, and how it ends."""

import json
import signal
import threading

import pytest
from harness.http1 import Connection, chat
from harness.places import binary
from harness.terminal import Terminal
from harness.waiting import eventually


@pytest.fixture(scope="module")
def engine(shared):
    return shared.engine("--models", "*", "--ttft", "2ms", "--itl", "0ms", "--tokens", 4)


@pytest.fixture(scope="module")
def broker(shared, engine):
    broker = shared.broker(models={"busy": [engine.url], "idle": [engine.url], "limited": [engine.url]},
                           qos={"limited": {"requests": "1/m", "burst": 1}}).start()
    with Connection.to(*broker.gateway) as http:
        http.request("POST", "/v1/chat/completions", chat("idle"))
    return broker


@pytest.fixture(scope="module")
def traffic(broker):
    """A request for `busy` and one over the limit of `limited`, over and over."""
    over = threading.Event()

    def send():
        with Connection.to(*broker.gateway) as http:
            while not over.wait(0.01):
                for model in ("busy", "limited"):
                    http.request("POST", "/v1/chat/completions", chat(model))

    thread = threading.Thread(target=send)
    thread.start()
    yield
    over.set()
    thread.join(30)


@pytest.fixture
def top(broker, traffic, local_stack):
    def open_top(*arguments, **options) -> Terminal:
        terminal = Terminal(
            [binary("modelbroker"), "top", "--run-dir", broker.run_directory, "--interval", "0.2", *arguments], **options)
        local_stack.callback(terminal.close)
        return terminal

    return open_top


def row(text: str, name: str) -> list[str]:
    return next((line.split() for line in text.splitlines() if line.startswith(name + " ")), [])


def test_shows_traffic_and_listens_to_keys(top, engine):
    terminal = top()
    terminal.shows("MODEL", "REQ/S▼", "busy", "idle", "limited", "proxy running")
    eventually(lambda: float((row(terminal.text, "busy") + ["", "0"])[1]) > 1, 15, "a rate", 0.05)
    assert terminal.text.index("busy") < terminal.text.index("idle"), "the busiest stands on top"
    terminal.press("<", "r")
    text = terminal.shows("MODEL▲")
    assert text.index("\nbusy") < text.index("\nidle") < text.index("\nlimited")
    terminal.press("/", "i", "d", "l")
    terminal.shows("filter: idl")
    terminal.lacks("\nbusy")
    terminal.press("escape")
    terminal.shows("\nbusy")
    terminal.press("down", "enter")
    terminal.shows("idle", "Endpoints (1)", engine.url, "Esc back")
    terminal.press("escape")
    terminal.shows("MODEL▲", "busy")
    terminal.press("3")
    terminal.shows("URL", "STATE", engine.url)
    terminal.press("4")
    terminal.shows("FLOW", "busy")
    terminal.press("?")
    terminal.shows("any key goes on")
    terminal.press("x", "p")
    terminal.shows("paused")
    terminal.resize(60, 12)
    terminal.shows("FLOW")
    assert all(len(line.rstrip()) <= 60 for line in terminal.screen.display)
    terminal.press("q")
    assert terminal.wait() == 0 and terminal.is_restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(top, number):
    terminal = top()
    terminal.shows("busy")
    terminal.child.send_signal(number)
    assert terminal.wait() == 0 and terminal.is_restored


def test_no_colour_where_none_is_wanted(top):
    terminal = top(environment={"NO_COLOR": "1"})
    terminal.shows("busy", "proxy running")
    assert b"\x1b[32m" not in terminal.raw
    terminal.press("interrupt")
    assert terminal.wait() == 0


def test_prints_one_look(broker, traffic):
    result = broker.cli("top", "--once", "--interval", "0.3")
    assert "\x1b" not in result.stdout and row(result.stdout, "busy"), result.stdout
    report = json.loads(broker.cli("top", "-j", "--interval", "0.3").stdout)
    busy = next(model for model in report["models"] if model["model"] == "busy")
    assert busy["requestsPerSecond"] > 1 and busy["ttftP50Microseconds"] > 1000
    assert report["totals"]["refusedPerSecond"] > 1
    assert report["endpoints"] and report["flows"]
    wrong = broker.cli("top", "--sort", "nothing", check=False)
    assert wrong.returncode == 2 and "requestsPerSecond" in wrong.stderr


def test_the_agent_goes_and_comes_back(top, broker):
    terminal = top()
    terminal.shows("busy", "proxy running")
    broker.kill_agent()
    terminal.shows("agent away", "busy")
    broker.start()
    terminal.lacks("agent away", timeout=30)
    terminal.shows("proxy running")
    terminal.press("q")
    assert terminal.wait() == 0 and terminal.is_restored
