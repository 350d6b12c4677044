"""What hangs on a maintenance's screen: what it covers, its updates, the filter of its list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.adminkit import DependentSelects, HistoryInline, PartTable, local
from apps.core.markdown import render
from apps.core.unfold import display
from apps.incidents.models import MaintenanceComponent, MaintenanceStatus, MaintenanceUpdate


class CoveredInline(DependentSelects, PartTable):
    """The components that it will cover. They are chosen until it begins."""

    model = MaintenanceComponent
    error_path = "components"
    fields = ["component"]
    autocomplete_fields = ["component"]
    dependent_fields = {"component": {"page": "page_id"}}
    verbose_name = "covered component"
    hide_title = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CoveredHistory(HistoryInline):
    """What it covers, from when to when."""

    model = MaintenanceComponent
    fields = ["component", "status", "begun", "ended"]
    readonly_fields = ["begun", "ended"]
    verbose_name_plural = "covered components"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("component", "maintenance__page")

    @display(description="From")
    def begun(self, row: MaintenanceComponent) -> str:
        return local(row.started_at, row.maintenance.page.time_zone)

    @display(description="To")
    def ended(self, row: MaintenanceComponent) -> str:
        return local(row.ended_at, row.maintenance.page.time_zone)


class UpdateHistory(HistoryInline):
    """The published updates, newest first."""

    model = MaintenanceUpdate
    fields = ["shown_at", "status", "text", "by", "correct"]
    readonly_fields = ["shown_at", "text", "by", "correct"]
    verbose_name_plural = "updates"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("maintenance__page")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        parent = self.admin_site.get_model_admin(self.parent_model)
        may = obj is None or parent.has_change_permission(request, obj)
        return [name for name in self.fields or [] if may or name != "correct"]

    @display(description="Time")
    def shown_at(self, update: MaintenanceUpdate) -> str:
        return local(update.display_at, update.maintenance.page.time_zone)

    @display(description="Message")
    def text(self, update: MaintenanceUpdate) -> SafeString | str:
        return render(update.body) if update.body else "–"

    @display(description="By")
    def by(self, update: MaintenanceUpdate) -> str:
        return "Itself" if update.is_automated else update.author or "–"

    @display(description="Correct")
    def correct(self, update: MaintenanceUpdate) -> SafeString:
        url = reverse("admin:incidents_maintenance_edit_update", args=[update.maintenance_id])
        return format_html('<a href="{}?update={}">Edit</a>', url, update.public_id)


class StateFilter(admin.SimpleListFilter):
    """To come and in progress, or over."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ahead", "To come, or in progress"), ("over", "Completed or cancelled")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        over = models.Q(status=MaintenanceStatus.COMPLETED)
        if self.value() == "ahead":
            return queryset.exclude(over)
        return queryset.filter(over) if self.value() == "over" else queryset
