"""What happens on a page: incidents, maintenance, and the texts prepared for them."""

from __future__ import annotations

from apps.incidents.models.drafts import Draft
from apps.incidents.models.incidents import (
    EventNumber,
    Impact,
    Incident,
    IncidentComponent,
    IncidentStatus,
    IncidentUpdate,
    Postmortem,
    UpdateComponent,
)
from apps.incidents.models.maintenance import (
    Maintenance,
    MaintenanceComponent,
    MaintenanceStatus,
    MaintenanceUpdate,
    MaintenanceUpdateComponent,
)
from apps.incidents.models.series import MaintenanceSeries
from apps.incidents.models.templates import IncidentTemplate

__all__ = [
    "Draft",
    "EventNumber",
    "Impact",
    "Incident",
    "IncidentComponent",
    "IncidentStatus",
    "IncidentTemplate",
    "IncidentUpdate",
    "Maintenance",
    "MaintenanceComponent",
    "MaintenanceSeries",
    "MaintenanceStatus",
    "MaintenanceUpdate",
    "MaintenanceUpdateComponent",
    "Postmortem",
    "UpdateComponent",
]
