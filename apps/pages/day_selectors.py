"""Reading what uptime is made from: closed days where they are kept, periods for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Q

from apps.pages import uptime
from apps.pages.corrections import Overlay, laid_over, reasons, winning
from apps.pages.models import (
    ClosedDays,
    Component,
    ComponentDay,
    Correction,
    MeasurementGap,
    StatusPeriod,
)
from apps.pages.uptime import Day, Interval, Span, Tally

Window = tuple[datetime, datetime | None]
"""From a moment to just before another; without an end it lasts."""

# Components, some 40 kB each.
_MOST_HELD = 1_000

Made = TypeVar("Made")


@dataclass(slots=True)
class Timeline:
    """A component's periods and gaps, in order, with its corrections laid over them: what uptime.py reckons with."""

    spans: list[Span] = field(default_factory=list)
    gaps: list[Interval] = field(default_factory=list)
    corrections: list[Overlay] = field(default_factory=list)


def timelines(windows: Mapping[int, Window]) -> dict[int, Timeline]:
    """Return {component id: timeline} of what touches each component's window, in three queries."""
    found = {component_id: Timeline() for component_id in windows}
    if not found:
        return found
    periods = StatusPeriod.objects.filter(_touching(windows, may_last=True)).order_by(
        "started_at", "pk"
    )
    for component_id, status, started_at, ended_at, spoken in periods.values_list(
        "component_id", "status", "started_at", "ended_at", "spoken"
    ):
        found[component_id].spans.append(Span(status, started_at, ended_at, spoken))
    touching = _touching(windows)
    gaps = MeasurementGap.objects.filter(touching).order_by("started_at", "pk")
    for component_id, *gap in gaps.values_list("component_id", "started_at", "ended_at"):
        found[component_id].gaps.append(Interval(*gap))
    overlays: dict[int, list[Overlay]] = defaultdict(list)
    corrections = Correction.objects.filter(touching, revoked_at__isnull=True).order_by("pk")
    for component_id, status, started_at, until, reason in corrections.values_list(
        "component_id", "status", "started_at", "ended_at", "reason"
    ):
        overlays[component_id].append(Overlay(status, started_at, until, reason))
    for component_id, said in overlays.items():
        timeline = found[component_id]
        timeline.corrections = winning(said)
        timeline.spans, timeline.gaps = laid_over(
            timeline.spans, timeline.gaps, timeline.corrections
        )
    return found


def _touching(windows: Mapping[int, Window], *, may_last: bool = False) -> Q:
    """One condition for components with the same window, which most have. Only periods may last, without an end.

    To ask the others for one would keep SQLite from finding them by their ends.
    """
    members: dict[Window, list[int]] = defaultdict(list)
    for component_id, window in windows.items():
        members[window].append(component_id)
    touching = Q()
    for (since, until), ids in members.items():
        ends = Q(ended_at__gt=since)
        inside = Q(component__in=ids) & (ends | Q(ended_at__isnull=True) if may_last else ends)
        touching |= inside & Q(started_at__lt=until) if until is not None else inside
    return touching


def reckoned_days(
    timeline: Timeline, *, first: date, last: date, zone: ZoneInfo, now: datetime
) -> list[Day]:
    """Return the days from `first` to `last` as the timeline has them; time after `now` is in none."""
    found = uptime.days(timeline.spans, timeline.gaps, first=first, last=last, zone=zone, now=now)
    if not timeline.corrections:
        return found
    starts = uptime.day_starts(first, last, zone)
    return [
        Day(day.date, day.tally, reasons(timeline.corrections, starts[place], starts[place + 1]))
        for place, day in enumerate(found)
    ]


@dataclass(slots=True)
class _Closed(Generic[Made]):
    """A component's closed days, and those of a stretch in order, as they were listed last: (first, start, end), days."""

    days: dict[date, Made]
    listed: tuple[tuple[date, date, date], tuple[Made, ...]] | None = None


