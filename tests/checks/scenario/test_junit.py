"""JUnit files of other runners, friendly and hostile."""

from pathlib import Path

import pytest

from certify_checks.scenario import junit
from certify_checks.scenario.junit import JUnitError, read_junit
from certify_checks.scenario.model import JUnitConfig, TestResult

# As jest-junit, Playwright and newman write them.
JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="3" failures="1" errors="0" time="0.8">
  <testsuite name="cart" errors="0" failures="1" skipped="1" timestamp="2026-01-01T00:00:00" time="0.4" tests="3">
    <testcase classname="cart adds" name="cart adds" time="0.012"></testcase>
    <testcase classname="cart pays" name="cart pays" time="0.2"><failure>Error: expected 5
    at x.js:3</failure></testcase>
    <testcase classname="cart ships" name="cart ships" time="0"><skipped/></testcase>
  </testsuite>
</testsuites>"""
PLAYWRIGHT = """<testsuites id="" name="" tests="1" failures="1" skipped="0" errors="0" time="2.1">
<testsuite name="pay.spec.ts" timestamp="2026" hostname="chromium" tests="1" failures="1" skipped="0" time="1.9" errors="0">
<testcase name="pays" classname="pay.spec.ts" time="1.9"><failure message="pay.spec.ts:4:1 pays" type="FAILURE"><![CDATA[x]]></failure>
<system-out><![CDATA[a < b]]></system-out></testcase></testsuite></testsuites>"""
NEWMAN = """<testsuites name="Shop" tests="2" time="1.2"><testsuite name="Pay / Create" id="1" tests="2" failures="0" errors="1" time="0.1">
<testcase name="status is 200" time="0.1" classname="ShopPay"/>
<testcase name="amount" time="0.1" classname="ShopPay"><error type="AssertionFailure" message="expected 1 to equal 2"/></testcase>
</testsuite></testsuites>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
<testsuite tests="1"><testcase name="&lol2;"/></testsuite>"""
EXTERNAL = """<?xml version="1.0"?><!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<testsuite tests="1"><testcase name="&x;"/></testsuite>"""


def read(folder: Path, content: str | bytes, **scenarios: str) -> list[TestResult]:
    path = folder / "junit.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    patterns = {f"*{pattern}*": name for pattern, name in scenarios.items()}
    return list(read_junit(path, JUnitConfig("out/junit.xml", "Jest", patterns)))


def test_jest(tmp_path: Path):
    found = read(tmp_path, JEST, pays="pay")
    assert [(one.test, one.outcome, one.scenarios, one.elapsed_us) for one in found] == [
        ("cart > cart adds > cart adds", "passed", (), 12_000),
        ("cart > cart pays > cart pays", "failed", ("pay",), 200_000),
        ("cart > cart ships > cart ships", "skipped", (), 0),
    ]
    assert found[1].message.startswith("Error: expected 5")
    assert not found[1].verified


@pytest.mark.parametrize(
    ("content", "outcomes", "message"),
    [
        (PLAYWRIGHT, ["failed"], "pay.spec.ts:4:1 pays"),
        (NEWMAN, ["passed", "error"], "expected 1 to equal 2"),
    ],
)
def test_playwright_and_newman(tmp_path: Path, content: str, outcomes: list[str], message: str):
    found = read(tmp_path, content, Pay="pay")
    assert [one.outcome for one in found] == outcomes
    assert found[-1].message == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "document type or entities"),
        (EXTERNAL, "document type or entities"),
        ('<!DOCTYPE testsuite SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite/>', "document type or entities"),
        ("<testsuite tests='1'>\n<testcase></testsuite>", r"junit.xml:2:\d+: no XML"),
        ("", "no XML"),
        (b"\x00\x01", "no XML"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "no XML"),
        ("<html/>", "not the root of a JUnit file"),
        ("<testsuite tests='many'/>", "number of tests of a suite is 'many'"),
        ("<testsuite tests='5' name='cart'><testcase name='a'/></testsuite>", "suite 'cart' lacks 4 tests"),
        ("<testsuite>" * 60 + "</testsuite>" * 60, "inside of one another"),
        ("<testsuite tests='1'><testcase name='&unknown;'/></testsuite>", "no XML"),
    ],
)
def test_what_is_hostile_or_broken_is_refused_with_a_reason(tmp_path: Path, content: str | bytes, message: str):
    with pytest.raises(JUnitError, match=message) as raised:
        read(tmp_path, content)
    assert "out/junit.xml" in str(raised.value)


def test_what_is_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(junit, "MOST", 3)
    with pytest.raises(JUnitError, match="more than 3 tests"):
        read(tmp_path, "<testsuite>" + "<testcase name='a'/>" * 4 + "</testsuite>")
    monkeypatch.setattr(junit, "LARGEST", 20)
    with pytest.raises(JUnitError, match="bytes are more than 20"):
        read(tmp_path, JEST)


def test_no_file_is_told_with_the_way_to_get_one(tmp_path: Path):
    with pytest.raises(JUnitError, match=r"nowhere.xml: No such file.*have Jest write it"):
        read_junit(tmp_path / "nowhere.xml", JUnitConfig("nowhere.xml", "Jest"))


def test_odd_values_do_no_harm(tmp_path: Path):
    (one,) = read(tmp_path, "<testsuite><testcase name='a' time='-1e999' line='x'/></testsuite>")
    assert (one.elapsed_us, one.line, one.outcome) == (0, 0, "passed")
