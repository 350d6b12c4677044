"""The last hour as two small pictures, and as a table for those who do not see them. Colours by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.monitors.pulse_selectors import Beat, Pulse

WIDTH, HEIGHT = 600, 100
TABLE_STEP = 10


@dataclass(frozen=True, slots=True)
class Picture:
    """`top` is what the upper edge stands for."""

    title: str
    top: str
    svg: SafeString


@dataclass(frozen=True, slots=True)
class Row:
    """Some minutes of the table."""

    since: str
    runs: str
    p50: str
    p99: str


def pictures(pulse: Pulse) -> list[Picture]:
    """Return runs a minute, and how late they began."""
    runs = [float(beat.runs) for beat in pulse.beats]
    most = _ceiling(max(runs, default=0.0))
    p50 = [beat.lag_p50_ms for beat in pulse.beats]
    p99 = [beat.lag_p99_ms for beat in pulse.beats]
    latest = _ceiling(max((value for value in p99 if value is not None), default=0.0))
    return [
        Picture("Runs a minute", f"{most:,.0f}", _svg(_bars(runs, most), _said_runs(pulse))),
        Picture(
            "Start delay: half (line) and 99 of 100 (dashed) begin within",
            milliseconds(latest),
            _svg(_lines(p50, p99, latest), _said_lags(pulse)),
        ),
    ]


def rows(beats: Sequence[Beat]) -> list[Row]:
    """Return the hour in steps of ten minutes: the sum of the runs, the worst of the delays."""
    return [
        Row(
            since=f"{part[0].minute:%H:%M}",
            runs=f"{sum(beat.runs for beat in part):,}",
            p50=milliseconds(_worst([beat.lag_p50_ms for beat in part])),
            p99=milliseconds(_worst([beat.lag_p99_ms for beat in part])),
        )
        for place in range(0, len(beats), TABLE_STEP)
        for part in [beats[place : place + TABLE_STEP]]
    ]


def milliseconds(value: float | None) -> str:
    """Return a delay as text; a dash for none."""
    if value is None:
        return "–"
    return f"{value / 1000:,.1f} s" if value >= 10_000 else f"{value:,.0f} ms"


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _said_runs(pulse: Pulse) -> str:
    return f"Runs in each of the last {len(pulse.beats)} minutes, {pulse.runs_a_minute:,.1f} on average"


def _said_lags(pulse: Pulse) -> str:
    return (
        f"Start delay in the last {len(pulse.beats)} minutes: half of the runs within"
        f" {milliseconds(pulse.lag_p50_ms)}, 99 of 100 within {milliseconds(pulse.lag_p99_ms)}"
    )


def _ceiling(value: float) -> float:
    if value <= 10:
        return 10.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if value <= power * step)


def _svg(inside: SafeString, said: str) -> SafeString:
    return format_html(
        '<svg class="console-chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="console-chart-base" d="M0 {}H{}M0 {}H{}"/>{}</svg>',
        WIDTH,
        HEIGHT,
        said,
        *(HEIGHT // 2, WIDTH, HEIGHT, WIDTH),
        inside,
    )


def _bars(values: Sequence[float], top: float) -> SafeString:
    width = WIDTH / max(1, len(values))
    shown = [(place, HEIGHT * value / top) for place, value in enumerate(values) if value]
    return format_html_join(
        "",
        '<rect class="console-chart-passed" x="{}" y="{}" width="{}" height="{}"/>',
        (
            (f"{place * width:.1f}", f"{HEIGHT - high:.1f}", f"{width * 0.8:.1f}", f"{high:.1f}")
            for place, high in shown
        ),
    )


def _lines(
    p50: Sequence[float | None], p99: Sequence[float | None], top: float
) -> SafeString:  # Drawn over each other, on one scale.
    return format_html_join(
        "",
        '<path class="console-chart-{}" d="{}"/>',
        (("p50", _line(p50, top)), ("p95", _line(p99, top))),
    )


def _line(values: Sequence[float | None], top: float) -> str:
    """Return a path that breaks where nothing ran."""
    width = WIDTH / max(1, len(values))
    steps, is_drawn = [], False
    for place, value in enumerate(values):
        if value is None:
            is_drawn = False
            continue
        x, y = (place + 0.5) * width, HEIGHT - HEIGHT * min(value, top) / top
        steps.append(f"{'L' if is_drawn else 'M'}{x:.1f} {y:.1f}")
        if not is_drawn:
            # A minute between two without a run is a point: a line of no length has round ends.
            steps.append(f"L{x:.1f} {y:.1f}")
        is_drawn = True
    return "".join(steps)
