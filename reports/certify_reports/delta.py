"""What changed since the last certificate. Pure."""

from dataclasses import dataclass

from certify.api import Decision, Outcome
from certify_reports.words import rank


@dataclass(frozen=True)
class Change:
    """One control whose outcome is not what it was; None: it was not there, or is not any more."""

    id: str
    before: Outcome | None
    after: Outcome | None


@dataclass(frozen=True)
class Delta:
    """The changes, by what they mean to a reader."""

    worse: tuple[Change, ...] = ()
    better: tuple[Change, ...] = ()
    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, tuple[Change, ...]], ...]:
        """Title and changes of each group that has any."""
        named = (("worse", self.worse), ("better", self.better), ("new", self.added), ("gone", self.removed))
        return tuple((name, changes) for name, changes in named if changes)

    @property
    def text(self) -> str:
        """`2 worse, 1 better`."""
        return ", ".join(f"{len(changes)} {name}" for name, changes in self.groups) or "no control changed"


def delta(decision: Decision) -> Delta:
    """Compare with `decision.previous`; empty when there is none."""
    if decision.previous is None:
        return Delta()
    before = decision.previous.outcomes
    after = {control.id: control.outcome for control in decision.controls}
    both = [Change(name, before[name], after[name]) for name in after if name in before and before[name] != after[name]]
    return Delta(
        tuple(change for change in both if not _is_better(change)),
        tuple(change for change in both if _is_better(change)),
        tuple(Change(name, None, outcome) for name, outcome in after.items() if name not in before),
        tuple(Change(name, outcome, None) for name, outcome in sorted(before.items()) if name not in after),
    )


def _is_better(change: Change) -> bool:
    # Nothing that ends in anything but a pass is praised, however bad it was.
    assert change.before is not None  # noqa: S101 - narrowing; `both` holds only pairs
    assert change.after is not None  # noqa: S101 - as above
    return change.after is Outcome.PASS or (change.before is Outcome.FAIL and rank(change.after) > rank(Outcome.WARN))
