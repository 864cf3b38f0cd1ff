"""The JSON of signed files: one spelling out, strictness in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.seal import canonical
from certify.seal.errors import SealError

LEAVES = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES)
def test_round_trip(value: Any):
    for spelling in (canonical.pretty(value), canonical.compact(value)):
        assert canonical.parse(spelling) == value
        assert json.loads(spelling) == value
    assert canonical.pretty(canonical.parse(canonical.compact(value))) == canonical.pretty(value)


def test_form():
    assert canonical.pretty({"b": [1], "a": "ż"}) == '{\n  "a": "ż",\n  "b": [\n    1\n  ]\n}\n'.encode()
    assert canonical.compact({"b": [1, True], "a": None}) == b'{"a":null,"b":[1,true]}'


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (1.0, "$"),
        ({"a": [{"b": float("nan")}]}, "$.a[0].b"),
        ({"a": 2**63}, "$.a"),
        ({1: "a"}, "$"),
        ({"a": {None: 1}}, "$.a"),
        ({"a": "\ud800"}, "$.a"),
        ({"\udfff": 1}, "$"),
        ({"a": b"bytes"}, "$.a"),
        ({"a": {1, 2}}, "$.a"),
    ],
    ids=repr,
)
def test_what_cannot_be_signed(value: Any, path: str):
    for write in (canonical.pretty, canonical.compact):
        with pytest.raises(SealError) as caught:
            write(value)
        assert (caught.value.code, str(caught.value).partition(": ")[0]) == ("json-value", path)


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_depth():
    assert canonical.parse(canonical.compact(nested(64))) == nested(64)
    for refused in (lambda: canonical.compact(nested(65)), lambda: canonical.parse(b"[" * 65 + b"]" * 65)):
        with pytest.raises(SealError) as caught:
            refused()
        assert caught.value.code == "json-depth"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (b'{"a":1,"b":{"c":1,"c":1}}', "duplicate-key", "'c' stands twice"),
        (b'{"a":1,"\\u0061":2}', "duplicate-key", "'a' stands twice"),
        (b'{"a":1.0}', "json-float", "1.0"),
        (b'{"a":1e3}', "json-float", "1e3"),
        (b"[NaN]", "json-float", "NaN"),
        (b"[-Infinity]", "json-float", "-Infinity"),
        (b"\xef\xbb\xbf{}", "byte-order-mark", "byte order mark"),
        (b'{"a":"\xff"}', "not-utf-8", "byte 6"),
        ('{"a":1}'.encode("utf-16"), "not-utf-8", "byte 0"),
        (b'{\n "a": }', "not-json", "line 2, column 7"),
        (b"{} {}", "not-json", "line 1, column 4"),
        (b"", "not-json", "line 1"),
        (b'["\\ud800"]', "json-value", "lone surrogate"),
        (b"[9223372036854775808]", "json-value", "beyond 64 bits"),
        (b"[" + b"9" * 5000 + b"]", "json-value", ""),
        (b"[" * 100_000, "json-depth", "64"),
        (b'{"a":' * 100_000, "json-depth", "64"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_not_read(text: bytes, code: str, words: str):
    with pytest.raises(SealError) as caught:
        canonical.parse(text)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_size():
    assert canonical.parse(b'"' + b"a" * 8 + b'"', max_bytes=10) == "a" * 8
    with pytest.raises(SealError) as caught:
        canonical.parse(b'"' + b"a" * 9 + b'"', max_bytes=10)
    assert caught.value.code == "too-large"
