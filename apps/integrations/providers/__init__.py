"""The kinds of destinations: a literal registry, kind -> dotted path of the class."""

from __future__ import annotations

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from apps.integrations.providers.base import Provider

PROVIDERS: dict[str, str] = {
    "native": "apps.integrations.providers.native.NativeProvider",
}


def register(kind: str, path: str) -> None:
    """Add a kind from outside this package (an operator's own, or a test's). `path` is the class's dotted path."""
    PROVIDERS[kind] = path
    provider_of.cache_clear()


def unregister(kind: str) -> None:
    """Take an added kind away again."""
    del PROVIDERS[kind]
    provider_of.cache_clear()


@cache
def provider_of(kind: str) -> Provider:
    """Return the provider of a kind. KeyError for one that is not registered."""
    return cast(Provider, import_string(PROVIDERS[kind])())


def kinds() -> tuple[str, ...]:
    """Return the registered kinds, in their order."""
    return tuple(PROVIDERS)


def local_kinds() -> tuple[str, ...]:
    """Return the kinds that write to this platform's own database."""
    return tuple(kind for kind in PROVIDERS if provider_of(kind).is_local)
