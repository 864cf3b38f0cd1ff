"""Spans that the services of a stack reported, reduced to what proves that a call took place."""

from typing import Any, Final, Generic, TypeVar, overload

import msgspec

DROPPED: Final = b'{"dropped":'


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """Taken from OTLP; times in microseconds since the epoch, ids as lower-case hexadecimal.

    Attributes:
        service: resource attribute `service.name`.
        kind: `internal`, `server`, `client`, `producer` or `consumer`.
        parent: id of the parent span, possibly of another service; empty for a root.
        failed: its status is error.
        attributes: those whose value is a text, a number or a boolean, as text.
        links: `TRACE/ID` of other spans that it follows from, as a consumer of messages may name their producers.
    """

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str = ""
    start_us: int = 0
    end_us: int = 0
    failed: bool = False
    attributes: dict[str, str] = {}
    links: tuple[str, ...] = ()


Kind = TypeVar("Kind", bound=msgspec.Struct)


class Spans(msgspec.Struct, Generic[Kind], frozen=True):
    """What a file of spans holds.

    Attributes:
        spans: in the order of their arrival, which is not the order of their times.
        dropped: how many the listener received and did not keep, at least.
        unreadable: lines that are no span.
        size: bytes that were read: up to the end of the last whole line.
    """

    spans: tuple[Kind, ...] = ()
    dropped: int = 0
    unreadable: int = 0
    size: int = 0


class _Dropped(msgspec.Struct):
    dropped: int


@overload
def read_spans(content: bytes) -> Spans[Span]: ...


@overload
def read_spans(content: bytes, of: type[Kind]) -> Spans[Kind]: ...


def read_spans(content: bytes, of: Any = Span) -> Any:
    """The spans in the content of `Stack.spans`, or in the part of it that begins at the end of a line.

    The file grows while it is read: a last line without its end is left for the next time. `of` may be a struct with
    fewer of the fields of `Span`: of many spans those that are not needed take the most time and room.
    """
    decoder = msgspec.json.Decoder(of)
    size = content.rfind(b"\n") + 1
    spans, dropped, unreadable = [], 0, 0
    for line in content[:size].splitlines():
        try:
            if line.startswith(DROPPED):
                dropped = max(dropped, _DROPPED.decode(line).dropped)
            else:
                spans.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            unreadable += 1
    return Spans(tuple(spans), dropped, unreadable, size)


_DROPPED: Final = msgspec.json.Decoder(_Dropped)
