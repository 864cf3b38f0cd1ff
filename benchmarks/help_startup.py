"""How long `certify --help` takes, as a ratio to `python -c 'import argparse'` in the same interpreter.

    ./dev bench help_startup [--pairs 25] [--limit 2.5]

Both are run in turns, so that whatever slows the machine slows both; the ratio is the median over the pairs.
Ends with 1 when it is over the limit.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BASE = (sys.executable, "-c", "import argparse")


def main() -> int:
    """Measure and print; the exit code says whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=25, help="how many pairs of runs (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=2.5, help="the highest ratio that holds (default: %(default)s)")
    options = parser.parse_args()
    command = (str(Path(sys.executable).with_name("certify")), "--help")
    for warming in (BASE, command):
        seconds(warming)
    pairs = [pair(command, turned=bool(number % 2)) for number in range(options.pairs)]
    ratio = statistics.median(measured / base for measured, base in pairs)
    certify, base = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
    verdict = "holds" if ratio <= options.limit else "is broken"
    sys.stdout.write(
        f"certify --help             {certify:7.1f} ms (median of {options.pairs})\n"
        f"python -c 'import argparse'{base:7.1f} ms\n"
        f"ratio                      {ratio:7.2f}    limit {options.limit:g} {verdict}\n"
    )
    return int(ratio > options.limit)


def pair(command: tuple[str, ...], *, turned: bool) -> tuple[float, float]:
    """Seconds of `certify --help` and of the base, run one after the other, in either order."""
    if turned:
        base = seconds(BASE)
        return seconds(command), base
    return seconds(command), seconds(BASE)


def seconds(command: tuple[str, ...]) -> float:
    """Wall time of one run.

    Raises:
        subprocess.CalledProcessError: it failed, so there is nothing to measure.
    """
    environment = {**os.environ, "COLUMNS": "100"}
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
