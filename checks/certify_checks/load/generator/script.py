"""A locustfile of the user's own: its users, its requests under the names that it gives them, and what went wrong in it.

Imported by the generator only. The file finds the stack by its environment: `CERTIFY_HOST`, `CERTIFY_GRAPHQL` (a path),
`CERTIFY_TOKEN` and, as JSON, `CERTIFY_TOKENS` (role -> token); a user class without a `host` of its own gets that of the stack.
"""

import itertools
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent  # type: ignore[import-untyped]
import locust
from gevent.event import Event  # type: ignore[import-untyped]
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.util.load_locustfile import load_locustfile

from certify_checks.load.generator.outcomes import CONNECTION, HTTP, OK, SCRIPT, THROTTLED, UNANSWERED, classify
from certify_checks.load.generator.tally import DIGITS, Row, Tally

MOST_NAMES = 200
OTHERS = "(other names)"
_TOLD = 500
_SENDS = "_send_request_safe_mode"


class Script:
    """What a locustfile brings, and what it did.

    Attributes:
        classes: its user classes; none when it cannot be used, and then `problem` says why, with its line.
        names: of its requests, in the order in which each came first; `Row.operation` is an index into them.
        broken: set once something went wrong in it.
    """

    def __init__(self, config: dict[str, Any], tally: Tally) -> None:
        self._config, self._tally = config, tally
        self._path = Path(config["locustfile"])
        self._numbers: dict[str, int] = {}
        self._under_way: dict[int, tuple[int, str]] = {}
        self._count = itertools.count()
        self.problem, self.broken = "", Event()
        self.names: list[str] = []
        self.classes: list[type[locust.User]] = []

    def load(self) -> bool:
        """Import the file; whatever it raises becomes the problem. Whether it can be used."""
        os.environ |= {
            "CERTIFY_HOST": self._config["url"],
            "CERTIFY_GRAPHQL": self._config["path"],
            "CERTIFY_TOKEN": self._config["tokens"].get(self._config["role"], ""),
            "CERTIFY_TOKENS": json.dumps(self._config["tokens"]),
        }
        # What it prints is no report of this process's.
        sys.stdout = sys.stderr
        try:
            found, shapes = load_locustfile(str(self._path))
        except BaseException as error:  # noqa: BLE001 - whatever it does while it is imported, it must not end this process
            self.fail(error)
            return False
        self.classes = list(found.values())
        if not self.classes:
            self.problem = f"{self._path.name}: no class in it is a locust.User with tasks"
            return False
        if shapes:
            # Left in, it would seem to be obeyed; and who counted on its users would be told of others.
            name = type(shapes[0]).__name__
            self.problem = f"{self._path.name}: {name} is a LoadTestShape, but how many users there are, and when, the control says"
            self.problem += ": take it out, and give the control `users`, `ramp`, `hold` or `stages`"
            return False
        for one in self.classes:
            one.host = one.host or self._config["url"]
            if urlsplit(one.host).netloc != urlsplit(self._config["url"]).netloc:
                self.problem = (
                    f"{self._path.name}: {one.__name__} asks {one.host}, which is not this stack: leave `host` out"
                )
                return False
        for session in (FastHttpSession, HttpSession):
            # The only place that sees a request begin.
            setattr(session, _SENDS, self._watched(getattr(session, _SENDS)))
        return True

    def join(self, environment: Any, others: list[type[locust.User]]) -> None:
        """Let its users run beside `others`, and hear when one of them raises something."""
        environment.user_classes = [*self.classes, *others]
        environment.events.user_error.add_listener(self._raised)
        environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)

    def _raised(self, exception: BaseException, **_: Any) -> None:
        self.fail(exception)

    def fail(self, error: BaseException) -> None:
        """Something was raised in it: the first is told, with the last line of the file that led there."""
        if not self.problem:
            frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename) == self._path]
            line = frames[-1].lineno if frames else getattr(error, "lineno", 0)
            said = str(error)
            for token in filter(None, self._config["tokens"].values()):
                said = said.replace(token, "(token)")
            self.problem = f"{self._path.name}:{line or 0}: {type(error).__name__}: {said[:_TOLD]}"
        self.broken.set()

    def _watched(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def watched(session: Any, method: str, url: str, *rest: Any, **more: Any) -> Any:
            if url.startswith(self._config["calibration_url"]):
                return send(session, method, url, *rest, **more)
            number = next(self._count)
            self._under_way[number] = (self._tally.now(), f"{method} {urlsplit(url).path}")
            try:
                answer = send(session, method, url, *rest, **more)
            except Exception:
                del self._under_way[number]
                raise
            # What was killed before its answer stays under way: to leave it out would hide the slowest requests.
            del self._under_way[number]
            return answer

        return watched

    def record(self, name: str, response_time: float | None, response: Any, exception: BaseException | None) -> None:
        """Note one finished request as its event tells it; Locust's time is in milliseconds and not yet rounded."""
        elapsed_us = round((response_time or 0) * 1000)
        outcome, said = self._judged(response, exception)
        self._keep(name, self._tally.now() - elapsed_us, elapsed_us, outcome, said)

    def close(self, timeout_us: int) -> None:
        """Count what is still under way."""
        for start, name in self._under_way.values():
            self._keep(name, start, timeout_us, UNANSWERED, "")
        self._under_way.clear()

    def _keep(self, name: str, start_us: int, elapsed_us: int, outcome: str, said: str) -> None:
        number = self._number(str(name)[:200])
        unique = f"{self._config['run']}{next(self._count):0{DIGITS}x}"
        self._tally.requests.append(Row(start_us, elapsed_us, number, outcome, unique, start_us, 0))
        if said:
            self._tally.examples.setdefault(f"{number} {outcome}", said)

    def _number(self, name: str) -> int:
        if name not in self._numbers and len(self.names) >= MOST_NAMES:
            name = OTHERS
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def _judged(self, response: Any, exception: BaseException | None) -> tuple[str, str]:
        """A failure is what Locust or the file calls one; an answer of the GraphQL end point is also read."""
        status = _status(response)
        if exception:
            outcome = {0: CONNECTION, 429: THROTTLED}.get(status, HTTP if status >= 400 else SCRIPT)
            return outcome, str(exception)[:300]
        if status == 200 and urlsplit(str(getattr(response, "url", "") or "")).path == self._config["path"]:
            try:
                return classify(status, response.content or b"", nullable=True)
            except Exception as error:  # noqa: BLE001 - there is no whole answer
                return CONNECTION, str(error)[:300]
        return OK, ""


def _status(response: Any) -> int:
    try:
        return int(getattr(response, "status_code", 0) or 0)
    except (TypeError, ValueError):
        return 0


def wait(script: Script | None, seconds: float) -> None:
    """Sleep, but not on after a script has broken."""
    if script is None:
        gevent.sleep(max(0.0, seconds))
    else:
        script.broken.wait(max(0.0, seconds))
