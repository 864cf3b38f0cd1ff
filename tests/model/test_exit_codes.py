"""One enumeration makes the codes, `--help` and the README's table."""

import re
from pathlib import Path

from certify.cli.main import help_text
from certify.model.exit_codes import ExitCode

README = Path(__file__).parents[2] / "README.md"


def test_readme_and_help_tell_every_code() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", README.read_text(), re.MULTILINE))
    for code in ExitCode:
        if code < 128:
            assert told[str(code.value)] == code.meaning
        assert re.search(rf"^ +{code.value}  {re.escape(code.meaning)}$", help_text(), re.MULTILINE)
