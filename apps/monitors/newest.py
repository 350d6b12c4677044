"""The newest runs of many schedules, in one statement that reads no more than it returns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.monitors.engine.sql import as_array, as_instant, as_text, vendor
from apps.monitors.models import Run

_COLUMNS = (
    *("due_at", "started_at", "result", "is_manual"),
    *("duration_ms", "response_time_ms", "slowest_request_ms", "reason"),
)
_MOMENT = timedelta(microseconds=1)

# A subquery of each schedule, since no window function stops reading.
_POSTGRESQL = """
    SELECT of.id, {columns} FROM unnest(%s::bigint[]) AS of(id) CROSS JOIN LATERAL (
        SELECT {columns} FROM "monitors_run" WHERE schedule_id = of.id {before} ORDER BY due_at DESC LIMIT %s
    ) AS newest
"""
_SQLITE = """
    SELECT schedule_id, {columns} FROM json_each(%s) AS of CROSS JOIN "monitors_run"
    WHERE schedule_id = of.value AND due_at IN (
        SELECT due_at FROM "monitors_run" WHERE schedule_id = of.value {before} ORDER BY due_at DESC LIMIT %s
    )
"""
_BEFORE = "AND due_at < CASE WHEN {of} > %s THEN {instant} ELSE {instant} END"


def newest_runs(
    schedule_ids: Collection[int], *, limit: int, before: tuple[datetime, int] | None = None
) -> dict[int, list[Run]]:
    """Return {schedule id: its newest runs, the newest first, at most `limit`}; nothing for one without runs.

    `before`, (due_at, schedule id) of the last one seen, goes back in the order of (newest slot first, schedule).
    Along the runs' own key: the thousandth page costs what the first does.
    """
    found: dict[int, list[Run]] = defaultdict(list)
    if not schedule_ids:
        return found
    sql, parameters = _statement(schedule_ids, limit, before)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    for schedule_id, *values in rows:
        found[schedule_id].append(_run(schedule_id, values))
    for runs in found.values():
        runs.sort(key=lambda run: run.due_at, reverse=True)
    return found


def _statement(
    schedule_ids: Collection[int], limit: int, before: tuple[datetime, int] | None
) -> tuple[str, list[Any]]:
    is_postgresql = vendor() == "postgresql"
    numbers = as_array(schedule_ids)
    parameters: list[Any] = [numbers if is_postgresql else f"[{numbers[1:-1]}]"]
    bound = ""
    if before is not None:
        seen_at, seen_id = before
        bound = _BEFORE.format(
            of="of.id" if is_postgresql else "of.value",
            instant="%s::timestamptz" if is_postgresql else "%s",
        )
        bounds = (seen_at + _MOMENT, seen_at)
        parameters += [seen_id, *(bounds if is_postgresql else map(as_text, bounds))]
    form = _POSTGRESQL if is_postgresql else _SQLITE
    sql = form.format(columns=", ".join(_COLUMNS), before=bound)
    return sql, [*parameters, limit]


def _run(schedule_id: int, values: list[Any]) -> Run:
    fields = dict(zip(_COLUMNS, values, strict=True))
    for name in ("due_at", "started_at"):
        fields[name] = as_instant(fields[name])
    fields["is_manual"] = bool(fields["is_manual"])
    run = Run(schedule_id=schedule_id, **fields)
    run._state.adding = False
    run._state.db = connection.alias
    return run
