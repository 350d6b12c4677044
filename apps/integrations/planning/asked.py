"""Plan anew what changes of components ask for, in transactions of its own after theirs.

Whoever changes a component holds its lock, which comes after monitors' states and streams in the order of
locks: from there nothing is planned. It is asked for in a row, and worked off with the states locked first. So a
maintenance that ends while an outage opens either was seen by the outage, or asks and then sees the outage.
"""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from apps.core import pump
from apps.integrations.models import Integration, Replan
from apps.integrations.planning.plan import plan_integrations
from apps.integrations.planning.streams import JOB
from apps.monitors.services.outages import lock_states

logger = logging.getLogger(__name__)

BATCH = 500


def ask(*, integration_ids: Collection[int], at: datetime) -> None:
    """Ask for these integrations to be planned once this transaction has committed."""
    if not integration_ids:
        return
    Replan.objects.bulk_create(Replan(integration_id=pk, at=at) for pk in sorted(integration_ids))
    pump.wake_on_commit(JOB)


def plan_asked(*, until: float = math.inf) -> bool:
    """Plan what was asked for, until the monotonic clock says `until`; return whether nothing was left for want of time.

    Twice, or at once in two processes, is harmless: wishes are compared. What cannot be planned stays for the
    sweep, and keeps no other from being planned or delivered.
    """
    after = 0
    while rows := list(Replan.objects.filter(pk__gt=after).order_by("pk")[:BATCH]):
        asked: dict[datetime, list[Replan]] = defaultdict(list)
        for row in rows:
            asked[row.at].append(row)
        for at in sorted(asked):
            if time.monotonic() >= until:
                return False
            _try(asked[at], at)
        after = rows[-1].pk
    return True


def _try(rows: Sequence[Replan], at: datetime) -> None:
    """Plan these together; where that fails, each on its own."""
    try:
        _plan_together(rows, at)
    except (OperationalError, InterfaceError):
        # The database itself is in trouble: no integration's fault.
        raise
    except Exception:
        logger.exception("not planned integrations=%s", [row.integration_id for row in rows])
        if len(rows) > 1:
            for row in rows:
                _try([row], at)


@transaction.atomic
def _plan_together(rows: Sequence[Replan], at: datetime) -> None:
    """Plan what was asked for by one change. A transaction makes one plan: two would mix up the order of locks."""
    integration_ids = {row.integration_id for row in rows}
    _lock(integration_ids)
    plan_integrations(integration_ids=integration_ids, at=at)
    Replan.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _lock(integration_ids: set[int]) -> None:
    """Lock the states of the integrations' monitors; once more if one was turned to another monitor meanwhile."""
    rows = Integration.objects.filter(pk__in=integration_ids)
    locked: set[int] = set()
    while wanted := set(rows.values_list("monitor_id", flat=True)) - locked:
        lock_states(wanted)
        locked |= wanted
