"""The catalogue of events in docs/reference-stack.md is what the services' source says."""

import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import certify_stack
from certify_stack.erp import CONSUMES, SERVICES
from certify_stack.erp.finance import events as finance
from certify_stack.erp.finance.upgrades import UPGRADES
from certify_stack.erp.notification.telling import TEXTS
from certify_stack.kit.app import load_service

ROOT = Path(certify_stack.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "reference-stack.md"
NAMED = re.compile(r"<!-- events -->\n(.*?)<!-- end -->", re.DOTALL)
OF_ENTITIES = re.compile(r"(<!-- events of entities -->\n)(.*?)(<!-- end -->)", re.DOTALL)
VERBS = {"create": "Created", "update": "Updated", "delete": "Deleted"}
# Where a type is no name of the source: the events that finance stores, each a class of its own. Seen by VERSIONS.
ELSEWHERE = frozenset({"erp/finance/commands.py"})
ABOUT = {"Invoice": "Invoice", "Payment": "Payment", "CustomerAccount": "CustomerAccount", "Journal": "JournalEntry"}


class Told(NamedTuple):
    """One kind of event."""

    service: str
    type: str
    version: str
    about: str


def in_source() -> set[Told]:
    """Every event that is written by hand somewhere."""
    found = {told for path in sorted((ROOT / "erp").rglob("*.py")) for told in in_file(path)}
    return found | {
        Told("finance", kind.__name__, str(version), about(kind)) for kind, version in finance.VERSIONS.items()
    }


def about(kind: type[Any]) -> str:
    names = {"CreditLimitChanged": "CustomerAccount"}
    return names.get(kind.__name__) or next(what for start, what in ABOUT.items() if kind.__name__.startswith(start))


def in_file(path: Path) -> Iterator[Told]:
    place = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(function):
            named = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and named in {"Event", "outbox.Event"} and place not in ELSEWHERE:
                given = {word.arg: word.value for word in call.keywords}
                service = place.split("/")[1].replace("_", "-")
                version = ast.unparse(given.get("version", ast.Constant(1)))
                (subject,) = texts(given["subject_type"], function, path)
                yield from (Told(service, kind, version, subject) for kind in texts(given["type"], function, path))


def texts(value: ast.expr, function: ast.AST, path: Path) -> set[str]:
    """The texts that an expression may have: itself, a name of the module, or what the function gives to a name."""
    if isinstance(value, ast.Constant):
        return {str(value.value)}
    assert isinstance(value, ast.Name), f"{path}: {ast.unparse(value)} is not told by the source"
    for one in ast.walk(function):
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == value.id and isinstance(one.value, ast.IfExp):
            return texts(one.value.body, function, path) | texts(one.value.orelse, function, path)
    module = importlib.import_module(".".join(["certify_stack", *path.relative_to(ROOT).with_suffix("").parts]))
    return {str(getattr(module, value.id))}


def of_entities() -> dict[str, dict[str, list[str]]]:
    """Service -> entity -> what is told of it, by what its page declares."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in SERVICES:
        for entity in load_service(name).entities:
            verbs = [past for verb, past in VERBS.items() if getattr(entity.access, verb) is not None]
            if verbs:
                found.setdefault(name, {})[entity.name] = verbs
    return found


def is_of_an_entity(told: Told) -> bool:
    return told.type.removeprefix(told.about) in of_entities().get(told.service, {}).get(told.about, ())


def in_page() -> list[Told]:
    match = NAMED.search(PAGE.read_text())
    assert match, f"{PAGE} has no catalogue"
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in match[1].splitlines()[2:]]
    assert all(len(row) == 5 and row[4] for row in rows), "a row says nothing of when it happens"
    return [Told(*row[:4]) for row in rows]


def test_the_page_names_each_event_that_the_source_writes_and_no_other():
    told = in_page()
    expected = {one for one in in_source() if not is_of_an_entity(one)}
    assert sorted(told) == sorted(set(told)), "named twice"
    assert set(told) - expected == set(), "these are written nowhere"
    assert expected - set(told) == set(), "these are missing on the page"


def test_the_page_names_what_is_told_of_declared_entities():
    lines = ["| service | told when it was created, updated or deleted |", "|---|---|"]
    for service, entities in of_entities().items():
        names = (f"{name} ({', '.join(verbs).lower()})" if len(verbs) < 3 else name for name, verbs in entities.items())
        lines.append(f"| {service} | {', '.join(names)} |")
    block = "\n".join(lines) + "\n"
    page = PAGE.read_text()
    if os.environ.get("UPDATE_DOCS"):
        page = OF_ENTITIES.sub(lambda found: found[1] + block + found[3], page)
        PAGE.write_text(page)
    match = OF_ENTITIES.search(page)
    assert match
    assert match[2] == block, "run UPDATE_DOCS=1 pytest tests/stack_kit/test_event_catalogue.py"


def test_who_waits_for_an_event_waits_for_one_that_comes():
    known = {(told.service, told.type) for told in in_source()}
    assert {kind for kind in TEXTS if not any((service, kind) in known for service in CONSUMES["notification"])} <= {
        "ImportFinished"
    }


def test_each_old_version_has_its_upgrade():
    versions = {kind.__name__: version for kind, version in finance.VERSIONS.items()}
    assert set(UPGRADES) == {(kind, old) for kind, newest in versions.items() for old in range(1, newest)}
    assert sum(newest > 1 for newest in versions.values()) >= 5


@pytest.mark.parametrize("kind", ["made", "f'{made}'", "made.name"])
def test_a_type_that_the_source_does_not_tell_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    path = tmp_path / "erp" / "hr" / "service.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"def f(made):\n    return Event(type={kind}, subject_type='X')\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    with pytest.raises((AssertionError, AttributeError)):
        list(in_file(path))
