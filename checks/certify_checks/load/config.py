"""Options of the load check: shapes (what users do) and how many of them, for how long."""

from typing import Any

import msgspec

from certify.api import CheckConfig, Duration
from certify_checks.load.aftermath import After
from certify_checks.load.holdings import check_sizes
from certify_checks.load.pacing import Extend, Stage, Steps, check_pacing
from certify_checks.load.work import Finish, Upload
from certify_checks.picks import Pick

USERS = 100
MOST_WORKERS = 1000


class Operation(CheckConfig, frozen=True):
    """One operation of a mix: GraphQL, or a file that is uploaded.

    In `variables`, a text `{NAME}` alone becomes a random value of the pick NAME, and `{unique}` inside a text becomes
    a number that no other request has. `nullable`: a null at the top of `data` is a right answer. `twice`: one request
    in so many is sent twice at once, byte by byte the same, as by a client that retries; 0 for none.

    Attributes:
        times: sent so often in all, evenly over the measured window and beside the users, who never send it then.
        upload: the file to be sent instead of a query.
        finish: how to see that what it asks for is there; without it, the answer is all there is.
    """

    name: str
    query: str = ""
    weight: int = 1
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    role: str = ""
    nullable: bool = False
    twice: int = 0
    times: int = 0
    upload: Upload | None = None
    finish: Finish | None = None

    def __post_init__(self) -> None:
        """Refuse what nobody could send."""
        if bool(self.query) == bool(self.upload):
            raise ValueError(f"operation {self.name!r} has either a `query` or an `upload`")
        if self.upload and self.times < 1:
            raise ValueError(f"operation {self.name!r} is an upload: say how many `times` it is sent")
        if min(self.weight, self.twice, self.times) < 0:
            raise ValueError(f"operation {self.name!r}: `weight`, `twice` and `times` are 0 at least")


class Effect(CheckConfig, frozen=True):
    """What each request of the operation `of` leaves behind, once, however often it was sent.

    `query` takes `$limit` and `$offset`, for it is asked page by page; `path` leads to texts that hold the request's
    `{unique}`. With `adds` it leads to amounts instead, whose sum grows by `adds` for each request.
    """

    query: str
    path: str
    of: str
    adds: str = ""
    role: str = ""


class Shape(CheckConfig, frozen=True):
    """A named mix of operations, the picks that their variables use, and what must be there of them afterwards.

    Or else `locustfile`: a file of Python beside the profile, whose Locust users make the load. Or `k6`: a script beside the
    profile, whose default function k6 runs again and again.
    """

    operations: tuple[Operation, ...] = ()
    picks: dict[str, Pick] = msgspec.field(default_factory=dict)
    effects: dict[str, Effect] = msgspec.field(default_factory=dict)
    locustfile: str = ""
    k6: str = ""

    def __post_init__(self) -> None:
        """Refuse options that contradict each other."""
        if self.locustfile and self.k6:
            raise ValueError("`locustfile` and `k6` contradict each other: leave one out")
        if self.script and (self.operations or self.effects):
            name = "k6" if self.k6 else "locustfile"
            raise ValueError(f"`{name}` and `operations` or `effects` contradict each other: leave one out")

    @property
    def script(self) -> str:
        """The user's own file that makes the load, in place of operations."""
        return self.locustfile or self.k6


