"""A start hook as a fault would be: wraps the application of one service."""

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse


def apply(app: Any, name: str, settings: Any) -> None:
    async def proof(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{name} {settings.issuer}")

    if name == "scheduler":
        app.add_route("/overlay", proof, methods=["GET"])
