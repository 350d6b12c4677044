"""Tell an incident after it was over."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.adminkit import actor_of
from apps.core.errors import DomainError, Invalid
from apps.incidents import services
from apps.incidents.admin.forms import PastForm
from apps.incidents.admin.screens import Button, done, refuse, show
from apps.incidents.models import Incident
from apps.incidents.services import PastUpdate
from apps.pages.models import Component, Page

TEXT = (
    "For what was over before it was told. Readers find it in the history at its own time. It changes no component's "
    "status or uptime, and nobody is notified."
)
# A row for the beginning and one for the end, which every story has.
BEGINNING = [
    {"at": "", "status": "investigating", "message": ""},
    {"at": "", "status": "resolved", "message": ""},
]

_ROW = re.compile(r"updates\[(\d+)\]\.(\w+)")
_LABELS = {"at": "time", "body": "message"}


def tell_past(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """Show the form; on POST tell the incident."""
    posted = request.method == "POST"
    form = PastForm(data=request.POST if posted else None, initial={"updates": BEGINNING})
    if posted and form.is_valid():
        data = form.cleaned_data
        try:
            incident = _tell(request, data["page"], data)
        except DomainError as refusal:
            refuse(form, _by_row(refusal))
        else:
            return done(request, incident, f"{incident} is in the history.")
    return show(
        request,
        model_admin,
        None,
        title="Tell a past incident",
        text=TEXT,
        form=form,
        buttons=(Button("tell", "Publish"),),
        status=409 if posted else 200,
    )


def _tell(request: HttpRequest, page: Page, data: dict[str, Any]) -> Incident:
    said = _components(page, data["components"], len(data["updates"]))
    updates = [
        PastUpdate(
            status=str(row.get("status") or ""),
            message=str(row.get("message") or ""),
            at=_time(row.get("at"), page.time_zone, index),
            components=said.get(index, {}),
        )
        for index, row in enumerate(data["updates"])
    ]
    incident, _ = services.tell_past_incident(
        page_id=page.pk,
        name=data["name"],
        updates=updates,
        impact_override=data["impact_override"],
        actor=actor_of(request),
        at=timezone.now(),
    )
    return incident


def _time(value: Any, zone: str, index: int) -> datetime:
    """Return the time in the page's zone; one that has an offset is taken at its word."""
    try:
        found = parse_datetime(str(value or "").strip())
    except ValueError:
        found = None
    if found is None:
        raise Invalid(
            "invalid", "write a time such as 2026-03-02 13:05", field=f"updates[{index}].at"
        )
    return found if timezone.is_aware(found) else found.replace(tzinfo=ZoneInfo(zone))


def _components(page: Page, rows: list[dict[str, Any]], updates: int) -> dict[int, dict[int, str]]:
    """Return {index of the update: {component id: status}}."""
    known: dict[str, list[Component]] = {}
    for component in Component.objects.live().filter(page=page).select_related("group"):
        for name in {component.name, str(component), _full_name(component)}:
            known.setdefault(name, []).append(component)
    said: dict[int, dict[int, str]] = {}
    for row in rows:
        name = str(row.get("component") or "").strip()
        found = known.get(name, [])
        if len(found) != 1:
            problem = "is ambiguous: write Group / Name" if found else "is not on this page"
            raise Invalid("invalid", f"{name!r} {problem}", field="components")
        index = _index(row.get("update"), updates)
        said.setdefault(index, {})[found[0].pk] = str(row.get("status") or "")
    return said


def _index(value: Any, updates: int) -> int:
    """Return the index of the update with this number; of the first where none is given."""
    text = str(value or "1").strip()
    number = int(text) if text.isdecimal() else 0
    if not 0 < number <= updates:
        raise Invalid("invalid", f"there is no update {text!r}", field="components")
    return number - 1


def _full_name(component: Component) -> str:
    return f"{component.group.name} / {component.name}" if component.group else component.name


def _by_row(refusal: DomainError) -> DomainError:
    """Return the refusal with what it says of single updates said of their rows."""
    if not isinstance(refusal, Invalid):
        return refusal
    return Invalid(
        refusal.code,
        refusal.message,
        errors=tuple(_of_row(path, message) for path, message in refusal.errors),
    )


def _of_row(path: str, message: str) -> tuple[str, str]:
    row = _ROW.fullmatch(path)
    if row is None:
        return path, message
    return "updates", f"Row {int(row[1]) + 1}, {_LABELS.get(row[2], row[2])}: {message}"
