"""The commands of docs/verifying.md, run as they stand there."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certify.seal import files
from certify.seal.keys import SigningKey

PAGE = Path(__file__).parents[2] / "docs" / "verifying.md"


def blocks(name: str) -> str:
    found = re.findall(rf"<!-- tested: {name} -->\n```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["sh", "-eu", "-c", script]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


SCRIPT = blocks("openssl") + blocks("files")


def test_openssl_verifies(tmp_path: Path, sealed: Callable[..., Path], public_key: Path):
    sealed()
    done = shell(SCRIPT, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Verified OK\nCERTIFIED\n", "")
    assert public_key.parent == tmp_path


SPOILED: dict[str, Callable[[Path], Any]] = {
    "release": lambda run: (run / "release.json").write_bytes((run / "release.json").read_bytes() + b"\n"),
    "record": lambda run: (run / "record.json").write_bytes((run / "record.json").read_bytes() + b"\n"),
    "decision": lambda run: (run / "decision.json").write_bytes((run / "decision.json").read_bytes() + b"\n"),
    "report": lambda run: (run / "report.html").write_text("all is well"),
    "evidence": lambda run: (run / "evidence/runlog.jsonl").write_text(""),
    "missing": lambda run: (run / "evidence/runlog.jsonl").unlink(),
    "extra": lambda run: (run / "evidence/extra").write_text(""),
    "link": lambda run: (run / "evidence/extra").symlink_to("runlog.jsonl"),
    "sums": lambda run: (run / "SHA256SUMS").write_text((run / "SHA256SUMS").read_text().partition("\n")[2]),
}


@pytest.mark.parametrize("case", SPOILED)
@pytest.mark.usefixtures("public_key")
def test_the_commands_notice(case: str, tmp_path: Path, sealed: Callable[..., Path]):
    SPOILED[case](sealed())
    assert shell(SCRIPT, tmp_path).returncode != 0


@pytest.mark.usefixtures("public_key")
def test_openssl_refuses_another_key(tmp_path: Path, sealed: Callable[..., Path], other_key: SigningKey):
    files.seal(sealed(), other_key)
    done = shell(SCRIPT, tmp_path)
    assert done.returncode != 0
    assert "Verification failure" in done.stdout


@pytest.mark.parametrize("name", ["cosign", "cosign svr"])
@pytest.mark.skipif(not shutil.which("cosign"), reason="cosign is not installed")
@pytest.mark.usefixtures("public_key")
def test_cosign_verifies(name: str, tmp_path: Path, sealed: Callable[..., Path], other_key: SigningKey):
    run = sealed()
    done = shell(blocks(name), tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "Verified OK")
    files.seal(run, other_key)
    assert shell(blocks(name), tmp_path).returncode != 0


def test_the_page_never_prints_what_proves_nothing():
    text = PAGE.read_text()
    assert "--check-claims=false" not in text
    assert not re.search(r"verify-blob(?!-attestation)", text)
    commands = re.findall(r"cosign verify-blob-attestation(?:\\\n|.)*", text)
    assert len(commands) == 2
    for command in commands:
        assert "--insecure-ignore-tlog" in command
        assert "--type " in command


def test_every_code_stands_on_the_page():
    sources = (PAGE.parents[1] / "certify" / "seal").glob("*.py")
    text = "".join(path.read_text() for path in sources)
    codes = set(re.findall(r"(?:Problem|Error)\(\s*\"([a-z0-9-]+)\"", text)) - {"usage"}
    assert len(codes) > 30
    page = PAGE.read_text()
    assert {code for code in codes if f"`{code}`" not in page} == set()
