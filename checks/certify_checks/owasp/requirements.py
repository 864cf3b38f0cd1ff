"""What is to be audited: exact versions, from pinned requirement files or from the running environment."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"\s--hash[= ]\S+")
_COMMENT = re.compile(r"(^|\s)#.*$")


class Wanted(msgspec.Struct, frozen=True):
    """Pinned versions by canonical name, where they come from, and lines that could not be used."""

    origin: str
    pins: dict[str, str]
    unusable: dict[str, str] = {}
    first_party: tuple[str, ...] = ()


def of_environment(first_party: Sequence[str]) -> Wanted:
    """Every distribution that is installed beside this Python, but the product's own."""
    own = {canonicalize_name(name) for name in first_party}
    pins: dict[str, str] = {}
    left: set[str] = set()
    for found in distributions():
        name = canonicalize_name(found.metadata["Name"] or "")
        if name in own or _editable(found.read_text("direct_url.json")):
            left.add(name)
        elif name:
            pins.setdefault(name, found.version)
    return Wanted("installed distributions", dict(sorted(pins.items())), first_party=tuple(sorted(left)))


def of_files(root: Path, files: Sequence[str]) -> Wanted:
    """The pins of requirement files that apply to this machine; hashes are not needed to ask for advisories.

    Raises:
        OSError: a file cannot be read.
    """
    pins: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for file in files:
        text = (root / file).read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if stripped := _HASH.sub("", _COMMENT.sub("", line)).strip():
                _take(stripped, pins, unusable)
    return Wanted(", ".join(files), pins, unusable)


def _take(line: str, pins: dict[str, str], unusable: dict[str, str]) -> None:
    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        unusable[line[:80]] = f"not a requirement: {str(error).splitlines()[0]}"
        return
    if wanted.marker and not wanted.marker.evaluate():
        return
    name = canonicalize_name(wanted.name)
    pinned = [one.version for one in wanted.specifier if one.operator in {"==", "==="} and "*" not in one.version]
    if not pinned:
        unusable[name] = "not pinned to one version"
    elif pins.setdefault(name, pinned[0]) != pinned[0]:
        unusable[name] = f"pinned to both {pins[name]} and {pinned[0]}"


def _editable(direct_url: str | None) -> bool:
    return bool(direct_url) and bool(json.loads(direct_url or "{}").get("dir_info", {}).get("editable"))
