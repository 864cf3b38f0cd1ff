"""What each service of a resolved compose file is for. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from certify.draft.images import is_official, kind_of_image, kind_of_port, kind_of_tool, short_name
from certify.draft.model import Built, Found, Kind, Sure
from certify.drivers.compose.project import COMPLETED, Part
from certify.model.escape import clip, visible

_NAMES: Final[tuple[tuple[str, Kind], ...]] = (
    (
        r"(^|[-_.])(db|database|postgres(ql)?|pg|mysql|mariadb|mongo(db)?|redis|cache|elastic(search)?)\d*($|[-_.])",
        Kind.DATABASE,
    ),
    (r"(^|[-_.])(kafka|rabbit(mq)?|broker|queue|mq|nats|pulsar|zookeeper)\d*($|[-_.])", Kind.BROKER),
    (r"(^|[-_.])(nginx|traefik|haproxy|envoy|caddy|proxy|ingress|load-?balancer|lb)\d*($|[-_.])", Kind.PROXY),
    (r"(^|[-_.])(adminer|pgadmin|mailhog|mailpit|storybook|swagger-ui|dev-?tools?|debug)($|[-_.])", Kind.DEVELOPMENT),
)
_JOB_NAME: Final = re.compile(
    r"(^|[-_.])(migrat\w*|init|seed\w*|setup|bootstrap|fixtures|provision\w*|topics)($|[-_.])"
)
_JOB_COMMAND: Final = re.compile(
    r"(alembic upgrade|manage\.py migrate|db:migrate|prisma migrate|flyway migrate|liquibase|migrate up|knex migrate)"
)
_SHOWN: Final = 60
_BUILT_HERE: Final = Found(Kind.APPLICATION, "built from these files (build)", Sure.SURE)


def classify(name: str, service: Mapping[str, Any], part: Part, waiting: Iterable[str], built: Built) -> Found:
    """What a service is for, by the first of these that says something: who waits for its end, what it is made of, its name.

    Args:
        name: of the service.
        service: as Compose resolved it.
        part: the same, as its readiness is judged.
        waiting: services that start when it has ended well.
        built: what its Dockerfile says, when it is built here.
    """
    if waiting := sorted(waiting):
        return Found(Kind.ONE_SHOT, f"{_some(waiting)} waits for it to end well (depends_on)", Sure.SURE)
    return (
        _by_image(service, built)
        or _as_job(name, service, part)
        or _by_health_check(part, service, built)
        or (_BUILT_HERE if "build" in service else _by_port(service) or _by_name(name))
        or Found(Kind.APPLICATION, "nothing says otherwise", Sure.GUESS)
    )


def waiting_for(name: str, services: Mapping[str, Any]) -> list[str]:
    """The services that start when `name` has ended well."""
    return [
        other
        for other, service in services.items()
        if ((service.get("depends_on") or {}).get(name) or {}).get("condition") == COMPLETED
    ]


def words(command: Any) -> str:
    """A command, whichever way it is written, as one text."""
    return " ".join(map(str, command)) if isinstance(command, list) else str(command or "")


def _by_image(service: Mapping[str, Any], built: Built) -> Found | None:
    image = built.base if "build" in service else str(service.get("image") or "")
    kind = kind_of_image(image)
    if kind is None or (kind is Kind.PROXY and "build" in service):
        # Whoever builds on a web server serves something of their own.
        return None
    name = clip(visible(short_name(image)), _SHOWN)
    if "build" in service:
        return Found(kind, f"its Dockerfile builds on {name}", Sure.LIKELY)
    return Found(kind, f"image {name}", Sure.SURE if is_official(image) else Sure.LIKELY)


def _as_job(name: str, service: Mapping[str, Any], part: Part) -> Found | None:
    """What may end, by its command or its name: such as migrations that nobody waits for."""
    if not part.may_end:
        return None
    if found := _JOB_COMMAND.search(words(service.get("command")) + " " + words(service.get("entrypoint"))):
        return Found(Kind.ONE_SHOT, f"its command has `{found[1]}`", Sure.LIKELY)
    if _JOB_NAME.search(name):
        return Found(Kind.ONE_SHOT, "its name; no port, no health check, no restart policy", Sure.GUESS)
    return None


def _by_health_check(part: Part, service: Mapping[str, Any], built: Built) -> Found | None:
    test = (service.get("healthcheck") or {}).get("test") if part.checked else built.health
    known = kind_of_tool(words(list(test or ())))
    return Found(known[0], f"its health check runs {known[1]}", Sure.LIKELY) if known else None


def _by_port(service: Mapping[str, Any]) -> Found | None:
    exposed = (str(text).partition("/")[0] for text in service.get("expose") or ())
    for port in [*(str(port["target"]) for port in service.get("ports") or ()), *exposed]:
        if port.isdecimal() and len(port) < 6 and (kind := kind_of_port(int(port))):
            return Found(kind, f"port {port}", Sure.GUESS)
    return None


def _by_name(name: str) -> Found | None:
    for pattern, kind in _NAMES:
        if re.search(pattern, name):
            return Found(kind, "its name", Sure.GUESS)
    return None


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
