"""Sessions that were ended before their tokens expired: no token of theirs is good any more."""

import time
from datetime import datetime

# For how long the access token of a log-in is good.
TOKEN_SECONDS = 1800
SESSION_ENDED = "SessionEnded"
UNTIL = "tokens_expire_at"
PRUNE_EVERY = 256


class Revocations:
    """Ended sessions, each for as long as a token of it could still be valid.

    Every service has one of its own, filled from auth's events (``kit.revocation_feed``), so that a log-out needs no
    call to auth from whoever verifies a token.

    Attributes:
        known: Whether all that was ended before this process began is in it. Until then nobody can tell whether a session
            goes on; without a broker nothing is ever heard, and so nothing waited for.
    """

    def __init__(self) -> None:
        self.known = True
        self._ended: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, session: str, until: datetime) -> None:
        """Refuse the tokens of a session until the last of them has expired."""
        self._ended[session] = until.timestamp()
        if len(self._ended) % PRUNE_EVERY == 0:
            self.prune()

    def covers(self, session: str) -> bool:
        """Whether the session was ended."""
        return session in self._ended

    def prune(self) -> None:
        """Forget the sessions whose tokens have all expired."""
        now = time.time()
        self._ended = {session: until for session, until in self._ended.items() if until > now}
