"""The page in a real browser: it renders, nothing is refused by its own policy, nothing is asked of the network."""

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify_reports import html

pytestmark = pytest.mark.browser
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"]


@pytest.fixture
def browse(tmp_path: Path, require: Callable[[str, object], None]) -> Callable[..., str]:
    """Open a page and give what the browser prints: its document and its console."""
    require("browser", BROWSER)

    def open_page(source: str, *options: str) -> str:
        page = tmp_path / "report.html"
        page.write_text(source, encoding="utf-8")
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, timeout=600, env=environment, check=True)
        return done.stdout.decode() + "\n".join(line for line in done.stderr.decode().splitlines() if "CONSOLE" in line)

    return open_page


def test_the_page_renders_without_a_word_on_the_console(browse: Callable[..., str], sample: Any):
    shown = browse(html.render(*sample), "--dump-dom")
    assert "NOT CERTIFIED" in shown
    assert "CONSOLE" not in shown


def test_the_browser_would_complain_about_a_broken_policy(browse: Callable[..., str], sample: Any):
    source = html.render(*sample)
    broken = source.replace("</style>", "/* edited */</style>").replace(
        "</main>", "<script>document.title=1</script></main>"
    )
    shown = browse(broken, "--dump-dom")
    assert "Content Security Policy" in shown
    assert "<title>1</title>" not in shown


def test_hostile_text_runs_nothing(browse: Callable[..., str], poisoned: Callable[[str], Any]):
    attack = "</style><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    shown = browse(html.render(*poisoned(attack)), "--dump-dom")
    assert "owned</title>" not in shown.replace("'owned'", "")
    assert "CONSOLE" not in shown


def test_the_style_applies(browse: Callable[..., str], sample: Any, tmp_path: Path):
    """A picture of the page with its style differs from one whose style the policy refuses."""
    pictures = []
    for source in (html.render(*sample), html.render(*sample).replace("</style>", " </style>")):
        shot = tmp_path / f"{len(pictures)}.png"
        browse(source, "--window-size=900,700", f"--screenshot={shot}")
        pictures.append(shot.read_bytes())
    assert pictures[0].startswith(base64.b64decode("iVBORw0KGgo="))
    assert pictures[0] != pictures[1]


def test_it_prints_what_is_folded_on_the_screen(browse: Callable[..., str], sample: Any, tmp_path: Path):
    """The print style unfolds all but the controls of class `unseen`; with that class on all of them, pages are fewer."""
    source = html.render(*sample)
    pages = []
    for page in (source, source.replace('class="control"', 'class="control unseen"')):
        paper = tmp_path / f"{len(pages)}.pdf"
        browse(page, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
        assert paper.read_bytes().startswith(b"%PDF")
        pages.append(len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())))
    assert pages[0] >= pages[1] + 2
