"""Ports of 127.0.0.1 that stay ours while nothing, this process or another listens there."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
BACKLOG = 512


class HeldPort:
    """A port that the system picked, held from then on.

    A socket that is bound but never listens keeps others away: the system picks a port in use for nobody, and gives it out as no
    client's own either. Because it is bound for reuse, one socket at a time may listen on the same port beside it: our own
    listener, or a server of its own such as PostgreSQL, which asks for reuse too.
    """

    def __init__(self) -> None:
        self._holder = _bound(0)
        self.number: int = self._holder.getsockname()[1]
        self._listener: socket.socket | None = None

    @property
    def listener(self) -> socket.socket:
        """Our listening socket, opened when it was not. Clients wait in its queue until somebody accepts them."""
        if self._listener is None:
            self._listener = _bound(self.number)
            self._listener.listen(BACKLOG)
        return self._listener

    def refuse(self) -> None:
        """Stop listening, also in processes that inherited the socket; clients that wait are reset, new ones refused."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def leave(self) -> None:
        """Close this process's own copies, and nothing else: the parent goes on listening."""
        self._holder.close()
        if self._listener is not None:
            self._listener.close()

    def close(self) -> None:
        """Give the port back."""
        self.refuse()
        self._holder.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, port))
    return made
