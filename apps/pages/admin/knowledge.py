"""What the apps above know of components: who speaks of them and why, what else concerns them, what happened to them.

This app cannot ask them: they lend it their knowledge when they are loaded. Each is asked as somebody: what that
person may not see is told without names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.pages.models import Component, StatusContribution

Text = SafeString | str


@dataclass(frozen=True, slots=True)
class Source:
    """Who stands behind a contribution, as a link where there is one, and sentences about it."""

    title: Text
    facts: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a component: an outage, an incident, a maintenance. Without an end it lasts."""

    kind: str
    title: Text
    started_at: datetime
    ended_at: datetime | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one app knows, each in a constant number of queries.

    `sources(user, contributions)` gives {contribution's key: its source} of those it knows; `beside(user, component)`
    sentences on what concerns the component without deciding its status; `happened(user, component, since, until)`
    the newest of what touches that time, a bounded number in any order.
    """

    sources: Callable[[User, Sequence[StatusContribution]], Mapping[int, Source]]
    beside: Callable[[User, Component], Sequence[Text]]
    happened: Callable[[User, Component, datetime, datetime], Sequence[Happening]]


_lent: list[Knowledge] = []


def lend(knowledge: Knowledge) -> None:
    """Tell this app's screens what another app knows."""
    _lent.append(knowledge)


def sources(user: User, contributions: Sequence[StatusContribution]) -> dict[int, Source]:
    """Return {contribution's key: its source} of those that some app knows."""
    found: dict[int, Source] = {}
    for one in _lent:
        found |= one.sources(user, contributions)
    return found


def beside(user: User, component: Component) -> list[Text]:
    """Return sentences on what concerns the component without deciding its status."""
    return [text for one in _lent for text in one.beside(user, component)]


def happened(user: User, component: Component, since: datetime, until: datetime) -> list[Happening]:
    """Return the newest of what happened to the component in [since, until), oldest first."""
    found = [row for one in _lent for row in one.happened(user, component, since, until)]
    return sorted(found, key=lambda row: row.started_at)
