"""Whether each database has exactly the migrations that the source has."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded
from certify_checks.health.model import HealthObservation, Migrated, Revision

_RESTORE = "restore the file as it was applied, and put the change into a new migration"
_CURE = "run the service's migrations, or restore the file that is missing in the source"


def judge_migrations(seen: HealthObservation, criteria: Criteria) -> Ruling:
    """Compare the graph of revisions in the source with the version table of every database."""
    databases = [one for one in seen.migrated if criteria.covers(one.service)]
    if not databases:
        cure = "declare `database` and `migrations` of the services that have one"
        return Ruling.inconclusive("no-database", "no service with a database was looked at", cure=cure)
    findings = tuple(finding for one in databases if _readable(one) for finding in _findings(one))
    count = sum(len(pending(one)) for one in databases if _readable(one))
    limit = criteria["pending"]
    broken = not limit.holds(count) or any(finding.code != "pending" for finding in findings)
    unread = [one for one in databases if not _readable(one)]
    if unread and not broken:
        told = "; ".join(f"{one.service}: {_obstacle(one)}" for one in unread)
        cure = "declare `migrations`, and give a database address that can be read"
        return Ruling.inconclusive("unreadable", told, cure=cure, examined=len(databases) - len(unread))
    revisions = sum(len(one.revisions) for one in databases)
    return Ruling(
        Outcome.FAIL if broken else Outcome.PASS,
        f"{count} pending of {revisions} migrations in {len(databases)} databases; {_checksums(databases)}",
        examined=len(databases),
        findings=findings,
        measurements=(Measurement("pending", count, limit=limit, samples=revisions),),
    )


def uncompared(one: Migrated) -> int:
    """How many applied migrations have no checksum in the database."""
    waiting = {revision.id for revision in pending(one)}
    return sum(1 for revision in one.revisions if revision.id not in waiting and revision.id not in one.recorded)


def _checksums(databases: Iterable[Migrated]) -> str:
    listed = list(databases)
    without = sum(uncompared(one) for one in listed)
    compared = sum(1 for one in listed for revision in one.revisions if revision.id in one.recorded)
    unkept = sum(1 for one in listed if not one.checksums)
    told = f"{compared} checksums compared"
    told += f", {without} applied without one" if without else ""
    return f"{told}; {unkept} databases keep no checksums" if unkept else told


def changed(one: Migrated) -> list[Revision]:
    """Migrations whose file is not what it was when it was applied."""
    return [r for r in one.revisions if one.recorded.get(r.id, r.checksum) != r.checksum]


def heads(revisions: Iterable[Revision]) -> set[str]:
    """Revisions that no other builds on."""
    listed = list(revisions)
    return {revision.id for revision in listed} - {base for revision in listed for base in revision.after}


def pending(one: Migrated) -> list[Revision]:
    """Revisions of the source that the database's version does not include, as written."""
    if one.listed:
        return [revision for revision in one.revisions if revision.id not in one.applied]
    below = {revision.id: revision.after for revision in one.revisions}
    done: set[str] = set()
    queue = list(one.applied)
    while queue:
        ident = queue.pop()
        if ident not in done:
            done.add(ident)
            queue += below.get(ident, ())
    return [revision for revision in one.revisions if revision.id not in done]


def _readable(one: Migrated) -> bool:
    return not _obstacle(one)


def _obstacle(one: Migrated) -> str:
    if one.error:
        return one.error
    if not one.folder:
        return "the profile names no migrations"
    return "" if one.revisions or one.unreadable else f"no revision files in {one.folder}"


