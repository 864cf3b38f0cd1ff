"""The plan of a run: which check processes answer which controls, and what is already known without any. Pure."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import Any

import msgspec

from certify.engine.protocol import Question, RuleDescription
from certify.engine.registry import InstalledCheck, Registry
from certify.model.check import DISTURBS, NEEDS_STACK, Capability, Criteria
from certify.model.limit import Limit
from certify.model.outcome import Outcome
from certify.model.record import RuleResult
from certify.profile.model import Control, Profile
from certify.profile.options import options_for


class PlanError(Exception):
    """The profile asks something that cannot be planned; the message names control, line and cure."""


class Turn(IntEnum):
    """When a job's turn comes: after all jobs of the turns before have ended.

    What measures does so before anything is disturbed, and what looks back at the run comes last.
    """

    BESIDE_OTHERS = 0
    ALONE = 1
    DISTURBING = 2
    LAST = 3


class Job(msgspec.Struct, frozen=True):
    """One check process. `requires` are controls that must pass before it starts, `uses` what it takes where it is offered."""

    id: str
    check: str
    questions: tuple[Question, ...]
    options: dict[str, Any]
    needs: frozenset[Capability]
    budget_us: int
    requires: tuple[str, ...] = ()
    last: bool = False
    uses: frozenset[Capability] = frozenset()

    @property
    def needs_stack(self) -> bool:
        """Whether it must wait for the stack."""
        return bool(self.needs & NEEDS_STACK)

    @property
    def exclusive(self) -> bool:
        """Whether it must have the machine alone: it measures, or it disturbs the stack that others look at."""
        return Capability.EXCLUSIVE in self.needs or self.disturbs

    @property
    def disturbs(self) -> bool:
        """Whether it may ask for disruptions."""
        return bool(self.needs & DISTURBS)

    @property
    def turn(self) -> Turn:
        """When it may start."""
        return turn(self.needs, last=self.last)


def turn(needs: frozenset[Capability], *, last: bool) -> Turn:
    """When a job with these needs may start."""
    if last:
        return Turn.LAST
    if needs & DISTURBS:
        return Turn.DISTURBING
    return Turn.ALONE if Capability.EXCLUSIVE in needs else Turn.BESIDE_OTHERS


class Plan(msgspec.Struct, frozen=True):
    """What will be run. `settled` maps control ids to what is known of their rules before anything runs."""

    controls: tuple[Control, ...]
    jobs: tuple[Job, ...]
    settled: dict[str, tuple[RuleResult, ...]]

    @property
    def needs_stack(self) -> bool:
        """Whether anything needs the stack to be booted."""
        return any(job.needs_stack for job in self.jobs)


class Selection(msgspec.Struct, frozen=True):
    """What the user narrowed the run to, by control id or check id."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def takes(self, control: Control) -> bool:
        """Whether the control is to be executed."""
        names = {control.id, *(rule.partition(".")[0] for rule in control.prove), *control.prove}
        return (not self.only or bool(names & set(self.only))) and not names & set(self.skip)

    def unknown(self, profile: Profile) -> list[str]:
        """Names that select nothing: a slip of the pen must not silently widen or narrow a run."""
        known = {control.id for control in profile.controls}
        known |= {rule for control in profile.controls for rule in control.prove}
        known |= {rule.partition(".")[0] for rule in known if "." in rule}
        return [name for name in (*self.only, *self.skip) if name not in known]


def make_plan(
    profile: Profile, registry: Registry, offered: Collection[Capability], selection: Selection = Selection()
) -> Plan:
    """Group the questions of all controls into as few check processes as their options and needs allow.

    Raises:
        PlanError: a rule needs a limit that its control does not give.
    """
    settled: dict[str, tuple[RuleResult, ...]] = {}
    asked: list[_Asked] = []
    for control in profile.controls:
        known, open_questions = _split(control, profile, registry, frozenset(offered), selection)
        settled[control.id] = tuple(known)
        asked += open_questions
    return Plan(profile.controls, _group(asked, profile, registry), settled)


class _Asked(msgspec.Struct, frozen=True):
    control: Control
    check: InstalledCheck
    rule: RuleDescription
    options: dict[str, Any]
    criteria: Criteria


