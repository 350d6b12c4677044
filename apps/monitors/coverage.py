"""When monitors measured and when not, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from apps.monitors.models import Schedule, UnmeasuredStretch
from apps.monitors.stretches import Stretch, common


def unmeasured_stretches(
    *, monitor_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, list[Stretch]]:
    """Return {monitor id: when it was measured at none of its locations} within [since, until), sorted.

    A location at which the monitor does not run now (taken off, paused, removed) has measured nothing since its last
    run there, and one at which it has not run yet nothing before its first slot. So has a monitor without locations.
    """
    noted: dict[int, list[Stretch]] = defaultdict(list)
    for schedule_id, started_at, ended_at in UnmeasuredStretch.objects.filter(
        schedule__monitor__in=monitor_ids, started_at__lt=until, ended_at__gt=since
    ).values_list("schedule_id", "started_at", "ended_at"):
        noted[schedule_id].append((max(started_at, since), min(ended_at, until)))
    places: dict[int, list[list[Stretch]]] = {monitor_id: [] for monitor_id in monitor_ids}
    schedules = Schedule.objects.filter(monitor__in=monitor_ids)
    for pk, monitor_id, runs, last, owed_since in schedules.values_list(
        *("pk", "monitor_id", "is_active", "last_finished_at", "owed_since")
    ):
        stretches = noted[pk]
        if not runs:
            stopped_at = max(since, last or since)
            stretches = [*stretches, (stopped_at, until)] if stopped_at < until else stretches
        elif last is None and owed_since is not None:
            stretches = [*stretches, (since, max(since, min(until, owed_since)))]
        places[monitor_id].append(stretches)
    return {
        monitor_id: common(found) if found else [(since, until)]
        for monitor_id, found in places.items()
    }
