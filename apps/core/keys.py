"""The keys of stored secrets: the first encrypts, all decrypt. A running process follows the file that holds them."""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def fingerprint(key: str) -> str:
    """Return what tells a key from others, and does not tell the key."""
    return hashlib.sha256(b"field key:" + key.encode()).hexdigest()[:12]


def keys_in(text: str) -> tuple[str, ...]:
    """Return the comma-separated keys. ValueError for one that is none."""
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    for key in keys:
        Fernet(key)
    return keys


class KeyRing:
    """The keys as this process knows them: those of the settings, until their file says others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The file, what the settings had read from it, and what it says since.
        self._read: tuple[Path | None, tuple[str, ...], tuple[str, ...]] = (None, (), ())
        self._signature: tuple[int, int, int] | None = None

    def known(self) -> tuple[str, ...]:
        """Return the keys, the one that encrypts first."""
        given = tuple(settings.FIELD_ENCRYPTION_KEYS)
        path, replaced, keys = self._read
        is_followed = path is not None and path == settings.FIELD_ENCRYPTION_KEYS_FILE
        return keys if is_followed and replaced == given else given

    def refresh(self) -> bool:
        """Look whether the file of the keys was changed, and read it then; tell whether the keys are others now.

        Without a change it costs one look at the file's times, so that it may be asked at each use.
        """
        path: Path | None = settings.FIELD_ENCRYPTION_KEYS_FILE
        if path is None:
            return False
        try:
            found = path.stat()
            signature = (found.st_mtime_ns, found.st_ino, found.st_size)
            with self._lock:
                if signature == self._signature:
                    return False
                keys = keys_in(path.read_text(encoding="ascii"))
                self._signature = signature
                before = self.known()
                if not keys or keys == before:
                    return False
                self._read = (path, tuple(settings.FIELD_ENCRYPTION_KEYS), keys)
                return True
        except (OSError, ValueError):
            # Gone or half-written by hand: those that were read stay good.
            return False


ring = KeyRing()


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class Cipher:
    """Encrypts with the newest first key; a value under a key that is not known yet makes it look for new ones."""

    def encrypt(self, plain: bytes) -> bytes:
        """Return the token."""
        ring.refresh()
        return _cipher(ring.known()).encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        """Return what the token holds. InvalidToken when no key opens it."""
        keys = ring.known()
        try:
            return _cipher(keys).decrypt(token)
        except InvalidToken:
            # Another thread may have looked just before this one.
            if not ring.refresh() and ring.known() == keys:
                raise
            return _cipher(ring.known()).decrypt(token)


# Columns of other libraries' tables that hold our tokens inside JSON: (model label, column).
_inside: set[tuple[str, str]] = set()


def holds_tokens(label: str, column: str) -> None:
    """Say that a JSON column of somebody else's model has values in it that `Cipher` encrypted."""
    _inside.add((label, column))


def columns_with_tokens() -> list[tuple[str, str]]:
    """Return what `holds_tokens` was told, in one order."""
    return sorted(_inside)
