"""Which places of a monitor or connector hold a secret: they are compared, never shown, and exported as `${NAME}`."""

from __future__ import annotations

import re

_AUTH_PUBLIC = frozenset({"type", "username", "key", "in"})
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key|credential", re.I)
_REFERENCE = re.compile(r"\{\{[^{}]*\}\}")


def is_secret(path: tuple[str, ...]) -> bool:
    """Say whether the value at `path` (keys only, no indexes) is one that must not be shown.

    Headers count by their name: they are stored as written, yet `Authorization: Bearer …` is often a secret.
    """
    match path:
        case ("secret_variables", *_) | ("api_key",):
            return True
        case ("requests", "auth", key):
            return key not in _AUTH_PUBLIC
        case ("requests", "headers", name):
            return _SECRET_HEADER.search(name) is not None
    return False


def is_hidden(path: tuple[str, ...]) -> bool:
    """Say whether a difference at `path` is told without its values: a secret, or a body, which may be filled with one."""
    return is_secret(path) or path[:2] in {("requests", "body"), ("requests", "json")}


def only_refers(text: str) -> bool:
    """Say whether a text at a secret's place is no secret itself: empty, or nothing but `{{variables}}`.

    A scheme before the variable is not one either, as in `Bearer {{token}}`.
    """
    rest = _REFERENCE.sub("", text).strip()
    return not rest or (rest.lower() in {"bearer", "basic", "token"} and rest != text.strip())
