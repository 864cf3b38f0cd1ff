"""Probes out of health checks, and out of what a running service answered. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from certify.draft.model import Answers, Built, Found, Sure, Target

# Host, port and path of an address that a health check asks; whatever stands behind the path may be a secret.
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<login>[^\s/@'\"]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(?P<port>\d+|\${1,2}(?:\{\w+\}|\w+)))?(?![:\w])"
    r"(?P<path>/[^\s'\"?#|;&)<>`,]*)?"
)
# What a profile's path may hold without being misread: no placeholder, nothing that a shell would have replaced.
_PLAIN: Final = re.compile(r"/[A-Za-z0-9._~/-]{0,200}")
_OWN_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"})  # noqa: S104 - compared, not bound
_SENDS: Final = re.compile(
    r"(?<!\S)(-d|--data\S*|--post-data\S*|--json|-F|-X\s*['\"]?(?!GET)\w+|--request\s+(?!GET)\w+)"
)
_AUTHORISED: Final = re.compile(r"(?<!\S)(-u|--user|-H|--header\S*|--cert|--key|-b|--cookie)(?!\w)")
_USUAL: Final = {"http": 80, "https": 443}

LIVE: Final = ("/health/live", "/healthz/live", "/livez", "/live", "/-/healthy", "/actuator/health/liveness")
READY: Final = ("/health/ready", "/healthz/ready", "/readyz", "/ready", "/-/ready", "/actuator/health/readiness")
EITHER: Final = ("/healthz", "/health", "/healthcheck", "/status", "/ping", "/up", "/api/health", "/actuator/health")
METRICS: Final = ("/metrics", "/actuator/prometheus")
DOCUMENTS: Final = (
    "/openapi.json",
    "/swagger.json",
    "/v3/api-docs",
    "/api-docs",
    "/swagger/v1/swagger.json",
    "/api/openapi.json",
)
GRAPHQL: Final = ("/graphql", "/api/graphql", "/query", "/v1/graphql", "/")
_SEEN: Final = "answered when it was looked at"


def target_of(test: Sequence[str], environment: Mapping[str, str], name: str) -> Target | None:
    """What a health check asks of its own container by HTTP; None when it asks nothing that way.

    Args:
        test: as Compose resolves it: `CMD`, or `CMD-SHELL`, and the words.
        environment: of the container, for a port that is a variable.
        name: of the service, which may ask itself by it.
    """
    text = " ".join(map(str, test[1:] if test[:1] in (["CMD"], ["CMD-SHELL"], ("CMD",), ("CMD-SHELL",)) else test))
    for found in _ADDRESS.finditer(text):
        if found["host"] in {*_OWN_HOSTS, name}:
            return _target(found, text, environment)
    return None


def _target(found: re.Match[str], text: str, environment: Mapping[str, str]) -> Target:
    path = found["path"] or "/"
    graphql = "__typename" in text or path.rstrip("/").endswith("graphql")
    obstacle = ""
    if found["scheme"] == "https":
        obstacle = "it asks by https"
    elif found["login"] or _AUTHORISED.search(text):
        obstacle = "it logs in, or sends headers"
    elif _SENDS.search(text) and not graphql:
        obstacle = "it sends something, and does not only ask"
    elif not _PLAIN.fullmatch(path):
        path, obstacle = "", "its path holds what a profile's cannot"
    return Target(_port(found, environment), path, graphql, obstacle)


def _port(found: re.Match[str], environment: Mapping[str, str]) -> int:
    told = found["port"]
    if told is None:
        return _USUAL[found["scheme"]]
    number = environment.get(told.strip("${}"), "") if told.startswith("$") else told
    return int(number) if re.fullmatch(r"[0-9]{1,5}", number) else 0


def from_health_check(target: Target, ports: Sequence[int], where: str) -> tuple[dict[str, Found], tuple[str, ...]]:
    """The probes (`live`, `ready`, `graphql`) that a health check's target gives, and what keeps others from being used.

    Args:
        target: what it asks.
        ports: TCP ports that the service publishes; checks ask the first.
        where: the health check was found.
    """
    if not ports:
        return {}, (f"{where} asks by HTTP, and no port is published: nobody else can ask the same",)
    if target.obstacle:
        return {}, (f"{where} cannot be repeated from outside: {target.obstacle}",)
    if target.port and target.port != ports[0]:
        # Not the number: it may come out of a variable.
        return {}, (f"{where} asks another port than {ports[0]}, the first that it publishes, where probes are asked",)
    at = f"{where} asks it" + (f" at port {target.port}, which is published" if target.port else "")
    found = Found(target.path, at, Sure.LIKELY if target.port else Sure.GUESS)
    if target.graphql:
        return {"graphql": found}, ()
    return {"live" if _sounds_live(target.path) else "ready": found}, ()


def from_answers(answers: Answers) -> dict[str, Found]:
    """The probes that a running service has shown, by usual paths or by those of its OpenAPI document."""
    seen: dict[str, Found] = {}
    named = [path for path in answers.documented if path in answers.well]
    lives = [*LIVE, *(path for path in named if _sounds_live(path))]
    readies = [*READY, *(path for path in named if _sounds_ready(path))]
    for key, paths in (("live", lives), ("ready", [*readies, *EITHER]), ("metrics", METRICS)):
        if path := _first(paths, answers.well):
            usual = "" if path not in named else ", and its OpenAPI document names it"
            seen[key] = Found(
                path, f"{_SEEN}{usual}", Sure.SURE if path in named or path not in EITHER else Sure.LIKELY
            )
    if answers.graphql:
        seen["graphql"] = Found(answers.graphql[0], "answered {__typename} when it was looked at", Sure.SURE)
    return seen


def confirmed(written: Mapping[str, Found], answers: Answers) -> tuple[dict[str, Found], tuple[str, ...]]:
    """The probes that hold after a look: what is written and answered first, then what was only seen; and what did not answer."""
    seen = from_answers(answers)
    if answers.said:
        return {**written, **seen}, ()
    proved = {
        name: Found(found.value, f"{found.where}, and it {_SEEN}", Sure.SURE)
        for name, found in written.items()
        if found.value in (answers.graphql if name == "graphql" else answers.well)
    }
    silent = tuple(
        f"{found.where}, but from outside {found.value} did not answer well when it was looked at"
        for name, found in written.items()
        if name not in proved
    )
    return {**seen, **proved}, silent


def health_test(service: Mapping[str, object], built: Built) -> tuple[Sequence[str], str]:
    """The health check that holds for a service, and where it is written; nothing when it has none."""
    own = service.get("healthcheck")
    if isinstance(own, Mapping):
        test = own.get("test")
        if own.get("disable") or (isinstance(test, list) and test[:1] == ["NONE"]):
            return (), ""
        if isinstance(test, list) and test:
            return test, "its health check"
    return built.health, "the health check in its Dockerfile" if built.health else ""


def is_plain(path: str) -> bool:
    """Whether a profile can hold that path as it is."""
    return bool(_PLAIN.fullmatch(path))


def _sounds_live(path: str) -> bool:
    return bool(re.search(r"(^|[/_-])(live|livez|liveness|alive)($|[/_-])", path))


def _sounds_ready(path: str) -> bool:
    return bool(re.search(r"(^|[/_-])(ready|readyz|readiness|health|healthz|healthcheck)($|[/_-])", path))


def _first(paths: Iterable[str], well: Mapping[str, str]) -> str:
    return next((path for path in paths if path in well), "")
