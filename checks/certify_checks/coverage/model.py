"""What the coverage check sees. Shares in parts per million, rounded down."""

import msgspec

from certify.api import CheckConfig, Duration


class CoverageConfig(CheckConfig, frozen=True):
    """Where suites are and how they are run.

    Attributes:
        suites: folders, relative to the source root; the first that exists stands for `{suites}` in `tests:`.
        shared: folders of source that several services share; they count in the figures of each, and what any of the
            suites runs of them has run.
        omit: patterns of files that do not count; the ledger says so.
        parallel: how many suites run at a time.
        workers: service -> processes of pytest-xdist inside of its suite; for the few suites that are long.
        timeout: for one suite.
        without: plugins of pytest that are not loaded. By default those that certify itself brings along, and that
            would triple the time of a short suite; a suite that needs one of them leaves it out here.
    """

    suites: tuple[str, ...] = ("tests",)
    shared: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    parallel: int = 2
    workers: dict[str, int] = msgspec.field(default_factory=dict)
    timeout: Duration = Duration("180 s")
    without: tuple[str, ...] = ("schemathesis", "hypothesispytest", "locust", "platformdirs")


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """A test that failed, or that broke outside of its body (`error`); `line` from 1."""

    test: str
    kind: str
    message: str = ""
    file: str = ""
    line: int = 0


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines and branches of one file or of all; `excluded` lines are marked in the source as not to be counted."""

    name: str = ""
    lines: int = 0
    lines_covered: int = 0
    branches: int = 0
    branches_covered: int = 0
    excluded: int = 0

    @property
    def lines_ppm(self) -> int:
        """Share of lines that ran."""
        return self.lines_covered * 1_000_000 // max(1, self.lines)

    @property
    def branches_ppm(self) -> int:
        """Share of branches that were taken."""
        return self.branches_covered * 1_000_000 // max(1, self.branches)


class SuiteRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run of one service's suite.

    Attributes:
        command: as the profile gives it; empty when the service has no suite.
        problem: why there are no results; the suite's own words, so hostile.
        code: exit code of pytest.
        tests: how many there are, skipped ones included.
        skipped: not run.
        xfailed: ran, failed, and were expected to.
        troubles: tests that failed or broke.
        total: figures of all source of the service; None when nothing was measured.
        files: the same by file.
    """

    service: str
    command: str = ""
    problem: str = ""
    code: int | None = None
    elapsed_us: int = 0
    tests: int = 0
    skipped: int = 0
    xfailed: int = 0
    troubles: tuple[Trouble, ...] = ()
    total: Figures | None = None
    files: tuple[Figures, ...] = ()

    @property
    def passed(self) -> int:
        """How many ran and did what they should."""
        return self.tests - self.skipped - self.xfailed - len({trouble.test for trouble in self.troubles})


class CoverageObservation(msgspec.Struct, frozen=True):
    """The runs of all suites, and that of a suite of our own whose figures are known."""

    runs: tuple[SuiteRun, ...] = ()
    decoy: SuiteRun | None = None
