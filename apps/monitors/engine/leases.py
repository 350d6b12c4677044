"""Hold what was claimed: adopt, renew, give back. Each is one statement, whatever the number of schedules."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.sql import HELD_LEASE, Key, as_array, as_instant, as_text, stamp, vendor

_ADOPT = """
UPDATE monitors_schedule s
SET is_adopted = true, leased_until = statement_timestamp() + %s * interval '1 second'
FROM unnest(%s::bigint[], %s::bigint[]) AS c (id, claim_no), monitors_monitor m
WHERE s.id = c.id AND s.claim_no = c.claim_no AND NOT s.is_adopted AND s.slot_at IS NOT NULL
    AND m.id = s.monitor_id
RETURNING s.id, s.claim_no, s.monitor_id, m.version, {slot_at}, s.slot_count, s.slot_is_manual, s.interval_s,
    s.streak > 0 AND NOT s.streak_is_failing AND NOT s.is_failing, s.location_id
"""
_EXTEND = """
UPDATE monitors_schedule s SET leased_until = statement_timestamp() + %s * interval '1 second'
FROM unnest(%s::bigint[], %s::bigint[]) AS c (id, claim_no)
WHERE s.id = c.id AND s.claim_no = c.claim_no AND s.slot_at IS NOT NULL
RETURNING s.id, s.claim_no
"""
_CLAIMED_ON_SQLITE = """
SELECT s.id, s.claim_no, s.monitor_id, m.version, {slot_at}, s.slot_count, s.slot_is_manual, s.interval_s,
    s.streak > 0 AND NOT s.streak_is_failing AND NOT s.is_failing, s.location_id
FROM json_each(%s) AS c
JOIN monitors_schedule s
    ON s.id = json_extract(c.value, '$[0]') AND s.claim_no = json_extract(c.value, '$[1]')
JOIN monitors_monitor m ON m.id = s.monitor_id
WHERE s.slot_at IS NOT NULL AND (%s OR NOT s.is_adopted)
"""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A schedule that this engine runs now. `due` are its claimed slots, in order."""

    schedule_id: int
    claim_no: int
    monitor_id: int
    version: int
    is_manual: bool
    was_passing: bool
    due: tuple[datetime, ...]
    location_id: int = 0

    @property
    def key(self) -> Key:
        return self.schedule_id, self.claim_no


def adopt(claims: Collection[Key]) -> list[Adopted]:
    """Take over claims that nobody has adopted; a message that comes twice gets nothing the second time."""
    if not claims:
        return []
    rows = _adopt_on_postgresql(claims) if vendor() == "postgresql" else _adopt_on_sqlite(claims)
    return [_adopted(row) for row in rows]


def renew(held: Collection[Key]) -> set[Key]:
    """Extend the leases of all that is held; return what is held still."""
    return _extend(held, HELD_LEASE.total_seconds())


def give_back(held: Collection[Key]) -> set[Key]:
    """Let the leases lapse now, so that another worker claims the same slots at the next tick."""
    return _extend(held, 0.0)


def _adopt_on_postgresql(claims: Collection[Key]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _ADOPT.format(slot_at=stamp("s.slot_at")),
            [HELD_LEASE.total_seconds(), *_turned(claims)],
        )
        return list(cursor.fetchall())


def _adopt_on_sqlite(claims: Collection[Key]) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIMED_ON_SQLITE.format(slot_at=stamp("s.slot_at")),
            [json.dumps(list(set(claims))), False],
        )
        rows = list(cursor.fetchall())
        until = as_text(database_now() + HELD_LEASE)
        cursor.executemany(
            "UPDATE monitors_schedule SET is_adopted = 1, leased_until = %s WHERE id = %s",
            [(until, row[0]) for row in rows],
        )
        return rows


def _adopted(row: tuple[Any, ...]) -> Adopted:
    schedule_id, claim_no, monitor_id, version, first, count = row[:6]
    is_manual, interval_s, was_passing, location_id = row[6:]
    slot_at = as_instant(first)
    if slot_at is None:
        raise AssertionError("only rows with a slot are adopted")
    due = slots.claimed_slots(first=slot_at, count=count, interval_s=interval_s)
    return Adopted(
        schedule_id,
        claim_no,
        monitor_id,
        version,
        bool(is_manual),
        bool(was_passing),
        due,
        location_id,
    )


def _extend(held: Collection[Key], seconds: float) -> set[Key]:
    if not held:
        return set()
    if vendor() == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_EXTEND, [seconds, *_turned(held)])
            return {(row[0], row[1]) for row in cursor.fetchall()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIMED_ON_SQLITE.format(slot_at=stamp("s.slot_at")), [json.dumps(list(held)), True]
        )
        found = {(row[0], row[1]) for row in cursor.fetchall()}
        until = as_text(database_now() + timedelta(seconds=seconds))
        cursor.executemany(
            "UPDATE monitors_schedule SET leased_until = %s WHERE id = %s",
            [(until, schedule_id) for schedule_id, _ in found],
        )
        return found


def _turned(keys: Collection[Key]) -> tuple[str, str]:
    return as_array(key[0] for key in keys), as_array(key[1] for key in keys)
