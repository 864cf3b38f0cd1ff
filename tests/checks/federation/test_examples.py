"""Every error code that the engine or our own rules give, with a smallest example of each; the page is made from them."""

import asyncio
import os
import re
from pathlib import Path

import pytest
import yaml

from certify_checks.federation.composition import describe
from certify_checks.federation.engine import Source, compose
from certify_checks.federation.model import Complaint

EXAMPLES = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text())
PAGE = Path(__file__).parents[3] / "docs/checks/federation.md"
LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@provides", '
    '"@requires", "@shareable", "@override", "@inaccessible", "@tag", "@interfaceObject"])\n'
)
# Examples of one code whose defects differ.
CODES = {
    **dict.fromkeys(
        (
            *("DUPLICATE_MEMBER", "DUPLICATE_INTERFACE", "SAME_ROOTS", "ONE_OF_NON_NULL", "ONE_OF_DEFAULT"),
            *("DIRECTIVE_OF_ITSELF", "SPECIFIED_BY_NUMBER"),
        ),
        "INVALID_GRAPHQL",
    ),
    **dict.fromkeys(
        ("KEY_WITH_ALIAS", "KEY_WITH_FRAGMENT", "KEY_WITHOUT_SUBFIELDS", "KEY_SUBFIELDS_OF_SCALAR"),
        "KEY_INVALID_FIELDS",
    ),
}
# At the two processors that a small machine has.
AT_ONCE = 2


def sources(example: dict[str, str]) -> tuple[Source, ...]:
    return tuple(Source(name, sdl.replace("LINK", LINK)) for name, sdl in example.items())


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[Complaint, ...]]:
    """What is said of each example."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(texts: tuple[Source, ...]) -> tuple[Complaint, ...]:
        async with turn:
            return describe(await compose(texts, seconds=30), texts, {}).complaints

    async def every() -> list[tuple[Complaint, ...]]:
        return list(await asyncio.gather(*(one(sources(example)) for example in EXAMPLES.values())))

    return dict(zip(EXAMPLES, asyncio.run(every()), strict=True))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_told_by_its_code(name: str, told: dict[str, tuple[Complaint, ...]]):
    assert CODES.get(name, name) in {complaint.code for complaint in told[name]}, told[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_defect_is_told_once_with_its_subgraph_and_by_whom(name: str, told: dict[str, tuple[Complaint, ...]]):
    seen = [(c.code, c.subgraph, c.coordinate, c.message) for c in told[name]]
    assert len(seen) == len(set(seen))
    assert all(re.match(r"@theguild/federation-composition \d|certify, after https:", c.by) for c in told[name])


def table(told: dict[str, tuple[Complaint, ...]]) -> str:
    rows = []
    for name, example in EXAMPLES.items():
        code = CODES.get(name, name)
        by = next(c.by for c in told[name] if c.code == code)
        who = f"certify ([source]({by.rpartition(' ')[2]}))" if by.startswith("certify") else "engine"
        texts = "<br>".join(
            f"{part}: `{sdl.replace('LINK ', '').replace('|', chr(92) + '|')}`" for part, sdl in example.items()
        )
        rows.append(f"| `{code}` | {who} | {texts} |")
    return "\n".join(("| code | told by | smallest example |", "|---|---|---|", *rows))


def test_the_page_has_every_example(told: dict[str, tuple[Complaint, ...]]):
    before, rest = PAGE.read_text().split("<!-- codes -->\n")
    _, after = rest.split("<!-- end -->", 1)
    wanted = f"{before}<!-- codes -->\n{table(told)}\n<!-- end -->{after}"
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted, "run UPDATE_DOCS=1 pytest tests/checks/federation/test_examples.py"
