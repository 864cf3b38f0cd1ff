"""Boots a stack once, does one thing after the other to it, and asks its controls each time; nothing is sealed."""

import itertools
from typing import Any

import msgspec

from certify.console.events import Console, Message
from certify.drill.disruptions import Disrupted, Noticed, Row, Said, as_json, line, said, steps, words
from certify.drill.run import RESULT, make_room
from certify.drill.stage import Theatre
from certify.drill.standing import Corner, Standing
from certify.drivers.interface import Booted, Driver
from certify.engine.assemble import control_results
from certify.engine.conduct import Interruption, conduct, guarded
from certify.engine.disturbing import Outstanding
from certify.engine.plan import Plan, PlanError, make_plan
from certify.engine.registry import Registry
from certify.engine.runlog import RunLog
from certify.engine.schedule import Scheduler
from certify.engine.timing import now_us
from certify.engine.workspace import RUNLOG, Workspace
from certify.model.check import DISTURBS, NEEDS_STACK, Capability, Disruption, DisruptionRefusedError
from certify.model.record import ControlResult
from certify.profile.model import Control, Profile
from certify.profile.problem import hint

_PLACE = "stack"
# A stack that was disturbed may take a while to calm down; who does not hold by then has not come back.
_BACK_US = 60_000_000
# A dead service is as dead in one second as in five.
_SHORTER = {"health": {"window": "1 s", "interval": "200 ms"}}
_JOINT = "~"


class Asked(msgspec.Struct, frozen=True):
    """What a drill asks in each round: the profile with one control for each rule, and the rules left out, with why."""

    profile: Profile
    left_out: dict[str, str]


def asked(profile: Profile, registry: Registry, offered: frozenset[Capability], rules: tuple[str, ...]) -> Asked:
    """All rules of the profile that look at the stack and leave it alone; `rules` narrows them.

    Raises:
        PlanError: none is left.
    """
    proved = {rule for control in profile.controls for rule in control.prove}
    if unknown := [rule for rule in rules if rule not in proved]:
        raise PlanError(f"no control of the profile asks {unknown[0]!r}{hint(unknown[0], proved)}")
    needs = {f"{check.id}.{rule.id}": rule.needs for check in registry.values() for rule in check.description.rules}
    controls: list[Control] = []
    left_out: dict[str, str] = {}
    for control in profile.controls:
        for rule in control.prove:
            if rules and rule not in rules:
                continue
            if why := _unfit(needs.get(rule), offered, chosen=bool(rules)):
                left_out[rule] = why
            else:
                options = control.options | _SHORTER.get(rule.partition(".")[0], {})
                name = f"{control.id}{_JOINT}{rule}"
                controls.append(msgspec.structs.replace(control, id=name, prove=(rule,), options=options, requires=()))
    if not controls:
        told = "; ".join(f"{rule}: {why}" for rule, why in left_out.items()) or "the profile has no controls"
        raise PlanError(f"no control of the profile can look on while the stack is disturbed: {told}")
    return Asked(msgspec.structs.replace(profile, controls=tuple(controls)), left_out)


def _unfit(needs: frozenset[Capability] | None, offered: frozenset[Capability], *, chosen: bool) -> str:
    if needs is None:
        return "it is not installed"
    if needs & DISTURBS:
        return "it disturbs the stack itself"
    if missing := sorted(needs - offered):
        return f"the driver does not offer {', '.join(missing)}"
    if not needs & NEEDS_STACK:
        return "it does not look at the stack"
    return "it takes the machine alone: choose it with --rule" if Capability.EXCLUSIVE in needs and not chosen else ""


async def drill(
    theatre: Theatre, console: Console, rules: tuple[str, ...] = (), services: tuple[str, ...] = ()
) -> Disrupted:
    """The whole drill; `drill.json` in the theatre's folder is up to date after each disruption.

    Raises:
        DisruptionRefusedError: this driver lets nobody disturb the stack.
        EnvironmentUnusableError: the stack cannot be booted here, or somebody else interferes.
        OutputFolderError: the evidence cannot be put there.
        PlanError: there is nothing to ask, or no such service.
    """
    make_room(theatre.out)
    workspace = Workspace(theatre.out / _PLACE, theatre.settings.run_id)
    log = RunLog(workspace.evidence / RUNLOG, theatre.settings.run_id, console)
    async with guarded(theatre.settings.run_id, workspace, log):
        driver = theatre.make_driver(theatre.profile, workspace.stack, ())
        if Capability.KILL not in driver.capabilities:
            cure = "a stack that certify boots itself, and that the profile calls disposable, can be disturbed"
            raise PlanError(f"with the {driver.name} driver nobody may disturb this stack: {cure}")
        _known(services, driver)
        wanted = asked(theatre.profile, theatre.registry, driver.capabilities, rules)
        plan = make_plan(wanted.profile, theatre.registry, driver.capabilities)
        rounds = Rounds(plan, theatre, driver, workspace, log)
        rounds.result = msgspec.structs.replace(rounds.result, left_out=wanted.left_out)
        rounds.services = services
        interruption = await conduct(rounds, driver, workspace, log)
        log.close()
        workspace.publish()
    return rounds.ended(interruption)


def _known(services: tuple[str, ...], driver: Driver) -> None:
    known = [service.name for service in driver.declared.services]
    for name in services:
        if name not in known:
            raise PlanError(f"the stack has no service {name!r}; it has: {', '.join(sorted(known))}")


