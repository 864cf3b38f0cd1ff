"""A small product with checks of every good and bad kind, run by the real command."""

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

PLUGIN = '''
import asyncio, os, pathlib, signal, subprocess, sys, time
import msgspec
from certify.api import *

class Config(CheckConfig):
    """Options."""
    behave: str = "well"
    seconds: int = 60
    disturb: tuple[str, ...] = ()
    at_once: bool = False

class Seen(msgspec.Struct, frozen=True):
    size: int

async def disturb(ctx, words):
    try:
        await ctx.disturb(Action(words[0]), *words[1:])
    except DisruptionRefusedError as error:
        return f"{words[0]} refused: {error}"
    return f"{words[0]} done"

async def observe(ctx, config):
    print("not for the protocol")
    ctx.write_evidence("stack.json", msgspec.json.encode(ctx.stack))
    asked = [disturb(ctx, words.split()) for words in config.disturb]
    said = await asyncio.gather(*asked) if config.at_once else [await one for one in asked]
    ctx.write_evidence("disturbed.txt", "\\n".join(said))
    match config.behave:
        case "raise": raise RuntimeError("no \\x1b[31mluck")
        case "hang": time.sleep(config.seconds)
        case "hold":
            began = time.monotonic_ns()
            time.sleep(config.seconds)
            ctx.write_evidence("held.txt", f"{began} {time.monotonic_ns()}")
        case "hang-with-child":
            child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({config.seconds})"], start_new_session=True)
            ctx.write_evidence("child.pid", str(child.pid))
            time.sleep(config.seconds)
        case "killed": os.kill(os.getpid(), signal.SIGKILL)
        case "nothing": return None
        case "nan": return object()
        case "outside": (ctx.evidence.parent / "planted.txt").write_text("x")
        case "above": (ctx.evidence.parent.parent / "report.html").write_text("forged")
        case "climb": ctx.write_evidence("../../x", "x")
        case "link": (ctx.evidence / "link").symlink_to("/etc/passwd")
        case "hostile-name": (ctx.evidence / "evil\\nname").write_text("x")
        case "environment": ctx.write_evidence("environment.txt", "\\n".join(os.environ))
        case "zero": return Seen(0)
        case "weak": ctx.weaken("shortened", "1 instead of 2")
    return Seen(3)

def judge(seen, criteria):
    found = [Finding("small", "too small")] if seen.size < 2 and seen.size else []
    return Ruling.of_findings(found, examined=seen.size, summary=f"size {seen.size}")

def seed(seen, criteria):
    yield Seeded("smaller", Seen(1), code="small")

def seed_nothing(seen, criteria):
    return []

def seed_missed(seen, criteria):
    yield Seeded("not small at all", Seen(9))

def judge_raises(seen, criteria):
    raise ZeroDivisionError("judge")

def render(record, decision, context):
    if os.environ.get("SAMPLE_REPORT") == "raise": raise RuntimeError("no paper")
    return decision.verdict

REPORT = ReportFormat("sample", "sample.txt", render)
CHECK = Check(id="sample", title="Sample", observe=observe, observation=Seen, config=Config, budget=30, rules=(
    Rule("size", "big enough", judge, seed),
    Rule("unseeded", "seeds nothing", judge, seed_nothing),
    Rule("blind", "misses its seeds", judge, seed_missed),
    Rule("raises", "raises", judge_raises, seed),
    Rule("needy", "needs a broker", judge, seed, needs=frozenset({Capability.KAFKA})),
    Rule("limited", "needs a limit", judge, seed, limits={"most": None}),
    Rule("web", "looks at the stack", judge, seed, needs=frozenset({Capability.HTTP})),
    Rule("alone", "needs the machine", judge, seed, needs=frozenset({Capability.EXCLUSIVE})),
    Rule("breaks", "kills and cuts", judge, seed, needs=frozenset({Capability.KILL, Capability.CUT})),
    Rule("last", "looks back", judge, seed, needs=frozenset({Capability.HTTP}), last=True),
))
'''


@dataclass
class Result:
    """One finished command: exit code, output, and what it left."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.out / "record.json").read_text())
        return record

    @property
    def decision(self) -> dict[str, Any]:
        decision: dict[str, Any] = json.loads((self.out / "decision.json").read_text())
        return decision

    @property
    def runlog(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "evidence" / "runlog.jsonl").read_text().splitlines()]

    def evidence(self, job: str, name: str) -> str:
        return (self.out / "evidence" / job / name).read_text()

    def control(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(control for control in self.record["controls"] if control["id"] == name)
        return found


class Product:
    """A folder with a profile and an installed plug-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plugins = folder / "plugins"
        info = plugins / "sample_plugin-1.0.dist-info"
        info.mkdir(parents=True)
        (plugins / "sample_plugin.py").write_text(PLUGIN)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[certify.checks]\nsample = sample_plugin:CHECK\n[certify.reports]\nsample = sample_plugin:REPORT\n"
        )
        # No git repository: whatever holds the temporary folder is not this product's source.
        self.environment = os.environ | {
            "PYTHONPATH": str(plugins),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "TMPDIR": str(folder),
        }

    def profile(self, controls: dict[str, Any], **more: Any) -> Path:
        path = self.folder / "product.yaml"
        stack = {"targets": {"shop": "http://127.0.0.1:9"}, "source": ".", "services": {"shop": {}}}
        path.write_text(json.dumps({"profile": "product", "stack": stack, "controls": controls} | more))
        return path

    def toy(self, controls: dict[str, Any], *toy: str, **more: Any) -> Path:
        """A profile whose stack is the toy stack beside this file, misbehaving as `toy` says."""
        shutil.copy(Path(__file__).with_name("toy_stack.py"), self.folder / "plugins")
        self.environment["TOY"] = " ".join(toy)
        # It misbehaves when the first check looks at it, however long that takes to start.
        self.environment["TOY_FOLDER"] = str(self.folder)
        stack = {"reference": "toy_stack", "disposable": True, "services": {"shop": {}, "till": {}}}
        return self.profile(controls, stack=stack, **more)

    def executable(self, name: str, body: str) -> str:
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}")
        path.chmod(0o755)
        return f"./{name}"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "certify", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: "subprocess.Popen[str]", timeout: float = 240) -> Result:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return Result(process.returncode, stdout, stderr, self.folder / "certification")

    def certify(self, *arguments: str) -> Result:
        return self.finish(self.start(*arguments))


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path)


def one(rule: str, **more: Any) -> dict[str, Any]:
    return {"title": "a control", "severity": "high", "prove": [rule]} | more
