"""Kinds of checks. Pure: no ORM, no settings, no clock; see `base` for the seam with the engine."""

from apps.monitors.checkers.base import (
    Checker,
    CheckOutcome,
    Done,
    Result,
    Send,
    Session,
    Step,
)
from apps.monitors.checkers.registry import CHECKERS, get_checker
from apps.monitors.checkers.spec import (
    UNSET,
    AssertionSpec,
    AuthSpec,
    ExtractionSpec,
    MonitorSpec,
    RequestSpec,
    Unset,
)

__all__ = [
    "CHECKERS",
    "UNSET",
    "AssertionSpec",
    "AuthSpec",
    "CheckOutcome",
    "Checker",
    "Done",
    "ExtractionSpec",
    "MonitorSpec",
    "RequestSpec",
    "Result",
    "Send",
    "Session",
    "Step",
    "Unset",
    "get_checker",
]
