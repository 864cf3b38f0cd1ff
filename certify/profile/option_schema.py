"""The JSON Schema of a check's options, made from their type and its docstring."""

import inspect
import re
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import msgspec

from certify.model.check import Check, CheckConfig
from certify.model.duration import DURATION_PATTERN, Duration

_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}\S.*)*)", re.MULTILINE)


def options_schema(check: Check) -> dict[str, Any]:
    """The schema of the options of one check, its definitions inside."""
    schema, definitions = options_components(check)
    return {**schema, "$defs": definitions}


def options_components(check: Check, prefix: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of the options of one check apart from the definitions that it refers to, whose names get `prefix`."""
    bare: dict[type[CheckConfig], type[msgspec.Struct]] = {}
    (reference,), definitions = msgspec.json.schema_components(
        [_bare(check.config, bare)], schema_hook=_of_custom, ref_template=f"#/$defs/{prefix}{{name}}"
    )
    for group in bare:
        _complete(definitions[group.__name__], group)
    own = definitions.pop(reference["$ref"].removeprefix(f"#/$defs/{prefix}"))
    return own, {f"{prefix}{name}": definition for name, definition in definitions.items()}


def _bare(config: type[CheckConfig], made: dict[type[CheckConfig], type[msgspec.Struct]]) -> type[msgspec.Struct]:
    """The same type without defaults, and all that it is made of: msgspec cannot write those of types of ours into a schema."""
    if config not in made:
        fields = [
            (field.name, _inside(field.type, made), msgspec.field(name=field.encode_name))
            for field in msgspec.structs.fields(config)
        ]
        made[config] = msgspec.defstruct(config.__name__, fields, forbid_unknown_fields=True)
    return made[config]


def _inside(kind: Any, made: dict[type[CheckConfig], type[msgspec.Struct]]) -> Any:
    """The type of a field, with the bare types of all options within."""
    if isinstance(kind, type) and issubclass(kind, CheckConfig):
        return _bare(kind, made)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return Union[tuple(_inside(argument, made) for argument in arguments)]  # noqa: UP007 - of types known only now
    if origin in {dict, list, tuple}:
        return origin[tuple(_inside(argument, made) for argument in arguments)]
    return kind


def _complete(own: dict[str, Any], config: type[CheckConfig]) -> dict[str, Any]:
    """Put back what the bare type lacks: defaults, and what the docstring says."""
    text = inspect.getdoc(config) or ""
    described = {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(text)}
    for field in msgspec.structs.fields(config):
        facts = own["properties"][field.encode_name]
        if field.name in described:
            facts["description"] = described[field.name]
        default = (
            field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        )
        if not field.required:
            facts["default"] = msgspec.to_builtins(default, enc_hook=str)
    own["required"] = [field.encode_name for field in msgspec.structs.fields(config) if field.required]
    own["description"] = text.partition("\n\n")[0]
    return own


def _of_custom(kind: type) -> dict[str, Any]:
    """The types that msgspec does not know by itself."""
    if issubclass(kind, Duration):
        return {"type": "string", "pattern": DURATION_PATTERN, "title": "a length of time, such as '5 s' or '10 m'"}
    if issubclass(kind, Path):
        return {"type": "string", "title": "a path"}
    raise NotImplementedError(kind)
