"""What was told so far, as staff read it beside what they write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from apps.core.adminkit import tag
from apps.core.markdown import render
from apps.incidents.admin.times import in_zone
from apps.incidents.models import Incident, IncidentUpdate, Maintenance, MaintenanceUpdate

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """One update: its status as a label, when and by whom, and its text as readers see it."""

    status: SafeString
    label: str
    at: str
    by: str
    body: SafeString | str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The updates, the newest first, and how many older ones are left out."""

    updates: list[Told]
    more: int


def timeline_of(event: Incident | Maintenance) -> Timeline:
    """Return what was told so far. Two queries."""
    updates: Any = event.updates
    rows = list(updates.order_by("-sequence")[:SHOWN])
    return Timeline(
        updates=[told(row, event.page.time_zone) for row in rows],
        more=max(0, event.last_sequence - len(rows)),
    )


def told(update: IncidentUpdate | MaintenanceUpdate, zone: str) -> Told:
    """Return one update as staff read it, in the page's zone."""
    label = update.get_status_display()
    return Told(
        status=tag(update.status, label),
        label=label,
        at=in_zone(update.display_at, zone),
        by=said_by(update),
        body=render(update.body) if update.body else "",
    )


def said_by(update: IncidentUpdate | MaintenanceUpdate) -> str:
    """Return who posted an update."""
    return update.author or ("Automation" if update.is_automated else "–")
