"""The JSON Schema of profiles for editors: the grammar, with the rules and options of the installed checks."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from certify.profile.document import Document
from certify.profile.option_schema import options_components
from certify.profile.options import KnownCheck

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TITLE: Final = "certify profile"


def profile_schema(checks: Mapping[str, KnownCheck] | None = None) -> dict[str, Any]:
    """The schema of a profile file, completed by what `checks` can decide and how they are set."""
    (document,), definitions = msgspec.json.schema_components([Document], ref_template="#/$defs/{name}")
    definitions = {name: _tidy(definition) for name, definition in definitions.items()}
    known = dict(sorted((checks or {}).items()))
    if known:
        _offer_rules(definitions["ControlEntry"], known)
        _offer_options(definitions, known)
    return {"$schema": _DIALECT, "title": _TITLE, **document, "$defs": dict(sorted(definitions.items()))}


def _tidy(definition: dict[str, Any]) -> dict[str, Any]:
    """Without the defaults that say nothing: an editor would offer them as text to insert."""
    if "properties" not in definition:
        return definition
    properties = {
        name: {key: value for key, value in field.items() if key != "default" or value not in ("", [], {})}
        for name, field in definition["properties"].items()
    }
    for field in properties.values():
        if isinstance(field.get("default"), dict):
            del field["default"]
    return {**definition, "properties": properties}


def _offer_rules(control: dict[str, Any], checks: Mapping[str, KnownCheck]) -> None:
    names = [f"{check.id}.{rule.id}" for check in checks.values() for rule in check.description.rules]
    items = control["properties"]["prove"]["items"]
    control["properties"]["prove"]["items"] = {
        "title": items["title"],
        "type": "string",
        # A rule that is not installed is allowed: its control is unimplemented until it is.
        "anyOf": [{"enum": sorted(names)}, {"pattern": items["pattern"]}],
    }
    limits = sorted({name for check in checks.values() for rule in check.description.rules for name in rule.limits})
    offered = control["properties"]["limits"]
    offered["properties"] = dict.fromkeys(limits, offered["additionalProperties"])


def _offer_options(definitions: dict[str, Any], checks: Mapping[str, KnownCheck]) -> None:
    by_option: dict[str, list[dict[str, Any]]] = {}
    families = definitions["Document"]["properties"]["checks"]
    families["properties"] = {}
    for check in checks.values():
        if check.check is None:
            continue
        own, inner = options_components(check.check, f"{check.id}.")
        definitions.update(inner)
        definitions[check.id] = own
        families["properties"][check.id] = {"$ref": f"#/$defs/{check.id}"}
        for name, shape in own["properties"].items():
            by_option.setdefault(name, []).append(shape)
    definitions["ControlEntry"]["properties"]["with"]["properties"] = {
        name: shapes[0] if len(shapes) == 1 else {"anyOf": shapes} for name, shapes in sorted(by_option.items())
    }
