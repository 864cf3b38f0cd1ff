"""Whether every service stayed live and ready over the whole window."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, format_quantity
from certify_checks.health.containers import PROBE as CONTAINER
from certify_checks.health.model import HealthObservation, Probed
from certify_checks.health.samples import Contained, Sample

READY, FLAPPING, DOWN = "ready", "flapping", "not-ready"
_DECOYS = {"ready": READY, "refusing": DOWN, "hanging": DOWN, "flapping": FLAPPING}
_CONTAINER_DECOYS = {"absent-container": DOWN, "served-port": READY, "dropping-port": DOWN}
_NAMED = 5
_REFUSED = Sample(0, 503, 1_000)
_ENDED = Sample(0, contained=Contained("exited", exit_code=1))


def state(probed: Probed) -> str:
    """`ready` when every sample was well, `flapping` when some were, else `not-ready`."""
    well = [not sample.trouble for sample in probed.samples]
    if well and all(well):
        return READY
    return FLAPPING if any(well) else DOWN


def judge_ready(seen: HealthObservation, criteria: Criteria) -> Ruling:
    """A service counts as ready when each of its probes was well in every sample of the window."""
    if unseeing := blind(seen):
        return unseeing
    probed = covered(seen, criteria)
    unwatched = _unwatched(seen, criteria)
    services = {one.service for one in probed} | unwatched
    if not probed:
        return Ruling.inconclusive("no-services", "no service was probed", cure="declare services with probes")
    findings = (*(found for one in probed if (found := _finding(one, seen))), *map(_undeclared, sorted(unwatched)))
    down = {finding.location.service for finding in findings}
    limit = criteria["not-ready"]
    held = limit.holds(len(down))
    summary = _summary(len(services), down, seen)
    if held and (short := _short(probed, seen)):
        cure = "give the check more time or a shorter interval"
        return Ruling.inconclusive("too-few-samples", f"the window was not covered: {short}", cure=cure)
    return Ruling(
        Outcome.PASS if held else Outcome.FAIL,
        summary,
        examined=len(services),
        findings=findings,
        measurements=(Measurement("not-ready", len(down), limit=limit, samples=sum(len(p.samples) for p in probed)),),
    )


def blind(seen: HealthObservation) -> Ruling | None:
    """Inconclusive when the probe does not see the decoys for what they are; else None."""
    contained = any(probed.probe == CONTAINER for probed in seen.probed)
    known = _DECOYS | (_CONTAINER_DECOYS if contained else {})
    wrong = sorted(name for name, expected in known.items() if _decoy_state(seen, name) != expected)
    if not wrong:
        return None
    told = f"the probe does not tell apart known good and bad servers: {', '.join(wrong)}"
    return Ruling.inconclusive("sensor-blind", told, cure="run `certify doctor`; is loopback traffic intercepted?")


def covered(seen: HealthObservation, criteria: Criteria) -> tuple[Probed, ...]:
    """The probes of the services that the control is about."""
    return tuple(probed for probed in seen.probed if criteria.covers(probed.service))


def _unwatched(seen: HealthObservation, criteria: Criteria) -> set[str]:
    """What was started and nobody looks at; a control about chosen services says nothing of others."""
    return set() if criteria.services else set(seen.undeclared)


def _undeclared(name: str) -> Finding:
    told = f"{name} is started with the stack and is not in the profile: nobody looks whether it is ready"
    cure = f"name {name} below `services:` in the profile; without anything more, its container is watched"
    return Finding("undeclared", told, location=Location(service=name), cure=cure)


def _decoy_state(seen: HealthObservation, name: str) -> str:
    return next((state(decoy) for decoy in seen.decoys if decoy.service == name), "absent")


def _summary(total: int, down: set[str], seen: HealthObservation) -> str:
    told = f"{total - len(down)} of {total} ready in every sample of {format_quantity(seen.window_us, 'us')}"
    if not down:
        return told
    names = sorted(down)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{told}; not {', '.join(names[:_NAMED])}{more}"


def _short(probed: Iterable[Probed], seen: HealthObservation) -> str:
    """Names of probes whose samples do not reach from the start of the window to its end."""
    needed = max(2, seen.window_us // max(1, 4 * seen.interval_us))
    wanting = [p for p in probed if len(p.samples) < needed or p.samples[-1].at_us < seen.window_us * 9 // 10]
    return ", ".join(f"{p.service} {p.probe} ({len(p.samples)} samples)" for p in wanting)


def _finding(probed: Probed, seen: HealthObservation) -> Finding | None:
    place = Location(service=probed.service, coordinate=probed.path)
    if not probed.path:
        cure = f"declare `probes: {{{probed.probe}: /path}}` of {probed.service} in the profile"
        return Finding("no-probe", f"{probed.service} has no {probed.probe} probe", location=place, cure=cure)
    if not probed.up:
        lacks = "container" if probed.probe == CONTAINER else "address"
        told = f"{probed.service} has no {lacks}: it did not start"
        return Finding("not-up", told, location=place, cure="see its log")
    found = state(probed)
    if found == READY or not probed.samples:
        return None
    bad = [sample for sample in probed.samples if sample.trouble]
    runs = sum(1 for troubled, _ in groupby(probed.samples, key=lambda sample: bool(sample.trouble)) if troubled)
    told = f"{probed.service} {probed.probe}: {len(bad)} of {len(probed.samples)} samples bad"
    told += f" in {runs} spells, first after {format_quantity(bad[0].at_us, 'us')}: {bad[0].trouble}"
    code = f"live-{found}" if probed.probe == "live" else found
    look = "look at the container" if probed.probe == CONTAINER else f"ask {probed.path}"
    cure = f"{look} of {probed.service}; see its log for the cause" + _patience(bad[0], seen)
    return Finding(code, told, location=place, cure=cure, context=f"{probed.probe} {found}")


def _patience(sample: Sample, seen: HealthObservation) -> str:
    slow = sample.error.startswith("no answer within") and sample.latency_us < seen.window_us
    return "; raise `timeout` only if callers wait that long too" if slow else ""


def seed_ready(seen: HealthObservation, criteria: Criteria) -> Iterator[Seeded[HealthObservation]]:
    """Outages of as many services as break the limit: short, whole, slow, lying, of each kind of probe that was asked."""
    sampled = [probed for probed in covered(seen, criteria) if len(probed.samples) > 1]
    kinds = {probed.probe for probed in sampled}
    many = max(1, criteria["not-ready"].beyond())
    if CONTAINER in kinds:
        yield from _seed_containers(seen, _first(sampled, CONTAINER, many))
    if kinds - {CONTAINER}:
        yield from _seed_probes(seen, _first(sampled, "ready", many), _first(sampled, "live", many))
    hit = set(list(dict.fromkeys(probed.service for probed in sampled))[:many])
    gone = tuple(replace(p, up=False, samples=()) if p.service in hit else p for p in seen.probed)
    if sampled and not criteria.services:
        more = tuple(f"planted-{number}" for number in range(many))
        yield Seeded(
            "service that the profile does not name", replace(seen, undeclared=seen.undeclared + more), "undeclared"
        )
    if hit:
        yield Seeded("service did not start", replace(seen, probed=gone), "not-up")


def _first(sampled: Iterable[Probed], probe: str, many: int) -> set[str]:
    return set([probed.service for probed in sampled if probed.probe == probe][:many])


def _seed_probes(seen: HealthObservation, ready: set[str], live: set[str]) -> Iterator[Seeded[HealthObservation]]:
    slow, lying = Sample(0, 0, 1_000_000, "no answer within 1 s"), Sample(0, 200, 1_000, says="unready")
    if ready:
        yield Seeded("one refused sample in the window", _planted(seen, ready, "ready", _REFUSED))
        yield Seeded("one sample without answer", _planted(seen, ready, "ready", slow))
        yield Seeded("status 200 with a body that says unready", _planted(seen, ready, "ready", lying))
        yield Seeded("refused over the whole window", _planted(seen, ready, "ready", _REFUSED, whole=True))
    if live:
        yield Seeded("process not alive", _planted(seen, live, "live", _REFUSED, whole=True))


def _seed_containers(seen: HealthObservation, hit: set[str]) -> Iterator[Seeded[HealthObservation]]:
    looks = {
        "its process ended": Contained("exited", exit_code=137),
        "it was paused": Contained("paused"),
        "its process was started anew": Contained("running", again=True),
        "its health check failed": Contained("running", health="unhealthy"),
        "nobody served its port": Contained("running", unserved=(80,)),
        "nobody listened at its port any more": Contained("running", left=(80,)),
    }
    for name, look in looks.items():
        yield Seeded(f"{name} at one look", _planted(seen, hit, CONTAINER, Sample(0, contained=look)))
    yield Seeded("its process ended for good", _planted(seen, hit, CONTAINER, _ENDED, whole=True))


def _planted(
    seen: HealthObservation, hit: set[str], probe: str, bad: Sample, *, whole: bool = False
) -> HealthObservation:
    """Replace one sample in the middle, or all of them."""

    def spoil(probed: Probed) -> Probed:
        if probed.service not in hit or probed.probe != probe:
            return probed
        middle = len(probed.samples) // 2
        samples = (
            replace(bad, at_us=sample.at_us) if whole or index == middle else sample
            for index, sample in enumerate(probed.samples)
        )
        return replace(probed, samples=tuple(samples))

    return replace(seen, probed=tuple(spoil(probed) for probed in seen.probed))
