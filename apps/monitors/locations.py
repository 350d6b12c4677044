"""How the places stand from which monitors run, for people. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.core.clock import DatabaseNow
from apps.monitors.engine.presence import is_present
from apps.monitors.models import Location, LocationState, Schedule


@dataclass(frozen=True, slots=True)
class Standing:
    """A location at `now` (the database's clock). `monitors` run there, or would if it had a worker."""

    location: Location
    monitors: int
    now: datetime
    state: LocationState | None

    @property
    def has_worker(self) -> bool:
        return is_present(self.state, self.now)

    @property
    def seen_s(self) -> float | None:
        """Seconds since a worker was seen; None: never."""
        return (
            None
            if self.state is None
            else max(0.0, (self.now - self.state.seen_at).total_seconds())
        )

    @property
    def references_failing_since(self) -> datetime | None:
        """Since when none of its reference targets answers; None also where nobody asks them."""
        if self.state is None or not self.has_worker or not self.location.reference_targets:
            return None
        return self.state.references_failing_since


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits and runs at a location: due schedules that nobody has claimed, the longest wait, runs in flight."""

    waiting: int = 0
    lag: timedelta = timedelta(0)
    running: int = 0


def queues(*, now: datetime) -> dict[int, Queue]:
    """Return {location's key: queue} where anything waits or runs at `now` (the database's); two queries.

    Only what is due or claimed is read, not what exists.
    """
    waiting = {
        row["location"]: row
        for row in due_unclaimed(Schedule.objects.all(), before=now)
        .order_by()
        .values("location")
        .annotate(number=Count("pk"), oldest=Min("next_run_at"))
    }
    running = dict(
        Schedule.objects.filter(slot_at__isnull=False, leased_until__gte=now)
        .order_by()
        .values_list("location")
        .annotate(number=Count("pk"))
    )
    return {
        key: Queue(
            waiting=waiting[key]["number"] if key in waiting else 0,
            lag=now - waiting[key]["oldest"] if key in waiting else timedelta(0),
            running=running.get(key, 0),
        )
        for key in waiting.keys() | running.keys()
    }


def due_unclaimed(rows: QuerySet[Any], *, before: datetime, now: datetime | None = None) -> Any:
    """Return the schedules that were due `before` and are held by nobody at `now` (`before`, if not given)."""
    return rows.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now or before),
        is_active=True,
        removed_at__isnull=True,
        next_run_at__lt=before,
    )


def with_standing(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return locations with what `standing_of` reads."""
    # No join: PostgreSQL's clock moves on from row to row, and would tell the rows of one location apart.
    running = (
        Schedule.objects.filter(location=OuterRef("pk"), is_active=True)
        .order_by()
        .values("location")
        .annotate(number=Count("pk"))
    )
    found: QuerySet[Any] = rows.select_related("state").annotate(
        running=Coalesce(Subquery(running.values("number")), 0), asked_at=DatabaseNow()
    )
    return found


def standing_of(row: Any) -> Standing:
    """Return how a location of `with_standing` stands."""
    return Standing(row, row.running, row.asked_at, state_of(row))


def standings() -> list[Standing]:
    """Return how every live location stands, by code (one query)."""
    return [standing_of(row) for row in with_standing(Location.objects.live()).order_by("code")]


def state_of(location: Location) -> LocationState | None:
    """Return what its workers said last, if any was ever seen."""
    try:
        return location.state
    except ObjectDoesNotExist:
        return None
