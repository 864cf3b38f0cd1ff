"""What keeps a load from being made."""


class UnusableError(Exception):
    """No load can be made: a reason code, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
