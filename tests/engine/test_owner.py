"""Whose containers may be removed: those of a process that is known to be gone, and of nobody else."""

import pytest

from certify.owner import lives, own

MACHINE, BOOT, NAMESPACE, PID, STARTED = own().split(":")


@pytest.mark.parametrize(
    ("owner", "alive"),
    [
        ((MACHINE, BOOT, NAMESPACE, PID, STARTED), True),
        ((MACHINE, BOOT, NAMESPACE, PID, str(int(STARTED) + 1)), False),
        ((MACHINE, BOOT, NAMESPACE, "4194305", STARTED), False),
        ((MACHINE, "before", NAMESPACE, PID, STARTED), False),
        ((MACHINE, BOOT, "1", "4194305", STARTED), True),
        (("another", "boot", NAMESPACE, PID, STARTED), True),
        (("what", "is", "this"), True),
    ],
    ids=[
        "this process",
        "another with its number",
        "no process",
        "before the machine was started",
        "in a namespace of its own",
        "on another machine",
        "in words that nobody knows",
    ],
)
def test_only_who_is_known_to_be_gone_is_gone(owner: tuple[str, ...], alive: bool):  # noqa: FBT001 - a parameter
    assert lives(":".join(owner)) is alive
