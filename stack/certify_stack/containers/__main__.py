"""`python -m certify_stack.containers JOB`: what runs in containers of the stack beside its services. Each job may be run again."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from certify_stack.containers import places
from certify_stack.erp import SERVICES


def main(argv: Sequence[str] | None = None) -> int:
    """Do one job; returns the exit code."""
    given = _parser().parse_args(argv)
    # Each needs a part of the stack of its own, and some are started often.
    match given.job:
        case "secrets":
            from certify_stack.containers.secrets_job import hand_out  # noqa: PLC0415 - see above

            hand_out(Path(places.SECRETS), Path(places.ROLES))
        case "migrations":
            from certify_stack.containers.migrations_job import fill  # noqa: PLC0415 - see above

            asyncio.run(fill(places.folder("migrations")))
        case "render":
            from certify_stack.kit.scripts import keep  # noqa: PLC0415 - see above

            keep(SERVICES, Path(places.SCRIPTS))
        case "topics":
            from certify_stack.containers.topics_job import make  # noqa: PLC0415 - see above

            asyncio.run(make(os.environ["ERP_BROKER"], os.environ["CLUSTER_ID"]))
        case _:
            from certify_stack.containers.door import serve  # noqa: PLC0415 - see above

            asyncio.run(serve(Path(places.DOOR), given.to, given.spans))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m certify_stack.containers", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    jobs.add_parser("secrets", help="make keys, passwords and tokens, each for who needs it")
    jobs.add_parser("migrations", help="bring all databases to head and fill them")
    jobs.add_parser("render", help="write all migrations down as SQL, when the image is built")
    jobs.add_parser("topics", help="make the topics of all services")
    door = jobs.add_parser("door", help="connect a folder of sockets with the network of the containers")
    door.add_argument("--to", action="append", default=[], metavar="HOST:PORT", help="behind a socket of this name")
    door.add_argument("--spans", type=int, metavar="PORT", help="what comes to this port goes to the socket `spans`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
