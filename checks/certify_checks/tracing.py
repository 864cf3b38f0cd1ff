"""Spans put together to calls between services. Pure; spans may arrive in any order, twice, or never."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

CALL: Final = "call"
EVENT: Final = "event"
# Of which kind the callee's span is tells how it was reached: asked and waited for, or through a broker.
_REACHED: Final = {"server": CALL, "consumer": EVENT}


class Hop(msgspec.Struct, frozen=True):
    """What of a `certify.api.Span` is needed here: `read_spans(content, of=Hop)`."""

    service: str
    kind: str
    trace: str
    id: str
    parent: str = ""
    failed: bool = False
    links: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, order=True):
    """From one service to another: a `call` that it makes, or an `event` of its that the other consumes."""

    caller: str
    called: str
    kind: str = CALL

    def __str__(self) -> str:
        return f"{self.caller} {'->' if self.kind == CALL else '~>'} {self.called}"

    @property
    def owner(self) -> str:
        """The service that has it in its source: who calls, or who consumes."""
        return self.caller if self.kind == CALL else self.called


class Tally:
    """Calls along one edge. `failed_in` are the watched traces with a failed one, `trace` is an example."""

    def __init__(self, trace: str) -> None:
        self.calls = 0
        self.failed = 0
        self.failed_in: set[str] = set()
        self.trace = trace


class Joined:
    """Grows with every span: a call is a server's or consumer's span whose parent is a span of another service.

    Attributes:
        edges: what was proved so far.
        heard: spans of each service.
        reached: watched trace -> services that have a span in it.
        invalid: spans whose ids are none.
    """

    def __init__(self, watched: Iterable[str] = ()) -> None:
        self.edges: dict[Edge, Tally] = {}
        self.heard: Counter[str] = Counter()
        self.reached: dict[str, set[str]] = {trace: set() for trace in watched}
        self.invalid = 0
        # Ids as bytes and shared pairs: a load test leaves hundreds of thousands of spans.
        self._known: dict[bytes, tuple[str, bool]] = {}
        self._shared: dict[tuple[str, bool], tuple[str, bool]] = {}
        self._waiting: dict[bytes, list[Hop]] = {}

    def add(self, hops: Iterable[Hop]) -> None:
        """Take more spans."""
        for hop in hops:
            try:
                self._add(hop)
            except ValueError:
                self.invalid += 1

    def _add(self, hop: Hop) -> None:
        key, parents = bytes.fromhex(hop.trace + hop.id), set(_parents(hop))
        if key in self._known:
            return
        pair = (hop.service, hop.failed)
        self._known[key] = self._shared.setdefault(pair, pair)
        self.heard[hop.service] += 1
        if hop.trace in self.reached:
            self.reached[hop.trace].add(hop.service)
        for parent in parents:
            if parent in self._known:
                self._count(self._known[parent], hop)
            else:
                self._waiting.setdefault(parent, []).append(hop)
        for child in self._waiting.pop(key, ()):
            self._count(pair, child)

    def _count(self, caller: tuple[str, bool], called: Hop) -> None:
        service, failed = caller
        if service == called.service:
            return
        tally = self.edges.setdefault(Edge(service, called.service, _REACHED[called.kind]), Tally(called.trace))
        tally.calls += 1
        if failed or called.failed:
            tally.failed += 1
            if called.trace in self.reached:
                tally.failed_in.add(called.trace)


def _parents(hop: Hop) -> Iterator[bytes]:
    """Ids of the spans that it follows from, if it is one that another service can have caused."""
    if hop.kind not in _REACHED:
        return
    if hop.parent:
        yield bytes.fromhex(hop.trace + hop.parent)
    if hop.kind == "consumer":
        yield from (bytes.fromhex(link.replace("/", "", 1)) for link in hop.links)
