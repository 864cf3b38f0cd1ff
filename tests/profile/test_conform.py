"""Profiles held against installed checks: rules, limits, options."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from certify.engine.registry import InstalledCheck
from certify.profile.conform import is_implemented
from certify.profile.load import Inspected
from certify.profile.options import as_config, executables, options_for

Problems = Callable[..., list[str]]
Inspect = Callable[..., Inspected]
Known = Mapping[str, InstalledCheck]

CONTROL = "profile: p\ncontrols:\n  A-1:\n    title: it works\n"

CASES = {
    "all-well": ("    prove: [load.latency]\n    limits: {p95: '< 300 ms'}\n    with: {users: 5, hold: 1 m}\n", []),
    "default-limit": ("    prove: [load.errors]\n", []),
    "not-installed": (
        "    prove: [load.latency, docs.guides, docs.links]\n    limits: {p95: '< 300 ms', share: '< 1 %'}\n",
        ["p.yaml:5:27: note: control A-1 is unimplemented: no installed check has docs.guides, docs.links"],
    ),
    "rule-nearly-right": (
        "    prove: [load.latancy]\n",
        [
            "p.yaml:5:13: warning: rule 'load.latancy' is not installed; did you mean 'load.latency'?",
            "p.yaml:5:13: note: control A-1 is unimplemented: no installed check has load.latancy",
        ],
    ),
    "check-nearly-right": (
        "    prove: [laod.errors]\n",
        [
            "p.yaml:5:13: warning: rule 'laod.errors' is not installed; did you mean 'load.errors'?",
            "p.yaml:5:13: note: control A-1 is unimplemented: no installed check has laod.errors",
        ],
    ),
    "limit-missing": (
        "    prove: [load.latency]\n    limits: {p59: '< 300 ms'}\n",
        [
            "p.yaml:6:5: control A-1 gives no limit 'p95', which rule load.latency needs",
            "p.yaml:6:14: limit 'p59' of control A-1 is none of its rules'; did you mean 'p95'?",
        ],
    ),
    "limits-missing": (
        "    prove: [load.latency]\n",
        ["p.yaml:3:3: control A-1 gives no limit 'p95', which rule load.latency needs"],
    ),
    "limit-of-another-kind": (
        "    prove: [load.errors]\n    limits: {share: '< 300 ms'}\n",
        ["p.yaml:6:21: limit 'share' is given as '< 300 ms'; its rule measures such as '< 1 %'"],
    ),
    "option-unknown": (
        "    prove: [load.errors]\n    with: {user: 5}\n",
        ["p.yaml:6:12: unknown option 'user' in control A-1; did you mean 'users'?"],
    ),
    "option-of-another-kind": (
        "    prove: [load.errors]\n    with: {users: many, hold: 5, loud: maybe}\n",
        [
            (
                "p.yaml:6:19: 'with.users' of control A-1: expected a whole number, got the text 'many'; "
                "write a plain number: no quotes, no leading zero, no unit"
            ),
            (
                "p.yaml:6:31: 'with.hold' of control A-1: expected a length of time, such as '5 s' or '10 m', "
                "got the number 5; put it in quotes"
            ),
            "p.yaml:6:40: 'with.loud' of control A-1: expected true or false, got the text 'maybe'",
        ],
    ),
    "option-of-either-check": (
        "    prove: [load.errors, scenario.passes]\n    with: {users: 5, scenarios: [one]}\n",
        [],
    ),
    "option-for-a-rule-to-come": (
        "    prove: [load.memory]\n    with: {soak: 24 h}\n",
        ["p.yaml:5:13: note: control A-1 is unimplemented: no installed check has load.memory"],
    ),
}


@pytest.mark.parametrize(("body", "told"), CASES.values(), ids=CASES.keys())
def test_controls(problems: Problems, known: Known, body: str, told: list[str]):
    assert problems(p=CONTROL + body, checks=known) == told


def test_options_of_checks(problems: Problems, known: Known):
    text = "profile: p\nchecks:\n  load: {users: 5, usrs: 6}\n  lode: {}\nbudgets: {laod: 1 m}\n"
    assert problems(p=text, checks=known) == [
        "p.yaml:3:20: unknown key 'usrs' in check load; did you mean 'users'?",
    ]
    assert problems(p=text.replace(", usrs: 6", ""), checks=known) == [
        "p.yaml:4:3: warning: check 'lode' is not installed; did you mean 'load'?",
        "p.yaml:5:11: warning: check 'laod' is not installed; did you mean 'load'?",
    ]


def test_one_with_serves_several_checks(inspect: Inspect, known: Known):
    profile = inspect(
        p=CONTROL
        + "    prove: [load.errors, scenario.passes]\n    with: {users: 5, scenarios: [one]}\nchecks: {load: {hold: 1 m}}\n"
    ).profile
    (control,) = profile.controls
    load, scenario = known["load"].check, known["scenario"].check
    assert options_for(profile, control, "load", load) == {"hold": "1 m", "users": 5}
    assert options_for(profile, control, "scenario", scenario) == {"scenarios": ["one"]}
    config = as_config(load, options_for(profile, control, "load", load))
    assert (config.users, config.hold.seconds, config.shape) == (5, 60.0, "api-mix")
    assert is_implemented(control, known)


def test_executables_are_found_beside_the_profile(inspect: Inspect, tmp_path: Path):
    text = "profile: p\nchecks: {mine: {command: [./tools/x, --fast], depth: 3}, other: {command: on-path}}\n"
    profile = inspect(p=text).profile
    assert executables(profile) == {"mine": (str(tmp_path / "tools/x"), "--fast"), "other": ("on-path",)}
