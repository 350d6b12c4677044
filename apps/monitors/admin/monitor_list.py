"""The list of monitors: how each stands, read for the shown page at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.adminkit import ArchivedFilter, tag, utc
from apps.core.unfold import display
from apps.monitors.admin.filters import ConditionFilter, LagFilter, LocationFilter, WorkspaceFilter
from apps.monitors.admin.run_chart import share_text
from apps.monitors.admin.sparkline import sparkline
from apps.monitors.admin.tags import TagFilter
from apps.monitors.list_selectors import SPARK_RUNS, Seen, seen
from apps.monitors.models import Monitor
from apps.monitors.uptime import Uptime

# A lag that a list of seconds would blink with is none.
_SHOWN_LAG = timedelta(seconds=2)


class MonitorChangeList(ChangeList):
    """Reads what the columns show for the rows of the page, together."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        rows: models.QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        # Secrets are decrypted where they are read.
        return rows.defer("secret_variables", "variables")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # Where all fit on a page, Django reads them without a bound.
        rows = list(self.result_list[: self.list_per_page])
        found = seen(rows)
        for row in rows:
            row.seen = found[row.pk]
        self.result_list = rows


class MonitorList:
    """Mixin for the monitor's ModelAdmin: its columns and filters."""

    list_display: Any = [
        *("state_label", "named", "recent", "uptime_24h", "uptime_30d"),
        *("cadence", "last_run", "lag"),
    ]
    list_display_links: Any = ["named"]
    list_filter: Any = [
        *(ConditionFilter, WorkspaceFilter, LocationFilter, LagFilter, TagFilter, ArchivedFilter),
    ]
    list_select_related: Any = ["workspace", "state"]
    # Counting what each filter would find reads every monitor for each.
    show_facets: Any = admin.ShowFacets.NEVER
    list_per_page = 100
    list_max_show_all = 100
    ordering: Any = ["name", "id"]
    sortable_by: Any = ["named"]
    search_fields: Any = ["name", "workspace__name"]
    list_after_template = "admin/console/monitor_list_key.html"
    search_help_text: Any = "Name of the monitor or of its workspace"

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[MonitorChangeList]:
        return MonitorChangeList

    @display(description="State")
    def state_label(self, monitor: Any) -> SafeString:
        condition = _seen(monitor).condition
        return tag(condition.value, condition.label)

    @display(description="Monitor", ordering="name")
    def named(self, monitor: Monitor) -> SafeString:
        return format_html(
            '{}<span class="console-below">{}{}</span>',
            monitor.name,
            monitor.workspace.name,
            format_html_join(
                "", ' <span class="console-chip">{}</span>', ((t,) for t in monitor.tags)
            ),
        )

    @display(description="Newest runs")
    def recent(self, monitor: Any) -> SafeString | str:
        return sparkline(_seen(monitor).runs, places=SPARK_RUNS)

    @display(description="Uptime 24 h")
    def uptime_24h(self, monitor: Any) -> SafeString | str:
        return uptime_cell(_seen(monitor).uptimes["24 h"])

    @display(description="Uptime 30 d")
    def uptime_30d(self, monitor: Any) -> SafeString | str:
        return uptime_cell(_seen(monitor).uptimes["30 d"])

    @display(description="Runs")
    def cadence(self, monitor: Monitor) -> SafeString | str:
        return how_often(monitor)

    @display(description="Last run")
    def last_run(self, monitor: Any) -> SafeString | str:
        found = _seen(monitor)
        if found.last_finished_at is None:
            return "–"
        return format_html(
            '<span class="console-nowrap" title="{}">{} ago</span>',
            utc(found.last_finished_at),
            roughly(found.now - found.last_finished_at, units=1),
        )

    @display(description="Lag")
    def lag(self, monitor: Any) -> SafeString | str:
        lag = _seen(monitor).lag
        if lag < _SHOWN_LAG:
            return "–"
        return format_html('<span class="console-nowrap">{}</span>', roughly(lag))


def uptime_cell(found: Uptime) -> SafeString | str:
    """Return an uptime in percent, and beside it what was not measured."""
    if found.share is None:
        return "–"
    whole = found.up + found.down + found.not_measured
    text = share_text(found.share)
    if found.not_measured * 100 < whole:
        return text
    gap = roughly(found.not_measured)
    return format_html(
        '<span class="console-nowrap" title="Not measured for {}">{}<span aria-hidden="true">*</span>'
        '<span class="console-hidden"> of the measured time, not measured for {}</span></span>',
        gap,
        text,
        gap,
    )


def how_often(monitor: Monitor) -> SafeString | str:
    """Return the interval, or the crontab with its zone."""
    if monitor.interval_s is None:
        return format_html(
            '<code class="console-nowrap">{}</code><span class="console-below">{}</span>',
            monitor.crontab,
            monitor.crontab_time_zone,
        )
    every = roughly(timedelta(seconds=monitor.interval_s))
    return format_html('<span class="console-nowrap">every {}</span>', every)


def roughly(length: timedelta, *, units: int = 2) -> str:
    """Return a duration by its greatest units, such as 3 h 5 min."""
    seconds = max(0, round(length / timedelta(seconds=1)))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == units:
            break
    return " ".join(filter(None, parts)) or "0 s"


def _seen(monitor: Any) -> Seen:
    found: Seen = monitor.seen
    return found
