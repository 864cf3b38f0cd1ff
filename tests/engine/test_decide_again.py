"""A decision can be taken again from the record alone; one that does not follow from it is refused."""

import json
from importlib.resources import files
from typing import Any

import jsonschema

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


def test_record_and_decision_are_of_the_published_schemas(product: Any) -> None:
    product.profile({"C-1": CONTROL, "C-2": CONTROL | {"with": {"behave": "raise"}}})
    result = product.certify("--profile", "product.yaml")
    schemas = files("certify_reports") / "schema"
    for document, schema in ((result.record, "record"), (result.decision, "decision")):
        jsonschema.validate(document, json.loads((schemas / f"{schema}.schema.json").read_text()))


def test_a_folder_that_is_no_run_is_a_usage_error(product: Any) -> None:
    again = product.certify("decide", ".")
    assert again.code == 2
    assert "release.json: cannot be read" in again.stderr
