"""Integrations: what a monitor's outages mean on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.roles import PUBLISHERS
from apps.accounts.scoping import WorkspaceScoped
from apps.core.actors import Actor
from apps.core.adminkit import (
    ArchivedFilter,
    DependentSelects,
    ServiceModelAdmin,
    kept_forms,
    tag,
    utc,
)
from apps.core.unfold import display
from apps.integrations import services
from apps.integrations.admin.filling import FillsForm
from apps.integrations.admin.forms import IntegrationForm, definition_from
from apps.integrations.admin.knowledge import warn_of_left
from apps.integrations.admin.links import LinkInline
from apps.integrations.admin.mirrors import may_use_page
from apps.integrations.admin.screens import LOG_SHOWN, IntegrationScreens, log_rows
from apps.integrations.models import Delivery, Integration, MetricRule
from apps.integrations.run_log import run_log
from apps.integrations.standing import actions_of, standing_of, with_standing

FORM = "admin/integrations/form.html"


@admin.register(Integration)
class IntegrationAdmin(
    FillsForm, IntegrationScreens, WorkspaceScoped, DependentSelects, ServiceModelAdmin
):
    """A nickname, a monitor, a page, and at least one action."""

    add_roles = change_roles = delete_roles = PUBLISHERS
    form = IntegrationForm
    add_form_template = change_form_template = FORM
    list_display = ["nickname", "watched", "page_shown", "what", "state_label", "last_delivery"]
    list_filter = [
        ArchivedFilter,
        ("workspace", admin.RelatedOnlyFieldListFilter),
        ("page", admin.RelatedOnlyFieldListFilter),
        ("connector", admin.RelatedOnlyFieldListFilter),
        "enabled",
    ]
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
    actions = ["resume_chosen", "pause_chosen"]
    actions_detail = ["rehearsal", "pause", "resume", "duplicate", "archive_row"]
    archive_text = "What it said is taken from the page. An incident that it opened is left to you."
    # The form has a template of its own; this is its order, and what those see who may only look.
    fieldsets = [
        (None, {"fields": ["nickname"]}),
        ("Where from", {"fields": ["workspace", "monitor"]}),
        ("Where to", {"fields": ["connector", "page"]}),
        (
            "Actions",
            {
                "fields": [
                    "link_on",
                    "incident_on",
                    "incident_name",
                    "incident_status",
                    "incident_impact",
                    "incident_message",
                    "incident_resolved_message",
                    "metric_on",
                    "metric",
                    "metric_measure",
                ]
            },
        ),
        ("State", {"fields": ["enabled"]}),
    ]

    class Media:
        css = {"all": ["console/integration.css"]}
        js = ["console/integration.js"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return with_standing(super().get_queryset(request))

    def allows(self, request: HttpRequest, what: str, row: Any = None) -> bool:
        """Who changes what readers are told decides on the page, too."""
        if not super().allows(request, what, row):
            return False
        if what == "view" or row is None or row.pk is None:
            return True
        return may_use_page(request, row.page, PUBLISHERS)

    # The list.

    @display(description="Monitor", ordering="monitor__name")
    def watched(self, integration: Integration) -> SafeString:
        return format_html(
            '{}<br><small class="console-quiet">{}</small>',
            integration.monitor,
            integration.workspace,
        )

    @display(description="→ Page", ordering="page__name")
    def page_shown(self, integration: Integration) -> SafeString:
        return format_html(
            '→ {}<br><small class="console-quiet">{}</small>',
            integration.page,
            integration.connector,
        )

    @display(description="Actions")
    def what(self, integration: Any) -> str:
        return ", ".join(actions_of(integration)) or "–"

    @display(description="State")
    def state_label(self, integration: Any) -> SafeString:
        standing = standing_of(integration)
        if standing.kind not in {"broken", "idle"}:
            return tag(standing.kind, standing.label)
        return format_html(
            '{}<br><small class="console-quiet">{}</small>',
            tag(standing.kind, standing.label),
            standing.reason,
        )

    @display(description="Last delivery", ordering="last_at")
    def last_delivery(self, integration: Any) -> SafeString | str:
        if integration.last_at is None:
            return "None yet"
        state = Delivery.State(integration.last_state)
        return format_html("{} {}", utc(integration.last_at), tag(state.value, state.label))

    # The form.

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= self.beside_form(request, context, obj)
        if obj is not None:
            context |= {
                "standing": standing_of(obj),
                "entries": log_rows(run_log(obj, limit=LOG_SHOWN)),
                "incidents": self.open_incidents(request, obj),
                **self._about_log(request, obj),
            }
        response: HttpResponse = super().render_change_form(
            request, context, add=add, change=change, form_url=form_url, obj=obj
        )
        return response

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
        links: list[Mapping[str, Any]] = [part.cleaned_data for part in kept_forms(formsets[0])]
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

    @admin.action(description="Resume", permissions=["change"])
    def resume_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_chosen(request, queryset, "resumed", True)

    @admin.action(description="Pause", permissions=["change"])
    def pause_chosen(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._set_chosen(request, queryset, "paused", False)

    def _set_chosen(
        self, request: HttpRequest, queryset: models.QuerySet[Any], done: str, enabled: bool
    ) -> None:
        def set_one(row: Integration, actor: Actor, at: datetime) -> None:
            services.set_enabled(integration_id=row.pk, enabled=enabled, actor=actor, at=at)
            warn_of_left(request, row, at)

        chosen = [row for row in queryset if self.has_change_permission(request, row)]
        self.each(request, chosen, done, set_one)
