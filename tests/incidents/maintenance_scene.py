"""A maintenance from noon plus one hour to noon plus two, made and moved through the services."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.incidents.models import Maintenance, MaintenanceUpdate
from apps.incidents.services.maintenance import create_maintenance, post_maintenance_update
from apps.pages.models import Component
from tests.factories import NOW, PERSON, PageFactory

BY = {"actor": PERSON, "at": NOW}


def hours(count: float) -> datetime:
    """Return the instant so many hours after NOW."""
    return NOW + timedelta(hours=count)


def plan(*components: Component, page=None, at: datetime = NOW, **fields) -> Maintenance:
    """Announce a maintenance of these components."""
    page = page or (components[0].page if components else PageFactory())
    values = {"name": "Upgrade", "scheduled_for": hours(1), "scheduled_until": hours(2)} | fields
    made, _ = create_maintenance(
        page_id=page.pk,
        components=[component.pk for component in components],
        **({"actor": PERSON} | values),
        at=at,
    )
    return made


def post(maintenance: Maintenance, status: str | None = None, *, at: datetime, **fields):
    """Post an update by a person; return it."""
    update: MaintenanceUpdate = post_maintenance_update(
        maintenance_id=maintenance.pk, status=status, **({"actor": PERSON} | fields), at=at
    )
    return update


def told(maintenance: Maintenance) -> list[tuple[str, datetime, bool]]:
    """Return (status, shown time, by itself) of the updates, in their order."""
    updates = maintenance.updates.order_by("sequence")
    return [(update.status, update.display_at, update.is_automated) for update in updates]


def fresh(row):
    row.refresh_from_db()
    return row
