"""Which uptime files a build writes: the page of the newest months, and closed months whose days have changed.

A look costs a few statements, however many years there are. A closed month is read when one of its days was closed
anew, when what every file shows besides has changed, and once by a new process; its file is written if it differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db.models import Count, Max
from django.db.models.functions import TruncMonth

from apps.pages import uptime
from apps.pages.day_selectors import closed_days
from apps.pages.models import ClosedDays, Component, ComponentDay
from apps.publishing import uptime_pages
from apps.publishing.archive import ArchiveWork
from apps.publishing.assets import Assets
from apps.publishing.kept import Kept
from apps.publishing.models import ArchiveFile, Publication
from apps.publishing.months import month_start
from apps.publishing.readmodel import ComponentFacts, DayFacts, PageModel
from apps.publishing.uptime_facts import (
    SHOWN_MONTHS,
    MonthUptime,
    day_facts,
    month_key,
    month_of,
    months_back,
    months_between,
    summed,
    uptime_of,
)

INDEX = "uptime"
# Days are looked at again this long after a look that found nothing else to do.
LOOK_EVERY = timedelta(seconds=30)
# A build that somebody asked for leaves a look to the one after it, but never for so long.
_LOOK_AT_LAST = timedelta(minutes=2)
# How far back of the last build closed days are looked for: longer than any transaction lasts.
_LOOK_BACK = timedelta(hours=1)
_MONTHS_A_BUILD = 2
# Of a file's digest: what all of them show, then what it alone shows.
_FRAME_LENGTH = 16
# Raised when the code that renders these files changes what they show.
_FORM = 1


@dataclass(slots=True)
class Seen:
    """What this process has looked at of a page: when it was through, and which months as they then were.

    `is_behind` while a file shows what is not so any more: a component that is hidden now, a day that was corrected.
    """

    frame: str
    through_at: datetime | None = None
    months: dict[str, object] = field(default_factory=dict)
    is_behind: bool = False


# Of each component's days in a month but the last, which may be today.
_sums: Kept[uptime.Tally] = Kept(2 * 2**20, lambda _: 600)
# {page: what was seen}; a new process looks at everything once.
_seen: dict[int, Seen] = {}


def add_work(work: ArchiveWork, model: PageModel, publication: Publication, assets: Assets) -> Seen:
    """Add the uptime files to write. Called inside the model's snapshot; at most 6 queries, 1 more a month.

    Return what was seen, for `keep` once the files are written.
    """
    frame = _frame_of(model, work.frame)
    seen = _seen.get(publication.pk)
    if seen is None or seen.frame != frame:
        seen = Seen(frame)
    if seen.through_at is not None:
        unlooked = model.at - seen.through_at
        if unlooked < LOOK_EVERY:
            return seen
        # Readers wait for what was asked for; the next build follows at once.
        if unlooked < _LOOK_AT_LAST and model.seq > publication.published_seq:
            return replace(seen, is_behind=True)
    seen = replace(seen, months=dict(seen.months))
    is_through = _Look(work, model, publication, assets, seen).add()
    seen.through_at = model.at if is_through else None
    return seen


def keep(publication_id: int, seen: Seen) -> None:
    """Look no more at what was seen: its files are written."""
    _seen[publication_id] = seen


class _Look:
    """One look at a page's days."""

    def __init__(
        self,
        work: ArchiveWork,
        model: PageModel,
        publication: Publication,
        assets: Assets,
        seen: Seen,
    ) -> None:
        self.work = work
        self.model = model
        self.publication = publication
        self.assets = assets
        self.seen = seen
        self.today = model.at.astimezone(model.zone).date()
        self.shown = [one for one in model.components if one.uptime is not None]

    def add(self) -> bool:
        """Add the files. Say whether all that there is to write is written with them."""
        known = dict(
            ArchiveFile.objects.filter(publication=self.publication, path__startswith=INDEX)
            .exclude(content=b"")
            .values_list("path", "digest")
        )
        keys = dict(
            Component.objects.filter(public_id__in=[one.id for one in self.shown]).values_list(
                "pk", "public_id"
            )
        )
        ledgers = {
            row.pk: row
            for row in ClosedDays.objects.filter(
                component__in=list(keys), time_zone=self.model.zone.key
            )
        }
        closed = self._closed_months(ledgers, keys)
        wanted = self._wanted(closed, list(keys), known)
        for key, stamp in wanted[:_MONTHS_A_BUILD]:
            self._add_month(key, known, ledgers, keys)
            self.seen.months[key] = stamp
        for key, _ in wanted[_MONTHS_A_BUILD:]:
            self.seen.months.pop(key, None)
        self._add_index(self._settled(known, closed), known)
        # What this process has not looked at yet has time; what has changed of late has not.
        self.seen.is_behind |= any(stamp is not None for _, stamp in wanted[_MONTHS_A_BUILD:])
        return len(wanted) <= _MONTHS_A_BUILD

    def _settled(self, known: dict[str, str], closed: Sequence[str]) -> list[str]:
        """Take away months that are no more; return those that have a file then, newest first.

        A month whose days wait to be closed anew keeps its file, unless that shows what the page no longer does.
        """
        months = {key for path in self.work.files if (key := _month_in(path))}
        self.seen.is_behind = False
        for path, digest in known.items():
            key = _month_in(path)
            if not key or key in months:
                continue
            is_of_old = not digest.startswith(self.seen.frame)
            if is_of_old and key not in closed:
                self.work.add(path, b"", "")
            else:
                self.seen.is_behind |= is_of_old
                months.add(key)
        return sorted(months, reverse=True)

    def _closed_months(self, ledgers: dict[int, ClosedDays], keys: dict[int, str]) -> list[str]:
        """Return the months that are over for every component with days in them, newest first."""
        if not ledgers:
            return []
        starts = {one.id: one.start_date for one in self.shown}
        first = min(
            max(row.first_day, starts[keys[row.pk]] or row.first_day) for row in ledgers.values()
        )
        # Each component's days are closed to about the same moment; one that lags holds the rest up.
        until = min(row.until for row in ledgers.values())
        last = months_back(until.astimezone(self.model.zone).date(), 1)
        return months_between(first, last)

    def _wanted(
        self, closed: Sequence[str], ids: Sequence[int], known: dict[str, str]
    ) -> list[tuple[str, object]]:
        """Return the months to look at, each with what shows whether it has changed since."""
        since = (self.publication.checked_at or self.model.at) - _LOOK_BACK
        changed = {
            month_key(month): (days, built_at)
            for month, days, built_at in ComponentDay.objects.filter(
                component__in=ids, built_at__gte=since
            )
            .order_by()
            .annotate(month=TruncMonth("day"))
            .values_list("month")
            .annotate(days=Count("day"), last=Max("built_at"))
        }
        return [
            (key, changed.get(key))
            for key in closed
            if key not in self.seen.months
            or (key in changed and changed[key] != self.seen.months[key])
            or not known.get(f"{INDEX}/{key}", self.seen.frame).startswith(self.seen.frame)
        ]

    def _add_month(
        self,
        key: str,
        known: dict[str, str],
        ledgers: dict[int, ClosedDays],
        keys: dict[int, str],
    ) -> None:
        first = month_start(key)
        last = months_back(first, -1) - timedelta(days=1)
        found = closed_days({pk: row.until for pk, row in ledgers.items()}, first=first, last=last)
        by_id = {keys[pk]: days for pk, days in found.items()}
        months = {
            one.id: [month_of(key, self._days(one, by_id.get(one.id, {}), first, last))]
            for one in self.shown
        }
        digest = self._digest(months)
        if known.get(f"{INDEX}/{key}") != digest:
            content = uptime_pages.month_page(self.model, key, months, self.assets)
            self.work.add(f"{INDEX}/{key}", content, digest)

    def _days(
        self, component: ComponentFacts, closed: dict[date, uptime.Day], first: date, last: date
    ) -> list[DayFacts]:
        start = component.start_date or first
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [
            day_facts(
                closed[day] if day in closed and day >= start else uptime.Day(day, uptime.Tally())
            )
            for day in days
        ]

    def _add_index(self, earlier: Sequence[str], known: dict[str, str]) -> None:
        shown = months_between(months_back(self.today, SHOWN_MONTHS - 1), self.today)
        months = {}
        for one in self.shown:
            if one.uptime is not None:
                days = (*one.uptime.earlier, *one.uptime.days)
                months[one.id] = [_month_of(one.id, key, days) for key in shown]
        older = [key for key in earlier if key not in shown]
        digest = self._digest(months, older)
        if known.get(INDEX) != digest:
            content = uptime_pages.index_page(self.model, months, self.assets, earlier=older)
            self.work.add(INDEX, content, digest)

    def _digest(self, months: dict[str, list[MonthUptime]], *more: object) -> str:
        """Of what is shown, not of seconds: a quiet day's file stays as it is until the day is over."""
        shown = [
            (component_id, [uptime_pages.calendar_of(component_id, month).digest for month in some])
            for component_id, some in months.items()
        ]
        return self.seen.frame + _sha(shown, *more)[: 64 - _FRAME_LENGTH]


def _month_of(component_id: str, key: str, days: Sequence[DayFacts]) -> MonthUptime:
    """Return the month of those of the days that are in it, which is as `month_of` has it. They follow one another."""
    month = month_start(key)
    first, end = ((day - days[0].day).days for day in (month, months_back(month, -1)))
    inside = tuple(days[max(0, first) : max(0, end)])
    closed = inside[:-1]
    before = _sums.get((component_id, key), closed, lambda: summed(closed))
    return MonthUptime(key, uptime_of(inside[-1:], before=before), inside)


def _month_in(path: str) -> str:
    """Return the month of a file's path; nothing for other files."""
    return path.removeprefix(f"{INDEX}/") if path.startswith(f"{INDEX}/") else ""


def _frame_of(model: PageModel, archive_frame: str) -> str:
    """Return the digest of what every uptime file shows besides its days."""
    entries = [
        (one.id, one.name, one.group_id, one.start_date)
        for one in model.components
        if one.uptime is not None
    ]
    groups = [(group.id, group.name) for group in model.groups]
    return _sha(_FORM, archive_frame, entries, groups)[:_FRAME_LENGTH]


def _sha(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()
