"""The options of the check."""

from certify.api import CheckConfig
from certify_checks.source_tree import EXCLUDED


class DebtConfig(CheckConfig, frozen=True):
    """Which files are judged, and what counts as a marker.

    Attributes:
        shared: source folders that several services share, relative to the source root.
        exclude: patterns of files that are no production source: third-party, generated, tests.
        markers: words that mark unfinished work in a comment.
        reference: pattern of an issue reference; a marker with one on its line is no defect.
        console: methods of JavaScript's `console` that are debug output.
    """

    shared: tuple[str, ...] = ()
    exclude: tuple[str, ...] = EXCLUDED
    markers: tuple[str, ...] = ("TODO", "FIXME", "XXX", "HACK")
    reference: str = r"(?<!\w)#\d+\b|\b[A-Z][A-Z0-9]+-\d+\b|https?://\S+"
    console: tuple[str, ...] = ("log", "debug", "trace", "dir", "table", "dirxml")
