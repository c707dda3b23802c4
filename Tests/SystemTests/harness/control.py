"""The agent's control socket, asked directly: a process for each question would take longer than what is to be seen."""

import json
import pathlib
import socket


class Control:
    """A connection of the kind that the CLI makes, kept open."""

    def __init__(self, run_directory: pathlib.Path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(15)
        self.socket.connect(str(run_directory / "control.sock"))
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def ask(self, command: str, **fields):
        self.socket.sendall(json.dumps({"command": command} | fields).encode() + b"\n")
        answer = json.loads(self.reader.readline())
        assert answer["ok"], answer
        return answer["data"]

    def queues(self, model: str) -> dict[str, dict]:
        """What `queue list` says of a model, by group."""
        return {queue["group"]: queue for queue in self.ask("queues") if queue["model"] == model}

    def waiting(self, model: str, group: str | None = None) -> int:
        return sum(queue["waiting"] for name, queue in self.queues(model).items() if group in (None, name))

    def endpoint(self, url: str) -> dict:
        return next(endpoint for endpoint in self.ask("endpoints") if endpoint["url"] == url)
