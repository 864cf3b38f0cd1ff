import random
from pathlib import Path

import pytest

from certify_checks.load.generator.outcomes import FAILED, OK, classify
from certify_checks.load.generator.tally import REQUESTS, Tally
from certify_checks.picks import Pick, chosen
from certify_checks.variables import at_path, fill


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"data": {"a": 1}}', OK),
        (200, b'{"data": {"a": []}}', OK),
        (200, b'{"data": {"a": null}}', "wrong-body"),
        (200, b'{"data": {}}', "wrong-body"),
        (200, b'{"data": null}', "wrong-body"),
        (200, b"[]", "wrong-body"),
        (200, b"", "wrong-body"),
        (200, b"\xff", "wrong-body"),
        (200, b'{"data": {"a": 1}, "errors": [{"message": "x"}]}', "graphql"),
        (200, b'{"errors": "odd"}', "graphql"),
        (204, b"", "http"),
        (302, b"", "http"),
        (503, b"x", "http"),
        (429, b"", "throttled"),
        (0, b"", "connection"),
    ],
)
def test_each_class_of_outcome(status: int, body: bytes, outcome: str):
    assert classify(status, body)[0] == outcome
    assert outcome in {OK, *FAILED}


def test_null_may_be_declared_a_right_answer():
    assert classify(200, b'{"data": {"a": null}}', nullable=True)[0] == OK


def test_templates_are_filled_and_keep_their_types():
    values = {"id": [7], "name": ["x"]}
    template = {"input": {"id": "{id}", "number": "INV-{unique}", "list": ["{name}", 3, None]}, "other": "{unknown}"}
    assert fill(template, values, random.Random(1), "0a") == {  # noqa: S311 - no secret
        "input": {"id": 7, "number": "INV-0a", "list": ["x", 3, None]},
        "other": "{unknown}",
    }


def test_paths_go_through_lists_and_leave_out_what_is_missing():
    data = {"invoices": [{"lines": [{"id": 1}, {"id": None}]}, {"lines": []}, {}, {"lines": [{"id": 2}]}]}
    assert at_path(data, "invoices.lines.id") == [1, 2]
    assert at_path(data, "nothing.here") == []


def test_only_values_beside_which_enough_is_are_picked():
    found = {
        "invoices": [
            {"id": 1, "gross": "9.99"},
            {"id": 2, "gross": "10.00"},
            {"id": 3},
            {"id": 4, "gross": "much"},
            None,
        ]
    }
    assert chosen(Pick("q", "invoices.id", at_least={"gross": "10"}), found) == [2]
    assert chosen(Pick("q", "invoices.id", at_least={"gross": "10", "paid": "0"}), found) == []
    assert chosen(Pick("q", "invoices.id"), found) == [1, 2, 3, 4]
    assert chosen(Pick("q", "id", at_least={"gross": "1"}), {"id": 7, "gross": "1.0"}) == [7]


def test_a_request_that_is_never_answered_is_counted(tmp_path: Path):
    tally = Tally()
    tally.begin(0, "a1")
    second = tally.begin(1, "a2")
    tally.end(second, 1234, "ok", "")
    tally.close(9_000_000)
    tally.write(tmp_path)
    header, *rows = (tmp_path / REQUESTS).read_text().splitlines()
    assert header == "start_us,elapsed_us,operation,outcome,unique,due_us,lag_us"
    assert sorted(",".join(row.split(",")[1:5]) for row in rows) == ["1234,1,ok,a2", "9000000,0,unanswered,a1"]
