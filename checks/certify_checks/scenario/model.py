"""What the scenario check sees, and what it hands to the tests."""

from typing import Literal

import msgspec

from certify.api import CheckConfig, Duration, Stack

Alteration = Literal["amount", "notification", "event"]


class SelfTestConfig(CheckConfig, frozen=True):
    """What a proxy between tests and stack spoils for each test that claims to notice it, in a second run of these.

    Attributes:
        alter: `amount`: the first amount that a test is answered is 0.01 more; `notification`: the first message never
            reaches the mailbox; `event`: the first entry of a list of events comes too late.
        events: names of the fields that list events, as an audit trail does; needed for `event`.
        patience: the longest that a test may wait for something in this run.
        timeout: of each of these runs; they run at the same time.
    """

    alter: tuple[Alteration, ...] = ()
    events: tuple[str, ...] = ()
    patience: Duration = Duration("3 s")
    timeout: Duration = Duration("60 s")


class JUnitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Results of another runner, such as Jest, Playwright or newman.

    Attributes:
        file: JUnit XML, relative to the source root.
        runner: how it is called in the ledger and in findings.
        scenarios: pattern -> scenario. A pattern with `*` is compared with `SUITE > CLASS > TEST` of each test.
    """

    file: str
    runner: str = "another runner"
    scenarios: dict[str, str] = {}


class ScenarioConfig(CheckConfig, frozen=True):
    """Which tests are run.

    Attributes:
        folder: candidates, relative to the source root; the first that exists has the tests.
        scenarios: names, as in `@pytest.mark.scenario("invoice-to-audit")`; empty: all tests of the folder.
        workers: processes of pytest-xdist.
        timeout: for all runs together, repeats and self-test included.
        repeats: how often a test that failed is tried again; one that passes then is flaky.
        mailbox: address that gives what the stack sent to people, where the stack does not tell it itself.
        junit: results of other runners; nobody knows on what they ran, so they are unverified.
        accept_unverified: a scenario that only another runner has tested counts as tested.
        selftest: how it is found out whether the tests would notice anything.
        without: plugins of pytest that are not loaded, because they come with certify and cost time.
    """

    folder: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    workers: int = 2
    timeout: Duration = Duration("120 s")
    repeats: int = 1
    mailbox: str = ""
    junit: tuple[JUnitConfig, ...] = ()
    accept_unverified: bool = False
    selftest: SelfTestConfig = msgspec.field(default_factory=SelfTestConfig)
    without: tuple[str, ...] = ("schemathesis", "hypothesispytest", "locust", "platformdirs", "anyio")


class TestResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one test ended.

    Attributes:
        test: its node id.
        scenarios: that it is marked with.
        outcome: passed, failed, error (outside of its body), flaky (passed when it was repeated), skipped, xfailed.
        message: of the assertion or the reason; text of the product, so hostile.
        file: where it failed, or where it is written.
        line: from 1.
        trace: id of the trace that all of its requests belong to.
        notices: alterations that it claims to notice.
        runner: who ran it, if not certify itself.
        output: what it wrote; goes into the evidence of the test only.
    """

    __test__ = False

    test: str
    scenarios: tuple[str, ...] = ()
    outcome: str = "passed"
    message: str = ""
    file: str = ""
    line: int = 0
    elapsed_us: int = 0
    trace: str = ""
    notices: tuple[str, ...] = ()
    runner: str = ""
    output: str = ""

    @property
    def verified(self) -> bool:
        """Whether certify saw it run."""
        return not self.runner


class Altered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the tests made of an alteration that they claim to notice.

    Attributes:
        alteration: which one.
        times: how often something was altered.
        broken: requests that the proxy could not pass on: whatever failed then shows nothing.
        results: how the tests ended that claim to notice it.
        problem: why there are no results, or fewer than there should be.
    """

    alteration: str
    times: int = 0
    broken: int = 0
    results: tuple[TestResult, ...] = ()
    problem: str = ""


class Handover(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the pytest process is given, in a file that only its owner can read.

    Attributes:
        results: file that results are appended to.
        mailbox: address that gives what the stack sent to people; empty: there is none.
        notices: only tests that claim to notice this alteration are run.
        patience_us: the longest that a test may wait; 0: as long as it says.
    """

    stack: Stack
    results: str
    scenarios: tuple[str, ...] = ()
    mailbox: str = ""
    notices: str = ""
    patience_us: int = 0


class ScenarioObservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Results of the tests, and of decoys with known results that ran beside them.

    Attributes:
        wanted: scenarios that the profile asks for; empty: all.
        problem: why there are no results, or fewer than there should be.
        code: exit code of pytest.
        unread: results of other runners that could not be read, and why.
        accepted: whether results of other runners count.
        alterations: that the tests were to notice.
        altered: what became of them; empty when tests failed without any.
    """

    wanted: tuple[str, ...] = ()
    problem: str = ""
    code: int | None = None
    elapsed_us: int = 0
    results: tuple[TestResult, ...] = ()
    decoys: tuple[TestResult, ...] = ()
    unread: tuple[str, ...] = ()
    accepted: bool = False
    alterations: tuple[str, ...] = ()
    altered: tuple[Altered, ...] = ()
