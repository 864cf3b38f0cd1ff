"""Reading the start of logs: bounded, whatever is in them; and a planted log that must be read rightly."""

import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from certify.api import Context, clip, visible
from certify_checks.health.beginning import Allowed, PortTaken, StartLog, first_start, ready_at
from certify_checks.health.lines import WIDTH, conflict, read_line

MAX_BYTES = 8 << 20
FIRST = 5
_SHOWN = 300
_DECOY = "decoy"


class PatternError(ValueError):
    """A pattern of `allow` is no regular expression; the message says which and why."""


def read_logs(ctx: Context, allow: Iterable[Allowed]) -> tuple[StartLog, ...]:
    """The start of the log of each service, and of each other part whose log lies beside those.

    Raises:
        PatternError: the profile allows something that is no regular expression.
    """
    rules = tuple(allow)
    services = [*ctx.stack.services, *([ctx.stack.gateway] if ctx.stack.gateway else [])]
    paths = {service.name: Path(service.log) if service.log else None for service in services}
    folders = {path.parent for path in paths.values() if path}
    others = {part: folder / f"{part}.log" for part in ctx.stack.parts.values() for folder in folders}
    paths |= {part: path for part, path in others.items() if part not in paths and path.is_file()}
    return tuple(_read(part, path, _patterns(rules, part), _window(ctx, part)) for part, path in paths.items())


def read_decoy(scratch: Path) -> StartLog:
    """Read a log of our own with known content, among it that an address is taken which this very process holds."""
    with socket.create_server(("127.0.0.1", 0)) as holding:
        path = scratch / "decoy.log"
        path.write_bytes(planted(holding.getsockname()[1]))
        return _read(_DECOY, path, ((re.compile("deliberate"), "deliberate"),), 2_000_000)


def planted(port: int) -> bytes:
    """Eight lines before the second is over, four of them errors that nobody allows, and one error after it."""
    return b"\n".join(
        (
            b'{"ts": "2026-01-01T00:00:00.000+00:00", "level": "info", "msg": "start; ERROR is no error here"}',
            b'{"ts": "2026-01-01T00:00:00.100+00:00", "level": "error", "msg": "first"}',
            b"2026-01-01 00:00:00.200 UTC [1] FATAL:  second",
            b'{"ts": "2026-01-01T00:00:00.300+00:00", "level": "error", "msg": "deliberate"}',
            b"\xff\x00\x1b[31m" + b"x" * (2 * WIDTH),
            b"Traceback (most recent call last):",
            b'  File "third.py", line 1, in <module>',
            f"OSError: [Errno 98] Address already in use (while binding to ('127.0.0.1', {port}))".encode(),
            b'{"ts": "2026-01-01T00:00:09.000+00:00", "level": "error", "msg": "long after"}',
            b"",
        )
    )


def _patterns(allow: Iterable[Allowed], part: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for rule in allow:
        try:
            pattern = re.compile(rule.pattern)
        except re.error as error:
            raise PatternError(f"health: allow: {rule.pattern!r} is no regular expression: {error}") from error
        if not rule.services or part in rule.services:
            found.append((pattern, rule.pattern))
    return tuple(found)


def _window(ctx: Context, part: str) -> int | None:
    """How long the start took; None when the part was never ready, so that all of its log is of its start."""
    ready = ready_at(ctx.stack.happened, part)
    return ready[1] - first_start(ctx.stack.happened, part) if ready else None


def _read(
    part: str, path: Path | None, allow: tuple[tuple[re.Pattern[str], str], ...], window_us: int | None
) -> StartLog:
    if path is None:
        return StartLog(part, obstacle="the driver names no log")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return StartLog(part, obstacle=f"{path.name}: {error.strerror}")
    lines, told = _Lines(content[:MAX_BYTES], window_us), _Told()
    for text, bad in lines:
        if bad:
            told.add(text, allow)
    return StartLog(
        part,
        lines.read,
        told.errors,
        tuple(told.first),
        dict(sorted(told.allowed.items())),
        told.conflicts(),
        timed=lines.timed,
        truncated=len(content) > MAX_BYTES and not lines.over,
    )


class _Told:
    """What the error lines of one log tell."""

    def __init__(self) -> None:
        self.errors = 0
        self.first: list[str] = []
        self.allowed: Counter[str] = Counter()
        self._taken: dict[int, PortTaken] = {}

    def add(self, text: str, allow: tuple[tuple[re.Pattern[str], str], ...]) -> None:
        """Take in one error line."""
        excuse = next((name for pattern, name in allow if pattern.search(text)), None)
        if excuse is not None:
            self.allowed[excuse] += 1
            return
        self.errors += 1
        shown = clip(visible(text), _SHOWN)
        if len(self.first) < FIRST:
            self.first.append(shown)
        in_use, port = conflict(text)
        if in_use and port not in self._taken and len(self._taken) < FIRST:
            self._taken[port] = PortTaken(port, holder(port), shown)

    def conflicts(self) -> tuple[PortTaken, ...]:
        """Addresses that are taken; an error that was caught and told again with its port is told of once."""
        named = tuple(taken for port, taken in self._taken.items() if port)
        return named or tuple(self._taken.values())


class _Lines:
    """Lines of the start, each with whether it tells an error; a line without a time belongs to the one before."""

    def __init__(self, content: bytes, window_us: int | None) -> None:
        self._content = content
        self._window_us = window_us
        self.read = 0
        self.timed = False
        self.over = False

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        began: int | None = None
        for raw in self._content.splitlines():
            text = raw[:WIDTH].decode(errors="replace")
            line = read_line(text)
            if line.at_us is not None:
                began = line.at_us if began is None else began
                self.timed = True
                if self._window_us is not None and line.at_us > began + self._window_us:
                    self.over = True
                    return
            self.read += 1
            yield text, line.error or conflict(text)[0]


def holder(port: int) -> str:
    """Who listens on a TCP port of this machine: its process id and command line; empty when that cannot be told."""
    if not port:
        return ""
    try:
        listening = [one for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == port]
    except (psutil.Error, OSError):
        return ""
    pids = sorted({one.pid for one in listening if one.pid and one.status == psutil.CONN_LISTEN})
    return "; ".join(_process(pid) for pid in pids[:3])


def _process(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = "gone"
    return f"pid {pid}: {clip(visible(command), 120)}"
