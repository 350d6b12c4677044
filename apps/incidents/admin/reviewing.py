"""What a draft would tell readers, in full: nothing that is approved is out of sight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit import link, local, tag
from apps.core.markdown import render
from apps.incidents.models import (
    Draft,
    Impact,
    Incident,
    IncidentStatus,
    IncidentUpdate,
    MaintenanceSeries,
    MaintenanceStatus,
    MaintenanceUpdate,
)
from apps.incidents.recurrence import describe, parse_rule
from apps.pages.models import Component
from apps.pages.status import ComponentStatus

_STATUSES = {**dict(MaintenanceStatus.choices), **dict(IncidentStatus.choices)}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what would be told; `is_text`: a whole text, as readers see it."""

    label: str
    value: SafeString | str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The lines, and what would be said of components: [(name, the status now, the new one)]."""

    lines: list[Fact]
    components: list[tuple[str, SafeString, SafeString]]


def facts_of(draft: Draft) -> Facts:
    """Return all that posting the draft would tell."""
    return Facts(lines=list(_lines(draft)), components=_components(draft.asked))


def _lines(draft: Draft) -> Iterator[Fact]:
    asked: Mapping[str, Any] = draft.asked
    zone = draft.page.time_zone
    if asked.get("series"):
        series = MaintenanceSeries.objects.filter(page=draft.page_id, public_id=asked["series"])
        yield Fact("Recurring maintenance", link(series.first()))
    if asked.get("name"):
        yield Fact("Name", str(asked["name"]))
    if asked.get("status"):
        label = _STATUSES.get(asked["status"], asked["status"])
        yield Fact("Status", tag(asked["status"], str(label)))
    if asked.get("into"):
        into = Incident.objects.filter(page=draft.page_id, public_id=asked["into"]).first()
        yield Fact("Merged into", link(into))
    for name, label in (("scheduled_for", "Starts at"), ("scheduled_until", "Ends at")):
        if asked.get(name):
            yield Fact(label, local(datetime.fromisoformat(asked[name]), zone))
    if asked.get("impact_override"):
        yield Fact("Impact", str(Impact(asked["impact_override"]).label))
    elif draft.kind == Draft.Kind.CHANGE_INCIDENT and "impact_override" in asked:
        yield Fact("Impact", "From its components")
    if asked.get("started_at"):
        yield Fact("Started", local(datetime.fromisoformat(asked["started_at"]), zone))
    yield from _rule(asked)
    if asked.get("display_at"):
        yield Fact("Shown time", local(datetime.fromisoformat(asked["display_at"]), zone))
    if asked.get("update"):
        yield Fact("It says now", _body_now(draft), is_text=True)
    text = asked.get("message", asked.get("body"))
    if text is not None:
        yield Fact("Message", render(text) if text else "No text of its own", is_text=True)
    for one in asked.get("updates", ()):
        when = local(datetime.fromisoformat(one["at"]), zone)
        said = f"{_STATUSES.get(one['status'], one['status'])}, {when}"
        yield Fact(said, render(one["message"]) if one["message"] else "–", is_text=True)
    for name, label in (
        ("starts_itself", "Starts by itself"),
        ("ends_itself", "Ends by itself"),
        ("deliver_notifications", "Notify subscribers"),
        ("enabled", "Announces"),
    ):
        if name in asked:
            yield Fact(label, "Yes" if asked[name] else "No")


def _rule(asked: Mapping[str, Any]) -> Iterator[Fact]:
    """The lines of a recurring maintenance: when it comes, in its own zone."""
    if asked.get("rule"):
        yield Fact("Rule", describe(parse_rule(asked["rule"])) or str(asked["rule"]))
    if asked.get("first_date"):
        yield Fact("First day", f"{date.fromisoformat(asked['first_date']):%d %B %Y}")
    for name, label in (
        ("start_time", "Starts at"),
        ("time_zone", "Time zone"),
        ("duration_minutes", "Minutes"),
        ("announce_days", "Announced days ahead"),
    ):
        if name in asked:
            yield Fact(label, str(asked[name]))


def _body_now(draft: Draft) -> SafeString | str:
    model: Any = IncidentUpdate if draft.incident_id else MaintenanceUpdate
    row = model.objects.filter(public_id=draft.asked["update"]).first()
    return render(row.body) if row is not None and row.body else format_html("–")


def _components(asked: Mapping[str, Any]) -> list[tuple[str, SafeString, SafeString]]:
    said: dict[str, str] = dict(asked.get("components") or {})
    for one in asked.get("updates", ()):
        said |= one.get("components") or {}
    rows = Component.objects.filter(public_id__in=said).select_related("group")
    return [
        (
            f"{row.group.name} / {row.name}" if row.group else row.name,
            tag(row.status, row.get_status_display()),
            tag(said[row.public_id], str(ComponentStatus(said[row.public_id]).label)),
        )
        for row in rows.order_by("position", "name", "pk")
    ]
