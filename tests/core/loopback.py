"""Servers on loopback that answer as they please, well or badly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Reply = Callable[[socket.socket, bytes], None]


@dataclass
class Loopback:
    """A running server: where it is, and what it was asked (raw request heads and bodies, in order)."""

    port: int
    scheme: str
    asked: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(
    reply: Reply, *, tls: ssl.SSLContext | None = None, reads: bool = True
) -> Iterator[Loopback]:
    """Serve each connection on a thread: read a request (unless `reads` is false), then `reply(connection, request)`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = Loopback(listener.getsockname()[1], "https" if tls else "http")
    connections: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            request = read_request(connection) if reads else b""
            server.asked.append(request)
            reply(connection, request)
            if tls is not None:
                connection.unwrap()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        server.closing.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read a head, and a body by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answering(
    body: bytes = b"ok", *, status: str = "200 OK", headers: tuple[str, ...] = ()
) -> Reply:
    """Always give the same answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda connection, _: connection.sendall(raw)


def routing(routes: dict[str, Reply]) -> Reply:
    """Answer by path; 404 elsewhere."""

    def reply(connection: socket.socket, request: bytes) -> None:
        target = request.split(b" ", 2)[1].decode() if b" " in request else ""
        chosen = routes.get(target.partition("?")[0], answering(b"", status="404 Not Found"))
        chosen(connection, request)

    return reply


def redirecting(location: str, status: str = "302 Found") -> Reply:
    return answering(b"", status=status, headers=(f"Location: {location}",))


def hanging(server_closing: threading.Event | None = None) -> Reply:
    """Accept, read, and never answer."""

    def reply(connection: socket.socket, _: bytes) -> None:
        (server_closing or threading.Event()).wait(30)

    return reply
