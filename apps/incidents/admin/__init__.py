"""Screens of incidents and maintenance, and of the texts prepared for them."""

from __future__ import annotations

from apps.incidents.admin import component_knowledge
from apps.incidents.admin.drafts import DraftAdmin
from apps.incidents.admin.incidents import IncidentAdmin
from apps.incidents.admin.maintenance import MaintenanceAdmin
from apps.incidents.admin.series import MaintenanceSeriesAdmin
from apps.incidents.admin.templates import IncidentTemplateAdmin

__all__ = [
    "DraftAdmin",
    "IncidentAdmin",
    "IncidentTemplateAdmin",
    "MaintenanceAdmin",
    "MaintenanceSeriesAdmin",
    "component_knowledge",
]
