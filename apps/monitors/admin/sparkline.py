"""A monitor's newest runs as a picture of one line. Pure: colours by class, shapes tell the same."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.monitors.admin.run_chart import time_text
from apps.monitors.models import Run

# Passed runs stand on the line, as high as they were slow; failed ones hang below it; errors lie on it.
STEP, BAR = 5, 4
ABOVE, BELOW = 16, 8
LEAST = 2.0


def sparkline(runs: Sequence[Run], *, places: int) -> SafeString | str:
    """Return the runs, the oldest first, as SVG with a text; a dash for none. `places`: the room for runs."""
    if not runs:
        return "–"
    slowest = max((run.response_time_ms or 0 for run in runs), default=0) or 1
    first = places - len(runs)
    paths: dict[str, list[str]] = {}
    for place, run in enumerate(runs):
        top, height = _bar(run, slowest)
        bar = f"M{(first + place) * STEP} {top:.1f}h{BAR}v{height:.1f}h-{BAR}z"
        paths.setdefault(run.result, []).append(bar)
    # One path for all runs of a kind: a list shows thousands of bars.
    bars = format_html_join(
        "",
        '<path class="console-chart-{}" d="{}"/>',
        ((kind, "".join(parts)) for kind, parts in paths.items()),
    )
    words = _words(runs)
    return format_html(
        '<svg class="console-spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<title>{}</title><path class="console-spark-base" d="M0 {}H{}"/>{}</svg>',
        *(places * STEP, ABOVE + BELOW, places * STEP, ABOVE + BELOW),
        *(words, words, ABOVE, places * STEP),
        bars,
    )


def _bar(run: Run, slowest: int) -> tuple[float, float]:
    """Return (top, height) of a run's bar."""
    if run.result == Run.Result.FAILED:
        return ABOVE, BELOW
    if run.result == Run.Result.ERROR:
        return ABOVE - LEAST / 2, LEAST
    height = max((run.response_time_ms or 0) / slowest * ABOVE, LEAST)
    return ABOVE - height, height


def _words(runs: Sequence[Run]) -> str:
    """Say what the picture shows."""
    count = len(runs)
    failed = sum(run.result == Run.Result.FAILED for run in runs)
    errors = sum(run.result == Run.Result.ERROR for run in runs)
    told = [
        f"{failed} failed" if failed else "",
        f"{errors} error{'s' * (errors > 1)}" if errors else "",
    ]
    outcome = ", ".join(filter(None, told)) or "all passed"
    times = [run.response_time_ms for run in runs if run.response_time_ms is not None]
    if times:
        low, high = time_text(min(times)), time_text(max(times))
        outcome += f"; {low}" if low == high else f"; {low} to {high}"
    return f"{'The newest run' if count == 1 else f'The newest {count} runs'}: {outcome}"
