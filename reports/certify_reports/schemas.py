"""The committed JSON Schemas. `python -m certify_reports.schemas` writes them anew; a test keeps them equal."""

import json
from pathlib import Path
from typing import Final

from certify.api import SCHEMAS, schema_of

FOLDER: Final = Path(__file__).parent / "schema"


def text_of(name: str) -> str:
    """The committed form of one schema."""
    return json.dumps(schema_of(name), indent=2, sort_keys=True) + "\n"


def path_of(name: str) -> Path:
    """Where it is committed."""
    return FOLDER / f"{name}.schema.json"


def write() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        path_of(name).write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    write()
