"""Claim what is due: one statement for each way to be due, all on the database's clock.

On PostgreSQL each is a single indexed UPDATE that skips rows which another claimer holds; on SQLite, whose
write transactions are alone anyway, it is a read and an `executemany`. `slots.claim` is the rule in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.sql import CLAIM_LEASE, as_text, vendor
from apps.monitors.models import Schedule


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed schedule; whoever holds this number may run its slots and record them."""

    schedule_id: int
    claim_no: int
    location_id: int


def claim(limit: int) -> list[Claim]:
    """Claim up to `limit` schedules of each kind: lapsed leases, runs asked for by people, and due slots."""
    if vendor() == "postgresql":
        return [
            found for sql in (_LAPSED, _MANUAL, _DUE) for found in _claim_on_postgresql(sql, limit)
        ]
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
    WHERE run_now_at IS NOT NULL AND is_active AND slot_at IS NULL
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
    WHERE slot_at IS NOT NULL AND leased_until < {_NOW}
    ORDER BY leased_until LIMIT %s FOR UPDATE SKIP LOCKED
) lapsed
WHERE s.id = lapsed.id
RETURNING s.id, s.claim_no, s.location_id
"""  # noqa: S608 -- built from constants


def _claim_on_postgresql(sql: str, limit: int) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [limit])
        return [Claim(*row) for row in cursor.fetchall()]


def _claim_on_sqlite(limit: int) -> list[Claim]:
    now = database_now()
    # Whether anything is due is found without the lock that recording needs.
    if not any(rows.exists() for rows in _candidates(now)):
        return []
    with transaction.atomic():
        # The lock may have taken a while.
        now = database_now()
        lapsed, asked, due = (list(rows[:limit]) for rows in _candidates(now))
        changed = {row.pk: row for row in (*lapsed, *asked, *due)}
        for row in lapsed:
            if row.next_run_at is not None and row.interval_s is not None:
                row.next_run_at, missed = slots.skip(
                    next_run_at=row.next_run_at, interval_s=row.interval_s, until=now
                )
                row.missed += missed
        for row in asked:
            row.slot_at, row.slot_count, row.slot_is_manual = row.run_now_at, 1, True
            row.run_now_at = None
        for row in due:
            if row.next_run_at is None or row.interval_s is None:
                continue
            taken = slots.claim(next_run_at=row.next_run_at, interval_s=row.interval_s, now=now)
            row.slot_at, row.slot_count, row.slot_is_manual = taken.first, taken.count, False
            row.missed += taken.missed
            row.next_run_at = taken.next_run_at
        _write_on_sqlite(list(changed.values()), now)
        return [Claim(row.pk, row.claim_no + 1, row.location_id) for row in changed.values()]


def _candidates(now: datetime) -> tuple[QuerySet[Schedule], QuerySet[Schedule], QuerySet[Schedule]]:
    rows = Schedule.objects.all()
    return (
        rows.filter(slot_at__isnull=False, leased_until__lt=now).order_by("leased_until"),
        rows.filter(run_now_at__isnull=False, is_active=True, slot_at__isnull=True).order_by(
            "run_now_at"
        ),
        rows.filter(
            is_active=True,
            slot_at__isnull=True,
            run_now_at__isnull=True,
            interval_s__isnull=False,
            next_run_at__lte=now + slots.HORIZON,
        ).order_by("next_run_at"),
    )


def _write_on_sqlite(rows: list[Schedule], now: datetime) -> None:
    until = as_text(now + CLAIM_LEASE)
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE monitors_schedule SET claim_no = claim_no + 1, leased_until = %s, is_adopted = 0,"
            " slot_at = %s, slot_count = %s, slot_is_manual = %s, run_now_at = %s, missed = %s,"
            " next_run_at = %s WHERE id = %s",
            [
                (
                    until,
                    as_text(row.slot_at),
                    row.slot_count,
                    row.slot_is_manual,
                    as_text(row.run_now_at),
                    row.missed,
                    as_text(row.next_run_at),
                    row.pk,
                )
                for row in rows
            ],
        )
