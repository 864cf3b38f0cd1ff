"""What is certified is seen by git, and certify's own results are no change of it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from certify.engine.component import _public, source_component

CONTROL = {"title": "a control", "severity": "high", "prove": ["sample.size"]}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(product: Any) -> Path:
    product.profile({"C-1": CONTROL})
    folder: Path = product.folder
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", "https://user:secret@example.invalid/shop.git")
    git(folder, "add", "product.yaml", "plugins/sample_plugin.py")
    (folder / ".gitignore").write_text("plugins/\n__pycache__/\n.gitignore\n")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_tree_is_verified_although_results_lie_in_it(product: Any, repository: Path) -> None:
    assert product.certify("--profile", "product.yaml").code == 0
    result = product.certify("--profile", "product.yaml", "--out", "results")
    assert result.code == 3  # the first results are no part of the second run: an untracked folder is a change
    assert product.certify("--profile", "product.yaml").code == 3
    component = result.record["release"]["components"][0]
    assert component["commit"] == git(repository, "rev-parse", "HEAD")
    assert component["tree"] == git(repository, "rev-parse", "HEAD^{tree}")
    assert component["repository"] == "https://example.invalid/shop.git"


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://user:secret@example.invalid/shop.git", "https://example.invalid/shop.git"),
        ("git@example.invalid:acme/shop.git", "example.invalid:acme/shop.git"),
        ("ssh://git@example.invalid/shop.git", "ssh://example.invalid/shop.git"),
        ("/srv/clones/shop", ""),
        ("../shop", ""),
        ("file:///srv/shop", ""),
        ("", ""),
    ],
)
def test_a_remote_is_told_without_secrets_and_without_folders_of_the_machine(remote: str, told: str) -> None:
    assert _public(remote) == told


def test_changes_make_it_dirty_and_the_verdict_partial(product: Any, repository: Path) -> None:
    (repository / "product.yaml").write_text((repository / "product.yaml").read_text() + "\n")
    result = product.certify("--profile", "product.yaml")
    assert result.decision["verdict"] == "PARTIAL"
    assert result.record["release"]["components"][0]["dirty"] is True


def test_a_folder_that_git_does_not_track_is_unknown(repository: Path, tmp_path: Path) -> None:
    untracked = repository / "plugins" / "sample_plugin-1.0.dist-info"
    assert source_component("x", untracked).status == "unknown"
    assert source_component("x", None).status == "unknown"
    assert source_component("x", tmp_path / "nowhere").status == "unknown"
