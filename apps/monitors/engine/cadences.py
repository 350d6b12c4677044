"""When schedules are due, read for many at once."""

from __future__ import annotations

import logging
from collections.abc import Collection

from apps.monitors import slots
from apps.monitors.models import Monitor, Schedule

logger = logging.getLogger(__name__)


def cadences_of(rows: Collection[Schedule]) -> dict[int, slots.Cadence | None]:
    """Return {schedule id: cadence}, None for a crontab that cannot be read."""
    of_monitors = {row.monitor_id for row in rows if row.interval_s is None}
    found: dict[int, slots.Cadence | None] = {}
    crontabs = Monitor.objects.filter(pk__in=of_monitors) if of_monitors else Monitor.objects.none()
    for monitor_id, *crontab in crontabs.values_list("pk", "crontab", "crontab_time_zone"):
        try:
            found[monitor_id] = slots.by_crontab(*crontab)
        except ValueError as error:
            logger.error("a crontab cannot be read monitor=%s error=%s", monitor_id, error)  # noqa: TRY400 -- it says all
    return {
        row.pk: found.get(row.monitor_id) if row.interval_s is None else slots.Every(row.interval_s)
        for row in rows
    }
