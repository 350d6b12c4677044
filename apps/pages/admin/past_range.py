"""Which days of a component's past are shown, and the ways to others."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from apps.pages import past, uptime
from apps.pages.admin.why import zone_of
from apps.pages.models import Component

BAR_DAYS = 90
_EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Range:
    """The days whose details are shown, both included, in a zone; `bar_last` is the last day of the bar."""

    first: date
    last: date
    bar_last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return uptime.day_start(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return uptime.day_start(self.last + timedelta(days=1), self.zone)

    @property
    def bar_first(self) -> date:
        return self.bar_last - timedelta(days=BAR_DAYS - 1)

    @property
    def title(self) -> str:
        if self.first == self.last:
            return f"{self.first:%a} {self.first.day} {self.first:%B %Y}"
        return f"{self.first:%B %Y}"


def chosen_range(request: HttpRequest, component: Component, now: datetime) -> Range:
    """Return what the address asks for; what makes no sense is today's month."""
    zone = uptime.zone_of(zone_of(component))
    today = now.astimezone(zone).date()
    bar_last = min(_date(request.GET.get("until")) or today, today)
    day = _date(request.GET.get("day"))
    month = _date(f"{request.GET.get('month', '')}-01")
    if day is not None and day <= today:
        first = last = day
    else:
        first = (month if month is not None and month <= today else bar_last).replace(day=1)
        end = calendar.monthrange(first.year, first.month)[1]
        last = min(first.replace(day=end), today)
    return Range(first, last, bar_last, zone)


def links(component: Component, span: Range, now: datetime) -> dict[str, str]:
    """Return the ways to other days: {earlier, later, month, before, after}, "" where there are none."""
    today = now.astimezone(span.zone).date()
    began = past.began_at(component)
    first = began.astimezone(span.zone).date() if began else today
    bar = span.bar_last.isoformat()

    def to_bar(last: date) -> str:
        return f"?{urlencode({'until': last.isoformat()})}"

    def to_days(day: date) -> str:
        if span.first == span.last:
            return f"?{urlencode({'day': day.isoformat(), 'until': bar})}"
        return f"?{urlencode({'month': f'{day:%Y-%m}', 'until': bar})}"

    before, after = span.first - timedelta(days=1), span.last + timedelta(days=1)
    return {
        "earlier": to_bar(span.bar_first - timedelta(days=1)) if first < span.bar_first else "",
        "later": to_bar(min(span.bar_last + timedelta(days=BAR_DAYS), today))
        if span.bar_last < today
        else "",
        "before": to_days(before) if before >= first else "",
        "after": to_days(after) if after <= today else "",
        "month": f"?{urlencode({'month': f'{span.first:%Y-%m}', 'until': bar})}"
        if span.first == span.last
        else "",
        "first": first.isoformat(),
        "today": today.isoformat(),
    }


def _date(text: str | None) -> date | None:
    """Return the day; None also for one so early that the days before it could not be reckoned."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day >= _EARLIEST else None
