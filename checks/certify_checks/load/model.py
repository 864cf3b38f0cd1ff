"""What the load check saw: exact response times per operation, and how sound the instrument was."""

from typing import NamedTuple

import msgspec

from certify_checks.load.aftermath import Aftermath
from certify_checks.load.holdings import Soak


class Moment(NamedTuple):
    """One request: when it began since the measured window did, and how long its right answer took; None without one."""

    began_us: int
    took_us: int | None


class OperationSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of the mix in the measured window.

    Attributes:
        name: as the shape names it.
        answered: response times in microseconds of right answers, every single one, in the order in which they began;
            from when each was due, where requests keep a schedule, as everywhere here.
        began_us: when each of these began, in microseconds since the measured window did; ascending.
        failed: class of outcome -> how many; see `certify_checks.load.generator.outcomes`.
        failed_us: when each request without a right answer began; ascending.
        examples: class of outcome -> what the first of them said; text of a service, so hostile.
    """

    name: str
    answered: tuple[int, ...] = ()
    failed: dict[str, int] = {}
    examples: dict[str, str] = {}
    began_us: tuple[int, ...] = ()
    failed_us: tuple[int, ...] = ()

    @property
    def failures(self) -> int:
        """Requests without a right answer."""
        return sum(self.failed.values())


class Calibration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The same generator beside the load against a server of ours that says how long it took.

    `overheads_us`: measured minus true time, ascending, one for each request in the measured window.
    """

    overheads_us: tuple[int, ...] = ()
    delay_us: int = 0


class Generator(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the generator's process fared: share of one core, and how late its own timers rang.

    `foreign_ppm` is the share of the whole machine that programs used which are neither the stack nor this run; -1: unknown.
    """

    cpu_ppm: int = 0
    lag_p95_us: int = 0
    lag_max_us: int = 0
    users: int = 0
    version: str = ""
    foreign_ppm: int = 0


class Starts(msgspec.Struct, frozen=True, omit_defaults=True):
    """How punctual requests were that keep a schedule: a pace, or a rate.

    Attributes:
        model: closed, paced or open.
        late_p95_us: by how much the generator itself was late, which is its error; 95th percentile and the most.
        late_max_us: see there.
        waited: how many had to wait because all users were busy with earlier ones.
        waited_max_us: for how long, at most.
        sent_p95_us: what the 95th percentile would be, had the clock begun when each was sent.
        concurrent: how many users a rate may use at most; 0 without a rate.
    """

    model: str = "closed"
    late_p95_us: int = 0
    late_max_us: int = 0
    waited: int = 0
    waited_max_us: int = 0
    sent_p95_us: int = 0
    concurrent: int = 0


class StageSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rate, in thousandths a second, and its place in the measured window.

    How the generator fared meanwhile: its share of a core, and as in `Starts`.
    """

    rate: int
    begin_us: int
    end_us: int
    cpu_ppm: int = 0
    late_p95_us: int = 0
    waited: int = 0
    sent_p95_us: int = 0


class WorkerSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one of several processes fared that shared the load; see `Generator`, which tells the worst of them.

    Attributes:
        number: counted from 0.
        name: of its machine, as that says itself.
        requests: how many of its requests were reported, over the whole run.
        offset_us: by how much its clock was ahead, which is taken off its times.
        uncertain_us: half the time that the exchange took by which that was measured: it may be wrong by so much.
        lost: why it was not there to the end; empty when it was.
        overheads_us: of its own calibration, as in `Calibration`.
    """

    number: int
    name: str = ""
    users: int = 0
    requests: int = 0
    cpu_ppm: int = 0
    lag_p95_us: int = 0
    lag_max_us: int = 0
    offset_us: int = 0
    uncertain_us: int = 0
    lost: str = ""
    overheads_us: tuple[int, ...] = ()


class EffectSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the requests of one operation left behind, over the whole run, ramp and warm-up included.

    Attributes:
        name: as the shape names the effect.
        operation: whose requests leave it.
        done: requests with a right answer to at least one sending.
        unclear: requests without any; they may have had their effect all the same.
        repeated: how many of both were sent more than once.
        to_repeat: whether the shape asks for that.
        lost: done requests of which nothing was found.
        double: effects found beyond the first of each request.
        adds: for sums, by how much one request adds, as a decimal number; then `before` and `after` are the sums.
        examples: unique numbers of the first lost and double ones.
        problem: why it could not be looked at; text of a service, so hostile.
    """

    name: str
    operation: str
    done: int = 0
    unclear: int = 0
    repeated: int = 0
    to_repeat: bool = False
    lost: int = 0
    double: int = 0
    adds: str = ""
    before: str = ""
    after: str = ""
    examples: tuple[str, ...] = ()
    problem: str = ""


class Finishing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of work that is accepted now and finished later, asked for in the measured window.

    Attributes:
        operations: times from when a request was due to when its work was seen finished; failed are those whose never was.
        polls: how often it was asked whether it was, over the whole run; these are no requests of the load.
        deaf: how many of these had no right answer.
        every_us: how long it was waited between two of these, at most: times are read so much too long.
        within_us: how long it was asked for, at most.
    """

    operations: tuple[OperationSeen, ...] = ()
    polls: int = 0
    deaf: int = 0
    every_us: int = 0
    within_us: int = 0


class Spending(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the slowest traced requests of one operation spent their time.

    Attributes:
        operation: as the shape names it.
        requests: how many they are.
        elapsed_us: how long they took together.
        places: service, or its database, or what nobody's spans cover -> microseconds of that; names are hostile text.
    """

    operation: str
    requests: int
    elapsed_us: int
    places: dict[str, int] = {}


class LoadSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that was observed. `unusable` is a reason code when no load could be made, `detail` says why.

    `peer` is what the stack named `compared` answered, which got every other request. The hold could end at so many `looks`.
    """

    shape: str = ""
    users: int = 0
    hold_us: int = 0
    timeout_us: int = 0
    quick: bool = False
    operations: tuple[OperationSeen, ...] = ()
    calibration: Calibration = Calibration()
    generator: Generator = Generator()
    effects: tuple[EffectSeen, ...] = ()
    finishing: Finishing = Finishing()
    starts: Starts = Starts()
    looks: int = 1
    stages: tuple[StageSeen, ...] = ()
    workers: tuple[WorkerSeen, ...] = ()
    spending: tuple[Spending, ...] = ()
    compared: str = ""
    peer: tuple[OperationSeen, ...] = ()
    soak: Soak = Soak()
    aftermath: Aftermath = Aftermath()
    unusable: str = ""
    detail: str = ""

    @property
    def answered(self) -> int:
        """Right answers, over all operations."""
        return sum(len(operation.answered) for operation in self.operations)

    @property
    def failures(self) -> int:
        """Requests without a right answer, over all operations."""
        return sum(operation.failures for operation in self.operations)

    @property
    def requests(self) -> int:
        """All requests of the measured window."""
        return self.answered + self.failures

    @property
    def ordered(self) -> bool:
        """Whether it is known of each request when it began."""
        return all(
            (len(one.began_us), len(one.failed_us)) == (len(one.answered), one.failures) for one in self.operations
        )

    def moments(self) -> tuple[Moment, ...]:
        """Every request, in the order in which they began."""
        told: list[Moment] = []
        for one in self.operations:
            told += map(Moment, one.began_us, one.answered)
            told += (Moment(at, None) for at in one.failed_us)
        return tuple(sorted(told, key=lambda moment: moment.began_us))

    def timeline(self) -> tuple[int | None, ...]:
        """Response time of every request in the order in which they began; None without a right answer."""
        return tuple(moment.took_us for moment in self.moments())
