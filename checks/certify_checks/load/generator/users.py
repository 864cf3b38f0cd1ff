"""The users that Locust runs: those of the load, and a few that calibrate. Imported by the generator only."""

import itertools
import random
from typing import Any

import gevent  # type: ignore[import-untyped]
import locust
import msgspec
from locust.exception import StopUser

from certify_checks.load.generator.arrivals import MICRO, paced
from certify_checks.load.generator.desk import Desk
from certify_checks.load.generator.following import Following
from certify_checks.load.generator.outcomes import OK, classify, classify_upload
from certify_checks.load.generator.tally import DIGITS, FIRST_OF_JOBS, Tally
from certify_checks.load.generator.traces import traceparent, wanted
from certify_checks.variables import fill

CALIBRATING = 2
PAUSE = 0.08  # seconds between two requests of a calibrating user: some 20 a second in all

Config = dict[str, Any]


class Mix:
    """What users of one load have in common: the operations, the values that go into them, and one chance for all."""

    def __init__(self, config: Config, tally: Tally) -> None:
        self.config, self.tally = config, tally
        self.operations: list[Config] = config["operations"]
        self.chance = random.Random(config["seed"])  # noqa: S311 - a repeatable load, no secret
        self.timeout_us = int(config["timeout"] * MICRO)
        self.paced: list[Any] = []
        self.until: int | None = None
        self._numbers = range(len(self.operations))
        # Once for all requests: of weights, `choices` would make the sums anew each time.
        self._sums = list(itertools.accumulate(operation["weight"] for operation in self.operations))
        self.following = Following(config, tally)
        # Of processes that share a load each has a range of its own, so that no two of them give the same number.
        self._unique = itertools.count(config.get("worker", 0) * (FIRST_OF_JOBS // config.get("workers", 1)))

    def draw(self) -> int:
        """The number of an operation, by weight."""
        return self.chance.choices(self._numbers, cum_weights=self._sums)[0]

    def unique(self) -> str:
        """A number that no other request of any run has."""
        return f"{self.config['run']}{next(self._unique):0{DIGITS}x}"

    def headers(self, number: int, unique: str) -> Config:
        """Of a request of that operation. With tracing it says of each whether its spans are wanted."""
        every: int = self.config.get("traced", 0)
        own: Config = self.operations[number]["headers"]
        return own | {"traceparent": traceparent(unique, wanted=wanted(unique, every))} if every else own

    def about(self, number: int, sending: int) -> Config:
        """What has to be known of one sending when its answer comes."""
        operation = self.operations[number]
        return {
            "sending": sending,
            "nullable": operation["nullable"],
            "upload": bool(operation["upload"]),
            "accepted": self.following.accepted,
        }

    def schedule(self) -> Any:
        """The schedule of one more user, who begins now."""
        chance = random.Random(f"{self.config['seed']} user {len(self.paced)}")  # noqa: S311 - as above
        return paced(chance, int(self.config["pace"] * MICRO), self.tally.now())


def load_user(mix: Mix, desk: Desk | None = None) -> type[locust.FastHttpUser]:
    """A user of the load: who takes arrivals from `desk`, or keeps to a pace, or waits for the answer and thinks."""
    config, tally, encode = mix.config, mix.tally, msgspec.json.encode

    class LoadUser(locust.FastHttpUser):
        abstract = True
        host = config["url"]
        connection_timeout = network_timeout = config["timeout"]
        max_retries = 0
        insecure = False

        def ask(self, due: int | None = None, *, busy: bool = False) -> None:
            """Send one operation, which was due then, while all users were `busy` or not."""
            number, unique = mix.draw(), mix.unique()
            if due is not None and tally.now() - due > mix.timeout_us:
                tally.give_up(number, unique, due)
                return
            operation = mix.operations[number]
            variables = fill(operation["variables"], operation.get("values") or config["values"], mix.chance, unique)
            body = encode({"query": operation["query"], "variables": variables}).decode()
            again = operation["twice"] and mix.chance.randrange(operation["twice"]) == 0
            other = gevent.spawn(self.send, number, body, unique, due, busy) if again else None
            self.send(number, body, unique, due, busy)
            if other is not None:
                other.join()

        def send(self, number: int, body: str, unique: str, due: int | None, busy: bool) -> None:  # noqa: FBT001 - spawned
            operation = mix.operations[number]
            about = mix.about(number, tally.begin(number, unique, due, busy=busy))
            self.client.post(
                operation.get("url") or config["path"],
                data=body,
                headers=mix.headers(number, unique),
                name=operation["name"],
                context=about,
            )

    if desk is not None:
        return _arriving(LoadUser, desk)
    return _paced(LoadUser, mix) if config["pace"] else _thinking(LoadUser, mix)


def _thinking(base: Any, mix: Mix) -> type[locust.FastHttpUser]:
    class ThinkingUser(base):  # type: ignore[misc]
        abstract = False

        def wait_time(self) -> float:
            return mix.chance.uniform(mix.config["think_min"], mix.config["think_max"])

        @locust.task
        def one(self) -> None:
            self.ask()

    return ThinkingUser


def _paced(base: Any, mix: Mix) -> type[locust.FastHttpUser]:
    class PacedUser(base):  # type: ignore[misc]
        abstract = False

        def on_start(self) -> None:
            self.schedule = mix.schedule()
            self.due, self.slept = next(self.schedule), True
            mix.paced.append(self)
            gevent.sleep(max(0, self.due - mix.tally.now()) / MICRO)

        def wait_time(self) -> float:
            wait: int = self.due - mix.tally.now()
            self.slept = wait > 0
            return max(0, wait) / MICRO

        @locust.task
        def one(self) -> None:
            if mix.until is not None and self.due >= mix.until:
                raise StopUser
            due, self.due = self.due, next(self.schedule)
            self.ask(due, busy=not self.slept)

    return PacedUser


def _arriving(base: Any, desk: Desk) -> type[locust.FastHttpUser]:
    class ArrivingUser(base):  # type: ignore[misc]
        abstract = False
        wait_time = locust.constant(0)

        @locust.task
        def serve(self) -> None:
            # One task for as long as there are arrivals: Locust's own wait would let others run before the next.
            while (arrival := desk.next()) is not None:
                due, busy = arrival
                self.ask(due, busy=busy)
            raise StopUser

    return ArrivingUser


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
    classified = classify_upload(status, content) if context["upload"] else None
    outcome, said = classified or classify(status, content, nullable=context["nullable"])
    row = tally.end(context["sending"], elapsed_us, outcome, said or str(exception or "")[:300])
    if outcome == OK:
        context["accepted"](row, content)


def _read(response: Any, exception: BaseException | None) -> tuple[int, bytes]:
    """Status and body; status 0 when no whole answer came. Locust raises for each status that is no success, too."""
    status = int(response.status_code or 0)
    if exception and status < 400:
        return 0, b""
    try:
        return status, response.content or b""
    except Exception:  # noqa: BLE001 - whatever went wrong while the body was read, there is no whole answer
        return 0, b""