def _findings(one: Migrated) -> Iterator[Finding]:
    known = {revision.id for revision in one.revisions}
    for text in one.unreadable:
        yield _finding("unreadable-revision", f"{one.service}: {text}", one, text.partition(":")[0])
    yield from _graph_findings(one, known)
    for ident in sorted(set(one.applied) - known):
        told = f"{one.service}: the database is at {ident!r}, which the source does not have"
        yield _finding("unknown-revision", told, one)
    if not one.versioned:
        yield _finding("no-version-table", f"{one.service}: the database has no version table", one)
    elif not one.applied:
        yield _finding("empty-version-table", f"{one.service}: the database's version table is empty", one)
    for text in one.dirty:
        yield _finding("dirty", f"{one.service}: {text}", one)
    for revision in changed(one):
        told = f"{one.service}: migration {revision.id!r} was edited after it was applied"
        yield replace(_finding("changed-checksum", told, one, revision.file, revision.line), cure=_RESTORE)
    if not one.listed and len(one.applied) > len(heads(one.revisions)):
        told = f"{one.service}: the database has versions {', '.join(one.applied)} at once"
        yield _finding("several-versions", told, one)
    for revision in pending(one):
        told = f"{one.service}: migration {revision.id!r} is not applied"
        yield _finding("pending", told, one, revision.file, revision.line)


def _graph_findings(one: Migrated, known: set[str]) -> Iterator[Finding]:
    ids = [revision.id for revision in one.revisions]
    for revision in one.revisions:
        if ids.count(revision.id) > 1:
            told = f"{one.service}: revision {revision.id!r} is written {ids.count(revision.id)} times"
            yield _finding("duplicate-revision", told, one, revision.file, revision.line)
        for base in sorted(set(revision.after) - known):
            told = f"{one.service}: revision {revision.id!r} builds on {base!r}, which does not exist"
            yield _finding("broken-chain", told, one, revision.file, revision.line)
    if len(heads(one.revisions)) != 1:
        told = f"{one.service}: the source has {len(heads(one.revisions))} heads: {', '.join(sorted(heads(one.revisions)))}"
        yield _finding("several-heads", told, one)


def _finding(code: str, told: str, one: Migrated, file: str = "", line: int = 0) -> Finding:
    place = Location(file=file or one.folder, line=line, service=one.service)
    return Finding(code, told, location=place, cure=_CURE, context=told)


def seed_migrations(seen: HealthObservation, criteria: Criteria) -> Iterator[Seeded[HealthObservation]]:
    """A forgotten migration, a lost, foreign or second version, two heads, a hole, an edited file, a half-done one."""
    one = next((m for m in seen.migrated if criteria.covers(m.service) and m.revisions and not m.error), None)
    if one is None:
        return
    head = sorted(heads(one.revisions))[:1]
    new = tuple(
        Revision(f"seeded-{number}", tuple(head), f"{one.folder}/seeded_{number}.py", 1)
        for number in range(max(1, criteria["pending"].beyond()))
    )
    several = (*one.revisions, Revision("seeded", (), f"{one.folder}/seeded.py", 1))
    gap = (*one.revisions, Revision("seeded", ("nowhere",), f"{one.folder}/seeded.py", 1))
    for name, code, spoilt in (
        ("migration not applied", "pending", replace(one, revisions=(*one.revisions, *new))),
        ("version row deleted", "empty-version-table", replace(one, applied=())),
        ("version table dropped", "no-version-table", replace(one, applied=(), versioned=False)),
        ("version that the source lacks", "unknown-revision", replace(one, applied=("seeded",))),
        ("two versions at once", "several-versions", replace(one, applied=(*one.applied, "seeded"), listed=False)),
        ("file edited after it was applied", "changed-checksum", _edited(one)),
        ("migration left half done", "dirty", replace(one, dirty=("version seeded is dirty",))),
        ("two heads in the source", "several-heads", replace(one, revisions=several)),
        ("chain with a hole", "broken-chain", replace(one, revisions=gap)),
    ):
        migrated = tuple(spoilt if other.service == one.service else other for other in seen.migrated)
        yield Seeded(name, replace(seen, migrated=migrated), code)


def _edited(one: Migrated) -> Migrated:
    first = replace(one.revisions[0], checksum="seeded")
    return replace(one, revisions=(first, *one.revisions[1:]), recorded={**one.recorded, first.id: "as applied"})
