"""A metric's past day, week and month as inline SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.publishing.readmodel import MetricFacts, PointFacts

WIDTH, HEIGHT = 960, 160


@dataclass(frozen=True, slots=True)
class Period:
    """What a chart looks back on: means of `step_s`, from aggregates of `size_s` (both seconds).

    `words` say its length, `ticks` is how many parts its labels make, in the form `label`.
    """

    name: Literal["day", "week", "month"]
    words: str
    span: timedelta
    size_s: int
    step_s: int
    ticks: int
    label: str


DAY = Period("day", "past 24 hours", timedelta(hours=24), 300, 300, 4, "%H:%M")
WEEK = Period("week", "past week", timedelta(days=7), 3_600, 3_600, 7, "%a")
MONTH = Period("month", "past 30 days", timedelta(days=30), 3_600, 14_400, 5, "%-d %b")
PERIODS = (DAY, WEEK, MONTH)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn metric: the picture, its labels from top to bottom and from left to right, its figures."""

    words: str
    picture: SafeString
    values: tuple[str, ...]
    moments: tuple[str, ...]
    latest: str
    mean: str
    highest: str


def chart_of(
    metric: MetricFacts, *, until: datetime, zone: ZoneInfo, period: Period = DAY
) -> Chart | None:
    """Return the chart of the period before `until`; None when there is no point in it.

    A week's and a month's end with their last whole stretch, so that they stay as they are for a while.
    """
    end = until if period is DAY else floored(until, period)
    return _chart(metric.name, metric.unit, getattr(metric, period.name), period, end, zone)


def floored(at: datetime, period: Period) -> datetime:
    """Return the start of the period's stretch in which an instant lies, in UTC."""
    return datetime.fromtimestamp(at.timestamp() // period.step_s * period.step_s, tz=UTC)


# Some 10 kB each. A week's and a month's stay as they are for hours.
@lru_cache(maxsize=300)
def _chart(
    name: str,
    unit: str,
    known: tuple[PointFacts, ...],
    period: Period,
    until: datetime,
    zone: ZoneInfo,
) -> Chart | None:
    since = until - period.span
    points = [point for point in known if since <= point.at <= until]
    if not points:
        return None
    values = [point.value for point in points]
    top = nice_ceiling(max(values))
    bottom = min(0.0, -nice_ceiling(-min(values)) if min(values) < 0 else 0.0)
    of_unit = f" {unit}" if unit else ""
    figures = [
        f"{number_text(value)}{of_unit}" for value in (values[-1], mean_of(points), max(values))
    ]
    return Chart(
        words=period.words,
        picture=_picture(name, figures, points, period, since, bottom, top),
        values=tuple(
            f"{number_text(value)}{of_unit}" for value in (top, (top + bottom) / 2, bottom)
        ),
        moments=tuple(
            (since + period.span * tick / period.ticks).astimezone(zone).strftime(period.label)
            for tick in range(period.ticks + 1)
        ),
        latest=figures[0],
        mean=figures[1],
        highest=figures[2],
    )


def mean_of(points: Sequence[PointFacts]) -> float:
    """Return the mean of all that was measured: a stretch with more values weighs more."""
    return math.fsum(point.value * point.count for point in points) / sum(
        point.count for point in points
    )


def nice_ceiling(value: float) -> float:
    """Return the next round number, so that its half is round too; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        step * power
        for step in (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
        if value <= step * power * 1.0001
    )


def number_text(value: float) -> str:
    """Return three significant figures, more only for whole numbers, with thousands apart."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _picture(
    name: str,
    figures: Sequence[str],
    points: Sequence[PointFacts],
    period: Period,
    since: datetime,
    bottom: float,
    top: float,
) -> SafeString:
    step = timedelta(seconds=period.step_s)

    def x(at: datetime) -> float:
        return (at - since) / period.span * WIDTH

    def y(value: float) -> float:
        return HEIGHT - (value - bottom) / (top - bottom) * HEIGHT

    stretches: list[list[PointFacts]] = [[]]
    for point in points:
        # The line is broken where more than one step is missing.
        if stretches[-1] and point.at - stretches[-1][-1].at > step * 2:
            stretches.append([])
        stretches[-1].append(point)
    line, area = [], []
    for stretch in stretches:
        # A lone point is drawn as long as the stretch that it stands for.
        spots = [(x(point.at), y(point.value)) for point in stretch]
        if len(spots) == 1:
            spots.append((spots[0][0] + step / period.span * WIDTH, spots[0][1]))
        path = "L".join(f"{across:.1f} {down:.1f}" for across, down in spots)
        line.append(f"M{path}")
        area.append(f"M{spots[0][0]:.1f} {y(0):.1f}L{path}L{spots[-1][0]:.1f} {y(0):.1f}Z")
    label = (
        f"{name} over the {period.words}: latest {figures[0]}, average {figures[1]}, "
        f"highest {figures[2]}."
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="area" d="{}"/><path class="line" d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        label,
        "".join(area),
        "".join(line),
    )
