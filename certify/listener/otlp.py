"""Decoding of OTLP trace requests, protobuf or JSON, and their reduction to `Span`. Pure; everything in it is hostile."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from certify.model.escape import clip, visible
from certify.model.span import Span

MAX_SPANS: Final = 20_000
MAX_ATTRIBUTES: Final = 32
MAX_LINKS: Final = 16
MAX_TEXT: Final = 256
_KINDS: Final = ("internal", "internal", "server", "client", "producer", "consumer")
_ERROR: Final = 2
_LATEST_US: Final = 2**53
# What the OpenTelemetry specification says for a resource without a name.
_NAMELESS: Final = "unknown_service"


class UndecodableError(Exception):
    """The body is no OTLP trace request; the message says what is wrong with it."""


class TooManySpansError(Exception):
    """The request has more spans than any exporter sends at once."""


class Decoded(msgspec.Struct, frozen=True):
    """The spans of one request, and how many were refused for the lack of valid ids."""

    spans: list[Span]
    refused: int = 0


def decode_protobuf(body: bytes) -> Decoded:
    """Decode a binary `ExportTraceServiceRequest`.

    Raises:
        UndecodableError: it is none.
        TooManySpansError: it has more than `MAX_SPANS`.
    """
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise UndecodableError("the body is no ExportTraceServiceRequest in protobuf") from error
    return _decoded(request)


def decode_json(body: bytes) -> Decoded:
    """Decode an `ExportTraceServiceRequest` in OTLP's own JSON: ids in hexadecimal, 64-bit integers as texts.

    Raises:
        UndecodableError: it is none.
        TooManySpansError: it has more than `MAX_SPANS`.
    """
    try:
        # OTLP writes 64-bit integers as texts; not strict, msgspec takes both.
        request = msgspec.json.decode(body, type=_Request, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"the body is no ExportTraceServiceRequest in JSON: {error}") from error
    return _decoded(request)


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802 - as the protobuf message calls it
        return next((name for name in self.__struct_fields__ if getattr(self, name) is not None), None)


class _Attribute(msgspec.Struct):
    key: str = ""
    value: _Value = msgspec.field(default_factory=_Value)


class _Link(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""


class _Status(msgspec.Struct):
    code: int = 0


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[_Attribute] = []
    links: list[_Link] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    spans: list[_Span] = []


class _Resource(msgspec.Struct):
    attributes: list[_Attribute] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    scope_spans: list[_Scope] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []


def _decoded(request: Any) -> Decoded:
    """From here on both forms are the same: the JSON types have the names of the protobuf messages."""
    found = [(group, scope) for group in request.resource_spans for scope in group.scope_spans]
    if sum(len(scope.spans) for _, scope in found) > MAX_SPANS:
        raise TooManySpansError(f"more than {MAX_SPANS} spans in one request")
    spans, refused = [], 0
    for group, scope in found:
        service = _service(group.resource.attributes)
        for raw in scope.spans:
            span = _span(raw, service)
            if span:
                spans.append(span)
            else:
                refused += 1
    return Decoded(spans, refused)


def _service(attributes: Any) -> str:
    names = (_text(one.value) for one in attributes if one.key == "service.name")
    return _clean(next(names, None) or _NAMELESS)


def _span(raw: Any, service: str) -> Span | None:
    trace, ident = _hex(raw.trace_id, 32), _hex(raw.span_id, 16)
    if not trace or not ident:
        return None
    return Span(
        service=service,
        name=_clean(raw.name),
        kind=_KINDS[raw.kind] if 0 <= raw.kind < len(_KINDS) else _KINDS[0],
        trace=trace,
        id=ident,
        parent=_hex(raw.parent_span_id, 16),
        start_us=_microseconds(raw.start_time_unix_nano),
        end_us=_microseconds(raw.end_time_unix_nano),
        failed=raw.status.code == _ERROR,
        attributes=dict(_attributes(raw.attributes)),
        links=tuple(_links(raw.links)),
    )


def _clean(text: str) -> str:
    # Nearly every text is harmless, and this finds it out ten times as fast.
    if len(text) <= MAX_TEXT and text.isascii() and text.isprintable():
        return text
    return clip(visible(text[: MAX_TEXT + 1]), MAX_TEXT)


def _microseconds(nanoseconds: int) -> int:
    return min(max(0, nanoseconds // 1000), _LATEST_US)


def _hex(ident: bytes | str, length: int) -> str:
    """An id in lower case; empty when it is none, as all zeros are none."""
    text = ident.hex() if isinstance(ident, bytes) else ident.lower()
    valid = len(text) == length and text.strip("0") and not text.strip("0123456789abcdef")
    return text if valid else ""


def _links(links: Any) -> Iterator[str]:
    for link in links[:MAX_LINKS]:
        trace, ident = _hex(link.trace_id, 32), _hex(link.span_id, 16)
        if trace and ident:
            yield f"{trace}/{ident}"


def _attributes(attributes: Any) -> Iterator[tuple[str, str]]:
    for attribute in attributes[:MAX_ATTRIBUTES]:
        text = _text(attribute.value)
        if text is not None:
            yield _clean(attribute.key), _clean(text)


_PLAIN: Final[Mapping[str, Any]] = {
    "string_value": str,
    "bool_value": lambda value: "true" if value else "false",
    "int_value": str,
    "double_value": repr,
}


def _text(value: Any) -> str | None:
    """The value as text; None for lists, maps and bytes."""
    kind = value.WhichOneof("value")
    return _PLAIN[kind](getattr(value, kind)) if kind in _PLAIN else None
