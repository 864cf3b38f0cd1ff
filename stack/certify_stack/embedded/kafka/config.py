"""What the broker is started with. A single node for one run: small, quick to start and to come back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from certify_stack.embedded.kafka.java import Java

_LOGGING = "org.apache.logging.log4j.simplelog"
NODE = 1
_HEAP = "160m"
_FEATURE_UNSAFE = 23
_FEATURE_NATIVE = 24
_MEGA = 1 << 20

_COMMON: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": str(NODE),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "auto.create.topics.enable": "false",
    # One node, so one copy of one partition of each of Kafka's own topics.
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker may register again only when its old session is over: 9 s by default.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    # The controller is the only one to read its own log: no need to write into it twice a second that nothing happened.
    "metadata.max.idle.interval.ms": "5000",
    # Nobody asks over JMX.
    "metric.reporters": "",
    # Memory: these are claimed at once and sized for large clusters.
    "log.cleaner.dedupe.buffer.size": str(2 * _MEGA),
    "log.cleaner.threads": "1",
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
    "group.coordinator.threads": "1",
    "share.coordinator.threads": "1",
    "num.recovery.threads.per.data.dir": "1",
    "log.segment.bytes": str(64 * _MEGA),
    "log.index.size.max.bytes": str(_MEGA),
}
# Acknowledged means on the disk, not only handed to the operating system.
_DURABLE: Mapping[str, str] = {"log.flush.interval.messages": "1"}
# The broker's own log: warnings, errors, and the line that says that it is up. The simple logger of Log4j's API does that without
# Log4j's core, which reads a configuration for a tenth of the broker's start.
LOG_OPTIONS = (
    "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory",
    f"-D{_LOGGING}.level=WARN",
    f"-D{_LOGGING}.kafka.server.KafkaRaftServer.level=INFO",
    # Warns at every start that it starts.
    f"-D{_LOGGING}.org.apache.kafka.controller.QuorumController.level=ERROR",
    f"-D{_LOGGING}.showdatetime=true",
    f"-D{_LOGGING}.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    f"-D{_LOGGING}.logFile=system.out",
)


def properties(data: Path, port: int, controller_port: int = 0, *, disposable: bool = True) -> str:
    """The text of `server.properties`. Port 0 lets the system choose."""
    values = {
        **_COMMON,
        **({} if disposable else _DURABLE),
        "log.dirs": str(data),
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        # A single voter finds itself in its own log; a port that nobody can use satisfies the parser.
        "controller.quorum.bootstrap.servers": "127.0.0.1:1",
    }
    return "".join(f"{key}={_escaped(value)}\n" for key, value in values.items())


def flags(java: Java) -> tuple[str, ...]:
    """Options of the JVM: little memory, a quick start, nothing written outside the run's own folder."""
    chosen = [
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        # Most of what a broker runs at its start, it runs a few times: compiling that costs more than it brings.
        "-XX:CompileThresholdScaling=4",
        "-Xms48m",
        "-Xmn32m",
        f"-Xmx{_HEAP}",
        "-XX:-UsePerfData",
        # The JVM's own warnings are about archives that it then does without; its errors stay.
        "-Xlog:disable",
        "-Xlog:all=error:stdout",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        *LOG_OPTIONS,
    ]
    # Newer run-times warn of what Kafka's and its compressors' libraries do.
    chosen += ["--sun-misc-unsafe-memory-access=allow"] if java.feature >= _FEATURE_UNSAFE else []
    chosen += ["--enable-native-access=ALL-UNNAMED"] if java.feature >= _FEATURE_NATIVE else []
    return tuple(chosen)


def key(*parts: object) -> str:
    """A short name for what was made from `parts`."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:16]


def _escaped(value: str) -> str:
    """Java reads such a file as Latin-1; anything else is written as an escape."""
    return "".join(c if " " < c <= "~" and c != "\\" else f"\\u{ord(c):04x}" for c in value)
