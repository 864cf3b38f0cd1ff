"""`report.md`, the body of the pull request's comment, and `summary.md`, the page of a CI job."""

import re
from collections.abc import Callable
from typing import Final

from markupsafe import Markup

from certify.api import Decision, Record, ReportContext, ReportFormat, comment_marker
from certify_reports.environment import markdown_environment
from certify_reports.fit import STEPS, Detail, fit, utf8_size
from certify_reports.view import make_view

MAX_COMMENT_CHARACTERS: Final = 60_000
MAX_SUMMARY_BYTES: Final = 900 * 1024
# Names in a row; a reader of a comment counts no further.
FEW: Final = 20


def render_comment(record: Record, decision: Decision, context: ReportContext) -> str:
    """The comment, at most `MAX_COMMENT_CHARACTERS` long; its first line is the hidden marker."""
    return fit(_page("report.md.j2", record, decision, context), len, MAX_COMMENT_CHARACTERS)


def render_summary(record: Record, decision: Decision, context: ReportContext) -> str:
    """The summary, at most `MAX_SUMMARY_BYTES` long."""
    return fit(_page("summary.md.j2", record, decision, context), utf8_size, MAX_SUMMARY_BYTES)


def _page(name: str, record: Record, decision: Decision, context: ReportContext) -> Callable[[Detail], str]:
    marker = Markup(comment_marker(decision.profile))  # noqa: S704 - the marker holds only letters, digits and dashes

    def page(detail: Detail) -> str:
        template = markdown_environment(detail.text).get_template(name)
        text = template.render(
            v=make_view(record, decision, context, detail),
            marker=marker,
            few=min(detail.rows, FEW),
            shortened=detail is not STEPS[0],
        )
        return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"

    return page


COMMENT: Final = ReportFormat("md", "report.md", render_comment)
SUMMARY: Final = ReportFormat("summary", "summary.md", render_summary)
