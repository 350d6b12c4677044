"""Pages as they are published, lent to the screens of pages."""

from __future__ import annotations

from apps.pages.admin import outlets
from apps.pages.uptime import Day
from apps.publishing.admin.preview import preview
from apps.publishing.bars import percentage_text, what_happened
from apps.publishing.selectors import page_url
from apps.publishing.uptime_facts import day_facts


def _day(day: Day) -> outlets.DayWords:
    facts = day_facts(day)
    return outlets.DayWords(facts.level, what_happened(facts))


outlets.lend(
    outlets.Outlet(address=page_url, preview=preview, day=_day, percentage=percentage_text)
)
