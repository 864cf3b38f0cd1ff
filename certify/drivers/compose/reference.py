"""The compose file of a stack that boots itself: its module writes it (`python -m MODULE compose`), out of what a profile says."""

import subprocess
import sys
from typing import Any

import msgspec

from certify.drivers.interface import EnvironmentUnusableError
from certify.model.escape import visible
from certify.profile.model import StackSpec

_SECONDS = 60


class NoComposeFileError(ValueError):
    """There can be no compose file for this profile; the message says why."""


def description(profile: str, spec: StackSpec) -> dict[str, Any]:
    """What a stack's module is told of the profile of this name. Pure."""
    return {
        "profile": profile,
        "services": {service.name: {"ready": service.probes.ready} for service in spec.services},
        "gateway": spec.gateway.probes.ready if spec.gateway else "",
    }


def compose_text(profile: str, spec: StackSpec) -> str:
    """The text of the compose file.

    Raises:
        EnvironmentUnusableError: the stack is not installed, or does not answer.
        NoComposeFileError: the profile has no stack of its own, or one that cannot run in containers.
    """
    if not spec.reference:
        raise NoComposeFileError(f"the profile {profile!r} has no `reference` stack that could be put into containers")
    try:
        done = subprocess.run(
            [sys.executable, "-m", spec.reference, "compose"],
            input=msgspec.json.encode(description(profile, spec)),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentUnusableError(f"the stack {spec.reference} does not answer `compose`: {error}") from error
    if done.returncode:
        told = visible(done.stderr.decode(errors="replace").strip()[-500:])
        raise NoComposeFileError(f"the stack {spec.reference} writes no compose file for this profile: {told}")
    return done.stdout.decode()
