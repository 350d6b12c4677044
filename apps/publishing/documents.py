"""The JSON documents of a page (contract statuspage-public-v2, sections 2 and 3). Pure.

Keys and their order are the contract's; times are in the page's zone with three decimals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.incidents import impact
from apps.incidents.models import IncidentStatus
from apps.publishing.readmodel import (
    ComponentFacts,
    EventFacts,
    GroupFacts,
    IncidentFacts,
    MaintenanceFacts,
    PageModel,
    UpdateFacts,
)
from apps.publishing.times import wire_time, wire_time_or_none, wire_zone

NEWEST = 50


def documents(model: PageModel) -> dict[str, bytes]:
    """Return each document's path below the page with its bytes."""
    writer = Writer(model)
    page, status = writer.page(), writer.status()
    components = writer.components()
    open_incidents = [writer.incident(one) for one in model.open_incidents]
    newest = [writer.incident(one) for one in model.incidents[:NEWEST]]
    unfinished = [writer.maintenance(one) for one in model.maintenances if one.is_open]
    contents: dict[str, dict[str, Any]] = {
        "summary": {
            "page": page,
            "components": components,
            "incidents": open_incidents,
            "scheduled_maintenances": unfinished,
            "status": status,
        },
        "status": {"page": page, "status": status},
        "components": {"page": page, "components": components},
        "incidents": {"page": page, "incidents": newest},
        "incidents/unresolved": {"page": page, "incidents": open_incidents},
        "scheduled-maintenances": {
            "page": page,
            "scheduled_maintenances": [
                writer.maintenance(one) for one in model.maintenances[:NEWEST]
            ],
        },
        "scheduled-maintenances/upcoming": {
            "page": page,
            "scheduled_maintenances": [
                writer.maintenance(one) for one in model.upcoming_maintenances
            ],
        },
        "scheduled-maintenances/active": {
            "page": page,
            "scheduled_maintenances": [
                writer.maintenance(one) for one in model.active_maintenances
            ],
        },
    }
    return {f"api/v2/{name}.json": encoded(content) for name, content in contents.items()}


def event_url(page_url: str, event_id: str) -> str:
    """Return an incident's or a maintenance's own absolute address."""
    return f"{page_url}/incidents/{event_id}"


