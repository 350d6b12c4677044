"""Building a page's read model: a constant number of queries in one read snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.pages import uptime
from apps.pages.day_selectors import DayReader
from apps.pages.metric_selectors import Grain, SeriesReader
from apps.pages.models import Component, ComponentGroup, Metric, Page
from apps.publishing.charts import DAY, PERIODS
from apps.publishing.event_views import PAST_DAYS
from apps.publishing.incident_selectors import facts_of, shown_incidents, told_from
from apps.publishing.kept import Kept
from apps.publishing.maintenance_selectors import maintenance_facts_of, shown_maintenances
from apps.publishing.months import month_bounds, month_of
from apps.publishing.readmodel import (
    ComponentFacts,
    DayFacts,
    GroupFacts,
    MetricFacts,
    PageFacts,
    PageModel,
    PointFacts,
    UptimeFacts,
)
from apps.publishing.times import zone_of
from apps.publishing.uptime_facts import (
    SHOWN_MONTHS,
    day_facts,
    months_back,
    summed,
    uptime_of,
)

UPTIME_DAYS = 90

_days = DayReader(day_facts)
# Of each component's days that are over; some 1 kB each.
_sums: Kept[uptime.Tally] = Kept(4 * 2**20, lambda _: 1_200)
_series = SeriesReader(lambda sample: PointFacts(sample.at, sample.mean, sample.count))


def page_url(page: Page) -> str:
    """Return the page's canonical address: its own domain, else below PUBLIC_URL; no slash at its end."""
    if not page.domain:
        return f"{settings.PUBLIC_URL}/status/{page.slug}"
    parts = urlsplit(settings.PUBLIC_URL)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{page.domain}{port}"


def page_facts(page: Page, *, updated_at: datetime | None = None) -> PageFacts:
    return PageFacts(
        id=page.public_id,
        slug=page.slug,
        name=page.name,
        description=page.description,
        url=page_url(page),
        time_zone=page.time_zone,
        updated_at=updated_at or page.updated_at,
    )


def read_page(page_id: int, *, at: datetime) -> PageModel:
    """Return what is public of the live page at `at`; Page.DoesNotExist when there is none.

    Called inside `read_snapshot()`, so that all of it is of one instant.
    """
    page = Page.objects.live().select_related("publication").get(pk=page_id)
    zone = zone_of(page.time_zone)
    since = told_since(at, zone)
    groups = list(ComponentGroup.objects.live().filter(page=page_id))
    components = list(Component.objects.live().filter(page=page_id, hidden=False))
    uptimes = uptimes_of(components, at=at, zone=zone)
    shown = shown_incidents(page_id, since=since)
    incidents = tuple(facts_of(page_id, shown).values())
    maintenances = tuple(
        maintenance_facts_of(page_id, shown_maintenances(page_id, since=since)).values()
    )
    changed = [row.updated_at for row in (page, *groups, *components, *incidents, *maintenances)]
    return PageModel(
        seq=page.publication.requested_seq,
        at=at,
        page=page_facts(page, updated_at=max(changed)),
        top_level=top_level_of(groups, components, uptimes),
        incidents=incidents,
        metrics=metrics_of(list(Metric.objects.live().filter(page=page_id, hidden=False)), at=at),
        maintenances=maintenances,
        told_from=told_from(shown, since=since),
    )


def told_since(at: datetime, zone: ZoneInfo) -> datetime:
    """Return from when on a version tells of every event: the past days and the present month."""
    today = at.astimezone(zone).date()
    return min(
        uptime.day_start(today - timedelta(days=PAST_DAYS - 1), zone),
        month_bounds(month_of(at, zone), zone)[0],
    )


def top_level_of(
    groups: Sequence[ComponentGroup],
    components: Sequence[Component],
    uptimes: dict[int, UptimeFacts],
) -> tuple[ComponentFacts | GroupFacts, ...]:
    """Return what stands on the page's first level, with positions counted anew from 1 on each level.

    A hidden component leaves no hole in the numbers, and a group without visible components is not shown.
    """
    members: dict[int | None, list[Component]] = defaultdict(list)
    for component in sorted(components, key=lambda one: (one.position, one.name, one.pk)):
        members[component.group_id].append(component)
    entries: list[Component | ComponentGroup] = [
        *members.pop(None, []),
        *(group for group in groups if group.pk in members),
    ]
    top_level: list[ComponentFacts | GroupFacts] = []
    for place, entry in enumerate(
        sorted(entries, key=lambda one: (one.position, one.name, one.pk)), start=1
    ):
        if isinstance(entry, Component):
            top_level.append(_component(entry, place, None, uptimes))
            continue
        top_level.append(
            GroupFacts(
                id=entry.public_id,
                name=entry.name,
                description=entry.description,
                created_at=entry.created_at,
                updated_at=entry.updated_at,
                position=place,
                components=tuple(
                    _component(one, inner, entry.public_id, uptimes)
                    for inner, one in enumerate(members[entry.pk], start=1)
                ),
            )
        )
    return tuple(top_level)


def _component(
    row: Component, position: int, group_id: str | None, uptimes: dict[int, UptimeFacts]
) -> ComponentFacts:
    return ComponentFacts(
        id=row.public_id,
        name=row.name,
        status=row.status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        position=position,
        description=row.description,
        showcase=row.showcase,
        start_date=row.start_date,
        group_id=group_id,
        only_show_if_degraded=row.only_show_if_degraded,
        uptime=uptimes.get(row.pk),
    )


def uptimes_of(
    components: Sequence[Component], *, at: datetime, zone: ZoneInfo
) -> dict[int, UptimeFacts]:
    """Return {component id: its last 90 days, and what more the uptime page shows} of those with bars, in at most five queries."""
    today = at.astimezone(zone).date()
    first = min(today - timedelta(days=UPTIME_DAYS - 1), months_back(today, SHOWN_MONTHS - 1))
    showcased = [component for component in components if component.showcase]
    found = _days.read(showcased, first=first, at=at, zone=zone)
    return {pk: _uptime(pk, days) for pk, days in found.items()}


def _uptime(component_id: int, days: Sequence[DayFacts]) -> UptimeFacts:
    shown = tuple(days[-UPTIME_DAYS:])
    closed = shown[:-1]
    # Days that are over are summed once.
    before = _sums.get(component_id, closed, lambda: summed(closed))
    return UptimeFacts(
        percentage=uptime_of(shown[-1:], before=before),
        days=shown,
        earlier=tuple(days[: -len(shown)]),
    )


def metrics_of(metrics: Sequence[Metric], *, at: datetime) -> tuple[MetricFacts, ...]:
    """Return the metrics with what their charts show, in at most four queries."""
    grains = [Grain(one.size_s, one.step_s, at - one.span, one is DAY) for one in PERIODS]
    found = _series.read({metric.pk: metric.public_id for metric in metrics}, grains, until=at)
    return tuple(
        MetricFacts(
            metric.public_id,
            metric.name,
            metric.unit,
            **{
                period.name: points.get(metric.pk, ())
                for period, points in zip(PERIODS, found, strict=True)
            },
        )
        for metric in metrics
    )
