"""The final block: verdict, causes, next command; harmless and complete."""

import io
import re
from types import ModuleType

import msgspec
import pytest

from certify.api import Blocker, Outcome, Verdict
from certify.console.final import SHOWN, final_block, next_command, wants_color
from certify.console.words import ORDER, SYMBOLS, counts


def test_it_says_verdict_reason_and_one_cause_per_blocker(samples: ModuleType):
    sample = samples.make_sample()
    text = final_block(*sample)
    assert text.startswith("\nNOT CERTIFIED  (finance, reference stack)\n2 controls failed: ")
    for name in ("FIN-LOAD-01", "FIN-SEC-08", "FIN-INT-04"):
        assert re.search(rf"^  [x?] (FAIL|INCONCLUSIVE)  {name}  \S", text, re.MULTILINE)
    assert "measured  431 ms [420 ms, 442 ms] not < 300 ms (profiles/finance.yaml:37)" in text
    assert "owner     finance-team" in text
    assert "cure      Raise jinja2 to 3.1.5 or later." in text
    assert "again     certify repro certification FIN-LOAD-01" in text
    assert "o 48 unimplemented: FIN-" in text
    assert "3 weakenings in the ledger: local-key, shortened, fsync-off" in text
    assert text.endswith("\n")


def test_worst_comes_first(samples: ModuleType):
    text = final_block(*samples.make_sample())
    places = [text.index(word) for word in ("FAIL  FIN-", "INCONCLUSIVE  FIN-", "48 unimplemented")]
    assert places == sorted(places)


def test_a_certified_run_is_told_how_to_verify(samples: ModuleType):
    text = final_block(*samples.green_sample())
    assert "CERTIFIED  (finance, reference stack)" in text
    assert text.rstrip().endswith("Next: certify verify certification")
    assert "x " not in text


def test_next_command_is_one_to_type(samples: ModuleType):
    sample = samples.make_sample()
    assert next_command(*sample) == "certify repro certification FIN-LOAD-01"
    context = msgspec.structs.replace(sample.context, directory="my results; rm -rf x")
    bare = msgspec.structs.replace(sample.decision, blockers=())
    assert next_command(sample.record, bare, context) == "certify verify 'my results; rm -rf x'"


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("color", [True, False])
def test_every_verdict_stands_in_words(samples: ModuleType, verdict: Verdict, color: object):
    text = final_block(*samples.make_sample(verdict), color=bool(color))
    assert verdict.value in text.splitlines()[1]
    assert ("\x1b[" in text) is bool(color)


def test_hostile_text_is_harmless(samples: ModuleType):
    record, decision, context = samples.make_sample()
    text = "\x1b[2J\n::error::x\u202e##[group]"
    values = (samples.poison(record, text), samples.poison(decision, text), samples.poison(context, text))
    shown = final_block(*values)
    assert all(line.isprintable() for line in shown.splitlines())
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown


def test_many_blockers_are_counted(samples: ModuleType):
    record, decision, context = samples.make_sample()
    many = tuple(Blocker(f"X-{number}", Outcome.FAIL, "cause " * 200) for number in range(100))
    text = final_block(record, msgspec.structs.replace(decision, blockers=many), context)
    assert f"and {100 - SHOWN} more" in text
    assert max(map(len, text.splitlines())) < 300


def test_colour_only_where_it_is_wanted():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_color(Terminal(), {"TERM": "xterm"})
    assert not wants_color(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert wants_color(Terminal(), {"TERM": "xterm", "NO_COLOR": ""})
    assert not wants_color(Terminal(), {"TERM": "dumb"})
    assert not wants_color(io.StringIO(), {"TERM": "xterm"})


def test_every_outcome_has_its_own_symbol():
    assert set(SYMBOLS) == set(ORDER) == set(Outcome)
    assert len(set(SYMBOLS.values())) == len(Outcome)


def test_counts_are_worst_first():
    assert counts({"pass": 3, "fail": 1, "skipped": 0}) == "1 fail, 3 pass"
    assert counts({}) == "nothing ruled"


def test_what_nobody_looked_at_is_named_even_when_worse_stands_in_the_way(samples: ModuleType):
    record, decision, context = samples.make_sample()
    kept = tuple(b for b in decision.blockers if b.outcome is Outcome.FAIL)
    assert "o 48 unimplemented: FIN-" in final_block(record, msgspec.structs.replace(decision, blockers=kept), context)
