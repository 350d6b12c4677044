"""The 90 bars of a component's uptime as inline SVG. Pure.

A worse day stands taller, so that the picture also reads without colours; the words are in the titles of
the days that have something to tell and, for the newest of them, in the picture's own name. A page holds
thousands of days: days of which there is nothing to tell are drawn in runs, as one dashed line each, the sizes
are in page.css, and page.js says of those days that nothing happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.pages.uptime import Level
from apps.publishing.readmodel import DayFacts, UptimeFacts
from apps.publishing.times import day_text, duration_text

MAINTENANCE = "maintenance"
# As in page.css.
STEP, WIDTH, HEIGHT = 4, 3, 40
LEVEL_CLASSES: dict[str, str] = {
    Level.NO_DATA: "n",
    MAINTENANCE: "m",
    Level.OPERATIONAL: "o",
    Level.DEGRADED: "d",
    Level.PARTIAL: "p",
    Level.MAJOR: "x",
}
_NAMED_DAYS = 7
# Of days with nothing to tell: the opening of their line's path, and the middle of their bars' height.
_QUIET_RUNS: dict[tuple[str, str], tuple[str, int]] = {
    (Level.OPERATIONAL, "No downtime"): ("<path", 28),
    (Level.NO_DATA, "No data"): ('<path class="n"', 37),
}


def percentage_text(percentage: float | None) -> str:
    """Return 100 % only when nothing was lost: two decimals, never rounded up; empty without data."""
    if percentage is None:
        return ""
    if percentage >= 100:
        return "100 %"
    # A hair is added, since 99.95 is a little less than itself in binary.
    return f"{int(percentage * 100 + 1e-6) / 100:.2f} %"


def what_happened(day: DayFacts) -> str:
    """Return a day's outages and the like with their lengths, or that there were none."""
    if day.level == Level.NO_DATA:
        return f"No data{corrected(day)}"
    troubled_s = day.major_s + day.partial_s + day.degraded_s + day.maintenance_s
    if troubled_s + day.unmeasured_s < 1:
        # Most are, of thousands in each version.
        return f"No downtime{corrected(day)}"
    parts = [
        f"{word} {duration_text(seconds)}"
        for word, seconds in (
            ("major outage", day.major_s),
            ("partial outage", day.partial_s),
            ("degraded performance", day.degraded_s),
            ("maintenance", day.maintenance_s),
            ("not measured", day.unmeasured_s),
        )
        if seconds >= 1
    ]
    text = ", ".join(parts) or "no downtime"
    return f"{text[0].upper()}{text[1:]}{corrected(day)}"


def corrected(day: DayFacts) -> str:
    """Return that the day was corrected and why, as a further sentence; empty when it was not."""
    return "".join(f". Corrected: {reason.rstrip('.')}" for reason in day.corrections)


def _summary(name: str, uptime: UptimeFacts) -> str:
    """The picture in words: its percentage and its last days with problems."""
    quiet = {Level.OPERATIONAL, Level.NO_DATA}
    troubled = [day for day in reversed(uptime.days) if day.level not in quiet or day.corrections]
    percentage = percentage_text(uptime.percentage)
    sentences = [
        f"{name}: {percentage} uptime over {len(uptime.days)} days."
        if percentage
        else f"{name}: no uptime measured yet."
    ]
    if troubled:
        named = "; ".join(
            f"{day_text(day.day)}: {what_happened(day)}" for day in troubled[:_NAMED_DAYS]
        )
        more = len(troubled) - _NAMED_DAYS
        sentences.append(f"{named}{f'; and {more} more days' if more > 0 else ''}.")
    elif percentage:
        sentences.append("No downtime.")
    return " ".join(sentences)


def _bar(place: int, day: DayFacts, text: str) -> str:
    shape = f'x="{place * STEP}"'
    if day.level != Level.OPERATIONAL:
        shape = f'class="{LEVEL_CLASSES[day.level]}" {shape}'
    return f"<rect {shape}><title>{day_text(day.day)}: {escape(text)}</title></rect>"


def _bars(days: Iterable[DayFacts]) -> str:
    told = ((place, day, what_happened(day)) for place, day in enumerate(days))
    parts = []
    for run, bars in groupby(told, key=lambda bar: _QUIET_RUNS.get((bar[1].level, bar[2]))):
        if run is None:
            parts += [_bar(*bar) for bar in bars]
            continue
        opening, middle = run
        places = [place for place, _, _ in bars]
        length = len(places) * STEP - (STEP - WIDTH)
        parts.append(f'{opening} d="M{places[0] * STEP} {middle}h{length}"/>')
    return "".join(parts)


def uptime_bars(name: str, uptime: UptimeFacts) -> SafeString:
    """Return the bars as one SVG that stretches to its box. `data-until` is the last bar's day."""
    # Plain formatting, since there are many: all that goes in is numbers and our own words, and staff's
    # reasons, which are escaped.
    return format_html(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" data-until="{}" aria-label="{}">{}</svg>',
        len(uptime.days) * STEP - (STEP - WIDTH),
        HEIGHT,
        uptime.days[-1].day.isoformat(),
        _summary(name, uptime),
        mark_safe(_bars(uptime.days)),  # noqa: S308 - see above
    )
