"""How a micro-batch is read and written: one statement each, COPY on PostgreSQL, executemany on SQLite.

Nothing here decides anything; `record` does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.sql import as_array, as_instant, as_text, stamp, vendor
from apps.monitors.models import Run
from apps.monitors.policy import Streak

_READ = (
    "s.id, s.claim_no, s.monitor_id, m.version, s.is_active, s.interval_s, {slot_at}, {next_run_at},"
    " {run_now_at}, s.streak, s.streak_is_failing, {streak_started_at}, s.is_failing, s.overruns,"
    " {owed_since}, m.failure_threshold, m.recovery_threshold, {last_due_at}, m.crontab, m.crontab_time_zone"
)
_INSTANTS = (
    *("slot_at", "next_run_at", "run_now_at", "streak_started_at", "owed_since", "last_due_at"),
)
_RUN = (
    "schedule_id, due_at, started_at, result, is_manual, duration_ms, response_time_ms,"
    " slowest_request_ms, reason"
)
_RUN_TYPES = ("int8", "timestamptz", "timestamptz", "text", "bool", "int4", "int4", "int4", "text")
# What a finished run changes of its schedule, with the types in which PostgreSQL takes it from JSON.
_WRITTEN = {
    "is_adopted": "bool",
    "leased_until": "timestamptz",
    "slot_at": "timestamptz",
    "slot_count": "int",
    "slot_is_manual": "bool",
    "next_run_at": "timestamptz",
    "streak": "int",
    "streak_is_failing": "bool",
    "streak_started_at": "timestamptz",
    "is_failing": "bool",
    "last_due_at": "timestamptz",
    "last_finished_at": "timestamptz",
    "last_result": "text",
    "owed_since": "timestamptz",
    "overruns": "int",
}

RunRow = tuple[int, datetime, datetime, str, bool, int, int | None, int | None, str]
DetailRow = tuple[int, datetime, str]
"""(schedule id, due_at, JSON text)."""


@dataclass(slots=True)
class Held:
    """A schedule's row, locked, with its monitor's thresholds."""

    schedule_id: int
    claim_no: int
    monitor_id: int
    version: int
    is_active: bool
    interval_s: int | None
    slot_at: datetime | None
    next_run_at: datetime | None
    run_now_at: datetime | None
    streak: Streak
    overruns: int
    owed_since: datetime | None
    failure_threshold: int
    recovery_threshold: int
    leased_until: datetime | None = None
    slot_count: int = 0
    slot_is_manual: bool = False
    last_due_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_result: str = ""
    crontab: str = ""
    crontab_time_zone: str = ""

    @property
    def cadence(self) -> slots.Cadence | None:
        """When its slots follow one another; None for a crontab that cannot be read, which claiming sees to."""
        if self.interval_s is not None:
            return slots.Every(self.interval_s)
        try:
            return slots.by_crontab(self.crontab, self.crontab_time_zone)
        except ValueError:
            return None


def lock_schedules(schedule_ids: Sequence[int]) -> tuple[dict[int, Held], datetime]:
    """Lock the rows in their keys' order; return them and the database's present time."""
    read = _READ.format(**{name: stamp(f"s.{name}") for name in _INSTANTS})
    with connection.cursor() as cursor:
        if vendor() == "postgresql":
            cursor.execute(
                f"SELECT {stamp('clock_timestamp()')}, {read} FROM monitors_schedule s"  # noqa: S608 -- built from constants
                " JOIN monitors_monitor m ON m.id = s.monitor_id"
                " WHERE s.id = ANY(%s::bigint[]) ORDER BY s.id FOR NO KEY UPDATE OF s",
                [as_array(sorted(schedule_ids))],
            )
        else:
            cursor.execute(
                f"SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'), {read}"  # noqa: S608 -- built from constants
                " FROM json_each(%s) AS c JOIN monitors_schedule s ON s.id = c.value"
                " JOIN monitors_monitor m ON m.id = s.monitor_id",
                [json.dumps(sorted(schedule_ids))],
            )
        rows = cursor.fetchall()
    now = as_instant(rows[0][0]) if rows else None
    return {row[1]: _held(row[1:]) for row in rows}, now or database_now()


def recorded(keys: Collection[tuple[int, datetime]]) -> set[tuple[int, datetime]]:
    """Return those of the (schedule id, due_at) of which there is a run. One statement."""
    if not keys:
        return set()
    runs = Run.objects.filter(
        schedule_id__in={schedule_id for schedule_id, _ in keys},
        due_at__in={due_at for _, due_at in keys},
    )
    return set(keys) & set(runs.values_list("schedule_id", "due_at"))


def write_runs(rows: Sequence[RunRow]) -> None:
    """Append the runs."""
    if vendor() == "postgresql":
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY monitors_run ({_RUN}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(_RUN_TYPES)
            for row in rows:
                copy.write_row(row)
        return
    _many(
        f"INSERT INTO monitors_run ({_RUN}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608 -- built from constants
        [(row[0], as_text(row[1]), as_text(row[2]), *row[3:]) for row in rows],
    )


def write_details(rows: Sequence[DetailRow]) -> None:
    """Append the details of runs."""
    _write_details("monitors_rundetail", rows, "")


def write_latest_passes(rows: Sequence[DetailRow]) -> None:
    """Replace the details of each schedule's newest passed run; one row for a schedule."""
    _write_details(
        "monitors_latestpass",
        rows,
        " ON CONFLICT (schedule_id) DO UPDATE SET due_at = excluded.due_at, detail = excluded.detail"
        " WHERE excluded.due_at > monitors_latestpass.due_at",
    )


