"""The web server: granian's WSGI worker, run in the process that asks for it.

granian's own main process watches its workers and restarts them. Under `up` that is the
supervisor's job, and a second interpreter that only waits would cost about 30 MB.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server import MPServer

BACKLOG = 1024
# Requests accepted and not answered yet; past it new connections wait in the kernel's queue.
MOST_AT_ONCE = 256


class InProcessServer(MPServer):  # type: ignore[misc]  # granian's class is untyped
    """A server whose one worker is this process."""

    def _serve(self, spawn_target: Callable[..., None], target_loader: Callable[[], Any]) -> None:
        self._init_shared_socket()
        self._start_ipc()
        # A multiprocessing.Process that is run instead of started does its work right here.
        self._spawn_worker(0, spawn_target, target_loader).inner.run()


def serve(host: str, port: int, threads: int) -> None:
    """Serve statusplatform.wsgi:application until SIGTERM or SIGINT."""
    logging.getLogger("_granian").setLevel(logging.WARNING)
    InProcessServer(
        "statusplatform.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        backlog=BACKLOG,
        backpressure=MOST_AT_ONCE,
        http=HTTPModes.http1,
        log_enabled=False,
    ).serve()
