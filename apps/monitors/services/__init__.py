"""Every change of a monitor, its schedules and its outages."""

from apps.monitors.services.bulk import (
    pause_monitors,
    resume_monitors,
    run_monitors_now,
    tag_monitors,
    untag_monitors,
)
from apps.monitors.services.definitions import create_monitor, update_monitor
from apps.monitors.services.lifecycle import (
    archive_monitor,
    pause_monitor,
    resume_monitor,
    run_now,
)
from apps.monitors.services.locations import archive_location, create_location, update_location
from apps.monitors.services.outages import settle_outages
from apps.monitors.services.trials import note_trial

__all__ = [
    "archive_location",
    "archive_monitor",
    "create_location",
    "create_monitor",
    "note_trial",
    "pause_monitor",
    "pause_monitors",
    "resume_monitor",
    "resume_monitors",
    "run_monitors_now",
    "run_now",
    "settle_outages",
    "tag_monitors",
    "untag_monitors",
    "update_location",
    "update_monitor",
]
