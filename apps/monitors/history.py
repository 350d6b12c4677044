"""A monitor's past, read from what was counted of its runs: it costs the same however many there were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.monitors.models import RunDay, RunHour
from apps.monitors.rollups import Tally, merge
from apps.monitors.services.rollups import DAY, HOUR, Work, day_of, hour_of, progress, recount

# Hours that are not counted yet are counted here, from the runs; were it more, counting has fallen behind.
_OPEN_HOURS = 3
_OPEN_DAYS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the past that people ask for: `number` stretches of `step` each, the last of which goes on."""

    name: str
    step: timedelta
    number: int


WINDOWS: Mapping[str, Window] = {
    "24h": Window("24 hours", HOUR, 24),
    "7d": Window("7 days", 6 * HOUR, 28),
    "30d": Window("30 days", DAY, 30),
    "90d": Window("90 days", DAY, 90),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the past: stretches of equal length, the oldest first, and all of them together."""

    name: str
    step: timedelta
    started_at: datetime
    stretches: tuple[Tally, ...]
    whole: Tally


@dataclass(frozen=True, slots=True)
class Past:
    """The same part of the past at all of a monitor's locations together, and at each: {schedule id: span}."""

    together: Span
    by_schedule: Mapping[int, Span]


def past(*, schedule_ids: Sequence[int], window: Window, until: datetime) -> Past:
    """Return the window (in UTC) that ends with `until`'s hour, quarter of a day, or day; at most six queries."""
    known = progress()
    this_hour, today = hour_of(until), day_of(until)
    last = today + (this_hour - today) // window.step * window.step if window.step < DAY else today
    since = last - (window.number - 1) * window.step
    # Nothing is rolled up yet in the first minutes of an installation.
    first_open = this_hour - (_OPEN_HOURS - 1) * HOUR
    hours_until = max(known.get(Work.HOURS, first_open), first_open)
    parts: dict[tuple[int, datetime], list[Tally]] = defaultdict(list)

    def add(schedule_id: int, started_at: datetime, tally: Tally) -> None:
        parts[schedule_id, since + (started_at - since) // window.step * window.step].append(tally)

    hours_since = since
    if window.step >= DAY:
        hours_since = max(known.get(Work.DAYS, today), today - _OPEN_DAYS * DAY)
        for day in _kept(RunDay, schedule_ids, since, hours_since):
            add(day.schedule_id, day.started_at, day.tally)
    for hour in _kept(RunHour, schedule_ids, hours_since, hours_until):
        add(hour.schedule_id, hour.started_at, hour.tally)
    open_hours = [
        hours_until + number * HOUR for number in range((this_hour - hours_until) // HOUR + 1)
    ]
    fresh = recount((key, hour) for hour in open_hours for key in schedule_ids)
    for (schedule_id, started_at), tally in fresh.items():
        add(schedule_id, started_at, tally)
    starts = [since + place * window.step for place in range(window.number)]
    by_schedule = {
        key: _span(window, [merge(parts.get((key, start), ())) for start in starts], since)
        for key in schedule_ids
    }
    together = [
        merge(tallies) for tallies in zip(*(s.stretches for s in by_schedule.values()), strict=True)
    ]
    return Past(_span(window, together or [Tally()] * window.number, since), by_schedule)


def _kept(
    model: type[RunHour] | type[RunDay],
    schedule_ids: Sequence[int],
    since: datetime,
    until: datetime,
) -> Sequence[RunHour | RunDay]:
    rows = model._default_manager.filter(
        schedule_id__in=schedule_ids, started_at__gte=since, started_at__lt=until
    )
    return list(rows.order_by())


def _span(window: Window, stretches: Sequence[Tally], since: datetime) -> Span:
    return Span(window.name, window.step, since, tuple(stretches), merge(stretches))
