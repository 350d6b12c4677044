"""Uptime, from what was true for how long. Pure (docs/architecture.md, "Uptime").

Only time that a span covers is reckoned with, so what lies before a component's first period is unknown,
not up. A gap (nobody measured) leaves the denominator, except where a person, an incident or a maintenance
said the span's status.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.pages.status import ComponentStatus

PARTIAL_WEIGHT = 0.3
"""A partial outage's weight in uptime (contracts/statuspage-public-v2, section 7)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `started_at` to just before `ended_at`, aware."""

    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """An unbroken stretch of one status; without an end it lasts. Spans of a component do not overlap."""

    status: str
    started_at: datetime
    ended_at: datetime | None
    spoken: bool = False


class Level(StrEnum):
    """The colour of a day's bar: grey, green, yellow, orange, red."""

    NO_DATA = "no_data"
    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    MAJOR = "major"


@dataclass(slots=True)
class Tally:
    """Seconds in each state. `unmeasured` counts neither as up nor as down."""

    operational: float = 0.0
    maintenance: float = 0.0
    degraded: float = 0.0
    partial: float = 0.0
    major: float = 0.0
    unmeasured: float = 0.0

    @property
    def measured(self) -> float:
        return self.operational + self.maintenance + self.degraded + self.partial + self.major

    def add(self, state: str, seconds: float) -> None:
        setattr(self, state, getattr(self, state) + seconds)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in the page's zone, from its first to its last moment (23 to 25 hours).

    `corrections` are the reasons that staff gave for changing what was recorded of it.
    """

    date: date
    tally: Tally
    corrections: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        return level(self.tally)


_STATES = {
    ComponentStatus.OPERATIONAL: "operational",
    ComponentStatus.UNDER_MAINTENANCE: "maintenance",
    ComponentStatus.DEGRADED_PERFORMANCE: "degraded",
    ComponentStatus.PARTIAL_OUTAGE: "partial",
    ComponentStatus.MAJOR_OUTAGE: "major",
}


def statuspage_uptime(tally: Tally) -> float | None:
    """Return the uptime in percent, a partial outage weighing 0.3; None when nothing was measured."""
    return _percentage(tally, PARTIAL_WEIGHT)


def incident_io_availability(tally: Tally) -> float | None:
    """Return the availability in percent, a partial outage counting fully; None when nothing was measured."""
    return _percentage(tally, 1.0)


def level(tally: Tally) -> Level:
    """Return a day's colour: by its weighted downtime, under 1 %, under 5 %, more; degraded time is yellow."""
    if not tally.measured:
        return Level.NO_DATA
    down = (PARTIAL_WEIGHT * tally.partial + tally.major) / tally.measured
    if down >= 0.05:
        return Level.MAJOR
    if down >= 0.01:
        return Level.PARTIAL
    return Level.DEGRADED if down or tally.degraded else Level.OPERATIONAL


def tally(
    spans: Iterable[Span], gaps: Iterable[Interval], *, since: datetime, until: datetime
) -> Tally:
    """Return the seconds in each state between two moments. `until` also ends a span that lasts."""
    result = Tally()
    for state, started_at, ended_at in _pieces(spans, gaps, since, until):
        result.add(state, (ended_at - started_at).total_seconds())
    return result


def days(
    spans: Iterable[Span],
    gaps: Iterable[Interval],
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    start_date: date | None = None,
) -> list[Day]:
    """Return every day from `first` to `last`, both included, in the page's zone.

    Time before `start_date` and after `now` is in no tally.
    """
    starts = day_starts(first, last, zone)
    result = [Day(first + timedelta(days=number), Tally()) for number in range(len(starts) - 1)]
    since = max(starts[0], day_start(start_date, zone)) if start_date else starts[0]
    until = min(starts[-1], now.astimezone(UTC))
    for state, started_at, ended_at in _pieces(spans, gaps, since, until):
        at = started_at
        while at < ended_at:
            number = bisect_right(starts, at) - 1
            stop = min(ended_at, starts[number + 1])
            result[number].tally.add(state, (stop - at).total_seconds())
            at = stop
    return result


def total(some_days: Iterable[Day]) -> Tally:
    """Return the sum of the days."""
    result = Tally()
    for day in some_days:
        for state in Tally.__dataclass_fields__:
            result.add(state, getattr(day.tally, state))
    return result


def zone_of(name: str) -> ZoneInfo:
    """Return the zone; UTC for a name that this machine's data do not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day in a zone, in UTC.

    Midnight that comes twice is the first one; midnight that is skipped is the moment of the skip.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@lru_cache(maxsize=256)
def day_starts(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the first moments of the days from `first` to `last`, and of the day after, in UTC."""
    count = (last - first).days + 2
    return tuple(day_start(first + timedelta(days=number), zone) for number in range(count))


def _percentage(counted: Tally, partial_weight: float) -> float | None:
    if not counted.measured:
        return None
    down = partial_weight * counted.partial + counted.major
    return 100.0 * (1.0 - down / counted.measured)


def _pieces(
    spans: Iterable[Span], gaps: Iterable[Interval], since: datetime, until: datetime
) -> Iterator[tuple[str, datetime, datetime]]:
    """Cut the spans by range and gaps: (state, start, end) with start < end, in UTC."""
    holes = _joined(gaps)
    for span in spans:
        start = max(span.started_at, since).astimezone(UTC)
        end = min(span.ended_at or until, until).astimezone(UTC)
        if start >= end:
            continue
        state = _STATES[ComponentStatus(span.status)]
        if not span.spoken:
            for hole in holes:
                if hole.ended_at <= start or hole.started_at >= end:
                    continue
                if hole.started_at > start:
                    yield state, start, hole.started_at
                yield "unmeasured", max(hole.started_at, start), min(hole.ended_at, end)
                start = min(hole.ended_at, end)
        if start < end:
            yield state, start, end


def _joined(gaps: Iterable[Interval]) -> Sequence[Interval]:
    result: list[Interval] = []
    for gap in sorted(gaps, key=lambda one: one.started_at):
        # In UTC: two wall-clock times of one zone are subtracted without regard to a change of the clock.
        started_at, ended_at = gap.started_at.astimezone(UTC), gap.ended_at.astimezone(UTC)
        if result and started_at <= result[-1].ended_at:
            before = result.pop()
            started_at, ended_at = before.started_at, max(before.ended_at, ended_at)
        result.append(Interval(started_at, ended_at))
    return result
