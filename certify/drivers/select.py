"""The table of stack kind x driver. A combination that makes no sense is a usage error."""

from pathlib import Path

import msgspec

from certify.drivers.attach import AttachDriver
from certify.drivers.beside import Beside
from certify.drivers.embedded import EmbeddedDriver, Place, describe
from certify.drivers.interface import Driver, EnvironmentUnusableError
from certify.profile.model import StackSpec

NAMES = ("embedded", "compose", "attach")


class DriverError(Exception):
    """This driver cannot bring up this kind of stack; the message says which one can."""


def select(  # noqa: PLR0913, PLR0917 - what a driver needs, each of a kind of its own
    spec: StackSpec, name: str | None, folder: Path, base: Path, overlays: tuple[str, ...] = (), run_id: str = ""
) -> Driver:
    """The driver for a stack: the one that was asked for, else the one that fits.

    Args:
        spec: the profile's stack.
        name: what the user asked for; None: whatever fits.
        folder: where the driver may write; made when it is needed.
        base: folder of the profile.
        overlays: faults to start with.
        run_id: of the run, by which what it starts outside of its own processes is found again.

    Raises:
        ComposeFileError: Compose refuses the files.
        DriverError: the combination makes no sense.
        EnvironmentUnusableError: the stack is not installed, or there is no usable Compose here.
    """
    if spec.reference and name in {None, "embedded"}:
        return EmbeddedDriver(spec, folder, overlays, base)
    place = describe(spec.reference) if spec.reference and name == "compose" else None
    if overlays:
        raise DriverError("faults are planted into services of the reference stack only: --driver embedded")
    if place:
        spec, base = _in_containers(spec, place), Path(place.compose).parent
    if spec.compose and name in {None, "compose"}:
        # Only here: the SDK of the engine costs a quarter of a second that others need not pay.
        from certify.drivers.compose.driver import ComposeDriver  # noqa: PLC0415 - see above

        return ComposeDriver(spec, folder, base, run_id, place)
    if spec.targets and name in {None, "attach"}:
        return AttachDriver(spec, base)
    if not (spec.reference or spec.targets or spec.compose):
        raise DriverError(
            "the profile describes no stack: name compose files with --compose FILE, "
            "or write a profile that extends it and has a `stack:` of its own"
        )
    kind = "reference" if spec.reference else "targets" if spec.targets else "compose"
    raise DriverError(
        f"the profile's stack is of kind {kind!r}, which driver {name or 'embedded'!r} cannot bring up: "
        "'reference' goes with --driver embedded or compose, 'compose' (or --compose FILE) with --driver compose, "
        "'targets' with --driver attach"
    )


def beside(own: Driver, spec: StackSpec, folder: Path, base: Path, run_id: str) -> Driver:
    """The driver `own` of the stack `spec`, and those of its peers; `own` alone when there are none.

    Raises:
        ComposeFileError: Compose refuses the files of a peer.
        EnvironmentUnusableError: a peer is not installed, or there is no usable Compose here.
    """
    peers = {
        name: select(peer, None, folder / "peers" / name, base, run_id=f"{run_id}-{name}")
        for name, peer in spec.peers.items()
    }
    return Beside(own, peers) if peers else own


def _in_containers(spec: StackSpec, place: Place) -> StackSpec:
    """A reference stack in the containers of its own compose file, which only a checkout has."""
    if not place.compose:
        raise EnvironmentUnusableError(
            f"the stack {spec.reference} has no compose file where it is installed\n"
            "cure: run certify in a checkout of its source, or use --driver embedded"
        )
    return msgspec.structs.replace(spec, compose=(place.compose,))
