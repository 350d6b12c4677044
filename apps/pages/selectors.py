"""Reading pages: live rows by their public ids, why a component is red, and what uptime is made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.core.errors import NotFound
from apps.pages.models import (
    Component,
    ComponentGroup,
    MeasurementGap,
    Metric,
    Page,
    StatusContribution,
    StatusPeriod,
)
from apps.pages.status import Derived, Opinion, derive
from apps.pages.uptime import Interval, Span


def live_pages() -> QuerySet[Page]:
    pages: QuerySet[Page] = Page.objects.live()
    return pages


def live_groups() -> QuerySet[ComponentGroup]:
    """Groups with their page."""
    groups: QuerySet[ComponentGroup] = ComponentGroup.objects.live()
    return groups.select_related("page")


def live_components() -> QuerySet[Component]:
    """Components, unplaced and hidden ones too, with their page and group."""
    components: QuerySet[Component] = Component.objects.live()
    return components.select_related("page", "group")


def live_metrics() -> QuerySet[Metric]:
    """Metrics with their page."""
    metrics: QuerySet[Metric] = Metric.objects.live()
    return metrics.select_related("page")


def page(public_id: str) -> Page:
    """Return the live page. NotFound when there is none."""
    row = live_pages().filter(public_id=public_id).first()
    if row is None:
        raise NotFound("not_found", "there is no such page")
    return row


def component(public_id: str) -> Component:
    """Return the live component. NotFound when there is none."""
    row = live_components().filter(public_id=public_id).first()
    if row is None:
        raise NotFound("not_found", "there is no such component")
    return row


def metric(public_id: str) -> Metric:
    """Return the live metric. NotFound when there is none."""
    row = live_metrics().filter(public_id=public_id).first()
    if row is None:
        raise NotFound("not_found", "there is no such metric")
    return row


def explain(component_id: int) -> Derived:
    """Return the status that the present contributions make, and the part of each: why is this red?"""
    return derive(
        Opinion(row.source, row.key, row.status, row.muted, row.label)
        for row in StatusContribution.objects.filter(component=component_id).order_by("pk")
    )


@dataclass(slots=True)
class Timeline:
    """A component's periods and gaps, in order: what uptime.py reckons with."""

    spans: list[Span] = field(default_factory=list)
    gaps: list[Interval] = field(default_factory=list)


def timelines(component_ids: Collection[int], *, since: datetime) -> dict[int, Timeline]:
    """Return {component id: timeline} of what ended after `since`, in two queries."""
    found = {component_id: Timeline() for component_id in component_ids}
    periods = StatusPeriod.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=since), component__in=component_ids
    ).order_by("started_at", "pk")
    for period in periods:
        found[period.component_id].spans.append(
            Span(period.status, period.started_at, period.ended_at, period.spoken)
        )
    gaps = MeasurementGap.objects.filter(component__in=component_ids, ended_at__gt=since)
    for gap in gaps.order_by("started_at", "pk"):
        found[gap.component_id].gaps.append(Interval(gap.started_at, gap.ended_at))
    return found
