"""Work that is accepted now and finished later: what the rules decide of it, and what is read from the generator's files."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from certify.api import Criteria, Duration, Limit, Outcome
from certify_checks.load.check import CHECK
from certify_checks.load.config import Operation
from certify_checks.load.generator.files import table
from certify_checks.load.generator.outcomes import CONNECTION, HTTP, OK, THROTTLED, WRONG, classify_upload
from certify_checks.load.model import Finishing, LoadSeen
from certify_checks.load.observing.finishing import finishing, sent_and_done
from certify_checks.load.rules.planting import spread
from certify_checks.load.work import Finish, Upload

FINISHED, COMPLETED = (next(rule for rule in CHECK.rules if rule.id == name) for name in ("finished", "completed"))
ASKED = Criteria({"finished-p95": Limit.parse("< 10 s"), "unfinished": Limit.parse("== 0")})
FAST = [2_000_000] * 500


def worked(seen: LoadSeen, times: list[int], failed: Mapping[str, int] | None = None, **more: Any) -> LoadSeen:
    work = Finishing((spread("report", times, failed),), polls=1500, every_us=250_000, within_us=30_000_000)
    return replace(seen, finishing=replace(work, **more))


def test_work_that_is_finished_in_time_passes(clean: LoadSeen):
    told = FINISHED.judge(worked(clean, FAST), ASKED)
    assert told.outcome is Outcome.PASS, told
    assert told.measurements[0].name == "finished-p95"
    assert told.measurements[0].value == 2_000_000
    assert COMPLETED.judge(worked(clean, FAST), ASKED).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("times", "failed"),
    [([12_000_000] * 500, {}), ([2_000_000] * 440 + [12_000_000] * 60, {}), ([2_000_000] * 440, {"unfinished": 60})],
)
def test_work_that_is_finished_too_late_or_never_turns_red(clean: LoadSeen, times: list[int], failed: dict[str, int]):
    told = FINISHED.judge(worked(clean, times, failed), ASKED)
    assert told.outcome is Outcome.FAIL, told
    assert [finding.code for finding in told.findings] == ["finished-p95-over-limit"]


def test_what_is_never_finished_is_beyond_every_limit_however_short_it_was_asked_for(clean: LoadSeen):
    told = FINISHED.judge(worked(clean, [2_000_000] * 100, {"unfinished": 400}, within_us=5_000_000), ASKED)
    assert told.outcome is Outcome.FAIL


def test_one_piece_that_ends_badly_is_one_too_many(clean: LoadSeen):
    told = COMPLETED.judge(worked(clean, FAST, {"failed": 1}), ASKED)
    assert told.outcome is Outcome.FAIL
    assert [finding.code for finding in told.findings] == ["work-failed"]
    assert told.examined == 501


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Finishing(), "nothing-to-finish"),
        (Finishing((spread("report", []),)), "no-samples"),
    ],
)
def test_without_anything_to_finish_nothing_is_said(clean: LoadSeen, seen: Finishing, reason: str):
    for rule in (FINISHED, COMPLETED):
        told = rule.judge(replace(clean, finishing=seen), ASKED)
        assert (told.outcome, told.reason) == (Outcome.INCONCLUSIVE, reason)
        assert told.cure


def test_work_that_is_asked_for_too_seldom_or_is_too_little_is_no_verdict(clean: LoadSeen):
    assert FINISHED.judge(worked(clean, FAST, every_us=2_000_000), ASKED).reason == "asked-too-seldom"
    assert FINISHED.judge(worked(clean, FAST[:50]), ASKED).reason == "too-few-samples"


@pytest.mark.parametrize("rule", [FINISHED, COMPLETED], ids=["finished", "completed"])
@pytest.mark.parametrize("usable", [True, False])
def test_every_planted_observation_is_red(clean: LoadSeen, rule: Any, usable: bool):  # noqa: FBT001 - a parameter of pytest
    real = worked(clean, FAST) if usable else replace(clean, unusable="login-failed")
    planted = list(rule.seed(real, ASKED))
    assert len(planted) >= 3
    for one in planted:
        told = rule.judge(one.observation, ASKED)
        assert told.outcome is Outcome.FAIL, one.name
        assert one.code in {finding.code for finding in told.findings}
    assert msgspec.json.decode(msgspec.json.encode(real), type=LoadSeen) == real


def _written(folder: Path, name: str, columns: str, rows: list[str]) -> None:
    (folder / name).write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")


def test_what_was_sent_is_read_with_each_row_of_a_file(tmp_path: Path):
    columns = "start_us,elapsed_us,operation,outcome,unique,due_us,lag_us"
    requests = [
        "900,5,0,ok,r00000001,900,0",
        "1100,5,0,ok,r00000002,1100,0",
        "1200,5,0,http,r00000003,1200,0",
        "1250,5,0,ok,r00000004,1250,0",
        "1300,5,1,ok,r80000000,1300,0",
        "1300,6,1,ok,r80000000,1300,0",
    ]
    _written(tmp_path, "requests.csv", columns, requests)
    ended = ["1100,700,0,ok,r00000002", "900,70,0,failed,r00000001", "1300,90,1,ok,r80000000", "1300,99,1,ok,r80000000"]
    _written(tmp_path, "finished.csv", "due_us,elapsed_us,operation,outcome,unique", ended)
    summary = {"window_us": [1000, 2000], "users": 1, "cpu_ppm": 0, "lag_p95_us": 0, "lag_max_us": 0}
    said = {"examples": {"0 finish failed": "no paper"}, "version": "", "polls": 9, "deaf": 1}
    (tmp_path / "generator.json").write_text(json.dumps(summary | said), encoding="utf-8")
    end = Finish("{ job }", "id", "job.state", ("DONE",), every=Duration("100 ms"), within=Duration("5 s"))
    asked = (
        Operation("report", "{ r }", finish=end),
        Operation("import", times=1, upload=Upload("/imports", {"a": "{unique}"}, rows=3), finish=end),
    )
    seen = finishing(tmp_path, asked)
    assert (seen.polls, seen.deaf, seen.every_us, seen.within_us) == (9, 1, 100_000, 5_000_000)
    report, imported = seen.operations
    assert (report.answered, report.began_us, report.failed, report.failed_us) == (
        (700,),
        (100,),
        {"not-accepted": 1, "unfinished": 1},
        (200, 250),
    )
    assert imported.answered == (90, 99)
    sent = sent_and_done(tmp_path, asked)
    assert sent["report"].done == {"r00000002"}
    assert sent["report"].unclear == {"r00000001", "r00000003", "r00000004"}
    assert sent["import"].done == {"r80000000", "r80000001", "r80000002"}
    assert (sent["import"].repeated, sent["import"].run) == (3, "r")


def test_a_table_has_a_header_and_a_row_for_each_number():
    told = table(
        {"name": "N-{unique}", "say": 'a "b", c'}, ["1", "2"], lambda field, number: field.replace("{unique}", number)
    )
    assert list(csv.reader(told.splitlines())) == [["name", "say"], ["N-1", 'a "b", c'], ["N-2", 'a "b", c']]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (202, b'{"id": 1}', OK),
        (200, b"[]", OK),
        (202, b"<html>", WRONG),
        (500, b"{}", HTTP),
        (429, b"", THROTTLED),
        (0, b"", CONNECTION),
    ],
)
def test_an_upload_is_right_when_it_is_answered_with_success_and_json(status: int, body: bytes, outcome: str):
    assert classify_upload(status, body)[0] == outcome


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Operation("nothing"),
        lambda: Operation("both", "{ a }", upload=Upload("/a", {"a": "b"}), times=1),
        lambda: Operation("never", upload=Upload("/a", {"a": "b"})),
        lambda: Upload("/a", {}),
        lambda: Upload("/a", {"a": "b"}, rows=0),
        lambda: Finish("q", "id", "p", ()),
        lambda: Finish("q", "id", "p", ("A",), ("A",)),
        lambda: Finish("q", "id", "p", ("A",), every=Duration("2 m")),
    ],
)
def test_options_that_nobody_could_follow_are_refused(wrong: Any):
    with pytest.raises(ValueError, match=r"[`']"):
        wrong()
