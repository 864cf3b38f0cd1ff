"""How a fault is declared that the tests of one scenario must notice."""

from typing import Any

from certify.api import Fault, FaultKind


def noticed_alone(scenario: str, name: str, overlay: Any, target: str, breaks: str) -> Fault:
    """A fault on a stack of its own, because others of its family are noticed by the same tests.

    Only these tests run, without their self-test, and without repeats, which would only confirm what is seen.
    """
    return Fault(
        name=name,
        kind=FaultKind.OVERLAY,
        breaks=breaks,
        caught_by=(f"scenario.{scenario}",),
        target=target,
        overlay=f"{overlay.__module__}:{overlay.__name__}",
        also=("scenario.passes",),
        options={"scenario": {"scenarios": [scenario], "selftest": {}, "repeats": 0}},
        alone=True,
    )
