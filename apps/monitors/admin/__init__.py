"""Monitors, where they run from, their runs and outages."""

from apps.monitors.admin.locations import LocationAdmin
from apps.monitors.admin.monitors import MonitorAdmin
from apps.monitors.admin.outages import OutageAdmin

__all__ = ["LocationAdmin", "MonitorAdmin", "OutageAdmin"]
