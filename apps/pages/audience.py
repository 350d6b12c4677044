"""Who is told of what happens on a page, besides those who look at it.

This app cannot know: the apps above that write to people lend it their count when they are loaded. While none
has, the page is the only place where anything is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Audience:
    """Those whom one app writes to.

    `count(page, components)`: how many of them would be told of an incident on the page (its public id) that
    lists these components (public ids; none: an incident that lists no component).
    """

    count: Callable[[str, Collection[str]], int]


_lent: list[Audience] = []


def lend(audience: Audience) -> Callable[[], None]:
    """Tell this app whom another app writes to; returns what takes it back."""
    _lent.append(audience)
    return lambda: _lent.remove(audience)


def told_of_incident(page_id: str, components: Collection[str]) -> int | None:
    """Return how many people would be told of such an incident; None where nothing writes to anybody."""
    if not _lent:
        return None
    return sum(audience.count(page_id, components) for audience in _lent)
