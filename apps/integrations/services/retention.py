"""Let go of what was tried long ago. Of each delivery, that it arrived or was given up is in its own row.

Deliveries are the history of components and incidents and stay, but for those of metrics: one a minute of points.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from apps.integrations.models import Delivery, DeliveryAttempt, DeliveryStream

ATTEMPTS_KEPT = timedelta(days=90)
METRICS_KEPT = timedelta(days=7)
_ROWS_AT_ONCE = 1000


def remove_old_attempts(*, at: datetime, budget_s: float = 60.0) -> int:
    """Remove the attempts older than ninety days at `at` of settled deliveries; return how many.

    Attempts are written in the order of their keys, so those that go come first: the work is what is to be
    removed, not what there is. Each statement is its own transaction. Twice, or stopped after `budget_s`, is harmless.
    """
    deadline = time.monotonic() + budget_s
    removed = seen = 0
    while time.monotonic() < deadline:
        rows = list(
            DeliveryAttempt.objects.filter(pk__gt=seen)
            .order_by("pk")
            .values_list("pk", "at", "delivery__state")[:_ROWS_AT_ONCE]
        )
        old = [row for row in rows if row[1] < at - ATTEMPTS_KEPT]
        going = [pk for pk, _, state in old if state != Delivery.State.PENDING]
        if going:
            removed += DeliveryAttempt.objects.filter(pk__in=going).delete()[0]
        if not old or len(old) < len(rows) or len(rows) < _ROWS_AT_ONCE:
            break
        seen = rows[-1][0]
        time.sleep(0.02)
    return removed


def remove_old_metric_deliveries(*, at: datetime, budget_s: float = 60.0) -> int:
    """Remove metrics' deliveries settled more than a week before `at`, with their attempts; return how many.

    A stream's deliveries settle in their order, so the oldest are looked at until one stays: the work is what is
    to be removed. One with a replay goes after it. Twice, or stopped after `budget_s`, is harmless.
    """
    deadline = time.monotonic() + budget_s
    removed = 0
    kind = DeliveryStream.Kind.METRIC
    for stream_id in DeliveryStream.objects.filter(kind=kind).values_list("pk", flat=True):
        while time.monotonic() < deadline:
            rows = list(
                Delivery.objects.filter(stream=stream_id, replays__isnull=True)
                .order_by("sequence")
                .values_list("pk", "settled_at")[:_ROWS_AT_ONCE]
            )
            before = at - METRICS_KEPT
            going = [pk for pk, settled_at in rows if settled_at and settled_at < before]
            if going:
                Delivery.objects.filter(pk__in=going).delete()
                removed += len(going)
            if not going or len(rows) < _ROWS_AT_ONCE:
                break
            time.sleep(0.02)
    return removed
