"""One check on files, in this process and without a stack: judged and self-tested as in a run."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import msgspec

from certify.engine.assemble import rule_results
from certify.engine.check_process import Answers
from certify.engine.plan import Job
from certify.engine.protocol import Question, Ruled
from certify.engine.worker import answer as judged
from certify.engine.worker import encode_custom
from certify.model.check import Check, Context, Criteria
from certify.model.exit_codes import ExitCode
from certify.model.limit import Limit
from certify.model.outcome import Outcome
from certify.model.record import RuleResult
from certify.profile.options import as_config, decode_custom

GROUP: Final = "certify.desk"
_GOOD: Final = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


class DeskError(Exception):
    """The check cannot be run with what was given; the message says why."""


class Answer(msgspec.Struct, frozen=True):
    """What one check says of the files that it was given; `elapsed_us` is all of its time."""

    check: str
    rules: tuple[RuleResult, ...]
    weakenings: tuple[str, ...]
    elapsed_us: int

    @property
    def exit_code(self) -> ExitCode:
        """Failures before what could not be told."""
        outcomes = {result.outcome for result in self.rules}
        if Outcome.FAIL in outcomes:
            return ExitCode.NOT_CERTIFIED
        return ExitCode.CERTIFIED if outcomes <= _GOOD else ExitCode.INCONCLUSIVE


def find(name: str) -> Check:
    """The check of that name that can be run on files.

    Raises:
        DeskError: there is none, or it cannot be loaded.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise DeskError(f"no check called {name!r} can be run on files; there is {', '.join(sorted(points)) or 'none'}")
    check = points[name].load()
    if not isinstance(check, Check):
        raise DeskError(f"{points[name].value} is a {type(check).__name__}, not a Check")
    return check


def at_the_desk(check: Check, options: Mapping[str, Any], only: Sequence[str], out: Path | None) -> Answer:
    """Observe what `options` name, and judge it by the rules' own limits; evidence is kept in `out`, if given.

    Raises:
        DeskError: an option is of no use, or `out` holds something already or cannot be made.
    """
    began = time.perf_counter_ns()
    try:
        config = as_config(check, options)
    except msgspec.ValidationError as error:
        raise DeskError(str(error)) from error
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DeskError(f"{out} holds something already; give a new folder")
    questions = tuple(_question(check, rule.id) for rule in check.rules if not only or rule.id in only)
    weakenings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="certify-desk-") as folder:
        scratch, evidence = Path(folder, "scratch"), out or Path(folder, "evidence")
        scratch.mkdir()
        try:
            evidence.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeskError(f"{evidence} cannot be made: {error.strerror}; give another folder") from error
        context = Context(
            check.id,
            evidence,
            scratch,
            source_root=Path.cwd(),
            rules=tuple(question.rule for question in questions),
            weakening=lambda _, text: weakenings.append(text),
        )
        seen = asyncio.run(_observed(check, context, config))
    rules = _results(check, seen, questions)
    return Answer(check.id, rules, tuple(weakenings), (time.perf_counter_ns() - began) // 1000)


def _question(check: Check, name: str) -> Question:
    rule = check.rule(name)
    limits = {key: Limit.parse(text) for key, text in rule.limits.items() if text is not None} if rule else {}
    return Question(name, name, Criteria(limits))


async def _observed(check: Check, context: Context, config: Any) -> Any:
    async with asyncio.timeout(check.budget):
        seen = await check.observe(context, config)
    # As in a run, what does not survive serialisation must not decide.
    content = msgspec.json.encode(seen, enc_hook=encode_custom)
    return msgspec.json.decode(content, type=check.observation, dec_hook=decode_custom)


def _results(check: Check, seen: Any, questions: tuple[Question, ...]) -> tuple[RuleResult, ...]:
    told = {question.key: judged(check, seen, question) for question in questions}
    rulings = {key: message for key, message in told.items() if isinstance(message, Ruled)}
    job = Job("desk", check.id, questions, {}, frozenset(), round(check.budget * 1e6))
    return tuple(rule_results(job, Answers(rulings, problem="not judged", reason="error")).values())
