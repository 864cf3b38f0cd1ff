"""What one request comes to: spans in the file, and an answer as the OTLP specification wants it."""

import zlib
from typing import Final, NamedTuple

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from certify.listener.otlp import Decoded, TooManySpansError, UndecodableError, decode_json, decode_protobuf
from certify.listener.spans_file import SpansFile
from certify.model.escape import clip, visible

MAX_BODY: Final = 4 * 1024 * 1024
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
_DECODERS: Final = {PROTOBUF: decode_protobuf, JSON: decode_json}
_TRACES: Final = "/v1/traces"
_IGNORED: Final = frozenset({"/v1/metrics", "/v1/logs"})
# A message of the type google.rpc.Status: field 2 is its text. Less than 128 bytes, the length is one byte.
_STATUS_TEXT: Final = 0x12
_LONGEST: Final = 120


class Asked(NamedTuple):
    """A request; `media` and `encoding` in lower case, `body` None when it was too large to be kept."""

    method: str
    path: str
    media: str
    encoding: str
    body: bytes | None


class Answer(NamedTuple):
    """A response with its media type."""

    status: int
    body: bytes
    media: str = PROTOBUF


class RefusedError(Exception):
    """The request is no good: HTTP status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def answer(asked: Asked, spans: SpansFile) -> Answer:
    """Keep the spans of the request, or say what is wrong with it."""
    try:
        _expect(asked)
        body = _unpacked(asked)
        if asked.path in _IGNORED:
            return _accepted(asked.media)
        found = _decoded(asked.media, body)
        dropped = spans.append(found.spans)
    except RefusedError as error:
        return complaint(error.status, str(error), asked.media)
    except OSError as error:
        return complaint(503, f"the spans cannot be written: {error.strerror}", asked.media)
    return _accepted(asked.media, found.refused, dropped)


def complaint(status: int, reason: str, media: str = PROTOBUF) -> Answer:
    """An error, as `google.rpc.Status` in the form of the request."""
    message = clip(visible(reason), _LONGEST).encode("ascii", "replace")
    if media == JSON:
        return Answer(status, msgspec.json.encode({"message": message.decode()}), JSON)
    return Answer(status, bytes((_STATUS_TEXT, len(message))) + message)


def _expect(asked: Asked) -> None:
    if asked.path != _TRACES and asked.path not in _IGNORED:
        raise RefusedError(404, f"nothing is here; traces go to {_TRACES}")
    if asked.method != "POST":
        raise RefusedError(405, "only POST is answered here")
    if asked.media not in _DECODERS:
        raise RefusedError(415, f"the content type must be {PROTOBUF} or {JSON}")


def _unpacked(asked: Asked) -> bytes:
    if asked.body is None:
        raise RefusedError(413, f"the body is larger than {MAX_BODY} bytes")
    if asked.encoding == "identity":
        return asked.body
    if asked.encoding != "gzip":
        raise RefusedError(415, "the content encoding must be gzip or none")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(asked.body, MAX_BODY + 1)
    except zlib.error as error:
        raise RefusedError(400, "the body is no gzip") from error
    if len(body) > MAX_BODY:
        raise RefusedError(413, f"the body is larger than {MAX_BODY} bytes")
    if not unpacking.eof:
        raise RefusedError(400, "the gzip body is not complete")
    return body


def _decoded(media: str, body: bytes) -> Decoded:
    try:
        return _DECODERS[media](body)
    except UndecodableError as error:
        raise RefusedError(400, str(error)) from error
    except TooManySpansError as error:
        raise RefusedError(413, str(error)) from error


def _accepted(media: str, refused: int = 0, dropped: int = 0) -> Answer:
    lost = refused + dropped
    reasons = [f"{refused} without valid ids"] * bool(refused) + [f"{dropped} over the capacity"] * bool(dropped)
    told = ", ".join(reasons)
    if media == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(lost), "errorMessage": told}} if lost else {}
        return Answer(200, msgspec.json.encode(partial), JSON)
    response = ExportTraceServiceResponse()
    if lost:
        response.partial_success.rejected_spans = lost
        response.partial_success.error_message = told
    return Answer(200, response.SerializeToString())
