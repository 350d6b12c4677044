"""The one screen on which what readers are told is written: now, later, or for a second person to approve."""

from __future__ import annotations

from apps.incidents.admin.compose.choosing import compose_on_page, page_or_choice
from apps.incidents.admin.compose.incidents import IncidentUpdate, NewIncident
from apps.incidents.admin.compose.maintenance import MaintenanceUpdate, NewMaintenance
from apps.incidents.admin.compose.screen import Composer, compose

__all__ = [
    "Composer",
    "IncidentUpdate",
    "MaintenanceUpdate",
    "NewIncident",
    "NewMaintenance",
    "compose",
    "compose_on_page",
    "page_or_choice",
]
