"""A small HTTP server on loopback that notes when each request came; paths under /hang/ are never answered."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nWelcome"
Arrivals = dict[bytes, list[float]]
"""Monotonic seconds of each connection, by the path that was asked for."""


class _Protocol(asyncio.Protocol):
    arrivals: Arrivals = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.moment = time.monotonic()

    def data_received(self, data: bytes) -> None:
        path = data.split(b" ", 2)[1]
        self.arrivals.setdefault(path, []).append(self.moment)
        if not path.startswith(b"/hang/"):
            self.transport.write(ANSWER)  # type: ignore[attr-defined]
            self.transport.close()


def _serve(pipe: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Protocol, "127.0.0.1", 0, backlog=4096)
        pipe.send(server.sockets[0].getsockname()[1])
        while await loop.run_in_executor(None, pipe.recv):
            pipe.send(_Protocol.arrivals)
        server.close()

    asyncio.run(main())


class Target:
    """The server in a process of its own."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url = f"http://127.0.0.1:{pipe.recv()}"

    def arrivals(self) -> Arrivals:
        """Return all that has come so far."""
        self._pipe.send(True)
        found: Arrivals = self._pipe.recv()
        return found


@contextlib.contextmanager
def running_target() -> Iterator[Target]:
    """Run the server."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield Target(here)
    finally:
        process.kill()
        process.join()
