"""A component's past as it was recorded, day by day, and what a correction of it would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Min, Q

from apps.pages import uptime
from apps.pages.corrections import NOT_MEASURED, Overlay, laid_over, reasons
from apps.pages.day_selectors import Timeline, timelines
from apps.pages.models import Component, Correction, MeasurementGap, StatusPeriod
from apps.pages.uptime import Day


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was recorded of [started_at, ended_at): a status, or not_measured. Without an end it lasts."""

    status: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A day before and after a correction."""

    before: Day
    after: Day


@dataclass(frozen=True, slots=True)
class Effect:
    """What a correction would make of some days; percentages are of all of them, None without measurements."""

    uptime_before: float | None
    uptime_after: float | None
    changes: tuple[Change, ...]


def began_at(component: Component) -> datetime | None:
    """Return when the component's history begins."""
    first: datetime | None = StatusPeriod.objects.filter(component=component).aggregate(
        at=Min("started_at")
    )["at"]
    return first


def timeline_of(component: Component, since: datetime, until: datetime) -> Timeline:
    """Return what was true of the component then, corrections laid over it, in three queries."""
    return timelines({component.pk: (since, until)})[component.pk]


def days_of(
    component: Component,
    timeline: Timeline,
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    at: datetime,
) -> list[Day]:
    """Return the days from `first` to `last` as readers get them; time after `at` is in none."""
    found = uptime.days(
        timeline.spans,
        timeline.gaps,
        first=first,
        last=last,
        zone=zone,
        now=at,
        start_date=component.start_date,
    )
    starts = uptime.day_starts(first, last, zone)
    return [
        Day(day.date, day.tally, reasons(timeline.corrections, starts[place], starts[place + 1]))
        for place, day in enumerate(found)
    ]


def effect_of(
    component: Component,
    timeline: Timeline,
    overlay: Overlay,
    *,
    first: date,
    last: date,
    zone: ZoneInfo,
    at: datetime,
) -> Effect:
    """Return what the days from `first` to `last` would be with one more correction. Nothing is written."""
    spans, gaps = laid_over(timeline.spans, timeline.gaps, [overlay])
    corrected = Timeline(spans, gaps, [*timeline.corrections, overlay])
    before = days_of(component, timeline, first=first, last=last, zone=zone, at=at)
    after = days_of(component, corrected, first=first, last=last, zone=zone, at=at)
    return Effect(
        uptime_before=uptime.statuspage_uptime(uptime.total(before)),
        uptime_after=uptime.statuspage_uptime(uptime.total(after)),
        changes=tuple(
            Change(*pair)
            for pair in zip(before, after, strict=True)
            if _touches(overlay, pair[0].date, zone)
        ),
    )


def _touches(overlay: Overlay, day: date, zone: ZoneInfo) -> bool:
    begin, end = uptime.day_start(day, zone), uptime.day_start(day + timedelta(days=1), zone)
    return overlay.started_at < end and overlay.ended_at > begin


def recorded(
    component: Component, since: datetime, until: datetime, *, at_most: int
) -> list[Stretch]:
    """Return the newest stretches that were recorded and touch [since, until), oldest first, in two queries.

    Joined periods are counted before they are joined: there may be fewer than `at_most` where more are left out.
    """
    inside = Q(component=component, started_at__lt=until)
    lasting = Q(ended_at__isnull=True) | Q(ended_at__gt=since)
    periods = StatusPeriod.objects.filter(inside, lasting).values_list(
        "status", "started_at", "ended_at"
    )
    gaps = MeasurementGap.objects.filter(inside, ended_at__gt=since).values_list(
        "started_at", "ended_at"
    )
    newest = list(periods.order_by("-started_at", "-pk")[:at_most])
    found = _joined([Stretch(*row) for row in reversed(newest)])
    found += [Stretch(NOT_MEASURED, *gap) for gap in gaps.order_by("-started_at", "-pk")[:at_most]]
    return sorted(found, key=lambda one: one.started_at)[-at_most:]


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Join periods that are split only where somebody took up what a monitor had found."""
    found: list[Stretch] = []
    for one in stretches:
        last = found[-1] if found else None
        if last is not None and (last.status, last.ended_at) == (one.status, one.started_at):
            found[-1] = Stretch(one.status, last.started_at, one.ended_at)
        else:
            found.append(one)
    return found


def corrections_of(component: Component, since: datetime, until: datetime) -> list[Correction]:
    """Return what staff said of [since, until), the last word first, also what was taken back."""
    rows = Correction.objects.filter(component=component, started_at__lt=until, ended_at__gt=since)
    return list(rows.order_by("-pk"))
