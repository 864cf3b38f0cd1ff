"""What the federation check saw: subgraphs, their composition, decoys, and the gateway's schema."""

from enum import StrEnum

import msgspec

from certify.api import Network
from certify_checks.federation.elements import Element


class Fetched(StrEnum):
    """How it went to get the schema of a subgraph or of the gateway."""

    OK = "ok"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    INVALID = "invalid"


class Composed(StrEnum):
    """How the composition engine ended. Only `COMPOSED` gives a supergraph; the last four gave no answer."""

    COMPOSED = "composed"
    REFUSED = "refused"
    SKIPPED = "skipped"
    TIMEOUT = "engine-timeout"
    MEMORY = "engine-out-of-memory"
    CRASHED = "engine-crashed"
    NO_RUNTIME = "no-javascript-runtime"
    NO_ENGINE = "no-composition-engine"


class Subgraph(msgspec.Struct, frozen=True, omit_defaults=True):
    """One subgraph: what came of asking it for its SDL, the evidence file that holds it, and what the SDL defines.

    `parsed` is false when it is no GraphQL; then it has no elements, which is not the same as defining nothing.
    `drift` has the coordinates in which its SDL file and the running service differ.
    """

    name: str
    url: str = ""
    state: Fetched = Fetched.OK
    detail: str = ""
    file: str = ""
    parsed: bool = True
    elements: dict[str, Element] = {}
    drift: tuple[str, ...] = ()


class Complaint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One error; `line` and `column` from 1, 0 when no place is known; `by` says who found it, in which version."""

    code: str
    message: str
    subgraph: str = ""
    coordinate: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    by: str = ""


class Composition(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the engine said.

    `engine` names it with its version, `detail` tells of its end when it gave no answer, `public_size` has the length of the
    public schema that it gave.
    """

    state: Composed
    complaints: tuple[Complaint, ...] = ()
    engine: str = ""
    detail: str = ""
    subgraphs: int = 0
    public_size: int = 0


class Decoy(msgspec.Struct, frozen=True):
    """A defect planted beside the real subgraphs and put through the real engine: `expected` must be among `codes`."""

    name: str
    expected: str
    codes: tuple[str, ...]

    @property
    def noticed(self) -> bool:
        """Whether the engine refused it for the planted reason."""
        return self.expected in self.codes


class Served(msgspec.Struct, frozen=True, omit_defaults=True):
    """The gateway: whether it answers `{__typename}`, and the coordinates of its schema by introspection."""

    state: Fetched = Fetched.ABSENT
    answers: bool = False
    detail: str = ""
    coordinates: dict[str, str] = {}


class Joined(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which subgraph has what, as a supergraph tells it.

    Attributes:
        subgraphs: their names.
        keys: type -> `subgraph: field set`.
        owners: `Type.field` -> the subgraphs that resolve it.
    """

    subgraphs: tuple[str, ...] = ()
    keys: dict[str, tuple[str, ...]] = {}
    owners: dict[str, tuple[str, ...]] = {}


class Graph(msgspec.Struct, frozen=True, omit_defaults=True):
    """The public schema by coordinates, and how it is joined; without the latter where only the schema is known."""

    elements: dict[str, Element] = {}
    joined: Joined = Joined()


class Baseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the schema is compared with: `origin` says where it comes from, `problem` why it could not be read."""

    origin: str = ""
    graph: Graph = Graph()
    problem: str = ""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who uses what of the baseline.

    Attributes:
        operations: how many were read; 0: nothing is known of usage.
        callers: coordinate -> who uses it; a coordinate with `!` before it: who leaves this argument out, or gives null.
        problems: operations that could not be read, and why.
    """

    operations: int = 0
    callers: dict[str, tuple[str, ...]] = {}
    problems: tuple[str, ...] = ()


class Answered(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a subgraph answered for one entity.

    `how`: `resolved`, `null`, `refused`, `crashed`, `wrong-type`, `wrong-entity`, `invented` (data for an id that nobody has)
    or `untried`.
    """

    how: str
    detail: str = ""


class Resolved(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key of one entity in one subgraph, tried with ids that exist (none: no data were found) and with one that does not."""

    subgraph: str
    type: str
    key: str
    known: tuple[Answered, ...] = ()
    unknown: Answered = Answered("untried")


class Crossing(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question through the gateway: to `subgraph` alone, or along `field` to an entity of which `to` has `leaf`.

    `how`: `answered`, `failed` or `untried` (nothing was found that leads there).
    """

    subgraph: str
    field: str = ""
    to: str = ""
    leaf: str = ""
    how: str = "untried"
    detail: str = ""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One root field, called through the gateway.

    `how`: `answered`, `empty`, `null`, `refused`, `stub`, `failed`, `constant`, `forgotten`, `empty-where-data`, `null-where-data`,
    `unfilled` (no values for its arguments), `not-disposable` or `left-out`; `subgraph` resolves it, where that is known.
    """

    field: str
    how: str
    detail: str = ""
    subgraph: str = ""


class FederationSeen(msgspec.Struct, frozen=True):
    """Everything that was observed. `public` holds the coordinates of the composed public schema; `today` is ISO 8601."""

    subgraphs: tuple[Subgraph, ...]
    composition: Composition
    decoys: tuple[Decoy, ...] = ()
    public: dict[str, str] = {}
    gateway: Served = Served()
    graph: Graph = Graph()
    baseline: Baseline = Baseline()
    usage: Usage = Usage()
    today: str = ""
    resolved: tuple[Resolved, ...] = ()
    calls: tuple[Call, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    network: Network | None = None
