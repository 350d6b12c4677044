"""Changes of metrics. Their points are written in measurements.py."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Max

from apps.core.actors import Actor
from apps.core.editing import archive_row, create_row, edit_row, live_row
from apps.pages.models import Metric, Page
from apps.pages.services.announcing import announce


class MetricFields(TypedDict, total=False):
    name: str
    unit: str
    position: int
    hidden: bool


@transaction.atomic
def create_metric(
    *,
    page_id: int,
    name: str,
    unit: str = "",
    position: int | None = None,
    hidden: bool = False,
    actor: Actor,
    at: datetime,
) -> Metric:
    """Create a metric on a page, after the others unless a position is given."""
    page = live_row(Page, page_id)
    last = Metric.objects.live().filter(page=page).aggregate(last=Max("position"))["last"] or 0
    metric = Metric(
        page=page,
        name=name,
        unit=unit,
        position=position or last + 1,
        hidden=hidden,
        created_at=at,
        updated_at=at,
    )
    create_row(metric, action="metric.created", actor=actor, at=at)
    announce(at=at, page_ids=[page.pk], metrics=[metric])
    return metric


@transaction.atomic
def update_metric(
    *, metric_id: int, actor: Actor, at: datetime, **fields: Unpack[MetricFields]
) -> Metric:
    """Change the given fields. A metric stays on its page."""
    metric = live_row(Metric, metric_id, lock=True)
    if edit_row(metric, fields, action="metric.updated", actor=actor, at=at):
        announce(at=at, page_ids=[metric.page_id], metrics=[metric])
    return metric


@transaction.atomic
def archive_metric(*, metric_id: int, actor: Actor, at: datetime) -> Metric:
    """Archive a metric; its points stay."""
    metric = live_row(Metric, metric_id, lock=True)
    archive_row(metric, action="metric.archived", actor=actor, at=at)
    announce(at=at, page_ids=[metric.page_id], metrics=[metric])
    return metric
