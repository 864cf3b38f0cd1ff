"""The self-test of the scenarios: they are run again with one thing spoilt that they claim to notice."""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from certify_checks.scenario.model import Altered, Handover, SelfTestConfig, TestResult
from certify_checks.scenario.proxy import Change, Spoiler, amount_off, between, event_late, notification_lost
from certify_checks.scenario.running import RESULTS, Round, Suite, run_tests


async def spoil(suite: Suite, given: Handover, results: Iterable[TestResult]) -> tuple[Altered, ...]:
    """Run the tests once for each alteration, all of these runs at the same time.

    Tests that failed without any alteration would show nothing, so nothing is run for them.
    """
    claimed = {name for result in results for name in result.notices}
    red = {name for result in results if result.outcome not in {"passed", "flaky"} for name in result.notices}
    kinds = [kind for kind in suite.config.selftest.alter if kind in claimed - red]
    return tuple(await asyncio.gather(*(_run(suite, given, kind) for kind in kinds)))


async def _run(suite: Suite, given: Handover, kind: str) -> Altered:
    selftest = suite.config.selftest
    spoiler = Spoiler(lambda: _change(kind, selftest))
    target = given.mailbox if kind == "notification" else given.stack.gateway.url if given.stack.gateway else ""
    if not target:
        return Altered(kind, problem="there is no mailbox" if kind == "notification" else "there is no gateway")
    with between(_origin(target), spoiler) as address:
        spoilt = replace(_instead(given, kind, address), notices=kind, patience_us=selftest.patience.microseconds)
        one = Round(f"altered-{kind}", (str(suite.folder),), seconds=selftest.timeout.seconds)
        ran, found = await run_tests(suite, spoilt, one)
    problem = "" if ran.code in RESULTS else ran.complaint
    return Altered(kind, spoiler.times, spoiler.broken, tuple(replace(result, output="") for result in found), problem)


def _change(kind: str, selftest: SelfTestConfig) -> Change:
    if kind == "event":
        return event_late(selftest.events)
    return amount_off() if kind == "amount" else notification_lost()


def _instead(given: Handover, kind: str, address: str) -> Handover:
    if kind == "notification":
        return replace(given, mailbox=address + given.mailbox.removeprefix(_origin(given.mailbox)))
    assert given.stack.gateway  # noqa: S101 - narrowing for the type checker: it is the target
    url = address + given.stack.gateway.url.removeprefix(_origin(given.stack.gateway.url))
    return replace(given, stack=replace(given.stack, gateway=replace(given.stack.gateway, url=url)))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))
