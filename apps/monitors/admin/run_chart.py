"""A span of a monitor's past as inline SVG, as a table and as words. Pure: no style attributes, colours by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.monitors.history import Span
from apps.monitors.rollups import Tally
from apps.monitors.services.rollups import DAY, HOUR

WIDTH, HEIGHT = 600, 120
# Below the lines: one block for each stretch, which tells by its height and colour how many runs failed.
STRIP, GAP = 24, 12
_PERCENTILES = ((99, "p99"), (95, "p95"), (50, "p50"))


@dataclass(frozen=True, slots=True)
class Row:
    """One stretch of a span as the table shows it."""

    began: str
    runs: str
    passed: str
    failed: str
    errors: str
    median: str
    p95: str
    p99: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A span as the page shows it: figures as text, and the picture (None without a run)."""

    name: str
    runs: str
    passed: str
    failed: str
    errors: str
    median: str
    p95: str
    p99: str
    average: str
    extent: str
    picture: SafeString | None
    top: str
    half: str
    ticks: tuple[str, ...]
    rows: tuple[Row, ...]


def drawn(span: Span) -> Drawn:
    """Return the span's figures and picture."""
    whole = span.whole
    top = _ceiling(max((part.percentile_ms(99) or 0 for part in span.stretches), default=0))
    starts = [span.started_at + place * span.step for place in range(len(span.stretches))]
    return Drawn(
        name=span.name,
        runs=f"{whole.count:,}",
        passed=share_text(whole.passed_share),
        failed=f"{whole.failed:,}",
        errors=f"{whole.error:,}",
        median=time_text(whole.percentile_ms(50)),
        p95=time_text(whole.percentile_ms(95)),
        p99=time_text(whole.percentile_ms(99)),
        average=time_text(whole.average_ms),
        extent=(
            f"{time_text(whole.lowest_ms)} to {time_text(whole.highest_ms)}" if whole.timed else "–"
        ),
        picture=_picture(span, top) if whole.count else None,
        top=time_text(top),
        half=time_text(top / 2),
        ticks=tuple(_short(span, starts[place]) for place in _marked(len(starts))),
        rows=tuple(_row(span, place) for place in range(len(starts))),
    )


def time_text(milliseconds: float | None) -> str:
    """Return a response time; a dash for none."""
    if milliseconds is None:
        return "–"
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:,.1f} s"
    return f"{milliseconds:,.0f} ms"


def share_text(share: float | None) -> str:
    """Return a share in percent, never rounded up to 100."""
    if share is None:
        return "–"
    return f"{math.floor(share * 10_000) / 100:.2f} %" if share < 1 else "100 %"


def _row(span: Span, place: int) -> Row:
    part = span.stretches[place]
    return Row(
        began=f"{span.started_at + place * span.step:{_pattern(span)}}",
        runs=f"{part.count:,}",
        passed=share_text(part.passed_share),
        failed=f"{part.failed:,}",
        errors=f"{part.error:,}",
        median=time_text(part.percentile_ms(50)),
        p95=time_text(part.percentile_ms(95)),
        p99=time_text(part.percentile_ms(99)),
    )


def _pattern(span: Span) -> str:
    return "%Y-%m-%d %H:%M UTC" if span.step < DAY else "%Y-%m-%d"


def _short(span: Span, at: datetime) -> str:
    return f"{at:%H:%M}" if span.step == HOUR else f"{at:%m-%d}"


def _marked(number: int) -> Sequence[int]:
    """Return the places that are named below the picture: at most five, the first and the last among them."""
    ends = min(number, 5) - 1
    return [round(tick * (number - 1) / ends) for tick in range(ends + 1)] if ends > 0 else [0]


def _ceiling(value: float) -> float:
    """Return the next round number; 10 for nothing."""
    if value <= 10:
        return 10.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if value <= power * step)


def _picture(span: Span, top: float) -> SafeString:
    lines = format_html_join(
        "",
        '<path class="console-chart-{}" d="{}"/>',
        (
            (name, _line([part.percentile_ms(percent) for part in span.stretches], top))
            for percent, name in _PERCENTILES
        ),
    )
    width = WIDTH / len(span.stretches)
    blocks = format_html_join(
        "",
        '<rect class="console-chart-{}" x="{}" y="{}" width="{}" height="{}"/>',
        (
            (kind, f"{place * width:.1f}", f"{HEIGHT + GAP + top_at:.1f}", f"{width * 0.8:.1f}", f"{high:.1f}")
            for place, part in enumerate(span.stretches)
            for kind, top_at, high in _blocks(part)
        ),
    )  # fmt: skip
    told = format_html_join(
        "",
        '<rect class="console-chart-hit" x="{}" y="0" width="{}" height="{}"><title>{}</title></rect>',
        (
            (f"{place * width:.1f}", f"{width:.1f}", HEIGHT + GAP + STRIP, _told(span, place))
            for place in range(len(span.stretches))
        ),
    )
    return format_html(
        '<svg class="console-chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="console-chart-base" d="M0 {}H{}M0 {}H{}M0 {}H{}"/>{}{}{}</svg>',
        WIDTH,
        HEIGHT + GAP + STRIP,
        _words(span),
        *(0, WIDTH, HEIGHT // 2, WIDTH, HEIGHT, WIDTH),
        lines,
        blocks,
        told,
    )


def _told(span: Span, place: int) -> str:
    """Return what a pointer over the stretch is told."""
    row = _row(span, place)
    if row.runs == "0":
        return f"{row.began}: no runs"
    return (
        f"{row.began}: {row.runs} runs, {row.failed} failed, {row.errors} errors;"
        f" p50 {row.median}, p95 {row.p95}, p99 {row.p99}"
    )


def _line(values: Sequence[float | None], top: float) -> str:
    """Return the path through the middles of the stretches, broken where there is nothing."""
    width = WIDTH / len(values)
    path = []
    is_on = False
    for place, value in enumerate(values):
        if value is None:
            is_on = False
            continue
        # What is above the top would be drawn out of the picture: nothing is.
        down = HEIGHT - min(value, top) / top * HEIGHT
        alone = place + 1 == len(values) or values[place + 1] is None
        if not is_on and alone:
            path.append(f"M{place * width:.1f} {down:.1f}h{width:.1f}")
        else:
            path.append(f"{'L' if is_on else 'M'}{(place + 0.5) * width:.1f} {down:.1f}")
        is_on = True
    return "".join(path)


def _blocks(part: Tally) -> list[tuple[str, float, float]]:
    """Return (kind, from the top, height) of a stretch's blocks: passed below, failed above, at least visible."""
    share = part.passed_share
    if share is None:
        return [("error", STRIP * 0.75, STRIP * 0.25)] if part.error else []
    failed = 0.0 if share == 1 else max(STRIP * (1 - share), STRIP / 6)
    found = [("failed", 0.0, failed)] if failed else []
    return [*found, ("passed", failed, STRIP - failed)] if failed < STRIP else found


def _words(span: Span) -> str:
    whole = span.whole
    worst = max(
        range(len(span.stretches)), key=lambda place: span.stretches[place].failed, default=0
    )
    text = (
        f"The past {span.name}: {whole.count:,} runs, {share_text(whole.passed_share)} passed,"
        f" half of them within {time_text(whole.percentile_ms(50))} and 95 percent within"
        f" {time_text(whole.percentile_ms(95))}."
    )
    if whole.failed:
        at = span.started_at + worst * span.step
        text += (
            f" Most failures: {span.stretches[worst].failed:,} in what began {at:{_pattern(span)}}."
        )
    return text
