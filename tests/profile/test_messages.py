"""What people are told about each kind of mistake, to the letter."""

from collections.abc import Callable

import pytest

from certify.profile.load import Inspected
from certify.profile.problem import Level, ProfileError

Inspect = Callable[..., Inspected]

Problems = Callable[..., list[str]]

HEAD = "profile: p\n"
CONTROL = HEAD + "controls:\n  A-1:\n    title: it works\n    prove: [load.latency]\n"
STACK = HEAD + "stack:\n  reference: some.stack\n  services:\n    shop: {calls: [stock]}\n    stock:\n"

GRAMMAR = {
    "key-near": (
        HEAD + "controls:\n  FIN-LOAD-01:\n    title: fast\n    prove: [load.latency]\n    limts: {p95: '< 300 ms'}\n",
        ["p.yaml:6:5: unknown key 'limts' in control FIN-LOAD-01; did you mean 'limits'?"],
    ),
    "key-far": (
        HEAD + "waivers:\n  - {control: A, reason: r, approver: a, expires: '2030-01-31', zzz: 1}\n",
        [
            "p.yaml:3:65: unknown key 'zzz' in waiver 1; known: approver, control, expires, fingerprint, reason",
        ],
    ),
    "keys-in-service": (
        HEAD + "stack:\n  reference: some.stack\n  services:\n    shop:\n      probe: {live: /}\n      tyer: 1\n",
        [
            "p.yaml:6:7: unknown key 'probe' in service shop; did you mean 'probes'?",
            "p.yaml:7:7: unknown key 'tyer' in service shop; did you mean 'tier'?",
        ],
    ),
    "missing-key": (
        "title: nameless\nwaivers:\n  - {control: A, reason: r, expires: '2030-01-31'}\n",
        [
            "p.yaml:1:1: missing key 'profile' in the profile",
            "p.yaml:3:5: missing key 'approver' in waiver 1",
        ],
    ),
    "number-for-text": (
        HEAD + "title: 42\n",
        ["p.yaml:2:8: 'title' of the profile: expected text, got the number 42; put it in quotes"],
    ),
    "bare-limit": (
        CONTROL + "    limits: {p95: 300}\n",
        [
            (
                "p.yaml:6:19: limit 'p95' of control A-1: expected a limit: operator, number, unit, such as "
                "'< 300 ms', '>= 80 %' or '== 0', got the number 300; put it in quotes"
            )
        ],
    ),
    "limit-unit": (
        CONTROL + "    limits: {p95: '< 300 msec'}\n",
        [
            (
                "p.yaml:6:19: limit 'p95' of control A-1: expected a limit: operator, number, unit, such as "
                "'< 300 ms', '>= 80 %' or '== 0', got the text '< 300 msec': unknown unit 'msec' in '300 msec': "
                "known units are us, ms, s, m, min, h, d, %, ppm, B, KiB, MiB, GiB, /s, /min"
            )
        ],
    ),
    "limit-too-fine": (
        CONTROL + "    limits: {p95: '< 0.5 us'}\n",
        ["p.yaml:6:19: '0.5 us' is finer than the smallest unit of its kind (us)"],
    ),
    "yes-is-text": (
        HEAD + "stack: {reference: some.stack, disposable: yes, services: {a: }}\n",
        ["p.yaml:2:44: 'disposable' of the stack: expected true or false, got the text 'yes'; write true"],
    ),
    "octal-is-text": (
        HEAD + "stack: {reference: some.stack, services: {a: {tier: 010}}}\n",
        [
            (
                "p.yaml:2:53: 'tier' of service a: expected a tier from 1 (the most critical) to 5, got the text '010'; "
                "write a plain number: no quotes, no leading zero, no unit"
            )
        ],
    ),
    "out-of-range": (
        HEAD + "stack: {reference: some.stack, services: {a: {tier: 9}}}\n",
        [
            "p.yaml:2:53: 'tier' of service a: expected a tier from 1 (the most critical) to 5, got the number 9",
        ],
    ),
    "text-for-list": (
        HEAD + "extends: boot\n",
        ["p.yaml:2:10: 'extends' of the profile: expected a list, got the text 'boot'; put it in square brackets"],
    ),
    "number-for-mapping": (
        HEAD + "stack: {reference: some.stack, services: {a: 7}}\n",
        ["p.yaml:2:46: service a: expected a mapping, got the number 7"],
    ),
    "nothing": (
        HEAD + "controls:\n",
        ["p.yaml:2:10: 'controls' of the profile: expected a mapping, got nothing"],
    ),
    "empty-prove": (
        HEAD + "controls: {A-1: {title: t, prove: []}}\n",
        ["p.yaml:2:35: 'prove' of control A-1: expected at least one entry, got an empty list"],
    ),
    "choice": (
        CONTROL + "    severity: hihg\n    mode: loud\n",
        [
            (
                "p.yaml:6:15: 'severity' of control A-1: expected one of critical, high, info, low, medium, "
                "got the text 'hihg'; did you mean 'high'?"
            ),
            "p.yaml:7:11: 'mode' of control A-1: expected one of block, info, warn, got the text 'loud'",
        ],
    ),
    "rule-name": (
        HEAD + "controls: {A-1: {title: t, prove: [latency]}}\n",
        [
            (
                "p.yaml:2:36: 'prove' of control A-1: expected a rule's name, CHECK.RULE, such as 'load.latency', "
                "got the text 'latency'"
            )
        ],
    ),
    "control-id": (
        HEAD + 'controls: {"A 1": {title: t, prove: [a.b]}}\n',
        ["p.yaml:2:12: 'A 1' is not a control's id: letters, digits, '-', '_', '.'"],
    ),
    "duration": (
        HEAD + "budgets: {load: 5}\n",
        [
            (
                "p.yaml:2:17: 'budgets.load' of the profile: expected a length of time, such as '5 s' or '10 m', got the number 5; "
                "put it in quotes"
            )
        ],
    ),
    "address": (
        HEAD + "stack: {targets: {shop: 'localhost:80'}}\n",
        [
            (
                "p.yaml:2:25: 'targets.shop' of the stack: expected an address, such as 'http://127.0.0.1:4001', "
                "got the text 'localhost:80'"
            )
        ],
    ),
    "path": (
        HEAD + "stack: {reference: s, services: {a: {probes: {live: health}}}}\n",
        [
            (
                "p.yaml:2:53: 'probes.live' of service a: expected a path that begins with '/', such as '/health/ready', "
                "got the text 'health'"
            )
        ],
    ),
    "not-a-mapping": (
        "- a\n- b\n",
        ["p.yaml:1:1: the profile: expected a mapping, got a list"],
    ),
    "everything-at-once": (
        HEAD + "titel: x\nextends: y\nsign_offs: [1, two]\n",
        [
            "p.yaml:2:1: unknown key 'titel' in the profile; did you mean 'title'?",
            "p.yaml:3:10: 'extends' of the profile: expected a list, got the text 'y'; put it in square brackets",
            "p.yaml:4:13: 'sign_offs' of the profile: expected text that is not empty, got the number 1; put it in quotes",
        ],
    ),
}

