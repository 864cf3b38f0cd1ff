"""Our findings held against a second engine, as a user installs it. npm fetches it, so only at night.

Whatever it refuses, we must refuse too, for the same reason where it names one; what it lets pass may still be against the specification.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from certify_checks.federation.composition import describe
from certify_checks.federation.engine import SECOND, Answer, Source, compose
from certify_checks.federation.model import Complaint, Composed
from certify_stack.erp import __file__ as erp

pytestmark = pytest.mark.nightly

EXAMPLES = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text())
SCHEMAS = Path(erp).parent / "schemas"
LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@provides", '
    '"@requires", "@shareable", "@override", "@inaccessible", "@tag", "@interfaceObject"])\n'
)
# What the second engine says without naming a reason, or by a wider one.
UNNAMED = {"ENGINE_FAILED", "INVALID_GRAPHQL"}


@pytest.fixture(scope="module")
def installed(npm_install: Callable[[Path], Path]) -> str:
    """A folder for `second_engine`."""
    return str(npm_install(Path(__file__).with_name("second")))


async def both(sources: tuple[Source, ...], installed: str) -> tuple[Answer, Answer]:
    one = await compose(sources, seconds=60)
    return one, await compose(sources, seconds=60, engine=SECOND, beside=installed)


def test_both_engines_compose_the_reference_stack(installed: str):
    files = sorted(SCHEMAS.glob("*.graphql"))
    sources = tuple(Source(file.stem, file.read_text()) for file in files)
    one, two = asyncio.run(both(sources, installed))
    assert (one.state, two.state) == (Composed.COMPOSED, Composed.COMPOSED), (one.errors, two.errors)
    seen = describe(one, sources, {}, two)
    assert seen.complaints == ()
    assert seen.engine.startswith("@theguild/federation-composition ")
    assert " and @apollo/composition " in seen.engine


def test_whatever_the_second_engine_refuses_we_refuse_for_the_same_reason(installed: str):
    async def one(example: dict[str, str]) -> tuple[tuple[Complaint, ...], Answer]:
        sources = tuple(Source(name, sdl.replace("LINK", LINK)) for name, sdl in example.items())
        ours, theirs = await both(sources, installed)
        return describe(ours, sources, {}).complaints, theirs

    async def every() -> dict[str, tuple[tuple[Complaint, ...], Answer]]:
        return {name: await one(example) for name, example in EXAMPLES.items()}

    told = asyncio.run(every())
    refused = {name: answer for name, (_, answer) in told.items() if answer.state is Composed.REFUSED}
    assert len(refused) > len(EXAMPLES) / 2
    for name, answer in refused.items():
        ours = {complaint.code for complaint in told[name][0]}
        theirs = {error.code for error in answer.errors} - UNNAMED
        assert ours, name
        assert not theirs or ours & theirs, (name, ours, theirs)


def test_what_only_the_second_engine_refuses_is_told_as_a_disagreement(installed: str):
    sources = tuple(Source(name, sdl.replace("LINK", LINK)) for name, sdl in EXAMPLES["KEY_WITH_ALIAS"].items())
    one, two = asyncio.run(both(sources, installed))
    assert (one.state, two.state) == (Composed.COMPOSED, Composed.REFUSED)
    codes = {complaint.code for complaint in describe(one, sources, {}, two).complaints}
    assert codes >= {"KEY_INVALID_FIELDS", "ENGINES_DISAGREE"}
