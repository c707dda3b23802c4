"""The corpus itself: what it says about each case is what the strict parsers say."""

import base64
import json

import build
import pytest
from oracle import Refused, read_model, read_request

CASES = json.loads(build.TARGET.read_text())["cases"]


def test_file_is_built_from_the_tables():
    assert build.render(build.build()) == build.TARGET.read_text(), "run Tests/Corpus/build.py"


def test_there_are_enough():
    assert sum(case["kind"] == "head" for case in CASES) >= 60
    assert sum(case["kind"] == "body" for case in CASES) >= 60


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"] == "relay"], ids=lambda case: case["name"])
def test_what_is_relayed_satisfies_the_strict_parser(case):
    data = base64.b64decode(case["bytes_base64"])
    body = read_request(data).body if case["kind"] == "head" else data
    assert read_model(body) == "m"


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
def test_the_oracle_refuses(data):
    with pytest.raises(Refused):
        read_request(data)
