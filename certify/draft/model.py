"""The words of a drafted profile."""

from enum import StrEnum

import msgspec


class OutputFileError(Exception):
    """The profile cannot be written where it was asked for."""


class Kind(StrEnum):
    """What a service is for."""

    APPLICATION = "application"
    DATABASE = "database"
    BROKER = "broker"
    PROXY = "proxy"
    ONE_SHOT = "one-shot"
    DEVELOPMENT = "development only"


class Sure(StrEnum):
    """How sure something is: the files say it or it was seen; something that they say means it as a rule; a name hints at it."""

    SURE = "sure"
    LIKELY = "likely"
    GUESS = "guess"


class Found(msgspec.Struct, frozen=True):
    """A value, where it was found, and how sure that is."""

    value: str
    where: str
    sure: Sure


class Built(msgspec.Struct, frozen=True):
    """What a Dockerfile says.

    Attributes:
        base: image that the last stage stands on.
        health: its health check, as Compose writes one; empty: none.
        ports: TCP ports that it exposes.
        documents: OpenAPI documents beside it, by file name.
    """

    base: str = ""
    health: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    documents: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """What a health check asks by HTTP, from inside of the container.

    Attributes:
        port: 0 where the text does not tell.
        path: without query and fragment.
        graphql: it sends a GraphQL query.
        obstacle: why the same cannot be asked from outside by a plain GET; empty: it can.
    """

    port: int
    path: str
    graphql: bool = False
    obstacle: str = ""


class Answers(msgspec.Struct, frozen=True):
    """What a running service answered at the first port that it publishes.

    Attributes:
        said: why nothing could be asked, or nothing was learned; empty: something was.
        well: paths that answered a plain GET with 2xx, with the type of their content.
        graphql: paths that answered `{__typename}`.
        document: path of its OpenAPI document; empty: it shows none.
        documented: paths that this names for GET and that sound like health.
    """

    said: str = ""
    well: dict[str, str] = {}
    graphql: tuple[str, ...] = ()
    document: str = ""
    documented: tuple[str, ...] = ()


class Drafted(msgspec.Struct, frozen=True):
    """One service as the profile will name it; what was not found is None."""

    name: str
    kind: Found
    live: Found | None = None
    ready: Found | None = None
    graphql: Found | None = None
    metrics: Found | None = None
    calls: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True):
    """A profile to be written.

    Attributes:
        name: of the profile.
        compose: paths of the files, relative to the profile.
        looked: it was booted and asked, not only read.
        gateway: name of the service that is the gateway of all GraphQL; empty: none.
        unset: variables without a value.
        left_out: service -> its Compose profiles, of what is not started unless it is asked for.
        unnameable: services whose names a profile cannot hold.
    """

    name: str
    compose: tuple[str, ...]
    services: tuple[Drafted, ...]
    looked: bool = False
    gateway: str = ""
    unset: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    unnameable: tuple[str, ...] = ()
