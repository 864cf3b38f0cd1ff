"""Which faults are taken, and which of them share a boot or a copy of the source."""

from typing import Any

import pytest

from certify.api import Fault, FaultKind, Service
from certify.drill.catalogue import problem_of
from certify.drill.choosing import Wanted, choose, share
from certify.drill.scene import clean, grouped, scenes
from certify.engine.plan import PlanError
from certify.profile.model import Control, Profile, StackSpec


def overlay(name: str, rule: str = "a.one", target: str = "", **more: Any) -> Fault:
    return Fault(name, FaultKind.OVERLAY, "breaks", (rule,), target, overlay="m:f", **more)


def patch(name: str, rule: str = "a.one", target: str = "", **more: Any) -> Fault:
    return Fault(name, FaultKind.PATCH, "breaks", (rule,), target, patch=lambda _: None, **more)


def booted(fault: Fault) -> bool:
    return fault.kind is not FaultKind.PATCH


def names(*faults: Fault, bystander: str = "") -> list[list[str]]:
    return [[fault.name for fault in group] for group in grouped(faults, booted, bystander)]


def profile(*rules: str, services: tuple[str, ...] = ("crm", "hr"), disposable: bool = True) -> Profile:
    stack = StackSpec(reference="r", disposable=disposable, services=tuple(map(Service, services)))
    return Profile("p", stack=stack, controls=(Control("C-1", "c", prove=rules),))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (overlay("a", target="crm"), overlay("b", target="hr"), True),
        (overlay("a", target="crm"), overlay("b", target="crm"), False),
        (overlay("a", target="crm"), overlay("b"), False),
        (overlay("a", target="crm", alone=True), overlay("b", target="hr"), False),
        (overlay("a", target="crm"), patch("b", target="hr"), False),
        (
            overlay("a", target="crm", options={"a": {"x": 1}}),
            overlay("b", target="hr", options={"a": {"x": 2}}),
            False,
        ),
        (overlay("a", target="crm", also=("b.two",)), overlay("b", "b.two", target="hr"), False),
        (overlay("a", "h.ready", "crm"), overlay("b", "b.two", "hr"), False),
        (overlay("a", "h.ready", "crm"), overlay("b", "h.ready", "hr"), True),
        (patch("a", "a.one", "crm"), patch("b", "a.two", "crm"), True),
        (patch("a", "a.one", "crm"), patch("b", "a.one", "crm"), False),
        (patch("a", "a.one", "crm"), patch("b", "a.two"), False),
    ],
)
def test_only_faults_that_can_be_told_apart_share_a_scene(one: Fault, other: Fault, *, together: bool):
    assert len(names(one, other, bystander="h.ready")) == (1 if together else 2)


def test_the_clean_scenes_ask_every_rule_with_every_set_of_options():
    brief, long = {"a": {"hold": "1 s"}}, {"a": {"hold": "9 s"}}
    faults = (
        overlay("one", target="crm", options=brief),
        overlay("two", target="hr", options=long),
        patch("three", "b.two", "crm"),
    )
    faulty = scenes(faults, booted, "h.ready")
    assert [(scene.on_stack, scene.rules, scene.services) for scene in faulty] == [
        (True, ("a.one", "h.ready"), ()),
        (True, ("a.one", "h.ready"), ()),
        (False, ("b.two",), ("crm",)),
    ]
    stack, source = clean(faulty)
    assert stack.asks == (("a.one", brief), ("h.ready", {}), ("a.one", long))
    assert (source.asks, source.services, source.faults) == ((("b.two", {}),), ("crm",), ())


def test_as_many_seeds_as_parts_take_each_fault_once():
    catalogue = {f"f{number}": overlay(f"f{number}", target="crm") for number in range(7)}
    taken = [
        fault.name
        for seed in range(3)
        for fault in choose(catalogue, profile("a.one"), Wanted(sample=(1, 3), seed=seed), overlays=True).faults
    ]
    assert sorted(taken) == sorted(catalogue)


def test_a_sample_of_few_faults_is_one_of_them():
    catalogue = {"f": overlay("f", target="crm")}
    for seed in range(3):
        assert choose(catalogue, profile("a.one"), Wanted(sample=(1, 10), seed=seed), overlays=True).faults


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "-1/3", "a/b", "1/10000000"])
def test_what_is_no_share_is_refused(text: str):
    with pytest.raises(ValueError, match="no share"):
        share(text)


def test_what_the_profile_cannot_show_is_left_out_with_the_reason_and_refused_by_name():
    catalogue = {
        fault.name: fault
        for fault in (
            overlay("good", target="crm"),
            overlay("unasked", "z.none", "crm"),
            overlay("elsewhere", target="moon"),
            Fault("data", FaultKind.DATA, "breaks", ("a.one",), "crm", damage=lambda _: None),  # type: ignore[arg-type, return-value]
        )
    }
    chosen = choose(catalogue, profile("a.one", disposable=False), Wanted(), overlays=True)
    assert [fault.name for fault in chosen.faults] == ["good"]
    assert set(chosen.left_out) == {"unasked", "elsewhere", "data"}
    for wanted, words in (
        (Wanted(faults=("unasked",)), "z.none"),
        (Wanted(faults=("goood",)), "did you mean 'good'"),
        (Wanted(rules=("a.onne",)), "did you mean 'a.one'"),
    ):
        with pytest.raises(PlanError, match=words):
            choose(catalogue, profile("a.one"), wanted, overlays=True)
    with pytest.raises(PlanError, match="only the embedded driver"):
        choose({"good": catalogue["good"]}, profile("a.one"), Wanted(), overlays=False)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (overlay("Not Kebab"), "kebab"),
        (Fault("f", FaultKind.PATCH, "b", ("a.one",), overlay="m:f"), "of kind patch"),
        (Fault("f", FaultKind.OVERLAY, "b", ("a.one",)), "of kind overlay"),
        (Fault("f", FaultKind.OVERLAY, "b", (), overlay="m:f"), "no rule"),
        (overlay("f", rule="nodot"), "CHECK.RULE"),
        (overlay("f", also=("a.two@crm",)), ""),
    ],
)
def test_a_wrong_declaration_is_told(fault: Fault, words: str):
    problem = problem_of(fault)
    assert words in problem
    assert bool(problem) == bool(words)
