"""A decision can be taken again from the record alone; one that does not follow from it is refused."""

import json
from typing import Any

CONTROL = {"title": "a control", "severity": "high", "prove": ["sample.size"]}


def test_the_recorded_decision_follows_from_the_record(product: Any) -> None:
    product.profile({"C-1": CONTROL})
    assert product.certify("--profile", "product.yaml").code == 3
    again = product.certify("decide", "certification")
    assert (again.code, "recorded  the same" in again.stdout) == (3, True)


def test_a_decision_that_does_not_follow_is_refused(product: Any) -> None:
    product.profile({"C-1": CONTROL})
    result = product.certify("--profile", "product.yaml")
    record = result.record
    for ruling in (record["controls"][0], record["controls"][0]["rulings"][0]):
        ruling["outcome"] = "fail"
    (result.out / "record.json").write_text(json.dumps(record))
    again = product.certify("decide", "certification")
    assert again.code in {2, 5}
    assert "C-1" in again.stdout + again.stderr


def test_a_folder_that_is_no_run_is_a_usage_error(product: Any) -> None:
    again = product.certify("decide", ".")
    assert again.code == 2
    assert "release.json: cannot be read" in again.stderr
