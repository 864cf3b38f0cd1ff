"""Streams over HTTP on the serving side: who may send or read them, bodies line by line, and errors as JSON."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from certify_stack.kit.client import AwayError, CallError
from certify_stack.kit.endpoint import RefusedError, authenticate
from certify_stack.kit.errors import DomainError, UnavailableError, translate
from certify_stack.kit.roles import Roles
from certify_stack.kit.runtime import Context, Runtime

STATUS = {
    "BAD_USER_INPUT": 422,
    "CONFLICT": 409,
    "DEPENDENCY_UNAVAILABLE": 503,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "UNAVAILABLE": 503,
}
LONGEST_LINE = 1 << 20
TURN_SECONDS = 5.0

Handler = Callable[[Context, Request], Awaitable[Response]]


def guarded(runtime: Runtime, roles: Roles, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a route's endpoint that lets in these roles alone, and answers errors as JSON with a code."""

    async def endpoint(request: Request) -> Response:
        try:
            context = Context(runtime, await authenticate(runtime, request))
            context.require(f"{request.method} {request.url.path}", roles)
            return await handler(context, request)
        except RefusedError as refused:
            return refused.response()
        except ClientDisconnect:
            return RefusedError(400, "bad_request", "the client went away").response()
        except CallError as error:
            status = 503 if isinstance(error, AwayError) else 502
            return RefusedError(status, "dependency", "another service is needed for this").response()
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            return refusal_of(known).response()

    return endpoint


def refusal_of(error: DomainError) -> RefusedError:
    """Return a refusal with the status that fits an error's code."""
    return RefusedError(STATUS.get(error.code, 400), error.code.lower(), error.message)


@asynccontextmanager
async def turn(runtime: Runtime, name: str, most: int) -> AsyncIterator[None]:
    """Let so many streams of a kind run at once, each of which holds a connection to the database; the others wait a little.

    Raises:
        UnavailableError: None of those that run ended in time.
    """
    free: asyncio.Semaphore = runtime.shared.setdefault(f"turn {name}", asyncio.Semaphore(most))
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await free.acquire()
    except TimeoutError as error:
        raise UnavailableError(f"{most} of these run already; try again later") from error
    try:
        yield
    finally:
        free.release()


async def lines_of(parts: AsyncIterator[bytes], longest: int = LONGEST_LINE) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, without their ends.

    Raises:
        RefusedError: A line is longer than allowed.
    """
    rest = b""
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > longest:
            raise RefusedError(413, "too_large", f"a line has at most {longest} bytes")
    if rest:
        yield rest
