"""A document against the schema: every difference at once, each with its place and what was expected."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from certify.model.limit import LIMIT_PATTERN, Limit
from certify.profile.document import Document
from certify.profile.problem import Problem, hint, quoted
from certify.profile.tree import Node

_KINDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_WORDS_FOR_BOOL: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def read_document(tree: Node) -> tuple[Document | None, list[Problem]]:
    """The typed document, or what keeps it from being one.

    The types decide alone and fast. Only when they refuse is the JSON Schema that is made from them
    asked, because it finds all differences where a conversion stops at the first.
    """
    try:
        return msgspec.convert(tree.plain(), Document), []
    except msgspec.ValidationError as error:
        problems = differences(tree, msgspec.json.schema(Document))
        return None, problems or [Problem(tree.origin, str(error))]


def differences(tree: Node, schema: Mapping[str, Any], where: tuple[str | int, ...] = ()) -> list[Problem]:
    """Every difference between `tree` and `schema`, in the order of the file; `where` is what leads to the tree."""
    import jsonschema  # noqa: PLC0415 - slow to import, and only an invalid profile needs it

    validator = jsonschema.Draft202012Validator(schema)
    found = [problem for error in validator.iter_errors(tree.plain()) for problem in _explain(tree, error, where)]
    unique = {(problem.origin, problem.message): problem for problem in found}
    return sorted(unique.values(), key=lambda problem: (problem.origin.line, problem.origin.column))


def _explain(tree: Node, error: Any, where: tuple[str | int, ...]) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    node = tree.nearest(*path)
    if error.validator == "anyOf" and (branch := _meant_branch(error)):
        for inner in branch:
            yield from _explain(tree, inner, where)
    elif error.validator == "additionalProperties":
        yield from _unknown_keys(node, error, (*where, *path))
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        # iter_errors gives one error for each missing key, and each names the whole list.
        yield from (Problem(node.key, f"missing key {name!r} in {_part((*where, *path))}") for name in missing)
    elif "propertyNames" in error.absolute_schema_path:
        key = node.entries().get(error.instance, node)
        yield Problem(key.key, f"{quoted(error.instance)} is not {error.schema.get('title', 'a name')}")
    else:
        expected = f"{_part((*where, *path))}: expected {_expected(error)}"
        yield Problem(node.origin, f"{expected}, got {_shown(error.instance)}{_cure(error)}")


def _meant_branch(error: Any) -> list[Any]:
    """The differences to the one alternative of the right kind, when the value has the kind of one."""
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    depth = len(error.absolute_path)
    for inner in branches.values():
        if not any(one.validator == "type" and len(one.absolute_path) == depth for one in inner):
            return inner
    return []


def _unknown_keys(node: Node, error: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for name, child in node.entries().items():
        if name not in known:
            yield Problem(child.key, f"unknown key {quoted(name)} in {_part(path)}{hint(name, known)}")


def _expected(error: Any) -> str:
    if error.validator == "enum":
        return f"one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "minItems":
        return "at least one entry"
    title = error.schema.get("title")
    if error.validator == "type":
        kind = _KINDS.get(str(error.validator_value), "")
        return kind if kind == _KINDS["object"] else title or kind
    return str(title or ("a mapping" if error.validator == "anyOf" else error.message))


def _cure(error: Any) -> str:
    value = error.instance
    if error.validator == "enum" and isinstance(value, str):
        return hint(value, map(str, error.validator_value), offer=False)
    if error.validator == "pattern" and error.validator_value == LIMIT_PATTERN:
        return _limit_cure(value)
    return _kind_cure(value, error.validator_value) if error.validator == "type" else ""


def _kind_cure(value: Any, wanted: str) -> str:
    if wanted == "string" and isinstance(value, bool | int | float):
        return "; put it in quotes"
    if not isinstance(value, str):
        return ""
    if wanted == "boolean" and value.casefold() in _WORDS_FOR_BOOL:
        return f"; write {_WORDS_FOR_BOOL[value.casefold()]}"
    if wanted in {"integer", "number"}:
        return "; write a plain number: no quotes, no leading zero, no unit"
    return "; put it in square brackets" if wanted == "array" else ""


def _limit_cure(value: str) -> str:
    try:
        Limit.parse(value)
    except ValueError as reason:
        return f": {reason}"
    return ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    kind = "list" if isinstance(value, list) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"


def _part(path: tuple[str | int, ...]) -> str:
    """Which part of the profile it is, for people who do not see the line: `limit 'p95' of control FIN-LOAD-01`."""
    match path:
        case ("controls", str(name), "limits", str(limit), *_):
            return f"limit {limit!r} of control {name}"
        case ("controls", str(name), *rest):
            thing = f"control {name}"
        case ("stack", "services", str(name), *rest):
            thing = f"service {name}"
        case ("checks", str(name), *rest):
            thing = f"check {name}"
        case ("waivers", int(index), *rest):
            thing = f"waiver {index + 1}"
        case ("stack", *rest):
            thing = "the stack"
        case _:
            thing, rest = "the profile", list(path)
    keys = ".".join(step for step in rest if isinstance(step, str))
    return f"{keys!r} of {thing}" if keys else thing
