"""Claim what is due: one statement for each way to be due, all on the database's clock.

On PostgreSQL each is a single indexed UPDATE that skips rows which another claimer holds; on SQLite, whose
write transactions are alone anyway, it is a read and an `executemany`. `slots.claim` is the rule in both. Crontabs are
few, and no rule for SQL: on PostgreSQL too they are read, locked, and written back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.cadences import cadences_of
from apps.monitors.engine.presence import HAS_WORKER, present
from apps.monitors.engine.sql import CLAIM_LEASE, as_text, vendor
from apps.monitors.models import Run, Schedule

# A crontab that cannot be read is looked at again after this.
_POSTPONED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed schedule; whoever holds this number may run its slots and record them."""

    schedule_id: int
    claim_no: int
    location_id: int


def claim(limit: int) -> list[Claim]:
    """Claim up to `limit` schedules of each kind: lapsed leases, runs asked for by people, and due slots.

    Nothing is claimed for a location without a living worker: its slots pass, and are counted when one is back.
    """
    if vendor() == "postgresql":
        by_sql = (_claim_on_postgresql(sql, limit) for sql in (_LAPSED, _MANUAL, _DUE))
        return [*(found for claims in by_sql for found in claims), *_claim_crontabs(limit)]
    return _claim_on_sqlite(limit)


# clock_timestamp() is volatile and would keep the indexes from being used.
_NOW = "statement_timestamp()"
_LEASE = f"{_NOW} + interval '{CLAIM_LEASE.total_seconds()} seconds'"
_STEP = "s.interval_s * interval '1 second'"

_DUE = f"""
UPDATE monitors_schedule s SET
    claim_no = s.claim_no + 1,
    leased_until = {_LEASE},
    is_adopted = false,
    slot_is_manual = false,
    slot_at = taken.first,
    slot_count = taken.count,
    missed = s.missed + taken.missed,
    next_run_at = taken.first + taken.count * {_STEP}
FROM (
    SELECT due.id, past.missed, first.first,
        CASE WHEN due.interval_s < {slots.SHORT_INTERVAL_S} THEN greatest(1, 1 + floor(
            extract(epoch FROM {_NOW} + interval '{slots.HORIZON.total_seconds()} seconds' - first.first)
            / due.interval_s))::int ELSE 1 END AS count
    FROM (
        SELECT id, interval_s, next_run_at FROM monitors_schedule
        WHERE is_active AND slot_at IS NULL AND interval_s IS NOT NULL AND run_now_at IS NULL
            AND next_run_at <= {_NOW} + interval '{slots.HORIZON.total_seconds()} seconds'
            AND {HAS_WORKER}
        ORDER BY next_run_at LIMIT %s FOR UPDATE SKIP LOCKED
    ) due
    CROSS JOIN LATERAL (SELECT greatest(0,
        floor(extract(epoch FROM {_NOW} - due.next_run_at) / due.interval_s))::int AS missed) past
    CROSS JOIN LATERAL (SELECT
        due.next_run_at + past.missed * due.interval_s * interval '1 second' AS first) first
) taken
WHERE s.id = taken.id
RETURNING s.id, s.claim_no, s.location_id
"""  # noqa: S608 -- built from constants

_MANUAL = f"""
UPDATE monitors_schedule s SET
    claim_no = s.claim_no + 1,
    leased_until = {_LEASE},
    is_adopted = false,
    slot_is_manual = true,
    slot_at = s.run_now_at,
    slot_count = 1,
    run_now_at = NULL
FROM (
    SELECT id FROM monitors_schedule
    WHERE run_now_at IS NOT NULL AND is_active AND slot_at IS NULL AND {HAS_WORKER}
    ORDER BY run_now_at LIMIT %s FOR UPDATE SKIP LOCKED
) asked
WHERE s.id = asked.id
RETURNING s.id, s.claim_no, s.location_id
"""  # noqa: S608 -- built from constants

# The slot stays; those that have come due since then were never claimed.
_LAPSED = f"""
UPDATE monitors_schedule s SET
    claim_no = s.claim_no + 1,
    leased_until = {_LEASE},
    is_adopted = false,
    missed = s.missed + lapsed.missed,
    next_run_at = s.next_run_at + lapsed.missed * {_STEP}
FROM (
    SELECT id, CASE WHEN next_run_at <= {_NOW}
        THEN 1 + floor(extract(epoch FROM {_NOW} - next_run_at) / interval_s)::int
        ELSE 0 END AS missed
    FROM monitors_schedule
    WHERE slot_at IS NOT NULL AND leased_until < {_NOW} AND interval_s IS NOT NULL
        AND {HAS_WORKER}
    ORDER BY leased_until LIMIT %s FOR UPDATE SKIP LOCKED
) lapsed
WHERE s.id = lapsed.id
RETURNING s.id, s.claim_no, s.location_id
"""  # noqa: S608 -- built from constants

# Those of crontabs that are due in one way or the other.
_CRONTABS = f"""
(SELECT id FROM monitors_schedule
    WHERE slot_at IS NOT NULL AND leased_until < {_NOW} AND interval_s IS NULL
        AND {HAS_WORKER}
    ORDER BY leased_until LIMIT %s)
UNION ALL
(SELECT id FROM monitors_schedule
    WHERE is_active AND slot_at IS NULL AND interval_s IS NULL AND run_now_at IS NULL
        AND next_run_at <= {_NOW} + interval '{slots.HORIZON.total_seconds()} seconds'
        AND {HAS_WORKER}
    ORDER BY next_run_at LIMIT %s)
"""  # noqa: S608 -- built from constants


