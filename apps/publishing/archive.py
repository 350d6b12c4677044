"""Which files of their own a build writes: incident pages and closed months whose input has changed.

A build looks at the incidents that the page shows, and at older ones that were changed of late. What every
file shows besides (the page's name, its components' names, styles) is its frame: when it changes, the builds
that follow walk through all incidents, some at a time.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from apps.incidents.models import Incident
from apps.publishing import html
from apps.publishing.assets import Assets
from apps.publishing.incident_selectors import facts_of, incidents_of, month_bounds
from apps.publishing.models import ArchiveFile, Publication
from apps.publishing.readmodel import IncidentFacts, PageModel

# How far back of the last build changes are looked for: longer than any transaction lasts.
_LOOK_BACK = timedelta(hours=1)
_WALK = 50
_NEW_MONTHS = 12
# Raised when the code that renders archive files changes what they show.
_FORM = 1


@dataclass(frozen=True)
class ArchiveWork:
    """What a build has to write: {key: HTML}, empty where a file goes; each with its input's digest.

    `frame` and `cursor` are what the publication keeps when it is written.
    """

    frame: str
    cursor: int
    files: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, content: bytes, digest: str) -> None:
        self.files[key] = content
        self.digests[key] = digest


@cache
def _templates_digest() -> str:
    summed = hashlib.sha256()
    for path in sorted((Path(settings.BASE_DIR) / "templates" / "public").glob("*.html")):
        summed.update(path.read_bytes())
    return summed.hexdigest()


def frame_of(model: PageModel, assets: Assets) -> str:
    """Return the digest of what every archive file shows besides its own incidents."""
    return _digest(
        _FORM,
        _templates_digest(),
        assets.revision,
        (model.page.name, model.page.url, model.page.time_zone),
        sorted((component.id, component.name) for component in model.components),
    )


def find_work(model: PageModel, publication: Publication, assets: Assets) -> ArchiveWork:
    """Return the archive files to write. Called inside the model's snapshot; at most 9 queries."""
    frame = frame_of(model, assets)
    cursor = publication.archive_cursor
    if frame != publication.archive_frame:
        newest = Incident.objects.filter(page=publication.pk).order_by("-pk").values("pk").first()
        cursor = newest["pk"] + 1 if newest else 0
    walked: list[int] = []
    if cursor:
        older = Incident.objects.filter(page=publication.pk, pk__lt=cursor).order_by("-pk")
        walked = list(older.values_list("pk", flat=True)[:_WALK])
    work = ArchiveWork(frame=frame, cursor=walked[-1] if len(walked) == _WALK else 0)
    others, gone = _other_incidents(model, publication, walked)
    incidents = {facts.id: facts for facts in (*model.incidents, *others)}
    known = _known(publication, incidents, gone)
    months = {
        month.key
        for month in model.months
        if f"history/{month.key}" not in known and month.key < _present_month(model)
    }
    months = set(sorted(months, reverse=True)[:_NEW_MONTHS])
    for facts in incidents.values():
        key, digest = f"incidents/{facts.id}", _digest(frame, facts)
        if known.get(key) != digest:
            work.add(key, html.incident_page(model.page, facts, assets), digest)
            months.add(_month_of(facts.started_at, model))
    for row in gone:
        key = f"incidents/{row.public_id}"
        if known.get(key):
            work.add(key, b"", "")
            months.add(_month_of(row.started_at, model))
    closed = {key for key in months if key < _present_month(model)}
    _add_months(work, closed, publication.pk, model, assets)
    return work


def _other_incidents(
    model: PageModel, publication: Publication, walked: Iterable[int]
) -> tuple[list[IncidentFacts], list[Incident]]:
    """Return further incidents to look at, and those that are archived."""
    since = (publication.checked_at or model.at) - _LOOK_BACK
    rows = list(
        Incident.objects.filter(page=publication.pk)
        .filter(Q(updated_at__gte=since) | Q(archived_at__gte=since) | Q(pk__in=list(walked)))
        .order_by("pk")
    )
    shown = {facts.id for facts in model.incidents}
    others = [row for row in rows if not row.is_archived and row.public_id not in shown]
    gone = [row for row in rows if row.is_archived]
    return list(facts_of(publication.pk, others).values()), gone


def _known(
    publication: Publication, incidents: Iterable[str], gone: Iterable[Incident]
) -> dict[str, str]:
    """Return {key: digest} of the files that were written: of these incidents, and of all months."""
    keys = [f"incidents/{public_id}" for public_id in incidents]
    keys += [f"incidents/{row.public_id}" for row in gone]
    rows = ArchiveFile.objects.filter(publication=publication).filter(
        Q(path__in=keys) | Q(path__startswith="history/")
    )
    return dict(rows.values_list("path", "digest"))


def _add_months(
    work: ArchiveWork, keys: set[str], page_pk: int, model: PageModel, assets: Assets
) -> None:
    if not keys:
        return
    began = Q()
    for key in keys:
        first, following = month_bounds(key, model.zone)
        began |= Q(started_at__gte=first, started_at__lt=following)
    by_month: dict[str, list[IncidentFacts]] = defaultdict(list)
    for facts in facts_of(page_pk, incidents_of(page_pk).filter(began)).values():
        by_month[_month_of(facts.started_at, model)].append(facts)
    for key in keys:
        content = html.month_page(model.page, key, by_month[key], assets)
        work.add(f"history/{key}", content, _digest(work.frame, by_month[key]))


def _month_of(at: datetime, model: PageModel) -> str:
    return f"{at.astimezone(model.zone):%Y-%m}"


def _present_month(model: PageModel) -> str:
    return _month_of(model.at, model)


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()
