"""How much of a run is the engine's own: wall time minus the critical path through boot, checks and tear-down.

    ./dev bench engine_share [--profile finance] [--only ID ...]   runs certify and times the whole process
    ./dev bench engine_share --record certification                reads a run that was made before

Allowed is 1 s and 1 % of the wall time. Timed from outside, the interpreter's start, the seal and the reports are counted
too; a record read afterwards holds only what had happened when it was written. Ends with 1 when it is over the limit, with
2 when there is no record to read.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIXED_US = 1_000_000
SHARE = 100


def main() -> int:
    """Measure or read, print, and say by the exit code whether the limit holds."""
    options = arguments()
    if options.record:
        return report(timings(options.record), wall_us=0)
    with tempfile.TemporaryDirectory(prefix="certify-bench-") as folder:
        out = Path(folder) / "certification"
        wall_us = run(options, out)
        return report(timings(out), wall_us)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, metavar="DIR", help="folder of a run that was made before")
    parser.add_argument("--profile", default="finance", help="what to run (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="only this control or check")
    return parser.parse_args()


def run(options: argparse.Namespace, out: Path) -> int:
    """Run certify quietly; microseconds of wall time of the whole process. Its verdict does not matter here."""
    command = [str(Path(sys.executable).with_name("certify")), "run", "--profile", options.profile, "--quick"]
    narrowed = [part for only in options.only for part in ("--only", only)]
    began = time.perf_counter_ns()
    subprocess.run([*command, *narrowed, "--out", str(out), "--progress", "plain"], check=False, stdout=sys.stderr)
    return (time.perf_counter_ns() - began) // 1000


def timings(folder: Path) -> dict[str, int]:
    """Microseconds by phase, as the record states them."""
    path = folder / "record.json"
    try:
        found: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["timings"]
        return {"total": found["total"], "criticalPath": found["criticalPath"]}
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"engine_share: no timings in {path}: {error!r}\n")
        sys.exit(2)


def report(found: dict[str, int], wall_us: int) -> int:
    """Print the figures and return the exit code."""
    wall = wall_us or found["total"]
    share, allowed = wall - found["criticalPath"], FIXED_US + wall // SHARE
    sys.stdout.write(
        f"wall time       {wall / 1e6:8.2f} s  ({'whole process' if wall_us else 'until the record was written'})\n"
        f"critical path   {found['criticalPath'] / 1e6:8.2f} s\n"
        f"engine          {share / 1e6:8.2f} s  limit {allowed / 1e6:.2f} s {'holds' if share <= allowed else 'is broken'}\n"
    )
    return int(share > allowed)


if __name__ == "__main__":
    sys.exit(main())
