"""What the four sensors of the check saw; each is None when its rule was not asked for."""

import msgspec

from certify_checks.source_tree import ServiceSource

ACCEPTED, REFUSED, UNCLEAR = "accepted", "refused", "unclear"


class Answer(msgspec.Struct, frozen=True):
    """How one end point took one token: `verdict` is accepted, refused or unclear; `detail` is hostile text."""

    token: str
    verdict: str
    status: int = 0
    detail: str = ""


class Probed(msgspec.Struct, frozen=True):
    """One end point with its answers to every token."""

    service: str
    answers: tuple[Answer, ...] = ()


class JwtSeen(msgspec.Struct, frozen=True):
    """Answers to forged tokens.

    Attributes:
        targets: every service with GraphQL, and the gateway.
        decoys: two servers of our own: one accepts everything, one refuses everything.
        attacks: names of the tokens that must be refused.
        missing: attacks that could not be made -> why.
        problem: why nothing could be tried; empty otherwise.
    """

    targets: tuple[Probed, ...] = ()
    decoys: tuple[Probed, ...] = ()
    attacks: tuple[str, ...] = ()
    missing: dict[str, str] = {}
    problem: str = ""


class Hole(msgspec.Struct, frozen=True):
    """One result of bandit."""

    service: str
    file: str
    line: int
    column: int
    test: str
    severity: str
    confidence: str
    text: str
    code: str = ""


class SourceSeen(msgspec.Struct, frozen=True):
    """What bandit saw.

    Attributes:
        sources: the files that were wanted, by service.
        scanned: file -> lines of code that bandit counted.
        holes: all results, of any severity.
        broken: file -> why bandit could not read it.
        suppressed: inline suppressions that were honoured.
        canary: test ids that bandit reported in a file with known holes.
        problem: why bandit gave no answer; empty otherwise.
    """

    sources: tuple[ServiceSource, ...] = ()
    scanned: dict[str, int] = {}
    holes: tuple[Hole, ...] = ()
    broken: dict[str, str] = {}
    suppressed: int = 0
    canary: tuple[str, ...] = ()
    problem: str = ""


class Advisory(msgspec.Struct, frozen=True):
    """One known vulnerability of one audited package."""

    package: str
    version: str
    id: str
    severity: str = "unknown"
    fixed: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    text: str = ""


class DependenciesSeen(msgspec.Struct, frozen=True):
    """What pip-audit saw.

    Attributes:
        origin: what was audited: requirement files, or the installed distributions.
        asked: packages that were to be audited, `name==version`.
        audited: names that really were.
        skipped: name -> why not.
        advisories: of the audited packages, without the canary's.
        canary: the canary as `name==version`, and how many advisories it got.
        database: `pypi`, `osv` or the name of a local file; empty when none answered.
        database_date: ISO date of the newest record of a local file, else empty.
        age_us: age of the local file's newest record when it was used, microseconds.
        max_age_us: how old it may be.
        first_party: distributions that were left out because they are the product itself.
        problem: why nothing could be audited; `reason` is its code.
    """

    origin: str = ""
    asked: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    skipped: dict[str, str] = {}
    advisories: tuple[Advisory, ...] = ()
    canary: str = ""
    canary_found: int = 0
    database: str = ""
    database_date: str = ""
    age_us: int = 0
    max_age_us: int = 0
    first_party: tuple[str, ...] = ()
    problem: str = ""
    reason: str = ""


class ServerError(msgspec.Struct, frozen=True):
    """One request that the server could not cope with: `kind` is status, graphql or transport."""

    operation: str
    kind: str
    status: int
    detail: str
    query: str = ""


class SchemaSeen(msgspec.Struct, frozen=True):
    """What schemathesis saw.

    Attributes:
        selected: names of the operations that were to be exercised.
        exercised: operation -> requests that were answered with a status.
        answered: operation -> requests that came back with data and without errors.
        total: operations of the schema, also those left out.
        mutations: whether mutations were allowed.
        errors: requests that the server could not cope with.
        faults: what schemathesis itself could not do, such as generate an input.
        complete: it ended by itself within its time.
        shortened: a shortened run was asked for, so fewer operations were selected.
        decoy: operations of our own failing server that were reported.
        problem: why nothing was exercised; `reason` is its code.
    """

    selected: tuple[str, ...] = ()
    exercised: dict[str, int] = {}
    answered: dict[str, int] = {}
    total: int = 0
    mutations: bool = False
    errors: tuple[ServerError, ...] = ()
    faults: tuple[str, ...] = ()
    complete: bool = False
    shortened: bool = False
    decoy: tuple[str, ...] = ()
    problem: str = ""
    reason: str = ""


class OwaspSeen(msgspec.Struct, frozen=True):
    """One observation for all rules of the check."""

    jwt: JwtSeen | None = None
    source: SourceSeen | None = None
    dependencies: DependenciesSeen | None = None
    schema: SchemaSeen | None = None
