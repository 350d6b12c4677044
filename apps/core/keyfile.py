"""Write the file that holds the keys of stored secrets: whole or not at all, readable by its owner only."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from apps.core.keys import keys_in


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys in the file. ValueError, OSError."""
    return keys_in(path.read_text(encoding="ascii"))


def write_keys(path: Path, keys: Sequence[str]) -> None:
    """Put the keys into the file in one step, and onto the disk before anything is encrypted with them."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(",".join(keys))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[bool]:
    """Give whether nobody else on this host rotates the keys of this file now."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
