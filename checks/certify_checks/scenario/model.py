"""What the scenario check sees, and what it hands to the tests."""

import msgspec

from certify.api import CheckConfig, Duration, Stack


class ScenarioConfig(CheckConfig, frozen=True):
    """Which tests are run.

    Attributes:
        folder: candidates, relative to the source root; the first that exists has the tests.
        scenarios: names, as in `@pytest.mark.scenario("invoice-to-audit")`; empty: all tests of the folder.
        workers: processes of pytest-xdist.
        timeout: for all of them together.
        without: plugins of pytest that are not loaded, because they come with certify and cost time.
    """

    folder: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    workers: int = 2
    timeout: Duration = Duration("120 s")
    without: tuple[str, ...] = ("schemathesis", "hypothesispytest", "locust", "platformdirs", "anyio")


class TestResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one test ended.

    Attributes:
        test: its node id.
        scenarios: that it is marked with.
        outcome: passed, failed, error (outside of its body), skipped, xfailed.
        message: of the assertion or the reason; text of the product, so hostile.
        file: where it failed, or where it is written.
        line: from 1.
    """

    __test__ = False

    test: str
    scenarios: tuple[str, ...] = ()
    outcome: str = "passed"
    message: str = ""
    file: str = ""
    line: int = 0
    elapsed_us: int = 0


class Handover(msgspec.Struct, frozen=True):
    """What the pytest process is given, in a file that only its owner can read."""

    stack: Stack
    results: str
    scenarios: tuple[str, ...] = ()


class ScenarioObservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Results of the tests, and of decoys with known results that ran beside them.

    Attributes:
        wanted: scenarios that the profile asks for; empty: all.
        problem: why there are no results, or fewer than there should be.
        code: exit code of pytest.
    """

    wanted: tuple[str, ...] = ()
    problem: str = ""
    code: int | None = None
    elapsed_us: int = 0
    results: tuple[TestResult, ...] = ()
    decoys: tuple[TestResult, ...] = ()
