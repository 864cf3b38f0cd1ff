"""What `run` and `plan` share: from command-line arguments to a plan, and from a plan to a finished run."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from certify.cli.load_options import load_options
from certify.cli.run_options import run_options
from certify.console.choose import expected_times, open_console
from certify.drivers.interface import Driver
from certify.drivers.select import beside, select
from certify.engine.plan import Plan, PlanError, Selection, make_plan
from certify.engine.recording import RunPlan
from certify.engine.registry import Registry, discover_checks, discover_reports
from certify.engine.run import Finished, execute
from certify.engine.settings import Settings, default_jobs
from certify.engine.workspace import Workspace, new_run_id
from certify.model.check import Capability
from certify.model.decision import Decision, PreviousCertificate
from certify.model.record import Record
from certify.profile.conform import check_against
from certify.profile.load import inspect_profile
from certify.profile.model import Profile
from certify.profile.options import executables
from certify.profile.problem import Level, ProfileError, hint
from certify.seal.errors import SealError
from certify.seal.keystore import forget_secrets, signing_key
from certify.seal.names import DECISION, RECORD
from certify.seal.verify import verify


def read_profile(name: str) -> tuple[Profile, Registry]:
    """The profile, held against the checks that are installed or that it brings along.

    Raises:
        ProfileError: with everything that is wrong with it.
        RegistryError: a check cannot be used.
    """
    inspected = inspect_profile(name)
    registry = discover_checks(executables(inspected.profile))
    errors = [
        problem
        for problem in check_against(inspected.profile, inspected.tree, registry)
        if problem.level is Level.ERROR
    ]
    if errors:
        raise ProfileError(errors)
    return inspected.profile, registry


def on_compose_files(profile: Profile, files: Sequence[Path]) -> Profile:
    """The profile with another stack: that of the compose files, which Compose resolves from the working folder.

    What the profile says of services stays; without any, all services of the files are meant.
    """
    if not files:
        return profile
    source = profile.stack.source
    own = str(Path(profile.folder, source).absolute()) if source and not source.startswith("{") else ""
    paths = tuple(str(file.absolute()) for file in files)
    stack = msgspec.structs.replace(profile.stack, reference="", targets={}, compose=paths, source=own)
    return msgspec.structs.replace(profile, stack=stack, folder=str(Path.cwd()))


def plan_for(
    arguments: argparse.Namespace, profile: Profile, registry: Registry, driver: Driver
) -> tuple[Plan, Selection]:
    """The plan that the arguments ask for.

    Raises:
        PlanError: `--only` or `--skip` names nothing, or a limit is missing.
    """
    selection = Selection(tuple(arguments.only), tuple(arguments.skip))
    unknown = selection.unknown(profile)
    if unknown:
        names = [control.id for control in profile.controls] + list(registry)
        raise PlanError(f"no control, check or rule is called {unknown[0]!r}{hint(unknown[0], names)}")
    # Peers are booted where the plan asks for them: what it may ask for is known before.
    offered = driver.capabilities | ({Capability.PEERS} if profile.stack.peers else set())
    return make_plan(profile, registry, offered, selection), selection


def run_to_end(arguments: argparse.Namespace) -> Finished:
    """The whole run. Raises what `certify.cli.problems.told` knows to tell."""
    with load_options(arguments) as load:
        return _run_to_end(arguments, load)


def _run_to_end(arguments: argparse.Namespace, load: dict[str, str]) -> Finished:
    profile, registry = read_profile(arguments.profile)
    profile = on_compose_files(profile, arguments.compose)
    reports = discover_reports()
    key = signing_key()
    run_id = new_run_id()
    workspace = Workspace(arguments.out, run_id)
    try:
        overlays = tuple(arguments.overlay)
        driver = select(profile.stack, arguments.driver, workspace.stack, Path(profile.folder), overlays, run_id=run_id)
        plan, selection = plan_for(arguments, profile, registry, driver)
        if any(Capability.PEERS in job.needs for job in plan.jobs):
            driver = beside(driver, profile.stack, workspace.stack, Path(profile.folder), run_id)
        previous = previous_certificate(arguments.previous or arguments.out, profile.name)
        wanted = RunPlan(
            profile=profile,
            plan=plan,
            registry=registry,
            reports=reports,
            key=key,
            settings=_settings(arguments, profile, run_id, previous, load),
            selection=selection,
            previous=previous,
            again=tuple(part for file in arguments.compose for part in ("--compose", str(file))),
        )
        forget_secrets()
        with open_console(arguments.progress) as console:
            return asyncio.run(execute(wanted, driver, workspace, console))
    finally:
        workspace.close()


def _settings(
    arguments: argparse.Namespace,
    profile: Profile,
    run_id: str,
    previous: PreviousCertificate | None,
    load: dict[str, str],
) -> Settings:
    folder = arguments.previous or arguments.out
    options = run_options(profile, advisories=arguments.advisories, previous=previous, folder=folder) | load
    return Settings(
        run_id=run_id,
        jobs=arguments.jobs or default_jobs(),
        seed=arguments.seed,
        quick=arguments.quick,
        run_options=options,
        expected_us=expected_times(folder),
    )


def previous_certificate(folder: Path, profile: str) -> PreviousCertificate | None:
    """The certificate in `folder`, if it is intact, signed by a key that is trusted here, and of the same profile."""
    if not (folder / DECISION).is_file():
        return None
    try:
        if not verify(folder).accepted:
            return None
        record = msgspec.json.decode((folder / RECORD).read_bytes(), type=Record)
        decision = msgspec.json.decode((folder / DECISION).read_bytes(), type=Decision)
    except (SealError, OSError, msgspec.MsgspecError):
        return None
    if decision.profile != profile:
        return None
    outcomes = {control.id: control.outcome for control in decision.controls}
    commit = record.release.components[0].commit if record.release.components else ""
    return PreviousCertificate(decision.run_id, decision.verdict, commit, outcomes)
