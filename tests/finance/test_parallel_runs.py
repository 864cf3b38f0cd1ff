"""Runs side by side on one machine do not disturb each other: equal outcomes, control by control."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKS = ("health", "federation", "replay", "debt")
RUNS = 3
TOLD_APART = {"skipped", "unimplemented"}


@pytest.mark.nightly
@pytest.mark.stack
def test_three_runs_at_once_come_to_the_same(start_in: Callable[..., Any], tmp_path: Path) -> None:
    narrow = [part for check in CHECKS for part in ("--only", check)]
    runs = [start_in(tmp_path / str(number), *narrow, "--quick") for number in range(RUNS)]
    codes = [run.finish(seconds=900) for run in runs]
    outcomes = [run.outcomes() for run in runs]
    for control in outcomes[0]:
        assert len({of_run[control] for of_run in outcomes}) == 1, (control, [of_run[control] for of_run in outcomes])
    assert outcomes[1:] == outcomes[:-1]
    assert codes == [codes[0]] * RUNS
    # What ran at all, so that three empty runs are not equal by having done nothing; and none was spoilt by the others.
    executed = {control: outcome for control, outcome in outcomes[0].items() if outcome not in TOLD_APART}
    assert len(executed) >= len(CHECKS)
    assert not {"error", "blocked"} & set(executed.values()), executed
    assert [run.living() + run.leftovers() for run in runs] == [[]] * RUNS
