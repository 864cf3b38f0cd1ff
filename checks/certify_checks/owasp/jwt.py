"""Rule `jwt`: every end point refuses every token that is not genuine, and accepts the genuine one."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import msgspec

from certify.api import Context, Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, Service, Severity
from certify_checks.http import Client, GraphQLAnswer, LoginError, describe, read_graphql
from certify_checks.owasp.config import OwaspConfig
from certify_checks.owasp.loopback import Handler, serve
from certify_checks.owasp.seen import ACCEPTED, REFUSED, UNCLEAR, Answer, JwtSeen, Probed
from certify_checks.owasp.tokens import GOOD, RESIGNED, forge

_REFUSALS = {"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED"}
_DECOYS = {"accepts-all": (200, b'{"data":{"__typename":"Query"}}'), "refuses-all": (401, b'{"errors":[]}')}
_CURE = "verify signature, algorithm, expiry, issuer and audience of the bearer token before any resolver runs"


async def observe_jwt(ctx: Context, config: OwaspConfig) -> JwtSeen:
    """Try every token at every GraphQL end point, and at two decoys of our own."""
    targets = [service for service in ctx.stack.services if service.graphql]
    gateway = ctx.stack.gateway
    if gateway:
        targets.append(gateway if gateway.graphql else msgspec.structs.replace(gateway, graphql="/graphql"))
    async with Client(ctx) as client:
        try:
            forged = forge(await _genuine(ctx, client), ctx.stack.credentials.get("jwt", {}))
        except (LoginError, ValueError) as error:
            return JwtSeen(problem=str(error))
    tokens: dict[str, str | None] = {**forged.genuine, **forged.attacks}
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http, _decoys() as decoys:
        probed = await asyncio.gather(*(_probe(http, one, tokens, config.query) for one in (*targets, *decoys)))
    return JwtSeen(
        targets=tuple(probed[: len(targets)]),
        decoys=tuple(probed[len(targets) :]),
        attacks=tuple(forged.attacks),
        missing=forged.missing,
    )


async def _genuine(ctx: Context, client: Client) -> str:
    """A token that the stack itself gave, whichever role it is for."""
    tokens: Mapping[str, str] = ctx.stack.credentials.get("tokens", {})
    for role in ("service", *tokens, *client.roles()):
        if role in tokens or role in client.roles():
            return await client.token(role)
    raise LoginError("the stack gives neither a token nor a user to log in with")


async def _probe(http: httpx.AsyncClient, target: Service, tokens: Mapping[str, str | None], query: str) -> Probed:
    # One after another: the genuine tokens go first, so a service that caches what it verified is caught too.
    return Probed(target.name, tuple([await _try(http, target, name, tokens[name], query) for name in tokens]))


async def _try(http: httpx.AsyncClient, target: Service, name: str, token: str | None, query: str) -> Answer:
    if not target.url:
        return Answer(name, UNCLEAR, detail="the service has no address")
    address = f"{target.url.rstrip('/')}/{target.graphql.lstrip('/')}"
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        response = await http.post(address, json={"query": query}, headers=headers)
    except httpx.HTTPError as error:
        return Answer(name, UNCLEAR, detail=describe(error))
    read = read_graphql(response)
    return Answer(name, _verdict(read), read.status, "" if read.ok else read.complaint[:200])


def _verdict(answer: GraphQLAnswer) -> str:
    if answer.status in {401, 403}:
        return REFUSED
    if any(value is not None for value in answer.data.values()):
        return ACCEPTED
    codes = {str((error.get("extensions") or {}).get("code")) for error in answer.errors if _has_map(error)}
    return REFUSED if answer.errors and codes & _REFUSALS else UNCLEAR


def _has_map(error: dict[str, object]) -> bool:
    return isinstance(error.get("extensions"), dict)


@asynccontextmanager
async def _decoys() -> AsyncIterator[list[Service]]:
    """Two servers on loopback: what the prober says of them shows that it can tell one from the other."""
    async with AsyncExitStack() as servers:
        yield [
            Service(f"decoy {name}", url=await servers.enter_async_context(serve(_always(answer))), graphql="/graphql")
            for name, answer in _DECOYS.items()
        ]


def _always(answer: tuple[int, bytes]) -> Handler:
    return lambda _: answer


def judge_jwt(seen: JwtSeen, criteria: Criteria) -> Ruling:
    """Every attack refused and every genuine token accepted at every covered end point."""
    targets = [target for target in seen.targets if criteria.covers(target.service)]
    limit = criteria["accepted"]
    taken = [
        (target.service, answer)
        for target in targets
        for answer in target.answers
        if answer.token in seen.attacks and answer.verdict == ACCEPTED
    ]
    if not limit.holds(len(taken)):
        return Ruling(
            Outcome.FAIL,
            f"{len(taken)} forged tokens were accepted by {len({name for name, _ in taken})} of {len(targets)} end points",
            len(targets),
            findings=tuple(_finding(service, answer) for service, answer in taken),
            measurements=(Measurement("accepted", len(taken), limit=limit),),
        )
    if doubt := _doubt(seen, targets):
        return doubt
    return Ruling(
        Outcome.PASS,
        f"{len(targets)} end points refused {len(seen.attacks)} kinds of forged token each and accepted a genuine one",
        len(targets),
        measurements=(Measurement("accepted", len(taken), limit=limit),),
    )


def _finding(service: str, answer: Answer) -> Finding:
    return Finding(
        f"jwt.accepted-{answer.token}",
        f"{service} gave data for a token that is {answer.token} (HTTP {answer.status})",
        Severity.CRITICAL,
        Location(service=service),
        _CURE,
    )


def _doubt(seen: JwtSeen, targets: Sequence[Probed]) -> Ruling | None:
    """Why it cannot be told although nothing was accepted."""
    if seen.problem:
        return Ruling.inconclusive("no-token", seen.problem, cure="let the stack give a token or a user to log in with")
    if not targets:
        return Ruling.inconclusive(
            "no-services", "no end point was probed", cure="give services `graphql:` in the profile"
        )
    if blind := _blind(seen):
        return blind
    if seen.missing:
        return Ruling.inconclusive(
            "no-signing-key",
            f"{', '.join(seen.missing)} could not be tried: {next(iter(seen.missing.values()))}",
            cure="let the stack give `jwt.private_key_file`, so that tokens with one wrong claim can be signed",
            examined=len(targets),
        )
    unclear = [text for target in targets if (text := _unclear(target, seen.attacks))]
    if unclear:
        return Ruling.inconclusive(
            "unclear-answer",
            f"{len(unclear)} of {len(targets)} end points: {'; '.join(unclear[:5])}",
            cure="answer 401 or 403 to bad tokens, and data to the genuine token for the check's `query`",
            examined=len(targets),
        )
    return None


def _blind(seen: JwtSeen) -> Ruling | None:
    wanted = {f"decoy {name}": ACCEPTED if status == 200 else REFUSED for name, (status, _) in _DECOYS.items()}
    got = {decoy.service: {answer.verdict for answer in decoy.answers} for decoy in seen.decoys}
    if got == {name: {verdict} for name, verdict in wanted.items()}:
        return None
    return Ruling.inconclusive(
        "sensor-blind",
        "the prober did not tell a server that accepts every token from one that refuses every token",
        cure="see the answers of the decoys in evidence/observation.json",
    )


def _unclear(target: Probed, attacks: Sequence[str]) -> str:
    """Why this end point's refusals prove nothing; empty when they do."""
    by_token = {answer.token: answer for answer in target.answers}
    for name in (GOOD, RESIGNED, *attacks):
        answer, wanted = by_token.get(name), REFUSED if name in attacks else ACCEPTED
        if answer is None:
            return f"{target.service} was not tried with the {name} token"
        if answer.verdict not in {wanted, ACCEPTED}:
            return f"{target.service} to the {name} token: {answer.detail or answer.verdict} (HTTP {answer.status})"
    return ""


def seed_jwt(seen: JwtSeen, criteria: Criteria) -> Iterable[Seeded[JwtSeen]]:
    """One end point that accepts each attack in turn."""
    for index, target in enumerate(seen.targets):
        if not criteria.covers(target.service):
            continue
        for attack in seen.attacks:
            answers = tuple(
                msgspec.structs.replace(answer, verdict=ACCEPTED, status=200) if answer.token == attack else answer
                for answer in target.answers
            )
            targets = (*seen.targets[:index], Probed(target.service, answers), *seen.targets[index + 1 :])
            name = f"{target.service} accepts a token that is {attack}"
            yield Seeded(name, msgspec.structs.replace(seen, targets=targets), f"jwt.accepted-{attack}")
        return
