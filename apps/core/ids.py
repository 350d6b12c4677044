"""Public ids: what URLs and JSON show instead of internal keys."""

from __future__ import annotations

import secrets

# No vowels and no signs, so that an id never reads as a word (contracts/statuspage-public-v2, section 2).
ALPHABET = "0123456789bcdfghjklmnpqrstvwxyz"
LENGTH = 12


def new_public_id() -> str:
    """Return 12 random characters of the alphabet (59 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
