"""Whatever arrives is decoded or refused; nothing else can happen."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.api import Span, read_spans
from certify.listener.otlp import Decoded, TooManySpansError, UndecodableError, decode_json, decode_protobuf
from certify.listener.spans_file import SpansFile

json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "resource",
                    "scopeSpans",
                    "spans",
                    "attributes",
                    "value",
                    "stringValue",
                    "intValue",
                    "key",
                    "traceId",
                    "spanId",
                    "links",
                    "status",
                    "code",
                    "kind",
                    "startTimeUnixNano",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(st.binary(max_size=300))
def test_any_bytes(body: bytes):
    for decode in (decode_protobuf, decode_json):
        with contextlib.suppress(UndecodableError, TooManySpansError):
            assert isinstance(decode(body), Decoded)


@given(json_like)
def test_any_json(value: object):
    import msgspec

    with contextlib.suppress(UndecodableError):
        assert isinstance(decode_json(msgspec.json.encode({"resourceSpans": [value]})), Decoded)


def test_a_file_that_is_being_written_or_broken(tmp_path: Path):
    path = tmp_path / "spans"
    with SpansFile(path) as file:
        file.append([Span("a", "n", "server", "t1", "s1"), Span("a", "n", "server", "t2", "s2")])
    whole = path.read_bytes()
    half = read_spans(whole[:-3])
    assert ([span.trace for span in half.spans], half.unreadable) == (["t1"], 0)
    assert [span.trace for span in read_spans(whole[half.size :]).spans] == ["t2"]
    broken = read_spans(b'rubbish\n{"service":1}\n{"dropped":"x"}\n\xff\n' + whole)
    assert (len(broken.spans), broken.unreadable, broken.size) == (2, 4, len(whole) + 40)


def test_the_count_of_the_dropped_cannot_fill_the_disk(tmp_path: Path):
    path = tmp_path / "spans"
    with SpansFile(path, capacity=0) as file:
        for _ in range(1_000):
            assert file.append([Span("a", "n", "server", "t", "s")]) == 1
    seen = read_spans(path.read_bytes())
    assert 500 < seen.dropped <= 1_000
    assert path.stat().st_size < 300


@pytest.mark.parametrize("decode", [decode_protobuf, decode_json])
def test_nothing_is_no_span(decode: Callable[[bytes], Decoded]):
    assert decode(b"{}" if decode is decode_json else b"").spans == []
