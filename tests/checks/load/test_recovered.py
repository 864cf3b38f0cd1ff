"""Both colours of what a stack is like after a load: made up, and looked at for real."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from certify.api import Criteria, Limit, Outcome
from certify_checks.commands import Ran
from certify_checks.load.aftermath import Aftermath, Queue, ServiceAfter
from certify_checks.load.check import CHECK
from certify_checks.load.model import LoadSeen
from certify_checks.replay.model import Content, ReplayObservation, Row

(RECOVERED,) = (rule for rule in CHECK.rules if rule.id == "recovered")
CRITERIA = Criteria({"waiting": Limit.parse("== 0"), "differing": Limit.parse("== 0")})
WELL = ServiceAfter("shop", probed=True, status=200, known=True)
VIEW = Content("view", ("id: uuid", "paid: numeric"), (Row("[1]", "a"), Row("[2]", "b")))
Change = Callable[[Aftermath], Aftermath]


def rebuilt(live: Content = VIEW) -> ReplayObservation:
    spoilt = replace(VIEW, rows=(Row("[2]", "other"),))
    return ReplayObservation(
        "shop",
        events=9,
        settled=True,
        attempts=1,
        rebuilds=(Ran(0), Ran(0)),
        live=(live,),
        first=(VIEW,),
        second=(VIEW,),
        canary_of=VIEW,
        canary=spoilt,
    )


@pytest.fixture
def well(clean: LoadSeen) -> LoadSeen:
    queues = (Queue("shop"), Queue("audit", "shop", new=500))
    return replace(
        clean,
        aftermath=Aftermath(
            (WELL, replace(WELL, name="audit")),
            queues,
            ("waiting", "consumed", "replay"),
            took_us=1_000_000,
            within_us=30_000_000,
            replay=rebuilt(),
        ),
    )


def test_a_stack_that_is_as_before_passes(well: LoadSeen):
    ruling = RECOVERED.judge(well, CRITERIA)
    assert ruling.outcome is Outcome.PASS, ruling
    assert "2 of 2 services ready" in ruling.summary
    assert "500 came meanwhile" in ruling.summary
    assert "2 rows of 1 read models" in ruling.summary


@pytest.mark.parametrize(
    ("code", "service", "change"),
    [
        ("not-ready", "shop", lambda one: replace(one, services=(replace(WELL, status=503),))),
        ("not-ready", "shop", lambda one: replace(one, services=(replace(WELL, status=0, error="refused"),))),
        ("started-again", "shop", lambda one: replace(one, services=(replace(WELL, again=True),))),
        ("waiting", "shop", lambda one: replace(one, queues=(Queue("shop", left=1),))),
        ("not-taken", "audit", lambda one: replace(one, queues=(Queue("audit", "shop", new=9, left=1),))),
        ("missing", "shop", lambda one: replace(one, replay=rebuilt(replace(VIEW, rows=VIEW.rows[:1])))),
    ],
)
def test_what_is_not_as_before_fails_by_its_name(well: LoadSeen, code: str, service: str, change: Change):
    ruling = RECOVERED.judge(replace(well, aftermath=change(well.aftermath)), CRITERIA)
    assert ruling.outcome is Outcome.FAIL, ruling
    assert [(finding.code, finding.location.service) for finding in ruling.findings] == [(code, service)]


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("not-observed", lambda _: Aftermath(missing="nobody asked for it")),
        ("no-services", lambda one: replace(one, services=())),
        ("no-services", lambda one: replace(one, services=(ServiceAfter("shop", known=True),))),
        ("not-told-apart", lambda one: replace(one, services=(replace(WELL, known=False),))),
        ("not-told-apart", lambda one: replace(one, services=(WELL, ServiceAfter("audit")))),
        ("no-queues", lambda one: replace(one, asked=())),
        ("no-queues", lambda one: replace(one, queues=one.queues[1:])),
        ("queue-unreadable", lambda one: replace(one, queues=(*one.queues, Queue("audit", problem="denied")))),
        ("no-messages", lambda one: replace(one, queues=(Queue("shop"), Queue("audit", "shop")))),
        ("not-settled", lambda one: replace(one, replay=replace(rebuilt(), settled=False))),
        ("sensor-blind", lambda one: replace(one, replay=replace(rebuilt(), canary=VIEW))),
    ],
)
def test_what_cannot_be_told_is_no_pass(well: LoadSeen, reason: str, change: Change):
    ruling = RECOVERED.judge(replace(well, aftermath=change(well.aftermath)), CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason), ruling


@pytest.mark.parametrize("kind", ["well", "missing", "failing"])
def test_each_planted_defect_is_found(well: LoadSeen, kind: str):
    seen = {
        "well": well,
        "missing": replace(well, aftermath=Aftermath(missing="nobody asked for it"), operations=()),
        "failing": replace(well, aftermath=replace(well.aftermath, services=(replace(WELL, status=503),))),
    }[kind]
    seeds = list(RECOVERED.seed(seen, CRITERIA))
    assert len(seeds) >= (4 if kind == "missing" else 8)
    for seed in seeds:
        ruling = RECOVERED.judge(seed.observation, CRITERIA)
        assert ruling.outcome is Outcome.FAIL, (seed.name, ruling)
        assert seed.code in {finding.code for finding in ruling.findings}, seed.name
