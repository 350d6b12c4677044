"""A loopback HTTP target that tests break and repair. It keeps when it answered what."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Target:
    """`broken` answers 503, `hanging` answers after it is cleared. `answers` holds (monotonic s, path, status)."""

    port: int = 0
    broken: bool = False
    hanging: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hang(self) -> None:
        self.hanging.clear()

    def release(self) -> None:
        self.hanging.set()

    def first_answer_since(self, since: float, status: int) -> float | None:
        """Return when the target first gave that status after `since` (monotonic s)."""
        return next(
            (at for at, _, code in list(self.answers) if at >= since and code == status), None
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextlib.contextmanager
def running_target() -> Iterator[Target]:
    """Run a target on a free port."""
    target = Target()
    target.release()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target.hanging.wait(60)
            status = 503 if target.broken else 200
            target.answers.append((time.monotonic(), self.path, status))
            body = b"down" if target.broken else b"Welcome"
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    target.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield target
    finally:
        target.release()
        server.shutdown()
        server.server_close()
