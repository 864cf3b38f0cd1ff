"""`python -m certify_stack.embedded.kafka fetch | lock [VERSION]`."""

from __future__ import annotations

import argparse
import sys

from certify_stack.embedded.kafka import lockfile
from certify_stack.embedded.kafka.console import teller
from certify_stack.embedded.kafka.errors import KafkaError
from certify_stack.embedded.kafka.installation import prepare


def main() -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m certify_stack.embedded.kafka", description="The embedded broker.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch and make everything that the first start needs")
    lock = commands.add_parser("lock", help="resolve the jars anew and write the lock")
    lock.add_argument("version", nargs="?", help="of Apache Kafka (default: the one in the lock)")
    arguments = parser.parse_args()
    try:
        if arguments.command == "fetch":
            made = prepare(teller())
            sys.stdout.write(f"Apache Kafka {made.version} is ready: {made.runtime.jars[0].parent}\n")
            sys.stdout.write(f"Java {made.runtime.java.feature}: {made.runtime.java.executable}\n")
        else:
            _lock(arguments.version)
    except KafkaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _lock(version: str | None) -> None:
    from certify_stack.embedded.kafka.lock import resolve  # noqa: PLC0415 - it needs a network; `fetch` need not import it

    lock = resolve(version or lockfile.read().version)
    lockfile.write(lock)
    sys.stdout.write(f"Apache Kafka {lock.version}: {len(lock.jars)} jars, {lock.size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    sys.exit(main())
