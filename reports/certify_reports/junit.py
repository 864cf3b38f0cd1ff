"""`junit.xml`: for CI servers. One that reads nothing else never shows green for what is not a pass.

fail is `failure`; error, inconclusive and blocked are `error`; everything else that is no pass is `skipped` with its
reason. Since many servers stay green on `skipped`, the verdict is a test case too, which only a certified run passes.
"""

import re
import sys
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from certify.api import Decision, Outcome, Record, ReportContext, ReportFormat, Verdict, clip, visible
from certify_reports.fit import Detail
from certify_reports.view import ControlView, make_view
from certify_reports.words import GOOD

TEXT: Final = 2_000
# No control may be left out here: a missing test case looks like one that nobody asked for.
DETAIL: Final = Detail(findings=25, rows=sys.maxsize, text=TEXT)
_ERRORS: Final = frozenset({Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.BLOCKED})


def render(record: Record, decision: Decision, context: ReportContext) -> str:
    """The document; its names are unique and free of characters that XML cannot hold."""
    view = make_view(record, decision, context, DETAIL)
    root = ET.Element("testsuites", name="certify")
    suites = [_suite(f"{decision.profile}.verdict", record, [_verdict(record, decision)])]
    names: set[str] = set()
    for family in view.families:
        cases = [_case(view_of, decision, family.name, names) for view_of in family.controls]
        suites.append(_suite(f"{decision.profile}.{family.name}", record, cases))
    _properties(suites[0], record, decision)
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(name: str, record: Record, cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=_text(name))
    # The format knows no time zones; ours is always UTC.
    suite.set("timestamp", _text(re.sub(r"(Z|[+-]\d\d:\d\d)$", "", record.started)))
    suite.extend(cases)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _properties(suite: ET.Element, record: Record, decision: Decision) -> None:
    properties = ET.Element("properties")
    commit = next((part.commit for part in record.release.components if part.commit), "unknown")
    values = {
        "verdict": decision.verdict.value,
        "profile": decision.profile,
        "run": decision.run_id,
        "commit": commit,
        "reference-stack": "yes" if decision.reference else "no",
    }
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=_text(value))
    suite.insert(0, properties)


def _verdict(record: Record, decision: Decision) -> ET.Element:
    case = ET.Element("testcase", classname=_text(f"certify.{decision.profile}"), name="verdict")
    case.set("time", f"{sum(record.timings.values()) / 1_000_000:.3f}")
    if decision.verdict not in GOOD:
        tag = "failure" if decision.verdict is Verdict.NOT_CERTIFIED else "error"
        _trouble(case, tag, f"{decision.verdict.value}: {decision.reason}", decision.verdict.value, "")
    return case


def _case(view: ControlView, decision: Decision, family: str, names: set[str]) -> ET.Element:
    case = ET.Element("testcase", classname=_text(f"certify.{decision.profile}.{family}"), name=_name(view, names))
    if view.outcome is Outcome.FAIL:
        _trouble(case, "failure", view.headline, view.outcome.value, _detail(view))
    elif view.outcome in _ERRORS:
        _trouble(case, "error", _said(view), view.outcome.value, _detail(view))
    elif view.outcome is not Outcome.PASS:
        ET.SubElement(case, "skipped", message=_text(f"{view.outcome.value}: {_said(view)}"))
    if view.measurements:
        output = "\n".join(f"{_text(measured.name)}: {_text(str(measured))}" for measured, _ in view.measurements)
        ET.SubElement(case, "system-out").text = output
    return case


def _trouble(case: ET.Element, tag: str, message: str, kind: str, detail: str) -> None:
    trouble = ET.SubElement(case, tag, message=_text(message), type=_text(kind))
    trouble.text = detail


def _said(view: ControlView) -> str:
    return ": ".join(dict.fromkeys(part for part in (view.result.reason, view.headline) if part))


def _detail(view: ControlView) -> str:
    result = view.result
    lines = [f"asked by: {result.origin}", f"owner: {result.owner}" if result.owner else ""]
    lines += [f"{ruling.rule}: {ruling.outcome.value}: {ruling.summary}" for ruling in result.rulings]
    lines += [f"{finding.severity.value}: {finding.location}: {finding.message}" for finding in view.findings]
    lines += [f"and {view.findings_left} more findings" if view.findings_left else ""]
    lines += [f"cure: {view.cure}" if view.cure else "", f"see again: {result.repro}" if result.repro else ""]
    return "\n".join(_text(line) for line in lines if line)


def _name(view: ControlView, names: set[str]) -> str:
    name = unique = _text(f"{view.id} {view.result.title}".strip())
    number = 1
    while unique in names:
        number += 1
        unique = f"{name} ({number})"
    names.add(unique)
    return unique


def _text(text: str) -> str:
    return visible(clip(text, TEXT))


REPORT: Final = ReportFormat("junit", "junit.xml", render)
