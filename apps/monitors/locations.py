"""How the places stand from which monitors run, for people. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Q, QuerySet

from apps.core.clock import DatabaseNow
from apps.monitors.engine.presence import is_present
from apps.monitors.models import Location, LocationState


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


def with_standing(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return locations with what `standing_of` reads."""
    found: QuerySet[Any] = rows.select_related("state").annotate(
        running=Count("schedules", filter=Q(schedules__is_active=True)), asked_at=DatabaseNow()
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
