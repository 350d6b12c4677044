"""Real servers for the tests, started on loopback and thrown away: PostgreSQL and Redis from the system's packages."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


class Missing(Exception):
    """A program that the tests want is not installed; the text names it."""


def in_ci() -> bool:
    """Tell whether a missing service is a failure (CI=true) rather than something to leave out."""
    return os.environ.get("CI", "").lower() == "true"


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def postgres_bin() -> Path:
    """Return the folder with initdb and postgres. Raise Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    initdb = shutil.which("initdb")
    if initdb:
        return Path(initdb).resolve().parent
    raise Missing("PostgreSQL (Debian: postgresql)")


def redis_program() -> str:
    """Return the redis-server program. Raise Missing."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Missing("Redis (Debian: redis-server)")
    return program


def chromium_program() -> str:
    """Return Chromium's program. Raise Missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise Missing("Chromium (Debian: chromium)")
    return program


def _wait_for_port(port: int, process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended at once with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{name} did not listen within 30 s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL cluster of its own; give the URL of its `postgres` database. Raise Missing."""
    programs = postgres_bin()
    folder = Path(tempfile.mkdtemp(prefix="statusplatform-pg-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    port = free_port()
    options = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
        "fsync": "off", "max_connections": 200, "timezone": "UTC",
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *flags],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for_port(port, process, "PostgreSQL")
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(2)  # SIGINT: fast shutdown
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                _stop(process)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server of its own; give its URL. Raise Missing."""
    program = redis_program()
    port = free_port()
    folder = tempfile.mkdtemp(prefix="statusplatform-redis-")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for_port(port, process, "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)
