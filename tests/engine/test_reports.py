"""Report formats are plug-ins too, and one that breaks costs nothing but itself."""

from typing import Any

CONTROL = {"title": "a control", "severity": "high", "prove": ["sample.size"]}


def test_a_plugin_writes_its_report(product: Any) -> None:
    product.profile({"C-1": CONTROL})
    result = product.certify("--profile", "product.yaml")
    assert (result.out / "sample.txt").read_text() == "PARTIAL"
    assert product.certify("verify", "certification").code == 3


def test_a_report_that_raises_does_not_lose_the_run(product: Any) -> None:
    product.profile({"C-1": CONTROL})
    product.environment["SAMPLE_REPORT"] = "raise"
    result = product.certify("--profile", "product.yaml")
    assert result.code == 3
    assert "the report 'sample' could not be rendered" in result.stderr
    assert "no paper" in result.stderr
    assert not (result.out / "sample.txt").exists()
    assert (result.out / "report.html").exists()
    assert product.certify("verify", "certification").code == 3
