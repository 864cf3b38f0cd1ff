"""What verifying a sealed run answers: integrity, signer, verdict, and what was not looked at."""

import msgspec

from certify.model.exit_codes import ExitCode
from certify.model.outcome import Verdict
from certify.model.record import Component
from certify.seal.errors import Problem


class Signer(msgspec.Struct, frozen=True, rename="camel"):
    """Who sealed the run.

    Attributes:
        claimed: the fingerprint that the bundles name; anybody can write it there.
        trusted: whether every signature is by the key that the caller gave.
        key_source: where the caller's key is from, such as a path; empty without one.
        fingerprint: of the caller's key; empty without one.
    """

    claimed: str = ""
    trusted: bool = False
    key_source: str = ""
    fingerprint: str = ""


class VerifyResult(msgspec.Struct, frozen=True, rename="camel"):
    """The answer. Nothing is told of a refused run: its verdict, profile and commit may be anybody's words.

    Attributes:
        directory: the folder that was verified.
        accepted: whether integrity and signer hold; false whenever there is a problem.
        problems: every reason to refuse.
        signer: who sealed it.
        files: how many files `SHA256SUMS` lists.
        attestations: names of the attestations.
        verdict, reason, profile, release, reference, components, run_id, sealed_at: what is certified; empty when
            refused.
        not_checked: what this answer does not say.
    """

    directory: str
    accepted: bool = False
    problems: tuple[Problem, ...] = ()
    signer: Signer = Signer()
    files: int = 0
    attestations: tuple[str, ...] = ()
    verdict: Verdict | None = None
    reason: str = ""
    profile: str = ""
    release: str = ""
    reference: bool = False
    components: tuple[Component, ...] = ()
    run_id: str = ""
    sealed_at: str = ""
    not_checked: tuple[str, ...] = ()

    def exit_code(self, *, integrity_only: bool = False) -> ExitCode:
        """5 when refused, else the recorded verdict's code, or 0 when only integrity was asked for."""
        if not self.accepted or self.verdict is None:
            return ExitCode.REFUSED
        return ExitCode.CERTIFIED if integrity_only else self.verdict.exit_code
