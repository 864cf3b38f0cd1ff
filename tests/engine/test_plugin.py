"""The plug-in that docs/adding-a-check.md shows is built, installed and run, word for word."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-check.md"
BLOCK = re.compile(r"^`(?P<name>[\w.]+)`\n\n```\w+\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def plugin(product: Any, tmp_path: Path) -> Any:
    project = tmp_path / "project"
    project.mkdir()
    for block in BLOCK.finditer(PAGE.read_text()):
        folder = product.folder if block["name"].endswith(".yaml") else project
        (folder / block["name"]).write_text(block["text"])
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(target), str(project)], check=True, timeout=600, capture_output=True)
    product.environment["PYTHONPATH"] = str(target)
    return product


def test_it_turns_green_and_red(plugin: Any) -> None:
    source = plugin.folder / "src"
    source.mkdir()
    (source / "LICENSE").write_text("do what you like")
    result = plugin.certify("--profile", "licence.yaml")
    assert result.control("OUR-LIC-01")["outcome"] == "pass", result.stderr
    assert result.control("OUR-LIC-01")["selftest"] == {"seeded": 2, "found": 2, "missed": []}
    assert "certify-licence 1.0.0" in result.record["tool"]["plugins"]["licence"]
    (source / "LICENSE").unlink()
    result = plugin.certify("--profile", "licence.yaml")
    assert result.code == 1
    assert result.control("OUR-LIC-01")["findings"][0]["code"] == "no-licence"


def test_two_owners_of_one_check_are_refused_by_name(plugin: Any) -> None:
    other = Path(plugin.environment["PYTHONPATH"]) / "rival-2.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 2.0\n")
    (other / "entry_points.txt").write_text("[certify.checks]\nlicence = certify_licence:CHECK\n")
    result = plugin.certify("--profile", "licence.yaml")
    assert result.code == 2
    assert "'rival'" in result.stderr
    assert "'certify-licence'" in result.stderr
