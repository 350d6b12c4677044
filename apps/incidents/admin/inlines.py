"""What is listed below an incident."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit import DependentSelects, HistoryInline, PartTable, utc
from apps.core.markdown import render
from apps.core.unfold import display
from apps.incidents.models import IncidentComponent, IncidentUpdate
from apps.pages.status import ComponentStatus


class AffectedInline(DependentSelects, PartTable):
    """The components that a new incident affects."""

    model = IncidentComponent
    error_path = "components"
    fields = ["component", "status"]
    autocomplete_fields = ["component"]
    dependent_fields = {"component": {"page": "page_id"}}
    verbose_name = "affected component"

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(
            db_field, request, **{"initial": ComponentStatus.PARTIAL_OUTAGE, **kwargs}
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AffectedHistory(HistoryInline):
    """What the incident says about components now."""

    model = IncidentComponent
    fields = ["component", "status", "worst_status", "counts"]
    readonly_fields = ["counts"]
    verbose_name_plural = "affected components"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("component")

    @display(description="Counts for its status", boolean=True)
    def counts(self, row: IncidentComponent) -> bool:
        return row.contributes


class UpdateHistory(HistoryInline):
    """The published updates, newest first."""

    model = IncidentUpdate
    fields = ["shown_at", "status", "text", "by", "correct"]
    readonly_fields = ["shown_at", "text", "by", "correct"]
    verbose_name_plural = "updates"
    hide_title = True

    @display(description="Time")
    def shown_at(self, update: IncidentUpdate) -> str:
        return utc(update.display_at)

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


def said_by(update: IncidentUpdate) -> str:
    """Return who posted an update, as staff read it."""
    return update.author or ("Automation" if update.is_automated else "–")
