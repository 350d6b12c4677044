"""Which files of their own a build writes: pages of events and closed months whose input has changed.

An event is an incident or a maintenance. A build looks at those that the page shows, and at older ones that were
changed of late. What every file shows besides (the page's name, its components' names, styles) is its frame: when
it changes, the builds that follow walk through all events, some at a time.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.incidents.models import EventNumber, Incident, Maintenance
from apps.publishing import html
from apps.publishing.assets import Assets
from apps.publishing.documents import Writer, encoded
from apps.publishing.history_documents import history_document, month_part, present_quarter
from apps.publishing.incident_selectors import MOST_TOLD, changed_incidents, facts_of, incidents_of
from apps.publishing.maintenance_selectors import (
    changed_maintenances,
    maintenance_facts_of,
    maintenances_of,
    told_between,
)
from apps.publishing.models import ArchiveFile, ArchiveMonth, Publication
from apps.publishing.months import (
    month_before,
    month_bounds,
    month_of,
    months_of_quarter,
    quarter_of,
)
from apps.publishing.readmodel import EventFacts, IncidentFacts, MonthFacts, PageModel

# How far back of the last build changes are looked for: longer than any transaction lasts.
_LOOK_BACK = timedelta(hours=1)
# An event's JSON follows its components' states for so long after its end.
_FOLLOWS = timedelta(days=1)
_WALK = 50
# Raised when the code that renders archive files changes what they show.
_FORM = 3


@dataclass(frozen=True, slots=True)
class MonthWork:
    """What is kept of a month's file: how much it tells of, and its part of `/history.json`."""

    incidents: int
    maintenances: int
    part: dict[str, Any]


@dataclass(frozen=True)
class ArchiveWork:
    """What a build has to write: {key: content}, empty where a file goes; each with its input's digest.

    `frame` and `cursor` are what the publication keeps when it is written. `told_in` gives the month in whose
    file an event is told of, `months` what is kept of each month written. `index` lists all months of the archive,
    newest first; `parts` are those of the present quarter's closed months.
    """

    frame: str
    cursor: int
    files: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    told_in: dict[str, str] = field(default_factory=dict)
    months: dict[str, MonthWork] = field(default_factory=dict)
    index: list[MonthFacts] = field(default_factory=list)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, key: str, content: bytes, digest: str, *, month: str = "") -> None:
        self.files[key] = content
        self.digests[key] = digest
        self.told_in[key] = month


@cache
def _templates_digest() -> str:
    summed = hashlib.sha256()
    for path in sorted((Path(settings.BASE_DIR) / "templates" / "public").glob("*.html")):
        summed.update(path.read_bytes())
    return summed.hexdigest()


def frame_of(model: PageModel, assets: Assets) -> str:
    """Return the digest of what every archive file shows besides its own events."""
    return _digest(
        _FORM,
        _templates_digest(),
        assets.revision,
        (model.page.name, model.page.url, model.page.time_zone),
        sorted((component.id, component.name) for component in model.components),
    )


def find_work(model: PageModel, publication: Publication, assets: Assets) -> ArchiveWork:
    """Return the archive files to write. Called inside the model's snapshot; a constant number of queries."""
    return _Finder(model, publication, assets).find()


