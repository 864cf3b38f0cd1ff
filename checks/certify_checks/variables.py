"""Variables of operations: templates filled for each request. Pure; standard library only, for the load generator."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

UNIQUE = "{unique}"


def fill(template: Any, values: Mapping[str, Sequence[Any]], chance: random.Random, unique: str) -> Any:
    """A copy of `template` with `{NAME}` replaced by one of `values[NAME]` and `{unique}` by `unique`."""
    if isinstance(template, dict):
        return {name: fill(value, values, chance, unique) for name, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values, chance, unique) for value in template]
    if not isinstance(template, str):
        return template
    if template[:1] == "{" and template[-1:] == "}" and template[1:-1] in values:
        return chance.choice(values[template[1:-1]])
    return template.replace(UNIQUE, unique)


def at_path(data: Any, path: str) -> list[Any]:
    """Every value under a dotted path; lists on the way are gone through. Nulls and what is missing are left out."""
    found = [data]
    for name in path.split("."):
        found = [value[name] for value in _flat(found) if isinstance(value, dict) and name in value]
    return [value for value in _flat(found) if value is not None]


def _flat(values: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, list):
            flat.extend(_flat(value))
        else:
            flat.append(value)
    return flat