class Rounds(Scheduler):
    """Boots the stack and plays all rounds.

    Attributes:
        result: what is known so far.
        services: that are disturbed; empty: all.
    """

    def __init__(self, plan: Plan, theatre: Theatre, driver: Driver, workspace: Workspace, log: RunLog) -> None:
        super().__init__(plan, theatre.registry, driver, workspace, log, theatre.settings)
        self._theatre = theatre
        self._driver = driver
        self._workspace = workspace
        self._log = log
        self._outstanding = Outstanding()
        self.services: tuple[str, ...] = ()
        self.result = Disrupted(theatre.profile.name)

    async def run(self) -> None:
        """Play all: the clean stack, and if it is clean, one disruption after the other.

        Raises:
            EnvironmentUnusableError: the stack cannot be booted here, or somebody else interferes.
        """
        await self._boot()
        booted = self.watch.booted
        assert booted  # noqa: S101 - narrowing for the type checker: it has just been booted
        names = tuple(dict.fromkeys(_plain(control.id) for control in self._plan.controls))
        self._note(controls=names, unbooted=dict(booted.failures))
        if not booted.failures:
            self._note(clean=await self._round(booted, "clean", len(self._driver.now().happened)))
        if self.result.red:
            self._note(spoilt="nothing was done to it, because it is not clean")
        for disruption in list(steps(booted.stack, self._driver.capabilities, self.services)):
            if self.result.spoilt:
                return
            row = await self._disrupt(booted, disruption)
            self._note(rows=(*self.result.rows, row))
            self._log.event(Message(line(row), "info" if row.said.noticed else "warning"))
            if not row.back:
                self._note(spoilt=f"the stack did not come back after: {words(disruption)}")

    def ended(self, interruption: Interruption) -> Disrupted:
        """The result, with the signal that ended it early."""
        self._note(signal=interruption.signal or interruption.late)
        return self.result

    async def _disrupt(self, booted: Booted, disruption: Disruption) -> Row:
        began, since = now_us(), len(self._driver.now().happened)
        heard, refused = Said(), ""
        self._outstanding.did(disruption)
        try:
            await self._driver.disturb(disruption)
            heard = await self._round(booted, _slug(disruption), since)
        except DisruptionRefusedError as error:
            refused = str(error)
        mending = now_us()
        undoing = await self._mend(refused)
        back_us = now_us() - mending
        if not undoing:
            undoing, waited_us = await self._until_well(booted, _slug(disruption))
            back_us += waited_us
        return Row(disruption, heard, refused, not undoing, undoing, back_us, now_us() - began)

    async def _mend(self, refused: str) -> str:
        """Undo whatever is outstanding; gives why that cannot be done."""
        for undo in self._outstanding.left(self._driver.now()):
            try:
                await self._driver.disturb(undo)
            except DisruptionRefusedError as error:
                # What could not be done cannot be undone either.
                if not refused:
                    return str(error)
            self._outstanding.done(undo)
        return ""

    async def _until_well(self, booted: Booted, name: str) -> tuple[str, int]:
        """Ask until all controls hold again: who does not, and how long it took until they did, in microseconds."""
        began, numbers = now_us(), itertools.count(1)
        while True:
            started = now_us()
            heard = await self._round(booted, f"{name}-back-{next(numbers)}", len(self._driver.now().happened))
            bad = (*heard.noticed, *self._newly_unsure(heard))
            if not bad or self.result.spoilt:
                return "", started - began
            if now_us() - began > _BACK_US:
                return f"{_plain(bad[0].control)}: {bad[0].detail}", now_us() - began

    def _newly_unsure(self, heard: Said) -> list[Noticed]:
        """Who could tell of the clean stack and cannot any more: that is not well yet."""
        before = {(one.control, one.rule) for one in self.result.clean.unsure}
        return [one for one in heard.unsure if (one.control, one.rule) not in before]

    async def _round(self, booted: Booted, name: str, since: int) -> Said:
        """Ask all controls once, about a stack to which happened what came after the first `since` events."""
        run_id = f"{self._theatre.settings.run_id}-{name}"
        settings = msgspec.structs.replace(self._theatre.settings, run_id=run_id, quick=True)
        corner = Corner(self._workspace, name)
        driver = Standing(self._driver, booted, since)
        one = Scheduler(self._plan, self._theatre.registry, driver, corner, self._log, settings)
        one.watch.spans, one.watch.spans_to = self.watch.spans, self.watch.spans_to
        await one.run()
        if one.watch.unusable:
            self._note(spoilt=one.watch.unusable.summary)
        results = control_results(self._plan, one.results.answered, self._theatre.profile.name)
        return said(map(_renamed, results))

    def _note(self, **what: Any) -> None:
        self.result = msgspec.structs.replace(self.result, **what)
        content = msgspec.json.format(msgspec.json.encode(as_json(self.result), order="deterministic"))
        (self._theatre.out / RESULT).write_bytes(content + b"\n")


def _renamed(control: ControlResult) -> ControlResult:
    return msgspec.structs.replace(control, id=_plain(control.id))


def _plain(name: str) -> str:
    return name.partition(_JOINT)[0]


def _slug(disruption: Disruption) -> str:
    return "-".join(filter(None, (disruption.part, disruption.do, disruption.of)))
