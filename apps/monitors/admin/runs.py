"""A monitor's runs, below the monitor: a list that goes back page by page, and one run with all its details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.adminkit import utc
from apps.core.unfold import action
from apps.monitors.admin.run_shown import run_shown
from apps.monitors.models import Monitor, Run, Schedule
from apps.monitors.selectors import latest_runs

RUNS_PER_PAGE = 50


class RunViews:
    """Mixin for the monitor's ModelAdmin."""

    admin_site: Any
    opts: Any
    media: Any

    @action(description="Runs", url_path="runs", icon="list")
    def runs(self, request: HttpRequest, object_id: str) -> HttpResponse:
        monitor = self._visible(request, object_id)
        before = _seen(request.GET.get("before", ""))
        found = latest_runs(monitor_ids=[monitor.pk], limit=RUNS_PER_PAGE + 1, before=before)
        shown = found[:RUNS_PER_PAGE]
        older = _key(shown[-1]) if len(found) > RUNS_PER_PAGE else ""
        return TemplateResponse(
            request,
            "admin/console/runs.html",
            {
                **self._context(request, monitor, f"Runs of {monitor}"),
                "runs": run_rows(monitor, shown),
                "older": older,
                "is_first_page": before is None,
                "kept_days": settings.RUN_RETENTION_DAYS,
            },
        )

    def run(self, request: HttpRequest, object_id: str, key: str, **_: Any) -> HttpResponse:
        monitor = self._visible(request, object_id)
        seen = _seen(key)
        if seen is None:
            raise Http404("No such run.")
        due_at, schedule_id = seen
        run = (
            Run.objects.filter(schedule_id=schedule_id, due_at=due_at)
            .filter(schedule_id__in=Schedule.objects.filter(monitor=monitor).values("pk"))
            .first()
        )
        if run is None:
            raise Http404("No such run.")
        run.schedule = Schedule.objects.select_related("location").get(pk=schedule_id)
        return TemplateResponse(
            request,
            "admin/console/run.html",
            {
                **self._context(request, monitor, f"Run of {monitor}"),
                **run_shown(run),
                "runs_url": reverse("admin:monitors_monitor_runs", args=[monitor.pk]),
            },
        )

    def get_custom_urls(self) -> tuple[Any, ...]:
        return (("<path:object_id>/runs/<str:key>/", "monitors_monitor_run", self.run),)

    def _visible(self, request: HttpRequest, object_id: str) -> Monitor:
        site: Any = self
        monitor: Monitor = site.get_row(request, object_id)
        if not site.has_view_or_change_permission(request, monitor):
            raise PermissionDenied
        return monitor

    def _context(self, request: HttpRequest, monitor: Monitor, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": monitor,
            "monitor": monitor,
            "monitor_url": reverse("admin:monitors_monitor_change", args=[monitor.pk]),
            "media": self.media,
        }


def run_rows(monitor: Monitor, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the runs (with their schedules and locations) as a table shows them."""
    return [
        {
            "url": run_url(run),
            "due": utc(run.due_at),
            "result": run.result,
            "label": run.get_result_display(),
            "location": run.schedule.location.name,
            "response_time_ms": run.response_time_ms,
            "duration_ms": run.duration_ms,
            "is_manual": run.is_manual,
            "reason": run.reason,
        }
        for run in runs
    ]


def run_url(run: Run) -> str:
    """Return the address of a run that comes with its schedule."""
    return reverse("admin:monitors_monitor_run", args=[run.schedule.monitor_id, _key(run)])


def _key(run: Run) -> str:
    """Return a run's name in addresses: microseconds since 1970 and the schedule's key."""
    return f"{round(run.due_at.timestamp() * 1_000_000)}-{run.schedule_id}"


def _seen(key: str) -> tuple[datetime, int] | None:
    micros, _, schedule_id = key.partition("-")
    if not (micros.isdecimal() and schedule_id.isdecimal()):
        return None
    try:
        seconds, rest = divmod(int(micros), 1_000_000)
        due_at = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
    except (OverflowError, ValueError, OSError):
        return None
    return due_at, int(schedule_id)