class LoadConfig(CheckConfig, frozen=True):
    """Users, ramp and hold of one load: a user waits for the answer, thinks, and asks again (a closed model).

    Requests that start during `ramp` and `warmup` are not counted. `role` is whose token operations use that name none.

    Attributes:
        users: how many there are; 100 unless the profile says otherwise or gives a rate.
        pace: each user asks once in so long, however long the one before took, and its time counts from when it was due;
            0 s: users think instead.
        rate: so many requests a second arrive, such as `50/s`, at random, whether or not others have been answered (an
            open model); their time counts from when they were due.
        stages: one rate after the other instead, each for its time.
        steps: rates that rise evenly instead, to find what the stack can take.
        concurrent: how many requests there are at once, at most, with a rate; what arrives then waits, and that counts.
        workers: how many processes share the users, or the rate; the command line's `--load-workers` leads.
        workers_wait: how long it is waited for these to come.
        extend: how far the hold is lengthened until the percentile is known well enough; it is not unless this is given.
        traced: one request in so many is traced, to tell where the time goes; 0 for none.
        compare: the stack out of the profile's `peers` that gets every other request; empty: none.
        after: what the stack must be like after the load.
        memory: how much a service may use, such as `256 MiB`, where nothing limits it; `memory_of`: those of some, by name.
        lasting: how far growth is projected: how long a service shall run without a restart.
    """

    shapes: dict[str, Shape] = msgspec.field(default_factory=dict)
    shape: str = ""
    users: int | None = None
    pace: Duration = Duration("0 s")
    rate: str = ""
    stages: tuple[Stage, ...] = ()
    steps: Steps | None = None
    extend: Extend | None = None
    concurrent: int = 500
    traced: int = 10
    compare: str = ""
    ramp: Duration = Duration("5 s")
    warmup: Duration = Duration("3 s")
    hold: Duration = Duration("5 m")
    quick_hold: Duration = Duration("12 s")
    think_min: Duration = Duration("500 ms")
    think_max: Duration = Duration("1500 ms")
    timeout: Duration = Duration("10 s")
    role: str = "admin"
    workers: int = 1
    workers_wait: Duration = Duration("60 s")
    after: After = After()
    memory: str = ""
    lasting: Duration = Duration("24 h")
    memory_of: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse options that contradict each other."""
        rates = {"rate": self.rate, "stages": self.stages, "steps": self.steps}
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ValueError(f"`workers` is from 1 to {MOST_WORKERS}")
        check_pacing(self.users, self.pace, self.concurrent, rates)
        if self.extend and (self.stages or self.steps or self.extend.most.seconds <= self.hold.seconds):
            raise ValueError(
                "`extend` lengthens one hold: `most` is longer than `hold`, and there are no stages or steps"
            )
        if not (self.hold.microseconds and self.quick_hold.microseconds and self.timeout.microseconds):
            raise ValueError("`hold`, `quick_hold` and `timeout` last longer than nothing")
        if self.compare and (self.stages or self.steps):
            raise ValueError("`compare` shares one load between two stacks: leave `stages` and `steps` out")
        self._check_shape()
        check_sizes((self.memory, *self.memory_of.values()))

    def _check_shape(self) -> None:
        shape = self.chosen()
        if shape and shape.script and self.compare:
            raise ValueError("a script sends its requests where it wants to: leave `compare` out")
        if shape and self.extend and any(operation.times for operation in shape.operations):
            raise ValueError("`times` are even over a hold whose length is known: leave `extend` out")
        if shape and shape.k6 and self.pace.microseconds:
            raise ValueError("users of a k6 script wait as it says: leave `pace` out")
        if shape and shape.locustfile and (self.rates or self.pace.microseconds):
            raise ValueError("users of a locustfile wait as it says: leave `pace`, `rate`, `stages` and `steps` out")

    @property
    def crowd(self) -> int:
        """How many users there are for the whole hold; none where requests arrive at a rate."""
        return 0 if self.rates else USERS if self.users is None else self.users

    @property
    def length(self) -> Duration:
        """Of the measured window: `hold`, or all stages together."""
        whole = sum(stage.length.microseconds for stage in self.rates)
        return self.hold if self.rate or not self.rates else Duration.of_microseconds(whole)

    @property
    def rates(self) -> tuple[Stage, ...]:
        """The rates at which requests arrive, one after the other; none in a closed model."""
        if self.rate:
            return (Stage(self.rate, self.hold),)
        return self.steps.stages() if self.steps else self.stages

    def chosen(self) -> Shape | None:
        """The shape that `shape` names, or the only one there is."""
        if not self.shape and len(self.shapes) == 1:
            return next(iter(self.shapes.values()))
        return self.shapes.get(self.shape)
