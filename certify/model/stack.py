"""The stack as checks see it: services with their endpoints and what the profile declares of them."""

from typing import Any

import msgspec


class Probes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Paths of the health probes, relative to the service's address."""

    live: str = ""
    ready: str = ""


class Container(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a service runs in, and how it is told from outside that it runs well.

    Attributes:
        id: the engine's id of it; empty: there is none.
        engine: where its engine is asked; empty: where every client looks by itself.
        ports: TCP ports, as they are numbered inside, that are published on the loopback address and must be served.
        checked: it has a health check that can run, so that it must say `healthy`.
        ends: ending with exit code 0 is all that is asked of it.
        disks: folders in memory, small together and each with a limit, that can be filled up without harm to the machine.
    """

    id: str = ""
    engine: str = ""
    ports: tuple[int, ...] = ()
    checked: bool = False
    ends: bool = False
    disks: tuple[str, ...] = ()


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
        calls: names of the services that it calls and waits for.
        consumes: names of the services whose events it takes from the broker.
        pid: process id when the driver knows it, else 0.
        log: path of its log file when the driver has one.
        container: what it runs in, when the driver runs containers.
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
    consumes: tuple[str, ...] = ()
    pid: int = 0
    log: str = ""
    container: Container | None = None


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the stack changed its state.

    Attributes:
        part: name of the service, or of another part such as the gateway, the database server, the broker.
        state: `starting`, `listening`, `ready`, `died`, `restarting`, `given-up` or whatever else a driver tells.
        at_us: since the start of the boot.
        detail: how it ended, and the last lines of its log.
        asked: it follows from a disruption that a check asked for, so it is no defect of the stack.
    """

    part: str
    state: str
    at_us: int = 0
    detail: str = ""
    asked: bool = False


class Stack(msgspec.Struct, frozen=True, omit_defaults=True):
    """All services, the gateway apart, and how to log in.

    Attributes:
        parts: role -> name, of what is no service but can be disturbed: `database`, `broker`, `gateway`.
        broker: addresses of the message broker, as its clients want them; empty when there is none.
        spans: file that the spans which the stack sends are appended to while it runs; empty when nobody listens.
            One `certify.api.Span` a line, as JSON; `certify.api.read_spans` reads it.
        spans_to: address of who appends to it, for spans by OTLP over HTTP; a check may send some to see it work.
        undeclared: names of what was started with the stack and is not in the profile, so that nobody looks at it.
        happened: what was seen of the stack so far, in order; the boot included.
        peers: other stacks that are up beside this one to be compared with it, such as the version before; by name.

    `credentials` has, as far as the stack gives them: `login` (URL), `users` {role: {username, password}},
    `tokens` {name: bearer}, `jwt` {issuer, audience, algorithm, kid, private_key_file}.
    """

    services: tuple[Service, ...] = ()
    gateway: Service | None = None
    credentials: dict[str, Any] = {}
    reference: bool = False
    disposable: bool = False
    parts: dict[str, str] = {}
    broker: str = ""
    spans: str = ""
    spans_to: str = ""
    undeclared: tuple[str, ...] = ()
    happened: tuple[Happened, ...] = ()
    peers: dict[str, "Stack"] = {}

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            KeyError: there is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)
