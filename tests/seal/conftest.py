"""A small but real run that is sealed for each test, and the tools to spoil it."""

import argparse
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from certify.cli import keygen, verify
from certify.model.decision import ControlDecision, Decision, Waiver
from certify.model.outcome import Mode, Outcome, Severity, Verdict
from certify.model.record import (
    Component,
    ControlResult,
    LedgerEntry,
    Record,
    Release,
    RuleResult,
    SelfTest,
    ServiceResult,
    Tool,
)
from certify.seal import bundle, canonical, dsse, files, keys
from certify.seal.keys import SigningKey
from certify.seal.result import VerifyResult
from certify.seal.verify import verify as verify_run

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
PROFILE_DIGEST = "5e" * 32
_PASSING = {
    Verdict.CERTIFIED: Outcome.PASS,
    Verdict.CERTIFIED_WITH_WAIVERS: Outcome.WAIVED,
    Verdict.PENDING_SIGN_OFF: Outcome.PASS,
    Verdict.PARTIAL: Outcome.UNIMPLEMENTED,
    Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE,
    Verdict.NOT_CERTIFIED: Outcome.FAIL,
}


@dataclass(frozen=True)
class Story:
    """What a run was like."""

    verdict: Verdict = Verdict.CERTIFIED
    run_id: str = "run-1"
    reference: bool = False
    commit: str = COMMIT
    dirty: bool = False
    status: str = "verified"
    outcome: Outcome | None = None
    reason: str = "all 2 controls hold"
    overrides: dict[str, Any] = field(default_factory=dict)

    def release(self) -> Release:
        shop = Component("shop", self.status, "https://code.example/acme/shop", self.commit, "7" * 40, dirty=self.dirty)
        return Release("shop 1.4", self.reference, (shop,))

    def record(self) -> Record:
        red = self.outcome or _PASSING[self.verdict]
        return Record(
            run_id=self.run_id,
            profile="finance",
            profile_digest=PROFILE_DIGEST,
            release=self.release(),
            tool=Tool("certify", "0.1.0", {"certify-checks": "0.1.0"}),
            environment={"os": "Linux", "note": "Zażółć gęślą jaźń"},
            controls=(_control("FIN-HEALTH-01", Outcome.PASS), _control("FIN-LOAD-01", red)),
            services=(ServiceResult("finance", "ready", 412_000),),
            jobs=(),
            timings={"boot": 1_800_000},
            ledger=(LedgerEntry("local-key", "sealed by a key of this machine"),),
            started="2026-01-02T03:04:05Z",
            finished="2026-01-02T03:09:05Z",
        )

    def decision(self) -> Decision:
        outcome = self.outcome or _PASSING[self.verdict]
        waiver = Waiver("FIN-LOAD-01", "known", "ana@example.org", "2026-12-31")
        return Decision(
            run_id=self.run_id,
            profile="finance",
            verdict=self.verdict,
            reason=self.reason,
            controls=(ControlDecision("FIN-HEALTH-01", Outcome.PASS), ControlDecision("FIN-LOAD-01", outcome)),
            waivers=(waiver,) if outcome is Outcome.WAIVED else (),
            reference=self.reference,
        )


def _control(name: str, outcome: Outcome) -> ControlResult:
    ruling = RuleResult("load.latency", outcome, "p95 231 ms", examined=18, selftest=SelfTest(7, 7))
    return ControlResult(
        name, "A title", "source.md", Severity.HIGH, Mode.BLOCK, outcome, "", (ruling,), selftest=SelfTest(7, 7)
    )


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey(keys.generate())


@pytest.fixture(scope="session")
def other_key() -> SigningKey:
    return SigningKey(keys.generate())


@pytest.fixture
def public_key(tmp_path: Path, key: SigningKey) -> Path:
    path = tmp_path / "certify.pub"
    path.write_bytes(key.public.pem)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the keys of whoever runs it."""
    for name in ("CERTIFY_KEY", "CERTIFY_KEY_PASSWORD", "CERTIFY_PUBLIC_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def story() -> type[Story]:
    return Story


def write(directory: Path, told: Story) -> Path:
    """Everything of a run but its seal."""
    (directory / "evidence" / "health").mkdir(parents=True)
    (directory / "evidence" / "runlog.jsonl").write_text('{"event":"boot","at":1.5}\n')
    (directory / "evidence" / "health" / "ready.json").write_text('{"ready":18}\n')
    for name, value in (("release", told.release()), ("record", told.record()), ("decision", told.decision())):
        files.write_json(directory, f"{name}.json", value)
    for name in ("report.html", "report.md", "summary.md", "junit.xml"):
        files.write_text(directory, name, f"{name}: {told.verdict}\n")
    return directory


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a run without sealing it: `written(name, Story)`."""
    return lambda name="certification", told=Story(): write(tmp_path / name, told)


