"""A local export of advisories (OSV, one JSON record a file in a zip) served as pip-audit's OSV service."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_MAX_RECORD = 5_000_000
_NEVER = datetime.fromtimestamp(0, UTC)
# The advisory's own word (GitHub's records carry it). Anything else, and no word at all, counts as high.
_LESSER = {"LOW": "low", "MODERATE": "medium", "MEDIUM": "medium"}


class Advisories(msgspec.Struct, frozen=True):
    """Records of one export by canonical package name, and the time of the newest."""

    name: str
    newest: datetime
    by_package: Mapping[str, Sequence[dict[str, Any]]]

    def query(self, body: bytes) -> tuple[int, bytes]:
        """Answer one `POST /v1/query` of the OSV API."""
        try:
            asked = json.loads(body)
            package, version = asked["package"], Version(asked["version"])
            name = canonicalize_name(package["name"])
        except (ValueError, KeyError, TypeError, InvalidVersion):
            return 400, b'{"message":"not an OSV query"}'
        found = [_named(record, name) for record in self.by_package.get(name, ()) if affects(record, name, version)]
        return 200, json.dumps({"vulns": found} if found else {}).encode()

    def severity(self, package: str, ids: Iterable[str]) -> str:
        """What the record says of itself: low, medium or unknown."""
        wanted = set(ids)
        for record in self.by_package.get(canonicalize_name(package), ()):
            if wanted & {record["id"], *record.get("aliases", ())}:
                word = str((record.get("database_specific") or {}).get("severity", "")).upper()
                return _LESSER.get(word, "unknown")
        return "unknown"

    def an_affected_version(self, excluded: set[str]) -> tuple[str, str] | None:
        """A package that is not in `excluded`, with a version that a record names as affected."""
        for package, records in sorted(self.by_package.items()):
            for record in records:
                for affected in record.get("affected", ()):
                    named = canonicalize_name(affected["package"]["name"]) == package
                    if package not in excluded and named and affected.get("versions"):
                        return package, str(affected["versions"][0])
        return None


def load(file: Path) -> Advisories:
    """Read an export.

    Raises:
        ValueError: no zip of OSV records; the message names file, cause and cure.
    """
    by_package: dict[str, list[dict[str, Any]]] = {}
    newest = _NEVER
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if not entry.filename.endswith(".json") or entry.file_size > _MAX_RECORD:
                    continue
                record = json.loads(archive.read(entry))
                newest = max(newest, _time(str(record["modified"])))
                for name in _packages(record):
                    by_package.setdefault(name, []).append(record)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file}: not an OSV export: {error}; give a zip with one JSON record a file") from error
    if not by_package:
        raise ValueError(f"{file}: holds no record of a Python package; give the export of the ecosystem PyPI")
    return Advisories(file.name, newest, by_package)


def affects(record: Mapping[str, Any], name: str, version: Version) -> bool:
    """Whether the record names the version, in its list or in one of its ranges (OSV schema, evaluation)."""
    if record.get("withdrawn"):
        return False
    return any(
        canonicalize_name(affected["package"]["name"]) == name
        and affected["package"]["ecosystem"] == "PyPI"
        and (_listed(affected, version) or any(_within(item, version) for item in affected.get("ranges", ())))
        for affected in record.get("affected", ())
    )


def _listed(affected: Mapping[str, Any], version: Version) -> bool:
    return any(_version(text) == version for text in affected.get("versions", ()))


def _within(span: Mapping[str, Any], version: Version) -> bool:
    """Events in order of version; the last one that is not beyond `version` decides."""
    if span.get("type") != "ECOSYSTEM":
        return False
    inside = False
    events = sorted(((_version(text), kind) for event in span["events"] for kind, text in event.items()), key=_order)
    for bound, kind in events:
        if bound is None:
            return True  # a bound that cannot be read may well include the version
        if kind == "introduced" and bound <= version:
            inside = True
        elif (kind == "fixed" and bound <= version) or (kind == "last_affected" and bound < version):
            inside = False
    return inside


def _order(event: tuple[Version | None, str]) -> tuple[Version, bool]:
    # Where both fall on one version, the later introduction counts.
    return event[0] or Version("0"), event[1] == "introduced"


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _packages(record: Mapping[str, Any]) -> set[str]:
    places = [affected["package"] for affected in record.get("affected", ())]
    return {canonicalize_name(place["name"]) for place in places if place["ecosystem"] == "PyPI"}


def _named(record: dict[str, Any], name: str) -> dict[str, Any]:
    """The record with the package's canonical name, which is how pip-audit compares it."""
    affected = [
        {**one, "package": {**one["package"], "name": name}}
        if canonicalize_name(one["package"]["name"]) == name
        else one
        for one in record["affected"]
    ]
    return {**record, "affected": affected}


def _time(text: str) -> datetime:
    """The time of a record; one that cannot be read (some say year 1) makes no export look fresher."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)
