"""What is read about monitors, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, Prefetch, Q, QuerySet

from apps.core.clock import DatabaseNow, database_now
from apps.core.errors import NotFound
from apps.monitors.checkers.spec import (
    UNSET,
    AssertionSpec,
    AuthSpec,
    ExtractionSpec,
    MonitorSpec,
    RequestSpec,
)
from apps.monitors.definition import CrontabSpec, MonitorDefinition
from apps.monitors.engine.presence import present
from apps.monitors.models import Location, Monitor, MonitorRequest, Run, RunDetail, Schedule
from apps.monitors.newest import newest_runs


def monitor_by_public_id(public_id: str) -> Monitor:
    """Return a live monitor. Raises NotFound."""
    try:
        found: Monitor = Monitor.objects.live().get(public_id=public_id)
    except Monitor.DoesNotExist as error:
        raise NotFound("monitor_not_found", f"there is no monitor {public_id}") from error
    return found


def placed_schedules(monitor_ids: Iterable[int]) -> QuerySet[Schedule]:
    """Return the schedules of the locations at which the monitors run now."""
    return Schedule.objects.filter(monitor_id__in=monitor_ids, removed_at__isnull=True)


def definitions(monitors: Iterable[Monitor]) -> dict[int, MonitorDefinition]:
    """Return {internal id: definition}; six queries, however many monitors."""
    ids = [monitor.pk for monitor in monitors]
    rows = Monitor.objects.filter(pk__in=ids).prefetch_related(
        Prefetch("requests", _requests()),
        Prefetch("parents", Monitor.objects.live().order_by("name")),
        Prefetch("schedules", placed_schedules(ids).select_related("location"), to_attr="placed"),
    )
    return {row.pk: _definition(row) for row in rows}


def definition_of(monitor: Monitor) -> MonitorDefinition:
    """Return the stored definition of one monitor."""
    return definitions([monitor])[monitor.pk]


def specs(monitor_ids: Iterable[int]) -> dict[int, tuple[int, MonitorSpec]]:
    """Return {internal id: (version, what the checker is told)}; four queries, however many monitors."""
    rows = Monitor.objects.filter(pk__in=list(monitor_ids)).prefetch_related(
        Prefetch("requests", _requests())
    )
    return {row.pk: (row.version, _spec(row)) for row in rows}


def dispatch_lag_s() -> float:
    """Return by how many seconds the most overdue schedule waits to be claimed; 0 when none is.

    A schedule whose run is in flight is not waiting: its next slot may pass meanwhile. Nor is one at a location
    without a worker, for which nothing is claimed.
    """
    oldest = (
        Schedule.objects.filter(is_active=True, next_run_at__isnull=False)
        .filter(location__in=present(database_now()).values("pk"))
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lt=DatabaseNow()))
        .order_by("next_run_at")
        .values_list("next_run_at", flat=True)
        .first()
    )
    if oldest is None:
        return 0.0
    return max(0.0, (database_now() - oldest).total_seconds())


def location_codes(location_ids: Iterable[int]) -> dict[int, str]:
    """Return {internal id: code}."""
    return dict(Location.objects.filter(pk__in=set(location_ids)).values_list("pk", "code"))


def latest_runs(
    *, monitor_ids: Sequence[int], limit: int = 50, before: tuple[datetime, int] | None = None
) -> list[Run]:
    """Return runs of the monitors, newest slot first; `before` is (due_at, schedule_id) of the last one seen.

    Keyset pagination along the runs' own key, two queries: the thousandth page costs what the first does.
    """
    schedules = (
        Schedule.objects.filter(monitor_id__in=monitor_ids)
        .select_related("monitor", "location")
        .in_bulk()
    )
    newest = newest_runs(schedules, limit=limit, before=before)
    found = [run for runs in newest.values() for run in runs]
    found.sort(key=lambda run: (-run.due_at.timestamp(), run.schedule_id))
    for run in found[:limit]:
        run.schedule = schedules[run.schedule_id]
    return found[:limit]


def run_detail(*, schedule_id: int, due_at: datetime) -> dict[str, Any] | None:
    """Return the kept details of a run (CheckOutcome.detail), None when they were not kept."""
    kept = RunDetail.objects.filter(schedule_id=schedule_id, due_at=due_at).first()
    return kept.detail if kept else None


def last_results(monitor_ids: Iterable[int]) -> dict[int, datetime]:
    """Return {internal id: when its newest recorded run finished}."""
    rows = (
        placed_schedules(list(monitor_ids))
        .filter(last_finished_at__isnull=False)
        .values("monitor_id")
        .annotate(at=Max("last_finished_at"))
    )
    return {row["monitor_id"]: row["at"] for row in rows}


def _requests() -> QuerySet[MonitorRequest]:
    return MonitorRequest.objects.prefetch_related("assertions", "extractions")


def _definition(row: Monitor) -> MonitorDefinition:
    spec = _spec(row)
    return MonitorDefinition(
        workspace_id=row.workspace_id,
        name=row.name,
        kind=row.kind,
        enabled=row.enabled,
        interval_s=row.interval_s,
        crontab=CrontabSpec(row.crontab, row.crontab_time_zone) if row.crontab else None,
        timeout_s=row.timeout_s,
        run_limit_s=row.run_limit_s,
        retries=row.retries,
        retry_delay_s=row.retry_delay_s,
        failure_threshold=row.failure_threshold,
        recovery_threshold=row.recovery_threshold,
        locations=tuple(sorted(schedule.location.code for schedule in row.placed)),  # type: ignore[attr-defined]
        quorum=row.quorum,
        follow_redirects=row.follow_redirects,
        verify_tls=row.verify_tls,
        tags=tuple(row.tags),
        parents=tuple(parent.name for parent in row.parents.all()),
        variables=row.variables,
        secret_variables=row.secret_variables,
        requests=spec.requests,
    )


def _spec(row: Monitor) -> MonitorSpec:
    return MonitorSpec(
        kind=row.kind,
        timeout_s=row.timeout_s,
        run_limit_s=row.run_limit_s,
        retries=row.retries,
        retry_delay_s=row.retry_delay_s,
        follow_redirects=row.follow_redirects,
        verify_tls=row.verify_tls,
        variables=row.variables,
        secret_variables=row.secret_variables,
        requests=tuple(_request(request) for request in row.requests.all()),
    )


def _request(row: MonitorRequest) -> RequestSpec:
    return RequestSpec(
        name=row.name,
        url=row.url,
        method=row.method,
        headers=tuple(sorted(row.headers.items())),
        body=row.body if row.body_kind == MonitorRequest.BodyKind.TEXT else None,
        json=row.json if row.body_kind == MonitorRequest.BodyKind.JSON else UNSET,
        auth=AuthSpec.from_config(row.auth),
        assertions=tuple(
            AssertionSpec(
                source=item.source,
                operator=item.operator,
                value=item.value,
                name=item.name,
                path=item.path,
            )
            for item in row.assertions.all()
        ),
        extractions=tuple(
            ExtractionSpec(
                variable=item.variable,
                source=item.source,
                name=item.name,
                path=item.path,
                pattern=item.pattern,
            )
            for item in row.extractions.all()
        ),
    )
