"""The 90 bars of a component's uptime as inline SVG. Pure.

A worse day stands taller, so that the picture also reads without colours; the words are in each bar's
title and, for the days with problems, in the picture's own name.
"""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.pages.uptime import Level
from apps.publishing.readmodel import DayFacts, UptimeFacts
from apps.publishing.times import day_text, duration_text

MAINTENANCE = "maintenance"
STEP, WIDTH, HEIGHT = 4, 3, 40
_HEIGHTS: dict[str, int] = {
    Level.NO_DATA: 6,
    MAINTENANCE: 16,
    Level.OPERATIONAL: 24,
    Level.DEGRADED: 29,
    Level.PARTIAL: 34,
    Level.MAJOR: HEIGHT,
}
# Short class names: a page holds thousands of bars.
LEVEL_CLASSES: dict[str, str] = {
    Level.NO_DATA: "n",
    MAINTENANCE: "m",
    Level.OPERATIONAL: "o",
    Level.DEGRADED: "d",
    Level.PARTIAL: "p",
    Level.MAJOR: "x",
}
_NAMED_DAYS = 7


def percentage_text(percentage: float | None) -> str:
    """Return 100 % only when nothing was lost: two decimals, never rounded up; empty without data."""
    if percentage is None:
        return ""
    if percentage >= 100:
        return "100 %"
    # A hair is added, since 99.95 is a little less than itself in binary.
    return f"{int(percentage * 100 + 1e-6) / 100:.2f} %"


# Days that are over are told again with each version.
@lru_cache(maxsize=50_000)
def what_happened(day: DayFacts) -> str:
    """Return a day's outages and the like with their lengths, or that there were none."""
    if day.level == Level.NO_DATA:
        return f"No data{corrected(day)}"
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


def _escaped(day: DayFacts) -> str:
    text = what_happened(day)
    return escape(text) if day.corrections else text


def uptime_bars(name: str, uptime: UptimeFacts) -> SafeString:
    """Return the bars as one SVG that stretches to its box; a bar's title is its day's text."""
    # Plain formatting: a page holds thousands of bars, and all that goes in is numbers and our own words,
    # but for staff's reasons.
    bars = "".join(
        f'<rect class="{LEVEL_CLASSES[day.level]}" x="{place * STEP}" y="{HEIGHT - _HEIGHTS[day.level]}"'
        f' width="{WIDTH}" height="{_HEIGHTS[day.level]}">'
        f"<title>{day_text(day.day)}: {_escaped(day)}</title></rect>"
        for place, day in enumerate(uptime.days)
    )
    return format_html(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        len(uptime.days) * STEP - (STEP - WIDTH),
        HEIGHT,
        _summary(name, uptime),
        mark_safe(bars),  # noqa: S308 - see above
    )
