"""The two template environments. What a template prints is made harmless unless it says that it is markup already."""

import functools
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from certify.api import clip, format_quantity, markdown, markdown_code, visible
from certify_reports.words import SYMBOLS

PACKAGE: Final = "certify_reports"


@functools.cache
def html_environment(length: int) -> Environment:
    """For HTML. Every printed text is at most `length` characters long, free of hidden characters, and escaped."""

    def safe(value: Any) -> Any:
        return value if isinstance(value, Markup) else escape(visible(clip(str(value), length)))

    return _environment(safe)


@functools.cache
def markdown_environment(length: int) -> Environment:
    """For GitHub Markdown. Every printed text is at most `length` characters long and escaped to one line."""

    def safe(value: Any) -> Any:
        return value if isinstance(value, Markup) else _markup(markdown(clip(str(value), length)))

    environment = _environment(safe)
    environment.filters["code"] = lambda value: _markup(markdown_code(clip(str(value), length)))
    return environment


def _environment(finalize: Callable[[Any], Any]) -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clip"] = clip
    environment.filters["quantity"] = format_quantity
    environment.filters["symbol"] = lambda outcome: _markup(SYMBOLS[outcome])
    return environment


def _markup(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - called only with text that has been escaped, or with our own symbols


@functools.cache
def style() -> Markup:
    """The style sheet, which is ours and holds nothing of a run."""
    return _markup(files(PACKAGE).joinpath("templates/report.css").read_text(encoding="utf-8"))
