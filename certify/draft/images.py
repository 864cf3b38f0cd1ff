"""Images that are known by their name: what is in them, whoever publishes them. Pure."""

import re
from typing import Final

from certify.draft.model import Kind

_NAMES: Final[dict[Kind, str]] = {
    Kind.DATABASE: (
        "postgres postgresql postgis timescaledb pgvector mysql mariadb percona mongo mongodb redis redis-stack valkey "
        "keydb dragonfly memcached cassandra scylla cockroach cockroachdb clickhouse clickhouse-server elasticsearch "
        "opensearch couchdb couchbase influxdb neo4j rethinkdb arangodb yugabyte tidb mssql server minio qdrant weaviate "
        "milvus meilisearch typesense solr etcd dynamodb-local firebird oracle-xe oracle-free surrealdb questdb vault"
    ),
    Kind.BROKER: (
        "kafka cp-kafka redpanda rabbitmq nats nats-streaming pulsar activemq activemq-artemis artemis mosquitto emqx "
        "vernemq hivemq4 zookeeper cp-zookeeper cp-schema-registry schema-registry nsqd nsqlookupd"
    ),
    Kind.PROXY: "nginx nginx-unprivileged traefik haproxy envoy caddy httpd varnish kong apisix squid openresty pgbouncer",
    Kind.DEVELOPMENT: (
        "adminer phpmyadmin pgadmin pgadmin4 pgweb mongo-express redis-commander redisinsight mailhog mailpit maildev "
        "mailcatcher smtp4dev kafka-ui kafdrop akhq redpanda-console cloudbeaver dozzle portainer localstack wiremock "
        "swagger-ui swagger-editor storybook ngrok jupyter selenium standalone-chrome standalone-firefox browserless"
    ),
}
_KINDS: Final = {name: kind for kind, names in _NAMES.items() for name in names.split()}
# Images whose last word says nothing without the one before it.
_AMBIGUOUS: Final = frozenset({"server"})
_PUBLISHED_AS: Final = frozenset({"mssql/server"})
# A health check's tool tells what it asks.
_TOOLS: Final[tuple[tuple[str, Kind], ...]] = (
    (r"pg_isready|psql|mysqladmin|mysql|mariadb-admin|healthcheck\.sh --connect|redis-cli|valkey-cli", Kind.DATABASE),
    (r"mongosh?|cqlsh|nodetool|clickhouse-client|cypher-shell|etcdctl", Kind.DATABASE),
    (
        r"rabbitmq-diagnostics|rabbitmqctl|kafka-[a-z-]+(?:\.sh)?|rpk|nats-server|mosquitto_sub|zkServer\.sh",
        Kind.BROKER,
    ),
)
_PORTS: Final[dict[Kind, frozenset[int]]] = {
    Kind.DATABASE: frozenset({5432, 3306, 1433, 1521, 27017, 6379, 9042, 26257, 11211, 7687}),
    Kind.BROKER: frozenset({9092, 9094, 5672, 4222, 1883, 6650, 61616}),
}


def short_name(image: str) -> str:
    """The last word of an image's name, without registry, tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def kind_of_image(image: str) -> Kind | None:
    """What is in an image of that name; None when nobody knows."""
    name = short_name(image)
    if name in _AMBIGUOUS:
        words = image.partition("@")[0].split("/")
        return _KINDS[name] if f"{'/'.join(words[-2:-1])}/{name}" in _PUBLISHED_AS else None
    return _KINDS.get(name)


def is_official(image: str) -> bool:
    """Whether it is one of Docker's own collection: no registry, no publisher."""
    return "/" not in image.removeprefix("docker.io/library/")


def kind_of_tool(command: str) -> tuple[Kind, str] | None:
    """What a health check of that text asks, and the tool by which that is known."""
    for pattern, kind in _TOOLS:
        if found := re.search(rf"(?<![\w./-])(?:[\w./-]*/)?({pattern})(?![\w-])", command):
            return kind, found[1]
    return None


def kind_of_port(port: int) -> Kind | None:
    """What listens at a port of that number as a rule."""
    return next((kind for kind, ports in _PORTS.items() if port in ports), None)
