"""One run of schemathesis over selected GraphQL operations, and what its event log says of every request."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from certify_checks.owasp import inputs
from certify_checks.owasp.seen import ServerError
from certify_checks.tools import run_module

_REQUEST_SECONDS = "10"
_TRACEBACK = "Traceback (most recent call last)"


class Exercise(msgspec.Struct, frozen=True):
    """What to run: `name` tells scratch files apart; `operations` as `Query.invoices`; `scalars` with samples."""

    name: str
    address: str
    operations: Sequence[str]
    examples: int
    seed: int
    seconds: float
    error_codes: Sequence[str]
    token: str = ""
    identifiers: Sequence[str] = ()
    scalars: dict[str, list[str]] = {}


class Exercised(msgspec.Struct, frozen=True):
    """What came of it: requests by operation, server errors, and what schemathesis itself could not do."""

    answers: dict[str, int]
    good: dict[str, int]
    errors: tuple[ServerError, ...]
    faults: tuple[str, ...]
    complete: bool
    log: str = ""


async def exercise(task: Exercise, scratch: Path) -> Exercised:
    """Run schemathesis in a process of its own; its time is bounded, what it did until then is kept."""
    settings, events = scratch / f"{task.name}.toml", scratch / f"{task.name}.ndjson"
    settings.write_text(inputs.settings(task.token, task.identifiers), encoding="utf-8")
    events.unlink(missing_ok=True)
    run = await run_module(
        "schemathesis.cli",
        _arguments(task, settings, events),
        folder=scratch,
        seconds=task.seconds,
        environment=inputs.environment(task.token, task.scalars),
    )
    read = _read(events, task.error_codes)
    if run.exit_code in {0, 1} or run.exit_code is None:
        return read
    return msgspec.structs.replace(read, faults=(*read.faults, run.complaint), complete=False)


def _arguments(task: Exercise, settings: Path, events: Path) -> list[str]:
    chosen = "^(" + "|".join(re.escape(name) for name in task.operations) + ")$"
    generation = ["-n", str(task.examples), "--seed", str(task.seed), "--generation-database", "none", "--no-shrink"]
    return [
        *("--config-file", str(settings), "--no-color", "run", task.address),
        *("--checks", "not_a_server_error", "--phases", "fuzzing", "--mode", "positive"),
        *("--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--workers", "2"),
        *("--include-name-regex", chosen, "--request-timeout", _REQUEST_SECONDS, "--max-redirects", "0"),
        *generation,
        *("--report", "ndjson", "--report-ndjson-path", str(events)),
    ]


def _read(events: Path, error_codes: Sequence[str]) -> Exercised:
    answers, good = Counter[str](), Counter[str]()
    errors: list[ServerError] = []
    faults: list[str] = []
    log: list[str] = []
    complete = False
    for kind, event in _events(events):
        if kind == "ScenarioFinished":
            for operation, query, response in _requests(event["recorder"]):
                wrong = _wrong(operation, query, response, error_codes)
                errors += [wrong] if wrong else []
                if response is not None and response["status_code"] not in {401, 403}:
                    answers[operation] += 1
                    good[operation] += _is_good(_body(response))
                status = response["status_code"] if response else 0
                log.append(json.dumps({"operation": operation, "status": status, "query": query}))
        elif kind == "NonFatalError":
            faults.append(f"{event.get('label', '')} {_sentence(event)}".strip()[:300])
        elif kind == "EngineFinished":
            complete = event.get("stop_reason") == "completed"
    return Exercised(dict(answers), dict(good), tuple(errors), tuple(faults), complete, "\n".join(log))


def _sentence(event: dict[str, Any]) -> str:
    value = event.get("value") or event.get("info") or event
    return str(value.get("message", value) if isinstance(value, dict) else value)


def _events(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            ((kind, event),) = json.loads(line).items()
        except ValueError:
            continue  # cut off in the middle of a line when its time was over
        yield kind, event


def _requests(recorder: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    for case, interaction in recorder.get("interactions", {}).items():
        query = str(recorder["cases"].get(case, {}).get("value", {}).get("body", ""))
        yield str(recorder["label"]), query[:2000], interaction.get("response")


def _wrong(
    operation: str, query: str, response: dict[str, Any] | None, error_codes: Sequence[str]
) -> ServerError | None:
    if response is None:
        return ServerError(operation, "transport", 0, "no answer", query)
    status = int(response["status_code"])
    text = _text(response)
    if status >= 500:
        return ServerError(operation, "status", status, text[:300], query)
    if _TRACEBACK in text:
        return ServerError(operation, "graphql", status, "the answer holds a stack trace", query)
    for error in _errors(_body(response)):
        extensions = error.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        if extensions.get("code") in error_codes or {"stacktrace", "exception"} & set(extensions):
            detail = f"{extensions.get('code', 'stack trace')}: {error.get('message', '')}"
            return ServerError(operation, "graphql", status, detail[:300], query)
    return None


def _text(response: dict[str, Any]) -> str:
    raw = (response.get("content") or {}).get("$base64", "")
    return base64.b64decode(raw).decode(errors="replace")


def _body(response: dict[str, Any]) -> Any:
    try:
        return json.loads(_text(response))
    except ValueError:
        return None


def _errors(body: Any) -> list[dict[str, Any]]:
    found = body.get("errors") if isinstance(body, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _is_good(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("data"), dict) and not body.get("errors")
