"""A headless Chromium that is steered over a pair of pipes (the DevTools protocol), and one page in it."""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time

from .processes import STARTED
from .waiting import eventually

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Tab": 9, "Escape": 27, "Enter": 13}


def program() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """`errors` has what the page's script complained of, `asked` every address that was loaded."""

    def __init__(self, directory: pathlib.Path, width: int = 1280, height: int = 900, scale: float = 1):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        self.number, self.buffer, self.errors, self.asked = 0, b"", [], []

        def pipes():
            # The protocol is spoken at descriptors 3 and 4; the ends may be just these the other way round.
            first, second = os.dup(commands), os.dup(answers)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.child = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
             "--remote-debugging-pipe", "--hide-scrollbars", f"--user-data-dir={directory}", f"--window-size={width},{height}",
             f"--force-device-scale-factor={scale}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pipes, close_fds=False)
        STARTED.append(self.child)
        os.close(commands)
        os.close(answers)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank", width=width, height=height)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Page", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self) -> dict:
        deadline = time.monotonic() + 30
        while b"\0" not in self.buffer:
            assert select.select([self.answers], [], [], max(0, deadline - time.monotonic()))[0], "the browser is silent"
            data = os.read(self.answers, 1 << 16)
            assert data, "the browser has ended"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, parameters) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(parameters["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])

    def open(self, url: str) -> None:
        failure = self.call("Page.navigate", url=url).get("errorText")
        assert not failure, (url, failure)

    def value(self, expression: str):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    @property
    def text(self) -> str:
        return self.value("document.body ? document.body.innerText : ''")

    def shows(self, *texts: str, timeout: float = 15) -> str:
        return eventually(
            lambda: all(text in self.text for text in texts) and self.text, timeout,
            lambda: f"{texts} on the page:\n{self.text}\n{self.errors}", 0.05)

    def press(self, *keys: str) -> None:
        for key in keys:
            code = {"key": key, "windowsVirtualKeyCode": KEYS[key]} if key in KEYS else {"key": key, "text": key}
            self.call("Input.dispatchKeyEvent", type="keyDown", **code)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, path: pathlib.Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(30)
        os.close(self.commands)
        os.close(self.answers)
