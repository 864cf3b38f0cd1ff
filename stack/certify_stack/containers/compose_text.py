"""The parts of the compose file that are the same whatever the profile says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from certify_stack.containers import places

# Braces are doubled: it is a template of str.format.
HEADER: Final = (
    """\
# Generated from the profile {profile!r}; write it anew with: certify compose write --profile {profile}
#
#   certify --profile {profile} --driver compose               certify what runs in these containers
#   docker compose -f docker-compose.test.yml up --build      run it by hand; `port gateway 8080` tells the gateway's address
#
# For tests: data survive a restart of a container, not a power cut. All secrets are made by the first start, in a volume; who
# wants to log in finds them there: `run --rm --no-deps secrets cat /secrets/caller/endpoints.json`.
name: {profile}

# How certify reaches what publishes no port; see docs/compose.md.
x-certify:
{extension}

x-confined: &confined
  read_only: true
  tmpfs: ["/tmp:size=32m,mode=1777"]
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  pids_limit: 256

x-checked: &checked
  interval: 10s
  timeout: 6s
  retries: 3
  start_period: 60s

x-environment: &environment
  ERP_AUTH_JWKS: """
    f"{places.JWKS}\n  ERP_BROKER: {places.BROKER}:{places.BROKER_PORT}\n"
    """\
  ERP_SERVICE_URLS: '{urls}'
  ERP_OTLP_ENDPOINT: ${{CERTIFY_SPANS_TO:-}}

x-service: &service
  <<: *confined
  image: certify-stack/services
  # The job `secrets` has built it.
  pull_policy: never
  mem_limit: 256m
  restart: on-failure:3
"""
    f'  ports: ["127.0.0.1::{places.PORT}"]\n  volumes: ["secrets:{places.SECRETS}:ro"]\n'
    """\
  depends_on:
    secrets: {{condition: service_completed_successfully}}
    migrations: {{condition: service_completed_successfully}}
    topics: {{condition: service_completed_successfully}}

services:
"""
)

JOBS: Final = f"""\
  # Keys, passwords and tokens: made once, each readable by the user of the container that needs it alone.
  secrets:
    <<: *confined
    build: {{context: ., dockerfile: stack/Dockerfile, target: services}}
    image: certify-stack/services
    user: "0"
    cap_add: [CHOWN, DAC_OVERRIDE, FOWNER]
    network_mode: none
    command: [python, -m, certify_stack.containers, secrets]
    mem_limit: 256m
    volumes: ["secrets:{places.SECRETS}", "roles:{places.ROLES}"]

  migrations:
    <<: *confined
    image: certify-stack/services
    pull_policy: never
    user: "{places.USERS[places.MIGRATIONS]}"
    command: [python, -m, certify_stack.containers, migrations]
    mem_limit: 512m
    volumes: ["secrets:{places.SECRETS}:ro"]
    depends_on:
      {places.DATABASE}: {{condition: service_healthy}}

  topics:
    <<: *confined
    image: certify-stack/services
    pull_policy: never
    user: "{places.USERS[places.MIGRATIONS]}"
    command: [python, -m, certify_stack.containers, topics]
    environment:
      ERP_BROKER: {places.BROKER}:{places.BROKER_PORT}
      CLUSTER_ID: &cluster 5L6g3nShT-eMCtK--X86sw
    mem_limit: 256m
    depends_on:
      {places.BROKER}: {{condition: service_started}}

  # Only for certify: between a folder of the machine and this network, so that nothing here needs to publish a port to be tested.
  door:
    <<: *confined
    profiles: [certify]
    image: certify-stack/services
    pull_policy: never
    user: "${{CERTIFY_DOOR_USER:-65534}}"
    command:
      - python
      - -m
      - certify_stack.containers
      - door
      - --to={places.DATABASE}:{places.DATABASE_PORT}
      - --to={places.BROKER}:{places.BROKER_OUTSIDE_PORT}
      - --spans={places.SPANS_PORT}
    mem_limit: 256m
    volumes: ["${{CERTIFY_DOOR:-/nonexistent}}:{places.DOOR}"]
    depends_on:
      secrets: {{condition: service_completed_successfully}}
