"""Which places of a monitor or connector hold a secret: they are compared, never shown, and exported as `${NAME}`."""

from __future__ import annotations

from apps.monitors.confidential import holds_password, is_secret_header, only_refers

_AUTH_PUBLIC = frozenset({"type", "username", "key", "in"})


def is_secret(path: tuple[str, ...]) -> bool:
    """Say whether the value at `path` (keys only, no indexes) is one that must not be shown.

    Headers count by their name: `Authorization: Bearer …` is often a secret.
    """
    match path:
        case ("secret_variables", *_) | ("api_key",):
            return True
        case ("requests", "auth", key):
            return key not in _AUTH_PUBLIC
        case ("requests", "headers", name):
            return is_secret_header(name)
    return False


def holds_secret(path: tuple[str, ...], text: str) -> bool:
    """Say whether the text at `path` is a secret itself: a literal one at a secret's place, or a URL with a password."""
    if path == ("requests", "url"):
        return holds_password(text)
    return is_secret(path) and not only_refers(text)


def is_hidden(path: tuple[str, ...]) -> bool:
    """Say whether a difference at `path` is told without its values: a secret, or a body, which may be filled with one."""
    return is_secret(path) or path[:2] in {("requests", "body"), ("requests", "json")}