def encoded(content: dict[str, Any]) -> bytes:
    """Return a document's bytes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class Writer:
    """Writes the parts of one page's documents."""

    def __init__(self, model: PageModel) -> None:
        self.model = model
        self.zone: ZoneInfo = model.zone
        self.component_objects = {
            component.id: self._component(component) for component in model.components
        }

    def time(self, at: datetime) -> str:
        return wire_time(at, self.zone)

    def page(self) -> dict[str, Any]:
        page = self.model.page
        return {
            "id": page.id,
            "name": page.name,
            "url": page.url,
            "time_zone": wire_zone(page.time_zone),
            "updated_at": self.time(page.updated_at),
        }

    def status(self) -> dict[str, Any]:
        status = self.model.status
        return {"indicator": status.indicator, "description": status.description}

    def components(self) -> list[dict[str, Any]]:
        """Return groups and components as one flat list: by position, ties by name."""
        entries = [self._group(group) for group in self.model.groups]
        entries += self.component_objects.values()
        return sorted(
            entries, key=lambda entry: (entry["position"], entry["name"], not entry["group"])
        )

    def _component(self, component: ComponentFacts) -> dict[str, Any]:
        return {
            "id": component.id,
            "name": component.name,
            "status": component.status,
            "created_at": self.time(component.created_at),
            "updated_at": self.time(component.updated_at),
            "position": component.position,
            "description": component.description or None,
            "showcase": component.showcase,
            "start_date": component.start_date.isoformat() if component.start_date else None,
            "group_id": component.group_id,
            "page_id": self.model.page.id,
            "group": False,
            "only_show_if_degraded": component.only_show_if_degraded,
        }

    def _group(self, group: GroupFacts) -> dict[str, Any]:
        return {
            "id": group.id,
            "name": group.name,
            "status": group.status,
            "created_at": self.time(group.created_at),
            "updated_at": self.time(group.updated_at),
            "position": group.position,
            "description": group.description or None,
            "showcase": False,
            "start_date": None,
            "group_id": None,
            "page_id": self.model.page.id,
            "group": True,
            "only_show_if_degraded": False,
            "components": [component.id for component in group.components],
        }

    def event(self, event: EventFacts) -> dict[str, Any]:
        """Return an incident's or a maintenance's object."""
        if isinstance(event, IncidentFacts):
            return self.incident(event)
        return self.maintenance(event)

    def incident(self, incident: IncidentFacts) -> dict[str, Any]:
        return {
            "id": incident.id,
            "name": incident.name,
            "status": public_status(incident.status),
            "created_at": self.time(incident.started_at),
            "updated_at": self.time(incident.updated_at),
            "monitoring_at": wire_time_or_none(incident.monitoring_at, self.zone),
            "resolved_at": wire_time_or_none(incident.resolved_at, self.zone),
            "impact": incident.impact,
            "shortlink": event_url(self.model.page.url, incident.id),
            "started_at": self.time(incident.recorded_at),
            "page_id": self.model.page.id,
            "incident_updates": [
                self._update(update, incident.id, public_status(update.status))
                for update in _by_creation(incident.updates)
            ],
            "components": self.present_components(incident),
            "reminder_intervals": None,
        }

    def maintenance(self, maintenance: MaintenanceFacts) -> dict[str, Any]:
        announced_at = self.time(maintenance.announced_at)
        return {
            "id": maintenance.id,
            "name": maintenance.name,
            "status": maintenance.status,
            "created_at": announced_at,
            "updated_at": self.time(maintenance.updated_at),
            "monitoring_at": wire_time_or_none(maintenance.verifying_at, self.zone),
            "resolved_at": wire_time_or_none(maintenance.completed_at, self.zone),
            "impact": impact.MAINTENANCE,
            "shortlink": event_url(self.model.page.url, maintenance.id),
            "started_at": announced_at,
            "page_id": self.model.page.id,
            "incident_updates": [
                self._update(update, maintenance.id, update.status)
                for update in _by_creation(maintenance.updates)
            ],
            "components": self.present_components(maintenance),
            "scheduled_for": self.time(maintenance.scheduled_for),
            "scheduled_until": self.time(maintenance.scheduled_until),
        }

    def present_components(self, event: EventFacts) -> list[dict[str, Any]]:
        """Return what it affects as it is now; a component that has left the page has no present state."""
        return [
            self.component_objects[component_id]
            for component_id, _ in event.affected
            if component_id in self.component_objects
        ]

    def _update(self, update: UpdateFacts, event_id: str, status: str) -> dict[str, Any]:
        return {
            "id": update.id,
            "status": status,
            "body": update.body,
            "incident_id": event_id,
            "created_at": self.time(update.created_at),
            "updated_at": self.time(update.updated_at),
            "display_at": self.time(update.display_at),
            "affected_components": [
                {
                    "code": change.component_id,
                    "name": change.name,
                    "old_status": change.old_status,
                    "new_status": change.new_status,
                }
                for change in update.changes
            ]
            or None,
            "deliver_notifications": update.deliver_notifications,
            "custom_tweet": None,
            "tweet_id": None,
        }


def public_status(status: str) -> str:
    """Return an incident's status in the words that readers know: our in_progress is their identified."""
    return IncidentStatus.IDENTIFIED.value if status == IncidentStatus.IN_PROGRESS else status


def _by_creation(updates: Iterable[UpdateFacts]) -> list[UpdateFacts]:
    """Return them newest first by their creation, as readers expect, also where the clock was set back between."""
    return sorted(updates, key=lambda update: update.created_at, reverse=True)
