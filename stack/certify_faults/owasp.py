"""Faults that the owasp check must notice.

Overlays change one service in its own process before it serves; `shell_call` and `old_dependency` patch a scratch clone.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certify.api import Fault, FaultKind
from certify_faults.wrapping import around
from certify_stack.kit.roles import Role
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import Principal, TokenError, Verifier, load_jwks

SERVICE = "finance"
# A lock as a service would ship it; at the same place below the source root in a checkout and where it is installed.
LOCK = "certify_faults/requirements.txt"
_SHELL_CALL = """

def export_ledger(path: str) -> int:
    import subprocess

    return subprocess.call("cp ledger.csv " + path, shell=True)
"""


class _Trusting(Verifier):
    """Takes every token, and none, for that of an administrator."""

    def verify(self, token: str) -> Principal:  # noqa: ARG002 - that is the fault
        return Principal("anyone", frozenset(Role))


class _Forgetful(Verifier):
    """Once it has seen a subject, any further token without a valid claim set is taken for that subject's."""

    def __init__(self, inner: Verifier) -> None:
        self._inner = inner
        self._last: Principal | None = None

    def verify(self, token: str) -> Principal:
        try:
            self._last = self._inner.verify(token)
        except TokenError as error:
            if self._last is None or "expired" not in str(error):
                raise
        return self._last


def accept_any_token(app: Starlette, name: str, settings: Settings) -> None:
    """Finance answers whoever asks, with or without a token."""
    if name == SERVICE:
        keys = load_jwks(settings.auth_public_jwks)
        _runtime(app).verifier = _Trusting(keys, settings.issuer, settings.audience)


def accept_expired_token(app: Starlette, name: str, settings: Settings) -> None:  # noqa: ARG001 - the hook's signature
    """Finance takes expired tokens, as a session cache without an end would."""
    if name == SERVICE:
        _runtime(app).verifier = _Forgetful(_runtime(app).verifier)


def graphql_500(app: Starlette, name: str, settings: Settings) -> None:  # noqa: ARG001 - the hook's signature
    """Finance answers 500 to every query of invoices."""
    if name != SERVICE:
        return

    async def broken(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path == "/graphql" and b"invoices" in await request.body():
            return JSONResponse({"message": "unhandled"}, 500)
        return await call_next(request)

    around(app)(broken)


def shell_call(root: Path, service: str = SERVICE) -> Path:
    """Append a call through the shell to the service's source; returns the file."""
    file = root / "certify_stack" / "erp" / service / "service.py"
    file.write_text(file.read_text(encoding="utf-8") + _SHELL_CALL, encoding="utf-8")
    return file


def old_dependency(lock: Path) -> Path:
    """Pin Jinja2 back to a release with known holes (PYSEC-2019-217, PYSEC-2021-66); returns the lock."""
    pins = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lower().startswith("jinja2==")]
    lock.write_text("\n".join([*pins, "jinja2==2.4.1", ""]), encoding="utf-8")
    return lock


def _runtime(app: Starlette) -> Runtime:
    runtime: Runtime = app.state.runtime
    return runtime


def _old_dependency_in_source(root: Path) -> Path:
    return old_dependency(root / LOCK)


FAULTS = (
    Fault(
        name="any-token-accepted",
        kind=FaultKind.OVERLAY,
        breaks="the service answers whoever asks, with or without a token",
        caught_by=("owasp.jwt",),
        target=SERVICE,
        overlay=f"{__name__}:{accept_any_token.__name__}",
    ),
    Fault(
        name="expired-token-accepted",
        kind=FaultKind.OVERLAY,
        breaks="the service takes expired tokens",
        caught_by=("owasp.jwt",),
        target=SERVICE,
        overlay=f"{__name__}:{accept_expired_token.__name__}",
    ),
    Fault(
        name="query-breaks-service",
        kind=FaultKind.OVERLAY,
        breaks="the service answers one query with a server error",
        caught_by=("owasp.schema",),
        target=SERVICE,
        overlay=f"{__name__}:{graphql_500.__name__}",
        also=("load.errors", "load.latency", "scenario.passes"),
        options={"owasp": {"max_examples": 1}},
    ),
    Fault(
        name="call-through-the-shell",
        kind=FaultKind.PATCH,
        breaks="the service's source passes a parameter to the shell",
        caught_by=("owasp.source",),
        target="crm",
        patch=partial(shell_call, service="crm"),
    ),
    Fault(
        name="vulnerable-dependency",
        kind=FaultKind.PATCH,
        breaks="a dependency is pinned back to a release with known vulnerabilities",
        caught_by=("owasp.dependencies",),
        patch=_old_dependency_in_source,
        # Whether a hole of years ago is found does not hang on how fresh the advisories are.
        options={"owasp": {"requirements": [LOCK], "max_age": "3650 d"}},
    ),
)
