"""A load's worker on a machine of its own: `certify load-worker HOST:PORT`, which runs this module.

It takes part in one load after the other, each in a process of its own, beside a calibration server of its own.
"""

import argparse
import asyncio
import getpass
import os
import sys

from certify_checks.children import die_with_parent, end
from certify_checks.load.generator.distributed.secret import MASTER, VARIABLE, TokenError, pair
from certify_checks.load.observing.calibration import calibration_server
from certify_checks.load.observing.distribution import WORKER

NOBODY, LEFT, LATE = 3, 4, 6  # of the process that takes part in one load
PAUSE = 1.0  # seconds until it is asked again who has enough workers


def main(argv: list[str] | None = None) -> int:
    """Take part in loads; the exit code is 0 after one at least, 3 when nobody came, 5 when the master refused."""
    parser = argparse.ArgumentParser(prog="certify load-worker", allow_abbrev=False)
    parser.add_argument("master")
    parser.add_argument("--wait", type=float, default=300.0)
    parser.add_argument("--once", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        token = read_token()
        pair(token, MASTER)
    except TokenError as error:
        _say(f"{VARIABLE}: {error}")
        return 2
    return asyncio.run(take_part(arguments.master, token, arguments.wait, once=arguments.once))


def read_token() -> str:
    """The token out of the environment, or asked for, or a line of standard input; never an argument, which others see."""
    if VARIABLE in os.environ:
        return os.environ.pop(VARIABLE).strip()
    if sys.stdin.isatty():
        return getpass.getpass("token of the load: ").strip()
    return sys.stdin.readline().strip()


async def take_part(master: str, token: str, wait: float, *, once: bool) -> int:
    """Take part in loads of `master` until none has waited for `wait` seconds; returns the exit code."""
    served = 0
    async with calibration_server() as calibration:
        while True:
            code = await _one(master, token, wait, calibration)
            if code == LATE:
                await asyncio.sleep(PAUSE)
                continue
            served += not code
            if not code:
                _say("took part in a load")
            if (code == NOBODY and served) or (once and not code):
                return 0
            if code not in {0, LEFT} or once:
                return code


async def _one(master: str, token: str, wait: float, calibration: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *WORKER, master, str(wait), calibration, env=os.environ | {VARIABLE: token}, preexec_fn=die_with_parent()
    )
    try:
        return await process.wait()
    finally:
        await end(process)


def _say(text: str) -> None:
    sys.stderr.write(f"certify: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
