"""The stack as checks see it: services with their endpoints and what the profile declares of them."""

from typing import Any

import msgspec


class Probes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Paths of the health probes, relative to the service's address."""

    live: str = ""
    ready: str = ""


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """One deployable.

    Attributes:
        name: as the profile names it.
        url: base address, such as `http://127.0.0.1:4001`; empty until the stack is up.
        probes: paths of live and ready.
        graphql: path of the GraphQL end point; empty when it has none.
        metrics: path of Prometheus metrics; empty when it has none.
        database: DSN for reading and, where disposable, writing; empty when it has none.
        migrations: folder of its migrations, relative to the source root.
        source: folders or files of its source, relative to the source root.
        tests: command of its own suite, run in the source root.
        owner: who mends it.
        tier: 1 is the most critical.
        calls: names of the services that it calls.
        pid: process id when the driver knows it, else 0.
        log: path of its log file when the driver has one.
    """

    name: str
    url: str = ""
    probes: Probes = Probes()
    graphql: str = ""
    metrics: str = ""
    database: str = ""
    migrations: str = ""
    source: tuple[str, ...] = ()
    tests: str = ""
    owner: str = ""
    tier: int = 3
    calls: tuple[str, ...] = ()
    pid: int = 0
    log: str = ""


class Stack(msgspec.Struct, frozen=True, omit_defaults=True):
    """All services, the gateway apart, and how to log in.

    `credentials` has, as far as the stack gives them: `login` (URL), `users` {role: {username, password}},
    `tokens` {name: bearer}, `jwt` {issuer, audience, algorithm, kid, private_key_file}.
    """

    services: tuple[Service, ...] = ()
    gateway: Service | None = None
    credentials: dict[str, Any] = {}
    reference: bool = False
    disposable: bool = False

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            KeyError: there is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)
