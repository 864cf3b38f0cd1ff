"""A short look at the running stack: booted by the compose driver, asked at the loopback ports that it publishes, taken down."""

import asyncio
import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from certify.draft.model import Answers
from certify.draft.probes import DOCUMENTS, EITHER, GRAPHQL, LIVE, METRICS, READY, is_plain
from certify.drivers.compose.driver import ComposeDriver
from certify.engine import abandoned
from certify.model.escape import visible
from certify.profile.model import StackSpec

_SECONDS: Final = 3.0
_MOST_BYTES: Final = 2 << 20
_MOST_DOCUMENTED: Final = 20
_HEALTHY: Final = ("health", "live", "ready", "readiness", "alive", "status", "ping")
_PLAIN_TEXT: Final = ("text/plain", "application/openmetrics-text")


class Looked(msgspec.Struct, frozen=True):
    """What a look saw: answers by service, and why services did not come up."""

    answers: dict[str, Answers]
    failures: dict[str, str] = {}


async def look(
    spec: StackSpec, base: Path, names: Mapping[str, tuple[str, ...]], run_id: str, tell: Callable[[str], None]
) -> Looked:
    """Boot the files of `spec` (relative to `base`), ask the services `names`, and take everything down.

    `names` has for each service the paths that are worth asking beside the usual ones.

    Raises:
        ComposeFileError: Compose refuses the files.
        EnvironmentUnusableError: nothing can be booted here.
    """
    with _folder(run_id) as folder:
        # It asks Compose, which may take a while: who wants to end that is heard.
        driver = await asyncio.to_thread(ComposeDriver, spec, folder, base, run_id)
        try:
            tell("booting the stack, to look at it")
            booted = await driver.start(lambda happened: tell(f"{happened.part}: {happened.state}"))
            urls = {service.name: service.url for service in booted.stack.services if service.url}
            chosen = {name: urls[name] for name in names if name in urls and name not in booted.failures}
            tell(f"asking {', '.join(chosen) or 'nobody: no service that may speak HTTP publishes a port'}")
            answers = await ask_all(chosen, names)
        finally:
            await asyncio.shield(driver.stop())
    silent = {name: Answers("did not come up when it was looked at") for name in booted.failures}
    return Looked(answers | silent, booted.failures)


@contextlib.contextmanager
def _folder(run_id: str) -> Iterator[Path]:
    """A private folder, for what the files hold with all variables in them; what a killed process left is removed first."""
    abandoned.sweep()
    folder = abandoned.scratch_for(run_id)
    abandoned.make_owned(folder, run_id, folder / f"look-{run_id}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def ask_all(urls: Mapping[str, str], besides: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Answers]:
    """Ask services at their addresses what they serve, all at once, each by one question after the other.

    `besides` has paths that are worth asking beside the usual ones.
    """
    more = besides or {}
    # All services are one host to a jar of cookies: what one of them sets would be shown to the others.
    none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    plain = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS, cookies=none, headers=plain) as client:
        found = await asyncio.gather(*(_ask(client, url.rstrip("/"), more.get(name, ())) for name, url in urls.items()))
    return dict(zip(urls, found, strict=True))


async def _ask(client: httpx.AsyncClient, url: str, besides: tuple[str, ...]) -> Answers:
    try:
        nothing, _, _ = await _get(client, f"{url}/{secrets.token_hex(8)}")
    except httpx.HTTPError as error:
        return Answers(f"does not answer HTTP at the first port that it publishes: {visible(type(error).__name__)}")
    documented, document = await _documented(client, url)
    graphql = tuple(
        [path for path in dict.fromkeys((*besides, *GRAPHQL)) if await _speaks_graphql(client, url + path)][:1]
    )
    if _is_well(nothing):
        # Whoever answers everything, such as a page for all addresses, proves nothing by it.
        said = "answers every path alike, so that no probe could be told from another page"
        return Answers(said, graphql=graphql, document=document)
    well: dict[str, str] = {}
    for path in dict.fromkeys((*besides, *LIVE, *READY, *EITHER, *METRICS, *documented)):
        status, kind, _ = await _quietly(client, url + path)
        if _is_well(status) and (path not in METRICS or kind.startswith(_PLAIN_TEXT)):
            well[path] = kind
    return Answers(well=well, graphql=graphql, document=document, documented=documented)


async def _documented(client: httpx.AsyncClient, url: str) -> tuple[tuple[str, ...], str]:
    """Paths of an OpenAPI document that may be probes, and where the document is; nothing when there is none."""
    for path in DOCUMENTS:
        status, _, body = await _quietly(client, url + path)
        if _is_well(status) and (named := paths_of(body)) is not None:
            return named, path
    return (), ""


def paths_of(body: bytes) -> tuple[str, ...] | None:
    """Paths without parameters that an OpenAPI document names for GET and that sound like health; None when it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not ({"openapi", "swagger"} & document.keys()):
        return None
    paths: Any = document.get("paths")
    if not isinstance(paths, dict):
        return ()
    named = (path for path, methods in paths.items() if isinstance(methods, dict) and "get" in methods)
    return tuple(path for path in named if is_plain(path) and any(word in path for word in _HEALTHY))[:_MOST_DOCUMENTED]


async def _speaks_graphql(client: httpx.AsyncClient, url: str) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            request = client.build_request("POST", url, json={"query": "{__typename}"})
            answer = json.loads((await _read(client, request))[2])
    except (httpx.HTTPError, TimeoutError, ValueError, RecursionError):
        return False
    data = answer.get("data") if isinstance(answer, dict) else None
    return isinstance(data, dict) and isinstance(data.get("__typename"), str)


async def _quietly(client: httpx.AsyncClient, url: str) -> tuple[int, str, bytes]:
    try:
        return await _get(client, url)
    except httpx.HTTPError:
        return 0, "", b""


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, str, bytes]:
    """Status, type and content; what drips for ever is given up."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _read(client, client.build_request("GET", url))
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time") from error


async def _read(client: httpx.AsyncClient, request: httpx.Request) -> tuple[int, str, bytes]:
    response = await client.send(request, stream=True)
    body = bytearray()
    try:
        # As it comes: a few bytes that unpack to very many are not unpacked.
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _MOST_BYTES:
                break
    finally:
        await response.aclose()
    return response.status_code, visible(response.headers.get("content-type", ""))[:80], bytes(body)


def _is_well(status: int) -> bool:
    return 200 <= status < 300
