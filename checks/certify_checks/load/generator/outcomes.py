"""Classes of outcome of one GraphQL request, counted apart. Pure; little is imported, for the generator reads it."""

from typing import Any, Final

import msgspec

OK: Final = "ok"
CONNECTION: Final = "connection"
THROTTLED: Final = "throttled"
HTTP: Final = "http"
GRAPHQL: Final = "graphql"
WRONG: Final = "wrong-body"
UNANSWERED: Final = "unanswered"
UNSENT: Final = "unsent"
SCRIPT: Final = "script"

FAILED: Final = {
    CONNECTION: "no answer came: refused, reset or timed out",
    THROTTLED: "HTTP 429",
    HTTP: "another HTTP status than 200",
    GRAPHQL: "GraphQL errors in a 200",
    WRONG: "a 200 whose body is not the answer",
    UNANSWERED: "still without an answer at the end",
    UNSENT: "never sent: nobody was free for as long as the time-out, for those before it were not answered",
    SCRIPT: "a failure by what the locustfile says of the answer",
}

REFUSED: Final = "failed"
UNFINISHED: Final = "unfinished"
NAMELESS: Final = "nameless"
NOT_ACCEPTED: Final = "not-accepted"

WORK: Final = {
    REFUSED: "ended in one of the failed states",
    UNFINISHED: "not finished for as long as it was asked for",
    NAMELESS: "accepted by an answer that has no id to ask for",
    NOT_ACCEPTED: "not even accepted",
}


def classify_upload(status: int, body: bytes) -> tuple[str, str]:
    """As `classify`, for an answer that is no GraphQL: any status of success with JSON is right."""
    if not 200 <= status < 300:
        return classify(status, body)
    try:
        msgspec.json.decode(body)
    except ValueError:
        return WRONG, _shown(body)
    return OK, ""


def classify(status: int, body: bytes, *, nullable: bool = False) -> tuple[str, str]:
    """The class of an answer and, unless it is `ok`, what it said. Status 0: no answer."""
    if not status:
        return CONNECTION, ""
    if status == 429:
        return THROTTLED, _shown(body)
    if status != 200:
        return HTTP, f"HTTP {status} {_shown(body)}"
    try:
        told = msgspec.json.decode(body)
    except ValueError:
        return WRONG, _shown(body)
    return _of_answer(told, body, nullable=nullable)


def _of_answer(told: Any, body: bytes, *, nullable: bool) -> tuple[str, str]:
    if not isinstance(told, dict):
        return WRONG, _shown(body)
    if errors := told.get("errors"):
        first = errors[0] if isinstance(errors, list) else errors
        return GRAPHQL, str(first.get("message", first) if isinstance(first, dict) else first)[:300]
    data = told.get("data")
    if not isinstance(data, dict) or not data:
        return WRONG, _shown(body)
    empty = [name for name, value in data.items() if value is None]
    return (WRONG, f"{empty[0]} is null") if empty and not nullable else (OK, "")


def _shown(body: bytes) -> str:
    return body[:300].decode(errors="replace")
