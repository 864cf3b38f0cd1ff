"""The child side of a check process for checks written in Python: observe, judge, self-test, answer.

Standard output belongs to the protocol: what the check itself prints goes to standard error.
"""

import asyncio
import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from certify.engine.asking import Asking
from certify.engine.protocol import (
    Assignment,
    Done,
    Failed,
    Hello,
    Message,
    Observed,
    Progress,
    Question,
    Ruled,
    Weakening,
)
from certify.model.check import Check, Context, Rule
from certify.model.outcome import Outcome
from certify.model.record import SelfTest
from certify.model.ruling import Ruling
from certify.profile.options import as_config, decode_custom

OBSERVATION = "observation.json"


def encode_custom(value: Any) -> Any:
    """Encode the types that msgspec does not know by itself."""
    if isinstance(value, str | Path):
        return str(value)
    raise NotImplementedError(type(value))


def self_test(rule: Rule, seen: Any, question: Question) -> SelfTest:
    """Send every planted defect through the very judgement that is about to be believed."""
    seeded, missed = 0, []
    for defect in rule.seed(seen, question.criteria):
        seeded += 1
        ruling = rule.judge(defect.observation, question.criteria)
        codes = {finding.code for finding in ruling.findings}
        if ruling.outcome is not Outcome.FAIL or (defect.code and defect.code not in codes):
            missed.append(defect.name)
    return SelfTest(seeded, seeded - len(missed), tuple(missed))


def answer(check: Check, seen: Any, question: Question) -> Message:
    """Judge one question; a judgement that raises is an error of that rule alone."""
    rule = check.rule(question.rule)
    if rule is None:
        return Failed(f"check {check.id} has no rule {question.rule!r}")
    try:
        ruling = rule.judge(seen, question.criteria)
        tested = self_test(rule, seen, question)
    except Exception as error:  # noqa: BLE001 - a plug-in's code may raise anything; it becomes the outcome `error`
        ruling = Ruling(Outcome.ERROR, f"{type(error).__name__}: {error}", reason="judge-raised")
        print(traceback.format_exc(), file=sys.stderr)  # noqa: T201 - standard error is the job's log
        tested = SelfTest()
    return Ruled(question.key, question.rule, ruling, tested)


def _context(task: Assignment, send: Callable[[Message], None]) -> Context:
    return Context(
        check=task.check,
        evidence=Path(task.evidence),
        scratch=Path(task.scratch),
        source_root=Path(task.source_root) if task.source_root else None,
        rules=tuple(dict.fromkeys(question.rule for question in task.questions)),
        seed=task.seed,
        stack=task.stack,
        budget_us=task.budget_us,
        quick=task.quick,
        options=task.run_options,
        capabilities=task.capabilities,
        disrupt=Asking(send, sys.stdin.buffer) if task.disturbs else None,
        progress=lambda text, done, total: send(Progress(text, done, total)),
        weakening=lambda kind, text: send(Weakening(kind, text)),
    )


def run(task: Assignment, send: Callable[[Message], None]) -> None:
    """Do one assignment, telling `send` as the protocol says. Raises whatever the check raises."""
    module, _, attribute = task.entry.partition(":")
    check: Check = getattr(importlib.import_module(module), attribute)
    send(Hello(check.id))
    context = _context(task, send)
    seen = asyncio.run(_observe(check, context, as_config(check, task.options)))
    content = msgspec.json.encode(seen, enc_hook=encode_custom, order="deterministic")
    context.write_evidence(OBSERVATION, content)
    send(Observed(OBSERVATION, hashlib.sha256(content).hexdigest()))
    # Judged is what was sealed: a value that does not survive serialisation must not decide.
    sealed: Any = msgspec.json.decode(content, type=check.observation, dec_hook=decode_custom)
    for question in task.questions:
        send(answer(check, sealed, question))


async def _observe(check: Check, context: Context, config: Any) -> Any:
    return await check.observe(context, config)


def main() -> int:
    """Entry point of `python -m certify.engine.worker`; the assignment is the first line of standard input."""
    wire = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def send(message: Message) -> None:
        wire.write(msgspec.json.encode(message, enc_hook=encode_custom) + b"\n")

    try:
        run(msgspec.json.decode(sys.stdin.buffer.readline(), type=Assignment), send)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is reported, never swallowed
        send(Failed(f"{type(error).__name__}: {error}", traceback.format_exc()))
    send(Done())
    return 0


if __name__ == "__main__":
    sys.exit(main())
