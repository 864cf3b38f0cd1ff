"""Observes a load: logs in, picks values, lets the generator run in a process of its own, reads its files."""

from msgspec.structs import replace

from certify.api import Context
from certify_checks.load.config import LoadConfig
from certify_checks.load.k6 import running as k6
from certify_checks.load.model import LoadSeen
from certify_checks.load.observing import counting, recovering
from certify_checks.load.observing.comparing import apart, with_peer
from certify_checks.load.observing.distribution import layout
from certify_checks.load.observing.finishing import finishing, sent_and_done
from certify_checks.load.observing.neighbours import foreign_ppm, snapshot
from certify_checks.load.observing.plan import asked, plan, timed
from certify_checks.load.observing.punctual import lengthened, punctual
from certify_checks.load.observing.reading import read, workers
from certify_checks.load.observing.running import generate
from certify_checks.load.observing.scripting import alone, names_of
from certify_checks.load.observing.soaking import soaking
from certify_checks.load.observing.spending import size_of, spending, traced_requests
from certify_checks.load.observing.unusable import UnusableError

QUICK_RAMP = 3.0


async def observe(ctx: Context, config: LoadConfig) -> LoadSeen:
    """Run the load that `config` describes."""
    whole = config.length
    hold = config.quick_hold if ctx.quick and config.quick_hold.seconds < whole.seconds else whole
    if hold != whole:
        ctx.weaken("shortened", f"{config.shape or 'the only shape'}: hold {hold} instead of {whole}")
    timeout_us = config.timeout.microseconds
    seen = LoadSeen(config.shape, config.crowd, hold.microseconds, timeout_us, quick=hold != whole)
    try:
        shape, gateway = asked(ctx, config)
        looked_at = {name: replace(effect, role=effect.role or config.role) for name, effect in shape.effects.items()}
        planned = await with_peer(ctx, config, shape, await plan(ctx, config, shape, gateway)) | timed(config, hold)
        if shape.k6 or layout(ctx, config):
            # Several processes do not look at a run together, and k6 not at its own: it takes its longest.
            planned.pop("extend", None)
            seen = replace(seen, hold_us=round(1_000_000 * planned["hold"]))
        if hold != whole:
            planned["ramp"] = min(planned["ramp"], QUICK_RAMP)
        sums = await counting.sums(ctx, looked_at)
        earlier = await recovering.before(ctx, config.after)
        before, told = snapshot(), size_of(ctx)
        async with soaking(ctx, config, planned) as soaked:
            parts = alone(shape, layout(ctx, config))
            folder = await (
                k6.generate(ctx, planned, soaked.begin) if shape.k6 else generate(ctx, planned, parts, soaked.begin)
            )
        foreign = foreign_ppm(before, snapshot(), [part.pid for part in (*ctx.stack.services, gateway) if part.pid])
        names = names_of(folder, shape)
    except UnusableError as error:
        return replace(seen, unusable=error.reason, detail=str(error))
    peer = apart(folder, names) if config.compare else ()
    operations, calibration, generator = read(folder, names)
    starts, stages = punctual(folder, config)
    seen = replace(seen, workers=workers(folder))
    generator = replace(generator, foreign_ppm=foreign)
    seen = replace(seen, finishing=finishing(folder, shape.operations))
    done = sent_and_done(folder, shape.operations)
    effects = await counting.count(ctx, looked_at, done, sums) if looked_at else ()
    repeating = {operation.name for operation in shape.operations if operation.twice}
    effects = tuple(replace(effect, to_repeat=effect.operation in repeating) for effect in effects)
    seen = replace(seen, soak=soaked.seen, aftermath=await recovering.aftermath(ctx, config.after, earlier))
    seen = replace(seen, operations=operations, calibration=calibration, generator=generator, effects=effects)
    traced = traced_requests(folder, names, planned["traced"])
    spent = await spending(ctx, told, planned["run"], traced)
    seen = lengthened(folder, seen)
    return replace(seen, starts=starts, stages=stages, spending=spent, compared=config.compare, peer=peer)
