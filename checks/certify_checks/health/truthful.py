"""Whether readiness says no when what a service stands on is gone, and yes when it is back, while the process stays live."""

from collections.abc import Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.health.disturbance import BROKER, Disturbance, Watched, first_no, first_yes, was_ready
from certify_checks.health.model import HealthObservation
from certify_checks.health.ready import blind
from certify_checks.health.samples import Sample

_ENOUGH = 2
_YES, _NO = Sample(0, 200, 1_000), Sample(0, 503, 1_000)


def judge_truthful(seen: HealthObservation, criteria: Criteria) -> Ruling:
    """Each service must say no within the patience, and yes again, once for each thing that it was cut from."""
    if unseeing := blind(seen):
        return unseeing
    pairs = [(cut, one) for cut in seen.disturbed for one in cut.watched if criteria.covers(one.service)]
    absent = "; ".join(f"{cut.of}: {cut.absent}" for cut in seen.disturbed if cut.absent)
    if not pairs:
        cure = "declare `database` and `probes: {ready: ...}` of the services, and use a driver that can cut them off"
        return Ruling.inconclusive("nothing-cut", f"no service was cut from anything: {absent or 'none'}", cure=cure)
    clear = [(cut, one) for cut, one in pairs if not obstacle(one)]
    findings = tuple(finding for cut, one in clear for finding in _findings(cut, one))
    liars = {finding.location.service for finding in findings}
    limit = criteria["lying"]
    if limit.holds(len(liars)) and len(clear) < len(pairs):
        return _unclear(pairs, len(clear))
    slowest = max((at for _, one in clear if (at := first_no(one)) is not None), default=0)
    summary = (
        f"{len(clear)} cuts of {len({one.service for _, one in pairs})} services, {len(liars)} services untruthful"
    )
    summary += f"; the slowest said no after {format_quantity(slowest, 'us')}" if slowest else ""
    return Ruling(
        Outcome.PASS if limit.holds(len(liars)) else Outcome.FAIL,
        f"{summary}; not done: {absent}" if absent else summary,
        examined=len(clear),
        findings=findings,
        measurements=(
            Measurement("lying", len(liars), limit=limit, samples=len(clear)),
            Measurement("slowest-no", slowest, "us", samples=len(clear)),
        ),
    )


def obstacle(watched: Watched) -> str:
    """Why nothing can be said of a service; empty when something can."""
    if watched.refused:
        return f"not cut: {watched.refused}"
    if not was_ready(watched):
        return "was not ready before"
    if first_no(watched) is None and watched.reached:
        return "the cut had no effect: what it stands on could still be reached"
    if watched.left and first_yes(watched) is None:
        return f"not given back: {watched.left}"
    return "" if watched.during and watched.after else "was not watched"


def _unclear(pairs: list[tuple[Disturbance, Watched]], clear: int) -> Ruling:
    told = [(cut.of, one, trouble) for cut, one in pairs if (trouble := obstacle(one))]
    kinds = {trouble.partition(":")[0] for _, _, trouble in told}
    reason = "cut-had-no-effect" if kinds == {"the cut had no effect"} else "cut-unclear"
    if kinds == {"was not ready before"}:
        reason = "was-not-ready"
    shown = "; ".join(f"{one.service} ({of}): {trouble}" for of, one, trouble in told[:5])
    shown += f"; and {len(told) - 5} more" if len(told) > 5 else ""
    cure = "see that every service is ready before, and that the driver can cut and mend it"
    return Ruling.inconclusive(
        reason, f"{len(told)} of {len(pairs)} cuts say nothing: {shown}", cure=cure, examined=clear
    )


def _findings(cut: Disturbance, one: Watched) -> Iterator[Finding]:
    no, yes = first_no(one), first_yes(one)
    if no is None:
        told = f"{one.service} said that it is ready for {format_quantity(cut.patience_us, 'us')} without its {cut.of}"
        cure = f"have the ready probe ask the {cut.of}, with a time limit of about a second"
        yield _finding(f"lies-about-{cut.of}", told, one, cure)
    elif yes is None:
        last = one.after[-1].trouble
        told = (
            f"{one.service} was not ready {format_quantity(cut.recovery_us, 'us')} after its {cut.of} came back: {last}"
        )
        yield _finding("never-recovered", told, one, f"have it connect to its {cut.of} again without a restart")
    if follows(one.live):
        bad = [sample for sample in one.live if sample.trouble]
        told = (
            f"{one.service} was not live without its {cut.of}: {len(bad)} of {len(one.live)} samples, {bad[0].trouble}"
        )
        cure = "ask nothing in the live probe: whoever restarts what is not live restarts the whole stack at once"
        yield _finding("live-follows", told, one, cure)


def follows(live: tuple[Sample, ...]) -> bool:
    """Whether liveness went with what was cut: it said so once, or gave no answer twice."""
    bad = [sample for sample in live if sample.trouble]
    return len(bad) >= _ENOUGH or any(sample.status for sample in bad)


def _finding(code: str, told: str, one: Watched, cure: str) -> Finding:
    return Finding(code, told, location=Location(service=one.service), cure=cure, context=f"{one.service} {code}")


def seed_truthful(seen: HealthObservation, criteria: Criteria) -> Iterator[Seeded[HealthObservation]]:
    """Services that stay ready, that waver, that do not come back, and whose liveness goes along."""
    for number, cut in enumerate(seen.disturbed):
        names = list(dict.fromkeys(one.service for one in cut.watched if criteria.covers(one.service)))
        hit = set(names[: max(1, criteria["lying"].beyond())])
        if not hit:
            continue
        lies = f"lies-about-{cut.of}"
        yes, no, late = (_YES, _YES), (_NO, _NO), replace(_YES, at_us=cut.patience_us)
        for name, code, spoilt in (
            ("stays ready", lies, Watched("", yes, (_YES, _YES, late), yes, yes)),
            ("says no once, then yes", lies, Watched("", yes, (_YES, _NO, late), yes, yes)),
            ("never ready again", "never-recovered", Watched("", yes, no, no, yes)),
            ("not live meanwhile", "live-follows", Watched("", yes, no, yes, no)),
        ):
            watched = tuple(replace(spoilt, service=w.service) if w.service in hit else w for w in cut.watched)
            disturbed = (*seen.disturbed[:number], replace(cut, watched=watched), *seen.disturbed[number + 1 :])
            title = f"{name} without the {cut.of}" if cut.of == BROKER else f"{name} without its {cut.of}"
            yield Seeded(title, replace(seen, disturbed=disturbed), code)
