"""What is to be sent: the shape that was asked for, log-ins, and values found in the stack."""

import time
from typing import Any

from certify.api import Context, Duration, Service
from certify_checks.http import Client, LoginError
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.observing.scripting import beside, roles_of
from certify_checks.load.observing.sending import graphql_path, sending
from certify_checks.load.observing.unusable import UnusableError
from certify_checks.picks import Pick, PickError, find


def asked(ctx: Context, config: LoadConfig) -> tuple[Shape, Service]:
    """The shape and the gateway that it goes to.

    Raises:
        UnusableError: there is none of either, or nobody who would send anything.
    """
    shape, gateway = config.chosen(), ctx.stack.gateway
    if shape is None:
        known = ", ".join(sorted(config.shapes)) or "none"
        raise UnusableError("unknown-shape", f"there is no shape {config.shape!r}; the profile has: {known}")
    chosen = bool(shape.script) or any(operation.weight > 0 and not operation.times for operation in shape.operations)
    if not chosen or (config.crowd < 1 and not config.rates):
        raise UnusableError("no-operations", "the shape has no operation with a weight, or there are no users")
    if gateway is None or not gateway.url:
        raise UnusableError("no-gateway", "the stack has no gateway with an address")
    return shape, gateway


async def plan(ctx: Context, config: LoadConfig, shape: Shape, gateway: Service) -> dict[str, Any]:
    """The generator's configuration, apart from where it runs.

    Raises:
        UnusableError: nobody can log in, or a value is not found.
    """
    parts: tuple[Operation | Pick, ...] = (*shape.operations, *shape.picks.values())
    roles = {part.role or config.role for part in parts} | roles_of(ctx, shape, config.role)
    async with Client(ctx, timeout=config.timeout.seconds) as client:
        try:
            tokens = {role: await client.token(role) for role in sorted(roles)}
        except LoginError as error:
            raise UnusableError("login-failed", str(error)) from error
        try:
            values = await find(client, shape.picks, config.role)
        except PickError as error:
            raise UnusableError("pick-failed", str(error)) from error
    operations = [
        sending(ctx.stack, gateway, operation, tokens[operation.role or config.role]) for operation in shape.operations
    ]
    if lost := [operation["name"] for operation in operations if not operation["url"]]:
        raise UnusableError("no-such-service", f"operation {lost[0]!r} uploads to a service that has no address")
    named = ("ramp", "warmup", "think_min", "think_max", "timeout", "pace")
    times = {name: getattr(config, name).seconds for name in named}
    target = {"url": gateway.url.rstrip("/"), "path": graphql_path(gateway)}
    run = f"{time.time_ns():x}"
    who = {"operations": operations, "values": values, "users": config.crowd, "seed": ctx.seed, "run": run}
    # Nobody would see the spans of a stack that is not listened to, and its own are not ours to turn off. Requests of k6
    # have no number by which their traces would be found again.
    traced = max(0, config.traced) if ctx.stack.spans and not shape.k6 else 0
    files = {"locustfile": beside(ctx, shape.locustfile, "locustfile"), "k6": beside(ctx, shape.k6, "k6-script")}
    own = files | {"tokens": tokens if shape.script else {}, "role": config.role}
    return target | times | who | own | {"concurrent": config.concurrent, "traced": traced}


def timed(config: LoadConfig, hold: Duration) -> dict[str, Any]:
    """How long the hold is, at most, and the stages in it; a shorter hold has shorter stages and is not lengthened."""
    if config.extend and hold == config.length:
        most = config.extend.most.seconds
        stages = [{"rate": one.thousandths / 1000, "seconds": most} for one in config.rates]
        extend = {"first": hold.seconds, "precision_ppm": config.extend.precision_ppm}
        return {"hold": most, "stages": stages, "extend": extend}
    part = hold.seconds / config.length.seconds
    stages = [{"rate": one.thousandths / 1000, "seconds": one.length.seconds * part} for one in config.rates]
    return {"hold": hold.seconds, "stages": stages}
