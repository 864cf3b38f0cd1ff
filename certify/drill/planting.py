"""Gets faults into a stack: drivers around the real one, and scratch copies of the source."""

import shlex
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from certify.drivers.counting import Reading
from certify.drivers.interface import Booted, Driver, Tell
from certify.model.check import Capability, Disruption
from certify.model.fault import Fault
from certify.model.stack import Stack

_NO_SOURCE = ("__pycache__", "node_modules", ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache")


class NotPlantedError(Exception):
    """A fault could not be planted, so nothing can be told of it; the message names it."""


class FaultyDriver:
    """The real driver, with faults planted into the stack as soon as it is up, and possibly another source."""

    def __init__(self, inner: Driver, faults: Iterable[Fault], source: Path | None = None) -> None:
        self._inner = inner
        self._faults = tuple(faults)
        self._source = source
        self.name = inner.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """As the real driver's."""
        return self._inner.capabilities

    @property
    def source_root(self) -> Path | None:
        """The scratch copy, if there is one."""
        return self._source or self._inner.source_root

    @property
    def declared(self) -> Stack:
        """As the real driver's; suites are those of the scratch copy."""
        return self._moved(self._inner.declared)

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        """Boot, then damage data and disrupt.

        Raises:
            EnvironmentUnusableError: nothing can be booted here.
            NotPlantedError: a fault found nothing to break.
        """
        booted = await self._inner.start(tell, spans_to=spans_to)
        for fault in self._faults:
            await self._plant(fault, booted.stack)
        return Booted(self._moved(booted.stack), booted.failures)

    def now(self) -> Stack:
        """As the real driver's."""
        return self._moved(self._inner.now())

    async def gone(self) -> str:
        """As the real driver's."""
        return await self._inner.gone()

    async def disturb(self, disruption: Disruption) -> None:
        """As the real driver's."""
        await self._inner.disturb(disruption)

    def usage(self) -> Reading:
        """As the driver's."""
        return self._inner.usage()

    async def stop(self) -> None:
        """As the real driver's."""
        await self._inner.stop()

    async def _plant(self, fault: Fault, stack: Stack) -> None:
        try:
            if fault.damage:
                await fault.damage(stack)
            for disruption in fault.disruptions:
                await self._inner.disturb(disruption)
        except Exception as error:  # a stranger's fault may raise anything
            raise NotPlantedError(f"{fault.name} could not be planted: {type(error).__name__}: {error}") from error

    def _moved(self, stack: Stack) -> Stack:
        old = self._inner.source_root
        if self._source is None or old is None:
            return stack
        services = tuple(
            msgspec.structs.replace(service, tests=service.tests.replace(str(old), str(self._source)))
            for service in stack.services
        )
        return msgspec.structs.replace(stack, services=services)


def patched_copy(root: Path, copy: Path, stack: Stack, options: Iterable[Any], faults: Iterable[Fault]) -> Path:
    """Copy what the stack's checks look at below `root` to `copy`, and change it there.

    Whole folders right below `root` are copied, and only those that the profile names: where a stack is installed,
    `root` holds every other package as well.

    Raises:
        NotPlantedError: a patch found nothing to change.
    """
    copy.mkdir(parents=True)
    for name in sorted(set(_named(root, stack, options))):
        place = root / name
        if place.is_dir():
            shutil.copytree(place, copy / name, symlinks=True, ignore=shutil.ignore_patterns(*_NO_SOURCE))
        elif place.is_file():
            shutil.copy2(place, copy / name)
    for fault in faults:
        try:
            if fault.patch:
                fault.patch(copy)
        except Exception as error:  # a stranger's fault may raise anything
            raise NotPlantedError(f"{fault.name} could not be planted: {type(error).__name__}: {error}") from error
    return copy


def _named(root: Path, stack: Stack, options: Iterable[Any]) -> Iterator[str]:
    for service in stack.services:
        words = shlex.split(service.tests)
        inside = (word[len(str(root)) + 1 :] for word in words if word.startswith(f"{root}/"))
        for path in (*service.source, service.migrations, *inside):
            yield from _first_part(root, path)
    for text in _texts(list(options)):
        yield from _first_part(root, text)


def _first_part(root: Path, path: str) -> Iterator[str]:
    first = path.partition("/")[0]
    if first not in {"", ".", ".."} and "\0" not in path and _is_there(root / path):
        yield first


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # An option that is no path at all may be too long for a name.
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
