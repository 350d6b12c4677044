"""Integrations: what a monitor's outages mean on a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.accounts.roles import PUBLISHERS
from apps.accounts.scoping import WorkspaceScoped
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    DependentSelects,
    PartTable,
    ServiceModelAdmin,
    kept_forms,
)
from apps.core.unfold import display
from apps.integrations import services
from apps.integrations.admin.forms import IntegrationForm, definition_from
from apps.integrations.admin.knowledge import warn_of_left
from apps.integrations.models import ComponentLink, Connector, Integration, MetricRule


class LinkInline(DependentSelects, PartTable):
    """Link monitor to component."""

    model = ComponentLink
    error_path = "link_components"
    fields = ["component", "failure_status", "success_status"]
    autocomplete_fields = ["component"]
    dependent_fields = {"component": {"page": "page_id"}}
    verbose_name = "component"
    verbose_name_plural = "link monitor to components"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.filter(archived_at__isnull=True).select_related("component")


@admin.register(Integration)
class IntegrationAdmin(WorkspaceScoped, DependentSelects, ServiceModelAdmin):
    """A nickname, a monitor, a page, and at least one action."""

    add_roles = change_roles = delete_roles = PUBLISHERS
    form = IntegrationForm
    list_display = ["nickname", "workspace", "watched", "page", "connector", "what", "enabled"]
    list_filter = [
        ArchivedFilter,
        ("workspace", admin.RelatedOnlyFieldListFilter),
        "enabled",
        ("page", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["workspace", "monitor", "page", "connector"]
    search_fields = ["nickname", "monitor__name", "page__name"]
    autocomplete_fields = ["workspace", "monitor", "connector", "page"]
    dependent_fields = {
        "monitor": {"workspace": "workspace_id"},
        "page": {"connector": "connector_id"},
    }
    dependent_parts = {MetricRule: {"metric": {"page": "page_id"}}}
    error_fields = {
        "workspace_id": "workspace",
        "monitor_id": "monitor",
        "connector_id": "connector",
        "page_id": "page",
        "create_incident.name": "incident_name",
        "create_incident.status": "incident_status",
        "create_incident.impact": "incident_impact",
        "create_incident.message": "incident_message",
        "create_incident.resolved_message": "incident_resolved_message",
        "send_metric.metric": "metric",
        "send_metric.measure": "metric_measure",
    }
    inlines = [LinkInline]
    actions = ["enable_chosen", "disable_chosen"]
    archive_text = "What it said is taken from the page. An incident that it opened is left to you."
    fieldsets = [
        (None, {"fields": ["nickname", "enabled"]}),
        (
            "When this monitor fails …",
            {"fields": ["workspace", "monitor"]},
        ),
        (
            "… this happens on this page",
            {
                "fields": ["connector", "page"],
                "description": "Choose at least one action: create an incident, send a metric, or link components below.",
            },
        ),
        (
            "Incident",
            {
                "fields": [
                    "incident_on",
                    "incident_name",
                    "incident_status",
                    "incident_impact",
                    "incident_message",
                    "incident_resolved_message",
                ]
            },
        ),
        ("Metric", {"fields": ["metric_on", "metric", "metric_measure"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        live = ComponentLink.objects.filter(
            integration=models.OuterRef("pk"), archived_at__isnull=True
        )
        with_rules = rows.select_related("incident_rule", "metric_rule")
        marked: models.QuerySet[Any] = with_rules.annotate(links=models.Exists(live))
        return marked

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        native = Connector.objects.live().filter(name=Connector.NATIVE_NAME).first()
        return {"connector": native and native.pk, **data}

    @display(description="Monitor", ordering="monitor__name")
    def watched(self, integration: Integration) -> str:
        monitor = integration.monitor
        return f"{monitor} (archived)" if monitor.is_archived else str(monitor)

    @display(description="Actions")
    def what(self, integration: Any) -> str:
        incident = getattr(integration, "incident_rule", None)
        metric = getattr(integration, "metric_rule", None)
        words = [
            "components" if integration.links else "",
            "incident" if incident is not None and incident.enabled else "",
            "metric" if metric is not None and metric.enabled else "",
        ]
        return ", ".join(word for word in words if word) or "–"

    def write(
        self,
        *,
        request: HttpRequest,
        row: Any,
        form: Any,
        formsets: Sequence[Any],
        is_new: bool,
        actor: Actor,
        at: datetime,
    ) -> Integration:
        links = [part.cleaned_data for part in kept_forms(formsets[0])]
        definition = definition_from(form, links)
        if is_new:
            return services.create_integration(definition=definition, actor=actor, at=at)
        saved = services.update_integration(
            integration_id=row.pk, definition=definition, actor=actor, at=at
        )
        warn_of_left(request, saved, at)
        return saved

    def archive(self, *, row: Integration, actor: Actor, at: datetime) -> None:
        services.archive_integration(integration_id=row.pk, actor=actor, at=at)

    @admin.action(description="Enable", permissions=["change"])
    def enable_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_chosen(request, queryset, "enabled", True)

    @admin.action(description="Disable", permissions=["change"])
    def disable_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_chosen(request, queryset, "disabled", False)

    def _set_chosen(
        self, request: HttpRequest, queryset: models.QuerySet[Any], done: str, enabled: bool
    ) -> None:
        def set_one(row: Integration, actor: Actor, at: datetime) -> None:
            services.set_enabled(integration_id=row.pk, enabled=enabled, actor=actor, at=at)
            warn_of_left(request, row, at)

        chosen = [row for row in queryset if self.has_change_permission(request, row)]
        self.each(request, chosen, done, set_one)
