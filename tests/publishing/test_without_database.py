"""The real web process while its database is gone, and while it hangs."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.publishing import models
from tests.services import free_port

pytestmark = pytest.mark.e2e

ADMIN_REQUESTS = 100


@pytest.fixture
def hanging_server() -> Iterator[int]:
    """A server that accepts every connection and never says a word; the port."""
    held: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    for connection in held:
        connection.close()


@contextmanager
def web(tmp_path: Path, published_dir: Path, database_port: int) -> Iterator[int]:
    """Run the web process as `up` does; yield its port."""
    port = free_port()
    environment = os.environ | {
        "DATA_DIR": str(tmp_path / "data"),
        "PUBLISHED_DIR": str(published_dir),
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATABASE_URL": f"postgres://nobody:secret@127.0.0.1:{database_port}/none",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{database_port}/0",
    }
    (tmp_path / "data").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "statusplatform.supervisor.child", "web", "127.0.0.1", str(port)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def ask(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_page_answers_while_the_database_hangs_and_a_hundred_ask_the_admin(
    hanging_server: int, published_dir: Path, tmp_path: Path, publish: Callable[..., Any]
) -> None:
    publish(models.operational())
    statuses: list[int] = []
    times: list[float] = []

    with web(tmp_path, published_dir, hanging_server) as port:
        # Django is loaded by then, so that every one of the hundred reaches the database.
        while ask(port, "/admin/login/")[0] == 503:
            time.sleep(0.1)
        threads = [
            threading.Thread(
                target=lambda: statuses.append(
                    ask(port, "/admin/", Cookie="sessionid=" + "x" * 32)[0]
                )
            )
            for _ in range(ADMIN_REQUESTS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            status, body = ask(port, "/status/acme/api/v2/status.json")
            times.append(time.monotonic() - started)
            assert status == 200
            assert b"All Systems Operational" in body
            time.sleep(0.05)
        for thread in threads:
            thread.join()

    assert len(statuses) == ADMIN_REQUESTS
    assert statuses.count(503) >= ADMIN_REQUESTS - 16
    assert set(statuses) <= {500, 503}
    assert max(times) < 2


def test_the_page_answers_while_nothing_listens_where_the_database_was(
    published_dir: Path, tmp_path: Path, publish: Callable[..., Any]
) -> None:
    publish(models.operational())

    with web(tmp_path, published_dir, free_port()) as port:
        html = ask(port, "/status/acme/")
        by_host = ask(port, "/", Host="acme.localhost")

    assert html[0] == by_host[0] == 200
    assert html[1] == by_host[1]
