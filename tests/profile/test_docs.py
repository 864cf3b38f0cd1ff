"""docs/profiles.md: its tables are those of the grammar, its example is a profile.

`UPDATE_DOCS=1 ./dev test tests/profile/test_docs.py` writes the tables anew.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from certify.engine.registry import discover_checks
from certify.profile.load import inspect_profile
from certify.profile.schema import profile_schema

PAGE = Path(__file__).parents[2] / "docs" / "profiles.md"
BLOCK = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
KINDS = {"boolean": "true or false", "string": "text", "integer": "a whole number"}


def table(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | what | value | default |"
    yield "|---|---|---|---|"
    definition = schema["$defs"][name]
    for key, field in definition["properties"].items():
        default = field.get("default", "**required**" if key in definition.get("required", ()) else "")
        shown = {True: "`true`", False: "`false`"}[default] if isinstance(default, bool) else str(default)
        yield f"| `{key}` | {field['description']} | {value(field, schema)} | {shown} |"


def value(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "title" in field:
        return str(field["title"])
    if "$ref" in field:
        target = schema["$defs"][field["$ref"].removeprefix("#/$defs/")]
        return ", ".join(f"`{choice}`" for choice in target["enum"]) if "enum" in target else "a mapping"
    if field["type"] == "array":
        return f"a list; each: {value(field['items'], schema)}"
    if field["type"] == "object" and "title" in field.get("additionalProperties", {}):
        return f"a mapping; each: {field['additionalProperties']['title']}"
    return KINDS.get(field["type"], "a mapping")


def rendered(page: str) -> str:
    schema = profile_schema()
    return BLOCK.sub(lambda found: found[1] + "\n".join(table(found[2], schema)) + "\n" + found[3], page)


def test_tables_are_those_of_the_grammar():
    page = PAGE.read_text()
    wanted = rendered(page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(wanted)
    assert page == wanted or os.environ.get("UPDATE_DOCS"), "run: UPDATE_DOCS=1 ./dev test tests/profile/test_docs.py"
    names = [name for _, name, _ in BLOCK.findall(page)]
    assert names == ["Document", "StackEntry", "ServiceEntry", "ControlEntry", "WaiverEntry"]


def test_the_example_is_a_profile(write: Callable[..., None]):
    example = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    write(shop=example[1])
    inspected = inspect_profile("shop.yaml", checks=discover_checks())
    ids = [control.id for control in inspected.profile.controls]
    assert {"SHOP-LOAD-01", "BOOT-HEALTH-01", "SECURE-AUTH-01"} <= set(ids)
    assert inspected.profile.stack.services[0].source == ("services/web",)


@pytest.mark.parametrize("name", ["boot", "contract", "secure", "resilient", "load", "finance"])
def test_every_shipped_profile_is_in_the_table(name: str):
    assert f"| `{name}` |" in PAGE.read_text()
