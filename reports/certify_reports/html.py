"""`report.html`: one file without scripts, for people. It opens offline, prints, and reads well without its style."""

import base64
import hashlib
from typing import Final

from certify.api import Decision, Record, ReportContext, ReportFormat
from certify_reports.environment import html_environment, style
from certify_reports.fit import Detail, fit, utf8_size
from certify_reports.pictures import share
from certify_reports.view import make_view

MAX_BYTES: Final = 2_000_000


def render(record: Record, decision: Decision, context: ReportContext) -> str:
    """The page, at most `MAX_BYTES` long."""
    return fit(lambda detail: _page(record, decision, context, detail), utf8_size, MAX_BYTES)


def _page(record: Record, decision: Decision, context: ReportContext, detail: Detail) -> str:
    template = html_environment(detail.text).get_template("report.html.j2")
    digest = hashlib.sha256(style().encode()).digest()
    return template.render(
        v=make_view(record, decision, context, detail),
        style=style(),
        style_hash=base64.b64encode(digest).decode(),
        share=share,
        slowest_boot=max((service.boot_us for service in record.services), default=0),
        slowest_job=max((job.seconds_us for job in record.jobs), default=0),
    ).lstrip()


REPORT: Final = ReportFormat("html", "report.html", render)