def _claim_on_postgresql(sql: str, limit: int) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [limit])
        return [Claim(*row) for row in cursor.fetchall()]


def _claim_crontabs(limit: int) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(_CRONTABS, [limit, limit])
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    with transaction.atomic():
        now = database_now()
        lapsed, _, due = (
            list(rows.filter(pk__in=ids).select_for_update(no_key=True, skip_locked=True))
            for rows in _candidates(now)
        )
        return _claim_rows(lapsed, [], due, now)


def _claim_on_sqlite(limit: int) -> list[Claim]:
    now = database_now()
    # Whether anything is due is found without the lock that recording needs.
    if not any(rows.exists() for rows in _candidates(now)):
        return []
    with transaction.atomic():
        # The lock may have taken a while.
        now = database_now()
        lapsed, asked, due = (list(rows[:limit]) for rows in _candidates(now))
        return _claim_rows(lapsed, asked, due, now)


def _candidates(now: datetime) -> tuple[QuerySet[Schedule], QuerySet[Schedule], QuerySet[Schedule]]:
    rows = Schedule.objects.filter(location__in=present(now).values("pk"))
    return (
        rows.filter(slot_at__isnull=False, leased_until__lt=now).order_by("leased_until"),
        rows.filter(run_now_at__isnull=False, is_active=True, slot_at__isnull=True).order_by(
            "run_now_at"
        ),
        rows.filter(
            is_active=True,
            slot_at__isnull=True,
            run_now_at__isnull=True,
            next_run_at__lte=now + slots.HORIZON,
        ).order_by("next_run_at"),
    )


def _claim_rows(
    lapsed: list[Schedule], asked: list[Schedule], due: list[Schedule], now: datetime
) -> list[Claim]:
    """Claim rows that are locked, by the same rules as the statements above."""
    cadences = cadences_of([*lapsed, *due])
    for row in lapsed:
        cadence = cadences[row.pk]
        if row.next_run_at is not None and cadence is not None:
            row.next_run_at, missed = slots.skip(
                next_run_at=row.next_run_at, cadence=cadence, until=now
            )
            row.missed += missed
    for row in asked:
        row.slot_at, row.slot_count, row.slot_is_manual = row.run_now_at, 1, True
        row.run_now_at = None
    for row in due:
        _take(row, cadences[row.pk], now)
    changed = {row.pk: row for row in (*lapsed, *asked, *due)}
    _write(changed.values(), now)
    return [
        Claim(row.pk, row.claim_no + 1, row.location_id)
        for row in changed.values()
        if row.slot_at is not None
    ]


def _take(row: Schedule, cadence: slots.Cadence | None, now: datetime) -> None:
    if row.next_run_at is None:
        return
    if cadence is None:
        row.next_run_at = now + _POSTPONED
        return
    taken = slots.claim(next_run_at=row.next_run_at, cadence=cadence, now=now)
    row.slot_at, row.slot_count, row.slot_is_manual = taken.first, taken.count, False
    row.missed += taken.missed
    row.next_run_at = taken.next_run_at
    # The clock was set back, and its times come again; intervals were given another phase.
    if (
        row.interval_s is None
        and row.last_due_at is not None
        and taken.first <= row.last_due_at
        and Run.objects.filter(schedule_id=row.pk, due_at=taken.first).exists()
    ):
        row.slot_at = slots.aside(taken.first, now)


# What `_write` sets of each row, with the types in which PostgreSQL takes it from JSON.
_WRITTEN = {
    "leased_until": "timestamptz",
    "slot_at": "timestamptz",
    "slot_count": "int",
    "slot_is_manual": "bool",
    "run_now_at": "timestamptz",
    "missed": "int",
    "next_run_at": "timestamptz",
}
_WRITE = {
    "postgresql": "UPDATE monitors_schedule s SET claim_no = s.claim_no + 1, is_adopted = false, "  # noqa: S608 -- built from constants
    + ", ".join(
        f"{name} = (v.e->>{place})::{kind}" for place, (name, kind) in enumerate(_WRITTEN.items())
    )
    + f" FROM jsonb_array_elements(%s::jsonb) v (e) WHERE s.id = (v.e->>{len(_WRITTEN)})::bigint",
    "sqlite": "UPDATE monitors_schedule SET claim_no = claim_no + 1, is_adopted = false, "  # noqa: S608 -- as above
    + ", ".join(f"{name} = %s" for name in _WRITTEN)
    + " WHERE id = %s",
}


def _write(rows: Iterable[Schedule], now: datetime) -> None:
    until = as_text(now + CLAIM_LEASE)
    values = [
        (
            until if row.slot_at is not None else None,
            as_text(row.slot_at),
            row.slot_count,
            row.slot_is_manual,
            as_text(row.run_now_at),
            row.missed,
            as_text(row.next_run_at),
            row.pk,
        )
        for row in rows
    ]
    with connection.cursor() as cursor:
        if vendor() == "postgresql":
            cursor.execute(_WRITE["postgresql"], [json.dumps(values)])
        else:
            cursor.executemany(_WRITE["sqlite"], values)
