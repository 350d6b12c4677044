"""Reading pages: live rows by their public ids, and why a component is red."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.pages.models import (
    Component,
    ComponentGroup,
    Metric,
    Page,
    StatusContribution,
)
from apps.pages.status import Derived, Opinion, derive


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
