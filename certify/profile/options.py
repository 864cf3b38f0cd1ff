"""A check's options as a profile gives them: for all of its controls, and for one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from certify.model.check import Check
from certify.model.duration import Duration
from certify.profile.model import Control, Profile

# Reserved: makes a check of a profile an executable instead of an installed plug-in.
COMMAND_OPTION: Final = "command"


class KnownRule(Protocol):
    """What a profile's reader asks of a rule."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as Rule.id
    @property
    def limits(self) -> Mapping[str, str | None]: ...  # noqa: D102 - as Rule.limits


class KnownDescription(Protocol):
    """What a profile's reader asks of a check's description."""

    @property
    def rules(self) -> Sequence[KnownRule]: ...  # noqa: D102 - what it can decide


class KnownCheck(Protocol):
    """One installed check, as `certify.engine.registry.InstalledCheck`; `check` is None for an executable."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as Check.id
    @property
    def description(self) -> KnownDescription: ...  # noqa: D102 - what it says of itself
    @property
    def check(self) -> Check | None: ...  # noqa: D102 - its code, for what is written in Python


def option_names(check: Check) -> tuple[str, ...]:
    """The names of the check's options, as profiles write them."""
    return tuple(field.encode_name for field in msgspec.structs.fields(check.config))


def options_for(profile: Profile, control: Control, check_id: str, check: Check | None) -> dict[str, Any]:
    """What one check gets for one control: the profile's options for it, under the control's own `with:`.

    A control that several checks prove has one `with:`, of which each check gets the options that are its own;
    an executable, whose options nobody knows, gets all.
    """
    given = control.options if check is None else _own(control.options, check)
    options = profile.checks.get(check_id, {}) | given
    return {name: value for name, value in options.items() if name != COMMAND_OPTION}


def executables(profile: Profile) -> dict[str, tuple[str, ...]]:
    """The checks that the profile brings along as executables: id -> command.

    What has a slash is beside the profile; a bare name is looked up on PATH.
    """
    found = {}
    for name, options in profile.checks.items():
        command = options.get(COMMAND_OPTION)
        if command:
            first, *rest = [command] if isinstance(command, str) else command
            found[name] = (str(Path(profile.folder, first).absolute()) if "/" in first else first, *rest)
    return found


def as_config(check: Check, options: Mapping[str, Any]) -> Any:
    """The options as the check's own frozen type.

    Raises:
        msgspec.ValidationError: an unknown option, or a value of the wrong type.
    """
    return msgspec.convert(dict(options), check.config, dec_hook=decode_custom, strict=False)


def _own(options: Mapping[str, Any], check: Check) -> dict[str, Any]:
    names = option_names(check)
    return {name: value for name, value in options.items() if name in names}


def decode_custom(kind: type, value: Any) -> Any:
    """Decode the types that msgspec does not know by itself."""
    if issubclass(kind, Duration | Path):
        return kind(value)
    raise NotImplementedError(kind)
