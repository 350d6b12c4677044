"""What the apps above know of monitors: what hangs on one, and what its outages made.

This app cannot ask them: they lend it their knowledge when they are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from apps.monitors.models import Monitor, Outage


@dataclass(frozen=True, slots=True)
class Dependent:
    """Something that acts on a monitor's outages: where it is shown ("": the person may not see it), and what it does."""

    url: str
    name: str
    note: str
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """Something that an outage made, as a link ("": nowhere) and words beside it."""

    url: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What this person may know: what acts on the monitor's outages, {outage's key: what it made}, where to add more.

    `place_to_add` gives (address, text), or None where the person may not.
    """

    dependents: Callable[[HttpRequest, Monitor], Sequence[Dependent]]
    made: Callable[[HttpRequest, Collection[Outage]], Mapping[int, Sequence[Made]]]
    place_to_add: Callable[[HttpRequest, Monitor], tuple[str, str] | None]


_lent: list[Knowledge] = []


def lend(knowledge: Knowledge) -> None:
    """Tell this app's screens what another app knows."""
    _lent.append(knowledge)


def dependents_of(request: HttpRequest, monitor: Monitor) -> list[Dependent]:
    """Return what acts on the monitor's outages."""
    return [found for one in _lent for found in one.dependents(request, monitor)]


def made_by(request: HttpRequest, outages: Collection[Outage]) -> dict[int, list[Made]]:
    """Return {outage's key: what it made}; a constant number of queries, however many outages."""
    found: dict[int, list[Made]] = {outage.pk: [] for outage in outages}
    for one in _lent:
        for key, made in one.made(request, outages).items():
            found[key].extend(made)
    return found


def place_to_add(request: HttpRequest, monitor: Monitor) -> tuple[str, str] | None:
    """Return (address, text) of where to add what acts on its outages; None where the person may not."""
    found = (one.place_to_add(request, monitor) for one in _lent)
    return next((place for place in found if place is not None), None)
