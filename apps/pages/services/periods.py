"""Close and open status periods, so that they never overlap and exactly one is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.pages.models import Component, StatusPeriod
from apps.pages.services.days import forget_days


@dataclass(frozen=True, slots=True)
class Turn:
    """The status that a locked component comes to, and whether somebody other than a monitor says it."""

    component: Component
    status: str
    spoken: bool


def turn(turns: Sequence[Turn], *, at: datetime) -> None:
    """Bring the open periods to the new status, and set `status` and `status_since` on the components.

    A late change takes effect at the open period's start at the earliest; a period that would have no
    length is replaced in place. The number of statements does not grow with the components. Components
    are changed in memory only.
    """
    held = {
        period.component_id: period
        for period in StatusPeriod.objects.filter(
            component__in=[one.component for one in turns], ended_at__isnull=True
        )
    }
    replaced: list[StatusPeriod] = []
    opened: list[StatusPeriod] = []
    for one in turns:
        period = held.get(one.component.pk)
        if period is not None and (period.status, period.spoken) == (one.status, one.spoken):
            continue
        if period is not None and period.started_at >= at:
            period.status, period.spoken = one.status, one.spoken
            replaced.append(period)
        else:
            period = StatusPeriod(
                component=one.component, status=one.status, started_at=at, spoken=one.spoken
            )
            opened.append(period)
        if one.component.status != one.status:
            one.component.status, one.component.status_since = one.status, period.started_at
    if replaced or opened:
        # A late change may touch a day that is closed already.
        forget_days(component_ids=[one.component.pk for one in turns], since=at)
    if replaced:
        StatusPeriod.objects.bulk_update(replaced, ["status", "spoken"])
    if opened:
        StatusPeriod.objects.filter(
            component__in=[period.component for period in opened], ended_at__isnull=True
        ).update(ended_at=at)
        StatusPeriod.objects.bulk_create(opened)
