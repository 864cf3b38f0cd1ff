"""A small product with faults that are caught, missed, and blamed on another; drilled by the real command."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TOY_STACK = Path(__file__).parents[1] / "engine" / "toy_stack.py"
PLUGIN = '''
import asyncio, os, pathlib, subprocess, sys, time
import msgspec
from certify.api import *

class Config(CheckConfig):
    """Options."""
    careful: bool = False

class Seen(msgspec.Struct, frozen=True):
    texts: dict[str, str]

async def observe(ctx, config):
    texts = {s.name: (ctx.source_root / s.source[0] / "code.txt").read_text() for s in ctx.stack.services}
    ctx.write_evidence("environment", " ".join(os.environ))
    if any("HANG" in text for text in texts.values()):
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(command, start_new_session=True)
        ctx.write_evidence("child.pid", str(child.pid))
        time.sleep(60)
    return Seen(texts)

def judge(seen, criteria):
    found = [Finding("bad-word", f"{name} says {word}", location=Location(service=name))
             for name, text in seen.texts.items() for word in ("BAD", "ALWAYS") if word in text]
    if any("SPREADS" in text for text in seen.texts.values()):
        found = [Finding("bad-word", f"{name} is involved", location=Location(service=name)) for name in seen.texts]
    return Ruling.of_findings(found, examined=len(seen.texts), summary=f"{len(found)} bad words")

def seed(seen, criteria):
    name = next(iter(seen.texts))
    yield Seeded("a bad word", Seen(seen.texts | {name: "BAD"}), code="bad-word")

def judge_other(seen, criteria):
    found = [Finding("other-word", name, location=Location(service=name)) for name, text in seen.texts.items() if "OTHER" in text]
    return Ruling.of_findings(found, examined=len(seen.texts), summary=f"{len(found)} other words")

def seed_other(seen, criteria):
    yield Seeded("another word", Seen({name: "OTHER" for name in seen.texts}), code="other-word")

CHECK = Check(id="words", title="Words", observe=observe, observation=Seen, config=Config, budget=30, rules=(
    Rule("clean", "no bad words", judge, seed),
    Rule("other", "no other words", judge_other, seed_other),
    Rule("running", "no bad words while it runs", judge, seed, needs=frozenset({Capability.HTTP})),
))

def writes(service, text, into=None):
    def patch(root):
        file = root / (into or service) / "code.txt"
        file.write_text(file.read_text() + text)
    return patch

def fault(name, service, text, into=None, **more):
    return Fault(name, FaultKind.PATCH, f"{service} says {text}", ("words.clean",), service, patch=writes(service, text, into), **more)

def nothing_there(root):
    raise LookupError("no such \\x1b[31mfunction")

async def damage(stack):
    (pathlib.Path(__file__).parent / "till" / "code.txt").write_text("BAD")

FAULTS = (
    fault("bad-shop", "shop", "BAD"),
    fault("bad-till", "till", "BAD"),
    fault("harmless", "shop", "GOOD"),
    fault("in-another", "shop", "BAD", into="till"),
    fault("spreads", "shop", "SPREADS"),
    Fault("other-till", FaultKind.PATCH, "till says OTHER", ("words.other",), "till", patch=writes("till", "OTHER")),
    fault("hangs", "till", "HANG"),
    fault("wrong-option", "shop", "BAD", options={"words": {"carefull": True}}),
    Fault("nothing-there", FaultKind.PATCH, "nothing", ("words.clean",), "shop", patch=nothing_there),
    Fault("of-another-product", FaultKind.PATCH, "nothing", ("words.clean",), "crm", patch=nothing_there),
    Fault("damaged", FaultKind.DATA, "till's data are damaged", ("words.running",), "till", damage=damage),
    Fault("asks-what-no-one-asks", FaultKind.PATCH, "nothing", ("words.never",), "shop", patch=nothing_there),
)
'''


@dataclass
class Drilled:
    """One finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer

    @property
    def fates(self) -> dict[str, str]:
        """Fault -> its finish and the outcome of its rules."""
        return {one["fault"]: f"{one['finish']}: {one['outcome']}" for one in self.answer["faults"]}


class Product:
    """A folder with two services, a profile, and an installed plug-in with a check and faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "drill"
        for service in ("shop", "till"):
            (folder / service).mkdir()
            (folder / service / "code.txt").write_text("fine\n")
        (folder / "plugins").mkdir()
        self.plugin("words_plugin", PLUGIN, "[certify.checks]\nwords = words_plugin:CHECK\n")
        self.environment = os.environ | {
            "PYTHONPATH": str(folder / "plugins"),
            "TMPDIR": str(folder),
            "DRILL_MARK": str(folder),
        }
        self.profile()

    def plugin(self, name: str, source: str, more: str = "") -> None:
        """Install a plug-in with faults."""
        info = self.folder / "plugins" / f"{name}-1.0.dist-info"
        info.mkdir()
        info.with_name(f"{name}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"{more}[certify.faults]\n{name} = {name}:FAULTS\n")

    def profile(self, **stack: Any) -> None:
        """Write the profile; `stack` is merged into its stack."""
        services = {name: {"source": name} for name in ("shop", "till")}
        kind = {} if "reference" in stack else {"targets": {"shop": "http://127.0.0.1:9", "till": "http://127.0.0.1:9"}}
        rules = ["words.clean", "words.other", *(["words.running"] if "reference" in stack else [])]
        controls = {"C-1": {"title": "words", "severity": "high", "prove": rules}}
        content = {"profile": "product", "stack": kind | {"source": ".", "services": services} | stack}
        (self.folder / "product.yaml").write_text(json.dumps(content | {"controls": controls}))

    def toy(self) -> None:
        """Boot the toy stack for it."""
        shutil.copy(TOY_STACK, self.folder / "plugins")
        # It calls its own folder the root of the source.
        for service in ("shop", "till"):
            shutil.copytree(self.folder / service, self.folder / "plugins" / service)
        self.profile(reference="toy_stack", disposable=True)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "certify", "drill", "--profile", "product.yaml", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Drilled:
        try:
            stdout, stderr = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            raise
        return Drilled(process.returncode, stdout, stderr)

    def drill(self, *faults: str, more: tuple[str, ...] = ("--format", "json")) -> Drilled:
        """Drill these faults."""
        return self.finish(self.start(*(word for name in faults for word in ("--fault", name)), *more))


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path)
