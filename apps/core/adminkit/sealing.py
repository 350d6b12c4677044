"""Secrets that were typed and not saved yet: a form that comes back with a mistake carries them sealed, never as text."""

from __future__ import annotations

import json
import time

from cryptography.fernet import InvalidToken

from apps.core.fields import cipher

KEPT_S = 12 * 3600
_MARK = "typed"


def seal(text: str) -> str:
    """Return what a hidden input holds for the text; empty for none."""
    if not text:
        return ""
    held = json.dumps({_MARK: text, "at": int(time.time())})
    return cipher().encrypt(held.encode()).decode("ascii")


def unseal(sealed: str | None) -> str:
    """Return the text; empty where it is too old, or nothing that was sealed here."""
    if not sealed:
        return ""
    try:
        held = json.loads(cipher().decrypt(sealed.encode()))
        text, at = held[_MARK], held["at"]
    except (InvalidToken, ValueError, KeyError, TypeError):
        return ""
    return text if isinstance(text, str) and time.time() - at < KEPT_S else ""
