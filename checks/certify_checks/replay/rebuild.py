"""Whether two rebuilds and the live read models have the same rows."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded
from certify_checks.commands import Ran
from certify_checks.replay.model import Content, ReplayObservation, Row

_SHOWN = 20
_CURES = {
    "live": "make the projection a function of the events alone, and write read models nowhere else",
    "second": "take no clock, random value or order of arrival into the projection",
}


class Difference(NamedTuple):
    """One row, or one table when `key` is empty, that two states do not agree on."""

    kind: str
    table: str
    key: str = ""


def judge_rebuild(seen: ReplayObservation, criteria: Criteria) -> Ruling:
    """A = B = live, row by row; without events or rows nothing was shown."""
    failed = [ran for ran in seen.rebuilds if ran.code != 0]
    if failed:
        told = f"the rebuild of {seen.service} failed: {failed[0].complaint}"
        finding = Finding("rebuild-failed", told, location=Location(service=seen.service), cure="run it by hand")
        return Ruling.of_findings((finding,), examined=seen.events, summary=told)
    if doubt := _doubt(seen):
        return doubt
    repeated, drifted = compare(seen.first, seen.second), compare(seen.live, seen.first)
    count = len(repeated) + len(drifted)
    limit = criteria["differing"]
    rows = sum(len(content.rows) for content in seen.first)
    whole = any(not difference.key for difference in (*repeated, *drifted))
    told = f"{rows} rows of {len(seen.first)} read models from {seen.events} events"
    return Ruling(
        Outcome.PASS if limit.holds(count) and not whole else Outcome.FAIL,
        f"{told}: {len(drifted)} differ from live, {len(repeated)} between two rebuilds",
        examined=rows,
        findings=(*_findings(seen, "live", drifted), *_findings(seen, "second", repeated)),
        measurements=(Measurement("differing", count, limit=limit, samples=rows, service=seen.service),),
    )


def compare(left: tuple[Content, ...], right: tuple[Content, ...]) -> list[Difference]:
    """All differences from `left` to `right`: `extra` is only in `left`, `missing` only in `right`."""
    found: list[Difference] = []
    others = {content.table: content for content in right}
    for content in left:
        other = others.pop(content.table, Content(content.table, missing=True))
        if content.missing or other.missing:
            found.append(Difference("no-table", content.table))
        elif content.columns != other.columns:
            found.append(Difference("other-columns", content.table))
        else:
            found += _compare_rows(content, other)
    return found + [Difference("no-table", table) for table in others]


def _compare_rows(left: Content, right: Content) -> Iterator[Difference]:
    repeated = [key for side in (left, right) for key, times in Counter(r.key for r in side.rows).items() if times > 1]
    yield from (Difference("repeated", left.table, key) for key in sorted(set(repeated)))
    mine, yours = ({row.key: row.digest for row in side.rows} for side in (left, right))
    for key in sorted(mine.keys() | yours.keys()):
        if key not in yours:
            yield Difference("extra", left.table, key)
        elif key not in mine:
            yield Difference("missing", left.table, key)
        elif mine[key] != yours[key]:
            yield Difference("altered", left.table, key)


def _doubt(seen: ReplayObservation) -> Ruling | None:
    """Why it cannot be told, if so."""
    if seen.problem:
        cure = "give the check `service`, `rebuild`, `events` and `projections` in the profile"
        return Ruling.inconclusive("not-observed", seen.problem, cure=cure)
    if len(seen.rebuilds) < 2:
        return Ruling.inconclusive("not-rebuilt", "there were no two rebuilds", cure="see the check's log")
    if not seen.events:
        return Ruling.inconclusive("no-events", "there are no events to replay", cure="let the stack record some first")
    if not seen.settled:
        told = f"events kept coming during {seen.attempts} attempts"
        return Ruling.inconclusive("not-settled", told, cure="run it while nothing writes", examined=seen.events)
    return _unshown(seen)


def _unshown(seen: ReplayObservation) -> Ruling | None:
    """Whether rows were compared at all, by something that notices differences."""
    empty = [content.table for content in seen.first if not content.rows and not _rows_elsewhere(seen, content.table)]
    wanted = sorted(set(empty) - set(seen.optional))
    if wanted or len(empty) == len(seen.first):
        told = f"no rows in {', '.join(wanted or empty) or 'any read model'}: nothing was shown"
        cure = "let the stack record events of every kind, or name the table in `optional`"
        return Ruling.inconclusive("no-rows", told, cure=cure)
    if not canary_found(seen):
        told = "a deleted and a changed row in a copy were not noticed"
        return Ruling.inconclusive("sensor-blind", told, cure="report this: the comparison is broken")
    return None


def _rows_elsewhere(seen: ReplayObservation, table: str) -> bool:
    return any(one.table == table and (one.rows or one.missing) for one in (*seen.live, *seen.second, *seen.first))


def canary_found(seen: ReplayObservation) -> bool:
    """Whether the deleted row and, when there is a second one, the changed row were noticed."""
    if seen.canary is None or seen.canary_of is None:
        return False
    found = {difference.kind for difference in compare((seen.canary_of,), (seen.canary,))}
    return found >= ({"extra", "altered"} if len(seen.canary_of.rows) > 1 else {"extra"})


def _findings(seen: ReplayObservation, state: Literal["live", "second"], found: list[Difference]) -> Iterator[Finding]:
    columns = {(detail.table, detail.key): detail.columns for detail in seen.details}
    prefix = "" if state == "live" else "unrepeatable-"
    for difference in found[:_SHOWN]:
        told = _sentence(state, difference, columns.get((difference.table, difference.key), ()))
        place = Location(service=seen.service, coordinate=f"{difference.table} {difference.key}".strip())
        yield Finding(prefix + difference.kind, told, location=place, cure=_CURES[state], context=difference.kind)
    if len(found) > _SHOWN:
        told = f"{len(found) - _SHOWN} more differences of this kind"
        yield Finding(prefix + "more", told, location=Location(service=seen.service), cure=_CURES[state])


def _sentence(state: str, difference: Difference, columns: tuple[str, ...]) -> str:
    left, right = ("live", "the rebuild") if state == "live" else ("the first rebuild", "the second")
    row = f"{difference.table} row {difference.key}"
    return {
        "no-table": f"{difference.table} is not in both of {left} and {right}",
        "other-columns": f"{difference.table} has other columns in {left} than in {right}",
        "repeated": f"{row}: its key is there more than once",
        "extra": f"{row} is in {left} and not in {right}",
        "missing": f"{row} is not in {left} but in {right}",
        "altered": f"{row} differs between {left} and {right}" + (f" in {', '.join(columns)}" if columns else ""),
    }[difference.kind]


def seed_rebuild(seen: ReplayObservation, criteria: Criteria) -> Iterator[Seeded[ReplayObservation]]:
    """Altered, missing, extra, swapped and repeated rows in as many as break the limit; lost tables; a failed run."""
    clean = replace(seen, live=seen.first, second=seen.first, details=())
    yield Seeded("rebuild crashes", replace(clean, rebuilds=(Ran(1, 0, "seeded"),) * 2), "rebuild-failed")
    count = max(1, criteria["differing"].beyond())
    spoilt = next((content for content in seen.first if len(content.rows) >= count), None)
    if spoilt is None or not spoilt.rows:
        return
    hit, rest = spoilt.rows[:count], spoilt.rows[count:]
    altered = tuple(Row(row.key, "seeded") for row in hit)
    extra = tuple(Row(f'["seeded-{number}"]', "seeded") for number in range(count))
    plans: dict[str, tuple[str, tuple[Row, ...]]] = {
        "altered": ("altered", altered + rest),
        "missing": ("missing", rest),
        "extra": ("extra", spoilt.rows + extra),
    }
    for name, (kind, rows) in plans.items():
        content = replace(spoilt, rows=rows)
        yield Seeded(f"{name} row in live", replace(clean, live=_with(seen.first, content)), kind)
    content = replace(spoilt, rows=altered + rest)
    yield Seeded("rebuilds differ", replace(clean, second=_with(seen.first, content)), "unrepeatable-altered")
    if count == 1:
        yield from _seed_more(clean, spoilt)
    lost = replace(spoilt, rows=(), missing=True)
    yield Seeded("read model lost", replace(clean, live=_with(seen.first, lost)), "no-table")


def _seed_more(clean: ReplayObservation, spoilt: Content) -> Iterator[Seeded[ReplayObservation]]:
    twice = replace(spoilt, rows=(spoilt.rows[0], *spoilt.rows))
    yield Seeded("row twice in live", replace(clean, live=_with(clean.first, twice)), "repeated")
    first, last = spoilt.rows[0], spoilt.rows[-1]
    if first.digest != last.digest:
        swapped = (Row(first.key, last.digest), *spoilt.rows[1:-1], Row(last.key, first.digest))
        content = replace(spoilt, rows=swapped)
        yield Seeded("contents of two rows swapped", replace(clean, live=_with(clean.first, content)), "altered")


def _with(contents: tuple[Content, ...], changed: Content) -> tuple[Content, ...]:
    return tuple(changed if content.table == changed.table else content for content in contents)
