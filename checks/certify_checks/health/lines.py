"""Telling error lines of logs from others, and when they were written. Pure; every line is hostile text."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

WIDTH = 4_096
_HEAD = 160
_LEVELS: Final = frozenset(
    {"error", "err", "critical", "crit", "fatal", "panic", "alert", "emerg", "emergency", "severe"}
)
_LEVEL_KEYS: Final = ("level", "severity", "lvl", "levelname", "log.level", "severity_text", "severityText")
# pino and bunyan write numbers: 50 is error, 60 fatal.
_NUMERIC_ERROR = 50
_TIME_KEYS: Final = ("ts", "time", "timestamp", "@timestamp", "t", "datetime")
# The level as a word of its own in capitals, near the start of the line; the first such word is the line's level.
_WORD: Final = re.compile(
    r"(?<![\w=./-])(TRACE|DEBUG|INFO|NOTICE|LOG|DETAIL|HINT|STATEMENT|WARN|WARNING"
    r"|ERROR|FATAL|CRITICAL|SEVERE|PANIC|EMERG)(?=[\]:\s|>,)]|$)"
)
_STARTS: Final = re.compile(
    r"Traceback \(most recent call last\)|panic: |fatal error: |Exception in thread |Unhandled (?:promise )?rejection"
    r"|Uncaught |[EF]\d{4} \d\d:\d\d|npm ERR!|(?:[A-Za-z_][\w.]{0,80})?(?:Error|Exception)(?:: |\s*$)"
)
_MARKED: Final = re.compile(
    r"(?:^|\s)(?:level|lvl|severity)=\"?(?:error|critical|fatal|panic)\b|\[(?:error|crit|alert|emerg)\]"
)
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?")
_CLOCK: Final = re.compile(r"\b\d{1,2}:\d\d:\d\d")
_CONFLICT: Final = re.compile(
    r"address (?:is )?already in use|EADDRINUSE|port is already allocated|WSAEADDRINUSE", re.IGNORECASE
)
_PORT: Final = re.compile(r"(?:['\"]?, ?|:|port[ =:]+)(\d{2,5})\b")
_HIGHEST_PORT = 65_535


class Line(msgspec.Struct, frozen=True):
    """What one line says of itself: whether it tells an error, and when it was written, in microseconds since the epoch."""

    error: bool
    at_us: int | None


def read_line(text: str) -> Line:
    """Classify one line. JSON is believed by its level alone, so that a message which quotes an error is none."""
    document = _json(text)
    if document is None:
        head = text[:_HEAD].lstrip()
        level = _WORD.search(head)
        named = level is not None and level[1].lower() in _LEVELS
        return Line(named or bool(_STARTS.match(head) or _MARKED.search(head)), _stamp(head))
    return Line(_bad_level(document), _json_time(document))


def conflict(text: str) -> tuple[bool, int]:
    """Whether a line tells that an address is taken, and the port in it; 0 when it names none."""
    found = _CONFLICT.search(text[:WIDTH])
    if not found:
        return False, 0
    # Before: `listen tcp :8080: bind: address already in use`; after: `EADDRINUSE: address already in use :::3000`.
    near = _CLOCK.sub(" ", text[max(0, found.start() - _HEAD) : found.end() + _HEAD])
    ports = [int(port) for port in _PORT.findall(near) if 0 < int(port) <= _HIGHEST_PORT]
    return True, ports[0] if ports else 0


def _json(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _bad_level(document: dict[str, Any]) -> bool:
    for key in _LEVEL_KEYS:
        level = document.get(key)
        if isinstance(level, str):
            return level.strip().lower() in _LEVELS
        if isinstance(level, int) and not isinstance(level, bool):
            return level >= _NUMERIC_ERROR
    return False


def _json_time(document: dict[str, Any]) -> int | None:
    for key in _TIME_KEYS:
        value = document.get(key)
        if isinstance(value, str) and (found := _stamp(value)) is not None:
            return found
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value)
    return None


def _epoch(value: float) -> int | None:
    """Seconds, milliseconds, microseconds or nanoseconds since the epoch, by their size; as of the years 2001 to 2286."""
    for scale in (1e6, 1e3, 1.0, 1e-3):
        if 1e9 <= value * scale / 1e6 < 1e10:
            return int(value * scale)
    return None


def _stamp(text: str) -> int | None:
    """The first date with time in a text; without a zone it is taken for UTC: lines are compared within one file only."""
    found = _STAMP.search(text)
    if not found:
        return None
    day, clock, fraction, zone = found.groups()
    offset = "+00:00" if zone in {None, "Z", "UTC", "GMT"} else zone
    try:
        when = datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return int(when.timestamp()) * 1_000_000 + int(f"{fraction or '0':0<6}"[:6])
