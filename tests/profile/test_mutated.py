"""Whatever a profile holds: it is read, or every complaint names a place. Nothing else is ever raised."""

import random
from pathlib import Path

import pytest

from certify.engine.registry import discover_checks
from certify.profile.find import bundled_profiles_dir
from certify.profile.load import inspect_profile
from certify.profile.problem import ProfileError

SPLINTERS = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!!int ",
    "'",
    '"',
    "|\n",
    "\t",
    "\n",
    "~",
    "0",
    "-1",
    "1e9",
    "no",
]
SPLINTERS += [
    "é",
    "\x00",
    "\u2028",
    "null",
    "true",
    "< 5 ms",
    "A-1",
    "prove",
    "[a.b]",
    "9" * 30,
    "{}",
    "[]",
    "? ",
    "<<: ",
    "---\n",
]
ROUNDS = 25


def mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        if chance.random() < 0.4:
            text = text[:at] + text[at + chance.randint(1, 12) :]
        else:
            text = text[:at] + chance.choice(SPLINTERS) + text[at:]
    return text


@pytest.mark.parametrize("name", ["boot", "load", "finance"])
def test_mutated_profiles(name: str, tmp_path: Path):
    original = (bundled_profiles_dir() / f"{name}.yaml").read_text()
    checks = discover_checks()
    chance = random.Random(f"profiles {name}")  # noqa: S311 - the same mutations in every run
    refusals: list[ProfileError] = []
    for _ in range(ROUNDS):
        path = tmp_path / f"{name}.yaml"
        path.write_text(mutated(original, chance))
        try:
            inspect_profile(str(path), checks=checks)
        except ProfileError as error:
            refusals.append(error)
    assert 0 < len(refusals) < ROUNDS
    problems = [problem for error in refusals for problem in error.problems]
    assert len(problems) >= len(refusals)
    assert all(problem.origin.file and problem.message for problem in problems)
