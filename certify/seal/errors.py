"""What can be wrong with a sealed run, a key or a signature: a code, a place, a sentence and a cure."""

from typing import Self

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One reason to refuse. `file` is relative to the run's folder, or empty when none is to blame."""

    code: str
    file: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: " if self.file else ""
        return f"{place}{self.message}"


class SealError(Exception):
    """Sealing or reading failed; `problem` says where, why and what helps."""

    def __init__(self, code: str, message: str, *, file: str = "", cure: str = "") -> None:
        self.problem = Problem(code, file, message, cure)
        super().__init__(str(self.problem))

    @property
    def code(self) -> str:
        """The reason code, such as `duplicate-key`."""
        return self.problem.code

    def within(self, file: str) -> Self:
        """The same error, told about `file`."""
        problem = self.problem
        return type(self)(problem.code, problem.message, file=file, cure=problem.cure)


class KeyFileError(SealError):
    """A key cannot be used: unreadable, the wrong kind, not protected, or the passphrase does not fit."""
