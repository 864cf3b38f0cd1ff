"""A whole drill: the clean stack first, then one scene after the other, with a result at any time."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from certify.console.events import Console, Message
from certify.drill.judge import Finish, Judged, blames, judge_clean, judge_fault
from certify.drill.report import CleanResult, DrillResult, FaultResult, as_json, line
from certify.drill.scene import Options, Scene, clean
from certify.drill.stage import Played, Theatre, play
from certify.drivers.interface import EnvironmentUnusableError
from certify.engine.workspace import OutputFolderError
from certify.model.fault import Fault

RESULT = "drill.json"


class Drill:
    """Plays the scenes; `result` is what is known so far."""

    def __init__(self, scenes: tuple[Scene, ...], theatre: Theatre, console: Console, left_out: dict[str, str]) -> None:
        self._scenes = scenes
        self._theatre = theatre
        self._console = console
        self._services = [service.name for service in theatre.profile.stack.services]
        self.result = DrillResult(
            theatre.profile.name,
            CleanResult(),
            (),
            left_out=left_out,
            options=_options(scenes),
            seed=theatre.settings.seed,
        )

    async def run(self) -> DrillResult:
        """Play everything; `drill.json` in the theatre's folder is up to date after every scene.

        Raises:
            EnvironmentUnusableError: not even the clean stack can be booted here.
            OutputFolderError: the evidence cannot be put there.
        """
        make_room(self._theatre.out)
        self._write()
        for scene in (*clean(self._scenes), *self._scenes):
            if self.result.signal:
                break
            await self._act(scene)
            self._write()
        return self.result

    async def _act(self, scene: Scene) -> None:
        unknown = {rule: why for rule, why in self._unknown().items() if rule in scene.rules}
        if scene.faults and all(set(fault.caught_by) & unknown.keys() for fault in scene.faults):
            self._settle(scene, Played())
            return
        # What the clean stack does not pass says nothing of a fault: its time is saved.
        known = tuple(ask for ask in scene.asks if not scene.faults or ask[0] not in unknown)
        scene = msgspec.structs.replace(scene, asks=known)
        self._tell(_announced(scene))
        played = await play(scene, self._theatre, self._console)
        if played.signal:
            self.result = msgspec.structs.replace(self.result, signal=played.signal)
        elif scene.faults:
            self._settle(scene, played)
        elif played.problem:
            raise EnvironmentUnusableError(played.problem)
        else:
            self._settle_clean(played)

    def _settle_clean(self, played: Played) -> None:
        before = self.result.clean
        rules = {rule: tuple(result.outcome.value for result in some) for rule, some in played.results.items()}
        trouble = judge_clean(played.results, played.unbooted)
        after = CleanResult(before.rules | rules, before.trouble + trouble, before.seconds_us + played.seconds_us)
        self.result = msgspec.structs.replace(self.result, clean=after)
        for one in trouble:
            self._tell(f"the clean stack: {one.rule or 'boot'}: {one.detail}", warning=True)

    def _settle(self, scene: Scene, played: Played) -> None:
        unknown = self._unknown()
        share = len(scene.faults)
        results = tuple(
            FaultResult(
                fault,
                _fate(fault, played, unknown, self._services),
                scene.name,
                played.seconds_us // share,
                played.observing_us // share,
            )
            for fault in scene.faults
        )
        wrong = blames(scene, _without(played.results, unknown), self._services)
        blamed = self.result.blamed | ({scene.name: wrong} if wrong else {})
        self.result = msgspec.structs.replace(self.result, faults=self.result.faults + results, blamed=blamed)
        for one in results:
            self._tell(line(one), warning=one.judged.finish is not Finish.CAUGHT)
        for text in wrong:
            self._tell(f"wrong blame: {text}", warning=True)

    def _unknown(self) -> dict[str, str]:
        """Rules that cannot be judged, because the clean stack does not pass them."""
        return {one.rule: one.detail for one in self.result.clean.trouble if one.rule}

    def _tell(self, text: str, *, warning: bool = False) -> None:
        self._console.event(Message(text, "warning" if warning else "info"))

    def _write(self) -> None:
        content = msgspec.json.format(msgspec.json.encode(as_json(self.result), order="deterministic"))
        (self._theatre.out / RESULT).write_bytes(content + b"\n")


def _fate(fault: Fault, played: Played, unknown: Mapping[str, str], services: Iterable[str]) -> Judged:
    for rule in fault.caught_by:
        if rule in unknown:
            told = f"{rule} does not pass on the clean stack: {unknown[rule]}"
            return Judged(fault.name, Finish.UNKNOWN, Finish.UNKNOWN, told)
    if played.problem:
        return Judged(fault.name, Finish.MISSED, "not-run", played.problem)
    return judge_fault(fault, played.results, frozenset(services))


def _without(results: Mapping[str, Any], unknown: Mapping[str, str]) -> dict[str, Any]:
    return {rule: some for rule, some in results.items() if rule not in unknown}


def _announced(scene: Scene) -> str:
    faults = ", ".join(fault.name for fault in scene.faults) or "no fault"
    place = "on the stack" if scene.on_stack else "on the source"
    narrow = f" of {', '.join(scene.services)}" if scene.services else ""
    return f"== {scene.name} {place}{narrow}: {faults}; rules {', '.join(scene.rules)}"


def _options(scenes: Iterable[Scene]) -> Options:
    options: Options = {}
    for scene in scenes:
        for _, given in scene.asks:
            options |= given
    return options


def make_room(out: Path) -> None:
    """Only an empty folder or one of an earlier drill may be replaced."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputFolderError(f"{out} is not a folder: choose another with --out DIR")
    if out.is_dir() and any(out.iterdir()) and not (out / RESULT).is_file():
        raise OutputFolderError(f"{out} holds files that are not of a drill: choose another with --out DIR")
    try:
        if out.exists():
            shutil.rmtree(out)
        out.mkdir(parents=True)
    except OSError as error:
        raise OutputFolderError(f"{out} cannot be written ({error.strerror}): choose another with --out DIR") from error
