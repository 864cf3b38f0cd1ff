"""The judgement, the same for the three rules: nothing found, every source file judged, every decoy found."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Severity
from certify_checks.debt.seen import COMMENTED, DEBUG, MARKERS, DebtSeen, Judged, Spot
from certify_checks.source_tree import all_files, covered, unseen

_MESSAGES = {
    MARKERS: "{} without an issue reference",
    DEBUG: "debug output ({})",
    COMMENTED: "commented-out code ({})",
}
_CURES = {
    MARKERS: "do it, or open an issue and name it on the same line, such as #123",
    DEBUG: "use the service's logger, or remove the line",
    COMMENTED: "remove the line; the history has it",
}


def judge_rule(name: str) -> Callable[[DebtSeen, Criteria], Ruling]:
    """The judgement of one rule."""

    def judge(seen: DebtSeen, criteria: Criteria) -> Ruling:
        judged = seen.judged.get(name)
        if seen.problem or judged is None:
            why = seen.problem or f"{name} was not looked at"
            return Ruling.inconclusive("not-observed", why, cure="give the stack a `source:` folder")
        return _judge(name, seen, judged, criteria)

    return judge


def seed_rule(name: str) -> Callable[[DebtSeen, Criteria], Iterable[Seeded[DebtSeen]]]:
    """One more spot in each covered service that has a judged file."""

    def seed(seen: DebtSeen, criteria: Criteria) -> Iterable[Seeded[DebtSeen]]:
        judged = seen.judged.get(name)
        for source in covered(seen.sources, criteria) if judged else ():
            file = next((file for file in source.files if judged and file in judged.files), "")
            if judged and file:
                count = max(1, criteria[name].beyond() - len(judged.spots))
                planted = (Spot(source.service, file, 1, 1, "planted", "planted"),) * count
                after = msgspec.structs.replace(judged, spots=(*judged.spots, *planted))
                whole = msgspec.structs.replace(seen, judged={**seen.judged, name: after})
                yield Seeded(f"planted in {file}", whole, f"debt.{name}")

    return seed


def _judge(name: str, seen: DebtSeen, judged: Judged, criteria: Criteria) -> Ruling:
    sources = covered(seen.sources, criteria)
    wanted = all_files(sources)
    files = {file: language for file, language in judged.files.items() if file in wanted}
    spots = [spot for spot in judged.spots if spot.file in wanted]
    limit = criteria[name]
    languages = ", ".join(f"{count} {language}" for language, count in sorted(Counter(files.values()).items()))
    summary = f"{len(spots)} in {len(files)} files ({languages}) of {len(sources)} services{_left(files, wanted)}"
    measured = (Measurement(name, len(spots), limit=limit),)
    if not limit.holds(len(spots)):
        found = tuple(_finding(name, spot) for spot in spots)
        return Ruling(Outcome.FAIL, summary, len(files), findings=found, measurements=measured)
    broken = {file: why for file, why in judged.broken.items() if file in wanted}
    if doubt := _doubt(judged, broken, len(files)) or unseen(sources, len(files)):
        return doubt
    unjudged = [source.service for source in sources if not any(file in files for file in source.files)]
    if unjudged:
        return Ruling.inconclusive(
            "language-not-judged",
            f"no file of {', '.join(unjudged[:5])} is in a language that this rule can judge",
            cure="narrow the control by `services:`, or add a check for the language",
            examined=len(files),
        )
    return Ruling(Outcome.PASS, summary, len(files), measurements=measured)


def _finding(name: str, spot: Spot) -> Finding:
    place = Location(spot.file, spot.line, spot.column, service=spot.service)
    return Finding(f"debt.{name}", _MESSAGES[name].format(spot.kind), Severity.LOW, place, _CURES[name], spot.code)


def _left(files: Mapping[str, str], wanted: Iterable[str]) -> str:
    """What the rule cannot judge, so that nobody takes it for judged."""
    suffixes = Counter(file.rsplit(".", 1)[-1] for file in wanted if file not in files)
    shown = ", ".join(f"{count} .{suffix}" for suffix, count in suffixes.most_common(4))
    return f"; not judged: {shown}" if shown else ""


def _doubt(judged: Judged, broken: Mapping[str, str], examined: int) -> Ruling | None:
    if judged.problem:
        return Ruling.inconclusive("no-report", judged.problem, cure="reinstall ruff: `python -m ruff --version`")
    if judged.decoys != judged.planted or not judged.planted:
        short = [tool for tool, count in judged.planted.items() if judged.decoys.get(tool) != count]
        return Ruling.inconclusive(
            "sensor-blind",
            f"what was planted in a decoy was not found exactly: {', '.join(short) or 'no decoy'}",
            cure="see evidence/observation.json; check the options `markers` and `console`",
            examined=examined,
        )
    if broken:
        file, why = next(iter(broken.items()))
        return Ruling.inconclusive(
            "not-judged",
            f"{len(broken)} files could not be judged, such as {file}: {why}",
            cure="mend the file, or leave it out by `exclude`",
            examined=examined,
        )
    return None
