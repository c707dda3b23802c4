"""How strict parsers read a request: h11 for heads and framing, Python's json for bodies.

The corpus is checked against these when it is built, and the system tests compare what an upstream received with
what these read from the bytes that the client sent.
"""

import json
from dataclasses import dataclass

import h11

HEAD_LIMIT = 64 * 1024


@dataclass
class Request:
    """One request as h11 reads it; names in lower case, body without its framing."""

    method: bytes
    target: bytes
    version: bytes
    fields: list
    body: bytes
    complete: bool


class Refused(Exception):
    """The strict parser does not accept these bytes."""


def read_request(data: bytes, eof: bool = True) -> Request:
    """The first request in `data`; raises Refused where h11 does. `complete` is False for a truncated one."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    request, body, complete = None, b"", False
    try:
        connection.receive_data(data)
        if eof:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                complete = True
                break
            else:
                break
    except h11.RemoteProtocolError as error:
        raise Refused(str(error)) from error
    if request is None:
        raise Refused("no complete head")
    fields = [(bytes(name).lower(), bytes(value)) for name, value in request.headers]
    return Request(request.method, request.target, request.http_version, fields, body, complete)


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _object(pairs):
    names = [name for name, _ in pairs]
    return {"members": pairs, "models": [value for name, value in pairs if name == "model"], "names": names}


def read_model(body: bytes) -> str:
    """The top-level `model` of a JSON body; raises Refused for anything that is not one JSON object naming one model."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    if not isinstance(value, dict):
        raise Refused("not an object")
    if len(value["models"]) != 1:
        raise Refused(f"{len(value['models'])} members named model")
    model = value["models"][0]
    if not isinstance(model, str) or not model:
        raise Refused("model is not a name")
    try:
        model.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Refused("lone surrogate in the name") from error
    return model
