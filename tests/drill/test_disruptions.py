"""What a drill by disruptions does to a stack, and how its answer is made."""

import json

import pytest

from certify.api import Action, Capability, Container, Disruption, ExitCode, Outcome, Service, Severity, Stack
from certify.drill.disruptions import Disrupted, Noticed, Row, Said, as_json, as_text, exit_code, said, steps, words
from certify.model.outcome import Mode
from certify.model.record import ControlResult, RuleResult

SEEN = Said((Noticed("C-1", "health.ready", "it is \x1b[31mdead"),))
KILLED = Disruption(Action.KILL, "web")
PAUSED = Disruption(Action.PAUSE, "web")


def test_each_running_container_is_killed_paused_and_disconnected():
    services = (
        Service("web", pid=7, container=Container("a")),
        Service("job", container=Container("b", ends=True)),
        Service("db", pid=8, container=Container("c")),
    )
    done = [(one.do, one.part, one.of) for one in steps(Stack(services), {Capability.KILL})]
    assert done == [
        (do, part, of)
        for part in ("web", "db")
        for do, of in ((Action.KILL, ""), (Action.PAUSE, ""), (Action.CUT, "network"))
    ]
    assert {one.part for one in steps(Stack(services), {Capability.KILL}, ("db",))} == {"db"}


def test_only_small_disks_are_filled():
    stack = Stack((Service("web", pid=7, container=Container("a", disks=("/tmp",))),))  # noqa: S108 - a name in a container
    assert list(steps(stack, {Capability.KILL}))[-1] == Disruption(Action.CUT, "web", "disk")
    assert words(Disruption(Action.CUT, "web", "disk")) == "web left without room on its disk"


@pytest.mark.parametrize(("offered", "cuts"), [({Capability.KILL}, 0), ({Capability.KILL, Capability.CUT}, 1)])
def test_a_process_is_cut_from_its_database_where_the_driver_can(offered: set[Capability], cuts: int):
    stack = Stack((Service("a", database="dsn"), Service("b")), parts={"database": "postgres"})
    done = [one for one in steps(stack, offered) if one.do is Action.CUT]
    assert done == [Disruption(Action.CUT, "a", "database")][:cuts]


def test_only_a_failure_is_noticing():
    outcomes = [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.PASS, Outcome.NOT_APPLICABLE]
    controls = [
        ControlResult(name, "", "", Severity.HIGH, Mode.WARN, outcome, "", (RuleResult("a.b", outcome, "so"),))
        for name, outcome in zip("ABCDE", outcomes, strict=True)
    ]
    heard = said(controls)
    assert [one.control for one in heard.noticed] == ["A"]
    assert [one.control for one in heard.unsure] == ["B", "C"]


def drilled(*rows: Row, **more: object) -> Disrupted:
    return Disrupted("mine", ("C-1",), rows=rows, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (drilled(Row(KILLED, SEEN)), ExitCode.CERTIFIED),
        (drilled(Row(KILLED, SEEN), Row(PAUSED)), ExitCode.NOT_CERTIFIED),
        (drilled(Row(KILLED, Said((), SEEN.noticed))), ExitCode.NOT_CERTIFIED),
        (drilled(Row(KILLED, SEEN), Row(PAUSED, refused="no")), ExitCode.CERTIFIED),
        (drilled(Row(KILLED, refused="no")), ExitCode.INCONCLUSIVE),
        (drilled(), ExitCode.INCONCLUSIVE),
        (drilled(Row(KILLED, SEEN, back=False), spoilt="did not come back"), ExitCode.INCONCLUSIVE),
        (drilled(Row(KILLED, SEEN), clean=SEEN), ExitCode.NOT_CERTIFIED),
        (drilled(unbooted={"web": "dead"}), ExitCode.NOT_CERTIFIED),
        (drilled(Row(KILLED, SEEN), signal=15), 143),
    ],
    ids=[
        "noticed",
        "nobody",
        "nobody could tell",
        "one refused",
        "all refused",
        "none",
        "not back",
        "red",
        "unbooted",
        "signal",
    ],
)
def test_only_a_drill_in_which_each_was_noticed_ends_with_0(result: Disrupted, code: int):
    assert exit_code(result) == code


def test_the_table_names_who_noticed_and_is_harmless():
    result = drilled(Row(KILLED, SEEN), Row(PAUSED), left_out={"a.b": "no\x1b[2J reason"})
    text = as_text(result)
    assert "+  web killed     C-1 " in text
    assert "x  web paused     nobody" in text
    assert "1 of 2 disruptions noticed" in text
    assert "\x1b" not in text
    rows = json.loads(json.dumps(as_json(result)))["disruptions"]
    assert [[one["control"] for one in row["noticed"]] for row in rows] == [["C-1"], []]
