"""Extending and replacing: what a child keeps, changes and takes over, and which line each value comes from."""

from collections.abc import Callable
from pathlib import Path

from certify.profile.load import Inspected
from certify.profile.model import Control, Profile

Problems = Callable[..., list[str]]
Inspect = Callable[..., Inspected]
PARENT = """\
profile: a
title: parent
checks: {load: {users: 5, shape: calm}}
budgets: {load: 1 m, health: 1 m}
sign_offs: [security]
controls:
  A-1:
    title: fast
    severity: low
    prove: [load.latency]
    limits: {p95: "< 500 ms", p99: "< 900 ms"}
    with: {users: 5, hold: 1 m}
  A-2: {title: other, prove: [load.errors], requires: [A-1]}
"""


def control(profile: Profile, name: str) -> Control:
    return next(one for one in profile.controls if one.id == name)


def test_a_child_changes_single_keys_and_each_limit_keeps_its_line(inspect: Inspect):
    profile = inspect(
        a=PARENT,
        p="""\
profile: p
extends: [a]
checks: {load: {users: 9}}
budgets: {load: 3 m}
sign_offs: [operations, security]
controls:
  A-1:
    limits: {p95: "< 300 ms"}
    with: {users: 100}
    mode: warn
""",
    ).profile
    one = control(profile, "A-1")
    assert {name: (str(limit), str(limit.origin)) for name, limit in one.limits.items()} == {
        "p95": ("< 300 ms", "p.yaml:8"),
        "p99": ("< 900 ms", "a.yaml:11"),
    }
    assert (one.title, one.severity, one.mode, one.prove) == ("fast", "low", "warn", ("load.latency",))
    assert one.options == {"users": 100, "hold": "1 m"}
    assert str(one.origin) == "a.yaml:7"
    assert profile.checks == {"load": {"users": 9, "shape": "calm"}}
    assert profile.budgets == {"load": 180_000_000, "health": 60_000_000}
    assert profile.sign_offs == ("security", "operations")
    assert (profile.name, profile.title, profile.files) == ("p", "", ("a.yaml", "p.yaml"))
    assert [one.id for one in profile.controls] == ["A-1", "A-2"]


def test_lists_are_replaced_whole(inspect: Inspect):
    profile = inspect(a=PARENT, p="profile: p\nextends: [a]\ncontrols: {A-2: {prove: [x.y], requires: []}}\n").profile
    assert (control(profile, "A-2").prove, control(profile, "A-2").requires) == (("x.y",), ())


def test_later_parents_win_and_a_diamond_is_read_once(inspect: Inspect):
    profile = inspect(
        a=PARENT,
        b="profile: b\nextends: [a]\ncontrols: {A-1: {title: from b}}\n",
        c="profile: c\nextends: [a]\ncontrols: {A-2: {title: from c}}\n",
        p="profile: p\nextends: [b, c]\n",
    ).profile
    assert profile.files == ("a.yaml", "b.yaml", "c.yaml", "p.yaml")
    assert (control(profile, "A-1").title, control(profile, "A-2").title) == ("from b", "from c")


def test_a_circle_is_told_as_a_chain(problems: Problems):
    assert problems(p="profile: p\nextends: [q]\n", q="profile: q\nextends: [p]\n") == [
        "q.yaml:2:11: profiles extend each other in a circle: p.yaml -> q.yaml -> p.yaml"
    ]


def test_a_parent_that_is_not_there(problems: Problems):
    assert problems(p="profile: p\nextends: [contrakt, ../x.yaml]\n", contract="profile: contract\n") == [
        "p.yaml:2:11: there is no profile 'contrakt' in .; did you mean 'contract'?"
    ]


def test_errors_of_a_parent_name_the_parents_file(problems: Problems):
    assert problems(p="profile: p\nextends: [q]\n", q="profile: q\ntitel: x\n") == [
        "q.yaml:2:1: unknown key 'titel' in the profile; did you mean 'title'?"
    ]


def test_replacing_takes_over_proof_limits_options_and_references(inspect: Inspect):
    inspected = inspect(
        a=PARENT,
        p="""\
profile: p
extends: [a]
controls:
  FIN-1:
    title: ours
    replaces: [A-1]
    limits: {p95: "< 300 ms"}
""",
    )
    profile = inspected.profile
    assert [one.id for one in profile.controls] == ["A-2", "FIN-1"]
    one = control(profile, "FIN-1")
    assert (one.prove, one.options) == (("load.latency",), {"users": 5, "hold": "1 m"})
    assert {name: str(limit.origin) for name, limit in one.limits.items()} == {"p95": "p.yaml:7", "p99": "a.yaml:11"}
    assert (one.severity, str(one.origin)) == ("high", "p.yaml:4")
    assert control(profile, "A-2").requires == ("FIN-1",)
    assert inspected.remarks == ()


