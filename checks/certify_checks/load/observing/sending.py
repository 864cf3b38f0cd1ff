"""Where an operation goes, and what goes with it: address, headers, and how its work is followed until it is finished."""

from collections.abc import Mapping
from typing import Any

import msgspec

from certify.api import Duration, Service, Stack
from certify_checks.http import GATEWAY, bearer
from certify_checks.load.config import Operation

_JSON = {"Content-Type": "application/json"}


def sending(stack: Stack, gateway: Service, operation: Operation, token: str) -> dict[str, Any]:
    """What the generator must know of an operation, durations in seconds; its `url` is empty if nobody has it."""
    upload = operation.upload
    media_type = {"Content-Type": upload.media_type} if upload else _JSON
    said: dict[str, Any] = msgspec.to_builtins(operation, enc_hook=_seconds)
    return said | {
        "url": _url(stack, gateway, operation),
        "headers": media_type | bearer(token),
        "followed_as": _JSON | bearer(token),
        "followed_at": gateway.url.rstrip("/") + graphql_path(gateway),
        # Users send nothing that is sent so many times in all.
        "weight": 0 if operation.times else operation.weight,
    }


def _seconds(value: Any) -> float:
    if isinstance(value, Duration):
        return value.seconds
    raise NotImplementedError(type(value))


def graphql_path(gateway: Service) -> str:
    """Where the gateway takes operations."""
    return "/" + (gateway.graphql or "/graphql").lstrip("/")


def longest(plan: Mapping[str, Any]) -> float:
    """Seconds that may pass after the hold: what was due is sent within a time-out, answered in another, and followed."""
    follows = max((one["finish"]["within"] for one in plan["operations"] if one["finish"]), default=0.0)
    return float(2 * plan["timeout"] + follows)


def _url(stack: Stack, gateway: Service, operation: Operation) -> str:
    upload = operation.upload
    if upload is None:
        return gateway.url.rstrip("/") + graphql_path(gateway)
    own = {service.name: service.url for service in stack.services} | {"": gateway.url, GATEWAY: gateway.url}
    base = own.get(upload.service, "")
    return f"{base.rstrip('/')}/{upload.path.lstrip('/')}" if base else ""
