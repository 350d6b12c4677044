"""Note what was not measured, and tell it.

Found when a run that measures arrives after too long, by a task each minute while it lasts, and before a monitor's
schedules are stopped or placed anew. Only new time is told, and only where no location of the monitor measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from apps.core.among import among
from apps.core.clock import database_now
from apps.monitors.coverage import unmeasured_stretches
from apps.monitors.models import Schedule, UnmeasuredStretch
from apps.monitors.services.outages import lock_states
from apps.monitors.signals import measurements_missed
from apps.monitors.stretches import SLACK, Stretch, Unmeasured, common, unmeasured

SCHEDULES_AT_ONCE = 500
# What is older tells staff nothing any more; the components' own gaps stay.
KEPT_FOR = timedelta(days=90)
REMOVED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch in which one schedule measured nothing."""

    schedule_id: int
    monitor_id: int
    started_at: datetime
    ended_at: datetime


@transaction.atomic
def note_unmeasured(*, found: Sequence[Found], at: datetime) -> None:
    """Write what schedules (locked by the caller) did not measure, and tell what no location did.

    Twice is harmless; a stretch that is noted already is made longer. A constant number of statements.
    """
    if not found:
        return
    monitor_ids = {one.monitor_id for one in found}
    # One at a time looks at a monitor's locations: of two that come back at once the second sees the first.
    lock_states(monitor_ids)
    known = {
        (row.schedule_id, row.started_at): row.ended_at
        for row in UnmeasuredStretch.objects.filter(
            schedule__in={one.schedule_id for one in found},
            started_at__in={one.started_at for one in found},
        )
    }
    news: dict[int, list[Stretch]] = defaultdict(list)
    longer = []
    for one in found:
        since = known.get((one.schedule_id, one.started_at), one.started_at)
        if since < one.ended_at:
            news[one.monitor_id].append((since, one.ended_at))
            longer.append(
                UnmeasuredStretch(
                    schedule_id=one.schedule_id, started_at=one.started_at, ended_at=one.ended_at
                )
            )
    if not longer:
        return
    UnmeasuredStretch.objects.bulk_create(
        longer,
        update_conflicts=True,
        unique_fields=["schedule", "started_at"],
        update_fields=["ended_at"],
    )
    nowhere = unmeasured_stretches(
        monitor_ids=news,
        since=min(started_at for told in news.values() for started_at, _ in told),
        until=max(ended_at for told in news.values() for _, ended_at in told),
    )
    missed = [
        Unmeasured(monitor_id, started_at, ended_at)
        for monitor_id, told in sorted(news.items())
        for started_at, ended_at in common([told, nowhere[monitor_id]])
    ]
    if missed:
        measurements_missed.send(sender=UnmeasuredStretch, missed=missed, at=at)


def find_unmeasured(*, at: datetime) -> int:
    """Note what is not measured up to now; return how many schedules that are.

    Looks at every schedule that is late (one scan of a narrow table) and locks those that are late by too much, a few
    hundred at a time. A schedule with a run in flight measures since that run's slot, unless it turns out an error.
    """
    late = [found.schedule_id for found in _late(_running(), database_now())]
    total = 0
    for start in range(0, len(late), SCHEDULES_AT_ONCE):
        with transaction.atomic():
            found = _locked(_running().filter(pk__in=late[start : start + SCHEDULES_AT_ONCE]))
            note_unmeasured(found=found, at=at)
        total += len(found)
    return total


def unmeasured_until_now(*, monitor_ids: Collection[int]) -> list[Found]:
    """Lock the monitors' schedules and return what they owe, before they are stopped or placed anew.

    To be noted at the end of the transaction: the outages that it changes lock delivery streams, which come before the
    components of a gap.
    """
    return _locked(_running().filter(monitor__in=among(monitor_ids)))


def forget_old_stretches(*, at: datetime) -> int:
    """Remove what ended long ago, some thousands at a time; return how many."""
    old = UnmeasuredStretch.objects.filter(ended_at__lt=at - KEPT_FOR).order_by("ended_at")
    ids = list(old.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    return UnmeasuredStretch.objects.filter(pk__in=ids).delete()[0] if ids else 0


def _running() -> QuerySet[Schedule]:
    return Schedule.objects.filter(is_active=True, removed_at__isnull=True)


def _locked(rows: QuerySet[Schedule]) -> list[Found]:
    locked = rows.select_for_update(no_key=True).order_by("pk")
    return list(_late(locked, database_now()))


def _late(rows: QuerySet[Schedule], now: datetime) -> Iterable[Found]:
    columns = rows.filter(owed_since__lt=now - SLACK).values_list(
        *("pk", "monitor_id", "interval_s", "owed_since"),
        *("slot_at", "is_adopted", "leased_until"),
    )
    for pk, monitor_id, interval_s, owed_since, slot_at, is_adopted, leased_until in columns:
        is_running = slot_at is not None and is_adopted and leased_until and leased_until > now
        until = min(now, slot_at) if is_running else now
        stretch = unmeasured(owed_since=owed_since, interval_s=interval_s, until=until)
        if stretch is not None:
            yield Found(pk, monitor_id, *stretch)
