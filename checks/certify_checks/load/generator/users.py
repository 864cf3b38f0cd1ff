"""The users that Locust runs: those of the load, and a few that calibrate. Imported by the generator only."""

import json
import random
from typing import Any

import gevent  # type: ignore[import-untyped]
import locust

from certify_checks.load.generator.outcomes import classify
from certify_checks.load.generator.tally import DIGITS, Tally
from certify_checks.variables import fill

CALIBRATING = 2
PAUSE = 0.08  # seconds between two requests of a calibrating user: some 20 a second in all

Config = dict[str, Any]


def load_user(config: Config, tally: Tally) -> type[locust.FastHttpUser]:
    """A user who picks an operation by weight, waits for the answer, thinks, and goes on."""
    operations: list[Config] = config["operations"]
    weights = [operation["weight"] for operation in operations]
    chance = random.Random(config["seed"])  # noqa: S311 - a repeatable load, no secret
    run = config["run"]
    numbers = iter(range(1 << 62))

    class LoadUser(locust.FastHttpUser):
        host = config["url"]
        connection_timeout = network_timeout = config["timeout"]
        max_retries = 0
        insecure = False

        def wait_time(self) -> float:
            return chance.uniform(config["think_min"], config["think_max"])

        @locust.task
        def ask(self) -> None:
            number = chance.choices(range(len(operations)), weights)[0]
            operation, count = operations[number], next(numbers)
            unique = f"{run}{count:0{DIGITS}x}"
            variables = fill(operation["variables"], config["values"], chance, unique)
            body = json.dumps({"query": operation["query"], "variables": variables})
            again = operation["twice"] and chance.randrange(operation["twice"]) == 0
            other = gevent.spawn(self.send, number, body, unique) if again else None
            self.send(number, body, unique)
            if other is not None:
                other.join()

        def send(self, number: int, body: str, unique: str) -> None:
            operation = operations[number]
            about = {"sending": tally.begin(number, unique), "nullable": operation["nullable"]}
            self.client.post(
                config["path"], data=body, headers=operation["headers"], name=operation["name"], context=about
            )

    return LoadUser


def calibrating_user(config: Config, tally: Tally) -> type[locust.FastHttpUser]:
    """A user of the calibration server, which answers with the time that it really took."""

    class CalibratingUser(locust.FastHttpUser):
        fixed_count = CALIBRATING
        host = config["calibration_url"]
        wait_time = locust.constant(PAUSE)

        @locust.task
        def ask(self) -> None:
            self.client.get("/", name="calibration", context={"start": tally.now()})

    return CalibratingUser


def record(tally: Tally, response_time: float, response: Any, context: Config, exception: BaseException | None) -> None:
    """Note one finished request; `response_time` is Locust's, in milliseconds and not yet rounded."""
    elapsed_us = round(response_time * 1000)
    status, content = _read(response, exception)
    if "start" in context:
        if content.isdigit():
            tally.calibration.append((context["start"], elapsed_us, int(content)))
        return
    outcome, said = classify(status, content, nullable=context["nullable"])
    tally.end(context["sending"], elapsed_us, outcome, said or str(exception or "")[:300])


def _read(response: Any, exception: BaseException | None) -> tuple[int, bytes]:
    """Status and body; status 0 when no whole answer came. Locust raises for each status that is no success, too."""
    status = int(response.status_code or 0)
    if exception and status < 400:
        return 0, b""
    try:
        return status, response.content or b""
    except Exception:  # noqa: BLE001 - whatever went wrong while the body was read, there is no whole answer
        return 0, b""
