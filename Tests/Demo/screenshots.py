#!/usr/bin/env python3
"""Makes the pictures of the README: `modelbroker top` and the live page, of a small node with traffic of its own.

As root, after `make build venv`:

    MODELBROKER_BIN=.build/release .build/venv/bin/python Tests/Demo/screenshots.py

It writes deploy/observe/top.svg, page.png and pools.png, and leaves nothing else behind.
"""

import contextlib
import html
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "SystemTests"))

from harness import bpffs  # noqa: E402
from harness.broker import Broker  # noqa: E402
from harness.browser import Browser  # noqa: E402
from harness.credentials import new_key  # noqa: E402
from harness.engine import Engine  # noqa: E402
from harness.http1 import Connection, chat  # noqa: E402
from harness.places import binary  # noqa: E402
from harness.terminal import Terminal  # noqa: E402

PICTURES = ROOT / "deploy" / "observe"
#: How long the traffic runs before the pictures are taken: long enough for a line to be one.
SECONDS = 65
CALLERS = {"checkout": ("chat", "llama-70b"), "search": ("minilm", "llama-8b"), "nightly": ("llama-70b", "chat"), "trial": ("whisper", "llama-8b")}
#: What a drawing does not run together.
NO_BREAK = "\u00a0"
COLORS = {"default": "#d8dee9", "red": "#ff8a80", "green": "#8fd48f", "brown": "#e6c07b", "cyan": "#6cc7d9", "black": "#11151c"}


class Node:
    """Engines, a broker with a configuration that has some of everything, and callers that come and go in waves."""

    def __init__(self, directory: pathlib.Path, stack: contextlib.ExitStack):
        def engine(name, *flags):
            made = Engine(directory / f"{name}.log", "--models", "*", "--name", name, *flags)
            stack.callback(made.stop)
            return made

        fast = [engine(f"gpu-{number}", "--ttft", f"{40 + 15 * number}ms", "--itl", "6ms", "--tokens", 48) for number in range(2)]
        small = engine("small", "--ttft", "12ms", "--itl", "2ms", "--tokens", 32)
        spare = engine("spare", "--ttft", "90ms", "--itl", "9ms", "--tokens", 40)
        failing = engine("failing", "--fail-status", "500")
        self.over = threading.Event()
        self.keys = {name: new_key(directory / "keys", name) for name in CALLERS}
        clients = {name: {"keys": [key.reference], "quotas": {"day": {"tokens": 3_000_000}}} for name, key in self.keys.items()}
        clients["checkout"]["group"] = clients["search"]["group"] = "gold"
        clients["nightly"]["group"] = "batch"
        details = {
            "llama-70b": {"endpoints": [{"url": engine.url, "maxInFlight": 3} for engine in fast], "strategy": "least-inflight",
                          "queue": {"length": 100, "wait": "20s"}},
            "llama-8b": {"endpoints": [{"url": small.url}, {"url": failing.url}], "qos": {"requests": "25/s", "burst": 5}},
            "minilm": {"endpoints": [{"url": small.url}]}, "whisper": {"endpoints": [{"url": spare.url}]},
        }
        for model in details.values():
            model["health"] = "off"
        self.broker = Broker(
            directory, details=details, clients=clients,
            pools={"chat": {"models": ["llama-70b", "llama-8b"], "strategy": "priority"}, "voice": {"models": ["whisper"]}},
            more={"groups": {"gold": {"priority": 10, "weight": 3}, "batch": {"weight": 1}}})
        stack.callback(self.broker.close)
        self.broker.start()
        self.callers = [threading.Thread(target=self.call, args=(name, number)) for name in CALLERS for number in range(8)]
        for caller in self.callers:
            caller.start()
        stack.callback(self.stop)

    def call(self, name: str, number: int) -> None:
        dice = random.Random(f"{name} {number}")
        connection = None
        while not self.over.is_set():
            # Some of the callers rest at times, each at its own.
            if int(time.monotonic() / 6 + number) % 4 == 0:
                self.over.wait(0.5)
                continue
            connection = connection or Connection.to(*self.broker.gateway, timeout=40)
            answer = connection.request(
                "POST", "/v1/chat/completions", chat(dice.choice(CALLERS[name]), "word " * dice.randrange(20, 400), stream=dice.random() < 0.8),
                self.keys[name].bearer)
            if (answer.header("connection") or "").lower() == "close":
                connection.close()
                connection = None
            self.over.wait(dice.uniform(0, 0.15) + (0.4 if answer.status == 429 else 0))

    def stop(self) -> None:
        self.over.set()
        for caller in self.callers:
            caller.join(60)


def color(cell) -> str:
    return COLORS.get(cell.fg, COLORS["default"])


def runs(line, columns: int):
    """Cells that look alike, together: where they begin, their text and the first of them."""
    start = 0
    for column in range(1, columns + 1):
        cell, first = line[min(column, columns - 1)], line[start]
        if column == columns or (cell.fg, cell.bold, cell.reverse) != (first.fg, first.bold, first.reverse):
            yield start, "".join(line[place].data for place in range(start, column)), first
            start = column


def svg(screen) -> str:
    """A terminal's screen as a drawing: sharp at every size, and text that can be searched."""
    wide, high, margin = 8.43, 18, 14
    width, height = screen.columns * wide + 2 * margin, screen.lines * high + 2 * margin
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">',
        f'<rect width="100%" height="100%" rx="9" fill="{COLORS["black"]}"/>',
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">']
    for number in range(screen.lines):
        y = margin + number * high
        for start, text, cell in runs(screen.buffer[number], screen.columns):
            if not text.strip() and not cell.reverse:
                continue
            x = margin + start * wide
            fill = color(cell)
            if cell.reverse:
                parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{len(text) * wide:.1f}" height="{high}" fill="{fill}"/>')
                fill = COLORS["black"]
            bold = ' font-weight="bold"' if cell.bold else ""
            # The length keeps the columns in place whichever font there is.
            parts.append(f'<text x="{x:.1f}" y="{y + 14:.1f}" fill="{fill}"{bold} textLength="{len(text) * wide:.1f}" '
                         f'lengthAdjust="spacing">{html.escape(text).replace(" ", NO_BREAK)}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def take(directory: pathlib.Path, stack: contextlib.ExitStack) -> None:
    node = Node(directory, stack)
    browser = Browser(directory / "browser", width=1280, height=690)
    stack.callback(browser.close)
    browser.open(node.broker.admin_url("/#models,light"))
    top = Terminal([binary("modelbroker"), "top", "--run-dir", node.broker.run_directory, "--interval", "1"], columns=118, lines=12)
    stack.callback(top.close)
    for _ in range(SECONDS):
        top.read()
        time.sleep(1)
    top.press("down")
    (PICTURES / "top.svg").write_text((top.shows("llama-70b"), svg(top.screen))[1])
    browser.screenshot(PICTURES / "page.png")
    browser.press("t", "2")
    browser.shows("chat", "voice")
    browser.screenshot(PICTURES / "pools.png")
    top.press("q")
    assert top.wait() == 0 and not browser.errors, browser.errors


def main() -> None:
    bpffs.SYSTEM.claim()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="modelbroker-pictures-"))
    directory.chmod(0o755)
    try:
        with contextlib.ExitStack() as stack:
            take(directory, stack)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        bpffs.SYSTEM.release()


if __name__ == "__main__":
    main()
