"""Read every source file once and let Pygments and ruff look at it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from pygments.lexer import Lexer

from certify.api import Context
from certify_checks.debt.config import DebtConfig
from certify_checks.debt.lexing import SCRIPTS, lexer_for, marker_pattern, markers, script_debug
from certify_checks.debt.python import judge_python, with_code
from certify_checks.debt.seen import COMMENTED, DEBUG, MARKERS, DebtSeen, Judged, Spot
from certify_checks.source_tree import all_files, collect

_MAX_FILE = 2_000_000
_COMMENT = {"Python": "# {}\n", "JavaScript": "// {}\n", "SQL": "-- {}\n", "YAML": "# {}\n", "TypeScript": "/* {} */\n"}
_SUFFIX = {"Python": "py", "JavaScript": "js", "SQL": "sql", "YAML": "yaml", "TypeScript": "ts"}
_SCRIPT_DECOY = "console.log(1);\nconst text = 'console.log(2)'; // console.log(3)\ndebugger;\n"

Look = Callable[[Lexer, str], Iterable[Spot]]


async def observe(ctx: Context, config: DebtConfig) -> DebtSeen:
    """Look at all source files of all services, and at decoys of our own, for the rules that are wanted."""
    if ctx.source_root is None:
        return DebtSeen(problem="the profile names no source")
    root = ctx.source_root.resolve()
    sources = collect(root, ctx.stack.services, config.shared, config.exclude)
    owners = all_files(sources)
    texts, broken = _texts(root, owners)
    judged: dict[str, Judged] = {}
    if ctx.wants(MARKERS):
        judged[MARKERS] = _markers(config, texts, owners, broken)
    if rules := [rule for rule in (DEBUG, COMMENTED) if ctx.wants(rule)]:
        by_ruff, report = await judge_python(rules, root, owners, ctx.scratch)
        ctx.write_evidence("ruff.json", report)
        judged |= {rule: with_code(one, texts) for rule, one in by_ruff.items()}
    if DEBUG in judged:
        judged[DEBUG] = _joined(judged[DEBUG], _scripts(config, texts, owners, broken))
    return DebtSeen(sources, sum(text.count("\n") for text in texts.values()), judged)


def _texts(root: Path, files: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The text of each source file by name, and why some could not be read."""
    texts: dict[str, str] = {}
    broken: dict[str, str] = {}
    for file in files:
        if lexer_for(file) is None:
            continue
        try:
            if (root / file).stat().st_size > _MAX_FILE:
                broken[file] = f"larger than {_MAX_FILE:,} bytes"
            else:
                texts[file] = (root / file).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            broken[file] = str(error)
    return texts, broken


def _markers(config: DebtConfig, texts: Mapping[str, str], owners: Mapping[str, str], broken: dict[str, str]) -> Judged:
    wanted, reference = marker_pattern(config.markers), re.compile(config.reference)

    def look(lexer: Lexer, text: str) -> Iterable[Spot]:
        return markers(lexer, text, wanted, reference)

    planted = {
        f"x.{_SUFFIX[language]}": "".join(comment.format(f"{word} planted") for word in config.markers)
        for language, comment in _COMMENT.items()
    }
    decoys = Counter(dict.fromkeys(_COMMENT, 0))
    for name, text in planted.items():
        decoys[next(one for one, suffix in _SUFFIX.items() if name == f"x.{suffix}")] += len(_look(look, name, text))
    return msgspec.structs.replace(
        _over(look, texts, owners, broken), decoys=dict(decoys), planted=dict.fromkeys(_COMMENT, len(config.markers))
    )


def _scripts(config: DebtConfig, texts: Mapping[str, str], owners: Mapping[str, str], broken: dict[str, str]) -> Judged:
    def look(lexer: Lexer, text: str) -> Iterable[Spot]:
        return script_debug(lexer, text, config.console)

    scripts = {file: text for file, text in texts.items() if _language(file) in SCRIPTS}
    lost = {file: why for file, why in broken.items() if _language(file) in SCRIPTS}
    found = len(_look(look, "x.js", _SCRIPT_DECOY))
    return msgspec.structs.replace(
        _over(look, scripts, owners, lost), decoys={"JavaScript": found}, planted={"JavaScript": 2}
    )


def _over(look: Look, texts: Mapping[str, str], owners: Mapping[str, str], broken: dict[str, str]) -> Judged:
    spots = [
        msgspec.structs.replace(spot, service=owners[file], file=file)
        for file, text in texts.items()
        for spot in _look(look, file, text)
    ]
    return Judged({file: _language(file) for file in texts}, tuple(spots), broken)


def _look(look: Look, file: str, text: str) -> list[Spot]:
    lexer = lexer_for(file)
    return list(look(lexer, text)) if lexer else []


def _language(file: str) -> str:
    lexer = lexer_for(file)
    return str(lexer.name) if lexer else ""


def _joined(one: Judged, two: Judged) -> Judged:
    return Judged(
        one.files | two.files,
        one.spots + two.spots,
        one.broken | two.broken,
        one.decoys | two.decoys,
        one.planted | two.planted,
        one.problem or two.problem,
    )
