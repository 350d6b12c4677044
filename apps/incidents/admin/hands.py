"""What the apps above know of an incident: who tends it, and where it came from.

This app cannot ask them: they lend it their knowledge when they are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is lent.

    `left_to_staff(incidents)` gives the ids of those whose automation is gone; `origin(request, incident)` a link, or "";
    `story(request, incident)` lines on the outage behind it, with links, as far as the person may see it.
    """

    left_to_staff: Callable[[Collection[Incident]], set[int]]
    origin: Callable[[HttpRequest, Incident], SafeString | str]
    story: Callable[[HttpRequest, Incident], Sequence[SafeString]]


_lent: list[Knowledge] = []


def lend(knowledge: Knowledge) -> None:
    """Tell this app's screens what another app knows."""
    _lent.append(knowledge)


def left_to_staff(incidents: Collection[Incident]) -> set[int]:
    """Return the ids of the open automated incidents that automation tends no more."""
    tended = [row for row in incidents if row.is_automated and row.is_open]
    return {pk for one in _lent for pk in one.left_to_staff(tended)} if tended else set()


def origin(request: HttpRequest, incident: Incident) -> SafeString | str:
    """Return where an automated incident came from, as a link where there is one."""
    if not incident.is_automated:
        return "–"
    found = next((text for one in _lent if (text := one.origin(request, incident))), "")
    return found or incident.origin or "–"


def story(request: HttpRequest, incident: Incident) -> SafeString | str:
    """Return the outage and the runs behind an automated incident, a line each."""
    lines = [line for one in _lent for line in one.story(request, incident)]
    return format_html_join("", "<p>{}</p>", ((line,) for line in lines)) or "–"


def in_whose_hands(incident: Incident, left: Collection[int]) -> str:
    """Say who changes the incident. `left`: what `left_to_staff` said."""
    if not incident.is_automated:
        return "Staff"
    if incident.taken_over_at is not None:
        return "Staff, taken over"
    return "Staff, left by its integration" if incident.pk in left else "Automation"
