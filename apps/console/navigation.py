"""The sidebar: what staff look for, grouped; only what they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """A list in the sidebar: the model's label and a symbol of Material Symbols."""

    title: str
    icon: str
    model: str


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Monitoring",
        (
            Entry("Monitors", "monitor_heart", "monitors.monitor"),
            Entry("Outages", "crisis_alert", "monitors.outage"),
            Entry("Locations", "public", "monitors.location"),
        ),
    ),
    (
        "Status pages",
        (
            Entry("Pages", "web", "pages.page"),
            Entry("Components", "widgets", "pages.component"),
            Entry("Incidents", "report", "incidents.incident"),
            Entry("Drafts", "edit_note", "incidents.draft"),
            Entry("Maintenance", "engineering", "incidents.maintenance"),
            Entry("Recurring maintenance", "event_repeat", "incidents.maintenanceseries"),
            Entry("Templates", "description", "incidents.incidenttemplate"),
        ),
    ),
    (
        "Integrations",
        (
            Entry("Integrations", "hub", "integrations.integration"),
            Entry("Connectors", "cable", "integrations.connector"),
            Entry("Deliveries", "outbox", "integrations.delivery"),
        ),
    ),
    (
        "People",
        (
            Entry("Workspaces", "workspaces", "accounts.workspace"),
            Entry("Users", "person", "accounts.user"),
            Entry("API tokens", "key", "accounts.apitoken"),
        ),
    ),
    ("System", (Entry("Audit trail", "history", "core.auditevent"),)),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the theme's navigation: groups with the lists that this person may see."""
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"title": None, "items": [overview]}]
    by_label = {model._meta.label_lower: site for model, site in admin.site._registry.items()}
    for title, entries in GROUPS:
        items = [
            {"title": entry.title, "icon": entry.icon, "link": _list_of(entry.model)}
            for entry in entries
            if entry.model in by_label and by_label[entry.model].has_module_permission(request)
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def _list_of(model: str) -> str:
    return reverse(f"admin:{model.replace('.', '_')}_changelist")
