"""Locust's sockets between master and workers, encrypted, and closed to whoever has not the token."""

from types import SimpleNamespace
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
import zmq.green as zmq
from locust import runners
from locust.rpc.zmqrpc import BaseSocket
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from certify_checks.load.generator.distributed.secret import MASTER, WORKER, pair

LARGEST: Final = 64 << 20  # bytes of one message
# What libzmq tells of a peer without the right keys: refused by name, by its broken box, or by the line going dead.
_REFUSED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_ZAP: Final = "inproc://zeromq.zap.01"


def secure(token: str) -> None:
    """Have Locust's runners of this process use these sockets, and notice sooner who is gone.

    Raises:
        TokenError: the token cannot be one.
    """
    master, worker = pair(token, MASTER), pair(token, WORKER)

    def server(host: str, port: int) -> Server:
        return Server(host, port, master.secret, worker.public)

    def client(host: str, port: int, identity: str) -> Client:
        return Client(host, port, identity, (master.public, worker.public, worker.secret))

    vars(runners)["rpc"] = SimpleNamespace(Server=server, Client=client)
    vars(runners)["HEARTBEAT_LIVENESS"] = 10  # seconds; Locust's 3 are less than a busy machine may stall
    vars(runners)["HEARTBEAT_DEAD_INTERNAL"] = -(10**9)  # who is lost stays lost, and nobody gets their users
    vars(runners)["MASTER_HEARTBEAT_TIMEOUT"] = 15  # a stack is not loaded on for a master who is gone


class _Curved(BaseSocket):
    """A socket with a watch on who is refused: `refused` counts them."""

    def __init__(self, kind: int, *, ipv4_only: bool) -> None:
        super().__init__(kind, ipv4_only)  # type: ignore[no-untyped-call]
        self.refused = 0
        self.socket.setsockopt(zmq.MAXMSGSIZE, LARGEST)
        self._monitor = self.socket.get_monitor_socket(_REFUSED)
        self._watching = gevent.spawn(self._watch)

    def _watch(self) -> None:
        while True:
            recv_monitor_message(self._monitor)
            self.refused += 1

    def close(self, linger: int | None = None) -> None:
        """Close the socket and end its watch."""
        self._watching.kill()
        self.socket.disable_monitor()
        super().close(linger=linger)  # type: ignore[no-untyped-call]


class Server(_Curved):
    """The master's: lets in whoever has the worker's key."""

    def __init__(self, host: str, port: int, secret: bytes, allowed: bytes) -> None:
        super().__init__(zmq.ROUTER, ipv4_only=":" not in host)
        self._gate = _gate(self.socket.context, allowed)
        self.socket.curve_secretkey = secret
        self.socket.curve_server = True
        self.socket.zap_domain = b"load"
        self.socket.bind(f"tcp://{host}:{port}")
        self.port = int(bytes(self.socket.getsockopt(zmq.LAST_ENDPOINT)).decode().rpartition(":")[2])


class Client(_Curved):
    """A worker's: `keys` are the master's public key and its own pair."""

    def __init__(self, host: str, port: int, identity: str, keys: tuple[bytes, bytes, bytes]) -> None:
        super().__init__(zmq.DEALER, ipv4_only=self.ipv4_only(host, port))
        self.socket.setsockopt(zmq.IDENTITY, identity.encode())
        self.socket.curve_serverkey, self.socket.curve_publickey, self.socket.curve_secretkey = keys
        self.socket.connect(f"tcp://{host}:{port}")


def _gate(context: Any, allowed: bytes) -> Any:
    """Answer ZeroMQ's questions who may come in (ZAP, RFC 27): only the one with this key."""
    asked = context.socket(zmq.REP)
    asked.bind(_ZAP)
    return gevent.spawn(_answer, asked, allowed)


def _answer(asked: Any, allowed: bytes) -> None:
    while True:
        version, number, _domain, _address, _identity, mechanism, *credentials = asked.recv_multipart()
        right = mechanism == b"CURVE" and credentials == [z85.decode(allowed)]
        status, text = (b"200", b"OK") if right else (b"400", b"no such key")
        asked.send_multipart([version, number, status, text, b"worker" if right else b"", b""])