def write_schedules(rows: Sequence[Held]) -> None:
    """Write what the runs changed of their schedules."""
    values = [_written(row) for row in rows]
    if vendor() == "postgresql":
        taken = ", ".join(
            f"(e->>{place}{' || $$+00$$' if kind == 'timestamptz' else ''})::{kind} AS {name}"
            for place, (name, kind) in enumerate(_WRITTEN.items(), start=1)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE monitors_schedule s SET {', '.join(f'{n} = v.{n}' for n in _WRITTEN)}"  # noqa: S608 -- built from constants
                f" FROM (SELECT (e->>0)::bigint AS id, {taken}"
                " FROM json_array_elements(%s::json) e) v WHERE s.id = v.id",
                [json.dumps(values)],
            )
        return
    _many(
        f"UPDATE monitors_schedule SET {', '.join(f'{n} = %s' for n in _WRITTEN)} WHERE id = %s",  # noqa: S608 -- built from constants
        [(*row[1:], row[0]) for row in values],
    )


def _write_details(table: str, rows: Sequence[DetailRow], on_conflict: str) -> None:
    """Insert details. On PostgreSQL all of them are one JSON text, in which each detail stands as it is."""
    if not rows:
        return
    into = f"INSERT INTO {table} (schedule_id, due_at, detail)"
    if vendor() == "postgresql":
        texts = [f'[{key},"{due_at.isoformat()}",{detail}]' for key, due_at, detail in rows]
        with connection.cursor() as cursor:
            cursor.execute(
                f"{into} SELECT (e->>0)::bigint, (e->>1)::timestamptz, e->2"  # noqa: S608 -- built from constants
                f" FROM jsonb_array_elements(%s::jsonb) e{on_conflict}",
                [f"[{','.join(texts)}]"],
            )
    else:
        _many(
            f"{into} VALUES (%s, %s, %s){on_conflict}",
            [(key, as_text(due_at), detail) for key, due_at, detail in rows],
        )


def _held(row: tuple[Any, ...]) -> Held:
    schedule_id, claim_no, monitor_id, version, is_active, interval_s = row[:6]
    slot_at, next_run_at, run_now_at = row[6:9]
    streak, streak_is_failing, streak_started_at, is_failing, overruns = row[9:14]
    owed_since, failure_threshold, recovery_threshold, last_due_at, crontab, crontab_time_zone = (
        row[14:]
    )
    return Held(
        schedule_id=schedule_id,
        claim_no=claim_no,
        monitor_id=monitor_id,
        version=version,
        is_active=bool(is_active),
        interval_s=interval_s,
        slot_at=as_instant(slot_at),
        next_run_at=as_instant(next_run_at),
        run_now_at=as_instant(run_now_at),
        streak=Streak(
            streak, bool(streak_is_failing), as_instant(streak_started_at), bool(is_failing)
        ),
        overruns=overruns,
        owed_since=as_instant(owed_since),
        failure_threshold=failure_threshold,
        recovery_threshold=recovery_threshold,
        last_due_at=as_instant(last_due_at),
        crontab=crontab,
        crontab_time_zone=crontab_time_zone,
    )


def _written(row: Held) -> tuple[Any, ...]:
    """Return the key and the values of `_WRITTEN`, instants as text in UTC without an offset."""
    return (
        row.schedule_id,
        row.slot_at is not None,
        as_text(row.leased_until),
        as_text(row.slot_at),
        row.slot_count,
        row.slot_is_manual,
        as_text(row.next_run_at),
        row.streak.length,
        row.streak.is_failing,
        as_text(row.streak.started_at),
        row.streak.has_failed,
        as_text(row.last_due_at),
        as_text(row.last_finished_at),
        row.last_result,
        as_text(row.owed_since),
        row.overruns,
    )


def _many(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)
