"""A whole installation for a test: `manage.py up` with its own data folder, on either pair of back ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent
T = TypeVar("T")


def wait_for(what: Callable[[], T], *, within_s: float, every_s: float = 0.02, hint: str = "") -> T:
    """Return the first true value of `what`; AssertionError when none came within the time."""
    deadline = time.monotonic() + within_s
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {hint or what}; last value {value!r}")
        time.sleep(every_s)


@dataclass
class Installation:
    """`environment` is what every process of it gets. `up` is the parent while it runs."""

    data_dir: Path
    environment: dict[str, str]
    port: int
    up: subprocess.Popen[bytes] | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        path = self.data_dir / "test.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process of the installation in its own group; it is killed at the end."""
        with (self.data_dir / "test.log").open("ab") as log:
            process = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start(self, *, ready_within_s: float = 60) -> None:
        """Run `up` and wait until /readyz says so."""
        self.up = self.spawn(
            sys.executable, "manage.py", "up", "--port", str(self.port),
            "--data-dir", str(self.data_dir), "--no-demo",
        )  # fmt: skip

        def ready() -> bool:
            assert self.up is not None
            assert self.up.poll() is None, f"up ended:\n{self.log[-4000:]}"
            return self.status("/readyz") == 200

        wait_for(ready, within_s=ready_within_s, every_s=0.2, hint="/readyz answers 200")

    def stop(self) -> None:
        """Send SIGTERM to `up` and wait for it."""
        assert self.up is not None
        self.up.send_signal(signal.SIGTERM)
        self.up.wait(15)

    def manage(self, *arguments: str) -> str:
        """Run a management command; return what it printed. AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, text: str) -> None:
        """Apply a configuration file's text."""
        path = self.data_dir / "applied.yaml"
        path.write_text(text)
        self.manage("apply", str(path))

    def shell(self, code: str) -> Any:
        """Run code in `manage.py shell` that sets `answer`; return it by way of JSON."""
        printed = self.manage(
            "shell",
            "-v",
            "0",
            "-c",
            f"import json\n{code}\nprint('ANSWER', json.dumps(answer, default=str))",
        )
        return json.loads(printed.rsplit("ANSWER ", 1)[1])

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers (lower-case names); redirects are not followed."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with _OPENER.open(request, timeout=10) as response:
                return response.status, response.read(), _lower(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), _lower(error.headers)

    def status(self, path: str) -> int | None:
        """Return the status, or None when nobody answers."""
        try:
            return self.get(path)[0]
        except OSError:
            return None

    def json(self, path: str) -> Any:
        """Return a document that is there. AssertionError otherwise."""
        status, body, _ = self.get(path)
        assert status == 200, f"{path}: {status}"
        return json.loads(body)

    def kill_everything(self) -> None:
        """SIGKILL every process group that this installation started, and what `up` started."""
        for process in self.processes:
            for pid in [*_descendants(process.pid), process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        self.processes.clear()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Hand the redirect itself to the caller."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _descendants(pid: int) -> list[int]:
    """Return the process ids below `pid`, leaves first."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [*_descendants(int(child)), int(child)]
    return found


@contextlib.contextmanager
def installation(
    data_dir: Path, *, database_url: str = "", broker_url: str = ""
) -> Iterator[Installation]:
    """Give an installation that is not started yet; everything of it is killed at the end.

    `database_url` names a server's maintenance database; the installation gets a database of its own there.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port = services.free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name
        not in {"DATABASE_URL", "TEST_DATABASE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "DATA_DIR"}
    }
    environment |= {
        "DATA_DIR": str(data_dir),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
    }
    if database_url:
        environment["DATABASE_URL"] = _own_database(database_url)
    if broker_url:
        environment["CELERY_BROKER_URL"] = broker_url
    made = Installation(data_dir=data_dir, environment=environment, port=port)
    try:
        yield made
    finally:
        made.kill_everything()


def _own_database(url: str) -> str:
    name = f"e2e_{time.time_ns()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return url.rsplit("/", 1)[0] + "/" + name
