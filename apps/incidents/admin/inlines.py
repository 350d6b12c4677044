"""What is listed below an incident."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit import HistoryInline, link, local, tag
from apps.core.markdown import render
from apps.core.unfold import display
from apps.incidents.admin.timeline import said_by
from apps.incidents.models import IncidentComponent, IncidentUpdate


class AffectedHistory(HistoryInline):
    """What the incident says about components now."""

    model = IncidentComponent
    fields = ["named", "status", "worst_status", "counts", "now"]
    readonly_fields = ["named", "counts", "now"]
    verbose_name_plural = "affected components"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("component", "incident")

    @display(description="Component")
    def named(self, row: IncidentComponent) -> SafeString | str:
        return link(row.component)

    @display(description="What the incident's word does")
    def counts(self, row: IncidentComponent) -> str:
        if row.contributes:
            return "Counts for its status"
        if row.incident.is_open and row.incident.is_automated:
            return "Is listed; the component follows its monitor"
        return "Nothing any more"

    @display(description="Now, and why")
    def now(self, row: IncidentComponent) -> SafeString:
        url = reverse("admin:pages_component_why", args=[row.component_id])
        label = tag(row.component.status, row.component.get_status_display())
        return format_html(
            '{} <a href="{}">Why?<span class="console-hidden"> {}</span></a>',
            label,
            url,
            row.component,
        )


class UpdateHistory(HistoryInline):
    """The published updates, newest first."""

    model = IncidentUpdate
    fields = ["shown_at", "status", "text", "by", "correct"]
    readonly_fields = ["shown_at", "text", "by", "correct"]
    verbose_name_plural = "updates"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("incident__page")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        parent = self.admin_site.get_model_admin(self.parent_model)
        may = obj is None or parent.has_change_permission(request, obj)
        return [name for name in self.fields or [] if may or name != "correct"]

    @display(description="Time")
    def shown_at(self, update: IncidentUpdate) -> str:
        return local(update.display_at, update.incident.page.time_zone)

    @display(description="Message")
    def text(self, update: IncidentUpdate) -> SafeString | str:
        return render(update.body) if update.body else "–"

    @display(description="By")
    def by(self, update: IncidentUpdate) -> str:
        return said_by(update)

    @display(description="Correct")
    def correct(self, update: IncidentUpdate) -> SafeString:
        url = reverse("admin:incidents_incident_edit_update", args=[update.incident_id])
        return format_html('<a href="{}?update={}">Edit</a>', url, update.public_id)
