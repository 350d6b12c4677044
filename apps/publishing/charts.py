"""A metric's last 24 hours as inline SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.publishing.readmodel import MetricFacts, PointFacts

SPAN = timedelta(hours=24)
BUCKET = timedelta(minutes=5)
# A line is broken where more than one bucket is missing.
_BREAK = BUCKET * 2
WIDTH, HEIGHT = 960, 160
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn metric: the picture, its labels from top to bottom and from left to right, its figures."""

    picture: SafeString
    values: tuple[str, ...]
    hours: tuple[str, ...]
    latest: str
    mean: str
    highest: str


def chart_of(metric: MetricFacts, *, until: datetime, zone: ZoneInfo) -> Chart | None:
    """Return the chart of the 24 hours before `until`; None when there is no point in them."""
    since = until - SPAN
    points = [point for point in metric.points if since <= point.at <= until]
    if not points:
        return None
    values = [point.value for point in points]
    top = nice_ceiling(max(values))
    bottom = min(0.0, -nice_ceiling(-min(values)) if min(values) < 0 else 0.0)
    mean = math.fsum(values) / len(values)
    unit = f" {metric.unit}" if metric.unit else ""
    return Chart(
        picture=_picture(metric.name, unit, points, values, since, bottom, top),
        values=tuple(f"{number_text(value)}{unit}" for value in (top, (top + bottom) / 2, bottom)),
        hours=tuple(
            f"{(since + SPAN * tick / _TICKS).astimezone(zone):%H:%M}" for tick in range(_TICKS + 1)
        ),
        latest=f"{number_text(values[-1])}{unit}",
        mean=f"{number_text(mean)}{unit}",
        highest=f"{number_text(max(values))}{unit}",
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
    unit: str,
    points: Sequence[PointFacts],
    values: Sequence[float],
    since: datetime,
    bottom: float,
    top: float,
) -> SafeString:
    def x(at: datetime) -> float:
        return (at - since) / SPAN * WIDTH

    def y(value: float) -> float:
        return HEIGHT - (value - bottom) / (top - bottom) * HEIGHT

    stretches: list[list[PointFacts]] = [[]]
    for point in points:
        if stretches[-1] and point.at - stretches[-1][-1].at > _BREAK:
            stretches.append([])
        stretches[-1].append(point)
    line, area = [], []
    for stretch in stretches:
        # A lone point is drawn as long as the five minutes that it stands for.
        spots = [(x(point.at), y(point.value)) for point in stretch]
        if len(spots) == 1:
            spots.append((spots[0][0] + BUCKET / SPAN * WIDTH, spots[0][1]))
        path = "L".join(f"{across:.1f} {down:.1f}" for across, down in spots)
        line.append(f"M{path}")
        area.append(f"M{spots[0][0]:.1f} {y(0):.1f}L{path}L{spots[-1][0]:.1f} {y(0):.1f}Z")
    label = (
        f"{name} over the past 24 hours: latest {number_text(values[-1])}{unit}, average "
        f"{number_text(math.fsum(values) / len(values))}{unit}, highest {number_text(max(values))}{unit}."
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
