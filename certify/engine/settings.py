"""What the user chose for all jobs of a run."""

import os

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """`jobs` is how many check processes may run side by side, `expected_us` how long each took the last time."""

    run_id: str
    jobs: int = 2
    seed: int = 0
    quick: bool = False
    run_options: dict[str, str] = {}
    expected_us: dict[str, int] = {}


def default_jobs() -> int:
    """As many check processes side by side as this process may use cores, and two at least."""
    return max(2, len(os.sched_getaffinity(0)))