"""

DATABASE: Final = f"""\
  {places.DATABASE}:
    image: postgres:18
    read_only: true
    tmpfs: ["/tmp:mode=1777", "/run/postgresql:uid=999,gid=999"]
    cap_drop: [ALL]
    cap_add: [CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID]
    security_opt: ["no-new-privileges:true"]
    # Nobody knows the superuser's password: roles and databases are made from inside, where none is asked.
    entrypoint:
      - bash
      - -c
      - >-
        export POSTGRES_PASSWORD="$$(head -c 24 /dev/urandom | base64)" &&
        exec bash /usr/local/bin/docker-entrypoint.sh "$$@"
      - entrypoint
    command:
      - postgres
      - -cmax_connections=200
      - -cshared_buffers=64MB
      - -cmax_wal_senders=0
      - -cwal_level=minimal
      - -cjit=off
      - -ctimezone=UTC
      - -clog_timezone=UTC
      - -cfsync=off
      - -cfull_page_writes=off
    environment: {{POSTGRES_INITDB_ARGS: --no-sync}}
    stop_signal: SIGINT
    shm_size: 128m
    mem_limit: 512m
    restart: on-failure:3
    volumes: ["database:/var/lib/postgresql", "roles:/docker-entrypoint-initdb.d:ro"]
    depends_on:
      secrets: {{condition: service_completed_successfully}}
    healthcheck:
      <<: *checked
      interval: 2s
      # Not asked before it is ready: it would call that fatal in its log.
      test:
        - CMD
        - bash
        - -c
        - grep -qs "^ready" "$$PGDATA/postmaster.pid" && pg_isready --quiet --host=127.0.0.1 --username=postgres
"""

BROKER: Final = f"""\
  {places.BROKER}:
    image: apache/kafka:4.1.0
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
      CLUSTER_ID: *cluster
      KAFKA_HEAP_OPTS: -Xms64m -Xmx256m
      # It lives for minutes: compiling little starts sooner.
      KAFKA_JVM_PERFORMANCE_OPTS: -XX:+UseSerialGC -XX:TieredStopAtLevel=1
      KAFKA_NODE_ID: 1
      KAFKA_PROCESS_ROLES: broker,controller
      KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093
      KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER
      KAFKA_INTER_BROKER_LISTENER_NAME: INSIDE
      KAFKA_LISTENERS: INSIDE://:{places.BROKER_PORT},OUTSIDE://:{places.BROKER_OUTSIDE_PORT},CONTROLLER://:9093
      # Its clients go on to the address that is advertised: who comes through the door needs another one than the services.
      KAFKA_ADVERTISED_LISTENERS: INSIDE://{places.BROKER}:{places.BROKER_PORT},OUTSIDE://127.0.0.1:${{CERTIFY_BROKER_PORT:-{places.BROKER_OUTSIDE_PORT}}}
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT
      KAFKA_LOG_DIRS: /var/lib/kafka/data
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false"
      KAFKA_NUM_PARTITIONS: 1
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: 1
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: 1
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: 1
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: 1
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: 0
      KAFKA_BROKER_SESSION_TIMEOUT_MS: 1500
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: 300
    mem_limit: 768m
    restart: on-failure:3
    volumes: ["broker:/var/lib/kafka/data"]
    depends_on:
      secrets: {{condition: service_completed_successfully}}
    healthcheck:
      <<: *checked
      interval: 2s
      test: [CMD, bash, -c, "exec 3<>/dev/tcp/127.0.0.1/{places.BROKER_PORT}"]
"""

_VOLUMES: Final = """\
volumes:
  secrets:
  roles:
  database:
  broker:
"""


def document(blocks: Iterable[str]) -> str:
    """What follows the header: the services, then the volumes."""
    return "\n".join((*blocks, _VOLUMES))
