"""How an overlay puts itself around a service's answers."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response

Next = Callable[[Request], Awaitable[Response]]
Wrapper = Callable[[Request, Next], Awaitable[Response]]


def around(app: Starlette) -> Callable[[Wrapper], Wrapper]:
    """A decorator: what it decorates answers each request, with the application's own answer within reach."""

    def decorate(wrapper: Wrapper) -> Wrapper:
        app.add_middleware(BaseHTTPMiddleware, dispatch=wrapper)
        return wrapper

    return decorate