def _split(
    control: Control, profile: Profile, registry: Registry, offered: frozenset[Capability], selection: Selection
) -> tuple[list[RuleResult], list[_Asked]]:
    known: list[RuleResult] = []
    asked: list[_Asked] = []
    for name in control.prove:
        family, _, rule_id = name.partition(".")
        check = registry.get(family)
        rule = next((r for r in check.description.rules if r.id == rule_id), None) if check else None
        if check is None or rule is None:
            summary = f"no installed check has the rule {name}"
            known.append(RuleResult(name, Outcome.UNIMPLEMENTED, summary, "no-such-rule"))
        elif not selection.takes(control):
            known.append(RuleResult(name, Outcome.SKIPPED, "left out on the command line", "narrowed"))
        elif missing := sorted(rule.needs - offered):
            known.append(_capability_missing(name, missing))
        else:
            options = options_for(profile, control, family, check.check)
            asked.append(_Asked(control, check, rule, options, _criteria(control, rule, name)))
    # One rule without a proof leaves the control unproved, but what exists is executed all the same.
    return known, asked


def _capability_missing(rule: str, missing: Iterable[Capability]) -> RuleResult:
    names = ", ".join(missing)
    return RuleResult(
        rule,
        Outcome.INCONCLUSIVE,
        f"driver and profile do not offer: {names}",
        "capability-missing",
        f"give the profile what {rule} needs ({names}), or use a driver that offers it",
    )


def _criteria(control: Control, rule: RuleDescription, name: str) -> Criteria:
    limits: dict[str, Limit] = {}
    for limit, default in rule.limits.items():
        if limit in control.limits:
            limits[limit] = control.limits[limit]
        elif default is not None:
            limits[limit] = Limit.parse(default)
        else:
            raise PlanError(f"{control.origin}: control {control.id}: rule {name} needs a limit {limit!r}")
    return Criteria(limits, control.services)


def _group(asked: list[_Asked], profile: Profile, registry: Registry) -> tuple[Job, ...]:
    groups: dict[bytes, list[_Asked]] = {}
    for one in asked:
        needs = one.rule.needs
        # The last ones may differ in what they need the machine for.
        phase = (bool(needs & NEEDS_STACK), turn(needs, last=one.rule.last), turn(needs, last=False))
        key = msgspec.json.encode((one.check.id, one.options, phase, one.control.requires), order="deterministic")
        groups.setdefault(key, []).append(one)
    names = _names(groups)
    return tuple(_job(names[key], group, profile, registry) for key, group in groups.items())


def _names(groups: dict[bytes, list[_Asked]]) -> dict[bytes, str]:
    """The check's id where it is enough, else its rules beside it, else a digest of what sets the group apart.

    A name is also that of an evidence folder, and stays the same from run to run.
    """
    found: dict[bytes, str] = {}
    for candidate in (_by_check, _by_rules, _by_digest):
        names = {key: candidate(key, group) for key, group in groups.items() if key not in found}
        taken = Counter(names.values())
        found |= {key: name for key, name in names.items() if taken[name] == 1}
    return found


def _by_check(_: bytes, group: list[_Asked]) -> str:
    return group[0].check.id


def _by_rules(_: bytes, group: list[_Asked]) -> str:
    return "-".join((group[0].check.id, *dict.fromkeys(one.rule.id for one in group)))


def _by_digest(key: bytes, group: list[_Asked]) -> str:
    return f"{_by_rules(key, group)}-{hashlib.sha256(key).hexdigest()[:6]}"


def _job(name: str, group: list[_Asked], profile: Profile, registry: Registry) -> Job:
    check = group[0].check
    budget_us = profile.budgets.get(check.id, int(registry[check.id].description.budget * 1_000_000))
    return Job(
        id=name,
        check=check.id,
        questions=tuple(
            Question(f"{one.control.id}/{one.check.id}.{one.rule.id}", one.rule.id, one.criteria) for one in group
        ),
        options=group[0].options,
        needs=frozenset().union(*(one.rule.needs for one in group)),
        budget_us=budget_us,
        requires=group[0].control.requires,
        last=group[0].rule.last,
        uses=frozenset().union(*(one.rule.uses for one in group)),
    )


def waits_for(job: Job, plan: Plan) -> frozenset[str]:
    """Ids of the jobs that must have ended before `job`'s turn comes: those of earlier turns.

    What needs a control that a job of this turn or a later one answers, directly or not, cannot be waited for.
    """
    late = {other.id for other in plan.jobs if other.turn >= job.turn}
    while more := {other.id for other in plan.jobs if set(other.requires) & _answered_by(late, plan)} - late:
        late |= more
    return frozenset(other.id for other in plan.jobs) - late


def _answered_by(jobs: set[str], plan: Plan) -> set[str]:
    return {question.key.partition("/")[0] for job in plan.jobs if job.id in jobs for question in job.questions}
