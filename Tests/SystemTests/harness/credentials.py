"""Keys in files, as configurations refer to them, and ways to send them."""

import base64
import pathlib
import secrets
from dataclasses import dataclass

from .http1 import Response


@dataclass
class Key:
    """An API key, and what stands for it in the configuration."""

    text: str
    file: pathlib.Path

    @property
    def reference(self) -> str:
        return "${file:%s}" % self.file

    @property
    def bearer(self) -> dict:
        return bearer(self.text)

    @property
    def field(self) -> dict:
        return {"api-key": self.text}


def new_key(directory: pathlib.Path, name: str) -> Key:
    """A random key; its file ends with a line end, as files that people write do."""
    directory.mkdir(parents=True, exist_ok=True)
    text = f"sk-{name}-{secrets.token_urlsafe(24)}"
    file = directory / f"{name}.key"
    file.write_text(text + "\n")
    file.chmod(0o600)
    return Key(text, file)


def bearer(credential: str) -> dict:
    return {"Authorization": f"Bearer {credential}"}


def basic(name: str, password: str) -> dict:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def check_refusal(answer: Response, status: int, code: str | None = None) -> dict:
    """Asserts the form of a refusal; its error."""
    assert answer.status == status, (answer.status, answer.body)
    error = answer.error
    assert code is None or error["code"] == code, error
    assert answer.header("x-request-id")
    if status == 401:
        assert (answer.header("www-authenticate") or "").startswith("Bearer"), answer.fields
    return error
