"""How a monitor stands, in one word. Pure; `apps/monitors/list_selectors.py` finds the same in the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# A slot is claimed up to two seconds ahead; what waits for so long, waits for a worker.
LATE_AFTER = timedelta(seconds=15)


class Condition(StrEnum):
    """The first that is true of a monitor, in this order."""

    ARCHIVED = "archived"
    PAUSED = "paused"
    FAILING = "failing"
    NOT_MEASURED = "not_measured"
    LATE = "late"
    WAITING = "waiting"
    PASSING = "passing"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Condition.ARCHIVED: "Archived",
    Condition.PAUSED: "Paused",
    Condition.FAILING: "Failing",
    Condition.NOT_MEASURED: "Not measured",
    Condition.LATE: "Late",
    Condition.WAITING: "Not run yet",
    Condition.PASSING: "Passing",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A monitor at one of its locations: whether a worker lives there, its newest result ("": none) and its lag."""

    has_worker: bool
    last_result: str
    lag: timedelta

    @property
    def measures(self) -> bool:
        """A run that is an error says nothing of the target, and without a worker there is none."""
        return self.has_worker and self.last_result != "error"


def condition_of(
    *, is_archived: bool, is_enabled: bool, is_failing: bool, places: Collection[Place]
) -> Condition:
    """Return how the monitor stands. `places`: the locations where it runs now."""
    if is_archived:
        return Condition.ARCHIVED
    if not is_enabled:
        return Condition.PAUSED
    if is_failing:
        return Condition.FAILING
    if not any(place.measures for place in places):
        return Condition.NOT_MEASURED
    if any(place.lag > LATE_AFTER for place in places):
        return Condition.LATE
    if not any(place.last_result for place in places):
        return Condition.WAITING
    return Condition.PASSING


def lag_of(
    *, is_active: bool, next_run_at: datetime | None, leased_until: datetime | None, now: datetime
) -> timedelta:
    """Return for how long a slot has waited to be claimed. One whose run goes on is not waiting."""
    if not is_active or next_run_at is None or (leased_until is not None and leased_until >= now):
        return timedelta(0)
    return max(now - next_run_at, timedelta(0))
