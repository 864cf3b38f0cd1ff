"""The record of a run: what was observed and ruled. Immutable; `record.json` is its serialisation.

Field names are camelCase in JSON. All numbers are integers in the smallest unit; times are ISO 8601 UTC.
"""

from typing import Any

import msgspec

from certify.model.chart import Chart
from certify.model.limit import Limit, Origin
from certify.model.outcome import Mode, Outcome, Severity
from certify.model.resources import Resources
from certify.model.ruling import Finding, Measurement, Network

SCHEMA_VERSION = 1


class Component(msgspec.Struct, frozen=True, rename="camel"):
    """The thing certified. `status` is `verified` (seen by certify), `declared` (told) or `unknown`."""

    name: str
    status: str
    repository: str = ""
    commit: str = ""
    tree: str = ""
    dirty: bool = False
    image: str = ""


class Release(msgspec.Struct, frozen=True, rename="camel"):
    """The canonical list of components; the digest of `release.json` is the subject of every attestation."""

    name: str
    reference: bool
    components: tuple[Component, ...]
    schema_version: int = SCHEMA_VERSION


class SelfTest(msgspec.Struct, frozen=True, rename="camel"):
    """How many planted defects went through the rule, how many it found, and the names of those missed."""

    seeded: int = 0
    found: int = 0
    missed: tuple[str, ...] = ()


class RuleResult(msgspec.Struct, frozen=True, rename="camel"):
    """One ruling as it stands in the record, with who gave it and from which observation."""

    rule: str
    outcome: Outcome
    summary: str = ""
    reason: str = ""
    cure: str = ""
    examined: int = 0
    selftest: SelfTest = SelfTest()
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    job: str = ""
    unverified: bool = False
    networks: tuple[Network, ...] = ()
    charts: tuple[Chart, ...] = ()


class ControlResult(msgspec.Struct, frozen=True, rename="camel"):
    """One requirement of the profile with everything that was ruled about it."""

    id: str
    title: str
    source: str
    severity: Severity
    mode: Mode
    outcome: Outcome
    reason: str
    rulings: tuple[RuleResult, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    selftest: SelfTest = SelfTest()
    origin: Origin = Origin()
    limits: dict[str, Limit] = {}
    cure: str = ""
    owner: str = ""
    repro: str = ""


class JobResult(msgspec.Struct, frozen=True, rename="camel"):
    """One check process: what it was, how it ended, and the digests of its evidence."""

    id: str
    check: str
    distribution: str
    version: str
    ended: str
    seconds_us: int = 0
    waited_us: int = 0
    evidence: dict[str, str] = {}
    config: dict[str, Any] = {}


class ServiceResult(msgspec.Struct, frozen=True, rename="camel"):
    """One service as the driver saw it.

    Attributes:
        state: the last one that was seen before the stack was taken down; `failed` when it did not come up.
        boot_us: when it entered the last state of its boot.
        detail: why it did not come up, or how it died the last time that no check had asked for it.
        deaths: how often it died without a check asking for it.
    """

    name: str
    state: str
    boot_us: int = 0
    tier: int = 3
    owner: str = ""
    detail: str = ""
    deaths: int = 0


class LedgerEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One weakening of the run, sealed with it. `kind` is a code such as `skipped`, `shortened`, `local-key`."""

    kind: str
    text: str
    control: str = ""


class Tool(msgspec.Struct, frozen=True, rename="camel"):
    """The software that took part."""

    name: str
    version: str
    plugins: dict[str, str] = {}


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that a decision is taken from. `timings` are microseconds by phase name."""

    run_id: str
    profile: str
    profile_digest: str
    release: Release
    tool: Tool
    environment: dict[str, str]
    controls: tuple[ControlResult, ...]
    services: tuple[ServiceResult, ...]
    jobs: tuple[JobResult, ...]
    timings: dict[str, int]
    ledger: tuple[LedgerEntry, ...]
    started: str
    finished: str
    driver: str = ""
    seed: int = 0
    interrupted: str = ""
    resources: Resources = Resources()
    schema_version: int = SCHEMA_VERSION