class DayReader(Generic[Made]):
    """Reads components' days, each as what `make` makes of it.

    What is closed is held from one reading to the next, as long as it is the same. For one process; threads
    may share it. It holds `most_held` components, or one page's.
    """

    def __init__(self, make: Callable[[Day], Made], *, most_held: int = _MOST_HELD) -> None:
        self._make = make
        self._most_held = most_held
        self._held: dict[int, tuple[object, _Closed[Made]]] = {}
        # The very same for every component: readers compare by identity first.
        self._empty = lru_cache(maxsize=1_000)(lambda day: make(Day(day, Tally())))

    def read(
        self, components: Sequence[Component], *, first: date, at: datetime, zone: ZoneInfo
    ) -> dict[int, list[Made]]:
        """Return {component id: every day from `first` to that of `at`}, in at most five queries.

        Days before a component's start date, like those before its first period, have an empty tally.
        """
        today = at.astimezone(zone).date()
        closed = self._closed([one.pk for one in components], first=first, zone=zone)
        since = {pk: max(first, until.astimezone(zone).date()) for pk, (until, _) in closed.items()}
        found = timelines(
            {one.pk: (uptime.day_start(since.get(one.pk, first), zone), None) for one in components}
        )
        return {
            one.pk: self._days(
                one,
                found[one.pk],
                closed[one.pk][1] if one.pk in closed else _Closed({}),
                first=first,
                open_from=since.get(one.pk, first),
                today=today,
                at=at,
                zone=zone,
            )
            for one in components
        }

    def _days(
        self,
        component: Component,
        timeline: Timeline,
        closed: _Closed[Made],
        *,
        first: date,
        open_from: date,
        today: date,
        at: datetime,
        zone: ZoneInfo,
    ) -> list[Made]:
        start = max(first, component.start_date or first)
        days = self._listed(
            closed, first=first, start=start, end=min(open_from, today + timedelta(days=1))
        )
        if open_from <= today:
            days += [
                self._make(day) if day.date >= start else self._empty(day.date)
                for day in reckoned_days(timeline, first=open_from, last=today, zone=zone, now=at)
            ]
        return days

    def _listed(self, closed: _Closed[Made], *, first: date, start: date, end: date) -> list[Made]:
        """Return every day from `first` to before `end`; those before `start` are empty."""
        key = (first, start, end)
        listed = closed.listed
        if listed is None or listed[0] != key:
            days = closed.days
            found = tuple(
                (days.get(day) if day >= start else None) or self._empty(day)
                for day in _dates(first, end)
            )
            closed.listed = listed = (key, found)
        return list(listed[1])

    def _closed(
        self, ids: Collection[int], *, first: date, zone: ZoneInfo
    ) -> dict[int, tuple[datetime, _Closed[Made]]]:
        """Return {component id: (until when its days are closed, those days)} in this zone."""
        ledgers = ClosedDays.objects.filter(component__in=ids, time_zone=zone.key)
        keys = {
            pk: (revision, until, zone.key, first)
            for pk, revision, until in ledgers.values_list("pk", "revision", "until")
        }
        already = self._held
        held = {
            pk: already[pk][1]
            for pk, key in keys.items()
            if pk in already and already[pk][0] == key
        }
        missing = {pk: key[1] for pk, key in keys.items() if pk not in held}
        for pk, rows in closed_days(missing, first=first).items():
            held[pk] = _Closed({day: self._make(row) for day, row in rows.items()})
        if missing:
            # As a new whole, since threads share it; all else goes when there is too much.
            found: dict[int, tuple[object, _Closed[Made]]] = {
                pk: (keys[pk], days) for pk, days in held.items()
            }
            everything = {**self._held, **found}
            self._held = everything if len(everything) <= self._most_held else found
        return {pk: (keys[pk][1], held[pk]) for pk in keys}


def closed_days(
    until: Mapping[int, datetime], *, first: date, last: date | None = None
) -> dict[int, dict[date, Day]]:
    """Return {component id: {date: closed day}} of those that end by each one's `until`, in one query."""
    found: dict[int, dict[date, Day]] = {pk: {} for pk in until}
    if not found:
        return found
    rows = ComponentDay.objects.filter(component__in=list(until), day__gte=first)
    if last is not None:
        rows = rows.filter(day__lte=last)
    for pk, day, ended_at, corrections, *seconds in rows.order_by().values_list(
        "component_id",
        "day",
        "ended_at",
        "corrections",
        "operational_s",
        "maintenance_s",
        "degraded_s",
        "partial_s",
        "major_s",
        "unmeasured_s",
    ):
        if ended_at <= until[pk]:
            # Most are nothing, and many days are held: one zero for all of them.
            tally = Tally(*(some or 0.0 for some in seconds))
            found[pk][day] = Day(day, tally, tuple(corrections.splitlines()))
    return found


def _dates(first: date, end: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((end - first).days))
