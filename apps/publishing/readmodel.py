"""What is known publicly of a page at one instant. Frozen values with allow-listed fields only.

Everything that is published is made from these and from nothing else: a field that is not here cannot
leak. Hidden components are not in it, nor is who or what stood behind an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from apps.incidents import impact
from apps.incidents.models import MaintenanceStatus
from apps.pages.status import worst
from apps.publishing.page_status import PageStatus, page_status
from apps.publishing.times import zone_of

POSTMORTEM = "postmortem"
"""The wire's status of an incident whose post-mortem is published."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """`url` is the canonical address, without a slash at its end."""

    id: str
    slug: str
    name: str
    description: str
    url: str
    time_zone: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DayFacts:
    """A calendar day in the page's zone, in seconds of each status.

    `level` is operational, maintenance, degraded, partial or major, or no_data for a day before the
    component's start or without any measurement. `corrections` are staff's reasons for changing the day.
    """

    day: date
    level: str
    operational_s: float = 0.0
    partial_s: float = 0.0
    major_s: float = 0.0
    degraded_s: float = 0.0
    maintenance_s: float = 0.0
    unmeasured_s: float = 0.0
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UptimeFacts:
    """The last 90 days, oldest first. `percentage` is None when nothing was measured.

    `earlier` are the days before them that belong to the months which the uptime page shows at once.
    """

    percentage: float | None
    days: tuple[DayFacts, ...]
    earlier: tuple[DayFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """`position` counts from 1 inside its level. `uptime` is None where bars are not shown."""

    id: str
    name: str
    status: str
    created_at: datetime
    updated_at: datetime
    position: int
    description: str
    showcase: bool
    start_date: date | None
    group_id: str | None
    only_show_if_degraded: bool
    uptime: UptimeFacts | None = None


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group with at least one visible component; they are in their order."""

    id: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime
    position: int
    components: tuple[ComponentFacts, ...]

    @property
    def status(self) -> str:
        return worst(component.status for component in self.components)


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A component's status before and after an update."""

    component_id: str
    name: str
    old_status: str
    new_status: str


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """One update. `body` is its Markdown. A post-mortem is one too, with the status `postmortem`."""

    id: str
    status: str
    body: str
    created_at: datetime
    updated_at: datetime
    display_at: datetime
    deliver_notifications: bool
    changes: tuple[ChangeFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """An incident with its updates, newest first, never empty.

    `number` is shared with maintenances, for feeds. `status` is an incident's or `postmortem`. `started_at` is the
    start as shown, `recorded_at` when the record was made. `affected` are (id, name) of the components that it
    affected, in their order; `merged_into` is (id, name) of the incident that stands for this one.
    """

    id: str
    number: int
    name: str
    status: str
    impact: str
    started_at: datetime
    recorded_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    updates: tuple[UpdateFacts, ...]
    affected: tuple[tuple[str, str], ...] = ()
    merged_into: tuple[str, str] | None = None

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def told_at(self) -> datetime | None:
        """When it began: where the history tells of it."""
        return self.started_at

    @property
    def ended_at(self) -> datetime | None:
        return self.resolved_at


@dataclass(frozen=True, slots=True)
class MaintenanceFacts:
    """Planned work with its updates, newest first, never empty.

    `number` and `affected` as an incident's. `announced_at` is when the record was made; `started_at`,
    `verifying_at` and `completed_at` are what came true of the plan. A cancelled one is completed.
    """

    id: str
    number: int
    name: str
    status: str
    is_cancelled: bool
    announced_at: datetime
    updated_at: datetime
    scheduled_for: datetime
    scheduled_until: datetime
    started_at: datetime | None
    verifying_at: datetime | None
    completed_at: datetime | None
    updates: tuple[UpdateFacts, ...]
    affected: tuple[tuple[str, str], ...] = ()

    @property
    def is_open(self) -> bool:
        return self.completed_at is None

    @property
    def is_upcoming(self) -> bool:
        return self.status == MaintenanceStatus.SCHEDULED

    @property
    def is_active(self) -> bool:
        return self.is_open and not self.is_upcoming

    @property
    def told_at(self) -> datetime | None:
        """When it began, or was called off: where the history tells of it. None while it is not over."""
        return None if self.is_open else self.started_at or self.completed_at

    @property
    def ended_at(self) -> datetime | None:
        return self.completed_at


EventFacts = IncidentFacts | MaintenanceFacts


@dataclass(frozen=True, slots=True)
class PointFacts:
    """The mean of some values, measured in the stretch from `at`: five minutes, an hour or four."""

    at: datetime
    value: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """A metric with its past 24 hours, week and 30 days, each oldest first."""

    id: str
    name: str
    unit: str
    day: tuple[PointFacts, ...]
    week: tuple[PointFacts, ...] = ()
    month: tuple[PointFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """A closed month in the page's zone, and how many began in it."""

    year: int
    month: int
    incidents: int
    maintenances: int = 0

    @property
    def key(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class PageModel:
    """A page at `at` (aware UTC), as one read snapshot has it; `seq` is what had been asked for by then.

    `top_level` are ungrouped components and groups in page order. `incidents` and `maintenances` are newest
    first by their start and by their announcement: every open one, the 50 newest, and those of the past days
    and of the current month. `months` are the archive's, newest first; `history_parts` are the present
    quarter's closed months as `/history.json` has them, by key. `told_from` is set where there were too many
    incidents of late to hold: of those that began before it some are missing.
    """

    seq: int
    at: datetime
    page: PageFacts
    top_level: tuple[ComponentFacts | GroupFacts, ...]
    incidents: tuple[IncidentFacts, ...]
    metrics: tuple[MetricFacts, ...] = ()
    months: tuple[MonthFacts, ...] = ()
    maintenances: tuple[MaintenanceFacts, ...] = ()
    history_parts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    told_from: datetime | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        return zone_of(self.page.time_zone)

    @cached_property
    def groups(self) -> tuple[GroupFacts, ...]:
        return tuple(entry for entry in self.top_level if isinstance(entry, GroupFacts))

    @cached_property
    def components(self) -> tuple[ComponentFacts, ...]:
        """Every component, level by level in page order."""
        found: list[ComponentFacts] = []
        for entry in self.top_level:
            if isinstance(entry, GroupFacts):
                found.extend(entry.components)
            else:
                found.append(entry)
        return tuple(found)

    @cached_property
    def events(self) -> tuple[EventFacts, ...]:
        return (*self.incidents, *self.maintenances)

    @cached_property
    def open_incidents(self) -> tuple[IncidentFacts, ...]:
        return tuple(incident for incident in self.incidents if incident.is_open)

    @cached_property
    def active_maintenances(self) -> tuple[MaintenanceFacts, ...]:
        return tuple(one for one in self.maintenances if one.is_active)

    @cached_property
    def upcoming_maintenances(self) -> tuple[MaintenanceFacts, ...]:
        """Those announced, the last announced first."""
        return tuple(one for one in self.maintenances if one.is_upcoming)

    @cached_property
    def status(self) -> PageStatus:
        impacts = [incident.impact for incident in self.open_incidents]
        impacts += [impact.MAINTENANCE for _ in self.active_maintenances]
        return page_status([component.status for component in self.components], impacts)
