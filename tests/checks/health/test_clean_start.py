"""`health.clean-start`: judged both ways on what happened, and on logs and processes of this machine."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from certify.api import Context, Criteria, Duration, Happened, Limit, Outcome, Service, Stack
from certify_checks.health import CHECK
from certify_checks.health.beginning import Allowed, Beginning, PortTaken, StartLog, first_start, ready_at
from certify_checks.health.clean_start import judge_clean_start, seed_clean_start
from certify_checks.health.logs import PatternError, holder, read_decoy
from certify_checks.health.model import HealthConfig, HealthObservation

CRITERIA = Criteria({"incidents": Limit.parse("== 0")})
DECOY = StartLog("decoy", 8, 4, ("first",), {"deliberate": 1}, (PortTaken(1, "pid 1: x"),))
CLEAN = (
    Happened("database", "ready", 100_000),
    Happened("a", "starting", 200_000),
    Happened("b", "starting", 200_000),
    Happened("a", "ready", 900_000),
    Happened("b", "ready", 1_500_000),
)
LOGS = (StartLog("a", 10), StartLog("b", 12), StartLog("database", 3))
START = Beginning(CLEAN, ("a", "b"), logs=LOGS, decoy=DECOY)


def seen(start: Beginning | None = START, *more: Happened, **changes: Any) -> HealthObservation:
    if start is not None:
        start = replace(start, happened=(*start.happened, *more), **changes)
    return HealthObservation(start=start)


def codes(observation: HealthObservation, criteria: Criteria = CRITERIA) -> list[tuple[str, str]]:
    ruling = judge_clean_start(observation, criteria)
    assert ruling.outcome is Outcome.FAIL, ruling
    assert ruling.measurements[0].value == len(ruling.findings)
    return [(finding.code, finding.location.service) for finding in ruling.findings]


def test_a_clean_start_passes():
    ruling = judge_clean_start(seen(), CRITERIA)
    assert (ruling.outcome, ruling.examined) == (Outcome.PASS, 2)
    assert ruling.summary == "0 incidents in 2 starts and 25 log lines of 3 parts; the slowest took 1,300 ms"


def test_what_a_check_asked_for_is_no_incident():
    asked = (
        Happened("a", "died", 9, asked=True),
        Happened("a", "starting", 9, asked=True),
        Happened("a", "ready", 9, asked=True),
    )
    assert judge_clean_start(seen(START, *asked), CRITERIA).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["died"], "died"),
        (["died", "restarting", "ready"], "restarted"),
        (["restarting", "ready"], "restarted"),
        (["died", "ready", "died"], "died"),
        (["died", "starting"] * 3, "crash-loop"),
        (["died", "given-up"], "crash-loop"),
    ],
)
def test_every_kind_of_end_is_one_incident(states: list[str], code: str):
    events = [Happened("b", state, 2_000_000, detail="exit 3: boom" if state == "died" else "") for state in states]
    observation = seen(START, *events)
    assert codes(observation) == [(code, "b")]
    message = judge_clean_start(observation, CRITERIA).findings[0].message
    assert ("boom" in message) == ("died" in states)


def test_parts_that_are_no_services_count_too():
    assert codes(seen(START, Happened("database", "died"))) == [("died", "database")]
    assert codes(seen(START, Happened("database", "died")), Criteria(CRITERIA.limits, ("a",))) == [("died", "database")]


def test_slow_late_and_absent_starts_are_told_apart():
    assert codes(seen(replace(START, budget="1 s"))) == [("slow-start", "b")]
    assert codes(seen(replace(START, happened=CLEAN[:-1]))) == [("never-ready", "b")]
    assert codes(seen(gone=("b",))) == [("died", "b")]
    # The time of a second try counts from that try: the first one's end is an incident of its own.
    again = (Happened("b", "starting", 200_000), Happened("b", "died", 300_000), Happened("b", "starting", 5_000_000))
    assert ready_at((*again, Happened("b", "ready", 5_400_000)), "b") == (5_000_000, 5_400_000)
    assert first_start(again, "b") == 200_000


def test_a_gateway_is_not_slow_because_the_services_are():
    happened = (*CLEAN, Happened("gw", "starting", 0), Happened("gw", "ready", 1_900_000))
    start = replace(START, happened=happened, parts=("a", "b", "gw"), budget="1500 ms")
    assert codes(seen(start)) == [("slow-start", "gw")]
    assert judge_clean_start(seen(replace(start, gateway="gw")), CRITERIA).outcome is Outcome.PASS
    assert codes(seen(replace(start, gateway="gw", budget="300 ms"))) == [
        ("slow-start", "a"),
        ("slow-start", "b"),
        ("slow-start", "gw"),
    ]


def test_error_lines_are_one_incident_a_log_and_taken_ports_are_their_own():
    storm = StartLog("b", 5_000, 5_000, ("ERROR one", "ERROR two"))
    observation = seen(logs=(LOGS[0], storm))
    assert codes(observation) == [("errors-at-start", "b")]
    assert "5000 error lines" in judge_clean_start(observation, CRITERIA).findings[0].message
    taken = StartLog("b", 1, 1, ("x",), taken=(PortTaken(8000, "pid 7: other", "address already in use"),))
    assert codes(seen(logs=(taken,))) == [("port-taken", "b")]
    assert (
        "port 8000 is taken, held by pid 7: other"
        in judge_clean_start(seen(logs=(taken,)), CRITERIA).findings[0].message
    )


def test_only_covered_services_count():
    observation = seen(START, Happened("b", "died"), logs=(LOGS[0], StartLog("b", 1, 1, ("x",))))
    assert judge_clean_start(observation, Criteria(CRITERIA.limits, ("a",))).outcome is Outcome.PASS
    assert codes(observation, Criteria(CRITERIA.limits, ("b",))) == [("died", "b"), ("errors-at-start", "b")]


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (seen(None), "no-services"),
        (seen(parts=()), "no-services"),
        (seen(replace(START, happened=())), "no-events"),
        (seen(decoy=None), "sensor-blind"),
        (seen(decoy=replace(DECOY, errors=3)), "sensor-blind"),
        (seen(logs=(StartLog("a", obstacle="a.log: No such file"),)), "logs-unclear"),
        (seen(logs=(StartLog("a", 5, truncated=True),)), "logs-unclear"),
        (seen(START, Happened("a", "died", asked=True), logs=(StartLog("a", 5, 1, timed=False),)), "logs-unclear"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(observation: HealthObservation, reason: str):
    ruling = judge_clean_start(observation, CRITERIA)
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, reason)
    assert ruling.cure


def test_errors_without_times_count_as_long_as_nobody_disturbed_the_stack():
    assert codes(seen(logs=(StartLog("a", 5, 1, timed=False),))) == [("errors-at-start", "a")]


@pytest.mark.parametrize("limit", ["== 0", "<= 1"])
@pytest.mark.parametrize("real", [seen(), seen(START, Happened("a", "died"), logs=(StartLog("a", 9, 9, ("x",)),))])
def test_every_seed_is_found(limit: str, real: HealthObservation):
    criteria = Criteria({"incidents": Limit.parse(limit)})
    seeds = list(seed_clean_start(real, criteria))
    assert len(seeds) == 9
    for seeded in seeds:
        ruling = judge_clean_start(seeded.observation, criteria)
        assert ruling.outcome is Outcome.FAIL, seeded.name
        assert seeded.code in {finding.code for finding in ruling.findings}, seeded.name


BRIEF = HealthConfig(window=Duration("400 ms"))


def look(tmp_path: Path, stack: Stack, config: HealthConfig = BRIEF, **more: Any) -> HealthObservation:
    context = Context("health", tmp_path, tmp_path, rules=("clean-start",), stack=stack, **more)
    found: HealthObservation = asyncio.run(CHECK.observe(context, config))
    return found


def stack_with(tmp_path: Path, log: bytes, *, ready_us: int = 2_000_000) -> Stack:
    (tmp_path / "a.log").write_bytes(log)
    happened = (Happened("a", "starting", 0), Happened("a", "ready", ready_us))
    return Stack((Service("a", log=str(tmp_path / "a.log")),), happened=happened, parts={"database": "postgres"})


def test_the_planted_log_is_read_rightly(tmp_path: Path):
    decoy = read_decoy(tmp_path)
    assert (decoy.lines, decoy.errors, decoy.allowed, len(decoy.taken)) == (8, 4, {"deliberate": 1}, 1)
    assert decoy.taken[0].holder.startswith("pid ")


def test_only_the_start_of_a_log_counts(tmp_path: Path):
    log = b"2026-01-01 10:00:00,000 INFO up\n2026-01-01 10:00:01,900 INFO ready\n2026-01-01 10:00:30,000 ERROR provoked later\n"
    assert judge_clean_start(look(tmp_path, stack_with(tmp_path, log)), CRITERIA).outcome is Outcome.PASS
    late = look(tmp_path, stack_with(tmp_path, log, ready_us=40_000_000), replace(BRIEF, start_budget=Duration("60 s")))
    assert codes(late) == [("errors-at-start", "a")]


def test_logs_of_other_parts_are_found_beside_those_of_services(tmp_path: Path):
    (tmp_path / "postgres.log").write_text("2026-01-01 10:00:00.000 UTC [1] FATAL:  no room\n")
    assert codes(look(tmp_path, stack_with(tmp_path, b"fine\n"))) == [("errors-at-start", "postgres")]


def test_allowed_lines_are_no_incident_and_go_into_the_ledger(tmp_path: Path):
    told: list[tuple[str, str]] = []
    stack = stack_with(tmp_path, b"ERROR: cache is cold\nERROR: cache is cold\n")
    allowed = Allowed("cache is .old", "it warms up", ("a",))
    found = look(
        tmp_path, stack, replace(BRIEF, allow=(allowed,)), weakening=lambda kind, text: told.append((kind, text))
    )
    ruling = judge_clean_start(found, CRITERIA)
    assert ruling.outcome is Outcome.PASS
    assert "2 error lines allowed" in ruling.summary
    assert told == [("allowed-errors", "a: 2 error lines at start allowed by 'cache is .old': it warms up")]
    elsewhere = replace(allowed, services=("b",))
    assert codes(look(tmp_path, stack, replace(BRIEF, allow=(elsewhere,)))) == [("errors-at-start", "a")]


def test_a_pattern_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(PatternError, match=r"'\(' is no regular expression"):
        look(tmp_path, stack_with(tmp_path, b""), replace(BRIEF, allow=(Allowed("(", "typo"),)))


def test_hostile_logs_are_read_within_bounds(tmp_path: Path):
    noise = b"\x1b[2J\x00\xff<script>" * 100_000 + b"\n" + b"{" * 50_000 + b"\n" + b"ERROR \x1b[31mred\n"
    found = look(tmp_path, stack_with(tmp_path, noise * 8))
    assert codes(found) == [("errors-at-start", "a")]
    assert found.start
    assert "\x1b" not in "".join(found.start.logs[0].first)


def test_a_log_that_cannot_be_read_says_nothing(tmp_path: Path):
    stack = stack_with(tmp_path, b"")
    (tmp_path / "a.log").unlink()
    assert judge_clean_start(look(tmp_path, stack), CRITERIA).reason == "logs-unclear"


def test_a_process_that_ends_while_it_is_watched_is_found(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as lasting:
        stack = stack_with(tmp_path, b"fine\n")
        stays = replace(stack, services=(replace(stack.services[0], pid=lasting.pid),))
        assert judge_clean_start(look(tmp_path, stays), CRITERIA).outcome is Outcome.PASS
        command = [sys.executable, "-c", "input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as brief:
            ends = replace(stack, services=(replace(stack.services[0], pid=brief.pid),))
            watching = []

            def end(text: str, _done: int, _total: int) -> None:
                watching.append(text)
                brief.communicate()

            patient = replace(BRIEF, window=Duration("3 s"))
            assert codes(look(tmp_path, ends, patient, progress=end)) == [("died", "a")]
            assert watching == ["watching 1 processes"]


def test_a_taken_address_that_is_told_again_with_its_port_is_one_incident(tmp_path: Path):
    log = b"OSError: [Errno 98] Address already in use\nOSError: listen tcp 0.0.0.0:81: bind: address already in use\n"
    found = look(tmp_path, stack_with(tmp_path, log))
    assert found.start
    assert [one.port for one in found.start.logs[0].taken] == [81]
    # Two lines, one conflict: the other line is an error of the start like any other.
    assert codes(found) == [("port-taken", "a"), ("errors-at-start", "a")]


def test_nobody_holds_a_port_that_is_free():
    assert holder(0) == ""
    assert holder(1) == ""