MEANING = {
    "no-title-no-proof": (
        HEAD + "controls: {A-1: {severity: low}}\n",
        [
            "p.yaml:2:12: control A-1 has no 'title'",
            "p.yaml:2:12: control A-1 names no rule that proves it; add 'prove: [CHECK.RULE]'",
        ],
    ),
    "calls-nobody": (
        STACK.replace("[stock]", "[stok, bank]"),
        [
            "p.yaml:5:20: service shop calls 'stok', which is no service; did you mean 'stock'?",
            "p.yaml:5:26: service shop calls 'bank', which is no service",
        ],
    ),
    "scope": (
        STACK + "controls:\n  A-1: {title: t, prove: [a.b], services: [shops], except: [stok]}\n",
        [
            "p.yaml:8:44: control A-1 names service 'shops', which is not in the stack; did you mean 'shop'?",
            "p.yaml:8:61: control A-1 names service 'stok', which is not in the stack; did you mean 'stock'?",
        ],
    ),
    "scope-empty": (
        STACK + "controls:\n  A-1: {title: t, prove: [a.b], except: [shop, stock]}\n",
        ["p.yaml:8:41: control A-1 is about no service at all"],
    ),
    "requires-nobody": (
        CONTROL + "    requires: [A-2]\n",
        ["p.yaml:6:16: control A-1 requires 'A-2', which is no control; did you mean 'A-1'?"],
    ),
    "requires-circle": (
        HEAD
        + "controls:\n  A: {title: t, prove: [a.b], requires: [B]}\n  B: {title: t, prove: [a.b], requires: [C]}\n"
        + "  C: {title: t, prove: [a.b], requires: [A]}\n",
        ["p.yaml:3:41: controls require each other in a circle: A -> B -> C -> A"],
    ),
    "requires-itself": (
        CONTROL + "    requires: [A-1]\n",
        ["p.yaml:6:15: controls require each other in a circle: A-1 -> A-1"],
    ),
    "replaces-nobody": (
        CONTROL + "    replaces: [B-9]\n",
        ["p.yaml:6:16: control A-1 replaces 'B-9', which is not an inherited control"],
    ),
    "waiver-for-nobody": (
        CONTROL + "waivers: [{control: A-2, reason: r, approver: a, expires: '2030-02-30'}]\n",
        [
            "p.yaml:6:21: waiver for 'A-2', which is no control; did you mean 'A-1'?",
            "p.yaml:6:59: '2030-02-30' is no day of the calendar",
        ],
    ),
    "placeholder": (
        HEAD + "stack:\n  reference: s\n  defaults: {source: 'src/{modul}'}\n  services: {a: , b: }\n",
        ["p.yaml:4:22: unknown placeholder '{modul}'; did you mean 'module'?"],
    ),
    "two-kinds-of-stack": (
        HEAD + "stack: {reference: s, targets: {a: 'http://127.0.0.1:1'}}\n",
        ["p.yaml:2:23: a stack comes to be in one way: 'reference' or 'targets', not both"],
    ),
    "no-kind-of-stack": (
        HEAD + "stack: {services: {a: }}\n",
        ["p.yaml:2:1: the stack does not say how it comes to be; add 'reference', 'compose' or 'targets'"],
    ),
    "no-services": (
        HEAD + "stack: {reference: s}\n",
        ["p.yaml:2:1: the stack has no services; add 'services'"],
    ),
    "boot-budget": (
        HEAD + "stack: {reference: s, boot_budget: 0.1 us, services: {a: }}\n",
        ["p.yaml:2:36: '0.1 us' is finer than the smallest unit of its kind (us)"],
    ),
    "command": (
        HEAD + "checks: {mine: {command: []}, other: {command: [./x, 3]}}\n",
        [
            "p.yaml:2:26: 'command' of check mine: expected an executable, or a list of it and its arguments",
            "p.yaml:2:48: 'command' of check other: expected an executable, or a list of it and its arguments",
        ],
    ),
    "another-name": (
        "profile: q\n",
        ["p.yaml:1:10: warning: the profile calls itself 'q'; its file's name finds it as 'p'"],
    ),
}


@pytest.mark.parametrize(("text", "told"), GRAMMAR.values(), ids=GRAMMAR.keys())
def test_grammar(problems: Problems, text: str, told: list[str]):
    assert problems(p=text) == told


@pytest.mark.parametrize(("text", "told"), MEANING.values(), ids=MEANING.keys())
def test_meaning(problems: Problems, text: str, told: list[str]):
    assert problems(p=text) == told


def test_all_errors_travel_as_values(inspect: Inspect):
    with pytest.raises(ProfileError) as caught:
        inspect(p=HEAD + "titel: x\nextends: y\n")
    first, second = caught.value.problems
    assert (first.origin.file, first.origin.line, first.origin.column, first.level) == ("p.yaml", 2, 1, Level.ERROR)
    assert (second.origin.line, second.origin.column) == (3, 10)
