"""Reading maintenance."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.incidents.models import Maintenance


def live_maintenances() -> QuerySet[Maintenance]:
    """Maintenances, to come and over, latest start first, with their page."""
    maintenances: QuerySet[Maintenance] = Maintenance.objects.live()
    return maintenances.select_related("page")


def unfinished_maintenances() -> QuerySet[Maintenance]:
    """Maintenances that are in progress or to come, in the order of their starts."""
    return live_maintenances().filter(completed_at__isnull=True).order_by("scheduled_for", "pk")
