"""Let go of what was tried long ago. Deliveries stay; of each, that it arrived or was given up is in its own row."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from apps.integrations.models import Delivery, DeliveryAttempt

ATTEMPTS_KEPT = timedelta(days=90)
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
