"""Monitors: what is checked, how it stands now, and what staff do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.accounts.scoping import WorkspaceScoped
from apps.core.actors import Actor
from apps.core.adminkit import (
    Confirmation,
    DependentSelects,
    ServiceModelAdmin,
    actor_of,
    kept_forms,
)
from apps.core.unfold import action
from apps.monitors import services
from apps.monitors.admin.bulk import BulkActions
from apps.monitors.admin.curl_box import ReadsCurl
from apps.monitors.admin.forms import MonitorForm, definition_from
from apps.monitors.admin.monitor_list import MonitorList
from apps.monitors.admin.overview import OverviewPage
from apps.monitors.admin.request_inline import RequestInline
from apps.monitors.admin.run_now import RunNow
from apps.monitors.admin.runs import RunViews
from apps.monitors.admin.try_box import TriesRequests
from apps.monitors.models import Monitor


@admin.register(Monitor)
class MonitorAdmin(
    OverviewPage,
    BulkActions,
    ReadsCurl,
    TriesRequests,
    RunNow,
    MonitorList,
    WorkspaceScoped,
    DependentSelects,
    RunViews,
    ServiceModelAdmin,
):
    """What is checked, how often, and what counts as failing."""

    form = MonitorForm
    autocomplete_fields = ["workspace", "parents"]
    dependent_fields = {"parents": {"workspace": "workspace_id"}}
    inlines = [RequestInline]
    actions_detail = ["runs", "run_now", "pause", "resume", "archive_row"]
    error_fields = {
        "crontab.expression": "crontab",
        "crontab.time_zone": "crontab_time_zone",
        "locations": "run_at",
        "tags": "tag_lines",
        "variables": "variable_lines",
        "secret_variables": "secrets",
        "requests": "__all__",
    }
    archive_text = (
        "It stops running. Its open outage closes as removed, what it said is taken from the pages, and an open "
        "incident is left to you. Runs and outages are kept."
    )
    main = (
        None,
        {
            "fields": [
                "workspace",
                "name",
                "how_often",
                "interval_s",
                "crontab",
                "crontab_time_zone",
                "enabled",
            ]
        },
    )
    more = [
        (
            "Thresholds and locations",
            {
                "fields": ["failure_threshold", "recovery_threshold", "run_at", "quorum"],
                "classes": ["collapse"],
            },
        ),
        (
            "Limits and retries",
            {
                "fields": [
                    "timeout_s",
                    "run_limit_s",
                    "retries",
                    "retry_delay_s",
                    "follow_redirects",
                    "verify_tls",
                ],
                "classes": ["collapse"],
            },
        ),
        (
            "Variables",
            {"fields": ["variable_lines", "secrets"], "classes": ["collapse"]},
        ),
        (
            "Tags and parents",
            {"fields": ["tag_lines", "parents"], "classes": ["collapse"]},
        ),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [self.main, *self.more]

    # What staff do.

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
    ) -> Monitor:
        requests = [part.spec for part in kept_forms(formsets[0])]
        definition = definition_from(form, requests, kind=row.kind)
        if is_new:
            return services.create_monitor(definition=definition, actor=actor, at=at)
        return services.update_monitor(monitor_id=row.pk, definition=definition, actor=actor, at=at)

    def lock_row(self, key: Any) -> None:
        # Workspaces are locked before their monitors.
        owner = Workspace.objects.filter(pk__in=Monitor.objects.filter(pk=key).values("workspace"))
        list(owner.select_for_update(no_key=True).values_list("pk"))
        super().lock_row(key)

    def archive(self, *, row: Monitor, actor: Actor, at: datetime) -> None:
        services.archive_monitor(monitor_id=row.pk, actor=actor, at=at)

    @action(description="Pause", permissions=["pause"], url_path="pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(
            request,
            object_id,
            title="Pause {}?",
            text="It stops running. What it said stays on the pages until it runs again or you change it.",
            button="Pause",
            service=services.pause_monitor,
            done="{} is paused.",
        )

    @action(description="Resume", permissions=["resume"], url_path="resume", icon="resume")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(
            request,
            object_id,
            title="Resume {}?",
            text="It runs again from its next slot on.",
            button="Resume",
            service=services.resume_monitor,
            done="{} runs again.",
        )

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        monitor = self.row_of_page(request, object_id)
        return monitor is not None and monitor.enabled and self._may_edit(request, monitor)

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        monitor = self.row_of_page(request, object_id)
        return monitor is not None and not monitor.enabled and self._may_edit(request, monitor)

    def _may_edit(self, request: HttpRequest, monitor: Monitor) -> bool:
        return self.has_change_permission(request, monitor)

    def _confirm(
        self,
        request: HttpRequest,
        object_id: str,
        *,
        title: str,
        text: str,
        button: str,
        service: Any,
        done: str,
    ) -> HttpResponse:
        monitor = self.get_row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            service(monitor_id=monitor.pk, actor=actor_of(request), at=timezone.now())
            return done.format(monitor)

        return Confirmation(title=title.format(monitor), text=text, button=button, run=run).respond(
            request, model_admin=self, row=monitor
        )
