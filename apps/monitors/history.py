"""A monitor's past, read from what was counted of its runs: it costs the same however many there were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.monitors.models import RunDay, RunHour, Schedule
from apps.monitors.rollups import Tally, merge
from apps.monitors.services.rollups import DAY, HOUR, Work, day_of, hour_of, progress, recount

# Hours that are not counted yet are counted here, from the runs; were it more, counting has fallen behind.
_OPEN_HOURS = 3
_OPEN_DAYS = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a monitor's past: stretches of equal length, the oldest first, and all of them together.

    The last stretch is the one that goes on. The runs of all locations are counted alike.
    """

    name: str
    step: timedelta
    started_at: datetime
    stretches: tuple[Tally, ...]
    whole: Tally


def spans(*, monitor_id: int, until: datetime) -> tuple[Span, Span, Span]:
    """Return the 24 hours, the 30 days and the 90 days (UTC) that end with `until`'s; at most seven queries."""
    known = progress()
    this_hour, today = hour_of(until), day_of(until)
    first_hour = this_hour - 23 * HOUR
    first_day = today - 89 * DAY
    hours_until = max(known.get(Work.HOURS, this_hour), this_hour - (_OPEN_HOURS - 1) * HOUR)
    days_until = max(known.get(Work.DAYS, today), today - _OPEN_DAYS * DAY)
    schedule_ids = list(
        Schedule.objects.filter(monitor_id=monitor_id).order_by("pk").values_list("pk", flat=True)
    )
    hours = _kept(RunHour, schedule_ids, min(first_hour, days_until))
    open_hours = [
        hours_until + number * HOUR for number in range((this_hour - hours_until) // HOUR + 1)
    ]
    fresh = recount((key, hour) for hour in open_hours for key in schedule_ids)
    for hour in open_hours:
        hours[hour] = [part for (_, start), part in fresh.items() if start == hour]
    days = _kept(RunDay, schedule_ids, first_day)
    of_open_days: dict[datetime, list[Tally]] = defaultdict(list)
    for hour, parts in hours.items():
        of_open_days[day_of(hour)].extend(parts)
    days.update({day: parts for day, parts in of_open_days.items() if day >= days_until})
    return (
        _span("24 hours", HOUR, first_hour, 24, hours),
        _span("30 days", DAY, today - 29 * DAY, 30, days),
        _span("90 days", DAY, first_day, 90, days),
    )


def _kept(
    model: type[RunHour] | type[RunDay], schedule_ids: Sequence[int], since: datetime
) -> dict[datetime, list[Tally]]:
    found: dict[datetime, list[Tally]] = defaultdict(list)
    rows = model._default_manager.filter(schedule_id__in=schedule_ids, started_at__gte=since)
    for row in rows.order_by():
        found[row.started_at].append(row.tally)
    return found


def _span(
    name: str,
    step: timedelta,
    started_at: datetime,
    number: int,
    parts: Mapping[datetime, Sequence[Tally]],
) -> Span:
    stretches = tuple(merge(parts.get(started_at + place * step, ())) for place in range(number))
    return Span(name, step, started_at, stretches, merge(stretches))
