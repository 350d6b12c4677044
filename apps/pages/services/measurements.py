"""Values of metrics, and stretches in which nobody measured. Written in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.pages.models import Component, MeasurementGap, MetricPoint
from apps.pages.services.days import forget_days


@dataclass(frozen=True, slots=True)
class Point:
    """One value. `source` is the sending link's public id, or empty."""

    metric_id: int
    at: datetime
    source: str
    value: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch, end exclusive, in which none of the component's monitors measured."""

    component_id: int
    started_at: datetime
    ended_at: datetime


def write_points(*, points: Sequence[Point]) -> None:
    """Write values in one statement (a few on SQLite, past 199). One that is there already stays as it is.

    No page is told: points ride the next publication.
    """
    MetricPoint.objects.bulk_create(
        (
            MetricPoint(
                metric_id=point.metric_id, at=point.at, source=point.source, value=point.value
            )
            for point in points
        ),
        ignore_conflicts=True,
    )


@transaction.atomic
def record_gaps(*, gaps: Sequence[Gap]) -> None:
    """Write gaps, joined with those that they touch. Twice is harmless; statements do not grow with gaps.

    No page is told: a gap is seen with the next publication, a minute later at most.
    """
    fresh = [gap for gap in gaps if gap.started_at < gap.ended_at]
    if not fresh:
        return
    ids = {gap.component_id for gap in fresh}
    # The component's row guards its gaps: two writers that touch would leave two rows for one stretch.
    list(
        Component.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk")
    )
    known = list(
        MeasurementGap.objects.filter(
            component__in=ids,
            ended_at__gte=min(gap.started_at for gap in fresh),
            started_at__lte=max(gap.ended_at for gap in fresh),
        )
    )
    stretches: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in known:
        stretches[row.component_id].append((row.started_at, row.ended_at))
    for gap in fresh:
        stretches[gap.component_id].append((gap.started_at, gap.ended_at))
    wanted = {
        (component_id, *stretch)
        for component_id, found in stretches.items()
        for stretch in joined(found)
    }
    added = [moment for gap in fresh if (moment := _added_from(gap, known)) is not None]
    if added:
        forget_days(component_ids=ids, since=min(added))
    kept = {(row.component_id, row.started_at, row.ended_at): row.pk for row in known}
    MeasurementGap.objects.filter(
        pk__in=[pk for name, pk in kept.items() if name not in wanted]
    ).delete()
    MeasurementGap.objects.bulk_create(
        MeasurementGap(component_id=component_id, started_at=started_at, ended_at=ended_at)
        for component_id, started_at, ended_at in sorted(wanted - kept.keys())
    )


def _added_from(gap: Gap, known: Sequence[MeasurementGap]) -> datetime | None:
    """Return from when on the gap says something new; None where it is known already.

    A gap that grows each minute must not have days reckoned again that it has covered for long.
    """
    since = gap.started_at
    for row in sorted(known, key=lambda one: one.started_at):
        if row.component_id == gap.component_id and row.started_at <= since < row.ended_at:
            since = row.ended_at
    return since if since < gap.ended_at else None


def joined(stretches: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return the stretches in order, those that overlap or touch made one."""
    result: list[tuple[datetime, datetime]] = []
    for started_at, ended_at in sorted(stretches):
        if result and started_at <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], ended_at))
        else:
            result.append((started_at, ended_at))
    return result
