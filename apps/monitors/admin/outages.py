"""Outages, read only: which monitor failed, for how long, why, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.scoping import WorkspaceScoped
from apps.core.adminkit import HistoryAdmin, lasting, link, tag, utc
from apps.core.unfold import display
from apps.monitors.admin import hands
from apps.monitors.admin.filters import WorkspaceFilter
from apps.monitors.admin.monitor_list import roughly
from apps.monitors.admin.runs import run_url
from apps.monitors.models import Monitor, Outage, Run, Schedule
from apps.monitors.overview import first_runs, last_run

PERIODS: dict[str, tuple[str, timedelta]] = {
    "24h": ("The past 24 hours", timedelta(hours=24)),
    "7d": ("The past 7 days", timedelta(days=7)),
    "30d": ("The past 30 days", timedelta(days=30)),
    "90d": ("The past 90 days", timedelta(days=90)),
}


class OpenFilter(admin.SimpleListFilter):
    """Open, or over."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        if self.value() not in ("open", "over"):
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


class PeriodFilter(admin.SimpleListFilter):
    """Those of which some part was in the period."""

    title = "period"
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, text) for key, (text, _) in PERIODS.items()]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = PERIODS.get(self.value() or "")
        if wanted is None:
            return queryset
        since = timezone.now() - wanted[1]
        return queryset.filter(models.Q(closed_at__isnull=True) | models.Q(closed_at__gte=since))


class MonitorFilter(admin.SimpleListFilter):
    """Those of one monitor, to which its page leads; all monitors are too many to offer."""

    title = "monitor"
    parameter_name = "monitor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        wanted = request.GET.get(self.parameter_name, "")
        if not wanted.isdecimal():
            return []
        monitors: Any = model_admin.admin_site.get_model_admin(Monitor).get_queryset(request)
        names = monitors.filter(pk=int(wanted)).values_list("name", flat=True)
        return [(wanted, name) for name in names]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        wanted = self.value()
        if wanted is None or not wanted.isdecimal():
            return queryset
        return queryset.filter(monitor=int(wanted))


class OutageWorkspaceFilter(WorkspaceFilter):
    """The person's workspaces."""

    path = "monitor__workspace"


class OutageChangeList(ChangeList):
    """Reads for the rows of the page, together, what each made."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list[: self.list_per_page])
        made = hands.made_by(request, rows)
        for row in rows:
            row.console_made = made[row.pk]
        self.result_list = rows


@admin.register(Outage)
class OutageAdmin(WorkspaceScoped, HistoryAdmin):
    """Stretches in which a monitor was failing."""

    workspace_path = "monitor__workspace"
    list_display = ["monitor_name", "state", "opened", "lasted", "reason", "made"]
    list_display_links = ["monitor_name"]
    list_filter = [OpenFilter, PeriodFilter, OutageWorkspaceFilter, MonitorFilter, "close_reason"]
    list_select_related = ["monitor__workspace"]
    list_max_show_all = 50
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ["opened"]
    search_fields = ["monitor__name", "reason"]
    search_help_text = "Name of the monitor, or the reason"
    fields = [
        *("monitor_link", "state", "reason", "started", "opened", "closed", "lasted"),
        *("first_run", "last_run", "made"),
    ]

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[OutageChangeList]:
        return OutageChangeList

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.defer("monitor__secret_variables", "monitor__variables")

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        outage = super().get_object(request, object_id, from_field)
        if outage is not None:
            outage.console_made = hands.made_by(request, [outage])[outage.pk]
            schedules = list(Schedule.objects.filter(monitor=outage.monitor_id))
            outage.console_first = first_runs([outage], schedules).get(outage.pk)
            outage.console_last = last_run(outage, schedules)
        return outage

    @display(description="Monitor", ordering="monitor__name")
    def monitor_name(self, outage: Outage) -> SafeString:
        monitor = outage.monitor
        return format_html(
            '{}<span class="console-below">{}</span>', monitor.name, monitor.workspace.name
        )

    @display(description="Monitor")
    def monitor_link(self, outage: Outage) -> SafeString | str:
        return link(outage.monitor)

    @display(description="State")
    def state(self, outage: Outage) -> SafeString:
        if outage.is_open:
            return tag("failing", "Open")
        return tag(outage.close_reason, outage.get_close_reason_display())

    @display(description="Failing since")
    def started(self, outage: Outage) -> str:
        return f"{utc(outage.started_at)}, when its first failing run was due"

    @display(description="Opened", ordering="opened_at")
    def opened(self, outage: Outage) -> SafeString:
        return format_html('<span class="console-nowrap">{}</span>', utc(outage.opened_at))

    @display(description="Closed", ordering="closed_at")
    def closed(self, outage: Outage) -> str:
        return utc(outage.closed_at) if outage.closed_at else "It is open."

    @display(description="Lasted")
    def lasted(self, outage: Outage) -> SafeString:
        until = outage.closed_at or max(timezone.now(), outage.opened_at)
        return format_html(
            '<span class="console-nowrap" title="{}">{}</span>',
            lasting(outage.opened_at, until),
            roughly(until - outage.opened_at),
        )

    @display(description="First failing run")
    def first_run(self, outage: Any) -> SafeString | str:
        return _run(outage.console_first)

    @display(description="Last run")
    def last_run(self, outage: Any) -> SafeString | str:
        return _run(outage.console_last)

    @display(description="What it made")
    def made(self, outage: Any) -> SafeString | str:
        found: list[hands.Made] = getattr(outage, "console_made", [])
        lines = [
            (
                format_html('<a href="{}">{}</a>', one.url, one.name) if one.url else one.name,
                one.note,
            )
            for one in found
        ]
        return format_html_join("", "<p>{} {}</p>", lines) or "No incident."


def _run(run: Run | None) -> SafeString | str:
    if run is None:
        return "It is not kept any more."
    return format_html('<a href="{}">{}</a>: {}', run_url(run), utc(run.due_at), _outcome(run))


def _outcome(run: Run) -> str:
    label = str(run.get_result_display())
    return f"{label}, {run.reason}" if run.reason else label
