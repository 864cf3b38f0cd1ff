"""Finding profile files: by path, in ./profiles, beside the file that extends them, or among those shipped."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

import certify
from certify.model.limit import Origin
from certify.profile.problem import Problem, ProfileError, hint, quoted
from certify.profile.reading import MAX_BYTES

_SUFFIXES: Final = (".yaml", ".yml")
_SHIPPED_AS: Final = "certify/_bundled/profiles"


class Source(msgspec.Struct, frozen=True):
    """One profile file: where it is, and its name for messages and records."""

    path: Path
    name: str


def bundled_profiles_dir() -> Path:
    """The folder of the profiles that certify ships: in the wheel its own, in a checkout `profiles/`."""
    package = Path(certify.__file__).parent
    shipped = package / "_bundled" / "profiles"
    return shipped if shipped.is_dir() else package.parent / "profiles"


def bundled_profiles() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(path.stem for path in bundled_profiles_dir().glob("*.yaml"))


def find_profile(
    name: str, search: Sequence[Path], *, wanted_at: Origin = Origin(), beside: Source | None = None
) -> Source:
    """The file of a profile by path or bare name; `beside` is the file that extends it and never found itself.

    Raises:
        ProfileError: there is none.
    """
    folder = beside.path.parent if beside else Path()
    if name.endswith(_SUFFIXES) or os.sep in name:
        path = folder / name
        if path.exists():
            return Source(path, _told(path))
        raise ProfileError([Problem(wanted_at, f"there is no file {quoted(str(path))}")])
    places = [*([folder] if beside else []), *search]
    for place in places:
        path = place / f"{name}.yaml"
        if path.exists() and not (beside and path.samefile(beside.path)):
            return Source(path, _told(path))
    known = {path.stem for place in places for path in place.glob("*.yaml")}
    looked = " and ".join(dict.fromkeys(_told(place) or "." for place in places))
    message = f"there is no profile {quoted(name)} in {looked}{hint(name, known)}"
    raise ProfileError([Problem(wanted_at if wanted_at.file else Origin(name), message)])


def read_bytes(source: Source, wanted_at: Origin = Origin()) -> bytes:
    """The file's bytes, at most one more than a profile may have.

    Raises:
        ProfileError: it cannot be read, or is not a regular file.
    """
    origin = wanted_at if wanted_at.file else Origin(source.name)
    try:
        if not stat.S_ISREG(source.path.stat().st_mode):
            raise ProfileError([Problem(origin, f"{source.name} is not a file")])
        with source.path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError([Problem(origin, f"{source.name} cannot be read: {error.strerror}")]) from None


def default_search() -> Iterator[Path]:
    """Where bare names are looked for: the project's own profiles, then the shipped ones."""
    yield Path("profiles")
    yield bundled_profiles_dir()


def _told(path: Path) -> str:
    """The path as messages and records name it: relative where possible, the same on every machine when shipped."""
    absolute, here = path.resolve(), Path.cwd()
    if absolute.is_relative_to(here):
        return str(absolute.relative_to(here))
    bundled = bundled_profiles_dir().resolve()
    if absolute.is_relative_to(bundled):
        inner = absolute.relative_to(bundled)
        return _SHIPPED_AS if inner == Path() else f"{_SHIPPED_AS}/{inner}"
    return str(path)
