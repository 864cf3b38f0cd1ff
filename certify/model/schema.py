"""The published JSON Schemas of record and decision, generated from the models."""

from typing import Any, Final

import msgspec

from certify.model.decision import Decision
from certify.model.record import SCHEMA_VERSION, Record

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[dict[str, type[msgspec.Struct]]] = {"record": Record, "decision": Decision}
SCHEMAS: Final = tuple(_MODELS)


def schema_of(name: str) -> dict[str, Any]:
    """The schema of `record.json` or `decision.json`.

    Raises:
        KeyError: there is no published schema of that name.
    """
    about = {"$schema": DIALECT, "$id": f"https://certify.dev/schema/{name}-v{SCHEMA_VERSION}.json"}
    return {**about, **msgspec.json.schema(_MODELS[name])}
