"""A realistic run of 18 services and 64 controls, and the same run with hostile text everywhere."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from certify.api import (
    Blocker,
    Component,
    ControlDecision,
    ControlResult,
    Decision,
    Finding,
    JobResult,
    LedgerEntry,
    Limit,
    Location,
    Measurement,
    Mode,
    Origin,
    Outcome,
    PreviousCertificate,
    Record,
    Release,
    ReportContext,
    Resources,
    RuleResult,
    SelfTest,
    ServiceResult,
    Severity,
    SignOff,
    Tool,
    Usage,
    Verdict,
    Waiver,
)

FILE = "profiles/finance.yaml"
KAFKA = Usage("kafka", 40, 3_170_000, 149 << 20, None, None, 4096, 8192, (9, 0, 7))
FINANCE = Usage("finance", 40, 190_000, 18 << 20, None, None, 0, 8192, (1, 2, 3))
WHY = {"network": "the kernel counts traffic for no single process"}
USED = Resources((KAFKA, FINANCE, Usage("sink")), 40, 7_000_000, 2_600_000, 7_000_000, WHY, "")
COMMIT = "3f9c1b7e0d5a42886c1f0b9d7e4a5c6f8b2d1e30"
SERVICES = [
    "auth", "master-data", "notification", "configuration", "scheduler", "document-generator", "import-export", "file-storage",
    "audit", "workflow", "rules-engine", "organization", "finance", "crm",
    "hr", "project-management", "scm", "inventory",
]  # fmt: skip

# id, title, rule; all others are unimplemented
DONE = [
    ("FIN-HEALTH-01", "Every service passes its health checks (live and ready)", "health.ready"),
    ("FIN-HEALTH-03", "All database migrations are applied, none pending or dirty", "health.migrations"),
    ("FIN-GQL-01", "The federation gateway serves exactly the composed schema", "federation.served"),
    ("FIN-GQL-02", "All subgraphs compose; no conflict", "federation.composes"),
    ("FIN-EVT-01", "Drop read models, replay all events, same state", "replay.rebuild"),
    ("FIN-INT-04", "Scenario 1: customer, invoice, payment, audit trail", "scenario.passes"),
    ("FIN-LOAD-01", "100 concurrent users on the API", "load.latency"),
    ("FIN-LOAD-02", "Error rate under load", "load.errors"),
    ("FIN-SEC-02", "JWT: expired, wrong key, alg none, wrong audience, tampered are refused", "owasp.jwt"),
    ("FIN-SEC-08", "No dependency with a known critical or high vulnerability", "owasp.dependencies"),
    ("FIN-DEBT-01", "No TODO/FIXME without an issue reference", "debt.markers"),
    ("FIN-DEBT-02", "No print or debugger in production code", "debt.debug-output"),
    ("FIN-DEBT-03", "No commented-out code", "debt.commented-code"),
    ("FIN-COV-01", "Line and branch coverage, finance", "coverage.lines-branches"),
    ("FIN-COV-02", "Coverage, every other service", "coverage.lines-branches"),
    ("FIN-COV-03", "All unit, integration and end-to-end tests pass", "coverage.suites-pass"),
]
JOBS = {"health": 6_100_000, "federation": 2_300_000, "replay": 3_900_000, "owasp": 41_000_000, "debt": 1_900_000}
JOBS |= {"load": 322_000_000, "coverage": 64_000_000, "scenario": 2_200_000}
REST = {"BIZ": 5, "DATA": 6, "DOC": 1, "EVT": 5, "GQL": 4, "HEALTH": 2, "INT": 4, "LOAD": 5, "MSG": 1, "OBS": 1}
REST |= {"OPS": 2, "RES": 2, "SEC": 8, "DEBT": 1, "BUILD": 1}


class Sample(NamedTuple):
    """The three arguments of every report."""

    record: Record
    decision: Decision
    context: ReportContext


def origin(line: int) -> Origin:
    return Origin(FILE, line, 5)


def limit(text: str, line: int) -> Limit:
    return Limit.parse(text, origin(line))


def ruled(rule: str, outcome: Outcome = Outcome.PASS, **more: Any) -> RuleResult:
    more.setdefault("selftest", SelfTest(7, 7))
    more.setdefault("examined", 18)
    return RuleResult(rule=rule, outcome=outcome, job=rule.partition(".")[0], **more)


def control(name: str, title: str, ruling: RuleResult, line: int, **more: Any) -> ControlResult:
    more.setdefault("severity", Severity.HIGH)
    return ControlResult(
        id=name,
        title=title,
        source="finance-readiness.md",
        mode=Mode.BLOCK,
        outcome=ruling.outcome,
        reason=ruling.reason or ruling.summary,
        rulings=(ruling,),
        measurements=ruling.measurements,
        findings=ruling.findings,
        selftest=ruling.selftest,
        origin=origin(line),
        owner=more.pop("owner", "finance-team"),
        repro=f"certify repro certification {name}",
        cure=ruling.cure,
        **more,
    )


def _rulings() -> dict[str, RuleResult]:
    return {**_load_rulings(), **_source_rulings(), **_other_rulings()}


def _load_rulings() -> dict[str, RuleResult]:
    p95 = limit("< 300 ms", 37)
    return {
        "load.latency": ruled(
            "load.latency",
            Outcome.FAIL,
            summary="p95 431 ms with 100 users over 5 min",
            examined=29_412,
            cure="See evidence/load/slowest.json: invoiceList waits for master-data.",
            measurements=(
                Measurement("p50", 48_200, "us"),
                Measurement("p95", 431_000, "us", p95, (420_300, 441_700), 29_412),
                Measurement("p99", 612_000, "us", None, (590_000, 650_000), 29_412),
            ),
            findings=(
                Finding(
                    "slow-operation",
                    "invoiceList: p95 902 ms",
                    Severity.HIGH,
                    Location(service="finance", coordinate="Query.invoices"),
                    "Load the customers of a page in one request.",
                ),
            ),
        ),
        "load.errors": ruled(
            "load.errors",
            summary="0 of 29,412 requests failed",
            examined=29_412,
            measurements=(Measurement("errors", 0, "ppm", limit("< 0.1 %", 44), (0, 130), 29_412),),
        ),
    }


def _source_rulings() -> dict[str, RuleResult]:
    markers = tuple(
        Finding(
            "todo-without-reference",
            f"TODO without a reference: # TODO handle case {number}",
            Severity.MEDIUM,
            Location(file=f"stack/certify_stack/erp/crm/rules_{number}.py", line=10 + number),
            "Name the issue, as in TODO(#123), or do it.",
        )
        for number in range(31)
    )
    vulnerable = Finding(
        "vulnerable-dependency",
        "jinja2 3.1.4 has CVE-2024-56326: sandbox breakout through indirect reference to format",
        Severity.CRITICAL,
        Location(file="requirements/stack.txt", line=412),
        "Raise jinja2 to 3.1.5 or later.",
    )
    return {
        "owasp.dependencies": ruled(
            "owasp.dependencies",
            Outcome.FAIL,
            summary="1 of 143 packages has a known critical or high vulnerability",
            examined=143,
            findings=(vulnerable,),
            cure="Raise jinja2 to 3.1.5 or later.",
            measurements=(Measurement("vulnerable", 1, "1", limit("== 0", 88)),),
        ),
        "debt.markers": ruled(
            "debt.markers",
            Outcome.WAIVED,
            summary="31 markers without a reference",
            examined=412,
            findings=markers,
            measurements=(Measurement("markers", 31, "1", limit("== 0", 95)),),
        ),
    }


def _other_rulings() -> dict[str, RuleResult]:
    return {
        "health.ready": ruled(
            "health.ready",
            summary="18 of 18 services live and ready over 5 s",
            measurements=(Measurement("ready", 18, "1", limit("== 18", 21)),),
        ),
        "scenario.passes": ruled(
            "scenario.passes",
            Outcome.INCONCLUSIVE,
            summary="the gateway closed the connection before the scenario began",
            reason="gateway-unreachable",
            examined=0,
            cure="Look at evidence/gateway.log; start the stack with `certify stack up` and try the query by hand.",
            selftest=SelfTest(3, 3),
        ),
        "coverage.lines-branches": ruled(
            "coverage.lines-branches",
            summary="finance: 91.4 % of lines, 84.7 % of branches",
            measurements=(
                Measurement("lines", 914_000, "ppm", limit("> 80 %", 101), service="finance"),
                Measurement("branches", 847_000, "ppm", limit("> 80 %", 102), service="finance"),
            ),
        ),
    }


def make_controls() -> tuple[ControlResult, ...]:
    special = _rulings()
    done = [
        control(name, title, special.get(rule, ruled(rule, summary="nothing found")), 20 + 7 * number)
        for number, (name, title, rule) in enumerate(DONE)
    ]
    missing = [
        control(
            f"FIN-{family}-{20 + number}",
            f"Requirement {number + 1} of {family}",
            ruled(
                f"{family.lower()}.later",
                Outcome.UNIMPLEMENTED,
                reason="rule-missing",
                summary="no installed check has this rule",
                examined=0,
                selftest=SelfTest(),
            ),
            200 + number,
            severity=Severity.MEDIUM,
        )
        for family, count in REST.items()
        for number in range(count)
    ]
    return tuple(done + missing)


def make_record(controls: tuple[ControlResult, ...] | None = None) -> Record:
    services = tuple(
        ServiceResult(name, "ready", 1_200_000 + 21_000 * number, 1 + number % 3, f"{name}-team")
        for number, name in enumerate(SERVICES)
    )
    jobs = tuple(
        JobResult(name, name, "certify", "0.1.0", "finished", seconds, evidence={"observation.json": "a" * 64})
        for name, seconds in JOBS.items()
    )
    return Record(
        run_id="20261121T092733Z-5f1c",
        profile="finance",
        profile_digest="b" * 64,
        release=Release(
            "erp",
            reference=True,
            components=(
                Component("erp", "verified", "https://git.example.org/acme/erp", COMMIT, "c" * 40),
                Component("gateway", "declared", image="sha256:" + "d" * 64),
                Component("partner-bank", "unknown"),
            ),
        ),
        tool=Tool("certify", "0.1.0", {"certify-extra": "1.2.0"}),
        environment={"python": "3.11.7", "platform": "Linux x86_64", "cores": "2", "memory": "24 GiB"},
        controls=make_controls() if controls is None else controls,
        services=services,
        jobs=jobs,
        timings={"boot": 1_810_000, "checks": 371_000_000, "decide": 41_000, "seal": 260_000},
        ledger=(
            LedgerEntry("local-key", "signed with a key made on this machine; nobody else vouches for it"),
            LedgerEntry("shortened", "load held for 30 s instead of 5 min", "FIN-LOAD-01"),
            LedgerEntry("fsync-off", "PostgreSQL ran without fsync on a memory file system"),
        ),
        started="2026-11-21T09:27:33Z",
        finished="2026-11-21T09:33:47Z",
        driver="embedded",
        seed=7,
        resources=USED,
    )


def make_decision(record: Record, verdict: Verdict = Verdict.NOT_CERTIFIED) -> Decision:
    blockers = tuple(
        Blocker(
            c.id,
            c.outcome,
            c.rulings[0].summary,
            c.severity,
            c.mode,
            str(next((m for m in c.measurements if m.limit and not m.limit.holds(m.value)), "")),
            c.cure,
            c.owner,
            str(c.origin),
        )
        for c in record.controls
        if c.outcome not in {Outcome.PASS, Outcome.WAIVED, Outcome.NOT_APPLICABLE, Outcome.WARN}
    )
    before = {c.id: Outcome.PASS for c in record.controls if c.id != "FIN-GQL-02" and c.outcome is not UNDONE}
    before |= {"FIN-OLD-01": Outcome.PASS, "FIN-COV-03": Outcome.FAIL}
    return Decision(
        run_id=record.run_id,
        profile=record.profile,
        verdict=verdict,
        reason="2 controls failed: FIN-LOAD-01 (p95 431 ms, asked < 300 ms) and FIN-SEC-08 (1 vulnerable package).",
        controls=tuple(ControlDecision(c.id, c.outcome) for c in record.controls),
        blockers=blockers,
        counts=dict(Counter(c.outcome.value for c in record.controls)),
        waivers=(
            Waiver("FIN-DEBT-01", "The importer is rewritten in January; see ADR 12.", "r.khan", "2027-01-31", "ab12"),
        ),
        sign_offs=(SignOff("release manager", "SHA256:q0Wv"), SignOff("security officer")),
        previous=PreviousCertificate("20261107T101112Z-77aa", Verdict.CERTIFIED, "1" * 40, before),
        reference=record.release.reference,
    )


UNDONE = Outcome.UNIMPLEMENTED


def make_sample(verdict: Verdict = Verdict.NOT_CERTIFIED) -> Sample:
    record = make_record()
    context = ReportContext("SHA256:Zk3yJc0FQk7H", "a local key made on this machine", "certification")
    return Sample(record, make_decision(record, verdict), context)


def green_sample() -> Sample:
    """The same run when every control passes."""
    controls = tuple(
        msgspec.structs.replace(c, outcome=Outcome.PASS, reason="", findings=(), measurements=(), rulings=())
        for c in make_controls()
    )
    record = make_record(controls)
    decision = make_decision(record, Verdict.CERTIFIED)
    reason = "All 64 controls passed."
    return Sample(record, msgspec.structs.replace(decision, reason=reason, waivers=(), previous=None), ReportContext())


def poison(value: Any, text: str) -> Any:  # noqa: PLR0911 - one case per kind of value
    """`value` with `text` added to every free string in it, keys of maps included."""
    if isinstance(value, (Outcome, Verdict, Severity, Mode)):
        return value
    if isinstance(value, str):
        return value + text
    if isinstance(value, tuple):
        return tuple(poison(item, text) for item in value)
    if isinstance(value, dict):
        return {key + text if isinstance(key, str) else key: poison(item, text) for key, item in value.items()}
    if isinstance(value, Limit):
        return msgspec.structs.replace(value, text=value.text + text, origin=poison(value.origin, text))
    if isinstance(value, Measurement):
        changed = {"name": value.name + text, "service": value.service + text, "limit": poison(value.limit, text)}
        return msgspec.structs.replace(value, **changed)
    if isinstance(value, msgspec.Struct):
        fields = {name: poison(getattr(value, name), text) for name in value.__struct_fields__}
        return type(value)(**fields)
    return value


@pytest.fixture(scope="session")
def sample() -> Sample:
    return make_sample()


@pytest.fixture(scope="session")
def certified() -> Sample:
    return green_sample()


@pytest.fixture(scope="session")
def poisoned() -> Callable[[str], Sample]:
    def make(text: str) -> Sample:
        record, decision, context = make_sample()
        counts = decision.counts
        decision = msgspec.structs.replace(poison(decision, text), counts=counts)
        return Sample(poison(record, text), decision, poison(context, text))

    return make
