"""When a container counts as ready, done or failed."""

import pytest

from certify.drivers.compose.explain import blamed, explain, in_vain, root_causes
from certify.drivers.compose.project import Part
from certify.drivers.compose.state import Judged, Seen, State, judge

PLAIN = Part("web")
SERVER = Part("web", ports=(80,))
CHECKED = Part("web", checked=True)
KEPT_UP = Part("web", restarts=True)
JOB = Part("job", awaited=True)
LONG = 5_000_000

CASES = {
    "not there yet": (PLAIN, Seen(), False, State.WAITING, "waiting", False),
    "never started": (PLAIN, Seen("created"), True, State.FAILED, "never-started", True),
    "refused by the engine": (PLAIN, Seen("created", error="no such file"), False, State.FAILED, "cannot-start", True),
    "young": (PLAIN, Seen("running", running_us=10), True, State.STARTING, "settling", False),
    "old": (PLAIN, Seen("running", running_us=LONG), True, State.READY, "", False),
    "port not served": (
        SERVER,
        Seen("running", running_us=LONG, answered=False),
        True,
        State.STARTING,
        "silent",
        False,
    ),
    "port served": (SERVER, Seen("running", running_us=10, answered=True), True, State.READY, "", False),
    "checked, not yet": (
        CHECKED,
        Seen("running", running_us=LONG, health="starting"),
        True,
        State.STARTING,
        "starting",
        False,
    ),
    "healthy": (CHECKED, Seen("running", health="healthy"), True, State.READY, "healthy", False),
    "unhealthy may recover": (
        CHECKED,
        Seen("running", health="unhealthy", health_exit=1),
        True,
        State.STARTING,
        "unhealthy",
        False,
    ),
    "healthy, but nobody serves the port": (
        SERVER,
        Seen("running", health="healthy", answered=False),
        True,
        State.STARTING,
        "silent",
        False,
    ),
    "the check's program is missing": (
        CHECKED,
        Seen("running", running_us=LONG, health="unhealthy", health_exit=127),
        True,
        State.READY,
        "broken-health-check",
        False,
    ),
    "the check's program is missing, in words": (
        CHECKED,
        Seen(
            "running",
            running_us=LONG,
            health="unhealthy",
            health_exit=-1,
            health_log=('exec: "curl": executable file not found in $PATH',),
        ),
        True,
        State.READY,
        "broken-health-check",
        False,
    ),
    "one-shot ended well": (JOB, Seen("exited"), False, State.DONE, "done", True),
    "nobody waits for it, and it ended well": (PLAIN, Seen("exited"), True, State.DONE, "done", True),
    "one-shot failed": (JOB, Seen("exited", exit_code=3), False, State.FAILED, "exited", True),
    "a server that ended well has ended": (SERVER, Seen("exited"), True, State.FAILED, "exited", True),
    "out of memory": (PLAIN, Seen("exited", exit_code=137, oom=True), True, State.FAILED, "out-of-memory", True),
    "ended, and will be started again": (KEPT_UP, Seen("exited", exit_code=1), True, State.FAILED, "exited", False),
    "restarted once": (KEPT_UP, Seen("restarting", exit_code=1, restarts=1), True, State.STARTING, "restarting", False),
    "crash loop": (KEPT_UP, Seen("restarting", exit_code=1, restarts=3), True, State.FAILED, "crash-loop", True),
    "crash loop, caught while it runs": (
        KEPT_UP,
        Seen("running", running_us=LONG, restarts=4),
        True,
        State.FAILED,
        "crash-loop",
        True,
    ),
    "paused": (PLAIN, Seen("paused", running_us=LONG), True, State.STARTING, "paused", False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_look_is_judged(case: tuple[Part, Seen, bool, State, str, bool]):
    part, seen, started, state, code, final = case
    judged = judge(part, seen, started=started)
    assert (judged.state, judged.code, judged.final) == (state, code, final)


def test_the_root_cause_is_named_not_the_one_that_gave_up():
    chain = [Part("web", needs={"api": ""}), Part("api", needs={"db": "service_healthy"}), Part("db")]
    ill = Judged(State.FAILED, "exited", "it ended with exit code 1", final=True)
    waits = Judged(State.WAITING)
    judged = {"web": waits, "api": waits, "db": ill}
    assert root_causes(chain, judged) == ("db",)
    assert blamed(chain[0], waits, ("db",), {part.name: part for part in chain}) == "not started: it depends on db"


def test_a_job_that_still_runs_is_the_cause_of_those_who_wait_for_its_end():
    chain = [Part("web", needs={"job": "service_completed_successfully"}), Part("job", awaited=True)]
    judged = {"web": Judged(State.WAITING), "job": judge(chain[1], Seen("running", running_us=LONG), started=False)}
    assert root_causes(chain, judged) == ("job",)


def test_only_what_stands_on_a_failure_waits_in_vain():
    chain = {part.name: part for part in (Part("web", needs={"api": ""}), Part("api", needs={"db": ""}), Part("db"))}
    other = Part("slow", needs={"job": "service_completed_successfully"})
    parts = chain | {"slow": other, "job": Part("job", awaited=True)}
    judged = {
        "web": Judged(State.WAITING),
        "api": Judged(State.WAITING),
        "db": Judged(State.FAILED, final=True),
        "slow": Judged(State.WAITING),
        "job": Judged(State.DONE, final=True),
    }
    assert in_vain(chain["web"], judged, parts)
    assert not in_vain(other, judged, parts)


def test_a_cycle_names_all_of_it():
    cycle = [Part("a", needs={"b": ""}), Part("b", needs={"a": ""})]
    assert root_causes(cycle, {}) == ("a", "b")


def test_an_explanation_has_the_health_log_the_last_lines_and_a_cure():
    ill = Judged(State.STARTING, "unhealthy", "its health check says 'unhealthy'")
    text = explain(
        ill, Seen("running", health="unhealthy", health_exit=1, health_log=("connection refused",)), ["boom"]
    )
    assert "exit 1: connection refused" in text
    assert "cure: see what its health check says" in text
    assert text.endswith("the last 1 lines of its log:\n  boom")
