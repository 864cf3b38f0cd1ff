"""The shape of a check: observe (all I/O), judge (pure), seed (planted defects that judge must find)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from certify.model.limit import Limit
from certify.model.ruling import Ruling
from certify.model.stack import Service, Stack


class Capability(StrEnum):
    """What a rule needs from the driver, the profile or the machine."""

    HTTP = "http"
    GRAPHQL = "graphql"
    GATEWAY = "gateway"
    SQL = "sql"
    LOGIN = "login"
    KAFKA = "kafka"
    KILL = "kill"
    CUT = "cut"
    SPANS = "spans"
    SOURCE = "source"
    EXCLUSIVE = "exclusive"
    DISPOSABLE = "disposable"
    PEERS = "peers"


Seen = TypeVar("Seen")


class Action(StrEnum):
    """What can be done to a part of a running stack."""

    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"
    CUT = "cut"
    MEND = "mend"


class Disruption(msgspec.Struct, frozen=True, omit_defaults=True):
    """One action on one part: a service, or a name out of `Stack.parts`.

    `kill` ends it at once and it stays away; `restart` starts it on its old address and returns when it is ready;
    `cut` takes from a service the role `of` (`database`, `broker`, `network`, or the room on its `disk`), `mend` gives it back.
    """

    do: Action
    part: str
    of: str = ""


class DisruptionRefusedError(Exception):
    """The driver could not do it; the message says why."""


# What only a running stack can give; a check that needs none of these runs while the stack boots.
NEEDS_STACK = frozenset(Capability) - {Capability.SOURCE, Capability.EXCLUSIVE}
# What lets a check disturb the stack; no other check may use it meanwhile.
DISTURBS = frozenset({Capability.KILL, Capability.CUT})


class CheckConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every check's options: subclass it with typed fields, a default for each, and a docstring."""


class Criteria(msgspec.Struct, frozen=True):
    """What one control asks of one rule: named limits, and which services it is about (all when empty)."""

    limits: dict[str, Limit] = {}
    services: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Limit:
        """The limit of that name; the planner has made sure that every declared limit is there."""
        return self.limits[name]

    def covers(self, service: str) -> bool:
        """Whether the control is about `service`."""
        return not self.services or service in self.services


class Context(msgspec.Struct, frozen=True):
    """What a check is given to observe with; it crosses the process border as JSON.

    Attributes:
        check: id of the check.
        evidence: the only folder that the check may write to; it exists and is empty.
        scratch: a private temporary folder that is removed afterwards; what is in it is no evidence.
        source_root: root of the certified source tree; None when there is none.
        rules: ids of the rules that will be judged; observe nothing that none of them looks at. Empty: all.
        seed: for every random choice.
        stack: the services; without addresses when the check runs before the stack is up.
        budget_us: time until the process is killed, in microseconds.
        quick: a shortened run was asked for; whatever is shortened must be said in the observation.
        options: from the command line, such as `advisories` (a path).
        capabilities: what driver and profile offer.
    """

    check: str
    evidence: Path
    scratch: Path
    source_root: Path | None = None
    rules: tuple[str, ...] = ()
    seed: int = 0
    stack: Stack = Stack()
    budget_us: int = 0
    quick: bool = False
    options: dict[str, str] = {}
    capabilities: frozenset[Capability] = frozenset()
    disrupt: Callable[[Disruption], Awaitable[None]] | None = None
    progress: Callable[[str, int, int], None] | None = None
    weakening: Callable[[str, str], None] | None = None

    def tell(self, text: str, done: int = 0, total: int = 0) -> None:
        """Report progress to whoever watches the run."""
        if self.progress:
            self.progress(text, done, total)

    def wants(self, *rules: str) -> bool:
        """Whether one of `rules` will be judged."""
        return not self.rules or bool(set(rules) & set(self.rules))

    def weaken(self, kind: str, text: str) -> None:
        """Put a weakening into the sealed ledger: `kind` is a code such as `shortened`, `text` what and by how much."""
        if self.weakening:
            self.weakening(kind, text)

    def write_evidence(self, name: str, content: str | bytes) -> Path:
        """Write one evidence file and return its path.

        Raises:
            ValueError: `name` leads out of the evidence folder.
        """
        path = (self.evidence / name).resolve()
        if not path.is_relative_to(self.evidence.resolve()):
            raise ValueError(f"evidence file {name!r} leads out of the evidence folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def disturb(self, do: Action, part: str, of: str = "") -> None:
        """Have the driver do something to the stack; what is not undone when the check ends, the engine undoes.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        if self.disrupt is None:
            raise DisruptionRefusedError("nobody is there who could disturb this stack")
        await self.disrupt(Disruption(do, part, of))

    def services(self, criteria: Criteria = Criteria()) -> tuple[Service, ...]:
        """The services that `criteria` are about."""
        return tuple(service for service in self.stack.services if criteria.covers(service.name))


class Seeded(msgspec.Struct, Generic[Seen], frozen=True):
    """A planted defect: a mutated observation that the rule must fail, with a finding of `code` if given."""

    name: str
    observation: Seen
    code: str = ""


class Rule(msgspec.Struct, frozen=True):
    """One thing that a check can decide.

    Attributes:
        id: unique in its check; profiles name it `CHECK.ID`.
        title: what holds when it passes.
        judge: pure; (observation, criteria) -> ruling.
        seed: pure; (observation, criteria) -> mutated observations that `judge` must fail.
        needs: capabilities; one that is missing makes the rule inconclusive.
        limits: names of its limits with their defaults; None: the profile must give it.
        uses: capabilities that it takes where they are offered, and does without elsewhere.
        last: observe after all other checks have ended, so that what happened to the stack meanwhile is seen.
    """

    id: str
    title: str
    judge: Callable[[Any, Criteria], Ruling]
    seed: Callable[[Any, Criteria], Iterable["Seeded[Any]"]]
    needs: frozenset[Capability] = frozenset()
    limits: Mapping[str, str | None] = {}
    last: bool = False
    uses: frozenset[Capability] = frozenset()


class Check(msgspec.Struct, frozen=True):
    """A family of rules that share one observation.

    Attributes:
        id: the first half of `prove: [ID.RULE]`.
        title: what is looked at.
        observe: all I/O and no judgement; (context, config) -> observation (a frozen, serialisable value).
        observation: type of what `observe` returns.
        config: type of its options.
        rules: what can be decided.
        budget: seconds until its process is killed, unless the profile says otherwise.
    """

    id: str
    title: str
    observe: Callable[[Context, Any], Awaitable[Any]]
    observation: type
    rules: tuple[Rule, ...]
    config: type[CheckConfig] = CheckConfig
    budget: float = 120.0

    def rule(self, name: str) -> Rule | None:
        """The rule of that id, if there is one."""
        return next((rule for rule in self.rules if rule.id == name), None)
