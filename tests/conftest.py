"""What every test gets: a data folder of its own, the embedded back ends, loopback only."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.db import connections
from hypothesis import settings as hypothesis_settings

# Before Django reads its settings: tests never touch the installation's own data folder. The settings module is
# named here, and not in pyproject.toml, since pytest-django would load it before this file.
os.environ["DJANGO_SETTINGS_MODULE"] = "statusplatform.settings"
_DATA = tempfile.mkdtemp(prefix="statusplatform-tests-")
os.environ["DATA_DIR"] = _DATA
os.environ.setdefault("DATABASE_URL", os.environ.get("TEST_DATABASE_URL", ""))
os.environ["PUBLIC_URL"] = "http://status.test:8000"
os.environ["ALLOWED_HOSTS"] = "testserver,.localhost"
django.setup()

# A busy machine is no reason to fail: examples are bounded in number, not in milliseconds.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")


class RemoteSocketRefused(RuntimeError):
    """A test tried to reach something other than loopback."""


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Refuse sockets to anything but loopback and local files."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in {"local", "127.0.0.1", "::1", "localhost"} and not str(host).startswith(
            "127."
        ):
            raise RemoteSocketRefused(f"tests reach loopback only, not {host}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On SQLite use a file, as an installation does: threads' own connections wait for each other there."""
    database = connections.settings["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = os.path.join(_DATA, "test.sqlite3")


@pytest.fixture(autouse=True)
def published_dir(tmp_path: Path, settings: Any) -> Path:
    """Give each test a published folder of its own."""
    settings.PUBLISHED_DIR = tmp_path / "published"
    return tmp_path / "published"