@pytest.fixture(scope="session")
def _ready_made(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Callable[[Story], Path]:
    made: dict[str, Path] = {}

    def make(told: Story) -> Path:
        if repr(told) not in made:
            directory = write(tmp_path_factory.mktemp("run") / "certification", told)
            files.seal(directory, key)
            made[repr(told)] = directory
        return made[repr(told)]

    return make


@pytest.fixture
def sealed(tmp_path: Path, _ready_made: Callable[[Story], Path]) -> Callable[..., Path]:
    """A copy of a sealed run: `sealed(Story, name)`."""

    def copy(told: Story = Story(), name: str = "certification") -> Path:
        return Path(shutil.copytree(_ready_made(told), tmp_path / name, symlinks=True))

    return copy


@pytest.fixture
def verified(public_key: Path) -> Callable[..., VerifyResult]:
    """Verify with the right key: `verified(directory, commit=...)`."""
    return lambda directory, **options: verify_run(directory, **{"public_key": public_key, **options})


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `verify ...` or `keygen ...` as the command line does: `(exit code, stdout, stderr)`."""
    parser = argparse.ArgumentParser(prog="certify")
    subparsers = parser.add_subparsers(dest="command", required=True)
    modules = {"verify": verify, "keygen": keygen}
    for module in modules.values():
        module.add_parser(subparsers)

    def run(*words: str | Path) -> tuple[int, str, str]:
        args = parser.parse_args([str(word) for word in words])
        code = modules[args.command].run(args)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def refused(verified: Callable[..., VerifyResult]) -> Callable[..., set[tuple[str, str]]]:
    """Code and file of every problem of a run that must be refused."""

    def codes(directory: Path, **options: Any) -> set[tuple[str, str]]:
        result = verified(directory, **options)
        assert result.problems
        assert all(problem.message and problem.cure for problem in result.problems)
        assert (result.accepted, result.verdict, result.profile, result.components) == (False, None, "", ())
        assert (result.exit_code(), result.exit_code(integrity_only=True)) == (5, 5)
        return {(problem.code, problem.file) for problem in result.problems}

    return codes


class Forger:
    """Rewrites an attestation in all its wrappings, signed by the key that it was sealed with."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key

    def statement(self, directory: Path, name: str) -> dict[str, Any]:
        return json.loads(dsse.parse(self._path(directory, name, "dsse").read_bytes()).payload)

    def payload(self, directory: Path, name: str, payload: bytes, key: SigningKey | None = None) -> None:
        """Sign another payload."""
        self.envelope(directory, name, dsse.sign(payload, key or self.key).as_json(), key)

    def envelope(self, directory: Path, name: str, envelope: dict[str, Any], key: SigningKey | None = None) -> None:
        """Put another envelope in its place."""
        wrapped = bundle.wrap(dsse.sign(b"{}", self.key), (key or self.key).public.fingerprint)
        wrapped["dsseEnvelope"] = envelope
        self._path(directory, name, "sigstore").write_bytes(canonical.compact(wrapped) + b"\n")
        self._path(directory, name, "dsse").write_bytes(canonical.compact(envelope) + b"\n")
        names = [stem for stem in NAMES if self._path(directory, stem, "dsse").exists()]
        lines = [self._path(directory, stem, "dsse").read_bytes() for stem in names]
        (directory / "attestations" / "certificate.intoto.jsonl").write_bytes(b"".join(lines))

    @staticmethod
    def _path(directory: Path, name: str, form: str) -> Path:
        return directory / "attestations" / f"{name}.{form}.json"


NAMES = ("certification", "decision", "test-result", "svr", "vsa")


@pytest.fixture
def forger(key: SigningKey) -> Forger:
    return Forger(key)