def test_one_control_that_replaces_two_proves_what_both_proved(inspect: Inspect):
    profile = inspect(a=PARENT, p="profile: p\nextends: [a]\ncontrols: {B: {title: t, replaces: [A-1, A-2]}}\n").profile
    assert [one.id for one in profile.controls] == ["B"]
    assert control(profile, "B").prove == ("load.latency", "load.errors")


def test_two_controls_may_share_a_place(inspect: Inspect):
    profile = inspect(
        a=PARENT,
        p="profile: p\nextends: [a]\ncontrols:\n  B: {title: b, replaces: [A-1]}\n  C: {title: c, replaces: [A-1]}\n",
    ).profile
    assert [one.id for one in profile.controls] == ["A-2", "B", "C"]
    assert control(profile, "A-2").requires == ("B", "C")


def test_replacing_with_less_proof_is_worth_a_warning(problems: Problems):
    child = "profile: p\nextends: [a]\ncontrols:\n  B: {title: b, replaces: [A-1], prove: [docs.guides]}\n"
    assert problems(a=PARENT, p=child) == [
        "p.yaml:4:34: warning: control B replaces A-1 but no longer proves load.latency"
    ]


def test_a_replaced_control_is_gone(problems: Problems):
    grandchild = (
        "profile: p\nextends: [b]\ncontrols: {A-1: {title: again}, C: {title: c, prove: [x.y], replaces: [A-1]}}\n"
    )
    middle = "profile: b\nextends: [a]\ncontrols: {B: {title: b, replaces: [A-1]}}\n"
    assert problems(a=PARENT, b=middle, p=grandchild) == [
        "p.yaml:3:12: control A-1 was replaced by B; change that one",
        "p.yaml:3:72: control C replaces 'A-1', which is not an inherited control; did you mean 'A-2'?",
    ]


def test_a_waiver_for_a_replaced_control_names_its_successor(problems: Problems):
    child = (
        "profile: p\nextends: [a]\ncontrols: {B: {title: b, replaces: [A-1]}}\n"
        "waivers: [{control: A-1, reason: r, approver: x, expires: '2030-01-01'}]\n"
    )
    assert problems(a=PARENT, p=child) == ["p.yaml:4:21: waiver for 'A-1', which is no control; it was replaced by B"]


STACK = """\
profile: a
stack:
  reference: some.stack
  boot_budget: 1 m
  defaults: {probes: {live: /live, ready: /ready}, source: "src/{module}", tests: "pytest {suites}/{name}"}
  services:
    shop-front: {tier: 1, owner: web, calls: [stock]}
    stock: {probes: {live: /alive}, source: [a, "b/{name}"], database: true}
"""


def test_services_have_defaults_and_placeholders(inspect: Inspect):
    stack = inspect(a=STACK, p="profile: p\nextends: [a]\n").profile.stack
    front, stock = stack.services
    assert (front.name, front.tier, front.owner, front.calls) == ("shop-front", 1, "web", ("stock",))
    assert (front.source, front.tests) == (("src/shop_front",), "pytest {suites}/shop-front")
    assert (stock.probes.live, stock.probes.ready, stock.source) == ("/alive", "/ready", ("a", "b/stock"))
    assert (stock.tier, stock.database, stack.boot_budget_us, stack.gateway) == (3, "", 60_000_000, None)


def test_a_childs_stack_comes_to_be_in_its_own_way(inspect: Inspect):
    child = """\
profile: p
extends: [a]
stack:
  targets: {stock: "http://127.0.0.1:1", gateway: "http://127.0.0.1:2"}
  services:
    stock: {tier: 2}
    shop-front:
"""
    stack = inspect(a=STACK, p=child).profile.stack
    assert (stack.reference, set(stack.targets)) == ("", {"stock", "gateway"})
    assert [service.name for service in stack.services] == ["shop-front", "stock"]
    assert [service.tier for service in stack.services] == [1, 2]
    assert stack.services[1].probes.live == "/alive"
    assert stack.gateway is not None
    assert stack.boot_budget_us == 60_000_000


def test_paths_are_relative_to_the_file_that_gives_them(inspect: Inspect, tmp_path: Path):
    (tmp_path / "base").mkdir()
    parent = "profile: a\nstack: {compose: [c.yaml], source: .., services: {x: }}\n"
    (tmp_path / "base" / "a.yaml").write_text(parent)
    profile = inspect(p="profile: p\nextends: [base/a.yaml]\n").profile
    assert (profile.stack.compose, profile.stack.source, profile.folder) == (("base/c.yaml",), ".", ".")


def test_the_digest_follows_every_file(inspect: Inspect):
    child = "profile: p\nextends: [a]\n"
    first = inspect(a=PARENT, p=child).profile.digest
    assert inspect(a=PARENT, p=child).profile.digest == first
    assert inspect(a=PARENT + "# changed\n", p=child).profile.digest != first
