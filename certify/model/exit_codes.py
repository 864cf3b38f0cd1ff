"""The one list of exit codes: `--help`, the docs and the process's own code are made from it."""

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What a finished `certify` process tells the shell. No flag turns a bad verdict into 0."""

    meaning: str

    CERTIFIED = 0, "certified, also with waivers"
    NOT_CERTIFIED = 1, "not certified: a blocking control failed"
    USAGE = 2, "wrong usage or invalid profile"
    INCONCLUSIVE = 3, "inconclusive or partial: something could not be told, or was left out"
    ENVIRONMENT = 4, "the environment could not run the target"
    REFUSED = 5, "integrity or signer refused"
    PENDING = 6, "pending sign-off"
    INTERNAL = 70, "internal error"
    INTERRUPTED = 130, "interrupted (SIGINT)"
    TERMINATED = 143, "terminated (SIGTERM)"

    def __new__(cls, code: int, meaning: str) -> Self:
        """Bind the sentence that explains the code to the member."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def help_text() -> str:
    """The table of exit codes, a line each, as `--help` prints it."""
    return "\n".join(f"  {code.value:>3}  {code.meaning}" for code in ExitCode)
