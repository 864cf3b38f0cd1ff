"""`python -m certify_stack.erp compose`: the stack as a compose file, out of what a profile says of it. Pure but for `main`.

Standard input has JSON, `{"profile": NAME, "services": {NAME: {"ready": PATH}}, "gateway": PATH}`; the file goes to standard output.
The paths are those of the ready probes; an empty `gateway` leaves the gateway away.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from certify_stack.containers import places
from certify_stack.containers.compose_text import BROKER, DATABASE, HEADER, JOBS, document
from certify_stack.erp import SERVICES

_READY: Final = "/health/ready"
_PROBE: Final = (
    "import socket;s=socket.create_connection(('127.0.0.1',{port}),5);"
    "s.sendall(b'GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n');raise SystemExit(b' 200 ' not in s.recv(64))"
)
# What single services are told besides.
_MORE: Final = {
    "auth": f"\n      ERP_AUTH_PRIVATE_KEY: {places.SECRETS}/auth/{places.KEY_FILE}",
    "notification": (
        f"\n      ERP_MAIL_SERVER: {places.SINK}:{places.SMTP_PORT}"
        f"\n      ERP_SMS_PROVIDER: http://{places.SINK}:{places.PORT}"
    ),
}
_NODE_PROBE: Final = "fetch('http://127.0.0.1:{port}{path}').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
USAGE: Final = 2


class UnknownServiceError(ValueError):
    """The profile names a service that this stack does not have."""


def main() -> int:
    """Read the profile's words, write the file; returns the exit code."""
    try:
        told = json.load(sys.stdin)
        sys.stdout.write(compose_file(told["profile"], told["services"], told["gateway"]))
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE
    return 0


def compose_file(profile: str, services: Mapping[str, Mapping[str, str]], gateway: str) -> str:
    """The text of the file.

    Args:
        profile: Its name, which becomes that of the Compose project.
        services: What is to run, with the path of its ready probe as `ready`.
        gateway: The path of the gateway's ready probe; empty: no gateway.

    Raises:
        UnknownServiceError: A service is not of this stack.
    """
    if unknown := sorted(set(services) - set(SERVICES)):
        raise UnknownServiceError(f"the stack has no service {unknown[0]!r}; it has {', '.join(SERVICES)}")
    if absent := sorted(set(SERVICES) - set(services)):
        raise UnknownServiceError(f"the services refer to each other: {absent[0]!r} cannot be left out")
    blocks = [
        JOBS,
        DATABASE,
        BROKER,
        _sink(),
        *(_service(name, services[name].get("ready") or _READY) for name in services),
    ]
    if gateway:
        blocks.append(_gateway(tuple(services), gateway))
    return HEADER.format(profile=profile, extension=_extension(), urls=_urls(services)) + document(blocks)


def _extension() -> str:
    """What certify must know of the stack to test it from outside."""
    database, broker = f"{places.DATABASE}:{places.DATABASE_PORT}", f"{places.BROKER}:{places.BROKER_OUTSIDE_PORT}"
    return _flow(
        {
            "endpoints": {"service": "secrets", "file": places.ENDPOINTS},
            "parts": {"database": places.DATABASE, "broker": places.BROKER},
            "door": {
                "service": "door",
                "folder": "CERTIFY_DOOR",
                "user": "CERTIFY_DOOR_USER",
                "to": {database: "", broker: "CERTIFY_BROKER_PORT"},
                "spans": {"url": f"http://door:{places.SPANS_PORT}", "variable": "CERTIFY_SPANS_TO"},
            },
            "cut": {
                "database": {
                    "in": places.DATABASE,
                    "user": "postgres",
                    "cut": _sql(
                        'ALTER DATABASE "{service}" ALLOW_CONNECTIONS false',
                        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '{service}'",
                    ),
                    "mend": _sql('ALTER DATABASE "{service}" ALLOW_CONNECTIONS true'),
                }
            },
            "outside_health": True,
        },
        1,
    )


def _sql(*statements: str) -> list[str]:
    words = ["psql", "--host=/var/run/postgresql", "--username=postgres", "--quiet", "--set=ON_ERROR_STOP=1"]
    return [*words, *(f"--command={statement}" for statement in statements)]


def _service(name: str, ready: str) -> str:
    more = _MORE.get(name, "")
    probe = ["CMD", "python", "-ISc", _PROBE.format(port=places.PORT, path=ready)]
    return f"""\
  {name}:
    <<: *service
    user: "{places.USERS[name]}"
    command: [python, -m, certify_stack.erp, {name}, --host, 0.0.0.0, --port, "{places.PORT}"]
    environment:
      <<: *environment
      ERP_DATABASE_DSN_FILE: {places.SECRETS}/{name}/{places.DSN_FILE}
      ERP_SERVICE_TOKEN_FILE: {places.SECRETS}/{name}/{places.TOKEN_FILE}{more}
    healthcheck:
      <<: *checked
      test: {json.dumps(probe)}
"""


def _sink() -> str:
    probe = ["CMD", "python", "-ISc", _PROBE.format(port=places.PORT, path=_READY)]
    return f"""\
  # Where e-mails and text messages end; it tells what arrived, and needs nothing of the others.
  {places.SINK}:
    <<: *confined
    image: certify-stack/services
    pull_policy: never
    user: "{places.USERS[places.SINK]}"
    command: [python, -m, certify_stack.embedded.sink, "0.0.0.0:{places.SMTP_PORT}", "0.0.0.0:{places.PORT}"]
    mem_limit: 128m
    restart: on-failure:3
    ports: ["127.0.0.1::{places.PORT}"]
    depends_on:
      secrets: {{condition: service_completed_successfully}}
    healthcheck:
      <<: *checked
      test: {json.dumps(probe)}
"""


def _gateway(services: tuple[str, ...], ready: str) -> str:
    probe = ["CMD", "node", "-e", _NODE_PROBE.format(port=places.PORT, path=ready)]
    needs = "".join(f"\n      {name}: {{condition: service_started}}" for name in services)
    return f"""\
  {places.GATEWAY}:
    <<: *confined
    build: {{context: ., dockerfile: stack/Dockerfile, target: gateway}}
    image: certify-stack/gateway
    user: "{places.GATEWAY_USER}"
    command: [node, --max-old-space-size=160, --max-semi-space-size=8, /opt/gateway.mjs, {places.SECRETS}/{places.GATEWAY}/{places.GATEWAY_FILE}]
    # It ends when its standard input does.
    stdin_open: true
    mem_limit: 384m
    restart: on-failure:3
    ports: ["127.0.0.1::{places.PORT}"]
    volumes: ["secrets:{places.SECRETS}:ro"]
    depends_on:
      secrets: {{condition: service_completed_successfully}}{needs}
    healthcheck:
      <<: *checked
      test: {json.dumps(probe)}
"""


def _urls(services: Mapping[str, Any]) -> str:
    return json.dumps({name: f"http://{name}:{places.PORT}" for name in services}, separators=(",", ":"))


def _flow(value: Mapping[str, Any], depth: int) -> str:
    """Nested mappings as indented lines; what is no mapping as JSON, which YAML reads."""
    lines = []
    for key, inner in value.items():
        name = json.dumps(key) if ":" in key else key
        if isinstance(inner, Mapping):
            lines += [f"{'  ' * depth}{name}:", _flow(inner, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{name}: {json.dumps(inner)}")
    return "\n".join(lines)
