"""Builds corpus.json from the tables in heads.py and bodies.py, and checks each case against the strict parsers.

Run it after changing a table: python3 Tests/Corpus/build.py (with --check it only compares).
"""

import base64
import json
import pathlib
import sys

from bodies import BODIES, MODEL
from heads import HEADS
from oracle import Refused, read_model, read_request

TARGET = pathlib.Path(__file__).with_name("corpus.json")

ABOUT = {
    "head": "bytes are all that the client sends: a request head and, where there is one, its body.",
    "body": "bytes are a JSON request body; send it to POST /v1/chat/completions with the right Content-Length.",
    "model": f"The catalogue knows one model, {MODEL!r}.",
    "expect": "relay: goes to the endpoint and reads there as h11 reads it here. refuse: never reaches an endpoint as a "
    "complete request. any: may be refused; if it is relayed it must read the same.",
    "status": "Acceptable status codes of a refusal; empty: any 4xx or 5xx, or a close without an answer.",
}


def verify(case):
    """Raises AssertionError where the table contradicts the strict parser."""
    name, kind, data, expect = case["name"], case["kind"], case["bytes"], case["expect"]
    if expect != "relay":
        return
    if kind == "head":
        request = read_request(data)
        assert request.complete, f"{name}: h11 finds it incomplete"
        data = request.body
    assert read_model(data) == MODEL, f"{name}: names another model"


def strictly_refused(case):
    try:
        data = case["bytes"]
        if case["kind"] == "head":
            request = read_request(data)
            if not request.complete:
                return True
            data = request.body
        return read_model(data) != MODEL
    except Refused:
        return True


def build():
    cases, seen = [], set()
    for kind, table in (("head", HEADS), ("body", BODIES)):
        for name, data, expect, status, why in table:
            assert name not in seen, f"{name} stands twice"
            assert expect in ("relay", "refuse", "any"), name
            seen.add(name)
            cases.append({"name": name, "kind": kind, "bytes": data, "expect": expect, "status": status, "why": why})
    for case in cases:
        verify(case)
        case["strict"] = "refuse" if strictly_refused(case) else "relay"
    return cases


def render(cases):
    lines = []
    for case in cases:
        data = case["bytes"]
        lines.append({k: v for k, v in case.items() if k != "bytes"} | {"bytes_base64": base64.b64encode(data).decode()})
    rows = ",\n".join("    " + json.dumps(line) for line in lines)
    about = json.dumps(ABOUT, indent=2).replace("\n", "\n  ")
    return f'{{\n  "about": {about},\n  "cases": [\n{rows}\n  ]\n}}\n'


def main():
    text = render(build())
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text() == text else "corpus.json is not what the tables say: run build.py")
    TARGET.write_text(text)
    print(f"{TARGET.name}: {text.count('bytes_base64')} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()
