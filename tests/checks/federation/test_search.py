"""Our search for ways between subgraphs: as the library's, only faster. Hundreds of subgraphs, and megabytes."""

import random
from asyncio import run
from collections.abc import Callable

import pytest

from certify_checks.federation.engine import LONGEST, Answer, Source, compose, patience
from certify_checks.federation.model import Composed

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@shareable", "@external", "@requires"])\n'
)
# The budget that the check has by default.
SECONDS = 30.0


def composed(sources: tuple[Source, ...], *, plain: bool = False) -> Answer:
    return run(compose(sources, seconds=SECONDS, plain=plain))


def verdict(answer: Answer) -> tuple[object, ...]:
    """All but the reasons: the library remembers what it has tried, so that they depend on where it looked first."""
    told = sorted((error.code, error.message.partition("because")[0]) for error in answer.errors)
    return answer.state, answer.supergraph, told


def made_up(seed: int) -> tuple[Source, ...]:
    """Subgraphs that share entities by several keys; with an even seed, some cannot reach each other."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    calm = seed % 2
    types = [f"T{number}" for number in range(dice.randint(1, 4))]
    keys = {name: [f"key{number}" for number in range(dice.randint(1, 3))] for name in types}

    def entity(subgraph: str, name: str, near: list[str]) -> str:
        own = [key for key in keys[name] if calm or dice.random() < 0.6] or keys[name][:1]
        keyed = [f'@key(fields: "{key}"{dice.choice(["", "", "" if calm else ", resolvable: false"])})' for key in own]
        fields = [f"{key}: ID! @shareable" for key in own]
        fields += [f"of{subgraph}{n}: {dice.choice(['Int', *near])}" for n in range(dice.randint(0, 2))]
        if not calm and dice.random() < 0.2:
            fields += ["x: Int @external", f'more{subgraph}: Int @requires(fields: "x")']
        elif calm or dice.random() < 0.7:
            fields.append("x: Int @shareable")
        shown = " ".join(keyed if calm or dice.random() < 0.85 else keyed[1:])
        return f"type {name} {shown} {{ {' '.join(fields)} near{name}{near[0]}: [{near[0]}] @shareable }}"

    def subgraph(name: str) -> Source:
        here = [kind for kind in types if dice.random() < 0.8] or types[:1]
        roots = " ".join(f"{name}{kind}: {kind}" for kind in here)
        texts = [entity(name, kind, types[:1] if types[0] in here else [kind]) for kind in here]
        return Source(name, f"{LINK}type Query {{ {roots} }}\n" + "\n".join(texts))

    return tuple(subgraph(f"s{number}") for number in range(dice.randint(2, 6)))


def compared(seeds: range) -> list[Composed]:
    states = []
    for seed in seeds:
        sources = made_up(seed)
        quick = composed(sources)
        assert verdict(quick) == verdict(composed(sources, plain=True)), seed
        states.append(quick.state)
    return states


def test_the_verdict_is_that_of_the_plain_library():
    assert {Composed.COMPOSED, Composed.REFUSED} == set(compared(range(8)))


@pytest.mark.nightly
def test_the_verdict_is_that_of_the_plain_library_for_many():
    assert {Composed.COMPOSED, Composed.REFUSED} == set(compared(range(8, 150)))


def hub(number: int, *, key: str = '@key(fields: "id")', more: str = "Int") -> Source:
    fields = f"id: ID! @shareable f{number}: {more}"
    return Source(f"s{number}", f"{LINK}type Query {{ hub{number}: Hub }}\ntype Hub {key} {{ {fields} }}\n")


@pytest.mark.parametrize(
    ("count", "more"),
    [(200, "Int"), *(pytest.param(*case, marks=pytest.mark.nightly) for case in ((100, "Int"), (200, "Hub")))],
)
def test_hundreds_of_subgraphs_around_one_type_compose(count: int, more: str):
    answer = composed(tuple(hub(number, more=more) for number in range(count)))
    assert answer.state is Composed.COMPOSED, answer.detail
    assert f"f{count - 1}: {more}" in answer.public


@pytest.mark.nightly
def test_one_of_two_hundred_that_cannot_be_reached_is_found():
    answer = composed(tuple(hub(number, key="" if number == 7 else hub.__kwdefaults__["key"]) for number in range(200)))
    assert answer.state is Composed.REFUSED
    assert len(answer.errors) == 199
    assert {error.code for error in answer.errors} == {"SATISFIABILITY_ERROR"}
    assert all("f7" in error.message for error in answer.errors)


@pytest.mark.nightly
def test_megabytes_in_many_types_compose(sized: Callable[[int], tuple[Source, ...]]):
    sources = sized(5_000_000)
    answer = run(compose(sources, seconds=patience(sources, SECONDS)))
    assert answer.state is Composed.COMPOSED, answer.detail


@pytest.fixture
def sized() -> Callable[[int], tuple[Source, ...]]:
    """Twenty subgraphs of so many characters together, each with types of its own and a share of one entity."""

    def of(size: int) -> tuple[Source, ...]:
        told = " ".join(f"field{number}: Int" for number in range(40))
        count = size // 20 // len(told)

        def one(name: str) -> Source:
            types = "\n".join(f"type {name}T{number} {{ {told} }}" for number in range(count))
            hub = f'type Hub @key(fields: "id") {{ id: ID! to{name}: {name}T0 }}'
            return Source(name, f"{LINK}type Query {{ {name}: {name}T1 hub{name}: Hub }}\n{hub}\n{types}")

        return tuple(one(f"s{number}") for number in range(20))

    return of


def test_more_text_has_more_time_up_to_a_bound():
    assert patience((Source("a", "x"),), 30) == 30
    assert patience((Source("a", "x" * 2_500_000),), 30) == 90
    assert patience((Source("a", "x" * 9_000_000),), 30) == LONGEST
    assert patience((Source("a", "x" * 9_000_000),), 150) == 150
