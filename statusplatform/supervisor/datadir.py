"""What `up` keeps in the data folder: its lock, its address, and how the demo is reached."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO, NamedTuple


class UpError(Exception):
    """`up` cannot go on; the text is one line for the person who typed it."""


class Demo(NamedTuple):
    """How the demo service is reached, by its monitors and by people."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class DataDir:
    """The data folder, locked for one `up` while this object holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (path / "up.lock").open("a+")
        except OSError as error:
            raise UpError(f"cannot write the data folder {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            raise UpError(
                f"already running on {path} (process {holder}): "
                "stop that one first, or name another folder with --data-dir"
            ) from error
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def record_address(self, address: str) -> None:
        """Keep this installation's address, for every command's PUBLIC_URL."""
        self._write("address", address, mode=0o644)

    def empty_broker(self) -> None:
        """Remove what an earlier run left unread: messages are wake-up calls, and stale by now."""
        shutil.rmtree(self.path / "broker", ignore_errors=True)

    @property
    def beat_pidfile(self) -> Path:
        return self.path / "beat.pid"

    def demo(self) -> Demo | None:
        """Return what the demo was set up with; None when it never was."""
        try:
            kept = json.loads((self.path / "demo.json").read_text(encoding="utf-8"))
            return Demo(port=int(kept["port"]), password=str(kept["password"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record_demo(self, demo: Demo) -> None:
        """Keep how the demo is reached: its monitors go on asking there after a restart."""
        self._write("demo.json", json.dumps(demo._asdict()), mode=0o600)

    def _write(self, name: str, content: str, *, mode: int) -> None:
        temporary = self.path / f".{name}.new"
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w", encoding="utf-8") as handle:
            handle.write(content + "\n")
        temporary.replace(self.path / name)
