"""What the app that publishes pages knows of them: their addresses, how they look, and a day in words.

This app cannot ask it: it lends its knowledge when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.pages.models import Component, ComponentGroup, Metric, Page
from apps.pages.uptime import Day


@dataclass(frozen=True, slots=True)
class Draft:
    """A page as a form says: its rows with unsaved values. Keys of new rows are negative, a new page's is 0."""

    page: Page
    groups: Sequence[ComponentGroup]
    components: Sequence[Component]
    metrics: Sequence[Metric]


@dataclass(frozen=True, slots=True)
class DayWords:
    """A day as readers see it: its mark (no_data, operational, maintenance, degraded, partial, major) and words."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Outlet:
    """`address(page)` has no slash at its end; `preview(draft, at)` is a whole HTML document, nothing is kept.

    `percentage` is an uptime as readers get it, empty without data.
    """

    address: Callable[[Page], str]
    preview: Callable[[Draft, datetime], str]
    day: Callable[[Day], DayWords]
    percentage: Callable[[float | None], str]


_lent: list[Outlet] = []


def lend(outlet: Outlet) -> None:
    """Tell this app's screens how pages are published."""
    _lent.append(outlet)


def outlet() -> Outlet:
    """Return what was lent last."""
    return _lent[-1]
