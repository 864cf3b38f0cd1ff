"""Profiles in a folder of their own, and checks to hold them against."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from certify.api import Check, CheckConfig, Criteria, Duration, Rule, Ruling, Seeded
from certify.engine.registry import InstalledCheck, describe
from certify.profile.load import Inspected, inspect_profile
from certify.profile.problem import ProfileError

Known = Mapping[str, InstalledCheck]
Write = Callable[..., None]
Inspect = Callable[..., Inspected]
Problems = Callable[..., list[str]]


class LoadConfig(CheckConfig, frozen=True):
    """Options with every kind of value that profiles write."""

    shape: str = "api-mix"
    users: int = 10
    hold: Duration = Duration("10 s")
    loud: bool = False


class ScenarioConfig(CheckConfig, frozen=True):
    """Options of another check."""

    scenarios: tuple[str, ...] = ()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write profiles by name into the working folder of the test."""
    monkeypatch.chdir(tmp_path)

    def write_files(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)

    return write_files


@pytest.fixture
def inspect(write: Write) -> Inspect:
    """Write profiles and read the one called `p`."""

    def read(*, checks: Known | None = None, **texts: str) -> Inspected:
        write(**texts)
        return inspect_profile("p.yaml", search=[Path()], checks=checks)

    return read


@pytest.fixture
def problems(inspect: Inspect) -> Problems:
    """Everything that is said about the profile called `p`, a line each."""

    def read(*, checks: Known | None = None, **texts: str) -> list[str]:
        try:
            return [str(remark) for remark in inspect(checks=checks, **texts).remarks]
        except ProfileError as error:
            return str(error).splitlines()

    return read


@pytest.fixture
def known() -> Known:
    """Two checks; of the first, one rule wants a limit and one has a default."""

    async def observe(*_: object) -> None: ...

    def judge(_: object, __: Criteria) -> Ruling:
        raise NotImplementedError

    def seed(_: object, __: Criteria) -> list[Seeded[object]]:
        return []

    def rule(name: str, **limits: str | None) -> Rule:
        return Rule(name, name, judge, seed, limits=limits)

    load = Check(
        "load", "load", observe, object, (rule("latency", p95=None), rule("errors", share="< 1 %")), LoadConfig
    )
    scenario = Check("scenario", "scenario", observe, object, (rule("passes", failed="== 0"),), ScenarioConfig)
    return {check.id: InstalledCheck(check.id, describe(check), (), check=check) for check in (load, scenario)}
