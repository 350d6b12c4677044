"""Go on where the database's clock was set, by an hour or any other time.

Back: a schedule's next slot and a lease lie ahead by what the clock lacks now. Slots are brought back in their interval,
a little aside since the clock comes by the same times again and the runs of those are there; a lease ends when it
would have, had it been renewed now. Forward: slots that the clock left out are missed, as any others, and leases are
renewed once, since nobody can have renewed them. So no check stops, and none is run twice at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.cadences import cadences_of
from apps.monitors.engine.clock import JumpWatch
from apps.monitors.engine.sql import HELD_LEASE, vendor
from apps.monitors.models import Schedule

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
# A reading that took longer says too little; the next tick reads again.
SLOW_S = 1.0

# Crontabs among them whose next slot is far ahead as it should be.
_FAR_AHEAD = {
    "postgresql": "next_run_at > statement_timestamp() + (coalesce(interval_s, 0) + %s) * interval '1 second'",
    "sqlite": "next_run_at > strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', (coalesce(interval_s, 0) + %s) || ' seconds')",
}

_watch = JumpWatch()


def go_on_after_jumps(
    watch: JumpWatch = _watch, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """See to what a jump of the clock has left, if there was one since this process looked last, or before it began."""
    before = monotonic()
    reading = database_now()
    after = monotonic()
    if after - before > SLOW_S:
        return
    jump = watch.jump(reading=reading, monotonic=after)
    if jump is None or jump < timedelta(0):
        go_on_after_set_back()
    elif jump > timedelta(0):
        go_on_after_set_forward(jump)


def go_on_after_set_back() -> int:
    """Bring back next slots and leases that lie too far ahead; return how many schedules. Twice is harmless."""
    changed = 0
    for ids in _batches(_far_ahead()):
        with transaction.atomic():
            rows, now = list(_locked(ids)), database_now()
            cadences = cadences_of(rows)
            moved = []
            for row in rows:
                cadence = cadences[row.pk]
                if row.next_run_at is None or cadence is None:
                    continue
                slot = cadence.brought_back(row.next_run_at, now)
                if slot is not None:
                    row.next_run_at = slots.aside(slot, now)
                    moved.append(row)
            Schedule.objects.bulk_update(moved, ["next_run_at"])
            changed += len(moved)
    longest = database_now() + 2 * HELD_LEASE
    leases = Schedule.objects.filter(slot_at__isnull=False, leased_until__gt=longest)
    changed += _renew(leases)
    if changed:
        logger.warning("the database's clock was set back, schedules go on changed=%d", changed)
    return changed


def go_on_after_set_forward(jump: timedelta) -> int:
    """Let those renew their leases that held one when the clock was set forward by `jump`; return how many."""
    now = database_now()
    lapsed = Schedule.objects.filter(
        slot_at__isnull=False, leased_until__lt=now, leased_until__gte=now - jump
    )
    changed = _renew(lapsed)
    logger.warning("the database's clock was set forward, leases are kept changed=%d", changed)
    return changed


def _renew(leases: QuerySet[Schedule]) -> int:
    changed = 0
    for ids in _batches(list(leases.values_list("pk", flat=True))):
        with transaction.atomic():
            held = [row.pk for row in _locked(ids) if row.slot_at is not None]
            until = database_now() + HELD_LEASE
            changed += Schedule.objects.filter(pk__in=held).update(leased_until=until)
    return changed


def _far_ahead() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM monitors_schedule WHERE is_active AND {_FAR_AHEAD[vendor()]}",  # noqa: S608 -- built from constants
            [slots.TOO_FAR.total_seconds()],
        )
        return [row[0] for row in cursor.fetchall()]


def _batches(ids: list[int]) -> Iterator[list[int]]:
    ids.sort()
    for start in range(0, len(ids), ROWS_AT_ONCE):
        yield ids[start : start + ROWS_AT_ONCE]


def _locked(ids: Sequence[int]) -> QuerySet[Schedule]:
    """Lock the rows in their keys' order, as the recorder does."""
    return Schedule.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
