"""Monitors, when and where they run, and what came of it."""

from __future__ import annotations

from apps.monitors.models.certificates import Certificate
from apps.monitors.models.locations import Location, LocationState
from apps.monitors.models.monitors import Assertion, Extraction, Monitor, MonitorRequest
from apps.monitors.models.outages import MonitorState, Outage
from apps.monitors.models.pulse import EngineMinute
from apps.monitors.models.rollups import LateRun, RunDay, RunHour, RunProgress, RunRollup
from apps.monitors.models.runs import LatestPass, Run, RunDetail
from apps.monitors.models.schedules import Schedule, UnmeasuredStretch

__all__ = [
    "Assertion",
    "Certificate",
    "EngineMinute",
    "Extraction",
    "LateRun",
    "LatestPass",
    "Location",
    "LocationState",
    "Monitor",
    "MonitorRequest",
    "MonitorState",
    "Outage",
    "Run",
    "RunDay",
    "RunDetail",
    "RunHour",
    "RunProgress",
    "RunRollup",
    "Schedule",
    "UnmeasuredStretch",
]