class _Finder:
    """One look for work."""

    def __init__(self, model: PageModel, publication: Publication, assets: Assets) -> None:
        self.model = model
        self.publication = publication
        self.assets = assets
        self.page_pk = publication.pk
        self.writer = Writer(model)
        self.present_month = month_of(model.at, model.zone)
        self.present_quarter = present_quarter(model)

    def find(self) -> ArchiveWork:
        frame = frame_of(self.model, self.assets)
        walked, cursor = self._walk(is_new=frame != self.publication.archive_frame)
        work = ArchiveWork(frame=frame, cursor=cursor)
        others, gone = self._others(walked)
        events: dict[str, EventFacts] = {event.id: event for event in (*self.model.events, *others)}
        known = self._known([*events, *gone])
        counts: dict[str, tuple[int, int]] = {
            key: (incidents, maintenances)
            for key, incidents, maintenances in ArchiveMonth.objects.filter(
                publication=self.publication
            ).values_list("key", "incidents", "maintenances")
        }
        months = self._last_month(counts)
        for event in events.values():
            months |= self._add_event(work, event, known)
            months |= {self._month_of(event)} - counts.keys()
        for public_id in gone:
            for key in (f"incidents/{public_id}", f"incidents/{public_id}.json"):
                digest, month = known.get(key, ("", ""))
                if digest:
                    work.add(key, b"", "")
                    months.add(month)
        months = {key for key in months if key and key < self.present_month}
        self._add_months(work, months)
        self._add_parts(work, known, {*counts, *months})
        counts |= {key: (one.incidents, one.maintenances) for key, one in work.months.items()}
        work.index.extend(
            MonthFacts(int(key[:4]), int(key[5:]), *counts[key])
            for key in sorted(counts, reverse=True)
        )
        return work

    def _walk(self, *, is_new: bool) -> tuple[list[int], int]:
        """Return the numbers of the next events of the walk over all, and where it stands then."""
        before = self.publication.archive_cursor
        if is_new:
            newest = EventNumber.objects.order_by("-pk").values_list("pk", flat=True).first()
            before = newest + 1 if newest else 0
        if not before:
            return [], 0
        numbers: list[int] = []
        for model in (Incident, Maintenance):
            rows = model.objects.filter(page=self.page_pk, number__lt=before)
            numbers += rows.order_by("-number").values_list("number", flat=True)[:_WALK]
        numbers = sorted(numbers, reverse=True)[:_WALK]
        return numbers, numbers[-1] if len(numbers) == _WALK else 0

    def _others(self, walked: Collection[int]) -> tuple[list[EventFacts], list[str]]:
        """Return further events to look at, and the public ids of those that are archived."""
        since = (self.publication.checked_at or self.model.at) - _LOOK_BACK
        incidents = changed_incidents(self.page_pk, since=since, numbers=walked)
        maintenances = changed_maintenances(self.page_pk, since=since, numbers=walked)
        shown = {event.id for event in self.model.events}

        def is_other(row: Incident | Maintenance) -> bool:
            return not row.is_archived and row.public_id not in shown

        others: list[EventFacts] = [
            *facts_of(self.page_pk, filter(is_other, incidents)).values(),
            *maintenance_facts_of(self.page_pk, filter(is_other, maintenances)).values(),
        ]
        gone = [row.public_id for row in (*incidents, *maintenances) if row.is_archived]
        return others, gone

    def _known(self, event_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return {key: (digest, month)} of the files that were written: of these events, and of the last quarter."""
        keys = [f"history/{self._last_quarter()}.json"]
        for public_id in event_ids:
            keys += [f"incidents/{public_id}", f"incidents/{public_id}.json"]
        rows = ArchiveFile.objects.filter(publication=self.publication, path__in=keys)
        return {
            path: (digest, month)
            for path, digest, month in rows.values_list("path", "digest", "month")
        }

    def _last_quarter(self) -> str:
        return quarter_of(month_before(months_of_quarter(self.present_quarter)[-1]))

    def _last_month(self, counts: Collection[str]) -> set[str]:
        """Return the month before the present one if it has no file and something to tell."""
        key = month_before(self.present_month)
        if key in counts:
            return set()
        first, following = month_bounds(key, self.model.zone)
        incidents = incidents_of(self.page_pk).filter(
            started_at__gte=first, started_at__lt=following
        )
        maintenances = maintenances_of(self.page_pk).filter(told_between(first, following))
        return {key} if incidents.exists() or maintenances.exists() else set()

    def _month_of(self, event: EventFacts) -> str:
        return month_of(event.told_at, self.model.zone) if event.told_at else ""

    def _add_event(
        self, work: ArchiveWork, event: EventFacts, known: dict[str, tuple[str, str]]
    ) -> set[str]:
        """Add the event's two files where they are not as they should be; return the months to write for it."""
        key, month = f"incidents/{event.id}", self._month_of(event)
        months: set[str] = set()
        known_digest, known_month = known.get(key, ("", ""))
        digest = _digest(work.frame, event)
        if known_digest != digest:
            page = html.event_page(self.model.page, event, self.assets)
            work.add(key, page, digest, month=month)
            # It may have been told of in another one before: its start can be put right.
            months = {month, known_month}
        present: list[dict[str, Any]] = []
        if event.ended_at is None or event.ended_at > self.model.at - _FOLLOWS:
            present = self.writer.present_components(event)
        digest = _digest(work.frame, event, present)
        if known.get(f"{key}.json", ("", ""))[0] != digest:
            work.add(f"{key}.json", encoded(self.writer.event(event)), digest)
        return months

    def _add_months(self, work: ArchiveWork, keys: set[str]) -> None:
        if not keys:
            return
        began, told = Q(), Q()
        for key in keys:
            first, following = month_bounds(key, self.model.zone)
            began |= Q(started_at__gte=first, started_at__lt=following)
            told |= told_between(first, following)
        by_month: dict[str, list[EventFacts]] = defaultdict(list)
        events: list[EventFacts] = [
            *facts_of(self.page_pk, incidents_of(self.page_pk).filter(began)).values(),
            *maintenance_facts_of(
                self.page_pk, maintenances_of(self.page_pk).filter(told)
            ).values(),
        ]
        for event in events:
            by_month[self._month_of(event)].append(event)
        for key in keys:
            # Newest first.
            incidents = [one for one in by_month[key] if isinstance(one, IncidentFacts)]
            works = [one for one in by_month[key] if not isinstance(one, IncidentFacts)]
            month: list[EventFacts] = [*incidents[:MOST_TOLD], *works]
            most = MOST_TOLD if len(incidents) > MOST_TOLD else 0
            content = html.month_page(self.model.page, key, month, self.assets, most=most)
            work.add(f"history/{key}", content, _digest(work.frame, month, most))
            part = month_part(key, month, self.model.zone)
            work.months[key] = MonthWork(len(incidents), len(works), part)

    def _add_parts(
        self, work: ArchiveWork, known: dict[str, tuple[str, str]], months: set[str]
    ) -> None:
        """Add the documents of closed quarters of which a month is written; read the present quarter's parts."""
        quarters = {quarter_of(key) for key in work.months} - {self.present_quarter}
        last = self._last_quarter()
        if f"history/{last}.json" not in known and months & {*months_of_quarter(last)}:
            quarters.add(last)
        wanted = {
            key for one in (*quarters, self.present_quarter) for key in months_of_quarter(one)
        }
        rows = ArchiveMonth.objects.filter(publication=self.publication, key__in=wanted)
        parts = dict(rows.values_list("key", "document"))
        parts |= {key: one.part for key, one in work.months.items()}
        for quarter in quarters:
            content = history_document(self.model, quarter, parts)
            work.add(f"history/{quarter}.json", content, hashlib.sha256(content).hexdigest())
        for key in months_of_quarter(self.present_quarter):
            if key in parts:
                work.parts[key] = parts[key]


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()
