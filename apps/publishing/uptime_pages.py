"""The uptime page and a closed month's, rendered. Pure but for reading templates.

A month is a table of weeks. A day's state is in its colour, in its mark, and in words below the table.
"""

from __future__ import annotations

import calendar
import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.pages.uptime import Level
from apps.publishing.assets import Assets
from apps.publishing.bars import LEVEL_CLASSES, percentage_text, what_happened
from apps.publishing.html import rendered
from apps.publishing.kept import Kept
from apps.publishing.months import month_start
from apps.publishing.readmodel import ComponentFacts, DayFacts, GroupFacts, PageModel
from apps.publishing.uptime_facts import MonthUptime, mean_uptime

Months = Mapping[str, Sequence[MonthUptime]]
"""{component id: its months, newest first}."""

# Some 2,500 of a component's months.
_MOST_BYTES = 10 * 2**20
# Of what one was made of: a month's days, by reference.
_INPUTS_BYTES = 1_000
_QUIET = {Level.OPERATIONAL.value, Level.NO_DATA.value}


@dataclass(frozen=True, slots=True)
class DayView:
    """A day with something to tell."""

    css: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A component's month: the table's rows, and in words what its marks are."""

    id: str
    title: str
    uptime: str
    rows: SafeString
    days: tuple[DayView, ...]

    @property
    def count(self) -> str:
        return "1 day" if len(self.days) == 1 else f"{len(self.days)} days"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A component's month, rendered, with a stand-in for it to be compared."""

    html: SafeString
    digest: str


@dataclass(frozen=True, slots=True)
class UptimeView:
    """A component with its months, rendered."""

    id: str
    name: str
    calendars: SafeString


@dataclass(frozen=True, slots=True)
class UptimeGroupView:
    """A group's components and its uptime, {title, uptime} of each month."""

    id: str
    name: str
    means: tuple[tuple[str, str], ...]
    components: tuple[UptimeView, ...]


_kept: Kept[Calendar] = Kept(_MOST_BYTES, lambda made: sys.getsizeof(made.html) + _INPUTS_BYTES)


def index_page(
    model: PageModel, months: Months, assets: Assets, *, earlier: Sequence[str]
) -> bytes:
    """Return the newest months of every component, and the way to the earlier ones (newest first)."""
    return rendered(
        "uptime",
        model.page,
        assets,
        root="",
        path="uptime",
        title="Uptime",
        is_index=True,
        entries=entries(model, months),
        years=_years(earlier),
    )


def month_page(model: PageModel, key: str, months: Months, assets: Assets) -> bytes:
    """Return every component's days of one closed month."""
    return rendered(
        "uptime",
        model.page,
        assets,
        root="../",
        path=f"uptime/{key}",
        title=f"Uptime in {month_title(key)}",
        is_index=False,
        entries=entries(model, months),
        years=(),
    )


def entries(model: PageModel, months: Months) -> list[UptimeView | UptimeGroupView]:
    """Return what has uptime to show, in page order."""
    views: list[UptimeView | UptimeGroupView] = []
    for entry in model.top_level:
        if isinstance(entry, GroupFacts):
            members = [one for one in entry.components if one.id in months]
            if members:
                views.append(_group(entry, members, months))
        elif entry.id in months:
            views.append(_component(entry, months[entry.id]))
    return views


def month_title(key: str) -> str:
    first = month_start(key)
    return f"{calendar.month_name[first.month]} {first.year}"


def _group(group: GroupFacts, members: Sequence[ComponentFacts], months: Months) -> UptimeGroupView:
    of_each_month = zip(*(months[one.id] for one in members), strict=True)
    return UptimeGroupView(
        id=group.id,
        name=group.name,
        means=tuple(
            (month_title(some[0].key), percentage_text(mean_uptime(some)) or "no data")
            for some in of_each_month
        ),
        components=tuple(_component(one, months[one.id]) for one in members),
    )


def _component(component: ComponentFacts, months: Sequence[MonthUptime]) -> UptimeView:
    html = "".join(calendar_of(component.id, month).html for month in months)
    # Each is a template's own, escaped there.
    return UptimeView(component.id, component.name, mark_safe(html))  # noqa: S308


def calendar_of(component_id: str, month: MonthUptime) -> Calendar:
    """Return the month as it is shown. It is kept, so that a build renders what has changed."""
    shown: tuple[object, ...] = ()
    if month.days:
        # The last may be today: what is shown of it counts; its seconds are others in each build.
        last = month.days[-1]
        shown = month.days[:-1], (last.day, last.level, last.corrections, what_happened(last))
    return _kept.get(
        (component_id, month.key),
        (shown, percentage_text(month.percentage)),
        partial(_rendered, component_id, month),
    )


def _rendered(component_id: str, month: MonthUptime) -> Calendar:
    view = _calendar_view(component_id, month)
    html = render_to_string("public/_calendar.html", {"calendar": view})
    return Calendar(html, hashlib.blake2b(html.encode(), digest_size=16).hexdigest())


def _calendar_view(component_id: str, month: MonthUptime) -> CalendarView:
    first = month_start(month.key)
    return CalendarView(
        id=f"{component_id}-{month.key}",
        title=month_title(month.key),
        uptime=percentage_text(month.percentage) or "no data",
        rows=_rows(month.key, {day.day.day: day for day in month.days}),
        days=tuple(
            DayView(LEVEL_CLASSES[day.level], f"{day.day.day} {first:%b}", what_happened(day))
            for day in month.days
            if _is_told(day)
        ),
    )


def _is_told(day: DayFacts) -> bool:
    return day.level not in _QUIET or bool(day.corrections)


def _rows(key: str, days: Mapping[int, DayFacts]) -> SafeString:
    """Return the weeks as table rows, from Monday; days to come are empty."""
    first = month_start(key)
    rows = []
    for week in calendar.monthcalendar(first.year, first.month):
        cells = "".join(_cell(number, days.get(number)) for number in week)
        rows.append(f"<tr>{cells}</tr>")
    # Numbers, our own words, and staff's reasons, which are escaped.
    return mark_safe("".join(rows))  # noqa: S308


def _cell(number: int, day: DayFacts | None) -> str:
    if not number:
        return "<td></td>"
    if day is None:
        return f"<td>{number}</td>"
    css = LEVEL_CLASSES[day.level] + (" c" if day.corrections else "")
    if not _is_told(day):
        return f'<td class="{css}">{number}</td>'
    text = escape(what_happened(day))
    return f'<td class="{css}" title="{text}">{number}<span class="visually-hidden">: {text}</span></td>'


def _years(keys: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return {year: its months as (key, name)} as pairs, in the order given."""
    years: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        name = calendar.month_name[month_start(key).month]
        years.setdefault(key[:4], []).append((key, name))
    return list(years.items())
