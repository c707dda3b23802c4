"""Requests that wait behind an engine which serves nothing for the time being, so that who comes first is seen afterwards."""

import contextlib

from .control import Control
from .http1 import Connection, chat, request_bytes
from .waiting import eventually


class Held:
    """While it is entered, the engine is full: one request is under way for each of its slots, and does not end.

    `send` waits until the request is where it belongs, so that the order of arrival is that of the calls.
    """

    def __init__(self, broker, engine, fields: dict, slots: int = 1, model: str = "m"):
        self.broker, self.engine, self.fields, self.slots, self.model = broker, engine, fields, slots, model
        self.stack = contextlib.ExitStack()
        self.connections: dict[str, Connection] = {}

    def __enter__(self) -> "Held":
        self.control = self.stack.enter_context(Control(self.broker.run_directory))
        self.engine.capacity(0)
        self.stack.callback(self.engine.capacity, None)
        for number in range(self.slots):
            self._send(f"holder-{number}", self.fields, self.model, {})
        self.eventually(lambda: self.engine.service()["waiting"] == self.slots, "the engine being full")
        return self

    def __exit__(self, *_):
        for connection in self.connections.values():
            connection.close()
        self.stack.close()

    def eventually(self, condition, what: str, timeout: float = 10):
        return eventually(condition, timeout, lambda: f"{what}; {self.control.queues(self.model)}, {self.engine.service()}")

    def _send(self, name: str, fields: dict, model: str, more: dict, target="/v1/chat/completions") -> Connection:
        connection = self.connections[name] = self.stack.enter_context(Connection.to(*self.broker.gateway, timeout=60))
        body = chat(model, **({"max_tokens": 1, "mock_id": name} | more))
        connection.send(request_bytes("POST", target, body, fields))
        return connection

    def waiting(self, model: str | None = None) -> int:
        return self.control.waiting(model or self.model)

    def send(self, name: str, fields: dict, model: str | None = None, target="/v1/chat/completions", **more) -> Connection:
        """A request that has to wait; it does when this returns."""
        before = self.waiting(model)
        connection = self._send(name, fields, model or self.model, more, target)
        self.eventually(lambda: self.waiting(model) == before + 1, f"{name} waiting")
        return connection

    def try_to(self, name: str, fields: dict, target="/v1/chat/completions", model: str | None = None, **more):
        """A request that is answered, though nobody is served."""
        return self._send(name, fields, model or self.model, more, target).response("POST")

    def release(self, at_once: int = 1) -> None:
        self.engine.capacity(at_once)

    def order(self, count: int) -> list[str]:
        """Ids of the first so many that were served after those that held the engine."""
        def served():
            ids = [entry.id for entry in self.engine.served() if not entry.id.startswith("holder-")]
            return ids if len(ids) >= count else None

        return self.eventually(served, f"{count} being served", 20)
