"""The built wheel works from another folder in a new environment, also without git."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("certify", "certify_checks", "certify_reports", "certify_stack", "certify_faults")

pytest.importorskip("build")
pytest.importorskip("hatchling")


def run(*command: str, cwd: Path, env: dict[str, str] | None = None):
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory):
    """A new environment with the wheel, and the dependencies of this one without its editable certify."""
    home = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", str(home / "venv"), cwd=home)
    python = home / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, str(wheel), cwd=home)
    site = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    # Path files inside of a folder that a path file names are not read: the editable install stays invisible.
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


@pytest.fixture
def bare(tmp_path: Path):
    """An environment of almost nothing: no git on the PATH, a home of its own; but this user's cache of the broker."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    # How this machine reaches its registries, for a cache that is empty still.
    network = {
        name: value
        for name, value in os.environ.items()
        if name.endswith(("_PROXY", "_proxy", "CA_BUNDLE", "CERT_FILE"))
    }
    return {
        **network,
        "PATH": str(tmp_path / "empty"),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "XDG_CACHE_HOME": cache,
    }


def test_the_wheel_holds_packages_profiles_bundles_and_suites_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    for wanted in (
        "certify/_bundled/profiles/finance.yaml",
        "certify_stack/gateway/gateway.cjs",
        "certify_stack/gateway/gateway.mjs",
        "certify_stack/gateway/gateway.licenses.txt",
        "certify_checks/federation/engine.mjs",
        "certify_checks/federation/engine.licenses.txt",
        "certify_stack/printing/fonts/NotoSansBengali-Regular.ttf",
        "certify_stack/printing/fonts/OFL.txt",
        "certify_stack/printing/report.typ",
        "certify_stack/erp/document_generator/mushak.typ",
    ):
        assert wanted in names
    assert any(name.startswith("certify_stack/_suites/finance/") for name in names)
    assert [name for name in names if "node_modules" in name or "__pycache__" in name] == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_every_package_imports_from_the_wheel_alone(elsewhere: Path, bare: dict[str, str]):
    code = f"import {', '.join(PACKAGES)}; print([p.__file__ for p in ({', '.join(PACKAGES)})])"
    printed = run(str(elsewhere / "venv/bin/python"), "-c", code, cwd=elsewhere, env=bare)
    assert printed.count(str(elsewhere)) == len(PACKAGES)
    assert str(ROOT) + os.sep not in printed


def test_the_command_works_elsewhere_without_git(elsewhere: Path, bare: dict[str, str]):
    assert "usage" in run(str(elsewhere / "venv/bin/certify"), "--help", cwd=elsewhere, env=bare).lower()


def test_the_profiles_of_the_wheel_are_found(elsewhere: Path, bare: dict[str, str]):
    printed = run(str(elsewhere / "venv/bin/certify"), "profile", "show", "finance", cwd=elsewhere, env=bare)
    assert "finance" in printed


def test_the_reference_stack_tells_where_it_lies(elsewhere: Path, bare: dict[str, str]):
    python = str(elsewhere / "venv/bin/python")
    place = json.loads(run(python, "-m", "certify_stack.erp", "describe", cwd=elsewhere, env=bare))
    assert place["root"].startswith(str(elsewhere))
    assert Path(place["suites"], "finance").is_dir()


@pytest.mark.stack
def test_the_wheel_boots_and_certifies_elsewhere(elsewhere: Path, bare: dict[str, str]):
    command = [str(elsewhere / "venv/bin/certify"), "--profile", "finance", "--quick"]
    narrow = ["--only", "health", "--only", "federation", "--only", "debt"]
    done = subprocess.run(
        [*command, *narrow], cwd=elsewhere, env=bare, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
    record = json.loads((elsewhere / "certification" / "record.json").read_text())
    passed = {control["id"] for control in record["controls"] if control["outcome"] == "pass"}
    assert passed >= {"FIN-HEALTH-01", "FIN-HEALTH-03", "FIN-GQL-01", "FIN-GQL-02", "FIN-DEBT-01", "FIN-DEBT-02"}
    assert record["release"]["components"][0]["status"] == "unknown"
    assert "source-unknown" in {entry["kind"] for entry in record["ledger"]}


def test_the_source_distribution_can_make_the_bundles_anew(tmp_path: Path):
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(ROOT), cwd=tmp_path)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("stack/gateway", "checks/javascript"):
        assert {f"{folder}/package.json", f"{folder}/package-lock.json", f"{folder}/.npmrc"} <= names
        assert any(name.startswith(f"{folder}/src/") for name in names)
    assert {"hatch_build.py", "profiles/finance.yaml", "pyproject.toml", "LICENSE"} <= names
    assert [
        name for name in names if name.endswith(("gateway.cjs", "gateway.mjs", "engine.mjs")) and "/src/" not in name
    ] == []
